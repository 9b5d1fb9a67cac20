"""Ask a question: choose the statistic, run its SELECTs, work the metrics out."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar, TypeVarTuple

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
)
from dashboards.asking.unanswerable import NotDeclared, Unanswerable
from dashboards.asking.views import TOLD_OF_SUBJECTS, ColumnsOf, View, view_of

MAX_TIMES = 100_000
"""Hours of more than ten years."""
MAX_ROWS_IN_LOOP = 1_000
"""That many take 7 ms; 100,000 held the event loop for 0.7 s."""

Made = TypeVar("Made")
Parts = TypeVarTuple("Parts")

Query = Callable[[str, Mapping[str, object]], Awaitable[Sequence[Sequence[Any]]]]
"""SQL with ClickHouse ``{name:Type}`` parameters in, rows out; read only."""

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
    lacking: dict[str, int]
    unplaced: tuple[date, ...]


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
        # Lines hold names of the policy alone, so that there are only so many.
        self._judged: dict[str, Sequence[str]] = {}

    @property
    def policy(self) -> Policy:
        """Return the policy whose statistics answer."""
        return self._policy

    async def answer(self, question: Question) -> Answer:
        """Answer a question.

        Raises:
            Unanswerable: no statistic could answer it.
            NotDeclared: none that is declared does.
        """
        check_question(question)
        view = await self._choose(question)
        everyone = await self._count_visitors(question)
        found = await self._read(question, view)
        return Answer(
            statistic=view.statistic,
            rows=await _aside(len(found.rows), _rows, question, found, everyone),
            groups=found.groups,
            totals=_metrics(question, found.totals, everyone.get("", 0)),
            counted_per=counted_per(view.statistic, question.dimensions),
            unplaced=_unplaced(found),
        )

    def declares(self, question: Question) -> bool:
        """Tell whether a declared statistic answers a question; asks the store nothing."""
        try:
            check_question(question)
            everyone = _everyone(question)
            needed = (question, *([everyone] if everyone else ()))
            return all(choose_view(each, self._views) is not None for each in needed)
        except Unanswerable:
            return False

    async def _choose(self, question: Question) -> View:
        view = choose_view(question, self._views)
        if view is not None:
            return view
        lines = propose(question, self._policy, self._columns_of)
        faults = self._judged.get(lines)
        if faults is None:
            faults = await to_thread.run_sync(self._faults_of, lines)
            self._judged[lines] = faults
        if faults:
            told = "; ".join(faults)
            raise Unanswerable("dimensions", f"can't be told apart together: {told}")
        raise NotDeclared(lines)

    async def _count_visitors(self, question: Question) -> dict[str, int]:
        """Count the visitors that shares are of: all that fit the filters, whatever they did.

        By time where rows are told apart by it; under the empty text in all.
        """
        everyone = _everyone(question)
        if everyone is None:
            return {}
        check_question(everyone)
        view = await self._choose(everyone)
        found = await self._read(everyone, view)
        by_time = {row.time: row.sums["visitors"] for row in found.rows}
        return {**by_time, "": found.totals["visitors"]}

    async def _read(self, question: Question, view: View) -> _Found:
        if question.grain is None and not question.dimensions:
            select = select_sums(question, view)
            (found,) = await self._query(select.sql, select.parameters)
            return _Found((), 0, *_read_sums(select, found), select.unplaced)
        select = select_rows(question, view)
        rows = await self._query(select.sql, select.parameters)
        if rows:
            return await _aside(len(rows), _found, question, select, rows)
        if question.offset:
            first = await self._read(replace(question, limit=1, offset=0), view)
            return first._replace(rows=())
        return _Found((), 0, dict.fromkeys(select.measures, 0), {}, ())


def _read_sums(select: Select, found: Sequence[Any]) -> tuple[dict[str, int], dict[str, int]]:
    """Return sums of what has its day, and of what has none; the latter perhaps empty."""
    numbers = list(map(int, found))
    totals, lacking = numbers[: len(select.measures)], numbers[len(select.measures) :]
    names = select.measures
    return dict(zip(names, totals, strict=True)), dict(zip(names, lacking, strict=False))


def _unplaced(found: _Found) -> Unplaced | None:
    sums = {name: number for name, number in found.lacking.items() if number > 0}
    return Unplaced(found.unplaced, sums) if sums else None


def _everyone(question: Question) -> Question | None:
    """Return what asks for the visitors that a question's shares are of; None of no shares."""
    if OF_ALL_VISITORS.isdisjoint(question.metrics):
        return None
    return replace(
        question,
        metrics=(Metric.VISITORS,),
        dimensions=(),
        filters=without(question.filters, TOLD_OF_SUBJECTS),
        order=(),
        limit=MAX_TIMES,
        offset=0,
        tells_unplaced=False,
    )


def _found(question: Question, select: Select, rows: Sequence[Sequence[Any]]) -> _Found:
    of_time = 0 if question.grain is None else 1
    first_sum = of_time + len(question.dimensions)
    first_total = first_sum + len(select.measures)
    totals, lacking = _read_sums(select, rows[0][first_total:-1])
    found = (
        _FoundRow(
            time=str(row[0]) if of_time else "",
            words=tuple(map(str, row[of_time:first_sum])),
            sums=dict(zip(select.measures, map(int, row[first_sum:first_total]), strict=True)),
        )
        for row in rows
    )
    return _Found(
        rows=tuple(row for row in found if any(number > 0 for number in row.sums.values())),
        groups=int(rows[0][-1]),
        totals=totals,
        lacking=lacking,
        unplaced=select.unplaced,
    )


def _rows(question: Question, found: _Found, everyone: Mapping[str, int]) -> tuple[Row, ...]:
    return tuple(_row(question, row, everyone) for row in found.rows)


def _row(question: Question, found: _FoundRow, everyone: Mapping[str, int]) -> Row:
    metrics = _metrics(question, found.sums, everyone.get(found.time, 0))
    return Row(found.time, found.words, metrics)


def _metrics(question: Question, sums: Mapping[str, int], all_visitors: int) -> tuple[Number, ...]:
    return tuple(value_of(metric, sums, all_visitors) for metric in question.metrics)


async def _aside(rows: int, make: Callable[[*Parts], Made], *parts: *Parts) -> Made:
    """Make something of many rows in a thread, so that nobody else waits for it."""
    if rows <= MAX_ROWS_IN_LOOP:
        return make(*parts)
    return await to_thread.run_sync(make, *parts)
