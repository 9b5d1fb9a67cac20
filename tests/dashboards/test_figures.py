import pytest

from dashboards.asking.metrics import Metric
from dashboards.overview.figures import (
    COUNTED,
    SHARES,
    TIMES,
    TITLES,
    change,
    write_duration,
    write_share,
    write_value,
)
from dashboards.words import words_in

ENGLISH = words_in("en")


def test_every_metric_has_a_title_and_a_way_to_be_written() -> None:
    assert TITLES.keys() == set(Metric)
    assert {*COUNTED, *SHARES, *TIMES, Metric.VIEWS_PER_VISIT} == set(Metric)


@pytest.mark.parametrize(
    ("metric", "value", "written"),
    [
        pytest.param(Metric.VISITORS, 1234567, "1,234,567", id="count"),
        pytest.param(Metric.BOUNCE_RATE, 0.25, "25%", id="share"),
        pytest.param(Metric.VISIT_DURATION, 75.0, "1:15", id="time"),
        pytest.param(Metric.SECONDS, 7200, "2:00:00", id="hours"),
        pytest.param(Metric.VIEWS_PER_VISIT, 2.504, "2.5", id="average"),
        pytest.param(Metric.BOUNCE_RATE, None, "–", id="ratio of nothing"),
    ],
)
def test_metric_is_written_as_it_is_read(metric: Metric, value: float | None, written: str) -> None:
    assert write_value(ENGLISH, metric, value) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [
        pytest.param(0.0, "0%", id="none"),
        pytest.param(0.0004, "<0.1%", id="next to none"),
        pytest.param(0.001, "0.1%", id="a thousandth"),
        pytest.param(0.05, "5%", id="even"),
        pytest.param(0.0949, "9.5%", id="one decimal"),
        pytest.param(0.0999, "10%", id="ten"),
        pytest.param(0.126, "13%", id="rounded"),
        pytest.param(0.996, ">99%", id="nearly all"),
        pytest.param(1.0, "100%", id="all"),
    ],
)
def test_share_is_written_in_percent(share: float, written: str) -> None:
    assert write_share(ENGLISH, share) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        pytest.param(0, "0:00", id="none"),
        pytest.param(59.6, "1:00", id="rounded up to a minute"),
        pytest.param(125, "2:05", id="minutes"),
        pytest.param(3600, "1:00:00", id="an hour"),
    ],
)
def test_duration_is_written_by_the_clock(seconds: float, written: str) -> None:
    assert write_duration(seconds) == written


@pytest.mark.parametrize(
    ("metric", "now", "before", "text", "direction", "welcome"),
    [
        pytest.param(Metric.VISITORS, 112, 100, "+12%", "up", True, id="more visitors"),
        pytest.param(Metric.VISITORS, 88, 100, "−12%", "down", False, id="fewer visitors"),
        pytest.param(Metric.VISITS, 100, 100, "0%", "same", True, id="as many"),
        pytest.param(Metric.VIEWS, 10001, 10000, "0%", "same", True, id="next to as many"),
        pytest.param(Metric.BOUNCE_RATE, 0.4, 0.5, "−10 pts", "down", True, id="fewer bounces"),
        pytest.param(Metric.BOUNCE_RATE, 0.02, 0.0, "+2 pts", "up", False, id="first bounces"),
        pytest.param(Metric.VIEWS, 250_000, 100, "+249,900%", "up", True, id="a flood"),
    ],
)
def test_change_is_told_with_its_direction(
    metric: Metric, now: float, before: float, text: str, direction: str, welcome: bool
) -> None:
    moved = change(ENGLISH, metric, now, before)

    assert moved is not None
    assert (moved.text, moved.direction, moved.welcome) == (text, direction, welcome)


@pytest.mark.parametrize(
    ("now", "before"),
    [
        pytest.param(5, 0, id="nothing before"),
        pytest.param(None, 5, id="nothing now"),
        pytest.param(5, None, id="no ratio before"),
    ],
)
def test_nothing_is_compared_with_nothing(now: float | None, before: float | None) -> None:
    assert change(ENGLISH, Metric.VISIT_DURATION, now, before) is None
