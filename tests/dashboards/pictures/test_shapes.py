"""Geometry: the map's shapes, bands of the flow, parts of a bar."""

import gzip
import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.countries import read_zones
from anonymizer.policy import Dimension
from dashboards.pictures.bands import GAP, ROW, WIDTH, lay_bands
from dashboards.pictures.countries import SHADES, draw_map, shade_of
from dashboards.pictures.shares import lay_parts
from dashboards.pictures.world import read_world
from dashboards.reports.labels import write_word
from dashboards.words import words_in

WORLD = read_world()
EN = words_in("en")
numbers = st.lists(st.integers(0, 10**6), max_size=9)


def codes_of_default_data() -> set[str]:
    zones = resources.files("tzdata").joinpath("zoneinfo")
    tab = zones.joinpath("zone.tab").read_text("utf-8")
    links = zones.joinpath("tzdata.zi").read_text("utf-8")
    return set(read_zones(tab, links).values())


def corners(path: str) -> list[tuple[int, int]]:
    """Return the corners of an SVG path of whole numbers: M, then steps after l, then z."""
    found: list[tuple[int, int]] = []
    for ring in path.split("z"):
        if ring:
            start, _, steps = ring.removeprefix("M").partition("l")
            x, y = (int(number) for number in re.findall(r"-?\d+", start))
            found.append((x, y))
            told = [int(number) for number in re.findall(r"-?\d+", steps)]
            for step_x, step_y in zip(told[::2], told[1::2], strict=True):
                x, y = x + step_x, y + step_y
                found.append((x, y))
    return found


def test_every_country_of_the_default_data_is_on_the_map() -> None:
    assert codes_of_default_data() <= WORLD.codes


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_country_of_the_map_has_a_name(language: str) -> None:
    words = words_in(language)

    nameless = {c for c in WORLD.codes if write_word(words, Dimension.COUNTRY, c) == c}
    assert not nameless


def test_no_shape_leaves_the_map_or_crosses_it() -> None:
    for code, path in WORLD.shapes.items():
        for ring in path.split("z"):
            if ring:
                xs = [x for x, _ in corners(ring)]
                assert max(xs) - min(xs) < WORLD.width * 0.45, code
        assert all(
            -1 <= x <= WORLD.width + 1 and -1 <= y <= WORLD.height + 1 for x, y in corners(path)
        ), code


@pytest.mark.parametrize(
    ("code", "around"),
    [
        pytest.param("DE", "NL", id="Netherlands west of Germany"),
        pytest.param("CN", "IN", id="India west of China's middle"),
        pytest.param("RU", "GF", id="Guiana is no part of France here"),
    ],
)
def test_shapes_lie_as_countries_do(code: str, around: str) -> None:
    def middle(path: str) -> float:
        xs = [x for x, _ in corners(path)]
        return (min(xs) + max(xs)) / 2

    assert middle(WORLD.shapes[around]) < middle(WORLD.shapes[code])


def test_map_is_small() -> None:
    raw = resources.files("dashboards.pictures").joinpath("world.json").read_bytes()

    assert len(gzip.compress(raw)) < 20_000


def test_visitors_of_a_country_are_shaded_and_the_rest_is_land() -> None:
    drawn = draw_map(WORLD, {"DE": 90, "MT": 10, "XX": 7}, 120, EN)

    assert [country.title for country in drawn.countries] == [
        "Germany: 90 visitors (75%)",
        "Malta: 10 visitors (8.3%)",
    ]
    assert [country.shade for country in drawn.countries] == [5, 2]
    assert drawn.countries[1].dot == WORLD.dots["MT"]
    assert WORLD.shapes["FR"] in drawn.land
    assert WORLD.shapes["DE"] not in drawn.land
    assert "2 countries" in drawn.summary


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_shade_grows_with_the_number(one: int, other: int) -> None:
    most = max(one, other)

    assert 1 <= shade_of(min(one, other), most) <= shade_of(most, most) == SHADES


@given(st.integers(1, 5000))
def test_each_number_is_in_the_range_that_its_shade_tells(most: int) -> None:
    drawn = draw_map(WORLD, {"DE": most, "FR": max(1, most // 3), "MT": 1}, most, EN)
    ranges = {each.shade: each.text.replace(",", "") for each in drawn.shades}

    for country, number in zip(drawn.countries, (most, max(1, most // 3), 1), strict=True):
        first, _, last = ranges[country.shade].partition("–")
        assert int(first) <= number <= int(last or first)


@given(numbers, numbers)
def test_bands_fit_their_rows_and_meet_in_the_bar(left: list[int], right: list[int]) -> None:
    drawn = lay_bands(left, right)

    assert (len(drawn.left), len(drawn.right)) == (len(left), len(right))
    assert drawn.height >= ROW
    top, height = drawn.bar
    for paths, numbers_, outer in ((drawn.left, left, 0), (drawn.right, right, WIDTH)):
        first_row = (drawn.height - len(numbers_) * ROW) / 2
        for at, path in enumerate(paths):
            told = [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?", path)]
            x, upper, lower = told[0], told[1], told[-1]
            at_bar = [told[7], told[8]]
            row = first_row + at * ROW
            assert x == outer
            assert row - 0.1 <= upper <= lower <= row + ROW - GAP / 2 + 0.1
            assert all(top - 0.1 <= y <= top + height + 0.1 for y in at_bar)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-5, 1000), st.just(""))))
def test_parts_of_a_bar_neither_overlap_nor_leave_it(parts: list[tuple[str, int, str]]) -> None:
    at = 0.0
    for part in lay_parts(parts):
        assert part.x == pytest.approx(at, abs=0.01)
        at = part.x + part.width
    assert at <= 100.01


def test_parts_beyond_the_whole_are_cut() -> None:
    parts = lay_parts([("persons", 8, ""), ("proxies", 5, "")], 10)

    assert [(part.x, part.width) for part in parts] == [(0, 80), (80, 20)]
