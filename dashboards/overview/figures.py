"""Metrics as readers see them: their titles, their numbers and how these have changed."""

from dashboards.asking.metrics import Metric, Number
from dashboards.shown import Change
from dashboards.words import Words, message

HEADLINES = (
    Metric.VISITORS,
    Metric.VISITS,
    Metric.VIEWS,
    Metric.BOUNCE_RATE,
    Metric.VISIT_DURATION,
    Metric.VIEWS_PER_VISIT,
)
"""Figures that stand at the head of the overview and can be drawn over time."""

TITLES = {
    Metric.VISITORS: message("Visitors"),
    Metric.VISITS: message("Visits"),
    Metric.VIEWS: message("Views"),
    Metric.BOUNCES: message("Bounces"),
    Metric.SECONDS: message("Time spent"),
    Metric.BOUNCE_RATE: message("Bounce rate"),
    Metric.VISIT_DURATION: message("Visit time"),
    Metric.VIEWS_PER_VISIT: message("Views per visit"),
    Metric.EVENTS: message("Times"),
    Metric.CONVERSIONS: message("Conversions"),
    Metric.SHARE: message("Share of visitors"),
    Metric.CONVERSION_RATE: message("Conversion rate"),
    Metric.HITS: message("Hits"),
    Metric.MASKED: message("Masked"),
    Metric.DELIVERED: message("Delivered"),
    Metric.OPENS: message("Opens"),
    Metric.CLICKS: message("Clicks"),
    Metric.UNIQUE_OPENS: message("Unique opens"),
    Metric.UNSUBSCRIBED: message("Unsubscribed"),
}

SHARES = frozenset({Metric.BOUNCE_RATE, Metric.SHARE, Metric.CONVERSION_RATE})
"""Metrics of 0 to 1."""
TIMES = frozenset({Metric.SECONDS, Metric.VISIT_DURATION})
"""Metrics in seconds."""
COUNTED = frozenset(Metric) - SHARES - TIMES - {Metric.VIEWS_PER_VISIT}
"""Metrics that are sums of whole numbers."""

NOTHING = "–"

_UNWELCOME = frozenset({Metric.BOUNCE_RATE, Metric.BOUNCES, Metric.UNSUBSCRIBED, Metric.MASKED})
_LEAST_SHARE = 0.001
_FEW = 0.0995
_NEARLY_ALL = 0.995
_SECONDS_PER_MINUTE = 60


def write_share(words: Words, share: float) -> str:
    """Write a share of 0 to 1 as percent; what is not nothing never reads as 0 %."""
    if 0 < share < _LEAST_SHARE:
        return f"<{words.share(_LEAST_SHARE, 1)}"
    if share < _FEW:
        return words.share(share, 1)
    if _NEARLY_ALL <= share < 1:
        return f">{words.share(0.99)}"
    return words.share(share)


def write_duration(seconds: float) -> str:
    """Write seconds as ``m:ss``, or ``h:mm:ss`` from an hour on."""
    minutes, second = divmod(round(seconds), _SECONDS_PER_MINUTE)
    if minutes < _SECONDS_PER_MINUTE:
        return f"{minutes}:{second:02}"
    hours, minute = divmod(minutes, _SECONDS_PER_MINUTE)
    return f"{hours}:{minute:02}:{second:02}"


def write_value(words: Words, metric: Metric, value: Number) -> str:
    """Write a metric as a reader expects it; an absent one as a dash."""
    if value is None:
        return NOTHING
    if metric in SHARES:
        return write_share(words, value)
    if metric in TIMES:
        return write_duration(value)
    if metric is Metric.VIEWS_PER_VISIT:
        return words.decimal(value, 2)
    return words.number(value)


def change(words: Words, metric: Metric, now: Number, before: Number) -> Change | None:
    """Compare a figure with the one before; None when there is nothing to compare with.

    Counts and averages move in percent, shares in percentage points.
    """
    if now is None or before is None or (before <= 0 and metric not in SHARES):
        return None
    is_share = metric in SHARES
    moved = (now - before) * 100 if is_share else (now - before) / before * 100
    size = words.decimal(abs(moved), 1 if abs(moved) < 9.95 else 0)
    if size == words.decimal(0):
        direction, sign = "same", ""
    else:
        direction, sign = ("up", "+") if moved > 0 else ("down", "−")
    text = words("{change} pts", change=sign + size) if is_share else f"{sign}{size}%"
    return Change(
        text=text,
        direction=direction,
        welcome=direction == "same" or (moved > 0) is not (metric in _UNWELCOME),
        before=write_value(words, metric, before),
    )
