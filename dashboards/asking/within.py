"""Which rows of a view are of some hours or days, those of whole months included."""

from datetime import date

from dashboards.address.periods import Period, Span

Whole = tuple[date, ...] | None
"""The months, by their first days, that a query wants whole; None of a view without `month`."""


def within_hours(span: Span, whole: Whole) -> tuple[str, dict[str, object]]:
    """Return SQL that holds for a view's rows of some hours, and the values it binds."""
    # Text, for the client would shift a datetime by the machine's own zone.
    bound = {
        "start": span.start.isoformat(" ", "seconds"),
        "end": span.end.isoformat(" ", "seconds"),
    }
    return _condition("hours", whole), {**bound, **_bound(whole)}


def within_days(period: Period, whole: Whole) -> tuple[str, dict[str, object]]:
    """Return SQL that holds for a view's rows of some days, and the values it binds."""
    bound = {"first": period.first.isoformat(), "last": period.last.isoformat()}
    return _condition("days", whole), {**bound, **_bound(whole)}


def _condition(name: str, whole: Whole) -> str:
    return (_PLAIN if whole is None else _BY_MONTH)[name]


def _bound(whole: Whole) -> dict[str, object]:
    return {} if whole is None else {"whole": [month.isoformat() for month in whole]}


_DAYS = "day BETWEEN {first:Date} AND {last:Date}"
_HOURS = "hour >= {start:DateTime('UTC')} AND hour < {end:DateTime('UTC')}"
_PLAIN = {
    "days": _DAYS,
    "hours": _HOURS,
}
# The bounds on the month say nothing more; by them ClickHouse leaves other months unread.
_BY_MONTH = {
    "days": (
        "month BETWEEN toStartOfMonth({first:Date}) AND {last:Date}"
        f" AND ({_DAYS} OR (day IS NULL AND has({{whole:Array(Date)}}, month)))"
    ),
    "hours": (
        "month BETWEEN toDate(toStartOfMonth({start:DateTime('UTC')}))"
        " AND toDate({end:DateTime('UTC')})"
        f" AND ({_HOURS} OR (hour IS NULL AND has({{whole:Array(Date)}}, month)))"
    ),
}
