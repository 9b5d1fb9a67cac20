"""The doors of e-mail from outside: a real server, before and after its spool breaks."""

import http.client
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from anonymizer.policy_file import read_policy
from collector.doors import PIXEL
from collector.email.campaigns import Campaigns
from collector.email.targets import read_target
from collector.reference import default_policy
from tests.running import FIREFOX, POLICY, Server, discreet, hit, refusal_of

SITES = {
    "opt-in.example": 'consent = "opt-in"',
    "kids.example": "child_directed = true",
    "school.example": 'child_paths = ["/kids"]',
}
POLICY_OF_SITES = POLICY + "".join(
    f'\n[[site]]\ndomain = "{domain}"\ntimezone = "UTC"\n{line}\n' for domain, line in SITES.items()
)
POLICY_OF_SITES += '\n[[goal]]\nname = "called"\nevent = "Phone Click"\n'
LANDING = "https://example.org/offer?a=1#b"
ELSEWHERE = "https://shop.example/"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


def register(server: Server) -> None:
    """Register a campaign for each site, as `discreet email` does beside a running server."""
    policy = read_policy(POLICY_OF_SITES, default_policy())
    campaigns = Campaigns(server.data / "email.sqlite", policy)
    for name, site in (
        ("spring", "example.org"),
        ("asked", "opt-in.example"),
        ("toys", "kids.example"),
        ("lessons", "school.example"),
    ):
        campaign = campaigns.add(name, "", site, 0)
        urls = [f"https://{site}/", f"https://{site}/kids/games"]
        if name == "spring":
            urls = [LANDING, ELSEWHERE]
            campaigns.add(name, "B", site, 0)
        campaigns.number(campaign, [read_target(url) for url in urls])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("mail"), POLICY_OF_SITES) as server:
        register(server)
        yield server


def ask(
    server: Server, path: str, method: str = "GET", agent: str = FIREFOX, **headers: str
) -> httpx.Response:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.request(method, f"{server.url}{path}", headers={"User-Agent": agent, **told})


@pytest.mark.parametrize("code", ["spring", "spring.B"])
def test_pixel_is_a_picture_that_nobody_keeps(server: Server, code: str) -> None:
    answer = ask(server, f"/e/{code}/open.gif")

    assert (answer.status_code, answer.content) == (200, PIXEL)
    assert len(answer.content) == 43
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-discreet"] == "counted"
    assert {"set-cookie", "etag", "last-modified"}.isdisjoint(answer.headers)


def test_link_leads_to_what_was_registered(server: Server) -> None:
    answer = ask(server, "/e/spring.B/1")

    assert answer.status_code == 302
    assert answer.headers["location"] == (
        "https://example.org/offer?a=1&utm_campaign=spring&utm_medium=email&utm_content=B#b"
    )
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.content == b""
    assert {"set-cookie", "etag"}.isdisjoint(answer.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/e/spring/3",
        "/e/spring/0",
        "/e/spring/01",
        "/e/spring/1/",
        "/e/spring/",
        "/e/spring",
        "/e/",
        "/e/Spring/1",
        "/e/spring.C/1",
        "/e/autumn/1",
        "/e/autumn/open.gif",
        "/e/spring/https://evil.example/",
        "/e/spring//evil.example",
        "/e/spring/%2F%2Fevil.example",
        "/e/spring/3?url=https://evil.example/",
        "/e/spring/3%0d%0aLocation:%20https:%2F%2Fevil.example",
        "/e/../e/spring/9",
    ],
)
def test_what_is_not_registered_is_not_found(server: Server, path: str) -> None:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
    connection.request("GET", path)  # as written: a client would tidy it up
    answer = connection.getresponse()

    assert answer.status == 404
    assert answer.getheader("location") is None
    assert answer.read() == b""
    connection.close()


def test_request_cannot_change_where_a_link_leads(server: Server) -> None:
    path = "/e/spring/2?url=https://evil.example/&u=//evil.example"
    answer = ask(server, path, Host="evil.example", X_Forwarded_Host="evil.example")

    assert answer.headers["location"] == ELSEWHERE


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(server: Server, method: str) -> None:
    answer = ask(server, "/e/spring/1", method)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert "location" not in answer.headers


@pytest.mark.parametrize("path", ["/e/spring/open.gif", "/e/spring/1"])
def test_head_has_the_headers_and_no_body(server: Server, path: str) -> None:
    got, headed = ask(server, path), ask(server, path, "HEAD")

    assert headed.status_code == got.status_code
    assert headed.content == b""
    assert {**headed.headers, "date": ""} == {**got.headers, "date": ""}


REFUSED: list[tuple[str, str, dict[str, str], str]] = [
    ("spring", "", {"DNT": "1"}, "opted_out_dnt"),
    ("spring", "", {"Sec_GPC": "1"}, "opted_out_gpc"),
    ("spring", "", {"Cookie": "discreet_opt_out=1"}, "opted_out"),
    ("spring", "?t=forged", {}, "opted_out"),
    ("spring", "?t=", {}, "opted_out"),
    ("asked", "", {}, "no_consent"),
    ("toys", "", {}, "child"),
]


def test_refused_hit_still_has_its_picture_and_its_page(server: Server) -> None:
    for code, query, headers, reason in REFUSED:
        picture = ask(server, f"/e/{code}/open.gif{query}", **headers)
        page = ask(server, f"/e/{code}/1{query}", **headers)

        assert picture.content == PIXEL, reason
        assert page.status_code == 302, reason
        assert page.headers["location"], reason
        assert picture.headers["x-discreet"] == f"refused {reason}"

    twice = Counter(reason for *_, reason in (*REFUSED, *REFUSED))
    server.wait_for(
        "SELECT reason, sum(hits) FROM coverage WHERE reason != 'counted'"
        " GROUP BY reason ORDER BY reason",
        "".join(f"{reason}\t{hits}\n" for reason, hits in sorted(twice.items())),
    )
    opened = "SELECT sum(opens) + sum(clicks) FROM email"
    counted = "SELECT sum(hits) FROM coverage WHERE door = 'email' AND reason = 'counted'"
    assert server.query(f"SELECT ({opened}) = ({counted})") == "1\n"


def test_link_to_a_page_for_children_is_not_counted(server: Server) -> None:
    for link in ("2", "1"):
        assert ask(server, f"/e/lessons/{link}").status_code == 302

    server.wait_for(
        "SELECT reason, sum(hits) FROM coverage WHERE site = 'school.example'"
        " GROUP BY reason ORDER BY reason",
        "child\t1\ncounted\t1\n",
    )


def test_proxies_and_scanners_are_counted_as_what_they_are(server: Server) -> None:
    sql = "SELECT sum(opens), sum(clicks) FROM email WHERE mail_kind = '{}'"
    kinds = {"gmail_proxy": GMAIL, "apple_privacy": "Mozilla/5.0"}

    for agent in kinds.values():
        assert ask(server, "/e/spring/open.gif", agent=agent).headers["x-discreet"] == "counted"

    for kind in kinds:
        server.wait_for(sql.format(kind), "1\t0\n")
    assert server.query("SELECT count() FROM bots") == "0\n"


def test_landing_page_carries_the_campaign_of_the_click(server: Server) -> None:
    page = ask(server, "/e/spring.B/1", agent=f"{FIREFOX} landing").headers["location"]
    view = hit(u=page)
    assert server.send(view, agent=f"{FIREFOX} landing").headers["x-discreet"] == "counted"

    server.wait_for(
        "SELECT campaign, campaign_medium, sum(visits), sum(views) FROM campaigns GROUP BY ALL",
        "spring\temail\t1\t1\n",
    )
    assert server.query("SELECT campaign_content FROM campaign_contents") == "B\n"
    assert server.query("SELECT channel, sum(visits) FROM channels GROUP BY ALL") == "email\t1\n"
    assert server.query("SELECT sum(visits), sum(views) FROM traffic") == "1\t1\n"

    server.send(hit("/contact", n="Phone Click"), agent=f"{FIREFOX} landing")
    server.send(hit("/contact", n="Phone Click"), agent=f"{FIREFOX} another")
    server.wait_for("SELECT goal, visitors, conversions FROM goals", "called\t2\t2\n")
    by_campaign = "SELECT goal, campaign, visitors, conversions FROM goals_by_campaign"
    assert server.query(by_campaign) == "called\tspring\t1\t1\n"


def test_deliveries_are_told_running_and_stopped(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Server(tmp_path_factory.mktemp("told"), POLICY_OF_SITES) as server:
        register(server)
        for number in range(3):
            ask(server, "/e/spring/open.gif", agent=f"{FIREFOX} {number}")
        ask(server, "/e/spring/1", agent=f"{FIREFOX} 0")
        ask(server, "/e/spring/open.gif", agent=GMAIL)
        command = ("email", "delivered", "spring")
        running = discreet(*command, "6", "--data", server.data)
        assert (running.returncode, running.stdout) == (0, b"6 delivered of spring\n")
        server.wait_for("SELECT sum(delivered) FROM email_delivered", "6\n")

        assert server.stop() == 0
        day = (datetime.now(UTC).date() - timedelta(days=300)).isoformat()
        stopped = discreet(*command, "2", "--day", day, "--data", server.data)
        assert (stopped.returncode, stopped.stdout) == (0, b"2 delivered of spring\n")
        assert server.query(f"SELECT sum(delivered) FROM email WHERE day = '{day}'") == "2\n"

        rates = discreet("email", "rates", "spring", "--data", server.data)
        assert rates.returncode == 0, rates.stderr
        row = next(line for line in rates.stdout.decode().splitlines() if "spring" in line)
        wanted = ["spring", "8", "3", "1", "37.5%", "to", "50.0%", "1", "12.5%"]
        assert [word for word in row.split() if word != "│"] == wanted

        for arguments, told in (
            (("-5",), "delivered: must be a whole number from 1 to 100000000"),
            (("5", "--day", "2999-01-01"), "day: must not be in the future"),
            (("5", "--variant", "Z"), "campaign: is not registered, or not in this variant"),
        ):
            assert refusal_of(*command, *arguments, "--data", server.data) == told


def test_deliveries_are_told_by_the_api(server: Server) -> None:
    made = discreet("key", "add", "mailer", "--scope", "email", "--data", server.data)
    key = {"Authorization": f"Bearer {made.stdout.decode().strip()}"}
    path = f"{server.url}/api/v1/email/campaigns/{{}}/delivered"

    told = httpx.post(path.format("spring.B"), json={"delivered": 40}, headers=key)
    assert (told.status_code, told.json()) == (201, {"code": "spring.B", "delivered": 40})
    server.wait_for("SELECT variant, sum(delivered) FROM email_delivered GROUP BY ALL", "B\t40\n")

    for code, sent, status in (
        ("spring.B", {"delivered": 0}, 400),
        ("spring.B", {"delivered": "many"}, 400),
        ("spring.B", {"delivered": 1, "day": "2999-01-01"}, 400),
        ("spring.C", {"delivered": 1}, 404),
    ):
        assert httpx.post(path.format(code), json=sent, headers=key).status_code == status
    assert httpx.post(path.format("spring"), json={"delivered": 1}).status_code == 401


def test_clicks_answered_before_a_planned_stop_are_counted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with Server(tmp_path_factory.mktemp("stopped"), POLICY_OF_SITES) as server:
        register(server)
        assert ask(server, "/e/spring/1").status_code == 302
        spool = sqlite3.connect(server.data / "spool.sqlite", isolation_level=None)
        spool.execute("BEGIN IMMEDIATE")  # as long as a slow disk takes
        for version in range(120, 125):
            answer = ask(server, "/e/spring/1", agent=FIREFOX.replace("128", str(version)))
            assert answer.status_code == 302
        with ThreadPoolExecutor(1) as thread:
            stopping = thread.submit(server.stop)
            until = time.monotonic() + 10
            while (server.data / "query.sock").exists():  # the first thing that ends
                assert time.monotonic() < until
            spool.execute("ROLLBACK")
            spool.close()
            assert stopping.result() == 0
        server.start()
        counted = "SELECT sum(hits) FROM coverage WHERE door = 'email' AND reason = 'counted'"
        server.wait_for(counted, "6\n")


def test_page_is_reached_though_the_hit_cannot_be_kept(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with Server(tmp_path_factory.mktemp("broken"), POLICY_OF_SITES) as server:
        register(server)
        assert server.send(hit()).status_code == 202
        # Another connection holds the write lock, as a full disk would fail every commit.
        for name in ("spool.sqlite-wal", "spool.sqlite-shm", "spool.sqlite"):
            (server.data / name).write_bytes(b"no database")

        page, picture = ask(server, "/e/spring/1"), ask(server, "/e/spring/open.gif")

        assert page.status_code == 302
        assert page.headers["location"].startswith("https://example.org/offer?")
        assert picture.content == PIXEL
        assert "x-discreet" not in picture.headers
        server.kill()
