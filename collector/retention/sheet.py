"""One site's month of cells as the choice of hidden ones sees it, by statistic and period."""

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Hashable, Iterator, Mapping
from operator import add, itemgetter, sub

from anonymizer.hits import OTHER
from anonymizer.policy import Grain
from collector.clock import DAY_SECONDS
from collector.retention.cells import Keys, Numbers, Table
from collector.retention.links import Line, Parent

NOTHING: Numbers = (0, 0, 0, 0, 0, 0)

Part = Callable[[Keys], Hashable]

RESTS = tuple((OTHER,) * width for width in range(4))  # by how many keys there are


def plus(one: Numbers, other: Numbers) -> Numbers:
    """Add, measure by measure."""
    return tuple(map(add, one, other))


def minus(one: Numbers, other: Numbers) -> Numbers:
    """Subtract, measure by measure."""
    return tuple(map(sub, one, other))


def at_most(one: Numbers, other: Numbers) -> Numbers:
    """Return the smaller number of each measure."""
    return tuple(map(min, one, other))


def sum_of(numbers: Collection[Numbers]) -> Numbers:
    """Add up, measure by measure."""
    if len(numbers) > 1:
        return tuple(map(sum, zip(*numbers, strict=True)))
    return next(iter(numbers), NOTHING)


class Period:
    """The cells of one statistic in one period: what stays, and what moves in this call."""

    __slots__ = ("_by_size", "moving", "shown")

    def __init__(self, cells: Mapping[Keys, Numbers], min_group: int) -> None:
        self.shown = {keys: of for keys, of in cells.items() if of[0] >= min_group}
        self.moving = (
            {}
            if len(self.shown) == len(cells)
            else {keys: of for keys, of in cells.items() if of[0] < min_group}
        )
        self._by_size: list[Keys] | None = None

    def hide(self, keys: Keys) -> None:
        """Let a cell move."""
        self.moving[keys] = self.shown.pop(keys)

    def by_size(self) -> Iterator[Keys]:
        """Yield the keys of the cells that stay, smallest first."""
        if self._by_size is None:
            self._by_size = sorted(self.shown, key=lambda keys: (self.shown[keys], keys))
        return (keys for keys in self._by_size if keys in self.shown)


class Sheet:
    """Every cell of a call, found by statistic, period and keys."""

    def __init__(self, table: Table, lines: Mapping[str, Line], totals: Collection[str]) -> None:
        self.periods: dict[str, dict[int, Period]] = {name: {} for name in lines}
        self.months: dict[str, Mapping[Keys, Numbers]] = {name: {} for name in lines}
        self._of_total: dict[int, list[Numbers]] = defaultdict(list)
        self._universes: dict[str, frozenset[Keys]] = {}
        self._closed: dict[Grain, list[int]] = {}
        self._totals: dict[Grain, dict[int, Numbers]] = {}
        for (name, at), cells in table.items():
            line = lines.get(name)
            if line is None:
                if at is not None:
                    self._of_total[at] += cells.values() if name in totals else ()
            elif at is None:
                self.months[name] = cells
            else:
                self.periods[name][at] = Period(cells, line.min_group)

    def universe(self, name: str) -> frozenset[Keys]:
        """Return every key of a statistic in the month.

        What moved to `OTHER` earlier is not counted as one more: it may be of these alone.
        """
        known = self._universes.get(name)
        if known is None:
            of = set(self.months[name])
            of.difference_update(RESTS)
            for period in self.periods[name].values():
                of.update(period.shown, period.moving)
            known = self._universes[name] = frozenset(of)
        return known

    def shown(self, name: str, at: int) -> Mapping[Keys, Numbers]:
        """Return the cells of a period that stay."""
        period = self.periods[name].get(at)
        return period.shown if period else {}

    def closed(self, grain: Grain) -> list[int]:
        """Return every period of which there is a cell."""
        known = self._closed.get(grain)
        if known is None:
            seen = set(self._of_total).union(*self.periods.values())
            if grain is Grain.DAY:
                seen = {at - at % DAY_SECONDS for at in seen}
            known = self._closed[grain] = sorted(seen)
        return known

    def totals(self, grain: Grain) -> Mapping[int, Numbers]:
        """Return what the site's traffic counts in each period."""
        known = self._totals.get(grain)
        if known is None:
            known = self._totals[grain] = defaultdict(lambda: NOTHING)
            for at, numbers in self._of_total.items():
                start = at - at % DAY_SECONDS if grain is Grain.DAY else at
                known[start] = plus(known[start], sum_of(numbers))
        return known


def is_rest(keys: Keys) -> bool:
    """Tell whether these are the keys of what belongs to no keys of its own."""
    return keys == RESTS[len(keys)]


def part_of(keys: Keys, at: tuple[int, ...]) -> Keys:
    """Return the keys that stand at these places."""
    return tuple([keys[each] for each in at])


def part_in(parent: Parent, cells: Mapping[Keys, Numbers]) -> tuple[Part, Container[Hashable]]:
    """Return how a coarser cell is named by a finer one's keys, and the names of `cells`."""
    take = parent.take
    if len(take) == len(parent.at) == 1:
        return itemgetter(*take), {keys[0] for keys in cells}
    if len(take) == len(parent.at) > 1:
        return itemgetter(*take), cells
    return parent.part, cells
