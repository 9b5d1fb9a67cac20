"""Law 4: a field, purpose or statistic that the policy doesn't name is dropped.

A policy that declares pages, an event and coverage gets hits that carry everything;
what it doesn't name may then stand in no cell and in no file.
"""

import re
from collections.abc import Iterator

import httpx
import pytest

from anonymizer.policy_file import read_policy
from collector.reference import default_policy
from tests.collector.hits import Line
from tests.collector.storing import encoded, opened
from tests.laws.canaries import Canaries, files_under, joined
from tests.running import FIREFOX, Server, hit

POLICY = """\
[policy]
id = "test"
version = "1"
controller = "Example"
contact = "privacy@example.org"
min_group = 1

[[site]]
domain = "example.org"
timezone = "UTC"

[paths.campaign_parameters]
campaign = "c"

[[purpose]]
id = "audience"
title = "Audience"
clause = "1"
basis = "exempt"

[[purpose]]
id = "promotion"
title = "Promotion"
clause = "2"
basis = "consent"

[[statistic]]
name = "pages"
purpose = "audience"
by = ["page"]

[[statistic]]
name = "campaigns"
purpose = "promotion"
by = ["campaign"]

[[statistic]]
name = "event_properties"
purpose = "audience"
by = ["event", "property", "value"]

[[statistic]]
name = "scrubbed"
purpose = "audience"
by = ["mask"]

[[statistic]]
name = "coverage"
purpose = "audience"
by = ["door", "reason"]

[[event]]
name = "signup"

[[event.property]]
name = "plan"
values = ["free", "pro"]

[[event.property]]
name = "seats"
steps = [10]

[[event.property]]
name = "query"
text = true
"""
EVENTS = """\
signup	plan	(other)	1	1
signup	plan	pro	1	1
signup	query	ask :email	1	1
signup	seats	<10	1	1
"""
PAGES = 3


@pytest.fixture(scope="module")
def canaries() -> Canaries:
    return Canaries(seed=40)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, canaries: Canaries) -> Iterator[Server]:
    put = canaries.put
    with Server(tmp_path_factory.mktemp("law4"), POLICY) as server:
        for number in range(PAGES):
            answer = server.send(
                hit(
                    f"/page-{number}"
                    + put("declared parameter of a purpose that is not served", "?c={}")
                    + put("undeclared parameters", "&utm_source={}&utm_campaign={}&ref={}"),
                    r=put("referrer host", "https://{}.example/"),
                    p={"plan": put("property")},
                    h=1,
                ),
                agent=FIREFOX,
                Accept_Language="eo",
            )
            assert answer.headers["X-Discreet"] == "counted"
        event = hit("/event", n=put("event name"), p={"x": put("event's property")})
        undeclared = server.send(event)
        assert undeclared.headers["X-Discreet"] == "refused undeclared_event"
        mail = put("e-mail address in a declared text", "{}@mail.example")
        told = (
            {"plan": "pro", "seats": 3, "query": f"ask {mail}"},
            {"plan": put("undeclared value"), "seats": put("value of another type")},
            {put("undeclared property"): "x", "nested": put("undeclared property's value")},
            {"query": {"deep": put("value within a value")}},
        )
        for properties in told:
            answer = server.send(hit("/page-0", n="signup", p=properties, x=put("odd key")))
            assert answer.headers["X-Discreet"] == "counted"
        httpx.get(
            f"{server.url}/pixel.gif?d=example.org&u=/page-0" + put("pixel's parameter", "&x={}"),
            headers={"User-Agent": FIREFOX},
        )
        server.wait_for("SELECT sum(views) FROM pages", f"{PAGES + 1}\n")
        yield server


def test_only_declared_statistics_have_views(server: Server) -> None:
    assert server.query("SHOW TABLES") == "campaigns\ncoverage\nevent_properties\npages\nscrubbed\n"


def test_declared_properties_are_counted_by_declared_words_alone(server: Server) -> None:
    columns = "event, property, value, visitors, events"
    server.wait_for(f"SELECT {columns} FROM event_properties ORDER BY ALL", EVENTS)


def test_address_in_a_text_is_masked_and_counted(server: Server) -> None:
    server.wait_for("SELECT mask, visitors, masked FROM scrubbed", "email\t1\t1\n")


def test_purpose_that_needs_consent_is_not_served_without_it(server: Server) -> None:
    assert server.query("SELECT count() FROM campaigns") == "0\n"


def test_what_is_not_declared_is_in_no_file(server: Server, canaries: Canaries) -> None:
    assert canaries.count == 14
    # Confirmed a moment after the views had it; the spool's files are empty then.
    while files_under(server.data)["spool.sqlite-wal"] != b"spool.sqlite-wal\n":
        assert server.query("SELECT count() FROM campaigns") == "0\n"

    things = files_under(server.data) | {"output": server.output.encode()}

    assert canaries.found_in(things) == []
    content = joined(things.values())
    assert b"/page-0" in content
    # Browser, device and network have no statistic here; the engine writes a short text
    # with its length before it.
    for word in (b"Firefox 128", b"127.0.0.0/24", b"\x07desktop", b"\x02eo", b"mail.example"):
        assert word not in content, word


def test_cells_hold_declared_statistics_and_words_alone(server: Server) -> None:
    server.stop()
    try:
        with opened(server.data, read_policy(POLICY, default_policy())) as kept:
            statistics = kept.value("SELECT DISTINCT statistic FROM discreet.cells ORDER BY ALL")
            words = kept.value(
                "SELECT DISTINCT arrayJoin([k1, k2, k3]) FROM discreet.cells"
                " WHERE statistic != '(batch)' ORDER BY ALL"
            )
            collectors = kept.value(
                "SELECT DISTINCT k1 FROM discreet.cells WHERE statistic = '(batch)'"
            )
    finally:
        server.start()

    assert statistics.splitlines() == [
        *("(batch)", "coverage(door,reason)", "event_properties(event,property,value)"),
        *("pages(page)", "scrubbed(mask)"),
    ]
    assert words.splitlines() == [
        *("", "(other)", "/page-0", "/page-1", "/page-2", "<10", "ask :email", "counted", "email"),
        *("event", "pixel", "plan", "pro", "query", "seats", "signup", "undeclared_event"),
    ]
    assert re.fullmatch(r"[a-p]{16}", collectors)  # the spool's own random id, one a collector


def test_what_is_not_declared_does_not_wait_in_the_spool_either() -> None:
    policy = read_policy(POLICY, default_policy())
    row = Line(policy).view("ada", 1_773_140_400, "/page-0", country="DE", source="Google")

    waiting = b"".join(encoded(row))

    assert b"/page-0" in waiting
    for word in (b"Firefox 128", b"192.0.2.0/24", b"desktop", b"Google"):
        assert word not in waiting, word


def test_event_does_not_wait_with_words_that_no_statistic_of_events_has() -> None:
    policy = read_policy(POLICY, default_policy())
    properties = (("plan", "pro"),)
    line = Line(policy)
    # Within a visit, so that the row for the visit is there too.
    line.view("ada", 1_773_140_400, "/page-0")
    rows = line.view(
        "ada", 1_773_140_410, "/page-9", source="Google", event="signup", properties=properties
    )

    waiting = b"".join(encoded(rows))

    assert b"signup" in waiting
    assert b"pro" in waiting
    for word in (b"/page", b"Firefox 128", b"192.0.2.0/24", b"desktop", b"Google"):
        assert word not in waiting, word
