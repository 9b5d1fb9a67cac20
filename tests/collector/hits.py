"""Clean hits and a line of counting for tests, with time and salts of the test's own."""

from zoneinfo import ZoneInfo

from anonymizer.goals import Goals
from anonymizer.hits import (
    DIRECT,
    UNKNOWN,
    Campaign,
    CleanHit,
    Door,
    LocalSeconds,
    SiteId,
)
from anonymizer.policy import Policy, PurposeId
from anonymizer.policy_file import read_policy
from anonymizer.visitor_key import visitor_key
from collector.clock import SiteClock
from collector.counted import CountedHit
from collector.counters import Counter
from collector.plan import make_plan
from collector.reference import default_policy
from collector.visits import VisitMemory

SITE = SiteId("example.org")

POLICY_TEXT = """\
[policy]
id = "test"
version = "1"
controller = "Example"
contact = "privacy@example.org"
extends = "default"
min_group = {min_group}

[[site]]
domain = "example.org"
timezone = "{zone}"

[[site]]
domain = "other.example"
timezone = "Asia/Kolkata"
"""


def make_policy(zone: str = "Europe/Berlin", min_group: int = 1) -> Policy:
    """Return the shipped default policy for two sites."""
    return read_policy(POLICY_TEXT.format(zone=zone, min_group=min_group), default_policy())


class FillInTurn:
    """Salts that differ from each other and are the same in each test."""

    def __init__(self) -> None:
        self._next = 1

    def __call__(self, buffer: bytearray) -> None:
        buffer[:] = self._next.to_bytes(len(buffer), "big")
        self._next += 1


class Line:
    """Counts page views of named visitors at given Unix seconds."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.plan = make_plan(policy)
        self.memory = VisitMemory(FillInTurn())
        self._goals = Goals(policy)
        self._counter = Counter(self.plan, self.memory)
        self._purposes = frozenset(purpose.id for purpose in policy.purposes)

    def view(
        self,
        who: str,
        time: int,
        page: str = "/",
        *,
        source: str = DIRECT,
        country: str = "DE",
        campaign: Campaign = Campaign(),  # noqa: B008  # frozen
        purposes: frozenset[PurposeId] | None = None,
        site: SiteId = SITE,
        event: str = "",
        properties: tuple[tuple[str, str], ...] = (),
        masks: tuple[str, ...] = (),
        interactive: bool = True,
        engaged_ms: int = 0,
        reached: tuple[tuple[str, str], ...] = (),
        grid: tuple[tuple[str, str, int], ...] = (),
    ) -> list[CountedHit]:
        """Count one view, or an event, and return its rows; a visitor's name is the agent's."""
        local = self.local(time, site)
        salts = self.memory.salts(site, local)
        keys = [
            visitor_key(salt, site, "192.0.2.1", who, self.policy.visitor_address)
            for salt in (salts.today, salts.before)
            if salt is not None
        ]
        hit = CleanHit(
            door=Door.EVENT,
            site=site,
            time=time,
            local=local,
            page=page,
            source=source,
            channel="direct",
            referrer="",
            campaign=campaign,
            country=country,
            language="de",
            screen=UNKNOWN,
            device="desktop",
            browser="Firefox 128",
            os="Linux",
            network="192.0.2.0/24",
            visitor=keys[0],
            visitor_before=keys[1] if len(keys) > 1 else None,
            event=event,
            properties=properties,
            masks=masks,
            interactive=interactive,
            engaged_ms=engaged_ms,
            reached=reached,
            grid=grid,
        )
        asked = self._purposes if purposes is None else purposes
        return self._counter.count(self._goals.mark(hit), asked)

    def local(self, time: int, site: SiteId = SITE) -> LocalSeconds:
        """Return the site's wall clock at a Unix second."""
        return SiteClock(ZoneInfo(self.policy.sites[site].zone.key)).local(time)

    def is_first(self, rows: list[CountedHit], statistic: str) -> bool:
        """Tell whether a view adds a visitor to its cell of a statistic."""
        found = next(s for s in self.policy.statistics if s.name == statistic)
        return bool(rows[0].firsts >> self.plan.combination_bit(found) & 1)
