"""Law 5: no hidden group can be worked out from what is shown, on closed periods.

The attacker knows the policy, every answer and every key, but not why a cell is hidden. A linear
programme says how little and how much each hidden cell could count. Whoever can tell that to
less than the cell's own size has solved it.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from anonymizer.hits import Campaign
from anonymizer.policy import Dimension, Goal, Grain, PurposeId, Statistic
from collector.counted import CountedHit
from collector.plan import is_coverage, is_machines
from collector.retention.cells import Keys, Spot, Table, is_guarded
from collector.retention.complement import choose_hidden
from collector.schema.tables import DATABASE, MEASURES, cells_of
from tests.collector.hits import SITE, Line
from tests.collector.storing import Kept
from tests.laws.answerable import Narrowed, measures_in, narrowed, part_of, words_of
from tests.laws.small_sites import Cells, Choose, Size, by_day, keep, move, settle, visit
from tests.laws.test_law5_no_small_group import POLICY, START

LINKED = (
    *("traffic", "pages", "sources", "countries", "screens", "devices", "entry_pages"),
    *("pages_by_source", "pages_by_country", "pages_by_device"),
    *("sources_by_country", "sources_by_device", "events", "event_properties"),
)
STATISTICS = [each for each in POLICY.statistics if each.name in LINKED]


def of_event(name: str, by: str, size: int, event: str, prop: str = "") -> Statistic:
    """Return a statistic of one event, or of one of its properties."""
    dimensions = tuple(Dimension(word) for word in by.split())
    audience = PurposeId("audience")
    return Statistic(name, audience, dimensions, Grain.DAY, size, 750, event=event, property=prop)


OF_EVENTS = [
    *(each for each in POLICY.statistics if each.name in ("traffic", "pages", "sources")),
    *(each for each in POLICY.statistics if each.name in ("events", "event_properties")),
    of_event("clicked", "", 3, "event 0"),
    of_event("clicked_pages", "page", 3, "event 0"),
    of_event("clicked_pages_by_source", "page source", 5, "event 0"),
    of_event("clicked_links", "value", 3, "event 0", "link"),
    of_event("clicked_kinds", "value", 3, "event 0", "kind"),
    of_event("depths", "page value", 5, "event 1", "depth"),
    of_event("asked_countries", "country", 3, "event 2"),
    of_event("goals", "goal", 3, ""),
    of_event("goals_by_source", "goal source", 5, ""),
]
GOALS = [
    Goal("click", event="event 0"),
    Goal("whole page", event="event 1", property="depth", value="75"),
    Goal("start", page="/0"),
    Goal("ask", event="event 2"),
]

SITES = {
    "a handful of visitors a day": Size(8, (1, 4), 3, 2, 2),
    "ten visitors, few words": Size(8, (5, 12), 5, 3, 2),
    "ten visitors": Size(8, (3, 12), 6, 4, 3),
    "thirty visitors": Size(6, (20, 40), 6, 4, 3),
    "twenty visitors, three weeks": Size(20, (10, 30), 8, 5, 4),
    "a hundred and fifty visitors": Size(4, (100, 200), 8, 6, 5),
}
SEEDS = range(300, 304)

MOST_VISITORS_NARROWED = 0.01
"""Of hidden cells, by visitors, where one visitor may stand in several (docs/privacy.md)."""


def only_primary(
    table: Table, statistics: Sequence[Statistic], *, month_is_over: bool
) -> dict[Spot, list[Keys]]:
    """Hide what is under the group size and nothing else."""
    sizes = {each.name: each.min_group for each in statistics if is_guarded(each)}
    hidden = {
        (name, at): [
            keys
            for keys, numbers in cells.items()
            if numbers[0] < sizes.get(name, 0)
            and (at is not None or (month_is_over and set(keys) != {"(other)"}))
        ]
        for (name, at), cells in table.items()
    }
    return {spot: keys for spot, keys in hidden.items() if keys}


def of_visitors(cells: Sequence[Narrowed]) -> list[Narrowed]:
    return [each for each in cells if each.measure == "visitors" and each.place[0] != "devices"]


def told_by_a_coarser_one(each: Narrowed, truth: Cells, kept: Cells) -> bool:
    """Tell whether a cell is all of a coarser cell that is shown, or of the day's traffic.

    The coarser cell says as much: one source sent the visitors, and they came from one country.
    """
    name, day, keys = each.place
    own = truth[each.place]
    statistics = {of.name: of for of in (*POLICY.statistics, *OF_EVENTS)}
    words = words_of(statistics[name], keys)
    for coarse in statistics.values():
        part = part_of(coarse, words)
        if part is not None and set(coarse.dimensions()) < set(words):
            shown = kept.get((coarse.name, day, part), ())
            if shown and all(a in (0, b) for a, b in zip(own[1:], shown[1:], strict=True)):
                return True
    return False


@pytest.mark.parametrize("size", SITES.values(), ids=SITES)
@pytest.mark.parametrize("month_is_over", [True, False], ids=["closed month", "open month"])
def test_no_hidden_cell_can_be_told_to_less_than_its_size(
    size: Size, *, month_is_over: bool
) -> None:
    looked_at = 0
    of_people = 0
    for seed in SEEDS if size.days < 20 else SEEDS[:1]:
        hours = visit(STATISTICS, size, seed)
        kept = by_day(keep(hours, choose_hidden, STATISTICS, month_is_over=month_is_over))
        truth = by_day(hours)
        count, found = narrowed(STATISTICS, truth, kept, rows_shown=month_is_over)
        people = of_visitors(found)
        solved = [
            each
            for each in found
            if each not in people and not told_by_a_coarser_one(each, truth, kept)
        ]
        assert not solved, (seed, solved)
        looked_at += count
        of_people += len(people)
    assert looked_at > 200
    assert of_people <= MOST_VISITORS_NARROWED * looked_at


@pytest.mark.parametrize("size", SITES.values(), ids=SITES)
@pytest.mark.parametrize("month_is_over", [True, False], ids=["closed month", "open month"])
def test_no_hidden_cell_of_events_can_be_told_to_less_than_its_size(
    size: Size, *, month_is_over: bool
) -> None:
    looked_at = of_people = 0
    for seed in SEEDS if size.days < 20 else SEEDS[:1]:
        count, people, solved = audit_events(choose_hidden, size, seed, month_is_over=month_is_over)
        assert not solved, (seed, solved)
        looked_at += count
        of_people += people
    assert looked_at > 100
    assert of_people <= MOST_VISITORS_NARROWED * looked_at


def audit_events(
    choose: Choose, size: Size, seed: int, *, month_is_over: bool
) -> tuple[int, int, list[Narrowed]]:
    """Return how many cells were looked at, how many can be told by visitors, and which else."""

    def choose_with_goals(
        table: Table, statistics: Sequence[Statistic], *, month_is_over: bool
    ) -> Mapping[Spot, Sequence[Keys]]:
        return choose(table, statistics, GOALS, month_is_over=month_is_over)

    hours = visit(OF_EVENTS, size, seed, GOALS)
    truth = by_day(hours)
    kept = by_day(keep(hours, choose_with_goals, OF_EVENTS, month_is_over=month_is_over))
    count, found = narrowed(OF_EVENTS, truth, kept, GOALS, rows_shown=month_is_over)
    people = of_visitors(found)
    solved = [
        each
        for each in found
        if each not in people and not told_by_a_coarser_one(each, truth, kept)
    ]
    return count, len(people), solved


def audit_until_found(choose: Choose) -> list[Narrowed]:
    for name in ("ten visitors", "thirty visitors", "a hundred and fifty visitors"):
        for seed in SEEDS:
            _, _, solved = audit_events(choose, SITES[name], seed, month_is_over=True)
            if solved:
                return solved
    return []


def test_same_audit_finds_cells_when_statistics_of_one_event_are_taken_by_themselves() -> None:
    def apart(
        table: Table,
        statistics: Sequence[Statistic],
        goals: Sequence[Goal],
        *,
        month_is_over: bool,
    ) -> dict[Spot, list[Keys]]:
        plain = [each for each in statistics if not each.event]
        hidden = dict(choose_hidden(table, plain, goals, month_is_over=month_is_over))
        for each in statistics:
            if each.event:
                own = {spot: cells for spot, cells in table.items() if spot[0] == each.name}
                hidden |= choose_hidden(own, [each], month_is_over=month_is_over)
        return hidden

    assert audit_until_found(apart)


def test_same_audit_finds_cells_when_goals_are_not_taken_for_their_events() -> None:
    def without_goals(
        table: Table,
        statistics: Sequence[Statistic],
        _goals: Sequence[Goal],
        *,
        month_is_over: bool,
    ) -> Mapping[Spot, Sequence[Keys]]:
        return choose_hidden(table, statistics, month_is_over=month_is_over)

    assert audit_until_found(without_goals)


def test_same_audit_finds_cells_when_small_ones_alone_are_hidden() -> None:
    hours = visit(STATISTICS, SITES["ten visitors"], SEEDS[0])
    kept = by_day(keep(hours, only_primary, STATISTICS, month_is_over=True))
    count, found = narrowed(STATISTICS, by_day(hours), kept, rows_shown=True)
    solved = [each for each in found if each not in of_visitors(found)]
    assert len(solved) > count / 100


def test_same_audit_finds_cells_when_crossed_ones_are_left_as_they_are() -> None:
    """Hiding by single statistics alone isn't enough: crossed ones give cells away."""

    def singles(
        table: Table, statistics: Sequence[Statistic], *, month_is_over: bool
    ) -> dict[Spot, list[Keys]]:
        plain = [each for each in statistics if len(each.by) < 2]
        chosen = choose_hidden(table, plain, month_is_over=month_is_over)
        small = only_primary(table, statistics, month_is_over=month_is_over)
        return {
            spot: sorted({*chosen.get(spot, ()), *small.get(spot, ())})
            for spot in (*chosen, *small)
        }

    hours = visit(STATISTICS, SITES["thirty visitors"], SEEDS[0])
    kept = by_day(keep(hours, singles, STATISTICS, month_is_over=True))
    _, found = narrowed(STATISTICS, by_day(hours), kept, rows_shown=True)
    assert any("_by_" in each.place[0] and each.measure == "views" for each in found)


@pytest.mark.parametrize("size", SITES.values(), ids=SITES)
def test_move_leaves_every_sum_unchanged(size: Size) -> None:
    hours = visit(STATISTICS, size, 7)
    kept = keep(hours, choose_hidden, STATISTICS, month_is_over=True)
    for each in STATISTICS:
        before, after = (
            [sum(column) for column in zip(*of, strict=True)]
            for of in (
                [numbers for place, numbers in table.items() if place[0] == each.name]
                for table in (hours, kept)
            )
        )
        assert before == after, each.name


def crowd(line: Line, seed: int) -> list[list[CountedHit]]:
    """Let visitors come for six days; few pages, sources and countries are common."""
    chance = random.Random(seed)
    views: list[list[CountedHit]] = []
    time = START - 4 * 86_400

    def rare(words: int) -> int:
        return min(int(chance.expovariate(0.6)), words)

    for _ in range(420):
        time += chance.randrange(2_000)
        line.memory.forget_before(SITE, line.local(time))
        campaign = f"c{rare(3)}" if chance.random() < 0.3 else ""
        views.append(
            line.view(
                f"visitor {chance.randrange(25)}",
                time,
                f"/{rare(5)}",
                source=f"source {rare(4)}",
                country=("DE", "FR", "AT")[rare(2)],
                campaign=Campaign(campaign, campaign),
                event=("", "", "signup")[rare(2)],
                properties=(("plan", f"value {rare(3)}"),),
            )
        )
    return views


def test_no_hidden_cell_of_counted_hits_can_be_told(tmp_path: Path) -> None:
    kept = Kept(tmp_path, POLICY)
    try:
        kept.apply()
        kept.count(*crowd(Line(POLICY), 1))
        counted: Cells = {}
        for each in POLICY.statistics:
            if is_coverage(each) or is_machines(each) or "campaign" in each.name:
                continue
            sums = ", ".join(f"sum({measure})" for measure in MEASURES)
            answer = kept.value(
                f"SELECT toUnixTimestamp(period), k1, k2, k3, {sums} FROM {DATABASE}.cells"
                f" WHERE statistic = '{cells_of(each)}' AND toYYYYMM(period) = 202603"
                " GROUP BY period, k1, k2, k3"
            )
            for line in answer.splitlines():
                at, k1, k2, k3, *numbers = line.split("\t")
                keys = (k1, k2, k3)[: len(each.by)]
                counted[each.name, int(at), keys] = tuple(map(int, numbers))
    finally:
        kept.close()
    statistics = [
        each for each in POLICY.statistics if any(place[0] == each.name for place in counted)
    ]
    assert {"pages", "transitions", "exit_pages", "events"} <= {each.name for each in statistics}
    assert all(measures_in(each) for each in statistics)
    shown = by_day(keep(counted, choose_hidden, statistics, month_is_over=True))
    count, found = narrowed(statistics, by_day(counted), shown, rows_shown=True)
    truth = by_day(counted)
    solved = [
        each
        for each in found
        if each not in of_visitors(found) and not told_by_a_coarser_one(each, truth, shown)
    ]
    assert count > 500
    assert not solved


def test_open_month_whose_rows_are_shown_gives_cells_away() -> None:
    """Why month cells of an open month stand under `OTHER` alone."""
    hours = visit(STATISTICS, SITES["ten visitors"], SEEDS[0])
    kept = by_day(keep(hours, choose_hidden, STATISTICS, month_is_over=False))
    _, found = narrowed(STATISTICS, by_day(hours), kept, rows_shown=True)
    assert [each for each in found if each not in of_visitors(found)]


def test_late_hit_to_a_settled_day_hides_again() -> None:
    hours = visit(STATISTICS, SITES["ten visitors"], 5)
    kept = keep(hours, choose_hidden, STATISTICS, month_is_over=True)
    late = dict(kept)
    late["pages", 0, ("/late",)] = (1, 0, 1, 0, 0, 0)
    late["pages_by_source", 0, ("/late", "source 0")] = (1, 0, 1, 0, 0, 0)
    again = settle(late, choose_hidden, STATISTICS, month_is_over=True)
    assert ("pages", 0, ("/late",)) not in again
    assert settle(again, choose_hidden, STATISTICS, month_is_over=True) == again
    assert move(again, {}) == again
