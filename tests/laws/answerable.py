"""What follows from all answers on a site's closed periods, as one linear system a measure.

Unknown is every cell that is not shown, also one that counts nothing. Month cells, `OTHER`, and
what statistics have in common, declared or not, are its equations and bounds.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix

from anonymizer.policy import Dimension, Statistic
from collector.plan import counts_views, counts_visits, is_exit
from collector.retention.cells import is_guarded
from collector.retention.links import OPTIONAL
from collector.retention.sheet import is_rest
from collector.words import OF_KEY

Keys = tuple[str, ...]
Place = tuple[str, int | None, Keys]
"""A statistic, the start of a day or None for the month, keys."""
Table = Mapping[Place, Sequence[int]]
"""A cell's measures, in the order of `MEASURES`."""
Terms = dict[int, float]
Floats = NDArray[np.float64]

MEASURES = ("visitors", "visits", "views", "bounces", "seconds", "hits")
_ONE_SUBJECT = {"devices", "campaigns", "event_properties"}
_TOLERANCE = 1e-6


class Narrowed(Struct, frozen=True):
    """A cell under its group size that can be told to less than its own size."""

    measure: str
    place: Place
    value: float
    least: float
    most: float


def narrowed(
    statistics: Sequence[Statistic], truth: Table, kept: Table, *, rows_shown: bool
) -> tuple[int, list[Narrowed]]:
    """Return how many hidden cells under the group size were looked at, and which are narrowed.

    Both tables are by day. `rows_shown` tells whether month cells stand under their keys.
    """
    count, found = 0, []
    for measure in MEASURES:
        system = _System(statistics, truth, kept, measure, rows_shown=rows_shown)
        count += len(system.targets)
        found += system.narrowed()
    return count, found


class _System:
    def __init__(
        self,
        statistics: Sequence[Statistic],
        truth: Table,
        kept: Table,
        measure: str,
        *,
        rows_shown: bool,
    ) -> None:
        self._measure = measure
        self._at = MEASURES.index(measure)
        self._truth, self._kept = truth, kept
        self._every = [each for each in statistics if measure in measures_in(each)]
        self._guarded = [each for each in self._every if is_guarded(each)]
        self._days = sorted({day for _, day, _ in truth if day is not None})
        self._keys = {each.name: _universe(each, truth) for each in self._every}
        self._columns: dict[Place, int] = {}
        self._equal: list[tuple[Terms, float]] = []
        self._at_most: list[tuple[Terms, float]] = []
        for each in self._guarded:
            for day, keys in product(self._days, self._keys[each.name]):
                if (each.name, day, keys) not in kept:
                    self._columns[each.name, day, keys] = len(self._columns)
        for each in self._guarded:
            self._add_months(each, rows_shown=rows_shown)
        for coarse, fine in product(self._every, self._guarded):
            if set(coarse.by) < set(fine.by) and _same_rows(coarse, fine):
                self._add_link(coarse, fine)
        for one, other in combinations(self._guarded, 2):
            self._add_common(one, other)
        sizes = {each.name: each.min_group for each in self._guarded}
        self._true = np.zeros(len(self._columns))
        self.targets = []
        for place, column in self._columns.items():
            numbers = truth.get(place)
            if numbers:
                self._true[column] = numbers[self._at]
                if 0 < numbers[0] < sizes[place[0]] and numbers[self._at] > 0:
                    self.targets.append(column)

    def narrowed(self) -> list[Narrowed]:
        """Return the targets of which least and most are closer than their own size."""
        self._least, self._most = self._true.copy(), self._true.copy()
        equal, self._equal_to = _matrix(self._equal, len(self._columns))
        at_most, self._bounds = _matrix(self._at_most, len(self._columns))
        if equal is not None:
            assert np.abs(equal @ self._true - self._equal_to).max() < _TOLERANCE
        if at_most is not None:
            assert (at_most @ self._true <= self._bounds + _TOLERANCE).all()
        self._matrices = equal, at_most
        chance = np.random.default_rng(1)
        for _ in range(12):
            left = self._left()
            if left:
                weights = np.zeros(len(self._columns))
                weights[left] = chance.random(len(left))
                self._solve(weights)
        for column in self._left():
            for sign in (1.0, -1.0):
                weights = np.zeros(len(self._columns))
                weights[column] = sign
                if column in self._left() and not self._solve(weights):
                    self._most[column] = np.inf
        places = list(self._columns)
        return [
            Narrowed(
                self._measure, places[c], self._true[c], float(self._least[c]), float(self._most[c])
            )
            for c in self._left()
        ]

    def _left(self) -> list[int]:
        width = self._most - self._least
        return [c for c in self.targets if width[c] < self._true[c] - _TOLERANCE]

    def _solve(self, weights: Floats) -> bool:
        equal, at_most = self._matrices
        answer = linprog(
            weights,
            A_eq=equal,
            b_eq=self._equal_to if equal is not None else None,
            A_ub=at_most,
            b_ub=self._bounds if at_most is not None else None,
            bounds=(0, None),
            method="highs",
        )
        if answer.status == 3:  # unbounded
            return False
        assert answer.status == 0, answer.message
        np.minimum(self._least, answer.x, out=self._least)
        np.maximum(self._most, answer.x, out=self._most)
        return True

    def _sum(self, places: Iterable[Place]) -> tuple[Terms, float]:
        """Return the unknown and the known part of a sum of cells."""
        terms: Terms = {}
        known = 0.0
        for place in places:
            if place in self._columns:
                terms[self._columns[place]] = 1.0
            else:
                shown = self._kept if place[0] in self._names_guarded() else self._truth
                known += shown[place][self._at] if place in shown else 0
        return terms, known

    def _names_guarded(self) -> set[str]:
        return {each.name for each in self._guarded}

    def _add_months(self, statistic: Statistic, *, rows_shown: bool) -> None:
        pool = 0.0
        own: set[Keys] = set()
        for (name, day, keys), numbers in self._kept.items():
            if name != statistic.name or day is not None:
                continue
            if not rows_shown or is_rest(keys) or numbers[0] < statistic.min_group:
                pool += numbers[self._at]
                continue
            own.add(keys)
            terms, _ = self._sum(self._hidden(name, [keys]))
            self._equal.append((terms, numbers[self._at]))
        others = [keys for keys in self._keys[statistic.name] if keys not in own]
        self._equal.append((self._sum(self._hidden(statistic.name, others))[0], pool))

    def _hidden(self, name: str, keys: Iterable[Keys]) -> Iterator[Place]:
        for day, each in product(self._days, keys):
            if (name, day, each) in self._columns:
                yield name, day, each

    def _add_link(self, coarse: Statistic, fine: Statistic) -> None:
        at = [fine.by.index(dimension) for dimension in coarse.by]
        parts: dict[Keys, list[Keys]] = defaultdict(list)
        for keys in self._keys[fine.name]:
            parts[tuple(keys[i] for i in at)].append(keys)
        rest = set(fine.by) - set(coarse.by)
        of_events = Dimension.EVENT in fine.by
        whole = not of_events and not rest & OPTIONAL
        adds_up = whole and (self._measure != "visitors" or rest <= set(OF_KEY))
        for day, (part, of_part) in product(self._days, parts.items()):
            terms, known = self._sum([(coarse.name, day, part)])
            pieces = [(fine.name, day, keys) for keys in of_part]
            if adds_up:
                self._add(self._equal, self._sum(pieces), (terms, known))
                continue
            if whole:
                self._add(self._at_most, (terms, known), self._sum(pieces))
            if self._measure == "visitors" or of_events:
                for piece in pieces:
                    self._add(self._at_most, self._sum([piece]), (terms, known))
            else:
                self._add(self._at_most, self._sum(pieces), (terms, known))

    def _add_common(self, one: Statistic, other: Statistic) -> None:
        """Add what two statistics tell apart alike, though no statistic is declared for it."""
        common = [dimension for dimension in one.by if dimension in other.by]
        if (
            self._measure == "visitors"
            or not common
            or {*one.by, *other.by} & {*OPTIONAL, Dimension.EVENT}
            or any(set(common) == set(each.by) for each in self._guarded)
        ):
            return
        sides = []
        for each in (one, other):
            at = [each.by.index(dimension) for dimension in common]
            side: dict[Keys, list[Keys]] = defaultdict(list)
            for keys in self._keys[each.name]:
                side[tuple(keys[i] for i in at)].append(keys)
            sides.append((each.name, side))
        (name, parts), (other_name, other_parts) = sides
        for day, part in product(self._days, parts):
            self._add(
                self._equal,
                self._sum((name, day, keys) for keys in parts[part]),
                self._sum((other_name, day, keys) for keys in other_parts[part]),
            )

    @staticmethod
    def _add(
        to: list[tuple[Terms, float]], left: tuple[Terms, float], right: tuple[Terms, float]
    ) -> None:
        terms = dict(left[0])
        for column, factor in right[0].items():
            terms[column] = terms.get(column, 0.0) - factor
        if terms:
            to.append((terms, right[1] - left[1]))


def measures_in(statistic: Statistic) -> frozenset[str]:
    """Return the measures that mean something in a statistic's cells."""
    if is_exit(statistic):
        return frozenset({"visitors", "visits"})
    if not counts_views(statistic):
        return frozenset({"visitors", "hits"})
    if not counts_visits(statistic):
        return frozenset({"visitors", "views"})
    return frozenset(MEASURES) - {"hits"}


def _same_rows(coarse: Statistic, fine: Statistic) -> bool:
    if Dimension.MASK in fine.by:
        return False
    return (Dimension.EVENT in coarse.by) == (Dimension.EVENT in fine.by)


def _universe(statistic: Statistic, truth: Table) -> list[Keys]:
    """Return every key; of crossed statistics every pair of known words."""
    seen = sorted({keys for name, _, keys in truth if name == statistic.name})
    if statistic.name in _ONE_SUBJECT or len(statistic.by) < 2:
        return seen
    return list(product(*(sorted(set(words)) for words in zip(*seen, strict=True))))


def _matrix(rows: list[tuple[Terms, float]], width: int) -> tuple[csr_matrix | None, Floats]:
    rows = [row for row in rows if row[0]]
    if not rows:
        return None, np.zeros(0)
    entries = [
        (row, column, factor)
        for row, (terms, _) in enumerate(rows)
        for column, factor in terms.items()
    ]
    at, columns, factors = zip(*entries, strict=True)
    matrix = coo_matrix((factors, (at, columns)), shape=(len(rows), width)).tocsr()
    return matrix, np.array([known for _, known in rows])
