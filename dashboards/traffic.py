"""Read the head of the overview: figures, their changes, and the chart."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from anonymizer.policy import PROPERTY_DIMENSIONS, Dimension
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.filters import dimensions_of
from dashboards.asking.metrics import Metric, Number, measures_for, value_of
from dashboards.asking.question import Question
from dashboards.charts import Series, describe_point, draw_chart, end_of
from dashboards.figures import HEADLINES, TITLES, change, write_value
from dashboards.fitting import fit, tell_undeclared
from dashboards.periods import GRAIN_TITLES, Grain, Period, PeriodName, buckets_of
from dashboards.reading import notes_of
from dashboards.selection import Selection
from dashboards.shown import Card, ChartView, TrafficView, Undeclared
from dashboards.words import Words, message

MAX_TIMES = 10_000
"""More than there are hours in a year; bars are 400 at most."""

BASES = (Metric.VISITORS, Metric.VISITS, Metric.VIEWS, Metric.BOUNCES, Metric.SECONDS)
"""What all headlines are worked out from."""

_TITLES = {
    Grain.HOUR: message("{measure} by hour"),
    Grain.DAY: message("{measure} by day"),
    Grain.MONTH: message("{measure} by month"),
}

Sums = Mapping[str, int]

Annotations = Iterable[tuple[datetime, str]]
"""What happened when, on the site's wall clock."""


class Course(Struct, frozen=True):
    """What was counted in a period: in all, and by the start of each bar."""

    period: Period
    grain: Grain
    total: dict[str, int]
    by_time: dict[datetime, dict[str, int]]
    answer: Answer
    until: str = ""
    """The minute of the last day up to which `total` goes; empty of the whole day."""


async def read_traffic(
    asker: Asker, selection: Selection, words: Words, annotations: Annotations = ()
) -> TrafficView | Undeclared:
    """Read figures and chart, or why there are none under these filters."""
    asked = Question(
        site=selection.site,
        period=selection.period,
        today=selection.now.date(),
        metrics=(*BASES, *_of_filters(selection)),
        filters=selection.filters,
        grain=selection.grain,
        limit=MAX_TIMES,
    )
    question = fit(asker, asked)
    if question is None and asked.grain is Grain.HOUR:
        asked = replace(asked, grain=Grain.DAY)
        question = fit(asker, asked)
    if question is None:
        return await tell_undeclared(asker, replace(asked, metrics=(Metric.VISITORS,)), words)
    now = await _read_course(asker, question)
    before = await _read_before(asker, question, selection)
    metrics = _shown_metrics(question)
    measure = selection.measure if selection.measure in metrics else metrics[0]
    return TrafficView(
        cards=tuple(
            _card(selection, words, metric, now, before, is_shown=metric is measure)
            for metric in metrics
        ),
        main=_main(selection, words, measure, metrics, now, before, annotations),
        compared=_describe(before, words),
        notes=tuple(notes_of(now.answer, selection, words)),
        is_nothing=not any(now.total.values()),
    )


def _shown_metrics(question: Question) -> tuple[Metric, ...]:
    """Return the headlines that what is counted suffices for, and what filters ask for."""
    return tuple(
        metric
        for metric in (*HEADLINES, Metric.EVENTS, Metric.CONVERSIONS)
        if question.measures.issuperset(measures_for(metric))
    )


def _card(
    selection: Selection,
    words: Words,
    metric: Metric,
    now: Course,
    before: Course | None,
    *,
    is_shown: bool,
) -> Card:
    value = value_of(metric, now.total, 0)
    earlier = value_of(metric, before.total, 0) if before else None
    return Card(
        metric=metric,
        title=words(TITLES[metric]),
        text=write_value(words, metric, value),
        change=change(words, metric, value, earlier) if before else None,
        # What goes on would read as a fall.
        points=tuple(
            number if end_of(start, now.grain) <= selection.now else None
            for start, number in _points(metric, now)
        ),
        address=selection.at_measure(metric) if metric in HEADLINES else "",
        is_shown=is_shown,
    )


def _main(
    selection: Selection,
    words: Words,
    measure: Metric,
    metrics: Sequence[Metric],
    now: Course,
    before: Course | None,
    annotations: Annotations,
) -> ChartView:
    grain = now.grain
    chart = draw_chart(
        _points(measure, now),
        measure,
        grain,
        selection.now,
        words,
        before=_points(measure, before) if before else (),
        marks=annotations,
    )
    several = now.period.days > 1
    return ChartView(
        chart=chart,
        title=words(_TITLES[grain], measure=words(TITLES[measure])),
        columns=tuple(words(TITLES[metric]) for metric in metrics),
        table=tuple(
            (
                describe_point(words, start, grain, has_several_days=several),
                tuple(write_value(words, m, value_of(m, sums, 0)) for m in metrics),
            )
            for start, sums in _bars(now)
            if start <= selection.now
        ),
        grains=tuple(
            (words(GRAIN_TITLES[each]), selection.at_grain(each), each is grain)
            for each in selection.period.grains
        ),
        compared=words.days(before.period.first, before.period.last) if before else "",
    )


def _bars(course: Course) -> Iterable[tuple[datetime, Sums]]:
    nothing = dict.fromkeys(course.total, 0)
    for start in buckets_of(course.period, course.grain):
        yield start, course.by_time.get(start, nothing)


def _points(metric: Metric, course: Course) -> Series:
    return [(start, value_of(metric, sums, 0)) for start, sums in _bars(course)]


def _describe(before: Course | None, words: Words) -> str:
    if before is None:
        return ""
    days = words.days(before.period.first, before.period.last)
    return words("{days}, up to {time}", days=days, time=before.until) if before.until else days


def _of_filters(selection: Selection) -> tuple[Metric, ...]:
    """Return what is counted besides visits of what the filters name."""
    named = dimensions_of(selection.filters)
    events = (Metric.EVENTS,) if named & PROPERTY_DIMENSIONS else ()
    goals = (Metric.CONVERSIONS,) if Dimension.GOAL in named else ()
    return (*events, *goals)


async def _read_course(asker: Asker, question: Question) -> Course:
    answer = await asker.answer(replace(question, tells_unplaced=False))
    by_time = {
        datetime.fromisoformat(row.time): _sums(question, row.metrics) for row in answer.rows
    }
    if answer.statistic.min_group > 1 and question.grain is not Grain.MONTH:
        # What was too small for its day belongs to its month alone, and to no bar.
        answer = await asker.answer(replace(question, grain=None))
    grain = question.grain or Grain.DAY
    return Course(question.period, grain, _sums(question, answer.totals), by_time, answer)


async def _read_before(asker: Asker, question: Question, selection: Selection) -> Course | None:
    """Read what is compared with: as many days, of the last as many hours as have begun today.

    Otherwise each morning would read as a loss.
    """
    period = selection.compared
    if period is None:
        return None
    hours = replace(
        question, period=Period(PeriodName.CUSTOM, period.last, period.last), grain=Grain.HOUR
    )
    is_open = selection.period.is_open(selection.now)
    is_by_hour = asker.declares(hours)
    if is_open and not is_by_hour and period.days == 1:
        return None
    course = await _read_course(asker, replace(question, period=period, tells_unplaced=False))
    if not is_open or not is_by_hour:
        return course
    total = dict(course.total)
    for row in (await asker.answer(hours)).rows:
        if datetime.fromisoformat(row.time).hour > selection.now.hour:
            for name, number in _sums(question, row.metrics).items():
                total[name] -= number
    return replace(course, total=total, until=f"{selection.now.hour:02}:59")


def _sums(question: Question, numbers: Sequence[Number]) -> dict[str, int]:
    return {
        metric.value: int(number or 0)
        for metric, number in zip(question.metrics, numbers, strict=True)
    }
