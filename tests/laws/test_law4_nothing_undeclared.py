"""Law 4: a field, purpose or statistic that the policy doesn't name is dropped.

A policy that declares pages and coverage gets hits that carry everything; what it
doesn't name may then stand in no cell and in no file.
"""

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
name = "coverage"
purpose = "audience"
by = ["door", "reason"]
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
        httpx.get(
            f"{server.url}/pixel.gif?d=example.org&u=/page-0" + put("pixel's parameter", "&x={}"),
            headers={"User-Agent": FIREFOX},
        )
        server.wait_for("SELECT sum(views) FROM pages", f"{PAGES + 1}\n")
        yield server


def test_only_declared_statistics_have_views(server: Server) -> None:
    assert server.query("SHOW TABLES") == "campaigns\ncoverage\npages\n"


def test_purpose_that_needs_consent_is_not_served_without_it(server: Server) -> None:
    assert server.query("SELECT count() FROM campaigns") == "0\n"


def test_what_is_not_declared_is_in_no_file(server: Server, canaries: Canaries) -> None:
    assert len(canaries.values) == 7
    # Confirmed a moment after the views had it; the spool's files are empty then.
    while files_under(server.data)["spool.sqlite-wal"] != b"spool.sqlite-wal\n":
        assert server.query("SELECT count() FROM campaigns") == "0\n"

    things = files_under(server.data) | {"output": server.output.encode()}

    assert canaries.found_in(things) == []
    content = joined(things.values())
    assert b"/page-0" in content
    # Browser, device and network have no statistic here; the engine writes a short text
    # with its length before it.
    for word in (b"Firefox 128", b"127.0.0.0/24", b"\x07desktop", b"\x02eo"):
        assert word not in content, word


def test_cells_hold_declared_statistics_and_words_alone(server: Server) -> None:
    server.stop()
    try:
        with opened(server.data, read_policy(POLICY, default_policy())) as kept:
            statistics = kept.value("SELECT DISTINCT statistic FROM discreet.cells ORDER BY ALL")
            words = kept.value(
                "SELECT DISTINCT arrayJoin([k1, k2, k3]) FROM discreet.cells ORDER BY ALL"
            )
    finally:
        server.start()

    assert statistics.splitlines() == ["(batch)", "coverage(door,reason)", "pages(page)"]
    assert words.splitlines() == [
        *("", "/page-0", "/page-1", "/page-2", "counted", "event", "pixel", "undeclared_event")
    ]


def test_what_is_not_declared_does_not_wait_in_the_spool_either() -> None:
    policy = read_policy(POLICY, default_policy())
    row = Line(policy).view("ada", 1_773_140_400, "/page-0", country="DE", source="Google")

    waiting = b"".join(encoded(row))

    assert b"/page-0" in waiting
    for word in (b"Firefox 128", b"192.0.2.0/24", b"desktop", b"Google"):
        assert word not in waiting, word
