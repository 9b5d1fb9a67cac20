"""Rows that tell of something else than a view: events, their properties, masks, machines.

A clean hit comes in, rows and an advanced visit memory come out (docs/decisions/0012).
"""

from collections import Counter
from collections.abc import Mapping

from msgspec.structs import replace

from anonymizer.hits import CleanHit, Door, DropReason, LocalSeconds, SiteId
from anonymizer.machines import Machine
from anonymizer.policy import Dimension
from collector.clock import DAY_SECONDS, hour_start
from collector.counted import COUNTED, CountedHit, Tells
from collector.plan import Plan, Served
from collector.visits import VisitMemory, Visitor
from collector.words import (
    OF_HIT,
    OF_KEY,
    OF_VISIT,
    words_of_hit,
    words_of_key,
    words_of_visit,
)


def tells_of(combination: tuple[Dimension, ...]) -> Tells:
    """Return which rows a combination of dimensions is counted on."""
    if Dimension.MASK in combination:
        return Tells.MASK
    if Dimension.PROPERTY in combination:
        return Tells.PROPERTY
    return Tells.EVENT if Dimension.EVENT in combination else Tells.VIEW


def count_machine(
    site: SiteId, door: Door, machine: Machine, local: LocalSeconds, asked: frozenset[Dimension]
) -> CountedHit:
    """Return what a machine's refused hit leaves: a number under its kind and family, by day."""
    return CountedHit(
        site,
        door.value,
        DropReason.BOT.value,
        1,
        hour=local - local % DAY_SECONDS,
        tells=Tells.MACHINE.value,
        number=1,
        subject=machine.family if Dimension.BOT in asked else "",
        property=machine.kind.value if Dimension.BOT_KIND in asked else "",
    )


class SubjectCounter:
    """Counts events and masks against the visit memory that views are counted against."""

    def __init__(self, plan: Plan, memory: VisitMemory) -> None:
        self._memory = memory
        self._combinations: dict[Tells, list[tuple[int, tuple[Dimension, ...]]]] = {
            tells: [] for tells in Tells
        }
        for bit, combination in enumerate(plan.combinations):
            self._combinations[tells_of(combination)].append((bit, combination))

    def count_event(self, hit: CleanHit, served: Served) -> list[CountedHit]:
        """Advance the visit memory by one event; it begins no visit, but prolongs an open one."""
        visitor, goes_on = self._memory.find_for_event(hit)
        rows = [
            self._event(hit, visitor, visitor.opening if goes_on else hit, served),
            *self._properties(hit, visitor, served),
            *self.count_masks(hit, visitor, served),
        ]
        if goes_on:
            rows += _prolong(hit, visitor, served)
        return rows

    def count_masks(self, hit: CleanHit, visitor: Visitor, served: Served) -> list[CountedHit]:
        """Return a row for each kind of identifier that was masked in a hit, with how many."""
        if Dimension.MASK not in served.of_events:
            return []
        return [
            replace(
                _row(hit, served, 0),
                firsts=self._firsts(visitor, Tells.MASK, {Dimension.MASK: kind}),
                tells=Tells.MASK.value,
                number=number,
                subject=kind,
            )
            for kind, number in Counter(hit.masks).items()
        ]

    def _event(
        self, hit: CleanHit, visitor: Visitor, opening: CleanHit, served: Served
    ) -> CountedHit:
        row = _row(hit, served, 1)
        if Dimension.EVENT not in served.of_events:
            return row
        words = dict(zip(OF_VISIT, words_of_visit(opening), strict=True))
        words |= dict(zip(OF_HIT, words_of_hit(hit), strict=True))
        words |= dict(zip(OF_KEY, words_of_key(hit), strict=True))
        words[Dimension.PAGE] = hit.page
        # What no statistic of events asks for is not on disk either (law 4).
        told = {of.value: word for of, word in words.items() if of in served.of_events}
        words[Dimension.EVENT] = hit.event
        return replace(
            row,
            firsts=self._firsts(visitor, Tells.EVENT, words),
            tells=Tells.EVENT.value,
            number=1,
            subject=hit.event,
            **told,
        )

    def _properties(self, hit: CleanHit, visitor: Visitor, served: Served) -> list[CountedHit]:
        if Dimension.PROPERTY not in served.of_events:
            return []
        rows = []
        for name, word in hit.properties:
            value = word if Dimension.VALUE in served.of_events else ""
            words = {
                Dimension.EVENT: hit.event,
                Dimension.PROPERTY: name,
                Dimension.VALUE: value,
            }
            row = replace(
                _row(hit, served, 0),
                firsts=self._firsts(visitor, Tells.PROPERTY, words),
                tells=Tells.PROPERTY.value,
                number=1,
                subject=hit.event,
                property=name,
                value=value,
            )
            rows.append(row)
        return rows

    def _firsts(self, visitor: Visitor, tells: Tells, words: Mapping[Dimension, str]) -> int:
        firsts = 0
        for bit, combination in self._combinations[tells]:
            mark = hash((bit, *(words[dimension] for dimension in combination)))
            if mark not in visitor.seen:
                visitor.seen.add(mark)
                firsts |= 1 << bit
        return firsts


def _row(hit: CleanHit, served: Served, hits: int) -> CountedHit:
    hour = hour_start(hit.local)
    return CountedHit(hit.site, hit.door.value, COUNTED, hits, served.bits, hour)


def _prolong(hit: CleanHit, visitor: Visitor, served: Served) -> list[CountedHit]:
    """Keep the visit open; an event ends its bounce as a second view does."""
    bounces = 0 if visitor.viewed_again else -1
    seconds = max(0, hit.time - visitor.last_seen)
    visitor.viewed_again = True
    visitor.last_seen += seconds
    if not (bounces or seconds):
        return []
    opening = visitor.opening
    words = dict(zip(OF_VISIT, words_of_visit(opening), strict=True))
    words |= dict(zip(OF_HIT, words_of_hit(opening), strict=True))
    words |= dict(zip(OF_KEY, words_of_key(hit), strict=True))
    told = {of.value: word for of, word in words.items()} | served.blanks
    return [
        replace(
            _row(hit, served, 0),
            hour=hour_start(opening.local),
            bounces=bounces,
            seconds=seconds,
            **told,
        )
    ]
