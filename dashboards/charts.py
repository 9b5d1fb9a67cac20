"""The geometry of the chart over time: values in, bars, gridlines and labels out.

Widths are percentages and heights are pixels, so that the drawing follows any
width of window while its letters keep their size, without a script and without a
style attribute.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.figures import COUNTED, Measure, write_duration, write_share, write_value
from dashboards.periods import Grain

HEIGHT = 240
"""Pixels from the baseline to the top gridline."""
TOP = 12
"""Pixels above the top gridline, half a line of text."""
MAX_STEPS = 5
BAR_SHARE = 0.74  # the rest of a bar's slot is white space
MIN_BAR = 2.0  # pixels; a small count beside a large one must not vanish
MAX_LABELS = 10
MAX_NARROW_LABELS = 4

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Bar:
    """One point in time; x and width in percent of the plot, y and height in pixels."""

    slot_x: float
    slot_width: float
    x: float
    width: float
    y: float
    height: float
    title: str
    is_open: bool
    """Hits may still be added to it."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A gridline with its label; y in pixels."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class TimeLabel:
    """A label under the plot; x in percent."""

    x: float
    text: str
    wide_only: bool
    """Leave it out where the window is narrow."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that the template draws."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[TimeLabel, ...]
    height: int
    baseline: float


def draw_chart(
    points: Sequence[tuple[datetime, float | None]],
    measure: Measure,
    grain: Grain,
    now: datetime,
) -> Chart:
    """Lay out one bar per point; `points` holds at least one, in order of time.

    Bars that begin after `now` are left empty and told as yet to come.
    """
    step, steps = _axis(max(value or 0 for _, value in points), measure)
    top = step * steps
    slot = 100 / len(points)
    bars = tuple(
        _bar(start, value, measure, grain, now, index * slot, slot, top)
        for index, (start, value) in enumerate(points)
    )
    ticks = tuple(
        Tick(round(TOP + HEIGHT - HEIGHT * n / steps, 1), _axis_label(step * n, measure))
        for n in range(steps + 1)
    )
    return Chart(bars, ticks, _time_labels(points, grain, slot), TOP + HEIGHT + 1, TOP + HEIGHT)


def describe_point(start: datetime, grain: Grain) -> str:
    """Name a bar's stretch of time, such as ``Tue 4 Nov 2025`` or ``14:00–14:59``."""
    match grain:
        case Grain.HOUR:
            return f"{start:%H}:00–{start:%H}:59"
        case Grain.DAY:
            return f"{start:%a} {start.day} {start:%b %Y}"
        case Grain.MONTH:
            return f"{start:%b %Y}"


def _bar(
    start: datetime,
    value: float | None,
    measure: Measure,
    grain: Grain,
    now: datetime,
    slot_x: float,
    slot: float,
    top: float,
) -> Bar:
    height = HEIGHT * (value or 0) / top
    if height > 0:
        height = max(MIN_BAR, height)
    is_open = start <= now < _end_of(start, grain)
    title = f"{describe_point(start, grain)}: "
    if start > now:
        title += "yet to come"
    else:
        title += f"{write_value(measure, value)} {_unit(measure, value)}"
        title += " so far" if is_open else ""
    return Bar(
        slot_x=round(slot_x, 4),
        slot_width=round(slot, 4),
        x=round(slot_x + slot * (1 - BAR_SHARE) / 2, 4),
        width=round(slot * BAR_SHARE, 4),
        y=round(TOP + HEIGHT - height, 1),
        height=round(height, 1),
        title=title,
        is_open=is_open,
    )


def _end_of(start: datetime, grain: Grain) -> datetime:
    match grain:
        case Grain.HOUR:
            return start + timedelta(hours=1)
        case Grain.DAY:
            return start + timedelta(days=1)
        case Grain.MONTH:
            return (start + timedelta(days=31)).replace(day=1)


def _unit(measure: Measure, value: float | None) -> str:
    unit = measure.value.replace("_", " ")
    return unit.removesuffix("s") if value == 1 and measure in COUNTED else unit


def _axis(largest: float, measure: Measure) -> tuple[float, int]:
    """Choose the step between gridlines, one that people count in, and how many are needed."""
    if measure is Measure.BOUNCE_RATE:
        return 0.25, 4
    if largest <= 0:
        return 1.0, 4
    if measure is Measure.VISIT_TIME:
        whole_hours = math.ceil(largest / MAX_STEPS / 3600) * 3600
        steps: list[float] = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, whole_hours]
    else:
        magnitude = 10.0 ** math.floor(math.log10(largest / MAX_STEPS))
        steps = [factor * magnitude for factor in (1, 2, 2.5, 5, 10)]
        if measure in COUNTED:
            steps = [step for step in steps if step.is_integer()] or [1.0]
    step = next(s for s in steps if s * MAX_STEPS >= largest * (1 - _ROUNDING))
    return step, max(2, math.ceil(largest / step - _ROUNDING))


def _axis_label(value: float, measure: Measure) -> str:
    match measure:
        case Measure.BOUNCE_RATE:
            return write_share(value)
        case Measure.VISIT_TIME:
            return write_duration(value)
    if value >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    if value >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:,.10g}" if value >= 1000 else f"{value:g}"


def _time_labels(
    points: Sequence[tuple[datetime, float | None]], grain: Grain, slot: float
) -> tuple[TimeLabel, ...]:
    # Hours read best in threes and days in weeks; narrow windows keep every other one or fewer.
    step = _label_step(len(points), MAX_LABELS, grain)
    narrow = step * max(1, math.ceil(len(points) / step / MAX_NARROW_LABELS))
    return tuple(
        TimeLabel(
            x=round(index * slot + slot / 2, 4),
            text=_time_label(points[index][0], grain),
            wide_only=index % narrow != 0,
        )
        for index in range(0, len(points), step)
    )


def _label_step(count: int, most: int, grain: Grain) -> int:
    pleasant = {
        Grain.HOUR: (1, 2, 3, 4, 6),
        Grain.DAY: (1, 2, 7, 14, 28),
        Grain.MONTH: (1, 2, 3, 6, 12),
    }[grain]
    return next((step for step in pleasant if count / step <= most), pleasant[-1])


def _time_label(start: datetime, grain: Grain) -> str:
    match grain:
        case Grain.HOUR:
            return f"{start:%H}:00"
        case Grain.DAY:
            return f"{start.day} {start:%b}"
        case Grain.MONTH:
            return f"{start:%b} ’{start:%y}"
