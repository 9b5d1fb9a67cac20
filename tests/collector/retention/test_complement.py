"""Which cells must move: the group size, companions, swaps, month cells."""

import random
from collections.abc import Sequence

import pytest

from anonymizer.hits import OTHER
from anonymizer.policy import Dimension, Goal, Grain, PurposeId, Statistic
from collector.retention.complement import choose_hidden
from collector.retention.links import OPTIONAL, Parent, lines_of
from collector.schema import into_cells
from tests.laws.small_sites import Cells, Size, keep, move, settle, table_of, visit
from tests.laws.test_law5_no_small_group import POLICY

DAY = 86_400
STATISTICS = POLICY.statistics


Cell = tuple[str, int | None, tuple[str, ...], tuple[int, ...]]


def cell(statistic: str, period: int | None, keys: Sequence[str], visitors: int) -> Cell:
    views = visitors if statistic not in ("events", "scrubbed") else 0
    return statistic, period, tuple(keys), (visitors, views, views, 0, 0, visitors - views)


def hidden(*cells: Cell, month_is_over: bool = False) -> list[Cell]:
    return hidden_by(STATISTICS, *cells, month_is_over=month_is_over)


def hidden_by(
    statistics: Sequence[Statistic],
    *cells: Cell,
    goals: Sequence[Goal] = (),
    month_is_over: bool = False,
) -> list[Cell]:
    table = table_of({each[:3]: each[3] for each in cells})
    chosen = choose_hidden(table, statistics, goals, month_is_over=month_is_over)
    places = {(*spot, keys) for spot, of_spot in chosen.items() for keys in of_spot}
    return [each for each in cells if each[:3] in places]


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


def event(name: str, visitors: int, period: int | None) -> Cell:
    return cell("events", period, (name,), visitors)


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param([event("a", 9, day * DAY) for day in (0, 1, 2)], id="one never hidden"),
        pytest.param([], id="no other"),
    ],
)
def test_month_cell_is_not_kept_where_one_key_alone_would_be_left(shown: list[Cell]) -> None:
    traffic = [cell("traffic", day * DAY, (), 20) for day in range(3)]
    days = [event("b", 5, 0), event("b", 6, DAY), event("c", 7, DAY)]
    rows = [event("b", 1, None), event("c", 9, None)]

    cells = (*traffic, *shown, *days, *rows)

    assert hidden_by(EVENTS, *cells, month_is_over=True) == rows
    more = event("d", 2, None)
    assert hidden_by(EVENTS, *cells, more, month_is_over=True) == [rows[0], more]


def test_key_left_alone_under_other_takes_one_with_it_that_stays_known() -> None:
    traffic = [cell("traffic", day * DAY, (), 20) for day in range(3)]
    days = [event("b", 5, 0), event("c", 7, DAY)]
    rows = [event(name, visitors, None) for name, visitors in (("b", 1), ("c", 9), ("d", 5))]
    cells = (*traffic, *days, *rows)

    assert hidden_by(EVENTS, *cells, month_is_over=True) == rows[:2]


def test_what_is_known_of_other_by_one_key_alone_takes_no_more_with_it() -> None:
    traffic = [cell("traffic", day * DAY, (), 20) for day in range(3)]
    known, rest = event("b", 5, 0), event(OTHER, 7, None)
    rows = [event(name, 9, None) for name in "cde"]

    assert hidden_by(EVENTS, *traffic, known, rest, *rows, month_is_over=True) == []


def test_only_word_left_has_a_companion_also_when_there_is_something_under_other() -> None:
    large = [page("/a", 9), page("/b", 5)]

    assert hidden(*large, page("/c", 1), page(OTHER, 7, None)) == [large[1], page("/c", 1)]


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


def of_event(name: str, *by: Dimension, event: str = "signup", prop: str = "") -> Statistic:
    return Statistic(name, PurposeId("audience"), by, Grain.DAY, 3, 30, event=event, property=prop)


EVENTS = [each for each in STATISTICS if each.name in ("traffic", "events", "event_properties")]


def test_statistic_of_one_event_is_part_of_what_tells_events_apart() -> None:
    pages = of_event("signup_pages", Dimension.PAGE)
    plans = of_event("plans", Dimension.VALUE, prop="plan")
    goals = of_event("goals", Dimension.GOAL, event="")
    lines = lines_of([*EVENTS, pages, plans, goals], [Goal("joined", event="signup")])

    assert Parent("events", ("signup",)) in lines["signup_pages"].parents
    assert Parent("events", ("signup",)) in lines["plans"].parents
    assert Parent("plans", (2,), ((0, "signup"), (1, "plan"))) in lines["event_properties"].peers
    assert Parent("event_properties", ("signup", "plan", 0)) in lines["plans"].peers
    assert Parent("goals", ("joined",), ((0, "signup"),)) in lines["events"].peers
    assert Parent("events", ("signup",), ((0, "joined"),)) in lines["goals"].peers
    assert not any(line.adds_up for line in lines.values())


def mail(keys: str, people: int, period: int | None = 0) -> Cell:
    name = "email" if keys.count(" ") == 2 else "email_links"
    return name, period, tuple(keys.split()), (people, 0, people, 0, 0, people)


def test_mail_of_a_small_kind_takes_none_of_another_kind_with_it() -> None:
    small = [mail("spring a apple_privacy", 1), mail("spring a scanner", 2)]
    large = [mail("spring a person", 9), mail("spring b person", 8), mail("spring b scanner", 7)]

    assert hidden(*small, *large) == small


def test_mail_whose_clicks_are_told_by_link_takes_the_other_variant_with_it() -> None:
    small, same = mail("spring a person", 2), mail("spring b person", 9)
    others = [mail("spring a scanner", 7), mail("summer a person", 8), mail("autumn a person", 1)]
    links = [mail("spring 1", 6), mail("spring 2", 7)]

    assert hidden(small, same, *others, *links) == [small, same, others[2]]


def test_link_takes_another_of_its_campaign_with_it() -> None:
    links = [mail("spring 1", 2), mail("spring 2", 9), mail("summer 1", 6), mail("summer 2", 1)]

    assert hidden(*links, mail("spring a person", 30)) == links
    assert hidden(*links[:2], links[2]) == links[:2]


def test_month_cells_of_mail_keep_keys_where_links_tell_no_sum_of_them() -> None:
    traffic = [cell("traffic", number * DAY, (), 20) for number in range(4)]
    told = [mail(f"spring {variant} person", 6, None) for variant in "ab"]
    told += [mail(f"spring {number}", 6, None) for number in (1, 2)]
    rest = [mail("spring a apple_privacy", 6, None), mail("spring b apple_privacy", 6, None)]
    rest += [mail("summer a person", 6, None), mail("summer 1", 6, None)]

    assert hidden(*traffic, *told, *rest, month_is_over=True) == told


def test_same_rows_under_other_keys_are_hidden_in_both_statistics() -> None:
    plans = of_event("plans", Dimension.VALUE, prop="plan")
    events = cell("events", 0, ("signup",), 20)
    large = cell("plans", 0, ("a",), 4)
    same = cell("event_properties", 0, ("signup", "plan", "a"), 4)  # under its size of 5
    other = cell("event_properties", 0, ("signup", "plan", "b"), 9)
    also = cell("plans", 0, ("b",), 9)

    moved = hidden_by([*EVENTS, plans], events, large, same, other, also)

    assert {large, same, other, also} <= set(moved)


def test_event_whose_pages_are_told_apart_is_hidden_in_two_periods() -> None:
    pages = of_event("signup_pages", Dimension.PAGE)
    traffic = [cell("traffic", number * DAY, (), 20) for number in range(3)]
    days = [
        cell("events", number * DAY, ("signup",), size) for number, size in enumerate((1, 9, 5))
    ]
    others = [cell("events", number * DAY, ("search",), 9) for number in range(3)]
    alone = hidden_by(EVENTS, *traffic, *days, *others)

    both = hidden_by([*EVENTS, pages], *traffic, *days, *others)

    assert [day for day in days if day in alone] == days[:1]
    assert len([day for day in days if day in both]) == 2


def test_coarser_statistic_that_was_not_declared_yet_hides_nothing() -> None:
    crossed = cell("pages_by_source", 0, ("/a", "x"), 9)
    later = [page("/a", 9, DAY), cell("sources", DAY, ("x",), 9)]
    assert hidden(crossed, *later) == []


def test_statistic_without_dimensions_but_with_a_group_size_moves_small_hours() -> None:
    total = Statistic("visits", PurposeId("audience"), (), Grain.HOUR, 5, 30)
    small, large = cell("visits", 0, (), 4), cell("visits", 3600, (), 5)
    assert hidden_by([total], small, large, month_is_over=True) == [small]


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
            chosen = choose_hidden(table_of(table), STATISTICS, month_is_over=month_is_over)
            mixed = list(table.items())
            random.Random(seed).shuffle(mixed)
            again = choose_hidden(table_of(dict(mixed)), STATISTICS, month_is_over=month_is_over)
            assert {spot: set(of) for spot, of in again.items()} == {
                spot: set(of) for spot, of in chosen.items()
            }
            if not chosen:
                break
            table = move(table, chosen)
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
