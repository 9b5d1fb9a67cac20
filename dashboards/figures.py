"""Sums of a guarded view and what is read from them: rates, averages, changes, in writing too."""

from dataclasses import dataclass
from enum import StrEnum


class Measure(StrEnum):
    """A figure that stands at the head of the page and can be drawn over time."""

    VISITORS = "visitors"
    VISITS = "visits"
    VIEWS = "views"
    BOUNCE_RATE = "bounce_rate"
    VISIT_TIME = "visit_time"
    VIEWS_PER_VISIT = "views_per_visit"


TITLES = {
    Measure.VISITORS: "Visitors",
    Measure.VISITS: "Visits",
    Measure.VIEWS: "Views",
    Measure.BOUNCE_RATE: "Bounce rate",
    Measure.VISIT_TIME: "Visit time",
    Measure.VIEWS_PER_VISIT: "Views per visit",
}

COUNTED = frozenset({Measure.VISITORS, Measure.VISITS, Measure.VIEWS})
"""Measures that are sums of whole numbers; the others are ratios."""

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Figures:
    """The five sums of a row; `seconds` is the time of all its visits together."""

    visitors: int = 0
    visits: int = 0
    views: int = 0
    bounces: int = 0
    seconds: int = 0

    def value(self, measure: Measure) -> float | None:
        """Return a measure, or None for a ratio that no visit stands behind.

        Bounce rate is a share from 0 to 1, visit time is in seconds. Deltas of a visit
        that crosses midnight can leave a day's bounces or visits just off its true
        share, so a rate is held within its bounds.
        """
        match measure:
            case Measure.VISITORS:
                return self.visitors
            case Measure.VISITS:
                return self.visits
            case Measure.VIEWS:
                return self.views
        if self.visits <= 0:
            return None
        match measure:
            case Measure.BOUNCE_RATE:
                return min(1.0, max(0.0, self.bounces / self.visits))
            case Measure.VISIT_TIME:
                return max(0.0, self.seconds / self.visits)
            case Measure.VIEWS_PER_VISIT:
                return max(0.0, self.views / self.visits)


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure moved against the stretch before."""

    text: str
    direction: str
    """``up``, ``down`` or ``same``."""
    welcome: bool
    before: str


def write_count(number: int) -> str:
    """Write a whole number with thousands separated, such as ``12,345``."""
    return f"{number:,}"


def write_share(share: float) -> str:
    """Write a share of 0 to 1 as percent; what is not nothing never reads as 0 %."""
    if 0 < share < 0.001:
        return "<0.1%"
    if share < 0.0995:
        return f"{share * 100:.1f}".removesuffix(".0") + "%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share * 100:.0f}%"


def write_duration(seconds: float) -> str:
    """Write seconds as ``m:ss``, or ``h:mm:ss`` from an hour on."""
    minutes, second = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{second:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"


def write_value(measure: Measure, value: float | None) -> str:
    """Write a measure as a reader expects it; an absent one as a dash."""
    if value is None:
        return NOTHING
    match measure:
        case Measure.BOUNCE_RATE:
            return write_share(value)
        case Measure.VISIT_TIME:
            return write_duration(value)
        case Measure.VIEWS_PER_VISIT:
            return f"{value:.2f}"
        case _:
            return write_count(round(value))


def change(measure: Measure, now: float | None, before: float | None) -> Change | None:
    """Compare a figure with the one before; None when there is nothing to compare with.

    Counts and averages move in percent, the bounce rate in percentage points.
    """
    if now is None or before is None or (before <= 0 and measure is not Measure.BOUNCE_RATE):
        return None
    if measure is Measure.BOUNCE_RATE:
        moved, unit = (now - before) * 100, " pts"
    else:
        moved, unit = (now - before) / before * 100, "%"
    size = f"{abs(moved):.1f}" if abs(moved) < 9.95 else f"{abs(moved):,.0f}"
    size = size.removesuffix(".0")
    if size == "0":
        return Change(f"0{unit}", "same", True, write_value(measure, before))
    direction = "up" if moved > 0 else "down"
    sign = "+" if moved > 0 else "−"
    welcome = (moved > 0) is not (measure is Measure.BOUNCE_RATE)
    return Change(f"{sign}{size}{unit}", direction, welcome, write_value(measure, before))
