"""The chart over time: values in; bars or a line, gridlines, marks and what each point says out.

Widths are percentages, or thousandths in paths, and heights are pixels, so that the drawing follows
any width of window while its letters and lines keep their size, without a script and without a
style attribute.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.address.periods import Grain
from dashboards.asking.metrics import Metric
from dashboards.overview.chart_axes import TimeLabel, axis_label, axis_of, time_labels
from dashboards.overview.figures import TITLES, write_value
from dashboards.words import Words, message

HEIGHT = 220
"""Pixels from the baseline to the top gridline."""
TOP = 22
"""Pixels above the top gridline, where the marks stand."""
BASELINE = TOP + HEIGHT
PATH_WIDTH = 1000
"""The width of the box that paths are drawn in."""
MAX_BARS = 62  # narrower ones are under 5 pixels on a phone, and read as a line anyway
BAR_SHARE = 0.74  # the rest of a bar's slot is white space
MIN_BAR = 2.0  # pixels; a small count beside a large one must not vanish

Series = Sequence[tuple[datetime, float | None]]
"""A value for each point in time, in order; None of a ratio that nothing stands behind."""


@dataclass(frozen=True, slots=True)
class Point:
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
class Mark:
    """Something that happened; x in percent of the plot."""

    x: float
    number: int
    when: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that the template draws."""

    points: tuple[Point, ...]
    is_line: bool
    """Too many points for bars: `line` and `area` are drawn."""
    line: str
    area: str
    before: str
    """The compared period; empty when there is none."""
    ticks: tuple[Tick, ...]
    labels: tuple[TimeLabel, ...]
    marks: tuple[Mark, ...]
    baseline: float = BASELINE
    height: float = BASELINE + 1
    path_width: int = PATH_WIDTH


def draw_chart(
    points: Series,
    metric: Metric,
    grain: Grain,
    now: datetime,
    words: Words,
    before: Series = (),
    marks: Iterable[tuple[datetime, str]] = (),
) -> Chart:
    """Lay out one point for each of `points`, which holds one at least.

    What begins after `now` is left empty and told as yet to come. `before` is the compared period:
    its first value stands at the first point, and so on. Of `marks` those are drawn that fall into
    the chart; all moments are of the site's wall clock.
    """
    earlier = dict(enumerate(before[: len(points)]))
    drawn = [value or 0 for _, value in (*points, *earlier.values())]
    step, steps = axis_of(max(drawn), metric)
    scale = HEIGHT / (step * steps)
    starts = [start for start, _ in points]
    tell = _Telling(words, metric, grain, now, starts[0].date() != starts[-1].date())
    slot = 100 / len(points)
    is_line = len(points) > MAX_BARS
    line = [value if start <= now else None for start, value in points]
    return Chart(
        points=tuple(
            _point(index, slot, start, value, scale, tell, earlier.get(index))
            for index, (start, value) in enumerate(points)
        ),
        is_line=is_line,
        line=_path(line, scale) if is_line else "",
        area=_path(line, scale, is_closed=True) if is_line else "",
        before=_path([value for _, value in earlier.values()], scale, len(points)),
        ticks=tuple(
            Tick(round(BASELINE - HEIGHT * n / steps, 1), axis_label(words, step * n, metric))
            for n in range(steps + 1)
        ),
        labels=time_labels(words, starts, grain),
        marks=tuple(_marks(words, marks, starts, grain)),
    )


def describe_point(
    words: Words, start: datetime, grain: Grain, *, has_several_days: bool = True
) -> str:
    """Name a point's stretch of time, such as ``Tue, Nov 4, 2025``; hours of one day without it."""
    match grain:
        case Grain.HOUR:
            hours = f"{start:%H}:00–{start:%H}:59"
            return f"{words.day(start.date())} {hours}" if has_several_days else hours
        case Grain.DAY:
            return words.day(start.date())
        case Grain.MONTH:
            return words.month(start.date())


_ONE_AND_MANY = {
    Metric.VISITORS: (message("{count} visitor"), message("{count} visitors")),
    Metric.VISITS: (message("{count} visit"), message("{count} visits")),
    Metric.VIEWS: (message("{count} view"), message("{count} views")),
}


@dataclass(frozen=True, slots=True)
class _Telling:
    """Says in words what a point stands for."""

    words: Words
    metric: Metric
    grain: Grain
    now: datetime
    has_several_days: bool

    def point(
        self, start: datetime, value: float | None, before: tuple[datetime, float | None] | None
    ) -> str:
        time = self._time(start)
        if start > self.now:
            said = self.words("{time}: yet to come", time=time)
        elif self.is_open(start):
            said = self.words("{time}: {value} so far", time=time, value=self._value(value))
        else:
            said = self.words("{time}: {value}", time=time, value=self._value(value))
        if before is None:
            return said
        return self.words("{reading}; before: {value}", reading=said, value=self._value(before[1]))

    def is_open(self, start: datetime) -> bool:
        return start <= self.now < end_of(start, self.grain)

    def _time(self, start: datetime) -> str:
        several = self.has_several_days
        return describe_point(self.words, start, self.grain, has_several_days=several)

    def _value(self, value: float | None) -> str:
        words, metric = self.words, self.metric
        if value is None:
            return words("nothing to tell")
        if metric in _ONE_AND_MANY:
            return words.count(*_ONE_AND_MANY[metric], round(value))
        written = write_value(words, metric, value)
        return words("{title} {value}", title=words(TITLES[metric]), value=written)


def _point(
    index: int,
    slot: float,
    start: datetime,
    value: float | None,
    scale: float,
    tell: _Telling,
    before: tuple[datetime, float | None] | None,
) -> Point:
    height = (value or 0) * scale
    if height > 0:
        height = max(MIN_BAR, height)
    return Point(
        slot_x=round(index * slot, 3),
        slot_width=round(slot, 3),
        x=round((index + (1 - BAR_SHARE) / 2) * slot, 3),
        width=round(slot * BAR_SHARE, 3),
        y=round(BASELINE - height, 1),
        height=round(height, 1),
        title=tell.point(start, value, before),
        is_open=tell.is_open(start),
    )


def _path(
    values: Sequence[float | None], scale: float, slots: int = 0, *, is_closed: bool = False
) -> str:
    """Draw through the middle of each slot; a value of None leaves a gap."""
    slot = PATH_WIDTH / (slots or len(values) or 1)
    drawn: list[str] = []
    for index, run in _runs(values):
        corners = [
            f"{round((index + n + 0.5) * slot, 1):g} {round(BASELINE - value * scale, 1):g}"
            for n, value in enumerate(run)
        ]
        # A lone point is drawn a tenth of its slot wide, for a line of no length is not seen.
        tail = f"h{slot / 10:.1f}" if len(run) == 1 else ""
        path = f"M{'L'.join(corners)}{tail}"
        if is_closed:
            left = round((index + 0.5) * slot, 1)
            path += f"V{BASELINE}H{left:g}Z"
        drawn.append(path)
    return "".join(drawn)


def _runs(values: Sequence[float | None]) -> Iterable[tuple[int, list[float]]]:
    run: list[float] = []
    for index, value in enumerate((*values, None)):
        if value is not None:
            run.append(value)
        elif run:
            yield index - len(run), run
            run = []


def _marks(
    words: Words, marks: Iterable[tuple[datetime, str]], starts: Sequence[datetime], grain: Grain
) -> Iterable[Mark]:
    """Place what happened within the slot of its hour, day or month."""
    slot = 100 / len(starts)
    ends = [*starts[1:], end_of(starts[-1], grain)]
    number = 0
    for moment, text in sorted(marks):
        for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if start <= moment < end:
                number += 1
                share = (moment - start) / (end - start)
                x = round((index + share) * slot, 3)
                yield Mark(x, number, words.moment(moment), text)


def end_of(start: datetime, grain: Grain) -> datetime:
    """Return the moment from which nothing is added to a point any more."""
    match grain:
        case Grain.HOUR:
            return start + timedelta(hours=1)
        case Grain.DAY:
            return start + timedelta(days=1)
        case Grain.MONTH:
            return (start + timedelta(days=31)).replace(day=1)
