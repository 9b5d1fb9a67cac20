"""Read the head of the overview: figures, their changes, and the chart."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from anonymizer.policy import PROPERTY_DIMENSIONS, Dimension
from dashboards.address.periods import GRAIN_TITLES, Grain, buckets_of
from dashboards.address.selection import Selection
from dashboards.asking.answering import Answer, Asker, Row
from dashboards.asking.filters import dimensions_of
from dashboards.asking.metrics import Metric, Number, measures_for, value_of
from dashboards.asking.question import Question
from dashboards.overview.charts import Series, describe_point, draw_chart, end_of
from dashboards.overview.figures import HEADLINES, TITLES, change, write_value
from dashboards.reports.courses import Course, read_before, read_course, sums_of
from dashboards.reports.fitting import fit, tell_undeclared
from dashboards.reports.reading import notes_of
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


async def read_traffic(
    asker: Asker, selection: Selection, words: Words, annotations: Annotations = ()
) -> TrafficView | Undeclared:
    """Read figures and chart, or why there are none under these filters."""
    asked, question = chart_question(asker, selection)
    if question is None:
        return await tell_undeclared(asker, replace(asked, metrics=(Metric.VISITORS,)), words)
    now = await read_course(asker, question)
    before = await read_before(asker, question, selection, now)
    metrics = shown_metrics(question)
    measure = selection.measure if selection.measure in metrics else metrics[0]
    return TrafficView(
        cards=tuple(
            _card(selection, words, metric, now, before, is_shown=metric is measure)
            for metric in metrics
        ),
        main=_main(selection, words, measure, metrics, now, before, annotations),
        compared=_describe(before, words),
        leaves_out_today=before is not None and before.against is not None and not before.until,
        leaves_out_rest=before is not None and bool(before.until),
        notes=tuple(notes_of(now.answer, question, words)),
        is_nothing=not any(now.total.values()),
    )


def chart_question(asker: Asker, selection: Selection) -> tuple[Question, Question | None]:
    """Return what the chart is to tell, and as much of it as is declared; None of nothing.

    Where hours are not counted, days are asked for.
    """
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
    return asked, question


def bars_of(question: Question, answer: Answer, now: datetime) -> tuple[Question, Answer]:
    """Return what was answered to `chart_question` as the chart tells it.

    A row for each bar that has begun, also where nothing was counted; of each the figures shown.
    """
    metrics = shown_metrics(question)
    found = {row.time: sums_of(question, row.metrics) for row in answer.rows}
    nothing = dict.fromkeys(map(str, question.metrics), 0)
    grain = question.grain or Grain.DAY

    def figures(sums: Sums) -> tuple[Number, ...]:
        return tuple(value_of(metric, sums, 0) for metric in metrics)

    starts = [start for start in buckets_of(question.period, grain) if start <= now]
    times = [
        f"{start:%Y-%m-%d %H:%M}" if grain is Grain.HOUR else f"{start:%Y-%m-%d}"
        for start in starts
    ]
    rows = tuple(Row(time, (), figures(found.get(time, nothing))) for time in times)
    totals = figures(sums_of(question, answer.totals))
    return (
        replace(question, metrics=metrics),
        replace(answer, rows=rows, groups=len(rows), totals=totals),
    )


def shown_metrics(question: Question) -> tuple[Metric, ...]:
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
    compared = value_of(metric, before.against, 0) if before and before.against else value
    return Card(
        metric=metric,
        title=words(TITLES[metric]),
        text=write_value(words, metric, value),
        change=change(words, metric, compared, earlier) if before else None,
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
    period = before.days or before.period
    days = words.days(period.first, period.last)
    return words("{days}, up to {time}", days=days, time=before.until) if before.until else days


def _of_filters(selection: Selection) -> tuple[Metric, ...]:
    """Return what is counted besides visits of what the filters name."""
    named = dimensions_of(selection.filters)
    events = (Metric.EVENTS,) if named & PROPERTY_DIMENSIONS else ()
    goals = (Metric.CONVERSIONS,) if Dimension.GOAL in named else ()
    return (*events, *goals)
