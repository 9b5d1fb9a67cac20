"""The visit memory: who is being counted now, known by a key that dies with the day.

Holds, per site and local day, the day's salt and what each visitor key was
seen to do. Lives in memory only; nothing here is ever written or logged.
"""

from collections.abc import Iterator, Mapping

from anonymizer.deidentify import DaySalts
from anonymizer.hits import Campaign, CleanHit, LocalSeconds, SiteId, VisitorKey
from anonymizer.policy import Dimension, PurposeId
from anonymizer.visitor_key import KeyedHash
from collector.clock import DAY_SECONDS, day_of
from collector.plan import Served
from collector.salts import FillRandom, new_salt

VISIT_IDLE_SECONDS = 1_800  # docs/decisions/0003: the field's usual half hour
_NO_CAMPAIGN = Campaign()
GRACE_SECONDS = VISIT_IDLE_SECONDS  # an open visit may go on this long into the next day
MOST_HITS_A_MINUTE = 600  # a page that tells of all its modules sends some dozens
CELLS_A_HIT = 20  # a page that a pointer went all over has two grids of 400: 41 hits

Combinations = tuple[tuple[int, tuple[Dimension, ...]], ...]
"""Sets of dimensions in which a visitor counts once a day, each with its bit."""


class Visitor:
    """One visitor's day: the running visit, and what was counted already."""

    __slots__ = (
        "ended_on",
        "engaged_ms",
        "last_seen",
        "opening",
        "page",
        "reached",
        "seen",
        "served",
        "steps",
        "viewed_again",
    )

    opening: CleanHit
    """The hit that began the running visit, less its visitor keys."""
    served: Served
    """What that hit served; no other purpose knows of the visit."""
    last_seen: int
    page: str
    viewed_again: bool
    seen: set[int]
    """Hashes of the combinations the visitor was counted in today."""
    ended_on: set[str]
    """Pages on which earlier visits of today ended."""
    engaged_ms: int
    """What of the engaged time is no whole second yet."""
    reached: dict[str, set[int]] | None
    """Hashes of the bounds reached in the latest view of each page; None before the first."""
    steps: dict[str, int] | None
    """How many steps of each funnel the running visit took; None before the first."""

    def __init__(self) -> None:
        self.last_seen = 0
        self.page = ""
        self.viewed_again = False
        self.seen = set()
        self.ended_on = set()
        self.engaged_ms = 0
        self.reached = None
        self.steps = None

    def begin(self, opening: CleanHit, served: Served) -> None:
        """Begin a visit by the hit that opens it."""
        if self.last_seen:
            self.ended_on.add(self.page)
        self.opening = opening
        self.served = served
        self.viewed_again = False
        self.steps = None
        self.last_seen = opening.time

    def firsts(self, combinations: Combinations, words: Mapping[Dimension, str]) -> int:
        """Return the bits of the combinations in which the visitor is new today, and note them."""
        firsts = 0
        for bit, combination in combinations:
            mark = hash((bit, *[words[dimension] for dimension in combination]))
            if mark not in self.seen:
                self.seen.add(mark)
                firsts |= 1 << bit
        return firsts


class Day:
    """A site's local day: its salt and the visitors known under it."""

    __slots__ = ("salt", "visitors")

    def __init__(self, salt: KeyedHash) -> None:
        self.salt = salt
        self.visitors: dict[VisitorKey, Visitor] = {}


class VisitMemory:
    """All days in memory. Give it one per stream of time: one live, one per import."""

    def __init__(self, fill_random: FillRandom) -> None:
        self._fill_random = fill_random
        self._days: dict[tuple[SiteId, int], Day] = {}
        self._minute = 0
        self._hits: dict[VisitorKey, int] = {}
        """How many hits each visitor sent in that minute."""

    def admits(self, hit: CleanHit) -> bool:
        """Note a hit, and tell whether its visitor sent `MOST_HITS_A_MINUTE` at most till now.

        Each `CELLS_A_HIT` cells of a grid weigh as much as a hit, for each of them makes a row.
        """
        minute = hit.time // 60
        if minute != self._minute:
            self._minute = minute
            self._hits.clear()
        sent = self._hits[hit.visitor] = (
            self._hits.get(hit.visitor, 0) + 1 + len(hit.grid) // CELLS_A_HIT
        )
        return sent <= MOST_HITS_A_MINUTE

    def salts(self, site: SiteId, local: LocalSeconds) -> DaySalts:
        """Return the salts that a hit at this local time is keyed with."""
        day = day_of(local)
        today = self._days.get((site, day))
        if today is None:
            today = self._days[site, day] = Day(new_salt(self._fill_random))
        before = None
        if local % DAY_SECONDS < GRACE_SECONDS:
            yesterday = self._days.get((site, day - 1))
            if yesterday is not None:
                before = yesterday.salt
        return DaySalts(today=today.salt, before=before)

    def find(self, hit: CleanHit) -> tuple[Visitor, bool]:
        """Return the hit's visitor and whether this hit begins a visit.

        Half an hour of silence ends a visit, and so does arriving by another campaign.
        A visit that is open at midnight moves under the new day's key, and stays
        one visit of one visitor; whoever comes back after it ended is new today.
        """
        day = day_of(hit.local)
        visitors = self._days[hit.site, day].visitors
        visitor = visitors.get(hit.visitor)
        if visitor is None and hit.visitor_before is not None:
            visitor = self._carry_over(hit, day)
        if visitor is None:
            visitor = visitors[hit.visitor] = Visitor()
            return visitor, True
        if hit.time - visitor.last_seen < VISIT_IDLE_SECONDS and not _comes_anew(hit, visitor):
            return visitor, False
        return self._of_this_day(visitor, hit, day), True

    def find_for_event(self, hit: CleanHit) -> tuple[Visitor, bool]:
        """Return an event's visitor and whether a visit is open, which the event then prolongs.

        An event begins no visit: whoever it comes from without one is remembered for this
        day's counts alone.
        """
        day = day_of(hit.local)
        visitors = self._days[hit.site, day].visitors
        visitor = visitors.get(hit.visitor)
        if visitor is None and hit.visitor_before is not None:
            visitor = self._carry_over(hit, day)
        if visitor is None:
            visitor = visitors[hit.visitor] = Visitor()
            return visitor, False
        if hit.time - visitor.last_seen < VISIT_IDLE_SECONDS:
            return visitor, True
        return self._of_this_day(visitor, hit, day), False

    def _of_this_day(self, visitor: Visitor, hit: CleanHit, day: int) -> Visitor:
        """Return the visitor of an ended visit, or one who is new today when it began before."""
        if visitor.last_seen and day_of(visitor.opening.local) != day:
            visitor = self._days[hit.site, day].visitors[hit.visitor] = Visitor()
        return visitor

    def _carry_over(self, hit: CleanHit, day: int) -> Visitor | None:
        if hit.visitor_before is None:
            return None
        yesterday = self._days.get((hit.site, day - 1))
        if yesterday is None:
            return None
        visitor = yesterday.visitors.get(hit.visitor_before)
        if visitor is None or hit.time - visitor.last_seen >= VISIT_IDLE_SECONDS:
            return None
        del yesterday.visitors[hit.visitor_before]
        self._days[hit.site, day].visitors[hit.visitor] = visitor
        return visitor

    def count_present(self, site: SiteId, since: int, purpose: PurposeId) -> int:
        """Count who was seen from Unix second `since` on, of those whose visits serve a purpose.

        Looks at every visitor of the day: 3 to 8 ms for 100,000 (benchmarks/live.py).
        """
        return sum(
            visitor.last_seen >= since and purpose in visitor.served.purposes
            for (of_site, _), day in self._days.items()
            if of_site == site
            for visitor in day.visitors.values()
        )

    def forget_before(self, site: SiteId, local: LocalSeconds) -> None:
        """Destroy the salts and visitors of the site's days that are over at this local time."""
        day = day_of(local)
        first_kept = day - 1 if local % DAY_SECONDS < GRACE_SECONDS else day
        for key in [key for key in self._days if key[0] == site and key[1] < first_kept]:
            del self._days[key]
            self._hits.clear()

    def forget_all(self) -> None:
        """Destroy every salt and every visitor."""
        self._days.clear()
        self._hits.clear()

    def days(self) -> Iterator[tuple[SiteId, int]]:
        """Yield each site and local day that is still in memory."""
        yield from self._days


def _comes_anew(hit: CleanHit, visitor: Visitor) -> bool:
    return hit.campaign not in (_NO_CAMPAIGN, visitor.opening.campaign)
