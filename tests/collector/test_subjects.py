"""What events, their properties, masks and machines add to the counters, row by row."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import asdict, replace

from anonymizer.hits import Door, LocalSeconds
from anonymizer.machines import Machine, MachineKind
from anonymizer.policy import DEPTH, ENGAGEMENT, Dimension, Grain, Policy, PurposeId, Statistic
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
        pytest.param({"events"}, ["", "signup plan", "email"], id="events"),
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


# What a page tells by itself


def held(name: str, event: str, of: str, *by: Dimension) -> Statistic:
    return Statistic(name, PurposeId("audience"), by, Grain.DAY, 1, 30, event, of)


def counting(*statistics: Statistic) -> Line:
    """Return a line under a policy that counts these and coverage alone."""
    policy = make_policy()
    coverage = [each for each in policy.statistics if each.name in ("coverage", "traffic")]
    return Line(replace(policy, statistics=(*statistics, *coverage)))


def depth(*bounds: int) -> tuple[tuple[str, str], ...]:
    return tuple((DEPTH, str(bound)) for bound in bounds)


SCROLLED = held("scrolled", ENGAGEMENT, DEPTH, Dimension.PAGE, Dimension.VALUE)
ENGAGED = held("engaged", ENGAGEMENT, "", Dimension.PAGE)


def test_event_that_nobody_did_neither_ends_a_bounce_nor_prolongs_the_visit(line: Line) -> None:
    hits = (
        line.view("ada", NOON, "/a"),
        line.view("ada", NOON + 10 * MINUTE, event="Web Vitals", interactive=False),
        line.view("ada", NOON + 31 * MINUTE, "/b"),
    )

    expected = """\
hour  hits views visits bounces seconds tells     number subject
12:00    1     1      1       1       0 view           0
12:00    1     0      0       0       0 event          1 Web Vitals
12:00    1     1      1       1       0 view           0"""
    assert table(*hits) == expected


def test_engagement_prolongs_the_visit_and_leaves_it_a_bounce() -> None:
    line = counting(ENGAGED)
    hits = (
        line.view("ada", NOON, "/a"),
        line.view("ada", NOON + 20 * MINUTE, "/a", event=ENGAGEMENT, interactive=False),
        line.view("ada", NOON + 40 * MINUTE, "/b"),
    )

    expected = """\
hour  hits views visits bounces seconds tells     number subject
12:00    1     1      1       1       0 view           0
12:00    1     0      0       0       0 event          1 engagement
12:00    0     0      0       0    1200 view           0
12:00    1     1      0      -1    1200 view           0"""
    assert table(*hits) == expected


def test_engagement_without_a_visit_begins_none() -> None:
    line = counting(ENGAGED)
    rows = line.view("ada", NOON, "/a", event=ENGAGEMENT, interactive=False, engaged_ms=5_000)

    assert [(row.visits, row.seconds, row.page) for row in rows] == [(0, 5, "/a")]
    assert line.view("ada", NOON + 1, "/a")[0].visits == 1


def test_milliseconds_left_over_are_added_to_the_next() -> None:
    line = counting(ENGAGED)
    line.view("ada", NOON, "/a")
    told = [
        line.view("ada", NOON, "/a", event=ENGAGEMENT, interactive=False, engaged_ms=each)
        for each in (600, 600, 2_900)
    ]

    assert [rows[0].seconds for rows in told] == [0, 1, 3]
    bob = line.view("bob", NOON, "/a", event=ENGAGEMENT, interactive=False, engaged_ms=900)
    assert bob[0].seconds == 0


def test_no_seconds_are_on_disk_where_no_statistic_counts_them(line: Line) -> None:
    policy = replace(
        line.policy, statistics=tuple(s for s in line.policy.statistics if s.name != "engagement")
    )
    rows = Line(policy).view("ada", NOON, event=ENGAGEMENT, interactive=False, engaged_ms=9_000)

    assert [row.seconds for row in rows] == [0]


def test_bound_counts_once_in_each_view_of_a_page() -> None:
    line = counting(SCROLLED)

    def scroll(page: str, *bounds: int) -> list[str]:
        rows = line.view(
            "ada", NOON, page, event=ENGAGEMENT, interactive=False, reached=depth(*bounds)
        )
        return [row.value for row in rows if row.tells == Tells.PROPERTY]

    line.view("ada", NOON, "/a")
    assert scroll("/a", 25, 50) == ["25", "50"]
    assert scroll("/a", 25, 50, 75) == ["75"]
    assert scroll("/a", 25) == []
    line.view("ada", NOON, "/b")
    assert scroll("/a", 25, 50, 75, 100) == ["100"], "a late hit of the page before"
    assert scroll("/b", 25) == ["25"]
    line.view("ada", NOON, "/a")
    assert scroll("/a", 25, 50) == ["25", "50"]


def test_visitor_counts_once_a_day_under_each_bound_of_a_page() -> None:
    line = counting(SCROLLED)
    bit = line.plan.combination_bit(SCROLLED)

    def scroll(page: str) -> int:
        rows = line.view("ada", NOON, page, event=ENGAGEMENT, interactive=False, reached=depth(25))
        return rows[1].firsts >> bit & 1

    line.view("ada", NOON, "/a")
    assert scroll("/a") == 1
    line.view("ada", NOON, "/a")
    assert scroll("/a") == 0
    line.view("ada", NOON, "/b")
    assert scroll("/b") == 1


def test_cell_of_a_grid_counts_as_often_as_it_was_touched() -> None:
    line = counting(held("moves", "Pointer", "moved", Dimension.PAGE, Dimension.VALUE))
    rows = line.view(
        "ada",
        NOON,
        "/a",
        event="Pointer",
        interactive=False,
        grid=(("moved", "3.7", 12), ("moved", "0.2", 1), ("pressed", "3.7", 1)),
    )

    assert [(row.property, row.value, row.number, row.page) for row in rows[1:]] == [
        ("moved", "3.7", 12, "/a"),
        ("moved", "0.2", 1, "/a"),
    ]


def test_row_tells_what_statistics_of_its_own_event_and_property_ask_for() -> None:
    line = counting(
        held("by_page", "Click", "element", Dimension.PAGE, Dimension.VALUE),
        held("by_country", "Click", "", Dimension.COUNTRY),
        held("by_source", "signup", "plan", Dimension.SOURCE),
        with_statistic(Dimension.EVENT, Dimension.PROPERTY).statistics[-1],
    )
    click = line.view("ada", NOON, "/a", event="Click", properties=(("element", "buy"),))
    signup = line.view("ada", NOON, "/a", event="signup", properties=(("plan", "pro"), ("x", "y")))

    def told(row: CountedHit) -> dict[str, object]:
        words = ("subject", "property", "value", "page", "country", "source")
        return {word: value for word in words if (value := getattr(row, word))}

    assert [told(row) for row in click] == [
        {"subject": "Click", "country": "DE"},
        {"subject": "Click", "property": "element", "value": "buy", "page": "/a"},
    ]
    assert [told(row) for row in signup] == [
        {},
        {"subject": "signup", "property": "plan", "source": "(direct)"},
        {"subject": "signup", "property": "x"},
    ]


def test_statistics_held_to_other_events_share_a_bit_and_not_their_visitors() -> None:
    one = held("clicks", "Click", "", Dimension.PAGE)
    other = held("calls", "Phone Click", "", Dimension.PAGE)
    line = counting(one, other)

    assert line.plan.combination_bit(one) == line.plan.combination_bit(other)
    for event in ("Click", "Phone Click"):
        assert line.is_first(line.view("ada", NOON, "/a", event=event), "clicks")
        assert not line.is_first(line.view("ada", NOON, "/a", event=event), "clicks")
