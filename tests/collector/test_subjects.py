"""What events, their properties, masks and machines add to the counters, row by row."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import asdict, replace

from anonymizer.hits import Door, LocalSeconds
from anonymizer.machines import Machine, MachineKind
from anonymizer.policy import Dimension, Grain, Policy, PurposeId, Statistic
from collector.counted import CountedHit, Tells
from collector.subjects import count_machine
from tests.collector.hits import SITE, Line, make_policy

NOON = int(datetime(2026, 3, 10, 11, 0, tzinfo=UTC).timestamp())  # 12:00 in Berlin
BEFORE_MIDNIGHT = int(datetime(2026, 3, 10, 22, 50, tzinfo=UTC).timestamp())  # 23:50 in Berlin
MINUTE = 60
HOUR = 3_600


@pytest.fixture
def line() -> Line:
    return Line(make_policy())


def with_statistic(*by: Dimension) -> Policy:
    policy = make_policy()
    more = Statistic("more", PurposeId("audience"), by, Grain.DAY, 1, 30)
    return replace(policy, statistics=(*policy.statistics, more))


def table(*hits: list[CountedHit]) -> str:
    """Write what hits add as an aligned table, a line for each row."""
    lines = ["hour  hits views visits bounces seconds tells     number subject"]
    for row in (row for rows in hits for row in rows):
        hour = datetime.fromtimestamp(row.hour, UTC).strftime("%H:%M")
        subject = " ".join(filter(None, (row.subject, row.property, row.value)))
        lines.append(
            f"{hour} {row.hits:4} {row.views:5} {row.visits:6} {row.bounces:7} {row.seconds:7}"
            f" {Tells(row.tells).name.lower():8} {row.number:7} {subject}"
        )
    return "\n".join(line.rstrip() for line in lines)


def test_event_in_a_visit_counts_itself_and_ends_the_bounce(line: Line) -> None:
    hits = (
        line.view("ada", NOON, "/a"),
        line.view("ada", NOON + 40, "/a", event="signup"),
        line.view("ada", NOON + 40, "/a", event="signup"),
        line.view("ada", NOON + 100, "/b"),
    )

    expected = """\
hour  hits views visits bounces seconds tells     number subject
12:00    1     1      1       1       0 view           0
12:00    1     0      0       0       0 event          1 signup
12:00    0     0      0      -1      40 view           0
12:00    1     0      0       0       0 event          1 signup
12:00    1     1      0       0      60 view           0"""
    assert table(*hits) == expected


def test_event_without_a_visit_begins_none(line: Line) -> None:
    hits = (
        line.view("ada", NOON, "/a", event="signup"),
        line.view("ada", NOON + 10, "/a"),
        line.view("ada", NOON + HOUR, "/a", event="signup"),
        line.view("ada", NOON + HOUR + 10, "/b"),
    )

    expected = """\
hour  hits views visits bounces seconds tells     number subject
12:00    1     0      0       0       0 event          1 signup
12:00    1     1      1       1       0 view           0
13:00    1     0      0       0       0 event          1 signup
13:00    1     1      1       1       0 view           0"""
    assert table(*hits) == expected


@pytest.mark.parametrize(
    ("pause", "visits"),
    [
        pytest.param(29 * MINUTE, 0, id="event keeps the visit open"),
        pytest.param(30 * MINUTE, 1, id="event comes too late"),
    ],
)
def test_event_keeps_an_open_visit_open(line: Line, pause: int, visits: int) -> None:
    line.view("ada", NOON)
    line.view("ada", NOON + pause, event="signup")

    assert line.view("ada", NOON + 45 * MINUTE)[0].visits == visits


def test_event_adds_to_its_visit_in_the_hour_in_which_that_began(line: Line) -> None:
    late = NOON + HOUR - MINUTE
    hits = (line.view("ada", late, "/a"), line.view("ada", late + 2 * MINUTE, event="signup"))

    expected = """\
hour  hits views visits bounces seconds tells     number subject
12:00    1     1      1       1       0 view           0
13:00    1     0      0       0       0 event          1 signup
12:00    0     0      0      -1     120 view           0"""
    assert table(*hits) == expected


def test_visitor_counts_once_a_day_in_each_event(line: Line) -> None:
    firsts = [
        line.is_first(line.view("ada", NOON + n * HOUR, event=event), "events")
        for n, event in enumerate(("signup", "search", "signup"))
    ]

    assert firsts == [True, True, False]
    assert line.is_first(line.view("bob", NOON, event="signup"), "events")


def test_visitor_of_an_event_alone_is_none_of_the_traffic_until_a_view(line: Line) -> None:
    event = line.view("ada", NOON, event="signup")
    view = line.view("ada", NOON + 10)

    assert not line.is_first(event, "traffic")
    assert line.is_first(view, "traffic")


def test_event_of_yesterdays_visitor_counts_anew_after_midnight(line: Line) -> None:
    line.view("ada", BEFORE_MIDNIGHT, event="signup")
    line.memory.forget_before(SITE, line.local(BEFORE_MIDNIGHT + HOUR))

    assert line.is_first(line.view("ada", BEFORE_MIDNIGHT + HOUR, event="signup"), "events")


def test_visit_open_at_midnight_is_kept_open_by_an_event(line: Line) -> None:
    line.view("ada", BEFORE_MIDNIGHT)
    event = line.view("ada", BEFORE_MIDNIGHT + 20 * MINUTE, event="signup")
    view = line.view("ada", BEFORE_MIDNIGHT + 40 * MINUTE)

    assert [row.visits for row in view] == [0, 0]
    assert (event[-1].bounces, event[-1].seconds) == (-1, 20 * MINUTE)


def test_each_property_has_a_row_with_the_number_of_events(line: Line) -> None:
    plan = (("plan", "pro"), ("amount", "10–99"))  # a range's dash
    hit = line.view("ada", NOON, event="signup", properties=plan)

    expected = """\
hour  hits views visits bounces seconds tells     number subject
12:00    1     0      0       0       0 event          1 signup
12:00    0     0      0       0       0 property       1 signup plan pro
12:00    0     0      0       0       0 property       1 signup amount 10–99"""  # the same
    assert table(hit) == expected


def test_visitor_counts_once_a_day_in_each_value(line: Line) -> None:
    bit = line.plan.combination_bit(
        next(each for each in line.policy.statistics if each.name == "event_properties")
    )
    values = ("pro", "free", "pro")
    rows = [
        line.view("ada", NOON + n, event="signup", properties=(("plan", value),))[1]
        for n, value in enumerate(values)
    ]

    assert [row.firsts >> bit & 1 for row in rows] == [1, 1, 0]


def test_masks_count_by_kind_beside_their_hit(line: Line) -> None:
    view = line.view("ada", NOON, "/:email/:email/:uuid", masks=("email", "email", "uuid"))
    event = line.view("ada", NOON + 1, event="search", masks=("email",))

    expected = """\
hour  hits views visits bounces seconds tells     number subject
12:00    1     1      1       1       0 view           0
12:00    0     0      0       0       0 mask           2 email
12:00    0     0      0       0       0 mask           1 uuid
12:00    1     0      0       0       0 event          1 search
12:00    0     0      0       0       0 mask           1 email
12:00    0     0      0      -1       1 view           0"""
    assert table(view, event) == expected
    assert [bool(row.firsts) for row in (view[1], view[2], event[1])] == [True, True, False]


def test_event_holds_no_word_that_no_statistic_of_events_asks_for(line: Line) -> None:
    (row,) = line.view("ada", NOON, "/a", source="Google", event="signup")

    told = {name for name, value in asdict(row).items() if value}
    assert told == {
        *("site", "door", "reason", "hits", "hour", "serves", "firsts"),
        *("tells", "number", "subject"),
    }


def test_event_is_told_apart_by_what_its_visit_began_with_and_its_own_page() -> None:
    line = Line(with_statistic(Dimension.EVENT, Dimension.SOURCE, Dimension.PAGE))
    line.view("ada", NOON, "/a", source="Google")
    row = line.view("ada", NOON + 1, "/b", source="Bing", event="signup")[0]
    lone = line.view("bob", NOON, "/c", source="Bing", event="signup")[0]

    assert (row.subject, row.source, row.page, row.entry_page) == ("signup", "Google", "/b", "")
    assert (lone.subject, lone.source, lone.page) == ("signup", "Bing", "/c")
    assert line.is_first([row], "more")


@pytest.mark.parametrize(
    ("dropped", "rows"),
    [
        pytest.param({"events", "event_properties", "scrubbed"}, [""], id="none"),
        pytest.param({"event_properties"}, ["signup", "email"], id="properties"),
        pytest.param({"scrubbed"}, ["signup", "signup plan"], id="masks"),
        # Its own statistic asks for the event's name.
        pytest.param({"events"}, ["signup", "signup plan", "email"], id="events"),
    ],
)
def test_what_no_statistic_counts_leaves_no_row(dropped: set[str], rows: list[str]) -> None:
    policy = make_policy()
    kept = tuple(each for each in policy.statistics if each.name not in dropped)
    line = Line(replace(policy, statistics=kept))

    hit = line.view("ada", NOON, event="signup", properties=(("plan", "pro"),), masks=("email",))

    assert [f"{row.subject} {row.property}".strip() for row in hit] == rows
    assert sum(row.hits for row in hit) == 1


def test_hit_of_another_purpose_leaves_a_bare_hit(line: Line) -> None:
    operations = frozenset({PurposeId("operations")})

    (row,) = line.view("ada", NOON, event="signup", masks=("email",), purposes=operations)

    assert (row.hits, row.tells, row.subject) == (1, Tells.VIEW, "")


@pytest.mark.parametrize(
    ("asked", "family", "kind"),
    [
        ({Dimension.BOT, Dimension.BOT_KIND}, "Googlebot", "crawler"),
        ({Dimension.BOT}, "Googlebot", ""),
        ({Dimension.BOT_KIND}, "", "crawler"),
    ],
    ids=["both", "family", "kind"],
)
def test_machine_leaves_what_is_asked_of_it(asked: set[Dimension], family: str, kind: str) -> None:
    machine = Machine(MachineKind.CRAWLER, "Googlebot")
    row = count_machine(SITE, Door.LOG, machine, LocalSeconds(NOON), frozenset(asked))

    assert (row.subject, row.property, row.hits, row.number) == (family, kind, 1, 1)
    assert row.hour == NOON // 86_400 * 86_400
