"""Which statistics of a policy are sums of which others, over the same views, events or masks."""

from collections.abc import Sequence

from msgspec import Struct

from anonymizer.policy import Dimension, Grain, Statistic
from collector.plan import counts_visits, is_exit, is_masks
from collector.retention.cells import is_guarded
from collector.subjects import tells_of

OPTIONAL = frozenset(
    {
        Dimension.REFERRER,
        Dimension.CAMPAIGN,
        Dimension.CAMPAIGN_SOURCE,
        Dimension.CAMPAIGN_MEDIUM,
        Dimension.CAMPAIGN_CONTENT,
        Dimension.CAMPAIGN_TERM,
    }
)
"""A hit without these has no cell in a statistic that is told apart by them."""


class Parent(Struct, frozen=True):
    """A coarser guarded statistic, and where its keys stand among the finer one's."""

    name: str
    at: tuple[int, ...]


class Line(Struct, frozen=True):
    """What is to be known of a guarded statistic to hide its cells."""

    name: str
    min_group: int
    dimensions: int
    grain: Grain
    parents: tuple[Parent, ...]
    """Statistics of which this one's cells are the parts, in the policy's order."""
    shared: tuple[int, ...]
    """Where keys stand, if it has no parent, by which a crossed statistic tells apart too."""
    across: bool
    """Whether its keys beyond the first parent's are told apart by another statistic too."""
    visits: bool
    """Whether it counts visits, bounces and seconds too."""
    adds_up: bool
    """Whether its cells of a period add up to the site's traffic."""


def lines_of(statistics: Sequence[Statistic]) -> dict[str, Line]:
    """Return the guarded statistics by name, coarse ones before finer ones."""
    guarded = sorted((each for each in statistics if is_guarded(each)), key=lambda s: len(s.by))
    return {each.name: _line(each, guarded) for each in guarded}


def _line(statistic: Statistic, guarded: Sequence[Statistic]) -> Line:
    by = statistic.by
    akin = [each for each in guarded if each != statistic and _of_same_rows(each, statistic)]
    parents = tuple(
        Parent(each.name, tuple(by.index(dimension) for dimension in each.by))
        for each in akin
        if each.by and set(each.by) < set(by)
    )
    shared: set[Dimension] = set()
    across = False
    if parents:
        beyond = set(by) - {by[at] for at in parents[0].at}
        across = any(beyond & set(each.by) for each in akin)
    else:
        for each in akin:
            if not set(by) <= set(each.by):
                shared |= set(by) & set(each.by)
    return Line(
        statistic.name,
        statistic.min_group,
        len(by),
        statistic.grain,
        parents,
        tuple(at for at, dimension in enumerate(by) if dimension in shared),
        across,
        counts_visits(statistic),
        Dimension.EVENT not in by and not is_masks(statistic) and not OPTIONAL & set(by),
    )


def _of_same_rows(one: Statistic, other: Statistic) -> bool:
    if Dimension.EVENT in one.by and Dimension.EVENT in other.by:
        return one.grain is other.grain
    return (
        one.grain is other.grain
        and tells_of(one.by) is tells_of(other.by)
        and is_exit(one) == is_exit(other)
    )
