"""Turn a clean hit into signed integer deltas; the visitor key ends here.

The database only ever adds up what comes out, so its numbers are right at any
moment. Views and visitors stand in the period of the hit; visits, bounces,
seconds, entry and exit pages in the period in which the visit began
(docs/decisions/0003).
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from msgspec.structs import replace

from anonymizer.hits import CleanHit, Door, DropReason, LocalSeconds, SiteId, VisitorKey
from anonymizer.policy import Dimension, PurposeId
from collector.clock import DAY_SECONDS, hour_start
from collector.counted import COUNTED, CountedHit, Tells
from collector.goals import GoalCounter
from collector.plan import PAGE_DIMENSIONS, Plan, Served, tells_of
from collector.subjects import SubjectCounter
from collector.visits import VisitMemory, Visitor
from collector.words import OF_HIT, OF_VISIT, words_of_hit, words_of_visit

_NO_KEY = VisitorKey(b"")

ENTRY = "(entry)"
"""The previous page of a visit's first page."""

# What can vary for one visitor, in the order in which `Counter.count` lines it up:
# first what mostly stays from view to view, then what moves with each.
_VARYING = (*OF_VISIT, *OF_HIT, Dimension.PAGE, Dimension.PREVIOUS_PAGE)

_Pick = Callable[[tuple[str, ...]], Any]
_Picks = tuple[tuple[int, _Pick], ...]


def count_refused(
    site: SiteId, door: Door, reason: DropReason, local: LocalSeconds, hits: int = 1
) -> CountedHit:
    """Return the one thing refused hits leave: a number under site, day, door and reason."""
    day = local - local % DAY_SECONDS
    return CountedHit(site, door.value, reason.value, hits, hour=day)


class Counter:
    """Counts clean hits against one visit memory under one plan."""

    def __init__(self, plan: Plan, memory: VisitMemory) -> None:
        self._memory = memory
        self._plan = plan
        self._goals = GoalCounter(plan)
        self._subjects = SubjectCounter(plan, memory, self._goals, self._serve)
        self._served: dict[frozenset[PurposeId], Served] = {}
        self._picks: dict[int, tuple[_Picks, _Picks]] = {}

    def count(self, hit: CleanHit, purposes: frozenset[PurposeId]) -> list[CountedHit]:
        """Advance the visit memory by one hit and return what it adds to the counters."""
        served = self._served.get(purposes) or self._serve(purposes)
        if hit.event:
            return self._subjects.count_event(hit, served)
        visitor, begins = self._memory.find(hit)
        page = hit.page
        previous_page = ENTRY
        visits = bounces = seconds = exit_from_visitors = exit_to_visitors = 0
        exit_from = exit_to = ""
        if begins:
            visitor.begin(replace(hit, visitor=_NO_KEY, visitor_before=None), served)
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
        if visitor.reached:
            visitor.reached.pop(page, None)
        opening = visitor.opening
        of_hit, of_visit = words_of_hit(hit), words_of_hit(opening)
        hour, visit_hour = hour_start(hit.local), hour_start(opening.local)
        came_by = words_of_visit(opening)
        firsts = self._firsts(visitor, served.bits, (*came_by, *of_hit), page, previous_page)
        own_visit = hour == visit_hour and of_hit == of_visit and served is visitor.served
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
        more = self._subjects.count_masks(hit, visitor, served) if hit.masks else []
        if hit.goals:
            more += self._goals.count(hit, visitor, opening, served)
        if own_visit:
            return [row, *more]
        of_both = self._serve(purposes & visitor.served.purposes)
        if not of_both.bits:
            return [row, *more]
        country, language, screen = of_visit
        of_its_visit = replace(
            row,
            hits=0,
            serves=of_both.bits,
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
        if of_both.blanks:
            of_its_visit = replace(of_its_visit, **of_both.blanks)
        return [row, of_its_visit, *more]

    def _serve(self, purposes: frozenset[PurposeId]) -> Served:
        served = self._served.get(purposes)
        if served is None:
            served = self._served[purposes] = self._plan.served(purposes)
        return served

    def _firsts(
        self, visitor: Visitor, bits: int, steady: tuple[str, ...], page: str, previous_page: str
    ) -> int:
        steady_picks, moving_picks = self._picks.get(bits) or self._pick(bits)
        seen = visitor.seen
        firsts = 0
        values = (*steady, page, previous_page)
        # Where all that mostly stays was seen together, its combinations were seen too.
        mark = hash((bits, steady))
        if mark not in seen:
            seen.add(mark)
            firsts = _mark_new(seen, steady_picks, values)
        return firsts | _mark_new(seen, moving_picks, values)

    def _pick(self, bits: int) -> tuple[_Picks, _Picks]:
        """Choose the combinations that statistics of these purposes count visitors in."""
        steady: list[tuple[int, _Pick]] = []
        moving: list[tuple[int, _Pick]] = []
        of_each = zip(self._plan.combinations, self._plan.asked_by, strict=True)
        for bit, (combination, asked_by) in enumerate(of_each):
            if tells_of(combination) is Tells.VIEW and asked_by & bits:
                moves = not PAGE_DIMENSIONS.isdisjoint(combination)
                (moving if moves else steady).append((bit, _pick(combination)))
        picks = self._picks[bits] = tuple(steady), tuple(moving)
        return picks


def _mark_new(seen: set[int], picks: _Picks, values: tuple[str, ...]) -> int:
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
