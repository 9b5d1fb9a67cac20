"""The privacy page of a running collector: what came in, what was refused, withheld and checked."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser

import httpx
import pytest

from tests.running import FIREFOX, POLICY, Server, discreet, hit

GROUP = 5
TWO_SITES = (
    POLICY.replace("min_group = 1", f"min_group = {GROUP}")
    + """
[[site]]
domain = "other.example"
timezone = "UTC"
"""
)
VISITORS = 8
PRIVACY = "/dashboard/privacy?period=7d"


class Cells(HTMLParser):
    """Reads the rows of a page's tables: the texts of their cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._is_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._is_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._is_cell = self._is_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._is_cell:
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data}".strip()


def rows_of(page: str) -> dict[str, list[str]]:
    """Return the cells of each row by its first; the first table that has it counts."""
    found: dict[str, list[str]] = {}
    for first, *cells in Cells(page).rows:
        found.setdefault(first, cells)
    return found


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("privacy"), TWO_SITES) as server:
        for number in range(VISITORS):
            page = "/often" if number else "/once"
            server.send(
                hit(page), hit("/u/ada@mail.example"), agent=f"{FIREFOX} {number}"
            ).raise_for_status()
        for _ in range(3):
            server.send(hit("/a"), DNT="1").raise_for_status()
        for _ in range(2):
            server.send(hit("/a"), Sec_GPC="1").raise_for_status()
        for _ in range(3):
            server.send(hit("/a"), agent="Googlebot/2.1").raise_for_status()
        pixel = {"d": "example.org", "u": "https://example.org/a"}
        httpx.get(
            f"{server.url}/pixel.gif", params=pixel, headers={"User-Agent": "Googlebot/2.1"}
        ).raise_for_status()
        server.wait_for("SELECT sum(hits) FROM coverage", f"{2 * VISITORS + 9}\n")
        yield server


def log_in(client: httpx.Client, name: str, password: str) -> None:
    token = re.search(r'name="token" value="([^"]+)"', client.get("/dashboard/login").text)
    assert token
    form = {"token": token[1], "name": name, "password": password}
    assert client.post("/dashboard/login", data=form).status_code == 303


def browser(server: Server) -> httpx.Client:
    # The table of statistics asks every view: under a second, but for a machine with much to do.
    return httpx.Client(base_url=server.url, headers={"Accept-Language": "en"}, timeout=30)


@pytest.fixture(scope="module")
def owner(server: Server) -> Iterator[httpx.Client]:
    found = re.search(r"login +(\S+) +password (\S+)", server.output)
    assert found
    with browser(server) as client:
        log_in(client, found[1], found[2])
        yield client


@pytest.fixture(scope="module")
def officer(server: Server) -> Iterator[httpx.Client]:
    """Give a reader who may see the second site alone."""
    made = discreet(
        *("user", "add", "officer", "--role", "auditor", "--site", "other.example"),
        *("--data", server.data),
    )
    found = re.search(r"^password (\S+) ", made.stdout.decode(), re.MULTILINE)
    assert found, made.stderr
    with browser(server) as client:
        log_in(client, "officer", found[1])
        yield client


@pytest.fixture(scope="module")
def page(owner: httpx.Client) -> str:
    answer = owner.get(PRIVACY)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(
    ("reason", "hits", "share"),
    [("Bots", "4", "16%"), ("Do Not Track", "3", "12%"), ("Global Privacy Control", "2", "8%")],
)
def test_refused_hits_show_by_reason_with_their_shares(
    page: str, reason: str, hits: str, share: str
) -> None:
    assert rows_of(page)[reason] == [hits, share]


@pytest.mark.parametrize(
    ("door", "cells"),
    [("The tag", ["24", "8", "33%"]), ("The pixel", ["1", "1", "100%"])],
)
def test_refused_hits_show_by_door_with_their_shares(
    page: str, door: str, cells: list[str]
) -> None:
    assert rows_of(page)[door] == cells


def test_refused_hits_are_told_in_all(page: str) -> None:
    assert "9 of 25 hits were refused: 36%." in text_of(page)


def test_scrubbed_addresses_show_and_are_nowhere(page: str) -> None:
    assert rows_of(page)["E-mail addresses"] == [str(VISITORS), str(VISITORS)]
    assert "ada" not in page


def test_policy_in_force_is_told_with_its_hash(server: Server, page: str) -> None:
    assert sha256(server.policy.read_bytes()).hexdigest() in page
    assert '<a href="/privacy">' in page
    assert httpx.get(f"{server.url}/privacy").status_code == 200


def test_withheld_visitors_show_by_statistic(owner: httpx.Client) -> None:
    rows = rows_of(owner.get("/dashboard/privacy/statistics?period=7d").text)

    *_, counted, hidden, dayless = rows["pages"]
    assert (counted, hidden, dayless) == ("16", "1 (6.2%)", "0 (0%)")
    assert rows["sources"][-2] == "0 (0%)"
    assert rows["pages"][1:3] == [str(GROUP), "750"]


def test_numbers_are_those_of_the_views(server: Server, owner: httpx.Client) -> None:
    rows = rows_of(owner.get("/dashboard/privacy/statistics?period=7d").text)

    hidden = server.query("SELECT sum(visitors) FROM pages WHERE page = '(other)'")
    assert rows["pages"][-2].startswith(hidden.strip())


def test_what_is_kept_of_all_sites_is_there_from_the_second_look_on(owner: httpx.Client) -> None:
    deadline = time.monotonic() + 30
    page = ""
    while "Oldest" not in page and time.monotonic() < deadline:
        page = owner.get("/dashboard/privacy/statistics").text

    taken = "Cells that the next run takes: 0 whose time is over, 0 of groups too small."
    assert taken in text_of(page)
    of_pages = rows_of(page)["pages"]
    assert len(of_pages) == len(rows_of(page)["sources"]) == 8
    assert str(datetime.now(UTC).year) in of_pages[4]


def test_language_of_the_address_is_kept(owner: httpx.Client) -> None:
    answer = owner.get(f"{PRIVACY}&lang=en")

    assert "language=en" in answer.headers["set-cookie"]


def test_last_run_of_the_checks_shows(server: Server, owner: httpx.Client) -> None:
    assert "Nobody has run them" in owner.get(PRIVACY).text

    assert discreet("doctor", "--privacy", "--data", server.data).returncode == 0

    page = owner.get(PRIVACY).text
    assert "Nobody has run them" not in page
    checks = rows_of(page)
    assert checks["only tables that Discreet makes"][0] == "holds"
    assert checks["only tables that Discreet makes"][1]


def test_receipts_of_today_and_small_numbers_are_not_told(
    server: Server, owner: httpx.Client
) -> None:
    sent = {
        "site": "example.org",
        "version": "1",
        "purposes": ["audience"],
        "state": "given",
        "language": "en",
    }
    answer = httpx.post(f"{server.url}/api/consent", content=json.dumps(sent))
    assert answer.status_code < 300, answer.text

    row = rows_of(owner.get(PRIVACY).text)["All receipts, whatever they name"]
    assert row == [f"< {GROUP}"] * 3


def test_site_that_may_not_be_seen_is_not_told_of(officer: httpx.Client) -> None:
    for path in ("privacy", "privacy/statistics", "live"):
        answer = officer.get(f"/dashboard/{path}?site=example.org")
        assert answer.status_code == 400, path
        assert "example.org" not in answer.text


def test_own_site_is_told_of_and_nothing_of_all_sites(
    server: Server, officer: httpx.Client
) -> None:
    assert discreet("doctor", "--privacy", "--data", server.data).returncode == 0

    page = officer.get(PRIVACY).text
    statistics = officer.get("/dashboard/privacy/statistics?period=7d").text

    assert "No hit came in." in page
    assert rows_of(page)["only tables that Discreet makes"] == ["holds", ""]
    assert "example.org" not in (page + statistics).replace("privacy@example.org", "")
    assert rows_of(statistics)["pages"][-3:] == ["0", "", ""]
    assert "Oldest" not in statistics
    assert "of all sites" not in statistics


def test_live_visitors_are_told_in_bounds_on_the_overview_and_by_json(
    owner: httpx.Client,
) -> None:
    told = owner.get("/dashboard/live?site=example.org").json()["text"]

    bounds = [int(number) for number in re.findall(r"\d+", told)]
    # With 8 visitors and a size of 5, the step may lie before or behind them.
    assert bounds in ([5, 13], [9])
    overview = owner.get("/dashboard?site=example.org").text
    assert 'data-live="/dashboard/live?site=example.org&amp;lang=en"' in overview
    assert re.search(r"(fewer than \d+|\d+ to \d+) visitors now", overview)


def test_live_visitors_of_a_site_without_any_are_fewer_than_may_be_told(
    owner: httpx.Client,
) -> None:
    told = owner.get("/dashboard/live?site=other.example&lang=en").json()

    assert told == {"text": "fewer than 9 visitors now"}


@pytest.mark.parametrize("query", ["", "?site=nobody.example", "?site=example.org&x=1"])
def test_address_that_asks_for_nothing_is_told_in_a_sentence(
    owner: httpx.Client, query: str
) -> None:
    answer = owner.get(f"/dashboard/live{query}")

    assert answer.status_code == 400
    assert "nobody.example" not in answer.text


@pytest.mark.parametrize("path", ["privacy", "privacy/statistics", "live?site=example.org"])
def test_stranger_is_sent_to_the_login(server: Server, path: str) -> None:
    answer = httpx.get(f"{server.url}/dashboard/{path}")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/dashboard/login")


def test_trail_tells_who_looked_and_live_once(server: Server, owner: httpx.Client) -> None:
    for _ in range(3):
        owner.get("/dashboard/live?site=example.org")

    lines = [
        json.loads(line)
        for path in sorted((server.data / "audit").glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    mine = [line["report"] for line in lines if line.get("site") == "example.org"]
    assert mine.count("live visitors") in (1, 2)  # once more where the hour ended meanwhile
    assert "privacy" in mine
    assert "withheld groups" in mine
