"""The policy compiled for counting: bits for purposes and for combinations.

A *combination* is a set of dimensions in which a visitor counts once a day.
Dimensions that follow from the visitor key (device, browser, operating system,
network) can't vary for one visitor and are left out, so statistics share them.
"""

from msgspec import Struct

from anonymizer.hits import SiteId
from anonymizer.policy import (
    ENGAGEMENT,
    FUNNEL_DIMENSIONS,
    MACHINE_DIMENSIONS,
    MAIL_DIMENSIONS,
    PROPERTY_DIMENSIONS,
    Dimension,
    Funnel,
    Policy,
    PurposeId,
    Statistic,
)
from collector.counted import Tells
from collector.words import OF_KEY

KEY_DIMENSIONS = frozenset(OF_KEY)
COVERAGE_DIMENSIONS = (Dimension.DOOR, Dimension.REASON)
PAGE_DIMENSIONS = frozenset({Dimension.PAGE, Dimension.PREVIOUS_PAGE})
_NO_VIEWS = frozenset(
    {
        *(*PROPERTY_DIMENSIONS, *MACHINE_DIMENSIONS, *MAIL_DIMENSIONS),
        *(*FUNNEL_DIMENSIONS, Dimension.GOAL, Dimension.MASK),
    }
)

MAX_COMBINATIONS = 64  # they travel as the bits of one UInt64


class TooManyCombinations(ValueError):
    """The policy's statistics need more than `MAX_COMBINATIONS` combinations."""


class Served(Struct, frozen=True):
    """What follows from the purposes that a hit serves."""

    purposes: frozenset[PurposeId]
    bits: int
    """The same: bit i is set for the policy's i-th purpose."""
    blanks: dict[str, str | int]
    """The fields that no statistic of views asks for (law 4: not on disk either)."""
    of_mail: frozenset[Dimension] = frozenset()
    """What e-mail is told apart by."""


class Plan(Struct, frozen=True):
    """Which bit means what."""

    purposes: tuple[PurposeId, ...]
    combinations: tuple[tuple[Dimension, ...], ...]
    asked_by: tuple[int, ...]
    """Of each combination, the bits of the purposes whose statistics count in it."""

    of_views: dict[PurposeId, frozenset[Dimension]]
    """What a purpose's statistics of views and visits are told apart by."""
    of_subjects: tuple[Statistic, ...]
    """The statistics of events, their properties, what was masked, goals and steps of funnels."""
    of_machines: frozenset[Dimension]
    """What machines are told apart by; they serve no purpose of their own."""
    of_mail: dict[PurposeId, frozenset[Dimension]] = {}
    """What a purpose's statistics of e-mail are told apart by."""
    goals: frozenset[str] = frozenset()
    """The names of goals."""
    funnels: dict[SiteId, tuple[Funnel, ...]] = {}
    """The funnels of each site."""

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
        return Served(
            purposes,
            self.serves(purposes),
            blanks,
            frozenset(
                dimension
                for purpose, by in self.of_mail.items()
                if purpose in purposes
                for dimension in by
            ),
        )

    def unasked(self, purposes: frozenset[PurposeId]) -> frozenset[Dimension]:
        """Return the dimensions of views that no statistic of these purposes is told apart by."""
        asked = (of for purpose, of in self.of_views.items() if purpose in purposes)
        return frozenset(Dimension).difference(_NO_VIEWS, *asked)


def combination_of(statistic: Statistic) -> tuple[Dimension, ...]:
    """Return the dimensions of a statistic that can vary for one visitor in one day.

    The event and property that it is held to are among them: statistics that are told apart
    alike share a bit, whatever they are held to.
    """
    return tuple(sorted(d for d in statistic.dimensions() if d not in KEY_DIMENSIONS))


def tells_of(combination: tuple[Dimension, ...]) -> Tells:
    """Return which rows a combination of dimensions is counted on."""
    if Dimension.MASK in combination:
        return Tells.MASK
    if not MAIL_DIMENSIONS.isdisjoint(combination):
        told = {Dimension.MAIL_KIND, Dimension.LINK}.intersection(combination)
        return Tells.MAIL if told else Tells.DELIVERED
    if Dimension.GOAL in combination:
        return Tells.GOAL
    if Dimension.FUNNEL in combination:
        return Tells.FUNNEL
    if Dimension.PROPERTY in combination:
        return Tells.PROPERTY
    return Tells.EVENT if Dimension.EVENT in combination else Tells.VIEW


def is_coverage(statistic: Statistic) -> bool:
    """Tell whether a statistic counts hits by door and reason instead of visitors."""
    return statistic.by == COVERAGE_DIMENSIONS


def is_machines(statistic: Statistic) -> bool:
    """Tell whether a statistic counts the hits of machines instead of visitors."""
    return bool(statistic.by) and MACHINE_DIMENSIONS.issuperset(statistic.by)


def is_mail(statistic: Statistic) -> bool:
    """Tell whether a statistic counts what became of e-mail, or how much was delivered."""
    return not MAIL_DIMENSIONS.isdisjoint(statistic.by)


def is_delivered(statistic: Statistic) -> bool:
    """Tell whether a statistic adds up what the operator told of deliveries, and no hits."""
    return MAIL_DIMENSIONS.intersection(statistic.by) == {Dimension.VARIANT}


def is_masks(statistic: Statistic) -> bool:
    """Tell whether a statistic counts what was masked."""
    return Dimension.MASK in statistic.by


def is_goals(statistic: Statistic) -> bool:
    """Tell whether a statistic counts goals that were reached."""
    return Dimension.GOAL in statistic.by


def is_funnels(statistic: Statistic) -> bool:
    """Tell whether a statistic counts the steps of funnels that visits took."""
    return Dimension.FUNNEL in statistic.by


def is_events(statistic: Statistic) -> bool:
    """Tell whether a statistic counts events, with or without a property."""
    return Dimension.EVENT in statistic.dimensions()


def is_engagement(statistic: Statistic) -> bool:
    """Tell whether a statistic counts the seconds that visitors were engaged."""
    return statistic.event == ENGAGEMENT and not statistic.property


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
    return _NO_VIEWS.isdisjoint(statistic.dimensions())


def make_plan(policy: Policy) -> Plan:
    """Compile a policy.

    Raises:
        TooManyCombinations: the statistics need more bits than there are.
    """
    purposes = tuple(purpose.id for purpose in policy.purposes)
    asked_by: dict[tuple[Dimension, ...], int] = {}
    for statistic in policy.statistics:
        if is_coverage(statistic) or is_exit(statistic) or is_machines(statistic):
            continue
        if is_delivered(statistic):
            continue
        combination = combination_of(statistic)
        by_purpose = 1 << purposes.index(statistic.purpose)
        asked_by[combination] = asked_by.get(combination, 0) | by_purpose
    combinations = tuple(asked_by)
    if len(combinations) > MAX_COMBINATIONS:
        raise TooManyCombinations(
            f"statistics need {len(combinations)} combinations of dimensions,"
            f" more than {MAX_COMBINATIONS}"
        )
    subjects = [
        each
        for each in policy.statistics
        if is_events(each) or is_masks(each) or is_goals(each) or is_funnels(each)
    ]
    machines = [each for each in policy.statistics if is_machines(each)]
    mail = [each for each in policy.statistics if is_mail(each)]
    no_views = (*subjects, *machines, *mail)
    return Plan(
        purposes=purposes,
        combinations=combinations,
        asked_by=tuple(asked_by.values()),
        of_views=_dimensions(
            purposes,
            [each for each in policy.statistics if each not in no_views],
        ),
        of_subjects=tuple(subjects),
        of_machines=frozenset(dimension for each in machines for dimension in each.by),
        of_mail=_dimensions(purposes, mail),
        goals=frozenset(policy.goals),
        funnels={
            site: tuple(of for of in policy.funnels.values() if of.site in ("", site))
            for site in policy.sites
        },
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
