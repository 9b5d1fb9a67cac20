"""Ask a question: choose the statistic, run its SELECTs, work the metrics out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from anyio import to_thread
from msgspec import Struct
from msgspec.structs import replace

from anonymizer.policy import Dimension, Policy, Statistic
from dashboards.asking.choosing import choose_view, counted_per
from dashboards.asking.filters import without
from dashboards.asking.metrics import OF_ALL_VISITORS, Metric, Number, value_of
from dashboards.asking.proposing import propose
from dashboards.asking.question import Question, check_question
from dashboards.asking.selecting import (
    Select,
    select_rows,
    select_sums,
    select_unplaced,
    unplaced_months,
)
from dashboards.asking.unanswerable import NotDeclared, Unanswerable
from dashboards.asking.views import TOLD_OF_SUBJECTS, ColumnsOf, View, view_of
from dashboards.queries import Query

MAX_TIMES = 100_000
"""Hours of more than ten years."""

FaultsOf = Callable[[str], Sequence[str]]
"""Tells what would be wrong of the policy with some lines more at its end."""


class Row(Struct, frozen=True):
    """What is told of one group."""

    time: str
    """``2026-03-01``, or ``2026-03-01 12:00`` of an hour; empty where time tells nothing apart."""
    words: tuple[str, ...]
    """One for each dimension of the question."""
    metrics: tuple[Number, ...]
    """One for each metric of the question."""


class Unplaced(Struct, frozen=True):
    """What rows and totals lack, for it belongs to months and to no single day of them."""

    months: tuple[date, ...]
    sums: dict[str, int]
    """By measure."""


class Answer(Struct, frozen=True):
    """A question's answer, from one statistic."""

    statistic: Statistic
    rows: tuple[Row, ...]
    groups: int
    """How many rows there are in all."""
    totals: tuple[Number, ...]
    """The metrics of all rows together, those beyond the limit too."""
    counted_per: tuple[Dimension, ...]
    """A visitor counts once a day under each word of these, so that some count several times."""
    unplaced: Unplaced | None


class _FoundRow(NamedTuple):
    time: str
    words: tuple[str, ...]
    sums: dict[str, int]


class _Found(NamedTuple):
    rows: tuple[_FoundRow, ...]
    groups: int
    totals: dict[str, int]


class Asker:
    """Answers questions about the sites of one policy."""

    def __init__(
        self, query: Query, policy: Policy, columns_of: ColumnsOf, faults_of: FaultsOf
    ) -> None:
        """Read the views; `query` answers read-only SQL on them."""
        self._query = query
        self._faults_of = faults_of
        self._policy = policy
        self._columns_of = columns_of
        self._views = tuple(view_of(each, columns_of) for each in policy.statistics)

    async def answer(self, question: Question) -> Answer:
        """Answer a question.

        Raises:
            Unanswerable: no statistic could answer it.
            NotDeclared: none that is declared does.
        """
        check_question(question)
        view = await self._choose(question)
        everyone = await self._count_visitors(question)
        unplaced = select_unplaced(question, view)
        lacking = {} if unplaced is None else await self._read_sums(unplaced)
        found = await self._read(question, view)
        return Answer(
            statistic=view.statistic,
            rows=tuple(_row(question, row, everyone) for row in found.rows),
            groups=found.groups,
            totals=_metrics(question, found.totals, everyone.get("", 0)),
            counted_per=counted_per(view, question.dimensions),
            unplaced=Unplaced(
                months=tuple(unplaced_months(question, view)),
                sums={name: number for name, number in lacking.items() if number > 0},
            )
            if any(number > 0 for number in lacking.values())
            else None,
        )

    async def _choose(self, question: Question) -> View:
        view = choose_view(question, self._views)
        if view is not None:
            return view
        lines = propose(question, self._policy, self._columns_of)
        faults = await to_thread.run_sync(self._faults_of, lines)
        if faults:
            told = "; ".join(faults)
            raise Unanswerable("dimensions", f"can't be told apart together: {told}")
        raise NotDeclared(lines)

    async def _count_visitors(self, question: Question) -> dict[str, int]:
        """Count the visitors that shares are of: all that fit the filters, whatever they did.

        By time where rows are told apart by it; under the empty text in all.
        """
        if OF_ALL_VISITORS.isdisjoint(question.metrics):
            return {}
        everyone = replace(
            question,
            metrics=(Metric.VISITORS,),
            dimensions=(),
            filters=without(question.filters, TOLD_OF_SUBJECTS),
            order=(),
            limit=MAX_TIMES,
            offset=0,
        )
        check_question(everyone)
        view = await self._choose(everyone)
        found = await self._read(everyone, view)
        by_time = {row.time: row.sums["visitors"] for row in found.rows}
        return {**by_time, "": found.totals["visitors"]}

    async def _read(self, question: Question, view: View) -> _Found:
        if question.grain is None and not question.dimensions:
            return _Found((), 0, await self._read_sums(select_sums(question, view)))
        select = select_rows(question, view)
        rows = await self._query(select.sql, select.parameters)
        if rows:
            return _found(question, select, rows)
        if question.offset:
            first = await self._read(replace(question, limit=1, offset=0), view)
            return _Found((), first.groups, first.totals)
        return _Found((), 0, dict.fromkeys(select.measures, 0))

    async def _read_sums(self, select: Select) -> dict[str, int]:
        (found,) = await self._query(select.sql, select.parameters)
        return dict(zip(select.measures, map(int, found), strict=True))


def _found(question: Question, select: Select, rows: Sequence[Sequence[Any]]) -> _Found:
    of_time = 0 if question.grain is None else 1
    first_sum = of_time + len(question.dimensions)
    first_total = first_sum + len(select.measures)

    def sums(values: Sequence[Any]) -> dict[str, int]:
        return dict(zip(select.measures, map(int, values), strict=True))

    return _Found(
        rows=tuple(
            _FoundRow(
                time=str(row[0]) if of_time else "",
                words=tuple(map(str, row[of_time:first_sum])),
                sums=sums(row[first_sum:first_total]),
            )
            for row in rows
        ),
        groups=int(rows[0][-1]),
        totals=sums(rows[0][first_total:-1]),
    )


def _row(question: Question, found: _FoundRow, everyone: Mapping[str, int]) -> Row:
    metrics = _metrics(question, found.sums, everyone.get(found.time, 0))
    return Row(found.time, found.words, metrics)


def _metrics(question: Question, sums: Mapping[str, int], all_visitors: int) -> tuple[Number, ...]:
    return tuple(value_of(metric, sums, all_visitors) for metric in question.metrics)
