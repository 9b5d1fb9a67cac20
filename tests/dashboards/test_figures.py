import pytest

from dashboards.figures import Figures, Measure, change, write_duration, write_share, write_value


def test_ratios_of_no_visit_are_absent() -> None:
    nothing = Figures(visitors=3, views=5)

    assert nothing.value(Measure.BOUNCE_RATE) is None
    assert nothing.value(Measure.VISIT_TIME) is None
    assert write_value(Measure.VIEWS_PER_VISIT, nothing.value(Measure.VIEWS_PER_VISIT)) == "–"


def test_ratios_are_read_from_sums() -> None:
    figures = Figures(visitors=7, visits=8, views=20, bounces=2, seconds=600)

    assert [figures.value(m) for m in Measure] == [7, 8, 20, 0.25, 75.0, 2.5]


@pytest.mark.parametrize(
    ("bounces", "rate"),
    [
        pytest.param(-1, 0.0, id="below nothing"),
        pytest.param(5, 1.0, id="above all"),
        pytest.param(1, 0.25, id="within"),
    ],
)
def test_bounce_rate_stays_within_its_bounds(bounces: int, rate: float) -> None:
    assert Figures(visits=4, bounces=bounces).value(Measure.BOUNCE_RATE) == rate


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
    assert write_share(share) == written


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
    ("measure", "now", "before", "text", "direction", "welcome"),
    [
        pytest.param(Measure.VISITORS, 112, 100, "+12%", "up", True, id="more visitors"),
        pytest.param(Measure.VISITORS, 88, 100, "−12%", "down", False, id="fewer visitors"),
        pytest.param(Measure.VISITS, 100, 100, "0%", "same", True, id="as many"),
        pytest.param(Measure.VIEWS, 10001, 10000, "0%", "same", True, id="next to as many"),
        pytest.param(Measure.BOUNCE_RATE, 0.4, 0.5, "−10 pts", "down", True, id="fewer bounces"),
        pytest.param(Measure.BOUNCE_RATE, 0.02, 0.0, "+2 pts", "up", False, id="first bounces"),
        pytest.param(Measure.VIEWS, 250_000, 100, "+249,900%", "up", True, id="a flood"),
    ],
)
def test_change_is_told_with_its_direction(
    measure: Measure, now: float, before: float, text: str, direction: str, welcome: bool
) -> None:
    moved = change(measure, now, before)

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
    assert change(Measure.VISIT_TIME, now, before) is None
