"""The policy compiled for counting: bits for purposes and for combinations.

A *combination* is a set of dimensions in which a visitor counts once a day.
Dimensions that follow from the visitor key (device, browser, operating system,
network) can't vary for one visitor and are left out, so statistics share them.
"""

from msgspec import Struct

from anonymizer.policy import Dimension, Policy, PurposeId, Statistic

KEY_DIMENSIONS = frozenset({Dimension.DEVICE, Dimension.BROWSER, Dimension.OS, Dimension.NETWORK})
COVERAGE_DIMENSIONS = (Dimension.DOOR, Dimension.REASON)
PAGE_DIMENSIONS = frozenset({Dimension.PAGE, Dimension.PREVIOUS_PAGE})

MAX_COMBINATIONS = 64  # they travel as the bits of one UInt64


class TooManyCombinations(ValueError):
    """The policy's statistics need more than `MAX_COMBINATIONS` combinations."""


class Plan(Struct, frozen=True):
    """Which bit means what."""

    purposes: tuple[PurposeId, ...]
    combinations: tuple[tuple[Dimension, ...], ...]

    dimensions: dict[PurposeId, frozenset[Dimension]]
    """What the statistics of a purpose are told apart by."""

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

    def unasked(self, purposes: frozenset[PurposeId]) -> frozenset[Dimension]:
        """Return the dimensions that no statistic of these purposes is told apart by."""
        asked = (of for purpose, of in self.dimensions.items() if purpose in purposes)
        return frozenset(Dimension).difference(*asked)


def combination_of(statistic: Statistic) -> tuple[Dimension, ...]:
    """Return the dimensions of a statistic that can vary for one visitor in one day."""
    return tuple(sorted(d for d in statistic.by if d not in KEY_DIMENSIONS))


def is_coverage(statistic: Statistic) -> bool:
    """Tell whether a statistic counts hits by door and reason instead of visitors."""
    return statistic.by == COVERAGE_DIMENSIONS


def is_exit(statistic: Statistic) -> bool:
    """Tell whether a statistic counts visits by the page they ended on."""
    return Dimension.EXIT_PAGE in statistic.by


def counts_visits(statistic: Statistic) -> bool:
    """Tell whether visits, bounces and seconds have a meaning in a statistic's cells.

    A visit has many pages, so a cell told apart by page counts visitors and views only.
    """
    return not PAGE_DIMENSIONS.intersection(statistic.by) and not is_coverage(statistic)


def make_plan(policy: Policy) -> Plan:
    """Compile a policy.

    Raises:
        TooManyCombinations: the statistics need more bits than there are.
    """
    combinations: list[tuple[Dimension, ...]] = []
    for statistic in policy.statistics:
        if is_coverage(statistic) or is_exit(statistic):
            continue
        combination = combination_of(statistic)
        if combination not in combinations:
            combinations.append(combination)
    if len(combinations) > MAX_COMBINATIONS:
        raise TooManyCombinations(
            f"statistics need {len(combinations)} combinations of dimensions,"
            f" more than {MAX_COMBINATIONS}"
        )
    return Plan(
        purposes=tuple(purpose.id for purpose in policy.purposes),
        combinations=tuple(combinations),
        dimensions={
            purpose.id: frozenset(
                dimension
                for statistic in policy.statistics
                if statistic.purpose == purpose.id
                for dimension in statistic.by
            )
            for purpose in policy.purposes
        },
    )
