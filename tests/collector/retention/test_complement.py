"""Which cells must move: the group size, companions, swaps, month cells."""

import random
from collections.abc import Sequence

import pytest

from anonymizer.hits import OTHER
from anonymizer.policy import Dimension, Grain, PurposeId, Statistic
from collector.retention.cells import Cell
from collector.retention.complement import choose_hidden
from collector.retention.links import OPTIONAL, lines_of
from collector.schema import into_cells
from tests.laws.small_sites import Cells, Size, cells_of, keep, move, settle, visit
from tests.laws.test_law5_no_small_group import POLICY

DAY = 86_400
STATISTICS = POLICY.statistics


def cell(statistic: str, period: int | None, keys: Sequence[str], visitors: int) -> Cell:
    views = visitors if statistic not in ("events", "scrubbed") else 0
    return Cell(statistic, period, tuple(keys), visitors, views, views, 0, 0, visitors - views)


def hidden(*cells: Cell, month_is_over: bool = False) -> list[Cell]:
    chosen = choose_hidden(cells, STATISTICS, month_is_over=month_is_over)
    return [cells[index] for index in sorted(chosen)]


def page(keys: str, visitors: int, period: int | None = 0) -> Cell:
    return cell("pages", period, (keys,), visitors)


def test_cell_under_the_group_size_moves_and_one_of_its_size_stays() -> None:
    assert hidden(page("/a", 2), page("/b", 1), page("/c", 3)) == [page("/a", 2), page("/b", 1)]


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(cell("traffic", 0, (), 1), id="totals"),
        pytest.param(cell("coverage", 0, ("event", "counted"), 0), id="coverage"),
        pytest.param(cell("bots", 0, ("crawler", "bot"), 0), id="machines"),
        pytest.param(cell("none", 0, ("x",), 1), id="statistic of an older policy"),
    ],
)
def test_cell_without_a_group_size_stays(cell: Cell) -> None:
    assert hidden(cell, month_is_over=True) == []


def test_smallest_shown_cell_goes_with_the_only_hidden_one() -> None:
    assert hidden(page("/a", 9), page("/b", 5), page("/c", 1)) == [page("/b", 5), page("/c", 1)]


def test_key_that_counts_nothing_that_day_is_companion_enough() -> None:
    assert hidden(page("/a", 9), page("/c", 1), page("/d", 4, DAY)) == [page("/c", 1)]


def test_companion_is_of_the_word_that_crossed_statistics_tell_apart_too() -> None:
    def device(kind: str, browser: str, visitors: int, period: int = 0) -> Cell:
        return cell("devices", period, (kind, browser, "Linux"), visitors)

    small, same = device("mobile", "Firefox", 1), device("mobile", "Chrome", 9)
    other, absent = device("desktop", "Chrome", 5), device("desktop", "Firefox", 5, DAY)
    assert hidden(small, same, other, absent) == [small, same]


def test_only_event_of_a_site_is_hidden_in_two_periods() -> None:
    first, second = cell("events", 0, ("signup",), 1), cell("events", DAY, ("signup",), 4)
    assert hidden(first) == [first]
    assert hidden(first, second) == [first, second]
    third = cell("traffic", 2 * DAY, (), 4)
    assert hidden(first, second, third) == [first]


def test_parts_of_a_hidden_cell_are_hidden_however_large() -> None:
    part = cell("pages_by_source", 0, ("/b", "google"), 5)
    shown = cell("sources", 0, ("google",), 15)
    assert part in hidden(page("/a", 9), page("/b", 6), page("/c", 1), shown, part)
    assert hidden(page("/a", 9), page("/b", 6), shown, part) == []


def test_crossed_cell_whose_row_and_column_are_shown_takes_more_with_it() -> None:
    rows = [page("/a", 20), page("/b", 20), cell("sources", 0, ("x",), 20)]
    rows.append(cell("sources", 0, ("y",), 20))
    small = cell("pages_by_source", 0, ("/a", "x"), 4)
    rest = [
        cell("pages_by_source", 0, keys, visitors)
        for keys, visitors in ((("/a", "y"), 16), (("/b", "x"), 16), (("/b", "y"), 4))
    ]
    moved = hidden(*rows, small, *rest)
    assert {small, *rest} <= set(moved)


def test_month_cells_wait_until_their_month_is_over() -> None:
    month = page("/a", 1, None)
    assert hidden(month) == []
    assert hidden(month, month_is_over=True) == [month]


def test_month_cell_of_the_rest_never_moves() -> None:
    assert hidden(cell("pages", None, (OTHER,), 1), month_is_over=True) == []


def test_month_cell_is_not_kept_where_it_would_tell_its_only_period() -> None:
    traffic = [cell("traffic", number * DAY, (), 20) for number in range(4)]
    shown = [page("/a", 12, number * DAY) for number in range(4)]
    shown += [page("/b", 8, number * DAY) for number in range(1, 4)]
    lone = page("/b", 8, None)
    assert hidden(*traffic, *shown, lone, month_is_over=True) == [lone]


def test_month_cell_is_kept_where_its_views_could_be_of_many_days() -> None:
    traffic = [cell("traffic", number * DAY, (), 20) for number in range(9)]
    shown = [page("/a", 12, number * DAY) for number in range(9)]
    rows = [page(f"/{number}", 8, None) for number in range(9)]
    assert hidden(*traffic, *shown, *rows, month_is_over=True) == []
    assert hidden(*shown, *rows, month_is_over=True) == rows


def test_crossed_month_cells_of_visits_keep_no_keys() -> None:
    row = cell("sources_by_country", None, ("x", "DE"), 50)
    assert hidden(row, month_is_over=True) == [row]


def test_links_follow_from_what_statistics_are_told_apart_by() -> None:
    lines = lines_of(STATISTICS)
    parents = {name: [parent.name for parent in line.parents] for name, line in lines.items()}
    assert parents["pages_by_source"] == ["pages", "sources"]
    assert parents["transitions"] == ["pages"]
    assert parents["event_properties"] == ["events"]
    assert parents["exit_pages"] == parents["pages"] == parents["scrubbed"] == []
    assert lines["devices"].shared == (0,)
    assert not lines["campaigns"].adds_up
    assert OPTIONAL == into_cells._OPTIONAL


def test_statistic_without_dimensions_but_with_a_group_size_moves_small_hours() -> None:
    total = Statistic("visits", PurposeId("audience"), (), Grain.HOUR, 5, 30)
    cells = [cell("visits", 0, (), 4), cell("visits", 3600, (), 5)]
    assert choose_hidden(cells, [total], month_is_over=True) == {0}


def test_three_crossed_dimensions_come_to_an_end() -> None:
    three = (Dimension.PAGE, Dimension.SOURCE, Dimension.COUNTRY)
    crossed = Statistic("all", PurposeId("audience"), three, Grain.DAY, 5, 30)
    statistics = (*STATISTICS, crossed)
    hours = visit(statistics, Size(4, (5, 15), 4, 3, 3), 1)
    kept = keep(hours, choose_hidden, statistics, month_is_over=True)
    assert sum(n[2] for p, n in hours.items() if p[0] == "all") == sum(
        n[2] for p, n in kept.items() if p[0] == "all"
    )


@pytest.mark.parametrize("seed", range(6))
def test_random_sites_reach_one_fixed_point_whatever_the_order(seed: int) -> None:
    hours = visit(STATISTICS, Size(5, (2, 25), 6, 4, 3), seed)
    for month_is_over in (False, True):
        table: Cells = hours
        for _ in range(20):
            cells = cells_of(table)
            chosen = choose_hidden(cells, STATISTICS, month_is_over=month_is_over)
            mixed = list(cells)
            random.Random(seed).shuffle(mixed)
            again = choose_hidden(mixed, STATISTICS, month_is_over=month_is_over)
            assert {mixed[index] for index in again} == {cells[index] for index in chosen}
            if not chosen:
                break
            table = move(table, cells, chosen)
        assert not chosen
        hours = table
    assert settle(table, choose_hidden, STATISTICS, month_is_over=True) == table
    sizes = {each.name: each.min_group for each in STATISTICS if each.name in lines_of(STATISTICS)}
    small = [
        place
        for place, numbers in table.items()
        if numbers[0] < sizes.get(place[0], 0) and set(place[2]) != {OTHER}
    ]
    assert not small
