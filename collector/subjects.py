"""Rows that tell of something else than a view: events, their properties, masks, machines.

A clean hit comes in, rows and an advanced visit memory come out (docs/decisions/0012 and 0023).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from anonymizer.hits import CleanHit, Door, DropReason, LocalSeconds, SiteId
from anonymizer.machines import Machine
from anonymizer.policy import ENGAGEMENT, Dimension, PurposeId
from collector.asked import Asking
from collector.clock import DAY_SECONDS, hour_start
from collector.counted import COUNTED, CountedHit, Tells
from collector.goals import GoalCounter
from collector.plan import Plan, Served
from collector.visits import VisitMemory, Visitor
from collector.words import words_in_visit, words_of_all

_Words = Mapping[Dimension, str]


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

    def __init__(
        self,
        plan: Plan,
        memory: VisitMemory,
        goals: GoalCounter,
        serve: Callable[[frozenset[PurposeId]], Served],
    ) -> None:
        self._memory = memory
        self._goals = goals
        self._serve = serve
        self._asking = Asking(plan)

    def count_event(self, hit: CleanHit, served: Served) -> list[CountedHit]:
        """Advance the visit memory by one event; it begins no visit, but may prolong an open one.

        What a visitor did prolongs the visit and ends its bounce. What a page tells by itself
        does neither; engagement prolongs, for as long was the visitor there.
        """
        visitor, goes_on = self._memory.find_for_event(hit)
        opening = visitor.opening if goes_on else None
        words = {**words_in_visit(hit, opening), Dimension.EVENT: hit.event}
        rows = [
            self._event(hit, visitor, words, served),
            *self._properties(hit, visitor, words, served),
            *self.count_masks(hit, visitor, served),
        ]
        if hit.goals:
            rows += self._goals.count(hit, visitor, opening, served)
        if goes_on and (hit.interactive or hit.event == ENGAGEMENT):
            rows += _prolong(hit, visitor, self._serve(served.purposes & visitor.served.purposes))
        return rows

    def count_masks(self, hit: CleanHit, visitor: Visitor, served: Served) -> list[CountedHit]:
        """Return a row for each kind of identifier that was masked in a hit, with how many."""
        asked = self._asking.of(Tells.MASK, served.bits)
        if asked is None:
            return []
        return [
            replace(
                _row(hit, served, 0),
                firsts=visitor.firsts(asked.combinations, {Dimension.MASK: kind}),
                tells=Tells.MASK.value,
                number=number,
                subject=kind,
            )
            for kind, number in Counter(hit.masks).items()
        ]

    def _event(self, hit: CleanHit, visitor: Visitor, words: _Words, served: Served) -> CountedHit:
        row = _row(hit, served, 1)
        asked = self._asking.of(Tells.EVENT, served.bits, hit.event)
        if asked is None:
            return row
        return replace(
            row,
            firsts=visitor.firsts(asked.combinations, words),
            seconds=_engaged_seconds(hit, visitor) if asked.seconds else 0,
            tells=Tells.EVENT.value,
            number=1,
            subject=hit.event,
            **asked.fields(words),
        )

    def _properties(
        self, hit: CleanHit, visitor: Visitor, words: _Words, served: Served
    ) -> Iterator[CountedHit]:
        once = (*hit.properties, *_newly_reached(hit, visitor))
        for name, word, number in (*((name, word, 1) for name, word in once), *hit.grid):
            asked = self._asking.of(Tells.PROPERTY, served.bits, hit.event, name)
            if asked is None:
                continue
            words = {**words, Dimension.PROPERTY: name, Dimension.VALUE: word}
            yield replace(
                _row(hit, served, 0),
                firsts=visitor.firsts(asked.combinations, words),
                tells=Tells.PROPERTY.value,
                number=number,
                subject=hit.event,
                property=name,
                **asked.fields(words),
            )


def _newly_reached(hit: CleanHit, visitor: Visitor) -> list[tuple[str, str]]:
    """Return the bounds that were not reached before in the visitor's view of the hit's page."""
    if not hit.reached:
        return []
    if visitor.reached is None:
        visitor.reached = {}
    before = visitor.reached.setdefault(hit.page, set())
    newly = [each for each in hit.reached if hash((hit.event, *each)) not in before]
    before.update(hash((hit.event, *each)) for each in newly)
    return newly


def _engaged_seconds(hit: CleanHit, visitor: Visitor) -> int:
    """Return the whole seconds; the rest is added to the visitor's next hit of engagement."""
    seconds, visitor.engaged_ms = divmod(visitor.engaged_ms + hit.engaged_ms, 1_000)
    return seconds


def _row(hit: CleanHit, served: Served, hits: int) -> CountedHit:
    hour = hour_start(hit.local)
    return CountedHit(hit.site, hit.door.value, COUNTED, hits, served.bits, hour)


def _prolong(hit: CleanHit, visitor: Visitor, of_both: Served) -> list[CountedHit]:
    """Keep the visit open; what a visitor did ends its bounce as a second view does.

    `of_both` is what the hit serves of what the visit does.
    """
    bounces = -1 if hit.interactive and not visitor.viewed_again else 0
    visitor.viewed_again |= hit.interactive
    seconds = max(0, hit.time - visitor.last_seen)
    visitor.last_seen += seconds
    if not (of_both.bits and (bounces or seconds)):
        return []
    opening = visitor.opening
    words = words_of_all(opening, opening, hit)
    told = {of.value: word for of, word in words.items()} | of_both.blanks
    return [
        replace(
            _row(hit, of_both, 0),
            hour=hour_start(opening.local),
            bounces=bounces,
            seconds=seconds,
            **told,
        )
    ]
