"""Whether a crossed cell, of which every coarser cell is shown, could count something else.

Then its row and its column are known, and what it counts can only be told otherwise by swaps within
its period: from (a, b) to (a, b') and, as much, from (a', b') to (a', b).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from operator import ge, itemgetter

from collector.retention.cells import Keys, Numbers
from collector.retention.links import Line, Parent
from collector.retention.sheet import (
    NOTHING,
    Period,
    Sheet,
    at_most,
    minus,
    plus,
    sum_of,
)

_UNBOUND = 1 << 62

_Side = Hashable
"""A row or a column: a word, or several."""


class Swaps:
    """What moves in one period of a crossed statistic, as a table of rows and columns."""

    def __init__(self, sheet: Sheet, line: Line, at: int, period: Period) -> None:
        self.across = line.across
        row_at = line.parents[0].at
        column_at = tuple(n for n in range(line.dimensions) if n not in row_at)
        self._row_of, self._column_of = _words_at(row_at), _words_at(column_at)
        self._bounds = _Bounds(sheet, line, at, row_at, column_at)
        self._known: Mapping[_Side, int] = {}
        self._known_of_any = 0
        if not line.across:
            known = sheet.universe(line.name)
            if line.own_words:
                self._known = Counter(map(self._row_of, known))
            else:
                self._known_of_any = len(set(map(self._column_of, known)))
        self._shown_in_row: dict[_Side, set[_Side]] = defaultdict(set)
        self._shown_in_column: dict[_Side, set[_Side]] = defaultdict(set)
        for keys in period.shown:
            row, column = self._row_of(keys), self._column_of(keys)
            self._shown_in_row[row].add(column)
            self._shown_in_column[column].add(row)
        self._moving: dict[_Side, dict[_Side, Numbers]] = defaultdict(dict)
        in_rows: dict[_Side, list[Numbers]] = defaultdict(list)
        in_columns: dict[_Side, list[Numbers]] = defaultdict(list)
        if line.across:
            for keys in sorted(period.moving):
                row, column = self._row_of(keys), self._column_of(keys)
                numbers = self._moving[row][column] = period.moving[keys]
                in_rows[row].append(numbers)
                in_columns[column].append(numbers)
        self._rows = {row: sum_of(of) for row, of in in_rows.items()}
        self._columns = {column: sum_of(of) for column, of in in_columns.items()}
        self._all = sum_of(self._rows.values())
        self._barred_rows: dict[_Side, Numbers] = {}
        self._barred_columns: dict[_Side, Numbers] = {}

    def hide(self, keys: Keys, numbers: Numbers) -> None:
        """Take note that a shown cell moves too."""
        row, column = self._row_of(keys), self._column_of(keys)
        self._shown_in_row[row].remove(column)
        self._shown_in_column[column].remove(row)
        self._moving[row][column] = numbers
        self._rows[row] = plus(self._rows.get(row, NOTHING), numbers)
        self._columns[column] = plus(self._columns.get(column, NOTHING), numbers)
        self._all = plus(self._all, numbers)
        self._forget()

    def show(self, keys: Keys) -> None:
        """Take that back."""
        row, column = self._row_of(keys), self._column_of(keys)
        numbers = self._moving[row].pop(column)
        self._shown_in_row[row].add(column)
        self._shown_in_column[column].add(row)
        self._rows[row] = minus(self._rows[row], numbers)
        self._columns[column] = minus(self._columns[column], numbers)
        self._all = minus(self._all, numbers)
        self._forget()

    def unbind(self) -> None:
        """Take note that a coarser cell is no longer shown."""
        self._bounds.forget()

    def _forget(self) -> None:
        self._barred_rows.clear()
        self._barred_columns.clear()

    def is_safe(self, keys: Keys) -> bool:
        """Tell whether what a moving cell counts might as well be less or more by its own size."""
        row, column = self._row_of(keys), self._column_of(keys)
        if not self.across:
            known = self._known.get(row, self._known_of_any)
            return known - len(self._shown_in_row.get(row, ())) > 1
        own = self._moving[row][column]
        width = plus(self._less_by(row, column), self._more_by(row, column, own))
        if not all(map(ge, width, own)):
            # What stands in a row and in a column of those barred was subtracted twice.
            width = plus(width, sum_of([*self._twice(row, column)]))
        return all(map(ge, width, own)) and self._visitors_fit(row, column, own[0])

    def width(self, keys: Keys) -> Numbers:
        """Return by how much what a moving cell counts might be told otherwise, all in all."""
        row, column = self._row_of(keys), self._column_of(keys)
        own = self._moving[row][column]
        width = plus(self._less_by(row, column), self._more_by(row, column, own))
        return plus(width, sum_of([*self._twice(row, column)]))

    def may_help(self, keys: Keys, width: Numbers, other: Keys, numbers: Numbers) -> bool:
        """Tell whether `is_safe` might answer otherwise once a shown cell is hidden too.

        Outside the cell's own row and column, no more can be swapped with it than that one counts,
        and nothing where one of the two ends of the swap is shown.
        """
        row, column = self._row_of(keys), self._column_of(keys)
        other_row, other_column = self._row_of(other), self._column_of(other)
        if row == other_row or column == other_column:
            return True
        if other_row in self._shown_in_column.get(column, ()):
            return False
        if other_column in self._shown_in_row.get(row, ()):
            return False
        return all(map(ge, plus(width, numbers), self._moving[row][column]))

    def _less_by(self, row: _Side, column: _Side) -> Numbers:
        """Return at least what moves outside its row and column, where both ends of a swap do."""
        barred_rows = self._barred_rows.get(column)
        if barred_rows is None:
            rows = self._shown_in_column.get(column, ())
            barred_rows = sum_of([self._rows[each] for each in rows if each in self._rows])
            self._barred_rows[column] = barred_rows
        barred_columns = self._barred_columns.get(row)
        if barred_columns is None:
            columns = self._shown_in_row.get(row, ())
            barred_columns = sum_of(
                [self._columns[each] for each in columns if each in self._columns]
            )
            self._barred_columns[row] = barred_columns
        return tuple(
            [
                everything - in_row - in_column - in_rows - in_columns
                for everything, in_row, in_column, in_rows, in_columns in zip(
                    self._all,
                    self._rows[row],
                    self._columns[column],
                    barred_rows,
                    barred_columns,
                    strict=True,
                )
            ]
        )

    def _twice(self, row: _Side, column: _Side) -> Iterator[Numbers]:
        columns = {column} | self._shown_in_row.get(row, set())
        for one in {row} | self._shown_in_column.get(column, set()):
            moving = self._moving.get(one)
            if not moving:
                continue
            if len(columns) > len(moving):
                yield from [numbers for other, numbers in moving.items() if other in columns]
            else:
                yield from [moving[other] for other in columns if other in moving]

    def _more_by(self, row: _Side, column: _Side, own: Numbers) -> Numbers:
        return minus(at_most(self._rows[row], self._columns[column]), own)

    def _visitors_fit(self, row: _Side, column: _Side, needs: int) -> bool:
        """Tell whether swaps keep each cell within the visitors of the coarser cells shown."""
        in_row: dict[_Side, int] = {}
        not_to = self._shown_in_row.get(row, set()) | {column}
        not_from = self._shown_in_column.get(column, set()) | {row}
        most = self._bounds.most
        own_row = self._moving[row]
        for other_row, cells in self._moving.items():
            if other_row in not_from:
                continue
            to_column = most(other_row, column) - cells.get(column, NOTHING)[0]
            for other_column, numbers in cells.items():
                if to_column <= 0:
                    break
                if other_column in not_to:
                    continue
                to_row = in_row.get(other_column)
                if to_row is None:
                    to_row = most(row, other_column) - own_row.get(other_column, NOTHING)[0]
                moved = min(numbers[0], to_row, to_column)
                if moved > 0:
                    needs -= moved
                    if needs <= 0:
                        return True
                    to_row -= moved
                    to_column -= moved
                in_row[other_column] = to_row
        return False


class _Bounds:
    """How many visitors a crossed cell can have, by what is shown of coarser ones."""

    def __init__(
        self,
        sheet: Sheet,
        line: Line,
        at: int,
        row_at: tuple[int, ...],
        column_at: tuple[int, ...],
    ) -> None:
        self._row_at, self._column_at = row_at, column_at
        shown = [(parent, sheet.shown(parent.name, at)) for parent in line.parents]
        self._of_row = [each for each in shown if set(each[0].at) <= set(row_at)]
        self._of_column = [each for each in shown if set(each[0].at) <= set(column_at)]
        self._of_both = [each for each in shown if each not in (*self._of_row, *self._of_column)]
        self._rows: dict[_Side, int] = {}
        self._columns: dict[_Side, int] = {}

    def forget(self) -> None:
        """Look anew at what is shown."""
        self._rows.clear()
        self._columns.clear()

    def most(self, row: _Side, column: _Side) -> int:
        """Return the most visitors of the cell in a row and a column."""
        of_row = self._rows.get(row)
        if of_row is None:
            of_row = self._rows[row] = self._least(self._of_row, row, None)
        of_column = self._columns.get(column)
        if of_column is None:
            of_column = self._columns[column] = self._least(self._of_column, None, column)
        most = min(of_row, of_column)
        return min(most, self._least(self._of_both, row, column)) if self._of_both else most

    def _least(
        self,
        shown: Iterable[tuple[Parent, Mapping[Keys, Numbers]]],
        row: _Side | None,
        column: _Side | None,
    ) -> int:
        keys = [""] * (len(self._row_at) + len(self._column_at))
        for at, words in ((self._row_at, row), (self._column_at, column)):
            if words is not None:
                for place, word in _placed(at, words):
                    keys[place] = word
        told = tuple(keys)
        found = (cells.get(parent.part(told)) for parent, cells in shown)
        return min((numbers[0] for numbers in found if numbers is not None), default=_UNBOUND)


def _words_at(at: tuple[int, ...]) -> Callable[[Keys], _Side]:
    if not at:
        return lambda _: ""
    return itemgetter(*at)


def _placed(at: tuple[int, ...], words: _Side) -> Iterator[tuple[int, str]]:
    of_each = words if isinstance(words, tuple) else (words,)
    return zip(at, of_each, strict=False)
