"""What page views add to the counters, visit by visit."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.hits import Campaign, Door, DropReason, LocalSeconds
from anonymizer.policy import PurposeId
from collector.counted import CountedHit
from collector.counters import ENTRY, count_refused
from tests.collector.hits import SITE, Line, make_policy

NOON = int(datetime(2026, 3, 10, 11, 0, tzinfo=UTC).timestamp())  # 12:00 in Berlin
SPRING = Campaign("spring", "news", "email")
AUDIENCE = frozenset({PurposeId("audience")})
CAMPAIGNS = frozenset({PurposeId("campaigns")})
BEFORE_MIDNIGHT = int(datetime(2026, 3, 10, 22, 50, tzinfo=UTC).timestamp())  # 23:50 in Berlin
MINUTE = 60
HOUR = 3_600


@pytest.fixture
def line() -> Line:
    return Line(make_policy())


def table(*views: list[CountedHit]) -> str:
    """Write what views add as an aligned table, a line for each row."""
    lines = ["hour  hits views visits bounces seconds exits"]
    for row in (row for rows in views for row in rows):
        exits = " ".join(
            f"{sign}{page}" for sign, page in (("-", row.exit_from), ("+", row.exit_to)) if page
        )
        lines.append(
            f"{clock(row.hour)} {row.hits:4} {row.views:5} {row.visits:6} {row.bounces:7}"
            f" {row.seconds:7} {exits}"
        )
    return "\n".join(line.rstrip() for line in lines)


def clock(local: int) -> str:
    return datetime.fromtimestamp(local, UTC).strftime("%H:%M")


def test_second_page_takes_the_bounce_back_and_moves_the_exit(line: Line) -> None:
    hits = (
        line.view("ada", NOON, "/a"),
        line.view("ada", NOON + 40, "/b"),
        line.view("ada", NOON + 100, "/a"),
    )

    expected = """\
hour  hits views visits bounces seconds exits
12:00    1     1      1       1       0 +/a
12:00    1     1      0      -1      40 -/a +/b
12:00    1     1      0       0      60 -/b +/a"""
    assert table(*hits) == expected


def test_same_page_again_ends_the_bounce_and_keeps_the_exit(line: Line) -> None:
    hits = (line.view("ada", NOON, "/a"), line.view("ada", NOON + 10, "/a"))

    expected = """\
hour  hits views visits bounces seconds exits
12:00    1     1      1       1       0 +/a
12:00    1     1      0      -1      10"""
    assert table(*hits) == expected


@pytest.mark.parametrize(
    ("pause", "visits"),
    [
        pytest.param(30 * MINUTE - 1, 0, id="a second less than half an hour goes on"),
        pytest.param(30 * MINUTE, 1, id="half an hour begins anew"),
    ],
)
def test_half_an_hour_of_silence_ends_a_visit(line: Line, pause: int, visits: int) -> None:
    line.view("ada", NOON)

    assert line.view("ada", NOON + pause, "/b")[0].visits == visits


def test_visit_measures_stand_in_the_hour_in_which_the_visit_began(line: Line) -> None:
    late = NOON + HOUR - MINUTE
    hits = (line.view("ada", late, "/a"), line.view("ada", late + 2 * MINUTE, "/b"))

    expected = """\
hour  hits views visits bounces seconds exits
12:00    1     1      1       1       0 +/a
13:00    1     1      0       0       0
12:00    0     0      0      -1     120 -/a +/b"""
    assert table(*hits) == expected


def test_visitor_counts_once_a_day_in_the_hour_of_the_first_hit(line: Line) -> None:
    morning = line.view("ada", NOON - 3 * HOUR)
    evening = line.view("ada", NOON + 5 * HOUR)

    assert line.is_first(morning, "traffic")
    assert not line.is_first(evening, "traffic")
    assert evening[0].visits == 1


def test_visitor_counts_once_a_day_on_each_page(line: Line) -> None:
    firsts = [
        line.is_first(line.view("ada", NOON + at, page), "pages")
        for at, page in ((0, "/a"), (10, "/b"), (20, "/a"), (5 * HOUR, "/b"))
    ]

    assert firsts == [True, True, False, False]


def test_two_visitors_count_apart(line: Line) -> None:
    assert line.is_first(line.view("ada", NOON), "traffic")
    assert line.is_first(line.view("bob", NOON), "traffic")


def test_open_visit_stays_one_visit_of_one_visitor_over_midnight(line: Line) -> None:
    before = line.view("ada", BEFORE_MIDNIGHT, "/a")
    after = line.view("ada", BEFORE_MIDNIGHT + 15 * MINUTE, "/b")
    later = line.view("ada", BEFORE_MIDNIGHT + 40 * MINUTE, "/c")

    expected = """\
hour  hits views visits bounces seconds exits
23:00    1     1      1       1       0 +/a
00:00    1     1      0       0       0
23:00    0     0      0      -1     900 -/a +/b
00:00    1     1      0       0       0
23:00    0     0      0       0    1500 -/b +/c"""
    assert table(before, after, later) == expected
    assert [line.is_first(hit, "traffic") for hit in (before, after, later)] == [True, False, False]


def test_visit_goes_on_after_the_salt_it_began_under_is_destroyed(line: Line) -> None:
    line.view("ada", BEFORE_MIDNIGHT, "/a")
    line.view("ada", BEFORE_MIDNIGHT + 25 * MINUTE, "/b")
    half_past = BEFORE_MIDNIGHT + 41 * MINUTE
    line.memory.forget_before(SITE, line.local(half_past))

    assert [row.visits for row in line.view("ada", half_past, "/c")] == [0, 0]
    assert [day for _, day in line.memory.days()] == [line.local(half_past) // 86_400]


def test_visitor_who_comes_back_after_a_visit_over_midnight_is_new_that_day(line: Line) -> None:
    line.view("ada", BEFORE_MIDNIGHT, "/a")
    line.view("ada", BEFORE_MIDNIGHT + 15 * MINUTE, "/b")
    morning = line.view("ada", BEFORE_MIDNIGHT + 10 * HOUR, "/b")

    assert morning[0].visits == 1
    assert line.is_first(morning, "traffic")
    assert line.is_first(morning, "pages")


def test_visitor_of_yesterday_whose_visit_ended_is_new_after_midnight(line: Line) -> None:
    line.view("ada", BEFORE_MIDNIGHT - 40 * MINUTE)
    after = line.view("ada", BEFORE_MIDNIGHT + 15 * MINUTE)

    assert after[0].visits == 1
    assert line.is_first(after, "traffic")


def test_repeated_hour_at_the_end_of_summer_time_is_one_day() -> None:
    line = Line(make_policy("Europe/Berlin"))
    first = int(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp())  # 02:30, summer time
    again = first + HOUR  # 02:30 once more, winter time
    hits = (line.view("ada", first), line.view("ada", again))

    assert hits[0][0].hour == hits[1][0].hour
    assert [line.is_first(hit, "traffic") for hit in hits] == [True, False]


def test_source_and_campaign_are_those_the_visit_began_with(line: Line) -> None:
    spring = Campaign(name="spring")
    line.view("ada", NOON, "/a", source="Google", campaign=spring)
    (second,) = line.view("ada", NOON + 10, "/b")

    assert (second.source, second.campaign, second.entry_page) == ("Google", "spring", "/a")


@pytest.mark.parametrize(
    ("campaign", "visits"),
    [
        pytest.param(Campaign(name="summer"), 1, id="another campaign begins a visit"),
        pytest.param(Campaign(name="spring"), 0, id="the same campaign again does not"),
        pytest.param(Campaign(), 0, id="no campaign does not"),
    ],
)
def test_arriving_by_another_campaign_begins_a_visit(
    line: Line, campaign: Campaign, visits: int
) -> None:
    line.view("ada", NOON, "/a", campaign=Campaign(name="spring"))
    (second,) = line.view("ada", NOON + 10, "/b", campaign=campaign)

    assert second.visits == visits
    assert second.campaign == (campaign.name or "spring")


def test_previous_page_tells_how_a_visit_moves(line: Line) -> None:
    pages = ("/a", "/b", "/b", "/c")

    came_from = [line.view("ada", NOON + n, page)[0].previous_page for n, page in enumerate(pages)]

    assert came_from == [ENTRY, "/a", "/b", "/b"]


def test_exit_page_counts_each_visitor_once_over_several_visits(line: Line) -> None:
    hits = [
        line.view("ada", NOON, "/a"),
        line.view("ada", NOON + HOUR, "/b"),
        line.view("ada", NOON + HOUR + 10, "/a"),
        line.view("ada", NOON + HOUR + 20, "/b"),
    ]

    assert [rows[-1].exit_to_visitors for rows in hits] == [1, 1, 0, 1]
    assert [rows[-1].exit_from_visitors for rows in hits] == [0, 0, -1, 0]


def test_hit_out_of_order_takes_no_seconds_back(line: Line) -> None:
    line.view("ada", NOON + 40, "/a")
    earlier = line.view("ada", NOON, "/b")
    later = line.view("ada", NOON + 60, "/c")

    assert (earlier[0].seconds, later[0].seconds) == (0, 20)


def test_another_country_in_the_same_visit_leaves_the_visit_where_it_began(line: Line) -> None:
    line.view("ada", NOON, "/a", country="DE")
    of_hit, of_visit = line.view("ada", NOON + 30, "/b", country="FR")

    assert (of_hit.country, of_hit.views, of_hit.seconds) == ("FR", 1, 0)
    assert (of_visit.country, of_visit.views, of_visit.seconds) == ("DE", 0, 30)


def test_purposes_travel_as_bits_in_the_policys_order(line: Line) -> None:
    first, *_, last = (purpose.id for purpose in line.policy.purposes)

    assert line.view("ada", NOON, purposes=frozenset({first}))[0].serves == 1
    assert line.view("ada", NOON, purposes=frozenset({last}))[0].serves == 1 << (
        len(line.policy.purposes) - 1
    )


def test_refused_hit_tells_site_day_door_and_reason_alone() -> None:
    local = LocalSeconds(NOON + 12_345)

    refused = count_refused(SITE, Door.PIXEL, DropReason.OPTED_OUT_GPC, local)

    assert refused == CountedHit(
        "example.org", "pixel", "opted_out_gpc", 1, hour=local - local % 86_400
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ada", "bob", "eve"]),
            st.integers(0, 50 * MINUTE),
            st.sampled_from(["/a", "/b", "/c"]),
        ),
        max_size=60,
    )
)
def test_sums_agree_whatever_the_visitors_do(steps: list[tuple[str, int, str]]) -> None:
    """Entries, exits and visits agree on every day, bounces lie between 0 and visits."""
    line = Line(make_policy())
    time = BEFORE_MIDNIGHT - 12 * HOUR
    visits: dict[int, int] = {}
    exits: dict[tuple[int, str], int] = {}
    bounces: dict[int, int] = {}
    visitors = views = 0
    for who, pause, page in steps:
        time += pause
        line.memory.forget_before(SITE, line.local(time))
        rows = line.view(who, time, page)
        visitors += line.is_first(rows, "traffic")
        for row in rows:
            day = row.hour // 86_400
            visits[day] = visits.get(day, 0) + row.visits
            bounces[day] = bounces.get(day, 0) + row.bounces
            views += row.views
            for page_of, change in ((row.exit_from, -1), (row.exit_to, 1)):
                if page_of:
                    exits[day, page_of] = exits.get((day, page_of), 0) + change
        # Right at any moment: checked after each hit, not at the end alone.
        for each, count in visits.items():
            assert sum(n for (of, _), n in exits.items() if of == each) == count
            assert 0 <= bounces[each] <= count
        assert all(count >= 0 for count in exits.values())
        assert visitors <= sum(visits.values()) <= views


def test_purpose_that_is_consented_to_later_counts_its_visitor(line: Line) -> None:
    line.view("ada", NOON, campaign=SPRING, purposes=AUDIENCE)
    rows = line.view("ada", NOON + 60, "/b", campaign=SPRING, purposes=AUDIENCE | CAMPAIGNS)
    again = line.view("ada", NOON + 90, "/c", campaign=SPRING, purposes=AUDIENCE | CAMPAIGNS)

    assert line.is_first(rows, "campaigns")
    assert not line.is_first(rows, "traffic")
    assert not line.is_first(again, "campaigns")


@pytest.mark.parametrize("event", ["", "signup"])
def test_purpose_that_is_consented_to_later_knows_of_no_visit(line: Line, event: str) -> None:
    """Else its visits would be none and their bounces one less than that."""
    line.view("ada", NOON, campaign=SPRING, purposes=AUDIENCE)
    rows = line.view(
        "ada", NOON + 60, "/b", campaign=SPRING, purposes=AUDIENCE | CAMPAIGNS, event=event
    )

    audience = line.plan.serves(AUDIENCE)
    of_visit = [row for row in rows if row.bounces or row.seconds or row.exit_to]
    assert [(row.serves, row.bounces, row.seconds) for row in of_visit] == [(audience, -1, 60)]
    assert {row.campaign for row in of_visit} == {""}
    assert not any(row.visits for row in rows)


def test_purpose_that_is_withdrawn_keeps_its_visit_as_it_was(line: Line) -> None:
    line.view("ada", NOON, campaign=SPRING, purposes=CAMPAIGNS)
    (row,) = line.view("ada", NOON + 60, "/b", campaign=SPRING, purposes=AUDIENCE)

    assert (row.views, row.bounces, row.seconds, row.exit_to) == (1, 0, 0, "")
