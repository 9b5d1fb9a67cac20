"""One site's month of cells as the choice of hidden ones sees it, by statistic and period."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import add, sub

from anonymizer.hits import OTHER
from anonymizer.policy import Grain
from collector.clock import DAY_SECONDS
from collector.retention.cells import Cell
from collector.retention.links import Line

Keys = tuple[str, ...]
Numbers = tuple[int, ...]
"""The measures of a cell, in order: visitors first."""

NOTHING: Numbers = (0, 0, 0, 0, 0, 0)


def plus(one: Numbers, other: Numbers) -> Numbers:
    """Add, measure by measure."""
    return tuple(map(add, one, other))


def minus(one: Numbers, other: Numbers) -> Numbers:
    """Subtract, measure by measure."""
    return tuple(map(sub, one, other))


def at_most(one: Numbers, other: Numbers) -> Numbers:
    """Return the smaller number of each measure."""
    return tuple(map(min, one, other))


def sum_of(numbers: Iterable[Numbers]) -> Numbers:
    """Add up, measure by measure."""
    return tuple(map(sum, zip(NOTHING, *numbers, strict=True)))


class Period:
    """The cells of one statistic in one period: what stays, and what moves in this call."""

    __slots__ = ("moving", "shown")

    def __init__(self) -> None:
        self.shown: dict[Keys, int] = {}
        self.moving: dict[Keys, int] = {}

    def hide(self, keys: Keys) -> None:
        """Let a cell move."""
        self.moving[keys] = self.shown.pop(keys)

    def show(self, keys: Keys) -> None:
        """Let a cell stay after all."""
        self.shown[keys] = self.moving.pop(keys)


class Sheet:
    """Every cell of a call, found by statistic, period and keys."""

    def __init__(self, cells: Sequence[Cell], lines: Mapping[str, Line]) -> None:
        self._cells = cells
        self.periods: dict[str, dict[int, Period]] = {name: {} for name in lines}
        self.months: dict[str, dict[Keys, int]] = {name: {} for name in lines}
        self._of_total: dict[int, list[int]] = defaultdict(list)
        self._universes: dict[str, frozenset[Keys]] = {}
        sizes = {name: line.min_group for name, line in lines.items()}
        period = Period()
        size = 0
        last: tuple[str, int | None] = ("", None)
        for index, cell in enumerate(cells):
            at = cell.period
            if last != (cell.statistic, at):
                last = (cell.statistic, at)
                size = sizes.get(cell.statistic, 0)
                if size and at is not None:
                    period = self.periods[cell.statistic].setdefault(at, Period())
            if not size:
                if at is not None:
                    self._of_total[at] += [] if cell.keys else [index]
            elif at is None:
                self.months[cell.statistic][cell.keys] = index
            elif cell.visitors < size:
                period.moving[cell.keys] = index
            else:
                period.shown[cell.keys] = index

    def numbers(self, index: int) -> Numbers:
        """Return a cell's measures."""
        cell = self._cells[index]
        return (cell.visitors, cell.visits, cell.views, cell.bounces, cell.seconds, cell.hits)

    def visitors(self, index: int) -> int:
        """Return a cell's visitors."""
        return self._cells[index].visitors

    def universe(self, name: str) -> frozenset[Keys]:
        """Return every key of a statistic in the month, `OTHER` too where something is under it."""
        known = self._universes.get(name)
        if known is None:
            of: set[Keys] = set(self.months[name])
            for period in self.periods[name].values():
                of.update(period.shown, period.moving)
            known = self._universes[name] = frozenset(of)
        return known

    def shown(self, name: str, at: int) -> Mapping[Keys, int]:
        """Return the cells of a period that stay."""
        period = self.periods[name].get(at)
        return period.shown if period else {}

    def by_size(self, period: Period) -> list[Keys]:
        """Return the keys of a period's cells that stay, smallest first."""
        return sorted(period.shown, key=lambda keys: (self.numbers(period.shown[keys]), keys))

    def closed(self, grain: Grain) -> list[int]:
        """Return every period of which there is a cell."""
        seen = set(self._of_total).union(*self.periods.values())
        if grain is Grain.DAY:
            seen = {at - at % DAY_SECONDS for at in seen}
        return sorted(seen)

    def totals(self, grain: Grain) -> dict[int, Numbers]:
        """Return what the site's traffic counts in each period."""
        found: dict[int, Numbers] = defaultdict(lambda: NOTHING)
        for at, indexes in self._of_total.items():
            start = at - at % DAY_SECONDS if grain is Grain.DAY else at
            found[start] = plus(found[start], sum_of(map(self.numbers, indexes)))
        return found


def is_rest(keys: Keys) -> bool:
    """Tell whether these are the keys of what belongs to no keys of its own."""
    return all(key == OTHER for key in keys)


def part_of(keys: Keys, at: tuple[int, ...]) -> Keys:
    """Return the keys that stand at these places."""
    return tuple([keys[each] for each in at])
