"""What moves in a period of a crossed statistic where no coarser cell is shown.

Where there is as much of it as an exposed cell counts, all that the cell counts can be swapped with
it, and `swaps`, which looks at every cell for each, need not be asked.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable
from operator import ge, itemgetter

from collector.retention.links import Line
from collector.retention.sheet import (
    NOTHING,
    Keys,
    Numbers,
    Period,
    Sheet,
    part_of,
    plus,
    sum_of,
)

_COLUMNS = 8
"""How many columns are looked at for a cell, those with most first."""

_Part = Callable[[Keys], Hashable]


class Loose:
    """One period of a crossed statistic: what is exposed, and what plainly hides it."""

    def __init__(self, sheet: Sheet, line: Line, at: int, period: Period) -> None:
        self._shown = period.shown
        self._across = line.across
        self._coarser: list[tuple[_Part, dict[Hashable, int]]] = []
        for parent in line.parents:
            one = len(parent.at) == 1
            visitors: dict[Hashable, int] = {
                keys[0] if one else keys: sheet.visitors(index)
                for keys, index in sheet.shown(parent.name, at).items()
            }
            part: _Part = itemgetter(*parent.at)
            self._coarser.append((part, visitors))
        self.exposed: list[Keys] = []
        """What moves where all coarser cells are shown."""
        loose: list[Keys] = []
        for keys in period.moving:
            told = [part(keys) in of for part, of in self._coarser]
            if False not in told:
                self.exposed.append(keys)
            elif True not in told:
                loose.append(keys)
        known = {number for parent in line.parents for number in parent.at}
        self._rest = tuple(number for number in range(line.dimensions) if number not in known)
        self._all = NOTHING
        self._columns: list[tuple[Keys, Numbers]] = []
        self._moving: list[dict[Hashable, int]] = [defaultdict(int) for _ in self._coarser]
        if self.exposed and self._across:
            self._add_up(sheet, period, loose)

    def _add_up(self, sheet: Sheet, period: Period, loose: list[Keys]) -> None:
        columns: dict[Keys, Numbers] = {}
        for keys in loose:
            column = part_of(keys, self._rest)
            numbers = sheet.numbers(period.moving[keys])
            columns[column] = plus(columns.get(column, NOTHING), numbers)
        self._all = sum_of(columns.values())
        by_size = sorted(columns.items(), key=lambda item: (item[1], item[0]), reverse=True)
        self._columns = by_size[:_COLUMNS]
        for keys, index in period.moving.items():
            visitors = sheet.visitors(index)
            for (part, _), moving in zip(self._coarser, self._moving, strict=True):
                moving[part(keys)] += visitors

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
