"""Events, properties, masks and machines in the cells and views of a real engine."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from anonymizer.hits import Door, DropReason, LocalSeconds
from anonymizer.machines import Machine, MachineKind
from anonymizer.policy import Dimension, Grain, PurposeId, Statistic
from collector.counted import CountedHit
from collector.counters import count_refused
from collector.schema.tables import DATABASE
from collector.subjects import count_machine
from tests.collector.hits import SITE, Line, make_policy
from tests.collector.storing import Kept, encoded, opened

BY_SOURCE = Statistic(
    "events_by_source",
    PurposeId("campaigns"),
    (Dimension.EVENT, Dimension.SOURCE),
    Grain.HOUR,
    1,
    30,
)
BASE = make_policy()
FREQUENT_BOTS = Statistic(
    "frequent_bots", PurposeId("accountability"), (Dimension.BOT,), Grain.DAY, 2, 30
)
POLICY = replace(BASE, statistics=(*BASE.statistics, BY_SOURCE, FREQUENT_BOTS))
NOON = int(datetime(2026, 3, 10, 11, 0, tzinfo=UTC).timestamp())  # 12:00 in Berlin
BOT = Machine(MachineKind.CRAWLER, "Googlebot")
CURL = Machine(MachineKind.TOOL, "curl")


@pytest.fixture(scope="module")
def kept_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with opened(tmp_path_factory.mktemp("subjects"), POLICY) as kept:
        yield kept


@pytest.fixture
def line() -> Line:
    return Line(POLICY)


def machine(line: Line, of: Machine, door: Door = Door.LOG) -> list[CountedHit]:
    local = LocalSeconds(line.local(NOON))
    return [count_machine(SITE, door, of, local, line.plan.of_machines)]


def test_events_count_with_their_visitors(kept: Kept, line: Line) -> None:
    kept.count(
        line.view("ada", NOON, "/a"),
        line.view("ada", NOON + 1, event="signup", properties=(("plan", "pro"), ("seats", "<10"))),
        line.view("ada", NOON + 2, event="signup", properties=(("plan", "free"),)),
        line.view("bob", NOON + 3, event="signup", properties=(("plan", "pro"),)),
        line.view("bob", NOON + 4, event="search"),
    )

    events = """\
site         day         event   visitors  events
example.org  2026-03-10  search  1         1
example.org  2026-03-10  signup  2         3"""
    properties = """\
event   property  value  visitors  events
signup  plan      free   1         1
signup  plan      pro    2         2
signup  seats     <10    1         1"""
    assert kept.table("SELECT * FROM events ORDER BY event") == events
    answer = kept.table("SELECT * EXCEPT (site, day) FROM event_properties ORDER BY ALL")
    assert answer == properties


def test_events_count_as_hits_of_coverage_and_as_no_views(kept: Kept, line: Line) -> None:
    kept.count(
        line.view("ada", NOON, "/a", masks=("email", "email")),
        line.view("ada", NOON + 40, event="signup", properties=(("plan", "pro"),), masks=("uuid",)),
    )

    coverage = """\
door   reason   hits
event  counted  2"""
    traffic = """\
visitors  visits  views  bounces  seconds
1         1       1      0        40"""
    masked = """\
mask   visitors  masked
email  1         2
uuid   1         1"""
    assert kept.table("SELECT * EXCEPT (site, day) FROM coverage") == coverage
    assert kept.table("SELECT * EXCEPT (site, hour) FROM traffic") == traffic
    assert kept.table("SELECT * EXCEPT (site, day) FROM scrubbed ORDER BY mask") == masked
    assert kept.value("SELECT sum(views), sum(visits) FROM entry_pages") == "1\t1"
    assert kept.value("SELECT sum(visits) FROM exit_pages") == "1"
    assert kept.value("SELECT sum(views) FROM pages") == "1"


def test_no_cell_is_without_a_number(kept: Kept, line: Line) -> None:
    kept.count(
        line.view("ada", NOON, "/a"),
        line.view("bob", NOON, event="signup", properties=(("plan", "pro"),), masks=("uuid",)),
        line.view("bob", NOON + 1, event="signup"),
        machine(line, BOT),
    )

    measures = ("visitors", "visits", "views", "bounces", "seconds", "hits")
    empty = " AND ".join(f"{measure} = 0" for measure in measures)
    assert kept.value(f"SELECT count() FROM {DATABASE}.cells WHERE {empty}") == "0"


def test_machines_count_by_kind_and_family_and_in_coverage(kept: Kept, line: Line) -> None:
    refused = count_refused(SITE, Door.LOG, DropReason.NOT_GET, LocalSeconds(line.local(NOON)), 5)
    kept.count(
        machine(line, BOT),
        machine(line, BOT, Door.EVENT),
        machine(line, CURL),
        [refused],
        line.view("ada", NOON),
    )

    bots = """\
site         day         bot_kind  bot        hits
example.org  2026-03-10  crawler   Googlebot  2
example.org  2026-03-10  tool      curl       1"""
    coverage = """\
door   reason   hits
event  bot      1
event  counted  1
log    bot      2
log    not_get  5"""
    assert kept.table("SELECT * FROM bots ORDER BY bot_kind") == bots
    assert kept.table("SELECT * EXCEPT (site, day) FROM coverage ORDER BY ALL") == coverage


def test_event_crossed_with_another_dimension_has_hours_and_sources(kept: Kept, line: Line) -> None:
    kept.count(
        line.view("ada", NOON, source="Google"),
        line.view("ada", NOON + 1, event="signup"),
        line.view("bob", NOON + 3_600, source="Bing", event="signup"),
        line.view("bob", NOON + 3_601, source="Bing", event="signup"),
    )

    expected = """\
hour                 event   source  visitors  events
2026-03-10 12:00:00  signup  Google  1         1
2026-03-10 13:00:00  signup  Bing    1         2"""
    answer = kept.table("SELECT * EXCEPT site FROM events_by_source ORDER BY hour")
    assert answer == expected


def test_event_counts_for_the_purposes_that_it_serves_alone(kept: Kept, line: Line) -> None:
    audience = frozenset({PurposeId("audience")})
    campaigns = frozenset({PurposeId("campaigns")})
    kept.count(
        line.view("ada", NOON, event="signup", purposes=audience),
        line.view("bob", NOON, event="signup", purposes=campaigns),
        line.view("cyd", NOON, event="signup", purposes=audience | campaigns),
    )

    assert kept.value("SELECT visitors, events FROM events") == "2\t2"
    assert kept.value("SELECT visitors, events FROM events_by_source") == "2\t2"
    assert kept.value("SELECT sum(hits) FROM coverage") == "3"


def browse(line: Line, kept: Kept, moments: int = 300) -> int:
    """Let visitors view pages and do things at random; return how many events there were."""
    chance = random.Random(20_260_331)
    time = NOON
    hits = []
    events = 0
    for _ in range(moments):
        time += chance.choice((5, 40, 600, 2_400))
        event = chance.choice(("", "", "signup", "search"))
        events += bool(event)
        line.memory.forget_before(SITE, line.local(time))
        hits.append(
            line.view(
                chance.choice("abcdefgh"),
                time,
                chance.choice(("/", "/a")),
                source=chance.choice(("(direct)", "Google")),
                country=chance.choice(("DE", "FR")),
                event=event,
                properties=(("plan", chance.choice(("free", "pro"))),) if event else (),
                masks=("email",) * chance.randrange(3),
            )
        )
    for first in range(0, len(hits), 37):
        kept.count(*hits[first : first + 37])
    return events


def test_sums_agree_where_events_lie_between_views(kept: Kept, line: Line) -> None:
    events = browse(line, kept)

    totals = kept.value("SELECT sum(visits), sum(views), sum(bounces), sum(seconds) FROM traffic")
    for view in ("sources", "countries", "entry_pages", "devices", "sources_by_country"):
        sums = f"SELECT sum(visits), sum(views), sum(bounces), sum(seconds) FROM {view}"
        assert kept.value(sums) == totals, view
    visits, views, bounces, seconds = map(int, totals.split("\t"))
    assert views == 300 - events
    assert 0 <= bounces < visits
    assert seconds > 0
    for view in ("events", "events_by_source", "event_properties"):
        assert kept.value(f"SELECT sum(events) FROM {view}") == str(events), view
    assert kept.value("SELECT sum(visits) FROM exit_pages") == str(visits)
    assert kept.value("SELECT sum(hits) FROM coverage") == "300"
    assert kept.value("SELECT countIf(visitors > events) FROM events") == "0"


def test_batch_that_is_sent_again_adds_nothing(kept: Kept, line: Line) -> None:
    hits = [
        line.view("ada", NOON, masks=("email",)),
        line.view("ada", NOON + 1, event="signup", properties=(("plan", "pro"),)),
        machine(line, BOT),
    ]
    rows = b"".join(encoded(*hits))
    kept.store.insert("twice", rows)
    kept.store.insert("twice", rows)

    assert kept.value("SELECT events FROM events") == "1"
    assert kept.value("SELECT events FROM event_properties") == "1"
    assert kept.value("SELECT masked FROM scrubbed") == "1"
    assert kept.value("SELECT hits FROM bots") == "1"


def test_machines_of_few_hits_stand_together_where_the_policy_says_so(
    kept: Kept, line: Line
) -> None:
    kept.count(*(machine(line, BOT) for _ in range(3)), machine(line, CURL))

    expected = """\
bot        hits
(other)    1
Googlebot  3"""
    answer = kept.table("SELECT * EXCEPT (site, day) FROM frequent_bots ORDER BY bot")
    assert answer == expected


def test_inbox_of_an_older_version_goes(kept: Kept, line: Line) -> None:
    command = kept.store._client.command
    command(f"DROP TABLE {DATABASE}.inbox SYNC")
    command(f"CREATE TABLE {DATABASE}.inbox (site String, hits Int64) ENGINE = Null")

    kept.apply()
    kept.count(line.view("ada", NOON, event="signup"))

    assert kept.value("SELECT events FROM events") == "1"


def look(
    line: Line,
    who: str,
    time: int,
    page: str,
    engaged_ms: int = 0,
    reached: tuple[tuple[str, str], ...] = (),
) -> list[CountedHit]:
    """Count an engagement hit."""
    return line.view(
        who,
        time,
        page,
        event="engagement",
        interactive=False,
        engaged_ms=engaged_ms,
        reached=reached,
    )


def test_engagement_counts_visitors_and_seconds_by_page(kept: Kept, line: Line) -> None:
    kept.count(
        line.view("ada", NOON, "/a"),
        look(line, "ada", NOON + 9, "/a", engaged_ms=1_500),
        look(line, "ada", NOON + 20, "/a", engaged_ms=700),
        line.view("bob", NOON, "/b"),
        look(line, "bob", NOON + 3, "/b", engaged_ms=300),
        line.view("ada", NOON + 30, "/a", event="signup"),
    )

    expected = """\
page  visitors  seconds
/a    1         2
/b    1         0"""
    assert kept.table("SELECT page, visitors, seconds FROM engagement ORDER BY page") == expected
    # Each is an event, and prolongs its visit.
    assert kept.value("SELECT events FROM events WHERE event = 'engagement'") == "3"
    assert kept.value("SELECT sum(seconds), sum(bounces) FROM traffic") == "33\t1"


def test_scroll_depth_counts_each_bound_once_a_view(kept: Kept, line: Line) -> None:
    once, further = (("depth", "25"),), (("depth", "25"), ("depth", "50"))
    kept.count(
        line.view("ada", NOON, "/a"),
        look(line, "ada", NOON + 1, "/a", reached=once),
        look(line, "ada", NOON + 2, "/a", reached=further),
        line.view("ada", NOON + 3, "/a"),
        look(line, "ada", NOON + 4, "/a", reached=once),
        line.view("bob", NOON, "/a"),
        look(line, "bob", NOON + 1, "/a", reached=once),
    )

    expected = """\
page  value  visitors  events
/a    25     2         3
/a    50     1         1"""
    answer = kept.table("SELECT * EXCEPT (site, day) FROM scroll_depth ORDER BY value")
    assert answer == expected


def test_statistic_counts_its_own_event_and_property_alone(kept: Kept, line: Line) -> None:
    vitals = (("lcp", "2500–2999"), ("response", "<50"))  # ranges' dashes
    kept.count(
        line.view("ada", NOON, "/a", event="Web Vitals", properties=vitals, interactive=False),
        line.view("ada", NOON, "/a", event="Click", properties=(("element", "buy"),)),
        line.view("bob", NOON, "/b", event="Click", properties=(("element", "buy"),)),
        line.view("bob", NOON, "/b", event="404", properties=(("path", "/b"),), interactive=False),
        line.view(
            "bob",
            NOON,
            "/b",
            event="Pointer",
            interactive=False,
            grid=(("moved", "3.7", 12), ("pressed", "0.0", 2)),
        ),
    )

    def rows(view: str) -> str:
        columns = kept.value(
            "SELECT arrayStringConcat(groupArray(name), ', ') FROM system.columns"
            f" WHERE table = '{view}' AND database = currentDatabase()"
            " AND name NOT IN ('site', 'day', 'month')"
        )
        return kept.value(f"SELECT {columns} FROM {view} ORDER BY ALL")

    assert rows("web_vitals_lcp") == "/a\t2500–2999\t1\t1"  # the same
    assert rows("response_times") == "/a\t<50\t1\t1"
    assert rows("clicks") == "/a\tbuy\t1\t1\n/b\tbuy\t1\t1"
    assert rows("missing_pages") == "/b\t1\t1"
    assert rows("pointer_moved") == "/b\t3.7\t1\t12"
    assert rows("pointer_pressed") == "/b\t0.0\t1\t2"
    assert rows("searches") == ""
    assert kept.value("SELECT sum(events) FROM event_properties") == "19"
    assert kept.value("SELECT sum(hits) FROM coverage") == "5"


def test_name_of_another_alphabet_is_counted(kept: Kept) -> None:
    held = Statistic(
        "signups", PurposeId("audience"), (Dimension.VALUE,), Grain.DAY, 1, 30, "注册: ü", "plan"
    )
    policy = replace(POLICY, statistics=(*POLICY.statistics, held))
    line = Line(policy)
    kept.policy = policy
    kept.apply()
    kept.count(line.view("ada", NOON, event="注册: ü", properties=(("plan", "pro"),)))

    assert kept.value("SELECT value, visitors, events FROM signups") == "pro\t1\t1"
    kept.policy = POLICY
    kept.apply()


@pytest.fixture
def policies(kept: Kept) -> Iterator[Callable[[Statistic], Kept]]:
    """Return what puts a policy with one more statistic in force, over the cells there are."""

    def put(statistic: Statistic) -> Kept:
        kept.policy = replace(BASE, statistics=(*BASE.statistics, statistic))
        kept.apply()
        return kept

    yield put
    kept.policy = POLICY
    kept.apply()


def test_statistic_of_another_event_or_name_begins_from_nothing(
    policies: Callable[[Statistic], Kept],
) -> None:
    """What stood for another event is not shown, until the statistic is of that event again."""
    purpose = PurposeId("audience")
    looked = Statistic("looked", purpose, (Dimension.PAGE,), Grain.DAY, 1, 30, "Site Search")
    counted = "SELECT groupArray((page, visitors, events)) FROM {}"

    def browse(store: Kept) -> None:
        line = Line(store.policy)
        store.count(
            line.view("ada", NOON, "/a", event="Site Search"),
            line.view("ada", NOON, "/b", event="Product View"),
        )

    store = policies(looked)
    browse(store)
    assert store.value(counted.format("looked")) == "[('/a',1,1)]"
    policies(replace(looked, event="Product View"))
    assert store.value(counted.format("looked")) == "[]"
    browse(store)
    assert store.value(counted.format("looked")) == "[('/b',1,1)]"
    policies(replace(looked, name="searched"))
    assert store.value(counted.format("searched")) == "[]"
    assert store.value("EXISTS VIEW looked") == "0"
    policies(looked)
    assert store.value(counted.format("looked")) == "[('/a',1,1)]"
