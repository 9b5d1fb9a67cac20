import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.overview.sparklines import HEIGHT, WIDTH, draw_sparkline


def corners(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**12), st.floats(0, 1)), max_size=120))
def test_line_lies_within_its_box(values: list[float | None]) -> None:
    drawn = draw_sparkline(values)

    for x, y in corners(drawn.line) if drawn else []:
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


def test_heights_stand_in_proportion_from_nothing() -> None:
    drawn = draw_sparkline([0, 50, 100])

    assert drawn is not None
    (_, none), (_, half), (_, most) = corners(drawn.line)
    assert none - half == pytest.approx(half - most)
    assert most < half < none < HEIGHT


def test_what_is_yet_to_come_is_left_white() -> None:
    drawn = draw_sparkline([1, 2, 3, None, None])

    assert drawn is not None
    assert corners(drawn.line)[-1][0] == WIDTH / 2
    assert drawn.area.endswith(f"V{HEIGHT}H0Z")


def test_what_counts_as_nothing_in_between_is_drawn_as_nothing() -> None:
    drawn = draw_sparkline([2, None, 2])

    assert drawn is not None
    assert len(corners(drawn.line)) == 3
    assert corners(drawn.line)[1][1] > corners(drawn.line)[0][1]


@pytest.mark.parametrize("values", [(), (3,), (3, None, None), (None, None)])
def test_no_two_values_are_no_line(values: tuple[float | None, ...]) -> None:
    assert draw_sparkline(values) is None


def test_nothing_at_all_is_a_line_along_the_bottom() -> None:
    drawn = draw_sparkline([0, 0, 0])

    assert drawn is not None
    assert len({y for _, y in corners(drawn.line)}) == 1
