"""Days of a site with every kind of hit that has a picture, counted into the guarded views."""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from anonymizer.events import step_of
from anonymizer.hits import CleanMail, Door, Mail, VisitorKey
from anonymizer.policy import Policy
from anonymizer.policy_file import read_policy
from collector.counted import CountedHit
from collector.email.counting import MailCounter, count_delivered, count_unsubscribed
from collector.email.registry import Campaign
from collector.reference import default_policy
from collector.schema.views import columns_of
from dashboards.address.filters import Condition
from dashboards.address.periods import Period, PeriodName
from dashboards.address.selection import Selection
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.question import Question
from tests.collector.hits import SITE, Line
from tests.collector.storing import Kept

FIRST = date(2026, 3, 10)  # of a month that is over: views of events hold `OTHER` back until then
DAYS = 3
LAST = date(2026, 3, 12)
NOW = datetime(2026, 3, 13, 12)  # a site's wall clock

HOSTILE = '/<script>alert("1")</script>\'&{{ 7*7 }}'
"""A page as somebody's browser tells it."""
SECRET = "/only-two-were-here"
PAGES = ("/", "/pricing", "/docs/", "/signup", HOSTILE)
ELEMENTS = ("Buy now", "Menu", "<b onclick=alert(1)>x</b>")
WAYS = ("link", "close", "back", "reload", "outbound", "hidden")
COUNTRIES = ("DE", "US", "CN", "MT", "GF")
MEANS = {"lcp": 1500, "inp": 120, "cls": 40, "fcp": 1100, "ttfb": 330, "response": 150}

POLICY_TEXT = """\
[policy]
id = "test"
version = "1"
controller = "Example"
contact = "privacy@example.org"
extends = "default"

[[site]]
domain = "example.org"
timezone = "UTC"

[[goal]]
name = "Sign-up"
event = "Form: Submission"

[[funnel]]
name = "Buying"
steps = ["/pricing", "/signup", "Sign-up"]
"""


def make_policy() -> Policy:
    """Return the shipped default policy with a funnel."""
    return read_policy(POLICY_TEXT, default_policy())


class Days:
    """Counts visitors drawn by a seed, and remembers what was measured of them exactly."""

    def __init__(self, policy: Policy, visitors: int = 240, seed: int = 5) -> None:
        self.line = Line(policy)
        self.measured: dict[str, list[float]] = {name: [] for name in MEANS}
        self.clicked: dict[tuple[str, str], int] = {}
        self._random = random.Random(seed)
        self._steps = {each.name: each.steps for each in policy.events["Web Vitals"].properties}
        self.views: list[Sequence[CountedHit]] = []
        for day in range(DAYS):
            for number in range(visitors):
                self._visit(f"visitor {day} {number}", day, number)
            for number in range(2):
                self._look(f"secret {day} {number}", _time(day, number), SECRET, "IS")
        self.views.append(self._mail(policy))

    def _visit(self, who: str, day: int, number: int) -> None:
        time = _time(day, number)
        country = self._random.choices(COUNTRIES, [8, 6, 5, 2, 2])[0]
        for page in self._way():
            self._look(who, time, page, country)
            if page == "/signup" and self._random.random() < 0.6:
                self.views.append(
                    self.line.view(
                        who,
                        time + 20,
                        page,
                        country=country,
                        event="Form: Submission",
                        properties=(("form", "sign-up"),),
                    )
                )
            time += 60

    def _way(self) -> tuple[str, ...]:
        ways = (("/",), ("/", "/pricing"), ("/", "/pricing", "/signup"), ("/docs/", HOSTILE))
        return self._random.choice(ways)

    def _look(self, who: str, time: int, page: str, country: str) -> None:
        draw = self._random
        depth = draw.choice((10, 30, 60, 80, 100))
        values = {name: draw.lognormvariate(0, 0.6) * mean for name, mean in MEANS.items()}
        element, way = draw.choice(ELEMENTS), draw.choice(WAYS)
        cells = {f"{draw.randrange(3)}.{draw.randrange(2)}": draw.randrange(1, 9) for _ in range(3)}
        for name, value in values.items():
            self.measured[name].append(value)
        self.clicked[page, element] = self.clicked.get((page, element), 0) + 1
        self.views.append(self.line.view(who, time, page, country=country))
        self._event(
            who,
            time,
            page,
            country,
            "engagement",
            engaged_ms=draw.randrange(5_000, 60_000),
            reached=tuple(("depth", str(at)) for at in (25, 50, 75, 100) if at <= depth),
        )
        words = tuple((name, step_of(value, self._steps[name])) for name, value in values.items())
        self._event(who, time, page, country, "Web Vitals", properties=words)
        self._event(who, time, page, country, "Click", properties=(("element", element),))
        self._event(who, time, page, country, "Page Left", properties=(("how", way),))
        grid = tuple(("moved", cell, number) for cell, number in cells.items())
        self._event(who, time, page, country, "Pointer", grid=(*grid, ("pressed", "1.1", 1)))

    def _event(
        self,
        who: str,
        time: int,
        page: str,
        country: str,
        event: str,
        *,
        properties: tuple[tuple[str, str], ...] = (),
        engaged_ms: int = 0,
        reached: tuple[tuple[str, str], ...] = (),
        grid: tuple[tuple[str, str, int], ...] = (),
    ) -> None:
        self.views.append(
            self.line.view(
                who,
                time + 5,
                page,
                country=country,
                event=event,
                interactive=False,
                properties=properties,
                engaged_ms=engaged_ms,
                reached=reached,
                grid=grid,
            )
        )

    def _mail(self, policy: Policy) -> list[CountedHit]:
        """Deliver two campaigns; what the recipients of the small one did is not to be told."""
        counter = MailCounter(self.line.plan)
        purposes = frozenset(purpose.id for purpose in policy.purposes)
        local = self.line.local(_time(0, 0))
        rows = []
        for name, delivered, persons, proxied in (("spring", 200, 60, 40), ("tiny", 3, 2, 1)):
            campaign = Campaign(name, "", SITE)
            rows.append(count_delivered(self.line.plan, campaign, delivered, local))
            for kind, number in (("person", persons), ("apple_privacy", proxied)):
                for at in range(number):
                    clicks = ("", "1") if kind == "person" and at % 3 == 0 else ("",)
                    for link in clicks:
                        mail = Mail(name, link=link)
                        visitor = VisitorKey(f"{name} {kind} {at}".encode())
                        time = _time(0, 60 * at)
                        clean = CleanMail(Door.EMAIL, SITE, time, local, mail, kind, "DE", visitor)
                        rows += counter.count(clean, purposes)
            rows += [count_unsubscribed(self.line.plan, campaign, local)] * (persons // 10)
        return rows

    def keep(self, folder: Path) -> Kept:
        """Return a store that holds these days; close it."""
        kept = Kept(folder, self.line.policy)
        kept.apply()
        kept.count(*self.views)
        return kept


class Asked(Asker):
    """Answers from a store, and counts what it is asked."""

    def __init__(self, kept: Kept, policy: Policy | None = None) -> None:
        async def query(sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
            return kept.reader.query(sql, parameters)

        super().__init__(query, policy or kept.policy, columns_of, lambda _: ())
        self._kept = kept
        self.questions = 0

    def under(self, policy: Policy) -> "Asked":
        """Return what answers from the same store by the statistics of another policy."""
        return Asked(self._kept, policy)

    async def answer(self, question: Question) -> Answer:
        """Answer a question, and count it."""
        self.questions += 1
        return await super().answer(question)


def select(policy: Policy, report: str, *filters: Condition) -> Selection:
    """Return the selection of all days and one report."""
    return Selection(
        site=policy.sites[SITE],
        period=Period(PeriodName.CUSTOM, FIRST, LAST),
        now=NOW,
        report=report,
        filters=tuple(filters),
    )


def texts_of(value: object) -> Iterable[str]:
    """Yield every text in what a picture draws."""
    match value:
        case str():
            yield value
        case tuple() | list():
            for each in value:
                yield from texts_of(each)
        case _:
            for name in getattr(value, "__struct_fields__", ()):
                yield from texts_of(getattr(value, name))


def _time(day: int, number: int) -> int:
    start = datetime(FIRST.year, FIRST.month, FIRST.day + day, 9, tzinfo=UTC)
    return int(start.timestamp()) + 10 * number


STEPS = {each.name: each.steps for each in make_policy().events["Web Vitals"].properties}


def exact(values: list[float], share: float) -> float:
    """Return the least value that `share` of all don't exceed (nearest rank)."""
    return sorted(values)[max(1, math.ceil(share * len(values) - 1e-9)) - 1]
