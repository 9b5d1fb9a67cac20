"""The scales of a chart: gridlines in steps that people count in, and the times below."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboards.address.periods import Grain
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import COUNTED, SHARES, TIMES, write_duration
from dashboards.words import Words

MAX_STEPS = 5
MAX_LABELS = 10
MAX_NARROW_LABELS = 4

_ROUNDING = 1e-9
_PLEASANT = {
    Grain.HOUR: (1, 2, 3, 4, 6, 24, 48, 168),
    Grain.DAY: (1, 2, 7, 14, 28, 56, 91, 182, 364),
    Grain.MONTH: (1, 2, 3, 6, 12),
}


@dataclass(frozen=True, slots=True)
class TimeLabel:
    """A label under the plot; x in percent."""

    x: float
    text: str
    wide_only: bool
    """Leave it out where the window is narrow."""


def axis_of(largest: float, metric: Metric) -> tuple[float, int]:
    """Choose the step between gridlines and how many steps are needed to reach `largest`."""
    if metric in SHARES:
        return 0.25, 4
    if largest < _ROUNDING:
        return 1.0, 4
    if metric in TIMES:
        whole_hours = math.ceil(largest / MAX_STEPS / 3600) * 3600
        steps: list[float] = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, whole_hours]
    else:
        magnitude = 10.0 ** math.floor(math.log10(largest / MAX_STEPS))
        steps = [factor * magnitude for factor in (1, 2, 2.5, 5, 10)]
        if metric in COUNTED:
            steps = [step for step in steps if step.is_integer()] or [1.0]
    step = next(s for s in steps if s * MAX_STEPS >= largest * (1 - _ROUNDING))
    return step, max(2, math.ceil(largest / step - _ROUNDING))


def axis_label(words: Words, value: float, metric: Metric) -> str:
    """Write what a gridline stands for."""
    if metric in SHARES:
        return words.share(value)
    if metric in TIMES:
        return write_duration(value)
    if value >= 10_000:
        return words.compact(value)
    return words.decimal(value, 10)


def time_labels(words: Words, starts: Sequence[datetime], grain: Grain) -> tuple[TimeLabel, ...]:
    """Name some of the points in time, evenly apart.

    Hours read best in threes and whole days, days in weeks; narrow windows keep fewer.
    """
    count = len(starts)
    slot = 100 / count
    step = _label_step(count, grain)
    narrow = step * max(1, math.ceil(count / step / MAX_NARROW_LABELS))
    return tuple(
        TimeLabel(
            x=round(index * slot + slot / 2, 3),
            text=_time_label(words, starts[index], grain, is_within_day=step < 24),
            wide_only=index % narrow != 0,
        )
        for index in range(0, count, step)
    )


def _label_step(count: int, grain: Grain) -> int:
    steps = _PLEASANT[grain]
    return next((step for step in steps if count / step <= MAX_LABELS), steps[-1])


def _time_label(words: Words, start: datetime, grain: Grain, *, is_within_day: bool) -> str:
    match grain:
        case Grain.HOUR if is_within_day:
            return f"{start:%H:%M}"
        case Grain.MONTH:
            return words.short_month(start.date())
        case _:
            return words.short_day(start.date())
