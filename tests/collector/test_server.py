"""The running server from outside: hits in, numbers out."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.running import FIREFOX, POLICY, Server, discreet, hit, refusal_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


def test_hit_becomes_numbers_in_every_view_within_three_seconds(fresh: Server) -> None:
    answer = fresh.send(
        hit(
            "/a?utm_source=x&utm_campaign=spring&secret=1",
            r="https://www.google.com/search?q=private",
            w=1440,
            tz="Europe/Berlin",
        )
    )

    assert (answer.status_code, answer.text) == (202, "ok")
    assert answer.headers["X-Discreet"] == "counted"
    fresh.wait_for(
        "SELECT visitors, visits, views, bounces, seconds FROM traffic", "1\t1\t1\t1\t0\n"
    )
    for sql, expected in {
        "SELECT site, page, visitors, views FROM pages": "example.org\t/a\t1\t1\n",
        "SELECT page, visits FROM entry_pages": "/a\t1\n",
        "SELECT page, visits FROM exit_pages": "/a\t1\n",
        "SELECT source, visits FROM sources": "Google\t1\n",
        "SELECT channel, visits FROM channels": "search\t1\n",
        "SELECT referrer, visits FROM referrers": "google.com\t1\n",
        "SELECT campaign, campaign_source, visits FROM campaigns": "spring\tx\t1\n",
        "SELECT country, visitors, views FROM countries": "DE\t1\t1\n",
        "SELECT device, browser, os, views FROM devices": "desktop\tFirefox 128\tLinux\t1\n",
        "SELECT door, reason, hits FROM coverage": "event\tcounted\t1\n",
        "SELECT toDate(hour) = toDate(now('Europe/Berlin')) FROM traffic": "1\n",
    }.items():
        assert fresh.query(sql) == expected, sql


def test_long_names_and_unknown_keys_are_taken(server: Server) -> None:
    answer = server.send(
        {
            "name": "pageview",
            "url": "https://example.org/long-names",
            "domain": "EXAMPLE.org",
            "referrer": None,
            "props": {"plan": "x"},
            "unheard": [1, 2],
        }
    )

    assert (answer.status_code, answer.headers["X-Discreet"]) == (202, "counted")


def test_array_of_a_hundred_hits_counts_a_hundred(fresh: Server) -> None:
    answer = fresh.send(*(hit(f"/{number}") for number in range(100)))

    assert (answer.status_code, answer.headers["X-Discreet"]) == (202, "counted")
    fresh.wait_for("SELECT sum(views), uniqExact(page) FROM pages", "100\t100\n")


@pytest.mark.parametrize("door", ["event", "pixel"])
@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        pytest.param({"DNT": "1"}, "refused opted_out_dnt", id="DNT 1"),
        pytest.param({"DNT": "1x"}, "refused opted_out_dnt", id="DNT 1 with an extension"),
        pytest.param({"DNT": "0"}, "counted", id="DNT 0"),
        pytest.param({"Sec-GPC": "1"}, "refused opted_out_gpc", id="GPC 1"),
        pytest.param({"Sec-GPC": "0"}, "counted", id="GPC 0"),
        pytest.param({"Sec-GPC": "1x"}, "counted", id="GPC knows no extension"),
        pytest.param({"Sec-Purpose": "prefetch"}, "refused prefetch", id="prefetch"),
        pytest.param({"User-Agent": "Googlebot/2.1"}, "refused bot", id="bot"),
        pytest.param({}, "counted", id="no signal"),
    ],
)
def test_every_door_obeys_the_signals(
    server: Server, door: str, headers: dict[str, str], outcome: str
) -> None:
    headers = {"User-Agent": FIREFOX, **headers}
    if door == "event":
        answer = httpx.post(f"{server.url}/api/event", json=hit(), headers=headers)
    else:
        answer = httpx.get(f"{server.url}/pixel.gif?d=example.org&u=/a", headers=headers)

    assert answer.headers["X-Discreet"] == outcome


def test_refused_hit_leaves_one_number_and_nothing_else(fresh: Server) -> None:
    fresh.send(hit("/private"), Sec_GPC="1")
    fresh.send(hit("/private"), Sec_GPC="1")

    fresh.wait_for("SELECT door, reason, hits FROM coverage", "event\topted_out_gpc\t2\n")
    assert fresh.query("SELECT count() FROM traffic") == "0\n"
    assert fresh.query("SELECT count() FROM pages") == "0\n"


def test_pixel_is_a_gif_of_43_bytes_that_no_cache_keeps(server: Server) -> None:
    answer = httpx.get(
        f"{server.url}/pixel.gif?d=example.org&u=/p", headers={"User-Agent": FIREFOX}
    )

    assert (answer.status_code, len(answer.content)) == (200, 43)
    assert answer.content.startswith(b"GIF89a")
    assert answer.headers["Content-Type"] == "image/gif"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "etag" not in answer.headers
    assert "set-cookie" not in answer.headers


def test_pixel_reads_the_page_from_the_referer_header(fresh: Server) -> None:
    httpx.get(
        f"{fresh.url}/pixel.gif?d=example.org",
        headers={"User-Agent": FIREFOX, "Referer": "https://example.org/from-header?x=1"},
    )

    fresh.wait_for("SELECT page, views FROM pages", "/from-header\t1\n")


COUNTED = "SELECT sum(hits) FROM coverage WHERE reason = 'counted'"
GOOD = '{"n":"pageview","u":"https://example.org/good","d":"example.org"}'
CANARY = "canary6f1d"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        pytest.param(f'{{"n": "{CANARY}', 400, "body", id="malformed JSON"),
        pytest.param("", 400, "body", id="empty body"),
        pytest.param(f'"{CANARY}"', 400, "body", id="JSON of the wrong shape"),
        pytest.param("[]", 400, "body", id="no hits"),
        pytest.param(f"[{','.join([GOOD] * 101)}]", 400, "body", id="101 hits"),
        pytest.param("[" * 5_000, 400, "body", id="deeply nested"),
        pytest.param('{"u":"https://example.org/","d":"example.org"}', 400, "name", id="no name"),
        pytest.param('{"n":"pageview","d":"example.org"}', 400, "url", id="no url"),
        pytest.param('{"n":"pageview","u":"/a"}', 400, "domain", id="no domain"),
        pytest.param('{"n":["x"],"u":"/a","d":"example.org"}', 400, "name", id="name no text"),
        pytest.param('{"n":"pageview","u":7,"d":"example.org"}', 400, "url", id="url no text"),
        pytest.param('{"n":"pageview","u":"/a","d":{}}', 400, "domain", id="domain no text"),
        pytest.param(
            '{"n":"pageview","u":"/a","d":"example.org","w":"wide"}', 400, "w", id="width no number"
        ),
        pytest.param(
            f'{{"n":"pageview","u":"/a","d":"{CANARY}.example"}}', 400, "domain", id="unknown site"
        ),
        pytest.param(
            f'{{"n":"pageview","u":"https://example.org/{CANARY * 2_000}","d":"example.org"}}',
            400,
            "url",
            id="url of 20 kB",
        ),
        pytest.param(
            f'{{"n":"pageview","u":"data:text/html,{CANARY}","d":"example.org"}}',
            400,
            "url",
            id="url that is no page",
        ),
        pytest.param(
            f'{{"n":"{CANARY * 20}","u":"/a","d":"example.org"}}', 400, "name", id="long name"
        ),
        pytest.param(
            b'{"n":"pageview","u":"/\xff\xfe","d":"example.org"}', 400, "body", id="bad UTF-8"
        ),
        pytest.param(f'{{"n":"{CANARY * 100_000}"}}', 413, "body", id="body of 1 MB"),
        pytest.param(f'[{GOOD},{{"n":"pageview","u":3}}]', 400, "[1].url", id="one bad among good"),
        pytest.param(
            f'[{GOOD},{{"n":"pageview","u":"data:{CANARY}","d":"example.org"}}]',
            400,
            "url",
            id="one unreadable page among good",
        ),
    ],
)
def test_bad_request_names_the_field_echoes_nothing_and_counts_nothing(
    server: Server, body: str | bytes, status: int, field: str
) -> None:
    answer = httpx.post(f"{server.url}/api/event", content=body, headers={"User-Agent": FIREFOX})

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    assert field in answer.json()["field"]
    assert CANARY not in answer.text
    # Hits reach the views in the order in which they were kept.
    before = int(server.query(COUNTED))
    server.send(hit("/beside"))
    server.wait_for(f"SELECT ({COUNTED}) > {before}", "1\n")
    assert server.query(f"SELECT ({COUNTED}) - {before}") == "1\n"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param("u=/a", "domain", id="no site"),
        pytest.param("d=nowhere.example&u=/a", "domain", id="unknown site"),
        pytest.param("d=example.org", "url", id="no page and no referer"),
        pytest.param("d=example.org&u=%ff", "query", id="bad UTF-8"),
        pytest.param("d=example.org&u=" + "x" * 5_000, "url", id="long page"),
    ],
)
def test_bad_pixel_names_the_field(server: Server, query: str, field: str) -> None:
    answer = httpx.get(f"{server.url}/pixel.gif?{query}", headers={"User-Agent": FIREFOX})

    assert answer.status_code == 400
    assert field in answer.json()["field"]


def test_forwarded_address_of_a_stranger_is_not_believed(fresh: Server) -> None:
    for number in range(3):
        fresh.send(
            hit(), X_Forwarded_For=f"203.0.113.{number}", Forwarded=f"for=203.0.113.{number}"
        )

    fresh.wait_for("SELECT sum(visitors), sum(views) FROM traffic", "1\t3\n")
    # Kept for 90 days, so in another partition, which may show a moment later.
    fresh.wait_for("SELECT network FROM networks", "127.0.0.0/24\n")


def test_page_of_another_origin_may_send_and_read_the_outcome(server: Server) -> None:
    preflight = httpx.options(
        f"{server.url}/api/event",
        headers={
            "Origin": "https://example.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    answer = server.send(hit(), Origin="https://example.org")

    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Headers"] == "content-type"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "x-discreet" in answer.headers["Access-Control-Expose-Headers"]
    assert "access-control-allow-credentials" not in answer.headers


def test_tag_and_health_are_served(server: Server) -> None:
    tag = httpx.get(f"{server.url}/tag.js")

    assert tag.headers["Content-Type"].startswith("text/javascript")
    assert b"sendBeacon" in tag.content or b"fetch" in tag.content
    assert "etag" not in tag.headers
    assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}


def test_query_answers_alike_whether_the_server_runs_or_not(fresh: Server) -> None:
    fresh.send(hit())
    sql = "SELECT page, views FROM pages"
    fresh.wait_for(sql, "/a\t1\n")

    assert fresh.stop() == 0

    assert fresh.query(sql) == "/a\t1\n"
    as_json = discreet("query", "--data", fresh.data, "--format", "JSONEachRow", sql)
    assert json.loads(as_json.stdout) == {"page": "/a", "views": 1}


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO discreet.cells (site) VALUES ('x')",
        "DROP VIEW pages",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT nonsense FROM pages",
        "not SQL at all",
    ],
)
def test_query_that_writes_reaches_out_or_makes_no_sense_fails_in_one_line(
    fresh: Server, sql: str, running: bool
) -> None:
    if not running:
        fresh.stop()

    refusal_of("query", "--data", fresh.data, sql)


def test_second_process_on_the_data_directory_says_so_in_one_line(server: Server) -> None:
    for command in (
        ("serve", "--policy", server.policy, "--port", "0"),
        ("import", "-", "--site", "example.org"),
    ):
        assert "in use" in refusal_of(*command, "--data", server.data)


def test_address_in_use_is_said_in_one_line(server: Server, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]

    refusal = refusal_of(
        "serve", "--policy", server.policy, "--data", tmp_path / "data", "--port", port
    )

    assert port in refusal


def test_faulty_policy_stops_the_start_with_every_fault(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY.replace("Europe/Berlin", "Europe/Atlantis") + "colour = 1\n")

    answer = discreet("serve", "--policy", policy, "--data", tmp_path / "data", "--port", "0")

    assert answer.returncode == 2
    assert b"line 11" in answer.stderr
    assert b"line 12" in answer.stderr
    assert not (tmp_path / "data").exists()


def test_term_signal_drains_what_was_answered(fresh: Server) -> None:
    for number in range(20):
        assert fresh.send(hit(f"/{number}")).status_code == 202

    assert fresh.stop() == 0

    assert fresh.query("SELECT sum(views) FROM pages") == "20\n"
    assert not (fresh.data / "query.sock").exists()


def test_restart_goes_on_counting_on_the_same_data(fresh: Server) -> None:
    fresh.send(hit("/a"))
    fresh.stop()
    fresh.start()
    fresh.send(hit("/b"))

    fresh.wait_for("SELECT page, views FROM pages ORDER BY page", "/a\t1\n/b\t1\n")
    assert "password" not in fresh.output.partition("Stop it")[2]


def test_policy_that_declares_less_takes_the_view_away(fresh: Server) -> None:
    fresh.send(hit("/a"))
    fresh.stop()
    fresh.policy.write_text(
        POLICY.replace('extends = "default"\n', "").replace('version = "1"', 'version = "2"')
        + '[[purpose]]\nid = "all"\ntitle = "All"\nclause = "1"\nbasis = "exempt"\n'
        '[[statistic]]\nname = "pages"\npurpose = "all"\nby = ["page"]\n'
        '[[statistic]]\nname = "coverage"\npurpose = "all"\nby = ["door", "reason"]\n'
    )
    fresh.start()

    assert fresh.query("SELECT page, views FROM pages") == "/a\t1\n"
    assert discreet("query", "--data", fresh.data, "SELECT * FROM sources").returncode == 2


def test_statistic_told_apart_by_other_words_begins_anew(fresh: Server) -> None:
    fresh.send(hit("/a"))
    fresh.wait_for("SELECT page, views FROM pages", "/a\t1\n")
    fresh.stop()
    other = POLICY.replace('version = "1"', 'version = "2"')
    fresh.policy.write_text(other + '[[statistic]]\nname = "pages"\nby = ["page", "device"]\n')
    fresh.start()

    assert fresh.query("SELECT count() FROM pages") == "0\n"
    fresh.send(hit("/b"))
    fresh.wait_for("SELECT page, device, views FROM pages", "/b\tdesktop\t1\n")


def test_group_sizes_of_the_default_hide_a_lone_visitors_page(tmp_path: Path) -> None:
    with Server(tmp_path, POLICY.replace("min_group = 1\n", "")) as server:
        for number in range(3):
            server.send(hit("/common"), agent=f"{FIREFOX} {number}")
        server.send(hit("/lonely"), agent=FIREFOX)

        server.wait_for(
            "SELECT page, visitors, views FROM pages ORDER BY page",
            "(other)\t1\t1\n/common\t3\t3\n",
        )
        assert server.query("SELECT sum(visitors), sum(views) FROM traffic") == "4\t4\n"


def test_gzip_log_on_standard_input_is_imported(tmp_path: Path) -> None:
    line = (
        '192.0.2.7 - - [17/May/2026:23:30:00 +0000] "GET /page HTTP/1.1" 200 512'
        f' "https://www.google.com/" "{FIREFOX}"\n'
    )
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)

    answer = discreet(
        *("import", "-", "--site", "example.org", "--policy", policy, "--data", tmp_path / "data"),
        stdin=gzip.compress(line.encode()),
    )

    assert answer.returncode == 0, answer.stderr
    found = discreet("query", "--data", tmp_path / "data", "SELECT day, page, views FROM pages")
    assert found.stdout == b"2026-05-18\t/page\t1\n"


def test_damaged_spool_is_said_in_one_line(fresh: Server) -> None:
    fresh.send(hit())
    fresh.stop()
    (fresh.data / "spool.sqlite").write_bytes(b"no database" * 1_000)

    for command in (
        ("serve", "--policy", fresh.policy, "--port", "0"),
        ("query", "SELECT 1"),
    ):
        assert "spool.sqlite is damaged" in refusal_of(*command, "--data", fresh.data)
