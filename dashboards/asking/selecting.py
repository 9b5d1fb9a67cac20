"""A question and the view that answers it → SELECTs on that view, every value of them bound."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib import resources
from string import Template

from msgspec import Struct

from anonymizer.policy import Dimension
from dashboards.asking.choosing import left_to_filter
from dashboards.asking.filters import condition_of
from dashboards.asking.metrics import Metric, order_of
from dashboards.asking.question import Order, Question
from dashboards.asking.views import View
from dashboards.periods import Grain, Months, months_of
from dashboards.queries import Whole, within_days, within_hours

OTHER = "(other)"
"""Stands for words that too few visitors share; its row comes last."""


class Select(Struct, frozen=True):
    """A SELECT on one guarded view: ClickHouse's ``{name:Type}`` parameters and their values."""

    sql: str
    parameters: dict[str, object]
    measures: tuple[str, ...]
    """Those that it sums, in the order of its columns."""


def select_rows(question: Question, view: View) -> Select:
    """Return what reads a question's rows: time, words, sums; sums and number of all rows."""
    keys = _keys(question, view)
    measures = tuple(sorted(question.measures))
    bound: dict[str, object] = {
        "view": view.statistic.name,
        "site": str(question.site.domain),
        "limit": question.limit,
        "offset": question.offset,
    }
    within, of_period = _within(question, view)
    sql = _template("rows").substitute(
        keys=", ".join(f"{value} AS {name}" for name, value in keys),
        sums=_sums(measures),
        totals=", ".join(f"sum(total_{measure}) OVER ()" for measure in measures),
        within=within,
        filters=condition_of(left_to_filter(view, question.filters), view.columns, bound),
        group=", ".join(name for name, _ in keys),
        any=" OR ".join(f"total_{measure} > 0" for measure in measures),
        order=", ".join(_order(question)),
    )
    return Select(sql, {**bound, **of_period}, measures)


def select_sums(question: Question, view: View) -> Select:
    """Return what adds up all that a question is about, in one row."""
    return _select_sums(question, view, *_within(question, view))


def select_unplaced(question: Question, view: View) -> Select | None:
    """Return what adds up that of the months touched which is in no row; None of no such view.

    It belongs to no single day of its month, so that a stretch which cuts the month can't have
    it, nor can an hour or a day of it.
    """
    months = unplaced_months(question, view)
    if not months:
        return None
    within = f"{view.period} IS NULL AND has({{unplaced:Array(Date)}}, month)"
    return _select_sums(
        question, view, within, {"unplaced": [month.isoformat() for month in months]}
    )


def unplaced_months(question: Question, view: View) -> Sequence[date]:
    """Return the months, by first days, of which a question's rows lack what has no single day."""
    if not view.tells_month:
        return ()
    months = _months(question)
    return sorted((*months.cut, *(months.whole if _is_finer(question) else ())))


def _select_sums(
    question: Question, view: View, within: str, of_period: dict[str, object]
) -> Select:
    measures = tuple(sorted(question.measures))
    bound: dict[str, object] = {
        "view": view.statistic.name,
        "site": str(question.site.domain),
    }
    sql = _template("sums").substitute(
        sums=_sums(measures),
        within=within,
        filters=condition_of(left_to_filter(view, question.filters), view.columns, bound),
    )
    return Select(sql, {**bound, **of_period}, measures)


def _within(question: Question, view: View) -> tuple[str, dict[str, object]]:
    whole: Whole = None
    if view.tells_month:
        whole = () if _is_finer(question) else _months(question).whole
    if view.is_by_hour:
        return within_hours(question.period.span, whole)
    return within_days(question.period, whole)


def _months(question: Question) -> Months:
    return months_of(question.period.span, question.today)


def _is_finer(question: Question) -> bool:
    """Tell whether rows are of hours or days, of which no month is one."""
    return question.grain in (Grain.HOUR, Grain.DAY)


def _keys(question: Question, view: View) -> list[tuple[str, str]]:
    """Return name and SQL of all that rows are told apart by."""
    keys = []
    if question.grain is not None:
        keys.append(("time", _time(question.grain, view)))
    keys += [
        (_key(question, dimension), f"toString({view.columns[dimension]})")
        for dimension in question.dimensions
    ]
    return keys


def _time(grain: Grain, view: View) -> str:
    if grain is Grain.HOUR:
        return f"formatDateTime({view.period}, '%Y-%m-%d %H:00')"
    if grain is Grain.DAY:
        return f"toString(toDate({view.period}))"
    return "toString(month)" if view.tells_month else f"toString(toStartOfMonth({view.period}))"


def _key(question: Question, dimension: Dimension) -> str:
    return f"key_{question.dimensions.index(dimension)}"


def _sums(measures: Sequence[str]) -> str:
    return ", ".join(f"sum({measure}) AS total_{measure}" for measure in measures)


def _order(question: Question) -> list[str]:
    """Order as asked, else by time, else the largest first and what is hidden last."""
    keys = [_key(question, dimension) for dimension in question.dimensions]
    order = [_ordered(question, each) for each in question.order]
    if not order:
        order = ["time"] if question.grain is not None else []
        order += [f"{key} = '{OTHER}'" for key in keys]
        order.append(f"{order_of(question.metrics[0])} DESC")
    # Rows that are alike come in the same order whenever they are asked for, page by page.
    return [*order, *(["time"] if question.grain is not None else []), *keys]


def _ordered(question: Question, order: Order) -> str:
    direction = "DESC" if order.descending else "ASC"
    if order.by is None:
        return f"time {direction}"
    if isinstance(order.by, Metric):
        return f"{order_of(order.by)} {direction}"
    return f"{_key(question, order.by)} {direction}"


@cache
def _template(name: str) -> Template:
    return Template(resources.files("dashboards.asking").joinpath(f"{name}.sql").read_text("utf-8"))
