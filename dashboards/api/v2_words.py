"""A question in Plausible's words → one in those here; what isn't here says so."""

from collections.abc import Callable, Sequence
from datetime import date

from msgspec import Struct

from anonymizer.policy import Dimension
from dashboards.address.periods import (
    DAY,
    Grain,
    Period,
    PeriodError,
    PeriodName,
    custom_period,
    months_ago,
)
from dashboards.api.v2_names import (
    DAYS,
    DIMENSIONS,
    EVENTS,
    GRAINS,
    METRICS,
    MODIFIERS,
    MONTHS,
    PROPERTY,
    TIME,
    YEAR,
)
from dashboards.api.v2_types import QueryV2
from dashboards.asking.filters import (
    MAX_DEPTH,
    MAX_VALUES,
    MAX_WORD,
    And,
    Contains,
    Filter,
    Is,
    IsNot,
    Not,
    Or,
)
from dashboards.asking.metrics import Metric
from dashboards.asking.question import Order
from dashboards.asking.unanswerable import Unanswerable


class Understood(Struct, frozen=True):
    """A question of Plausible's in the words here."""

    period: Period
    metrics: tuple[Metric, ...]
    dimensions: tuple[Dimension, ...]
    filters: tuple[Filter, ...]
    grain: Grain | None
    order: tuple[Order, ...]


def understand(sent: QueryV2, today: date) -> Understood:
    """Read a question.

    Raises:
        Unanswerable: it names what doesn't exist here, or is no question.
    """
    period = _read_range(sent.date_range, today)
    told = [name for name in sent.dimensions if not _is_time(name)]
    times = [name for name in sent.dimensions if _is_time(name)]
    if len(times) > 1:
        raise Unanswerable("dimensions", "must name one time at most")
    dimensions = tuple(_dimension(name, "dimensions") for name in told)
    properties = {name for name in told if name.startswith(PROPERTY)}
    filters = [_read_filter(tree, properties, 1) for tree in sent.filters]
    if len(properties) > 1:
        raise Unanswerable("dimensions", "must name one property at most, filters included")
    filters += [Is(Dimension.PROPERTY, (name.removeprefix(PROPERTY),)) for name in properties]
    named = {*dimensions, *_named(sent.filters)}
    metrics = tuple(_metric(name, named) for name in sent.metrics)
    is_plain = not dimensions and not filters
    return Understood(
        period=period,
        metrics=metrics,
        dimensions=dimensions,
        filters=tuple(filters),
        grain=_grain(times[0], period, is_plain=is_plain) if times else None,
        order=tuple(_order(name, way, sent, metrics) for name, way in sent.order_by),
    )


def _is_time(name: str) -> bool:
    return name == TIME or name.startswith(f"{TIME}:")


def _grain(name: str, period: Period, *, is_plain: bool) -> Grain:
    if name == TIME:
        is_hourly = period.grain is Grain.HOUR and is_plain  # what is told apart goes by day
        return period.grain if is_hourly or period.grain is Grain.MONTH else Grain.DAY
    if name not in GRAINS:
        raise Unanswerable("dimensions", "must be time, time:hour, time:day or time:month of times")
    return GRAINS[name]


def _dimension(name: str, field: str) -> Dimension:
    if name.startswith(PROPERTY) and name != PROPERTY:
        return Dimension.VALUE
    if name not in DIMENSIONS:
        known = ", ".join(DIMENSIONS)
        raise Unanswerable(field, f"must be of those that exist here: {known}, {PROPERTY}NAME")
    return DIMENSIONS[name]


def _metric(name: str, named: set[Dimension]) -> Metric:
    if name == EVENTS:
        if Dimension.GOAL in named:
            return Metric.CONVERSIONS
        if named & {Dimension.EVENT, Dimension.VALUE}:
            return Metric.EVENTS
        raise Unanswerable("metrics", "must not name events without event:name or event:goal")
    if name not in METRICS:
        known = ", ".join((*METRICS, EVENTS))
        raise Unanswerable("metrics", f"must be of those that exist here: {known}")
    return METRICS[name]


def _read_range(sent: str | tuple[str, ...], today: date) -> Period:
    try:
        if not isinstance(sent, str):
            first, last = sent
            custom_period(first, first, today)
            custom_period(last, last, date.max)
            # Clients ask for the whole of a month or a year that goes on.
            return custom_period(first, min(last, today.isoformat()), today)
        if sent in DAYS:
            return Period(PeriodName.CUSTOM, today - (DAYS[sent] - 1) * DAY, today)
        if sent in MONTHS:
            return Period(PeriodName.CUSTOM, months_ago(today, MONTHS[sent]), today)
        if sent == YEAR:
            return Period(PeriodName.CUSTOM, today.replace(month=1, day=1), today)
    except PeriodError as error:
        raise Unanswerable("date_range", f"{error}") from None
    known = ", ".join((*DAYS, *MONTHS, YEAR))
    raise Unanswerable("date_range", f"must be two days or one of {known}")


def _named(trees: Sequence[object]) -> set[Dimension]:
    """Return the dimensions of filters that were read before."""
    named = set()
    for tree in trees:
        if isinstance(tree, list):
            named |= _named(tree)
        elif isinstance(tree, str) and (tree in DIMENSIONS or tree.startswith(PROPERTY)):
            named.add(_dimension(tree, "filters"))
    return named


def _read_filter(tree: object, properties: set[str], depth: int) -> Filter:
    """Read one filter; the properties that it names are put into `properties`."""
    if depth > MAX_DEPTH:
        raise Unanswerable("filters", f"must be nested at most {MAX_DEPTH} deep")
    if not isinstance(tree, list) or len(tree) < 2 or not isinstance(tree[0], str):
        raise Unanswerable("filters", "must be arrays of an operator and what it is about")
    operator, about = tree[0], tree[1]
    if operator in ("and", "or") and isinstance(about, list) and about and len(tree) == 2:
        inner = tuple(_read_filter(each, properties, depth + 1) for each in about)
        return And(inner) if operator == "and" else Or(inner)
    if operator == "not" and len(tree) == 2:
        return Not(_read_filter(about, properties, depth + 1))
    if operator not in _MATCHES:
        known = ", ".join((*_MATCHES, "and", "or", "not"))
        raise Unanswerable("filters", f"must have an operator that exists here: {known}")
    if len(tree) not in (3, 4) or (len(tree) == 4 and tree[3] != MODIFIERS):
        raise Unanswerable("filters", "must be operator, dimension and values, in their case")
    if not isinstance(about, str):
        raise Unanswerable("filters", "must name a dimension")
    dimension = _dimension(about, "filters")
    if dimension is Dimension.VALUE:
        properties.add(about)
    return _MATCHES[operator](dimension, _read_values(tree[2]))


def _read_values(sent: object) -> tuple[str, ...]:
    if not isinstance(sent, list) or not 1 <= len(sent) <= MAX_VALUES:
        raise Unanswerable("filters", f"must name 1 to {MAX_VALUES} values")
    texts = (
        value
        for value in sent
        if isinstance(value, str | int) and value is not True and value is not False
    )
    values = tuple(map(str, texts))
    if len(values) < len(sent) or any(len(value) > MAX_WORD for value in values):
        raise Unanswerable("filters", f"must name texts of at most {MAX_WORD} characters")
    return values


_MATCHES: dict[str, Callable[[Dimension, tuple[str, ...]], Filter]] = {
    "is": Is,
    "is_not": IsNot,
    "contains": Contains,
    "contains_not": lambda dimension, values: Not(Contains(dimension, values)),
}


def _order(name: str, way: str, sent: QueryV2, metrics: tuple[Metric, ...]) -> Order:
    if way not in ("asc", "desc"):
        raise Unanswerable("order_by", "must say asc or desc")
    if name in sent.metrics:
        return Order(metrics[sent.metrics.index(name)], way == "desc")
    if name not in sent.dimensions:
        raise Unanswerable("order_by", "must name what is among metrics and dimensions")
    by = None if _is_time(name) else _dimension(name, "order_by")
    return Order(by, way == "desc")
