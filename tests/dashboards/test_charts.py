import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.address.periods import Grain
from dashboards.asking.metrics import Metric
from dashboards.overview.chart_axes import MAX_LABELS
from dashboards.overview.charts import (
    BASELINE,
    HEIGHT,
    MAX_BARS,
    PATH_WIDTH,
    TOP,
    Chart,
    draw_chart,
)
from dashboards.overview.figures import HEADLINES
from dashboards.words import words_in

MIDNIGHT = datetime(2025, 11, 4)
LATER = datetime(2026, 1, 1)
EN = words_in("en")


def hours(*values: float | None) -> list[tuple[datetime, float | None]]:
    return [(MIDNIGHT + timedelta(hours=n), value) for n, value in enumerate(values)]


def draw(*values: float | None, metric: Metric = Metric.VISITORS) -> Chart:
    return draw_chart(hours(*values), metric, Grain.HOUR, LATER, EN)


def corners(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


VALUES = st.one_of(st.none(), st.integers(0, 10**12), st.floats(0, 10**6))


@given(st.lists(VALUES, min_size=1, max_size=400), st.sampled_from(HEADLINES))
def test_everything_drawn_lies_within_the_plot(values: list[float | None], metric: Metric) -> None:
    if metric is Metric.BOUNCE_RATE:
        values = [None if v is None else min(v, 1) for v in values]

    before = hours(*reversed(values))
    chart = draw_chart(hours(*values), metric, Grain.HOUR, LATER, EN, before)

    assert len(chart.points) == len(values)
    for point in chart.points:
        assert 0 <= point.x <= point.x + point.width <= 100.01
        assert TOP - 0.11 <= point.y <= point.y + point.height <= BASELINE + 0.11
    for x, y in corners(chart.line) + corners(chart.before):
        assert 0 <= x <= PATH_WIDTH
        assert TOP - 0.11 <= y <= BASELINE
    assert 3 <= len(chart.ticks) <= 6
    assert len({tick.label for tick in chart.ticks}) == len(chart.ticks)
    assert len(chart.labels) <= MAX_LABELS


def test_heights_stand_in_proportion() -> None:
    assert [point.height for point in draw(10, 5, 0).points] == [HEIGHT, HEIGHT / 2, 0]


def test_small_count_beside_a_large_one_is_still_seen() -> None:
    assert draw(1, 100_000).points[0].height >= 2


def test_more_points_than_bars_fit_are_a_line() -> None:
    assert draw(*range(MAX_BARS)).line == ""
    line = draw(*range(MAX_BARS + 1)).line
    assert len(corners(line)) == MAX_BARS + 1
    assert corners(line)[-1][1] < corners(line)[0][1] == BASELINE


def test_line_breaks_where_there_is_nothing_and_shows_a_lone_point() -> None:
    chart = draw(*[1, 2, None, 3, None] * 20, metric=Metric.VIEWS_PER_VISIT)

    assert re.fullmatch(r"(M[\d.]+ [\d.]+L[\d.]+ [\d.]+M[\d.]+ [\d.]+h[\d.]+){20}", chart.line)


def test_line_ends_where_time_has_come_to() -> None:
    points = hours(*[5] * 100)

    chart = draw_chart(points, Metric.VIEWS, Grain.HOUR, points[29][0], EN)

    assert len(corners(chart.line)) == 30


def test_compared_period_has_the_same_scale_and_places() -> None:
    days = [MIDNIGHT + timedelta(days=n) for n in range(3)]
    before = [(day - timedelta(days=3), value) for day, value in zip(days, [8, 4, 2], strict=True)]

    chart = draw_chart(
        [(day, 4.0) for day in days], Metric.VISITS, Grain.DAY, LATER, EN, [*before, (LATER, 99)]
    )

    middles = [point.x + point.width / 2 for point in chart.points]
    assert [x * 100 / PATH_WIDTH for x, _ in corners(chart.before)] == pytest.approx(
        middles, abs=0.1
    )
    assert corners(chart.before)[1][1] == chart.points[1].y
    assert corners(chart.before)[0][1] == TOP
    assert chart.points[0].title == ("Tue, Nov 4, 2025: 4 visits; before: 8 visits")


@pytest.mark.parametrize(
    ("grain", "starts", "moment", "x"),
    [
        pytest.param(Grain.HOUR, hours(1, 1), datetime(2025, 11, 4, 1, 30), 75, id="hour"),
        pytest.param(
            Grain.DAY, [(MIDNIGHT, 1.0)], datetime(2025, 11, 4, 12), 50, id="one day alone"
        ),
        pytest.param(
            Grain.MONTH, [(datetime(2025, 2, 1), 1.0)], datetime(2025, 2, 15), 50, id="month"
        ),
        pytest.param(Grain.HOUR, hours(1, 1), datetime(2025, 11, 4, 2), None, id="after the last"),
        pytest.param(Grain.HOUR, hours(1), datetime(2025, 11, 3, 23), None, id="before the first"),
    ],
)
def test_marks_stand_where_they_happened(
    grain: Grain, starts: list[tuple[datetime, float | None]], moment: datetime, x: float | None
) -> None:
    chart = draw_chart(starts, Metric.VISITS, grain, LATER, EN, marks=[(moment, "Deploy")])

    assert [mark.x for mark in chart.marks] == ([] if x is None else [x])


def test_marks_are_numbered_in_order_of_time() -> None:
    marks = [(datetime(2025, 11, 4, 1), "second"), (datetime(2025, 11, 4, 0, 5), "first")]

    chart = draw_chart(hours(1, 2), Metric.VISITS, Grain.HOUR, LATER, EN, marks=marks)

    assert [(mark.number, mark.text) for mark in chart.marks] == [(1, "first"), (2, "second")]


@pytest.mark.parametrize(
    ("metric", "largest", "labels"),
    [
        pytest.param(Metric.VISITORS, 0, ["0", "1", "2", "3", "4"], id="nothing"),
        pytest.param(Metric.VISITORS, 1, ["0", "1", "2"], id="one"),
        pytest.param(Metric.VISITORS, 705, ["0", "200", "400", "600", "800"], id="hundreds"),
        pytest.param(
            Metric.VIEWS, 99_999, ["0", "20K", "40K", "60K", "80K", "100K"], id="thousands"
        ),
        pytest.param(Metric.BOUNCE_RATE, 0.3, ["0%", "25%", "50%", "75%", "100%"], id="rate"),
        pytest.param(
            Metric.VISIT_DURATION, 110, ["0:00", "0:30", "1:00", "1:30", "2:00"], id="time"
        ),
        pytest.param(Metric.VIEWS_PER_VISIT, 1.9, ["0", "0.5", "1", "1.5", "2"], id="average"),
    ],
)
def test_axis_counts_in_steps_people_count_in(
    metric: Metric, largest: float, labels: list[str]
) -> None:
    assert [tick.label for tick in draw(largest, 0, metric=metric).ticks] == labels


def test_points_say_what_they_stand_for() -> None:
    now = MIDNIGHT + timedelta(hours=1, minutes=20)

    chart = draw_chart(hours(1200, 1, None), Metric.VISITORS, Grain.HOUR, now, EN)

    assert [(point.title, point.is_open) for point in chart.points] == [
        ("00:00–00:59: 1,200 visitors", False),
        ("01:00–01:59: 1 visitor so far", True),
        ("02:00–02:59: yet to come", False),
    ]


def test_hours_of_several_days_name_their_day() -> None:
    assert draw(*[1] * 25).points[24].title == "Wed, Nov 5, 2025 00:00–00:59: 1 visitor"


@pytest.mark.parametrize(
    ("grain", "start", "now", "is_open"),
    [
        pytest.param(Grain.DAY, MIDNIGHT, datetime(2025, 11, 4, 23, 59), True, id="day going on"),
        pytest.param(Grain.DAY, MIDNIGHT, datetime(2025, 11, 5), False, id="day over"),
        pytest.param(
            Grain.MONTH, datetime(2025, 2, 1), datetime(2025, 2, 28, 23), True, id="month going on"
        ),
        pytest.param(
            Grain.MONTH, datetime(2025, 2, 1), datetime(2025, 3, 1), False, id="month over"
        ),
    ],
)
def test_point_is_open_until_its_time_is_over(
    grain: Grain, start: datetime, now: datetime, is_open: bool
) -> None:
    chart = draw_chart([(start, 1)], Metric.VISITS, grain, now, EN)

    assert chart.points[0].is_open is is_open
