from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.charts import HEIGHT, MAX_LABELS, TOP, draw_chart
from dashboards.figures import Measure
from dashboards.periods import Grain

MIDNIGHT = datetime(2025, 11, 4)
LATER = datetime(2026, 1, 1)


def hours(*values: float | None) -> list[tuple[datetime, float | None]]:
    return [(MIDNIGHT + timedelta(hours=n), value) for n, value in enumerate(values)]


VALUES = st.one_of(st.none(), st.integers(0, 10**12), st.floats(0, 10**6))


@given(st.lists(VALUES, min_size=1, max_size=180), st.sampled_from(Measure), st.sampled_from(Grain))
def test_every_bar_lies_within_the_plot(
    values: list[float | None], measure: Measure, grain: Grain
) -> None:
    if measure is Measure.BOUNCE_RATE:
        values = [None if v is None else min(v, 1) for v in values]

    chart = draw_chart(hours(*values), measure, grain, LATER)

    assert len(chart.bars) == len(values)
    for bar in chart.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= 100.001
        assert TOP - 0.11 <= bar.y <= bar.y + bar.height <= TOP + HEIGHT + 0.11
    assert 3 <= len(chart.ticks) <= 6
    assert len({tick.label for tick in chart.ticks}) == len(chart.ticks)
    assert len(chart.labels) <= max(MAX_LABELS, 180 // 28 + 1)


def test_heights_stand_in_proportion() -> None:
    chart = draw_chart(hours(10, 5, 0), Measure.VISITORS, Grain.HOUR, LATER)

    assert [bar.height for bar in chart.bars] == [HEIGHT, HEIGHT / 2, 0]


def test_small_count_beside_a_large_one_is_still_seen() -> None:
    chart = draw_chart(hours(1, 100_000), Measure.VIEWS, Grain.HOUR, LATER)

    assert chart.bars[0].height >= 2


@pytest.mark.parametrize(
    ("measure", "largest", "labels"),
    [
        pytest.param(Measure.VISITORS, 0, ["0", "1", "2", "3", "4"], id="nothing"),
        pytest.param(Measure.VISITORS, 1, ["0", "1", "2"], id="one"),
        pytest.param(Measure.VISITORS, 705, ["0", "200", "400", "600", "800"], id="hundreds"),
        pytest.param(
            Measure.VIEWS, 99_999, ["0", "20k", "40k", "60k", "80k", "100k"], id="thousands"
        ),
        pytest.param(Measure.BOUNCE_RATE, 0.3, ["0%", "25%", "50%", "75%", "100%"], id="rate"),
        pytest.param(Measure.VISIT_TIME, 110, ["0:00", "0:30", "1:00", "1:30", "2:00"], id="time"),
    ],
)
def test_axis_counts_in_steps_people_count_in(
    measure: Measure, largest: float, labels: list[str]
) -> None:
    chart = draw_chart(hours(largest, 0), measure, Grain.HOUR, LATER)

    assert [tick.label for tick in chart.ticks] == labels


def test_bars_say_what_they_stand_for() -> None:
    now = MIDNIGHT + timedelta(hours=1, minutes=20)

    chart = draw_chart(hours(1200, 1, None), Measure.VISITORS, Grain.HOUR, now)

    assert [(bar.title, bar.is_open) for bar in chart.bars] == [
        ("00:00–00:59: 1,200 visitors", False),
        ("01:00–01:59: 1 visitor so far", True),
        ("02:00–02:59: yet to come", False),
    ]


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
def test_bar_is_open_until_its_time_is_over(
    grain: Grain, start: datetime, now: datetime, is_open: bool
) -> None:
    assert draw_chart([(start, 1)], Measure.VISITS, grain, now).bars[0].is_open is is_open
