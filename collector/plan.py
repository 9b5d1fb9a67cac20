"""The policy compiled for counting: bits for purposes and for combinations.

A *combination* is a set of dimensions in which a visitor counts once a day.
Dimensions that follow from the visitor key (device, browser, operating system,
network) can't vary for one visitor and are left out, so statistics share them.
"""

from msgspec import Struct

from anonymizer.policy import (
    MACHINE_DIMENSIONS,
    PROPERTY_DIMENSIONS,
    Dimension,
    Policy,
    PurposeId,
    Statistic,
)
from collector.words import OF_KEY

KEY_DIMENSIONS = frozenset(OF_KEY)
COVERAGE_DIMENSIONS = (Dimension.DOOR, Dimension.REASON)
PAGE_DIMENSIONS = frozenset({Dimension.PAGE, Dimension.PREVIOUS_PAGE})
_NO_VIEWS = PROPERTY_DIMENSIONS | MACHINE_DIMENSIONS | {Dimension.MASK}

MAX_COMBINATIONS = 64  # they travel as the bits of one UInt64


class TooManyCombinations(ValueError):
    """The policy's statistics need more than `MAX_COMBINATIONS` combinations."""


class Served(Struct, frozen=True):
    """What follows from the purposes that a hit serves."""

    bits: int
    """Bit i is set for the policy's i-th purpose."""
    blanks: dict[str, str | int]
    """The fields that no statistic of views asks for (law 4: not on disk either)."""
    of_events: frozenset[Dimension]
    """What events, and what was masked, are told apart by."""


class Plan(Struct, frozen=True):
    """Which bit means what."""

    purposes: tuple[PurposeId, ...]
    combinations: tuple[tuple[Dimension, ...], ...]

    of_views: dict[PurposeId, frozenset[Dimension]]
    """What a purpose's statistics of views and visits are told apart by."""
    of_events: dict[PurposeId, frozenset[Dimension]]
    """What its statistics of events, and of what was masked, are told apart by."""
    of_machines: frozenset[Dimension]
    """What machines are told apart by; they serve no purpose of their own."""

    def purpose_bit(self, purpose: PurposeId) -> int:
        """Return the bit number of a purpose."""
        return self.purposes.index(purpose)

    def combination_bit(self, statistic: Statistic) -> int:
        """Return the bit number of a statistic's combination."""
        return self.combinations.index(combination_of(statistic))

    def serves(self, purposes: frozenset[PurposeId]) -> int:
        """Return the bit set of the purposes a hit may serve."""
        bits = 0
        for number, purpose in enumerate(self.purposes):
            if purpose in purposes:
                bits |= 1 << number
        return bits

    def served(self, purposes: frozenset[PurposeId]) -> Served:
        """Compile what follows from a set of purposes."""
        unasked = self.unasked(purposes) - set(COVERAGE_DIMENSIONS)
        blanks: dict[str, str | int] = dict.fromkeys(unasked - {Dimension.EXIT_PAGE}, "")
        if Dimension.EXIT_PAGE in unasked:
            blanks |= {"exit_from": "", "exit_from_visitors": 0}
            blanks |= {"exit_to": "", "exit_to_visitors": 0}
        asked = (of for purpose, of in self.of_events.items() if purpose in purposes)
        return Served(self.serves(purposes), blanks, frozenset[Dimension]().union(*asked))

    def unasked(self, purposes: frozenset[PurposeId]) -> frozenset[Dimension]:
        """Return the dimensions of views that no statistic of these purposes is told apart by."""
        asked = (of for purpose, of in self.of_views.items() if purpose in purposes)
        return frozenset(Dimension).difference(_NO_VIEWS, *asked)


def combination_of(statistic: Statistic) -> tuple[Dimension, ...]:
    """Return the dimensions of a statistic that can vary for one visitor in one day."""
    return tuple(sorted(d for d in statistic.by if d not in KEY_DIMENSIONS))


def is_coverage(statistic: Statistic) -> bool:
    """Tell whether a statistic counts hits by door and reason instead of visitors."""
    return statistic.by == COVERAGE_DIMENSIONS


def is_machines(statistic: Statistic) -> bool:
    """Tell whether a statistic counts the hits of machines instead of visitors."""
    return bool(statistic.by) and MACHINE_DIMENSIONS.issuperset(statistic.by)


def is_masks(statistic: Statistic) -> bool:
    """Tell whether a statistic counts what was masked."""
    return Dimension.MASK in statistic.by


def is_events(statistic: Statistic) -> bool:
    """Tell whether a statistic counts events, with or without a property."""
    return Dimension.EVENT in statistic.by


def is_exit(statistic: Statistic) -> bool:
    """Tell whether a statistic counts visits by the page they ended on."""
    return Dimension.EXIT_PAGE in statistic.by


def counts_visits(statistic: Statistic) -> bool:
    """Tell whether visits, bounces and seconds have a meaning in a statistic's cells.

    A visit has many pages, so a cell told apart by page counts visitors and views only.
    """
    return counts_views(statistic) and not PAGE_DIMENSIONS.intersection(statistic.by)


def counts_views(statistic: Statistic) -> bool:
    """Tell whether page views are what a statistic counts, beside visitors."""
    if is_coverage(statistic) or is_exit(statistic):
        return False
    return _NO_VIEWS.isdisjoint(statistic.by)


def make_plan(policy: Policy) -> Plan:
    """Compile a policy.

    Raises:
        TooManyCombinations: the statistics need more bits than there are.
    """
    combinations: list[tuple[Dimension, ...]] = []
    for statistic in policy.statistics:
        if is_coverage(statistic) or is_exit(statistic) or is_machines(statistic):
            continue
        combination = combination_of(statistic)
        if combination not in combinations:
            combinations.append(combination)
    if len(combinations) > MAX_COMBINATIONS:
        raise TooManyCombinations(
            f"statistics need {len(combinations)} combinations of dimensions,"
            f" more than {MAX_COMBINATIONS}"
        )
    purposes = tuple(purpose.id for purpose in policy.purposes)
    events = [each for each in policy.statistics if is_events(each) or is_masks(each)]
    machines = [each for each in policy.statistics if is_machines(each)]
    return Plan(
        purposes=purposes,
        combinations=tuple(combinations),
        of_views=_dimensions(
            purposes, [each for each in policy.statistics if each not in (*events, *machines)]
        ),
        of_events=_dimensions(purposes, events),
        of_machines=frozenset(dimension for each in machines for dimension in each.by),
    )


def _dimensions(
    purposes: tuple[PurposeId, ...], statistics: list[Statistic]
) -> dict[PurposeId, frozenset[Dimension]]:
    return {
        purpose: frozenset(
            dimension
            for statistic in statistics
            if statistic.purpose == purpose
            for dimension in statistic.by
        )
        for purpose in purposes
    }
