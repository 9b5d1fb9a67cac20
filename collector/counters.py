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
from collector.counted import COUNTED, CountedHit
from collector.plan import Plan
from collector.visits import Visitor, VisitMemory

_NO_KEY = VisitorKey(b"")

ENTRY = "(entry)"
"""The previous page of a visit's first page."""

# The dimensions of a hit that can vary for one visitor, in the order in which
# `Counter.count` lines up their values.
_VARYING = (
    Dimension.PAGE,
    Dimension.PREVIOUS_PAGE,
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

_Pick = Callable[[tuple[str, ...]], Any]


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
        self._served_bits: dict[frozenset[PurposeId], int] = {}
        self._picks: tuple[tuple[int, _Pick], ...] = tuple(
            (bit, _pick(combination)) for bit, combination in enumerate(plan.combinations)
        )

    def count(self, hit: CleanHit, purposes: frozenset[PurposeId]) -> CountedHit:
        """Advance the visit memory by one page view and return what it adds to the counters."""
        serves = self._served_bits.get(purposes)
        if serves is None:
            serves = self._served_bits[purposes] = self._plan.serves(purposes)
        visitor, begins = self._memory.find(hit)
        previous_page = ENTRY
        bounces = visits = seconds = 0
        exit_from = ""
        exits_from = exit_visitors_from = exits_to = exit_visitors_to = 0
        if begins:
            if visitor.last_seen:
                visitor.ended_on.add(visitor.page)
            visitor.opening = replace(hit, visitor=_NO_KEY, visitor_before=None)
            visitor.viewed_again = False
            visits = bounces = exits_to = 1
            exit_visitors_to = int(hit.page not in visitor.ended_on)
            visitor.last_seen = hit.time
        else:
            previous_page = visitor.page
            if not visitor.viewed_again:
                visitor.viewed_again = True
                bounces = -1
            if previous_page != hit.page:
                exit_from = previous_page
                exits_from, exits_to = -1, 1
                exit_visitors_from = -int(previous_page not in visitor.ended_on)
                exit_visitors_to = int(hit.page not in visitor.ended_on)
            if hit.time > visitor.last_seen:
                seconds = hit.time - visitor.last_seen
                visitor.last_seen = hit.time
        visitor.page = hit.page
        opening = visitor.opening
        campaign = opening.campaign
        values = (
            hit.page,
            previous_page,
            opening.page,
            opening.source,
            opening.channel,
            opening.referrer,
            campaign.name,
            campaign.source,
            campaign.medium,
            campaign.content,
            campaign.term,
            hit.country,
            hit.language,
            hit.screen,
        )
        return CountedHit(
            hit.site,
            hit.door.value,
            COUNTED,
            1,
            serves,
            hour_start(hit.local),
            1,
            self._firsts(visitor, values),
            *values,
            hit.device,
            hit.browser,
            hit.os,
            hit.network,
            hour_start(opening.local),
            visits,
            bounces,
            seconds,
            opening.country,
            opening.language,
            opening.screen,
            exit_from,
            exits_from,
            exit_visitors_from,
            hit.page if exits_to else "",
            exits_to,
            exit_visitors_to,
        )

    def _firsts(self, visitor: Visitor, values: tuple[str, ...]) -> int:
        seen = visitor.seen
        firsts = 0
        for bit, pick in self._picks:
            mark = hash((bit, pick(values)))
            if mark not in seen:
                seen.add(mark)
                firsts |= 1 << bit
        return firsts


def _pick(combination: tuple[Dimension, ...]) -> _Pick:
    if not combination:
        return lambda _values: ""
    return itemgetter(*(_VARYING.index(dimension) for dimension in combination))
