"""Percentiles and shares out of a histogram, beside those of the values that were put into it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.events import step_of
from dashboards.pictures.steps import (
    Limits,
    Step,
    count_of,
    percentile,
    read_steps,
    share_by_rating,
)
from tests.dashboards.pictures.days import STEPS, exact

SHARES = (0.5, 0.75, 0.95)

values_of = st.lists(st.floats(0, 20_000, allow_nan=False), min_size=20, max_size=300)
bounds_of = st.lists(st.integers(1, 15_000), min_size=1, max_size=20, unique=True).map(sorted)


def histogram(values: list[float], bounds: list[int] | tuple[int, ...]) -> tuple[Step, ...]:
    return read_steps(Counter(step_of(value, bounds) for value in values).items())


@given(values_of, bounds_of, st.sampled_from(SHARES))
def test_percentile_lies_in_the_step_of_the_exact_one(
    values: list[float], bounds: list[int], share: float
) -> None:
    found = percentile(histogram(values, bounds), share)

    wanted = exact(values, share)
    assert found is not None
    assert found.low <= wanted
    assert found.low <= found.value
    if found.high is None:
        assert found.low == bounds[-1]
    else:
        assert max(wanted, found.value) <= found.high
        assert abs(wanted - found.value) <= found.high - found.low


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("share", SHARES)
def test_percentile_of_many_values_is_near(name: str, share: float) -> None:
    """Values spread over the steps as the policy has them: the error is a part of a step."""
    top = STEPS[name][-1]
    values = [top * (number / 5000) ** 2 for number in range(5000)]

    found = percentile(histogram(values, STEPS[name]), share)

    assert found is not None
    assert found.high is not None
    assert found.value == pytest.approx(exact(values, share), abs=(found.high - found.low) / 5)


@pytest.mark.parametrize(
    ("word", "low", "high"),
    [
        pytest.param("<500", 0, 500, id="first"),
        pytest.param("500–999", 500, 1000, id="range"),
        pytest.param("1", 1, 2, id="one number"),
        pytest.param("≥10000", 10_000, None, id="last"),
        pytest.param("<0", -1, 0, id="below nothing"),
    ],
)
def test_word_of_a_step_is_read(word: str, low: int, high: int | None) -> None:
    assert read_steps([(word, 3)]) == (Step(low, high, 3),)


@given(st.floats(0, 20_000, allow_nan=False), bounds_of)
def test_every_word_that_is_counted_is_read(value: float, bounds: list[int]) -> None:
    (step,) = read_steps([(step_of(value, bounds), 1)])

    assert step.low <= value
    assert step.high is None or value < step.high


@pytest.mark.parametrize("word", ["", "(other)", "fast", "5–1", "<", "1–2–3", "<script>", "٣"])
def test_word_that_is_no_step_is_left_out(word: str) -> None:
    assert read_steps([(word, 9), ("<10", 1)]) == (Step(0, 10, 1),)


@pytest.mark.parametrize(
    ("share", "fewest"),
    [
        pytest.param(0.5, 2, id="half"),
        pytest.param(0.75, 4, id="75"),
        pytest.param(0.95, 20, id="95"),
    ],
)
def test_percentile_of_too_few_is_not_told(share: float, fewest: int) -> None:
    assert percentile((Step(0, 10, fewest - 1),), share) is None
    assert percentile((Step(0, 10, fewest),), share) is not None


@given(values_of)
def test_shares_by_rating_are_exact(values: list[float]) -> None:
    limits = Limits(2500, 4000)
    shares = share_by_rating(histogram(values, STEPS["lcp"]), limits)

    assert shares is not None
    assert shares.good == pytest.approx(sum(value < 2500 for value in values) / len(values))
    assert shares.poor == pytest.approx(sum(value >= 4000 for value in values) / len(values))
    assert shares.good + shares.middling + shares.poor == pytest.approx(1)


def test_steps_of_an_older_policy_stand_beside_those_of_today() -> None:
    steps = read_steps([("<100", 4), ("<50", 2), ("50–99", 3), ("≥100", 1), ("<50", 2)])

    assert steps == (Step(0, 50, 4), Step(0, 100, 4), Step(50, 100, 3), Step(100, None, 1))
    assert count_of(steps) == 12
