"""What can be counted, and from which sums of a view each metric is worked out."""

from collections.abc import Mapping
from enum import StrEnum

Number = int | float | None
"""A metric's value; None for a ratio that nothing stands behind."""


class Metric(StrEnum):
    """What a question may ask for."""

    VISITORS = "visitors"
    VISITS = "visits"
    VIEWS = "views"
    BOUNCES = "bounces"
    SECONDS = "seconds"
    BOUNCE_RATE = "bounce_rate"
    VISIT_DURATION = "visit_duration"
    VIEWS_PER_VISIT = "views_per_visit"
    EVENTS = "events"
    CONVERSIONS = "conversions"
    SHARE = "share"
    CONVERSION_RATE = "conversion_rate"
    HITS = "hits"
    MASKED = "masked"
    DELIVERED = "delivered"
    OPENS = "opens"
    CLICKS = "clicks"
    UNIQUE_OPENS = "unique_opens"
    UNSUBSCRIBED = "unsubscribed"


OF_ALL_VISITORS = frozenset({Metric.SHARE, Metric.CONVERSION_RATE})
"""Metrics that are parts of a second number: the visitors of the same days in all."""

_RATIOS = {
    Metric.BOUNCE_RATE: ("bounces", "visits"),
    Metric.VISIT_DURATION: ("seconds", "visits"),
    Metric.VIEWS_PER_VISIT: ("views", "visits"),
}


def is_ratio(metric: Metric) -> bool:
    """Tell whether a metric is a share or an average, and so no whole number."""
    return metric in OF_ALL_VISITORS or metric in _RATIOS


def measures_for(metric: Metric) -> tuple[str, ...]:
    """Return the measures of a view that a metric is worked out from."""
    if metric in OF_ALL_VISITORS:
        return ("visitors",)
    return _RATIOS.get(metric, (metric.value,))


def order_of(metric: Metric) -> str:
    """Return SQL by which rows are ordered; their sums are named ``total_MEASURE``."""
    if metric in OF_ALL_VISITORS:  # by one number for all rows
        return "total_visitors"
    if metric not in _RATIOS:
        return f"total_{metric.value}"
    above, below = _RATIOS[metric]
    return f"if(total_{below} > 0, total_{above} / total_{below}, -1)"


def value_of(metric: Metric, sums: Mapping[str, int], all_visitors: int) -> Number:
    """Work a metric out of a row's sums.

    Rates and shares are of 0 to 1, `visit_duration` is in seconds. What a visit adds and takes
    back around midnight can leave a day just off, so that a rate is held within its bounds.
    """
    if metric in OF_ALL_VISITORS:
        return _held(sums["visitors"] / all_visitors) if all_visitors > 0 else None
    if metric not in _RATIOS:
        return sums[metric.value]
    above, below = (sums[measure] for measure in _RATIOS[metric])
    if below <= 0:
        return None
    return _held(above / below) if metric is Metric.BOUNCE_RATE else max(0.0, above / below)


def _held(share: float) -> float:
    return min(1.0, max(0.0, share))
