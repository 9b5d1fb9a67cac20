"""What moves in a period of a crossed statistic where no coarser cell is shown.

Where there is as much of it as an exposed cell counts, all that the cell counts can be swapped with
it, and `swaps`, which looks at every cell for each, need not be asked.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from operator import ge

from collector.retention.cells import Keys, Numbers
from collector.retention.links import Line
from collector.retention.sheet import (
    NOTHING,
    Part,
    Period,
    Sheet,
    part_in,
    part_of,
    plus,
    sum_of,
)

_COLUMNS = 8
"""How many columns are looked at for a cell, those with most first."""


class Loose:
    """One period of a crossed statistic: what is exposed, and what plainly hides it."""

    def __init__(self, sheet: Sheet, line: Line, at: int, period: Period) -> None:
        self._shown = period.shown
        self._across = line.across
        self._coarser: list[tuple[Part, Mapping[Hashable, int]]] = []
        self._moving: list[Mapping[Hashable, int]] = []
        self._all = NOTHING
        self._columns: list[tuple[Keys, Numbers]] = []
        self.exposed: list[Keys] = list(period.moving)
        """What moves where all coarser cells are shown."""
        loose = self.exposed
        told = [part_in(of, sheet.shown(of.name, at)) for of in line.parents]
        for part, names in told:
            self.exposed = [keys for keys in self.exposed if part(keys) in names]
            loose = [keys for keys in loose if part(keys) not in names]
        known = {number for parent in line.parents for number in parent.at}
        self._rest = tuple(number for number in range(line.dimensions) if number not in known)
        if not (self.exposed and self._across):
            return
        for parent, (part, _) in zip(line.parents, told, strict=True):
            of = sheet.shown(parent.name, at)
            exposed = {part(keys): of[parent.part(keys)][0] for keys in self.exposed}
            moving: dict[Hashable, int] = defaultdict(int)
            for keys, numbers in period.moving.items():
                moving[part(keys)] += numbers[0]
            self._coarser.append((part, exposed))
            self._moving.append(moving)
        self._add_up(period, loose)

    def _add_up(self, period: Period, loose: list[Keys]) -> None:
        self._all = sum_of([period.moving[keys] for keys in loose])
        if self._rest:
            columns: dict[Keys, Numbers] = {}
            for keys in loose:
                column = part_of(keys, self._rest)
                columns[column] = plus(columns.get(column, NOTHING), period.moving[keys])
            by_size = sorted(columns.items(), key=lambda item: (item[1], item[0]), reverse=True)
            self._columns = by_size[:_COLUMNS]

    def hides(self, keys: Keys, numbers: Numbers) -> bool:
        """Tell whether there is enough for an exposed cell, within what coarser cells show."""
        if not self._across:
            return False
        for (part, of), moving in zip(self._coarser, self._moving, strict=True):
            if moving[part(keys)] > of[part(keys)]:
                return False
        enough = self._beside(keys) if self._rest else self._all
        return all(map(ge, enough, numbers))

    def _beside(self, keys: Keys) -> Numbers:
        """Return what is loose in the columns to which a cell's visitors could move."""
        enough = NOTHING
        own = part_of(keys, self._rest)
        for column, numbers in self._columns:
            other = list(keys)
            for at, key in zip(self._rest, column, strict=True):
                other[at] = key
            if column != own and tuple(other) not in self._shown:
                enough = plus(enough, numbers)
        return enough
