"""A question and the view that answers it → SELECTs on that view, every value of them bound."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib import resources
from string import Template

from msgspec import Struct
from msgspec.structs import replace

from anonymizer.policy import Dimension
from dashboards.address.periods import Grain, Months, months_of
from dashboards.asking.choosing import left_to_filter
from dashboards.asking.filters import OTHER, condition_of
from dashboards.asking.metrics import Metric, order_of
from dashboards.asking.question import Order, Question
from dashboards.asking.views import View
from dashboards.asking.within import Whole, within_days, within_hours


class Select(Struct, frozen=True):
    """A SELECT on one guarded view: ClickHouse's ``{name:Type}`` parameters and their values."""

    sql: str
    parameters: dict[str, object]
    measures: tuple[str, ...]
    """Those that it sums, in the order of its columns."""
    unplaced: tuple[date, ...]
    """The months of which it sums what has no single day, beside the others; perhaps none."""


def select_rows(question: Question, view: View) -> Select:
    """Return what reads a question's rows: time, words, sums; sums of all, number of all.

    With `unplaced` the sums of what has no single day follow those of all rows, and the last rows
    may have nothing above zero: they are no rows, and stand there for these sums alone.
    """
    keys = _keys(question, view)
    select = _begin(question, view)
    bound = {**select.parameters, "limit": question.limit, "offset": question.offset}
    names = [name for name, _ in keys]
    totals = [f"total_{measure}" for measure in select.measures]
    lacking = [f"lacking_{measure}" for measure in select.measures if select.unplaced]
    sql = _template("rows").substitute(
        names=", ".join((*names, *totals)),
        totals=", ".join(f"sum({total}) OVER ()" for total in (*totals, *lacking)),
        any=" OR ".join(f"{total} > 0" for total in totals),
        keys=", ".join(f"{value} AS {name}" for name, value in keys),
        sums=_sums(select, view),
        within=select.sql,
        filters=condition_of(left_to_filter(view, question.filters), view.columns, bound),
        group=", ".join(names),
        order=", ".join(_order(question)),
    )
    return replace(select, sql=sql, parameters=bound)


def select_sums(question: Question, view: View) -> Select:
    """Return what adds up all that a question is about, in one row.

    With `unplaced` the sums of what has no single day follow.
    """
    select = _begin(question, view)
    bound = dict(select.parameters)
    sql = _template("sums").substitute(
        sums=_sums(select, view),
        within=select.sql,
        filters=condition_of(left_to_filter(view, question.filters), view.columns, bound),
    )
    return replace(select, sql=sql, parameters=bound)


def _begin(question: Question, view: View) -> Select:
    """Return the condition on the time, and what it binds.

    What belongs to no single day of a month is in no stretch that cuts the month, nor in an hour
    or a day of it. It is read beside the rest, for one SELECT costs less than two.
    """
    whole: Whole = None
    unplaced: tuple[date, ...] = ()
    if view.tells_month:
        whole = () if _is_finer(question) else _months(question).whole
        unplaced = tuple(unplaced_months(question, view)) if question.tells_unplaced else ()
        whole = (*whole, *unplaced)
    if view.is_by_hour:
        within, of_period = within_hours(question.period.span, whole)
    else:
        within, of_period = within_days(question.period, whole)
    bound: dict[str, object] = {
        "view": view.statistic.name,
        "site": str(question.site.domain),
        **of_period,
    }
    if unplaced:
        bound["unplaced"] = [month.isoformat() for month in unplaced]
    return Select(within, bound, tuple(sorted(question.measures)), unplaced)


def unplaced_months(question: Question, view: View) -> Sequence[date]:
    """Return the months, by first days, of which a question's rows lack what has no single day."""
    if not view.tells_month:
        return ()
    months = _months(question)
    return sorted((*months.cut, *(months.whole if _is_finer(question) else ())))


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


def _sums(select: Select, view: View) -> str:
    if not select.unplaced:
        return ", ".join(f"sum({measure}) AS total_{measure}" for measure in select.measures)
    lacking = f"{view.period} IS NULL AND has({{unplaced:Array(Date)}}, month)"
    totals = [
        f"sumIf({measure}, NOT ({lacking})) AS total_{measure}" for measure in select.measures
    ]
    return ", ".join(
        (
            *totals,
            *(f"sumIf({measure}, {lacking}) AS lacking_{measure}" for measure in select.measures),
        )
    )


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
