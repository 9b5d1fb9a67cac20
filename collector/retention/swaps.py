"""Whether a crossed cell, of which every coarser cell is shown, could count something else.

Then its row and its column are known, and what it counts can only be told otherwise by swaps within
its period: from (a, b) to (a, b') and, as much, from (a', b') to (a', b).
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from operator import ge

from collector.retention.links import Line
from collector.retention.sheet import (
    NOTHING,
    Keys,
    Numbers,
    Period,
    Sheet,
    at_most,
    minus,
    part_of,
    plus,
    sum_of,
)

_UNBOUND = 1 << 62


class Swaps:
    """What moves in one period of a crossed statistic, as a table of rows and columns."""

    def __init__(self, sheet: Sheet, line: Line, at: int, period: Period) -> None:
        self._across = line.across
        self._row_at = line.parents[0].at
        self._column_at = tuple(n for n in range(line.dimensions) if n not in self._row_at)
        self._bounds = [
            (parent.at, sheet.shown(parent.name, at), sheet.visitors) for parent in line.parents
        ]
        self._columns_known = 0
        if not line.across:
            known = {part_of(keys, self._column_at) for keys in sheet.universe(line.name)}
            self._columns_known = len(known)
        self._shown_in_row: dict[Keys, set[Keys]] = defaultdict(set)
        self._shown_in_column: dict[Keys, set[Keys]] = defaultdict(set)
        for keys in period.shown:
            row, column = self._split(keys)
            self._shown_in_row[row].add(column)
            self._shown_in_column[column].add(row)
        self._moving: dict[tuple[Keys, Keys], Numbers] = {}
        self._rows: dict[Keys, Numbers] = {}
        self._columns: dict[Keys, Numbers] = {}
        self._all = NOTHING
        self._barred_rows: dict[Keys, Numbers] = {}
        self._barred_columns: dict[Keys, Numbers] = {}
        for keys in sorted(period.moving):
            self._add(*self._split(keys), sheet.numbers(period.moving[keys]))

    def hide(self, keys: Keys, numbers: Numbers) -> None:
        """Take note that a shown cell moves too."""
        row, column = self._split(keys)
        self._shown_in_row[row].remove(column)
        self._shown_in_column[column].remove(row)
        self._add(row, column, numbers)
        self._forget()

    def show(self, keys: Keys) -> None:
        """Take that back."""
        row, column = self._split(keys)
        numbers = self._moving.pop((row, column))
        self._shown_in_row[row].add(column)
        self._shown_in_column[column].add(row)
        self._rows[row] = minus(self._rows[row], numbers)
        self._columns[column] = minus(self._columns[column], numbers)
        self._all = minus(self._all, numbers)
        self._forget()

    def _forget(self) -> None:
        self._barred_rows.clear()
        self._barred_columns.clear()

    def _add(self, row: Keys, column: Keys, numbers: Numbers) -> None:
        self._moving[row, column] = numbers
        self._rows[row] = plus(self._rows.get(row, NOTHING), numbers)
        self._columns[column] = plus(self._columns.get(column, NOTHING), numbers)
        self._all = plus(self._all, numbers)

    def is_safe(self, keys: Keys) -> bool:
        """Tell whether what a moving cell counts might as well be less or more by its own size."""
        row, column = self._split(keys)
        if not self._across:
            return self._columns_known - len(self._shown_in_row.get(row, ())) > 1
        own = self._moving[row, column]
        width = plus(self._less_by(row, column, own), self._more_by(row, column))
        if any(has < needs for has, needs in zip(width, own, strict=True)):
            return False
        return self._visitors_fit(row, column, own[0])

    def _split(self, keys: Keys) -> tuple[Keys, Keys]:
        return part_of(keys, self._row_at), part_of(keys, self._column_at)

    def _less_by(self, row: Keys, column: Keys, own: Numbers) -> Numbers:
        """Return what moves outside its row and column, where both ends of a swap move too."""
        rows = self._shown_in_column.get(column, set())
        columns = self._shown_in_row.get(row, set())
        if column not in self._barred_rows:
            self._barred_rows[column] = sum_of(self._rows.get(each, NOTHING) for each in rows)
        if row not in self._barred_columns:
            self._barred_columns[row] = sum_of(self._columns.get(each, NOTHING) for each in columns)
        room = minus(minus(self._all, self._rows[row]), self._columns[column])
        room = minus(minus(room, self._barred_rows[column]), self._barred_columns[row])
        if all(map(ge, room, own)):
            return room
        # What stands in a row and in a column of these was subtracted twice.
        return plus(room, sum_of(self._twice(row, column)))

    def _twice(self, row: Keys, column: Keys) -> Iterator[Numbers]:
        rows = {row} | self._shown_in_column.get(column, set())
        columns = {column} | self._shown_in_row.get(row, set())
        if len(rows) * len(columns) > len(self._moving):
            for (one, other), numbers in self._moving.items():
                if one in rows and other in columns:
                    yield numbers
        else:
            for pair in product(rows, columns):
                if pair in self._moving:
                    yield self._moving[pair]

    def _more_by(self, row: Keys, column: Keys) -> Numbers:
        own = self._moving[row, column]
        return at_most(minus(self._rows[row], own), minus(self._columns[column], own))

    def _visitors_fit(self, row: Keys, column: Keys, needs: int) -> bool:
        """Tell whether swaps keep each cell within the visitors of the coarser cells shown."""
        in_row: dict[Keys, int] = {}
        in_column: dict[Keys, int] = {}
        not_to = self._shown_in_row.get(row, set()) | {column}
        not_from = self._shown_in_column.get(column, set()) | {row}
        for (other_row, other_column), numbers in self._moving.items():
            if other_row in not_from or other_column in not_to:
                continue
            to_row = in_row.setdefault(other_column, self._room(row, other_column))
            to_column = in_column.setdefault(other_row, self._room(other_row, column))
            moved = min(numbers[0], to_row, to_column)
            if moved > 0:
                needs -= moved
                if needs <= 0:
                    return True
                in_row[other_column] -= moved
                in_column[other_row] -= moved
        return False

    def _room(self, row: Keys, column: Keys) -> int:
        keys = [""] * (len(row) + len(column))
        for at, key in (
            *zip(self._row_at, row, strict=True),
            *zip(self._column_at, column, strict=True),
        ):
            keys[at] = key
        most = _UNBOUND
        for of, shown, visitors in self._bounds:
            index = shown.get(part_of(tuple(keys), of))
            if index is not None:
                most = min(most, visitors(index))
        return most - self._moving.get((row, column), NOTHING)[0]
