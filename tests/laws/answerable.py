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

from anonymizer.policy import Dimension, Goal, Statistic
from collector.counted import Tells
from collector.plan import counts_views, counts_visits, is_exit, tells_of
from collector.retention.cells import is_guarded
from collector.retention.links import OPTIONAL, fixed_words
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
_ONE_SUBJECT = {"devices", "campaigns", "event_properties", "email", "email_links"}
_TOLERANCE = 1e-6


class Narrowed(Struct, frozen=True):
    """A cell under its group size that can be told to less than its own size."""

    measure: str
    place: Place
    value: float
    least: float
    most: float


def narrowed(
    statistics: Sequence[Statistic],
    truth: Table,
    kept: Table,
    goals: Sequence[Goal] = (),
    *,
    rows_shown: bool,
) -> tuple[int, list[Narrowed]]:
    """Return how many hidden cells under the group size were looked at, and which are narrowed.

    Both tables are by day. `rows_shown` tells whether month cells stand under their keys.
    """
    count, found = 0, []
    for measure in MEASURES:
        system = _System(statistics, truth, kept, goals, measure, rows_shown=rows_shown)
        count += len(system.targets)
        found += system.narrowed()
    return count, found


class _System:
    def __init__(
        self,
        statistics: Sequence[Statistic],
        truth: Table,
        kept: Table,
        goals: Sequence[Goal],
        measure: str,
        *,
        rows_shown: bool,
    ) -> None:
        self._measure = measure
        self._at = MEASURES.index(measure)
        self._truth, self._kept = truth, kept
        self._goals = goals
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
        self._add_what_is_known(rows_shown=rows_shown)
        sizes = {each.name: each.min_group for each in self._guarded}
        self._true = np.zeros(len(self._columns))
        self.targets = []
        for place, column in self._columns.items():
            numbers = truth.get(place)
            if numbers:
                self._true[column] = numbers[self._at]
                if 0 < numbers[0] < sizes[place[0]] and numbers[self._at] > 0:
                    self.targets.append(column)

    def _add_what_is_known(self, *, rows_shown: bool) -> None:
        for each in self._guarded:
            self._add_months(each, rows_shown=rows_shown)
        for coarse, fine in product(self._every, self._guarded):
            if coarse != fine and _same_rows(coarse, fine):
                self._add_link(coarse, fine)
        for goal, each in product(self._goals, self._guarded):
            if Dimension.GOAL in each.by:
                self._add_goal(goal, each)
        for one, other in combinations(self._guarded, 2):
            self._add_common(one, other)

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
        if statistic.event and not rows_shown:
            return  # of these an open month shows nothing under `OTHER`
        pool = 0.0
        own: set[Keys] = set()
        for (name, day, keys), numbers in self._kept.items():
            if name != statistic.name or day is not None:
                continue
            if not rows_shown or is_rest(keys) or numbers[0] < statistic.min_group:
                pool += numbers[self._at]
                continue
            hidden = list(self._hidden(name, [keys]))
            terms, _ = self._sum(hidden)
            counted = [self._truth[place][self._at] for place in hidden if place in self._truth]
            if sum(counted) == numbers[self._at]:
                own.add(keys)
                self._equal.append((terms, numbers[self._at]))
            else:
                # What came before, or after, may stand under `OTHER`.
                pool += numbers[self._at]
                self._add(self._at_most, ({}, numbers[self._at]), (terms, 0.0))
        others = [keys for keys in self._keys[statistic.name] if keys not in own]
        self._equal.append((self._sum(self._hidden(statistic.name, others))[0], pool))

    def _hidden(self, name: str, keys: Iterable[Keys]) -> Iterator[Place]:
        for day, each in product(self._days, keys):
            if (name, day, each) in self._columns:
                yield name, day, each

    def _add_link(self, coarse: Statistic, fine: Statistic) -> None:
        parts: dict[Keys, list[Keys]] = defaultdict(list)
        for keys in self._keys[fine.name]:
            part = part_of(coarse, words_of(fine, keys))
            if part is not None:
                parts[part].append(keys)
        rest = set(fine.dimensions()) - set(coarse.dimensions())
        of_property = Dimension.PROPERTY in rest
        # A hit without a campaign, or an event without a property, is no part of any.
        whole = not of_property and not rest & OPTIONAL
        adds_up = whole and (self._measure != "visitors" or rest <= set(OF_KEY))
        for day, (part, of_part) in product(self._days, parts.items()):
            terms, known = self._sum([(coarse.name, day, part)])
            pieces = [(fine.name, day, keys) for keys in of_part]
            if adds_up:
                self._add(self._equal, self._sum(pieces), (terms, known))
                continue
            if whole:
                self._add(self._at_most, (terms, known), self._sum(pieces))
            if self._measure == "visitors" or of_property:
                for piece in pieces:
                    self._add(self._at_most, self._sum([piece]), (terms, known))
            else:
                self._add(self._at_most, self._sum(pieces), (terms, known))

    def _add_goal(self, goal: Goal, goals: Statistic) -> None:
        """Add that a goal's cells are those of its event or page."""
        if goal.page and self._measure != "visitors":
            return
        for each in self._guarded:
            if Dimension.GOAL in each.by or {*each.dimensions()} & OPTIONAL:
                continue
            for day, keys in product(self._days, self._keys[each.name]):
                part = part_of_goal(goal, goals, each, keys)
                if part in self._keys[goals.name]:
                    same = len(words_of(each, keys)) == len(words_of_goal(goal)) + len(part) - 1
                    self._add(
                        self._equal if same else self._at_most,
                        self._sum([(each.name, day, keys)]),
                        self._sum([(goals.name, day, part)]),
                    )

    def _add_common(self, one: Statistic, other: Statistic) -> None:
        """Add what two statistics tell apart alike, though no statistic is declared for it."""
        common = [dimension for dimension in one.by if dimension in other.by]
        tells = {tells_of(each.dimensions()) for each in (one, other)}
        if (
            self._measure == "visitors"
            or not common
            or tells not in ({Tells.VIEW}, {Tells.MAIL})
            or (tells == {Tells.VIEW} and {*one.by, *other.by} & OPTIONAL)
            or any(set(common) == set(each.by) for each in self._guarded)
        ):
            return
        sides = []
        for each, against in ((one, other), (other, one)):
            at = [each.by.index(dimension) for dimension in common]
            side: dict[Keys, list[Keys]] = defaultdict(list)
            for keys in self._keys[each.name]:
                words = words_of(each, keys)
                if all(words.get(of) == word for of, word in fixed_words(against).items()):
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


def words_of(statistic: Statistic, keys: Keys) -> dict[Dimension, str]:
    """Return all that the rows of a cell have in common."""
    return dict(zip(statistic.by, keys, strict=True)) | fixed_words(statistic)


def words_of_goal(goal: Goal) -> dict[Dimension, str]:
    """Return what every row that reaches a goal has in common."""
    words = {Dimension.EVENT: goal.event, Dimension.PAGE: goal.page}
    words |= {Dimension.PROPERTY: goal.property, Dimension.VALUE: goal.value}
    return {of: word for of, word in words.items() if word}


def part_of(coarse: Statistic, words: Mapping[Dimension, str]) -> Keys | None:
    """Return the keys of the cell that counts all rows of these words; None if there is none."""
    if any(words.get(of) != word for of, word in fixed_words(coarse).items()):
        return None
    if not set(coarse.by) <= set(words):
        return None
    return tuple(words[of] for of in coarse.by)


def part_of_goal(goal: Goal, goals: Statistic, fine: Statistic, keys: Keys) -> Keys:
    """Return a goal's keys that count all of a cell; none if there are none."""
    words = words_of(fine, keys)
    wanted = words_of_goal(goal)
    if tells_of(fine.dimensions()) is not tells_of(tuple(wanted)) and not goal.event:
        return ()
    if any(words.get(of) != word for of, word in wanted.items()) or is_exit(fine):
        return ()
    return part_of(goals, words | {Dimension.GOAL: goal.name}) or ()


def _same_rows(coarse: Statistic, fine: Statistic) -> bool:
    if Dimension.MASK in fine.by:
        return False
    told, of = tells_of(coarse.dimensions()), tells_of(fine.dimensions())
    if not set(coarse.dimensions()) <= set(fine.dimensions()):
        return False
    return told is of or (told, of) == (Tells.EVENT, Tells.PROPERTY)


def _universe(statistic: Statistic, truth: Table) -> list[Keys]:
    """Return every key; of crossed statistics every pair of known words."""
    seen = sorted({keys for name, _, keys in truth if name == statistic.name})
    if statistic.name in _ONE_SUBJECT or len(statistic.by) < 2 or not seen:
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
