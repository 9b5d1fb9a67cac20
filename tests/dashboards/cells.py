"""Cells behind the true views of the default policy, drawn by a fixed seed, and their sums.

What a view shows of them is worked out here once more, in plain Python: a cell of fewer visitors
than its statistic asks for stands under ``(other)``.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from anonymizer.policy import Dimension, Grain, Policy, Statistic
from anonymizer.policy_file import read_policy
from collector.proposals import Proposals
from collector.reference import default_policy
from collector.schema.tables import MEASURES, cells_of
from collector.schema.views import column_of, columns_of, measures_of
from dashboards.address.reading import read_selection
from dashboards.address.selection import Selection
from dashboards.asking.answering import Asker
from dashboards.framing import frame_of
from dashboards.overview.page import read_overview
from dashboards.pages import render
from dashboards.readers import Reader
from dashboards.reports.declared import reports_by_id
from dashboards.reports.page import read_report
from dashboards.shown import Overview, ReportView
from dashboards.words import words_in
from people.roles import Person, Role
from tests.collector.hits import POLICY_TEXT
from tests.collector.storing import Kept, opened
from tests.dashboards.reader import NOW

TEXT = (
    POLICY_TEXT.format(zone="Europe/Berlin", min_group=1).replace("min_group = 1\n", "")
    + """
[[goal]]
name = "Order"
page = "/order/done"

[[funnel]]
name = "Buying"
steps = ["/cart", "/order/done"]
"""
)
POLICY = read_policy(TEXT, default_policy())

SITE = "example.org"
FIRST_DAY = date(2025, 9, 1)
LAST_DAY = date(2025, 11, 4)
"""On which the tests are."""

OTHER = "(other)"
MAX_WORDS = 4

_FIXED: dict[Dimension, Sequence[str]] = {
    Dimension.EVENT: ("Click", "404", "Sign up"),
    Dimension.BOT_KIND: ("ai_crawler", "crawler"),
}
_UNGUARDED = frozenset({"coverage", "bots", "email_delivered"})

Sums = dict[str, int]
Row = tuple[datetime, tuple[str, ...], Sums]


class Cells:
    """Two months of cells of every statistic, but those that a test leaves out."""

    def __init__(self, policy: Policy = POLICY, seed: int = 5) -> None:
        self._random = random.Random(seed)
        self.rows: dict[str, list[Row]] = defaultdict(list)
        for statistic in policy.statistics:
            self._fill(statistic)

    def shown(
        self, name: str, first: date, last: date, dimensions: Sequence[Dimension]
    ) -> dict[tuple[str, ...], Sums]:
        """Sum what a view shows of some days by some of its dimensions."""
        statistic = next(each for each in POLICY.statistics if each.name == name)
        places = [statistic.by.index(dimension) for dimension in dimensions]
        found: dict[tuple[str, ...], Sums] = {}
        for period, words, sums in self.rows[name]:
            if not first <= period.date() <= last:
                continue
            shown = words if self.is_shown(statistic, sums) else (OTHER,) * len(words)
            group = found.setdefault(tuple(shown[place] for place in places), defaultdict(int))
            for measure, number in sums.items():
                group[measure] += number
        return found

    def is_shown(self, statistic: Statistic, sums: Mapping[str, int]) -> bool:
        """Tell whether a cell is large enough to stand under its words."""
        return statistic.name in _UNGUARDED or sums["visitors"] >= statistic.min_group

    def _fill(self, statistic: Statistic) -> None:
        for period in _periods(statistic.grain):
            for words in self._words(statistic):
                visitors = self._random.randrange(1, 12)
                visits = visitors + self._random.randrange(3)
                whole = {
                    "visitors": visitors,
                    "visits": visits,
                    "views": visits * 2,
                    "bounces": visits // 3,
                    "seconds": visits * self._random.randrange(90),
                    "hits": visits * 3,
                }
                measures = measures_of(statistic)
                sums = {m: whole[column_of(m)] for m in measures}
                if "delivered" in sums and statistic.name == "email":
                    sums["delivered"] = 0
                self.rows[statistic.name].append((period, words, sums))

    def _words(self, statistic: Statistic) -> Iterator[tuple[str, ...]]:
        drawn = {
            tuple(self._random.choice(_words_of(dimension)) for dimension in statistic.by)
            for _ in range(MAX_WORDS)
        }
        yield from sorted(drawn)


def _words_of(dimension: Dimension) -> Sequence[str]:
    return _FIXED.get(dimension, [f"{dimension} {letter}" for letter in "abc"])


def _periods(grain: Grain) -> Iterator[datetime]:
    days = (LAST_DAY - FIRST_DAY).days + 1
    for number in range(days):
        start = datetime.combine(FIRST_DAY + timedelta(days=number), time(), UTC)
        hours = range(16 if number == days - 1 else 24) if grain is Grain.HOUR else range(1)
        yield from (start + timedelta(hours=hour) for hour in hours)


class Counted:
    """What a store with these cells is asked."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self.asked: list[tuple[str, Mapping[str, object]]] = []

    def insert(self, statistic: Statistic, rows: Sequence[Row]) -> None:
        """Put cells behind a statistic's view."""
        written = []
        for period, words, sums in rows:
            keys = [*words, *[""] * (3 - len(words))]
            stored = dict.fromkeys(MEASURES, 0)
            for measure, number in sums.items():
                stored[column_of(measure)] += number
            fixed = (cells_of(statistic), 750, statistic.grain.value, SITE, period)
            written.append((*fixed, *keys, *stored.values()))
        names = ["statistic", "keep_days", "grain", "site", "period", "k1", "k2", "k3", *MEASURES]
        self._kept.store._client.insert("discreet.cells", written, column_names=names)

    async def query(self, sql: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        self.asked.append((sql, parameters))
        return [tuple(row) for row in self._kept.reader.query(sql, parameters)]


class Pages:
    """The pages of the site, as its owner is shown them."""

    def __init__(self, counted: Counted, policy: Policy = POLICY, now: datetime = NOW) -> None:
        self.counted = counted
        self.policy = policy
        faults_of = Proposals(TEXT).faults_of
        self.asker = Asker(counted.query, policy, columns_of, faults_of)
        self._now = now

    def select(self, address: str, language: str = "en") -> Selection:
        """Read what follows the question mark of an address."""
        found = parse_qsl(address, keep_blank_values=True)
        words = words_in(language)
        return read_selection(
            found, self.policy, reports_by_id(self.policy), self._now, words=words
        )

    def overview(self, address: str = "", language: str = "en") -> Overview:
        selection = self.select(address, language)
        words = words_in(language)
        return asyncio.run(read_overview(self.asker, self.policy, selection, words))

    def report(self, address: str, language: str = "en") -> ReportView:
        selection = self.select(address, language)
        words = words_in(language)
        return asyncio.run(read_report(self.asker, self.policy, selection, words))

    def html(self, address: str, language: str = "en") -> str:
        selection = self.select(address, language)
        words = words_in(language)
        reader = Reader(Person("owner", Role.OWNER), "token", self.policy, words)
        frame = frame_of(reader, selection)
        if selection.report:
            report = self.report(address, language)
            return render(words, "report.html", {"report": report, **frame})
        overview = self.overview(address, language)
        return render(words, "overview.html", {"overview": overview, "live": None, **frame})


@contextmanager
def counted_cells(folder: Path, cells: Cells) -> Iterator[Counted]:
    """Open a store under the default policy that holds some cells."""
    with opened(folder, POLICY) as kept:
        counted = Counted(kept)
        for statistic in POLICY.statistics:
            counted.insert(statistic, cells.rows[statistic.name])
        yield counted
