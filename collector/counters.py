"""Turn a clean hit into signed integer deltas; the visitor key ends here.

The database only ever adds up what comes out, so its numbers are right at any
moment. Views and visitors stand in the period of the hit; visits, bounces,
seconds, entry and exit pages in the period in which the visit began
(docs/decisions/0003).
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from anonymizer.hits import CleanHit, Door, DropReason, LocalSeconds, SiteId, VisitorKey
from anonymizer.policy import Dimension, PurposeId
from collector.clock import DAY_SECONDS, hour_start
from collector.counted import COUNTED, CountedHit
from collector.plan import PAGE_DIMENSIONS, Plan
from collector.visits import VisitMemory, Visitor

_NO_KEY = VisitorKey(b"")

ENTRY = "(entry)"
"""The previous page of a visit's first page."""

# What can vary for one visitor, in the order in which `Counter.count` lines it up:
# first what mostly stays from view to view, then what moves with each.
_STEADY = (
    Dimension.ENTRY_PAGE,
    Dimension.SOURCE,
    Dimension.CHANNEL,
    Dimension.REFERRER,
    Dimension.CAMPAIGN,
    Dimension.CAMPAIGN_SOURCE,
    Dimension.CAMPAIGN_MEDIUM,
    Dimension.CAMPAIGN_CONTENT,
    Dimension.CAMPAIGN_TERM,
    Dimension.COUNTRY,
    Dimension.LANGUAGE,
    Dimension.SCREEN,
)
_VARYING = (*_STEADY, Dimension.PAGE, Dimension.PREVIOUS_PAGE)

_Pick = Callable[[tuple[str, ...]], Any]


def count_refused(
    site: SiteId, door: Door, reason: DropReason, local: LocalSeconds, hits: int = 1
) -> CountedHit:
    """Return the one thing refused hits leave: a number under site, day, door and reason."""
    day = local - local % DAY_SECONDS
    return CountedHit(site, door.value, reason.value, hits, hour=day)


class _Served(Struct, frozen=True):
    """What follows from the purposes that a hit serves."""

    bits: int
    blanks: dict[str, str | int]
    """The fields that no statistic of these purposes asks for (law 4: not on disk either)."""


class Counter:
    """Counts clean hits against one visit memory under one plan."""

    def __init__(self, plan: Plan, memory: VisitMemory) -> None:
        self._memory = memory
        self._plan = plan
        self._served: dict[frozenset[PurposeId], _Served] = {}
        picks = [
            (bit, _pick(combination), not PAGE_DIMENSIONS.isdisjoint(combination))
            for bit, combination in enumerate(plan.combinations)
        ]
        self._steady_picks = tuple((bit, pick) for bit, pick, moves in picks if not moves)
        self._moving_picks = tuple((bit, pick) for bit, pick, moves in picks if moves)

    def count(self, hit: CleanHit, purposes: frozenset[PurposeId]) -> list[CountedHit]:
        """Advance the visit memory by one page view and return what it adds to the counters."""
        visitor, begins = self._memory.find(hit)
        page = hit.page
        previous_page = ENTRY
        visits = bounces = seconds = 0
        exit_from = exit_to = ""
        exit_from_visitors = exit_to_visitors = 0
        if begins:
            if visitor.last_seen:
                visitor.ended_on.add(visitor.page)
            visitor.opening = replace(hit, visitor=_NO_KEY, visitor_before=None)
            visitor.viewed_again = False
            visitor.last_seen = hit.time
            visits = bounces = 1
            exit_to = page
            exit_to_visitors = int(page not in visitor.ended_on)
        else:
            previous_page = visitor.page
            if not visitor.viewed_again:
                visitor.viewed_again = True
                bounces = -1
            if previous_page != page:
                exit_from, exit_to = previous_page, page
                exit_from_visitors = -int(previous_page not in visitor.ended_on)
                exit_to_visitors = int(page not in visitor.ended_on)
            if hit.time > visitor.last_seen:
                seconds = hit.time - visitor.last_seen
                visitor.last_seen = hit.time
        visitor.page = page
        opening = visitor.opening
        of_hit = (hit.country, hit.language, hit.screen)
        of_visit = (opening.country, opening.language, opening.screen)
        hour, visit_hour = hour_start(hit.local), hour_start(opening.local)
        campaign = opening.campaign
        came_by = (
            opening.page,
            opening.source,
            opening.channel,
            opening.referrer,
            campaign.name,
            campaign.source,
            campaign.medium,
            campaign.content,
            campaign.term,
        )
        served = self._served.get(purposes) or self._serve(purposes)
        firsts = self._firsts(visitor, (*came_by, *of_hit), page, previous_page)
        own_visit = hour == visit_hour and of_hit == of_visit
        row = CountedHit(
            hit.site,
            hit.door.value,
            COUNTED,
            1,
            served.bits,
            hour,
            1,
            firsts,
            visits if own_visit else 0,
            bounces if own_visit else 0,
            seconds if own_visit else 0,
            page,
            previous_page,
            *came_by,
            *of_hit,
            hit.device,
            hit.browser,
            hit.os,
            hit.network,
            exit_from if own_visit else "",
            exit_from_visitors if own_visit else 0,
            exit_to if own_visit else "",
            exit_to_visitors if own_visit else 0,
        )
        if served.blanks:
            row = replace(row, **served.blanks)
        if own_visit:
            return [row]
        country, language, screen = of_visit
        of_its_visit = replace(
            row,
            hits=0,
            hour=visit_hour,
            views=0,
            firsts=0,
            visits=visits,
            bounces=bounces,
            seconds=seconds,
            page="",
            previous_page="",
            country=country,
            language=language,
            screen=screen,
            exit_from=exit_from,
            exit_from_visitors=exit_from_visitors,
            exit_to=exit_to,
            exit_to_visitors=exit_to_visitors,
        )
        return [row, replace(of_its_visit, **served.blanks) if served.blanks else of_its_visit]

    def _serve(self, purposes: frozenset[PurposeId]) -> "_Served":
        unasked = self._plan.unasked(purposes) - {Dimension.DOOR, Dimension.REASON}
        blanks: dict[str, str | int] = dict.fromkeys(unasked - {Dimension.EXIT_PAGE}, "")
        if Dimension.EXIT_PAGE in unasked:
            blanks |= {"exit_from": "", "exit_from_visitors": 0}
            blanks |= {"exit_to": "", "exit_to_visitors": 0}
        served = self._served[purposes] = _Served(self._plan.serves(purposes), blanks)
        return served

    def _firsts(
        self, visitor: Visitor, steady: tuple[str, ...], page: str, previous_page: str
    ) -> int:
        seen = visitor.seen
        firsts = 0
        values = (*steady, page, previous_page)
        # Where all that mostly stays was seen together, its combinations were seen too.
        mark = hash(steady)
        if mark not in seen:
            seen.add(mark)
            firsts = _mark_new(seen, self._steady_picks, values)
        return firsts | _mark_new(seen, self._moving_picks, values)


def _mark_new(seen: set[int], picks: tuple[tuple[int, _Pick], ...], values: tuple[str, ...]) -> int:
    firsts = 0
    for bit, pick in picks:
        mark = hash((bit, pick(values)))
        if mark not in seen:
            seen.add(mark)
            firsts |= 1 << bit
    return firsts


def _pick(combination: tuple[Dimension, ...]) -> _Pick:
    if not combination:
        return lambda _values: ""
    return itemgetter(*(_VARYING.index(dimension) for dimension in combination))
