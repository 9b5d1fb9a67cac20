"""Goals and steps of funnels: what they add row by row, and in the views of a real engine."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import asdict, replace

from anonymizer.hits import OTHER, Campaign, Door, RawHit, SiteId
from anonymizer.policy import Dimension, Event, Funnel, Goal, Grain, Policy, PurposeId, Statistic
from collector.counted import CountedHit, Tells
from collector.pipeline import Pipeline
from collector.plan import make_plan
from collector.reference import load_agents, load_tables
from tests.collector.hits import SITE, FillInTurn, Line, make_policy
from tests.collector.storing import Kept, encoded, opened
from tests.running import FIREFOX

NOON = int(datetime(2026, 3, 10, 11, 0, tzinfo=UTC).timestamp())  # 12:00 in Berlin
BEFORE_MIDNIGHT = int(datetime(2026, 3, 10, 22, 50, tzinfo=UTC).timestamp())  # 23:50 in Berlin
MINUTE = 60
HOUR = 3_600
OTHER_SITE = SiteId("other.example")
SPRING = Campaign(name="spring", source="news", medium="email")
AUDIENCE = frozenset({PurposeId("audience")})

GOALS = (
    Goal("thanks", page="/thanks"),
    Goal("signup", event="signup"),
    Goal("pro", event="signup", property="plan", value="pro"),
    Goal("order", page="/order/*/done"),
)
FUNNELS = (
    Funnel("join", ("/pricing", "signup")),
    Funnel("buy", ("/cart", "/order/**", "order"), SITE),
)
BASE = make_policy()
BY_HOUR = Statistic(
    "goals_by_hour",
    PurposeId("audience"),
    (Dimension.GOAL, Dimension.PAGE, Dimension.LANGUAGE),
    Grain.HOUR,
    1,
    30,
)
FUNNELS_BY_COUNTRY = Statistic(
    "funnels_by_country",
    PurposeId("audience"),
    (Dimension.FUNNEL, Dimension.STEP, Dimension.COUNTRY),
    Grain.DAY,
    1,
    30,
)
POLICY = replace(
    BASE,
    statistics=(*BASE.statistics, BY_HOUR, FUNNELS_BY_COUNTRY),
    events={"signup": Event("signup"), "search": Event("search")},
    goals={goal.name: goal for goal in GOALS},
    funnels={funnel.name: funnel for funnel in FUNNELS},
)


@pytest.fixture(scope="module")
def kept_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with opened(tmp_path_factory.mktemp("goals"), POLICY) as kept:
        yield kept


@pytest.fixture
def line() -> Line:
    return Line(POLICY)


def told(*hits: list[CountedHit]) -> list[str]:
    """Name what goals and steps hits leave: ``thanks`` and ``join: 1 /pricing``."""
    return [
        f"{row.subject}: {row.property}" if row.tells == Tells.FUNNEL else row.subject
        for rows in hits
        for row in rows
        if row.tells in (Tells.GOAL, Tells.FUNNEL)
    ]


def without(*names: str) -> Policy:
    kept = tuple(
        each for each in POLICY.statistics if not any(each.name.startswith(name) for name in names)
    )
    return replace(POLICY, statistics=kept)


def test_page_is_counted_beside_the_goal_that_it_reaches(line: Line) -> None:
    first, goal = line.view("ada", NOON, "/thanks")

    assert (first.hits, first.views, first.visits, first.tells) == (1, 1, 1, Tells.VIEW)
    assert (goal.hits, goal.views, goal.visits, goal.bounces, goal.seconds) == (0, 0, 0, 0, 0)
    assert (goal.tells, goal.number, goal.subject) == (Tells.GOAL, 1, "thanks")


@pytest.mark.parametrize(
    ("page", "event", "properties", "goals"),
    [
        pytest.param("/thanks", "", (), ["thanks"], id="page"),
        pytest.param("/thanks/you", "", (), [], id="page below"),
        pytest.param("/thanks", "search", (), [], id="event on the page"),
        pytest.param("/", "signup", (), ["signup"], id="event"),
        pytest.param("/", "search", (), [], id="other event"),
        pytest.param("/", "signup", (("plan", "pro"),), ["signup", "pro"], id="event and value"),
        pytest.param("/", "signup", (("plan", "free"),), ["signup"], id="other value"),
        pytest.param("/order/:number/done", "", (), ["order"], id="pattern"),
        pytest.param("/order/done", "", (), [], id="pattern without its segment"),
    ],
)
def test_hit_leaves_a_row_for_each_goal(
    line: Line, page: str, event: str, properties: tuple[tuple[str, str], ...], goals: list[str]
) -> None:
    assert told(line.view("ada", NOON, page, event=event, properties=properties)) == goals


def test_goal_counts_its_visitor_once_a_day_and_each_time_it_is_reached(
    kept: Kept, line: Line
) -> None:
    for again in range(3):
        kept.count(line.view("ada", NOON + again * HOUR, "/thanks"))
        kept.count(line.view("ada", NOON + again * HOUR, event="signup"))
    kept.count(line.view("bob", NOON, "/thanks"))
    kept.count(line.view("bob", NOON + 24 * HOUR, "/thanks"))

    expected = """\
day         goal    visitors  conversions
2026-03-10  signup  1         3
2026-03-10  thanks  2         4
2026-03-11  thanks  1         1"""
    assert kept.table("SELECT * EXCEPT (site) FROM goals ORDER BY day, goal") == expected


def test_goal_carries_what_its_visit_began_with(kept: Kept, line: Line) -> None:
    kept.count(
        line.view("ada", NOON, "/landing", source="News", campaign=SPRING),
        line.view("ada", NOON + MINUTE, "/thanks", source="Google"),
        line.view("ada", NOON + 2 * MINUTE, "/else", event="signup"),
        line.view("bob", NOON, "/", source="Google"),
        line.view("bob", NOON + MINUTE, "/thanks"),
    )

    views = {
        "goals_by_campaign": "goal,campaign",
        "goals_by_source": "goal,source",
        "goals_by_page": "goal,page",
        "goals_by_country": "goal,country",
        "goals_by_device": "goal,device",
    }
    rows = {
        view: kept.value(f"SELECT {by}, visitors, conversions FROM {view} ORDER BY {by}").replace(
            "\t", ","
        )
        for view, by in views.items()
    }
    assert rows == {
        "goals_by_campaign": "signup,spring,1,1\nthanks,spring,1,1",
        "goals_by_source": "signup,News,1,1\nthanks,Google,1,1\nthanks,News,1,1",
        "goals_by_page": "signup,/landing,1,1\nthanks,/,1,1\nthanks,/landing,1,1",
        "goals_by_country": "signup,DE,1,1\nthanks,DE,2,2",
        "goals_by_device": "signup,desktop,1,1\nthanks,desktop,2,2",
    }


def test_goal_of_an_event_without_a_visit_counts_with_its_own_words(line: Line) -> None:
    rows = line.view("ada", NOON, "/a", source="Google", event="signup", campaign=SPRING)
    goal = next(row for row in rows if row.tells == Tells.GOAL)

    assert (goal.source, goal.campaign, goal.entry_page) == ("Google", "spring", "/a")
    assert told(rows) == ["signup"]


def test_goal_stands_in_the_hour_of_its_hit_and_its_steps_in_the_hour_of_the_visit(
    kept: Kept, line: Line
) -> None:
    late = NOON + HOUR - MINUTE
    kept.count(line.view("ada", late, "/pricing"), line.view("ada", NOON + HOUR, event="signup"))

    hours = "SELECT toHour(hour), goal, page FROM goals_by_hour"
    assert kept.value(hours) == "13\tsignup\t/"
    steps = line.view("bob", late, "/pricing") + line.view("bob", NOON + HOUR, event="signup")
    assert [row.hour % 86_400 // HOUR for row in steps if row.tells == Tells.FUNNEL] == [12, 12]


def test_steps_are_taken_in_order_with_anything_in_between(line: Line) -> None:
    pages = ("/order/1", "/cart", "/", "/order/1/done", "/a", "/cart", "/order/1/done", "/cart")
    steps = [told(line.view("ada", NOON + n, page)) for n, page in enumerate(pages)]

    assert steps == [
        [],
        ["buy: 1 /cart"],
        [],
        ["order", "buy: 2 /order/**"],
        [],
        [],
        ["order", "buy: 3 order"],
        [],
    ]


def test_step_counts_once_in_a_visit_and_again_in_the_next(kept: Kept, line: Line) -> None:
    for start in (NOON, NOON + HOUR):
        kept.count(line.view("ada", start, "/pricing"), line.view("ada", start + 1, "/pricing"))
    kept.count(line.view("ada", NOON + HOUR + 2, event="signup"))
    kept.count(line.view("ada", NOON + HOUR + 3, event="signup"))

    expected = """\
funnel  step        visitors  visits
join    1 /pricing  1         2
join    2 signup    1         1"""
    assert kept.table("SELECT * EXCEPT (site, day) FROM funnels ORDER BY step") == expected
    assert kept.value("SELECT sum(visits), sum(views) FROM traffic") == "2\t4"


@pytest.mark.parametrize(
    ("pause", "campaign", "steps"),
    [
        pytest.param(29 * MINUTE, Campaign(), ["join: 2 signup"], id="same visit"),
        pytest.param(31 * MINUTE, Campaign(), [], id="half an hour later"),
        pytest.param(MINUTE, SPRING, [], id="another campaign"),
    ],
)
def test_new_visit_begins_at_the_first_step(
    line: Line, pause: int, campaign: Campaign, steps: list[str]
) -> None:
    line.view("ada", NOON, "/pricing")
    line.view("ada", NOON + pause, "/", campaign=campaign)

    rows = line.view("ada", NOON + pause + 1, event="signup")
    assert told(rows) == ["signup", *steps]


def test_event_after_its_visit_takes_no_step(line: Line) -> None:
    line.view("ada", NOON, "/pricing")

    assert told(line.view("ada", NOON + HOUR, event="signup")) == ["signup"]


def test_one_hit_takes_one_step_of_a_funnel() -> None:
    twice = Funnel("twice", ("/a", "/*", "/a"))
    line = Line(replace(POLICY, funnels={"twice": twice}))
    taken = [told(line.view("ada", NOON + n, "/a")) for n in range(4)]

    assert taken == [["twice: 1 /a"], ["twice: 2 /*"], ["twice: 3 /a"], []]


def test_funnel_of_one_site_is_not_counted_on_another() -> None:
    everywhere = Funnel("everywhere", ("/cart", "/pay"))
    line = Line(replace(POLICY, funnels={**POLICY.funnels, "everywhere": everywhere}))

    assert told(line.view("ada", NOON, "/cart", site=OTHER_SITE)) == ["everywhere: 1 /cart"]
    assert told(line.view("ada", NOON, "/cart")) == ["buy: 1 /cart", "everywhere: 1 /cart"]


def test_steps_over_midnight_stay_with_their_visit(kept: Kept, line: Line) -> None:
    kept.count(
        line.view("ada", BEFORE_MIDNIGHT, "/pricing"),
        line.view("ada", BEFORE_MIDNIGHT + 20 * MINUTE, event="signup"),
    )

    steps = "SELECT day, step, visitors, visits FROM funnels ORDER BY step"
    assert kept.value(steps) == "2026-03-10\t1 /pricing\t1\t1\n2026-03-10\t2 signup\t1\t1"
    assert kept.value("SELECT day, visitors, conversions FROM goals") == "2026-03-11\t1\t1"


def test_all_steps_stand_in_the_cell_of_their_visit_where_its_hits_differ(
    kept: Kept, line: Line
) -> None:
    kept.count(
        line.view("ada", NOON, "/pricing", country="DE"),
        line.view("ada", NOON + 1, country="FR", event="signup"),
    )

    steps = "SELECT step, country, visits FROM funnels_by_country ORDER BY step"
    assert kept.value(steps) == "1 /pricing\tDE\t1\n2 signup\tDE\t1"
    assert kept.value("SELECT goal, country FROM goals_by_country") == "signup\tFR"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param(without("goals"), ["join: 1 /pricing", "join: 2 signup"], id="goals"),
        pytest.param(without("funnels"), ["signup", "pro"], id="funnels"),
        pytest.param(without("goals", "funnels"), [], id="both"),
        pytest.param(
            replace(POLICY, goals={}, funnels={}), [], id="no goal and no funnel is declared"
        ),
    ],
)
def test_what_no_statistic_counts_leaves_no_row(policy: Policy, expected: list[str]) -> None:
    line = Line(policy)
    hits = (
        line.view("ada", NOON, "/pricing"),
        line.view("ada", NOON + 1, event="signup", properties=(("plan", "pro"),)),
    )

    assert told(*hits) == expected
    assert sum(row.hits for rows in hits for row in rows) == 2


def test_hit_of_other_purposes_reaches_nothing_and_takes_no_step(line: Line) -> None:
    operations = frozenset({PurposeId("operations")})
    before = line.view("ada", NOON, "/pricing", purposes=operations)

    assert told(before) == []
    assert told(line.view("ada", NOON + 1, event="signup", purposes=AUDIENCE)) == ["signup"]


def test_goal_holds_the_campaign_only_where_campaigns_are_served(kept: Kept, line: Line) -> None:
    rows = line.view("ada", NOON, "/thanks", campaign=SPRING, purposes=AUDIENCE)
    kept.count(rows)
    goal = next(row for row in rows if row.tells == Tells.GOAL)

    assert "spring" not in asdict(goal).values()
    assert kept.value("SELECT sum(conversions) FROM goals") == "1"
    assert kept.value("SELECT count() FROM goals_by_campaign") == "0"


def test_purpose_that_is_consented_to_later_counts_who_reaches_a_goal_again(
    kept: Kept, line: Line
) -> None:
    kept.count(
        line.view("ada", NOON, "/thanks", campaign=SPRING, purposes=AUDIENCE),
        line.view("ada", NOON + 1, "/thanks", campaign=SPRING),
    )

    assert kept.value("SELECT visitors, conversions FROM goals") == "1\t2"
    assert kept.value("SELECT visitors, conversions FROM goals_by_campaign") == "1\t1"


def test_goal_and_step_hold_no_word_that_no_statistic_of_theirs_asks_for() -> None:
    line = Line(without("funnels_by", "goals_by"))
    line.view("ada", NOON, "/pricing", source="Google")
    rows = line.view("ada", NOON + 1, "/x", event="signup")

    frame = {"site", "door", "reason", "hour", "serves", "firsts", "tells", "subject"}
    words = {
        row.tells: {name for name, value in asdict(row).items() if value}
        for row in rows
        if row.tells in (Tells.GOAL, Tells.FUNNEL)
    }
    assert words == {
        Tells.GOAL: {*frame, "number"},
        Tells.FUNNEL: {*frame, "visits", "property"},
    }


def test_flood_of_invented_pages_hides_no_goal_and_no_step() -> None:
    policy = replace(POLICY, max_values=2)
    pipeline = Pipeline(policy, make_plan(policy), load_agents(), load_tables(), FillInTurn())
    pages = ("/one", "/two", "/three", "/pricing", "/cart", "/order/five", "/order/five/done")
    raw = RawHit(Door.EVENT, SITE, NOON, "192.0.2.7", FIREFOX, "/")

    rows = pipeline.take(replace(raw, raw_url=page, time=NOON + n) for n, page in enumerate(pages))

    assert [row.page for row in rows if row.views][-4:] == [OTHER] * 4
    assert told(rows) == [
        *("join: 1 /pricing", "buy: 1 /cart", "buy: 2 /order/**", "order", "buy: 3 order"),
    ]


def test_batch_that_is_sent_again_adds_nothing(kept: Kept, line: Line) -> None:
    hits = [line.view("ada", NOON, "/pricing"), line.view("ada", NOON + 1, event="signup")]
    rows = b"".join(encoded(*hits))
    kept.store.insert("twice", rows)
    kept.store.insert("twice", rows)

    assert kept.value("SELECT visitors, conversions FROM goals") == "1\t1"
    assert kept.value("SELECT sum(visitors), sum(visits) FROM funnels") == "2\t2"


def browse(line: Line, kept: Kept) -> dict[str, int]:
    """Let visitors wander at random; return how often each goal was reached, by hand."""
    chance = random.Random(20_260_310)
    time = NOON
    reached = dict.fromkeys(("thanks", "signup", "order"), 0)
    places = {"/thanks": "thanks", "/order/7/done": "order"}
    hits = []
    for _ in range(400):
        time += chance.choice((5, 60, 60, 600))
        who = chance.choice("abcdefgh")
        country = chance.choice(("DE", "FR"))
        if chance.random() < 0.2:
            hits.append(line.view(who, time, country=country, event="signup"))
            reached["signup"] += 1
        else:
            pages = ("/", "/pricing", "/cart", "/order/7", "/order/7/done", "/thanks")
            page = chance.choice(pages)
            campaign = SPRING if chance.random() < 0.1 else Campaign()
            hits.append(line.view(who, time, page, country=country, campaign=campaign))
            if page in places:
                reached[places[page]] += 1
    kept.count(*hits)
    return reached


def test_sums_agree_however_goals_are_told_apart(kept: Kept, line: Line) -> None:
    reached = browse(line, kept)

    for view in ("goals", "goals_by_page", "goals_by_source", "goals_by_country", "goals_by_hour"):
        answer = kept.value(f"SELECT goal, sum(conversions) FROM {view} GROUP BY goal")
        found = dict(row.split("\t") for row in answer.splitlines())
        assert {goal: int(number) for goal, number in found.items()} == reached, view
    assert kept.value("SELECT sum(hits) FROM coverage") == "400"
    assert kept.value("SELECT countIf(visitors > conversions OR visitors < 0) FROM goals") == "0"
    views = kept.value("SELECT sum(views) FROM pages WHERE page = '/thanks'")
    assert views == str(reached["thanks"])


@pytest.mark.parametrize(
    ("view", "by"),
    [("funnels", "day, funnel"), ("funnels_by_country", "day, funnel, country")],
)
def test_each_step_is_within_the_step_before_it(kept: Kept, line: Line, view: str, by: str) -> None:
    browse(line, kept)

    answer = kept.value(f"SELECT {by}, visits, visitors FROM {view} ORDER BY {by}, step")
    steps: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for row in answer.splitlines():
        *cell, visits, visitors = row.split("\t")
        steps.setdefault(tuple(cell), []).append((int(visits), int(visitors)))
    assert max(map(len, steps.values())) == 3
    for numbers in steps.values():
        visits_of, visitors_of = zip(*numbers, strict=True)
        assert list(visits_of) == sorted(visits_of, reverse=True)
        assert list(visitors_of) == sorted(visitors_of, reverse=True)
        assert all(visits >= visitors > 0 for visits, visitors in numbers)
