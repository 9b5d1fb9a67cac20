"""`/unsubscribe/TOKEN`, as mail services, scanners and people ask for it."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from collector.email.unsubscribe_page import MAX_WRONG_PER_NETWORK
from tests.collector.email.mailing import (
    ORIGIN,
    add_campaign,
    ask_email,
    email,
    make_unsubscribing,
    one_click,
    unsubscribed,
)
from tests.running import Server

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(
        tmp_path_factory.mktemp("unsubscribe"), options=("--trusted-proxy", "127.0.0.0/8")
    ) as server:
        add_campaign(server.data)
        yield server


class Links:
    """Unsubscribe links; each test has recipients of its own."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._made = 0
        self.reference = ""

    def new(self) -> str:
        self._made += 1
        self.reference = f"page-{self._made}"
        return make_unsubscribing(self._data, self.reference)


@pytest.fixture(scope="module")
def links(server: Server) -> Links:
    return Links(server.data)


def from_elsewhere(host: int) -> dict[str, str]:
    """Be a sender in a network of the test's own, as a proxy tells it."""
    return {"X-Forwarded-For": f"198.51.{host}.7"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing(server: Server, links: Links, method: str) -> None:
    answer = httpx.request(method, server.url + links.new())
    assert answer.status_code == 200
    assert ("<form" in answer.text) == (method == "GET")
    assert links.reference not in unsubscribed(server.data)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_no_other_method_unsubscribes(server: Server, links: Links, method: str) -> None:
    answer = httpx.request(method, server.url + links.new(), data=None)
    assert answer.status_code == 405
    assert links.reference not in unsubscribed(server.data)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param(FORM, b"List-Unsubscribe=One-Click", id="urlencoded"),
        pytest.param(f"{FORM}; charset=utf-8", b"List-Unsubscribe=One-Click", id="charset"),
        pytest.param(
            "multipart/form-data; boundary=b1",
            b'--b1\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
            b"One-Click\r\n--b1--\r\n",
            id="multipart",
        ),
        pytest.param(
            'multipart/form-data; boundary="b 1"',
            b'--b 1\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n'
            b"Content-Type: text/plain\r\n\r\nOne-Click\r\n--b 1--\r\n",
            id="multipart with a type and a quoted boundary",
        ),
    ],
)
def test_one_click_unsubscribes(
    server: Server, links: Links, content_type: str, body: bytes
) -> None:
    answer = httpx.post(
        server.url + links.new(), content=body, headers={"Content-Type": content_type}
    )
    assert answer.status_code == 200
    assert links.reference in unsubscribed(server.data)


def test_one_click_is_not_redirected_for_a_slash(server: Server, links: Links) -> None:
    assert httpx.get(f"{server.url}{links.new()}/").status_code == 200
    answer = httpx.post(f"{server.url}{links.new()}/", data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert links.reference in unsubscribed(server.data)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param(FORM, b"", id="empty"),
        pytest.param(FORM, b"List-Unsubscribe=Maybe", id="other value"),
        pytest.param(FORM, b"unsubscribe=One-Click", id="other field"),
        pytest.param(FORM, b"\xff\xfe=\x00", id="no text"),
        pytest.param(FORM, b"&".join([b"a=b"] * 1000), id="many fields"),
        pytest.param(FORM, b"List-Unsubscribe=One-Click&" + b"a" * 20_000, id="too long"),
        pytest.param("multipart/form-data", b"List-Unsubscribe=One-Click", id="no boundary"),
        pytest.param("multipart/form-data; boundary=b", b"--b\r\nContent", id="cut off"),
        pytest.param("application/json", b'{"List-Unsubscribe":"One-Click"}', id="JSON"),
    ],
)
def test_other_body_unsubscribes_nobody(
    server: Server, links: Links, content_type: str, body: bytes
) -> None:
    answer = httpx.post(
        server.url + links.new(), content=body, headers={"Content-Type": content_type}
    )
    assert answer.status_code == 400
    assert links.reference not in unsubscribed(server.data)


def test_answer_has_no_cookie_no_redirect_and_no_trace(server: Server, links: Links) -> None:
    for answer in (one_click(server, links.new()), httpx.get(server.url + links.new())):
        assert answer.status_code == 200
        assert not {"set-cookie", "location", "refresh", "etag", "last-modified"} & set(
            answer.headers
        )
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert links.reference not in answer.text


def test_second_click_is_answered_alike_and_kept_once(server: Server, links: Links) -> None:
    path = links.new()
    first, second = (one_click(server, path) for _ in range(2))
    assert _bare(first) == _bare(second)
    assert unsubscribed(server.data).count(links.reference) == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"), id="forged"),
        pytest.param(lambda token: token[:40], id="cut off"),
        pytest.param(lambda _: "x", id="short"),
        pytest.param(lambda _: "A" * 3000, id="endless"),
        pytest.param(lambda _: "%00%0d%0aX-Evil:1", id="control characters"),
        pytest.param(lambda _: "%3Cscript%3E", id="markup"),
        pytest.param(lambda _: "%ff%fe", id="no UTF-8"),
    ],
)
def test_wrong_token_is_answered_like_a_right_one(
    server: Server, links: Links, change: Callable[[str], str]
) -> None:
    path = links.new()
    right = one_click(server, path)
    wrong = one_click(server, "/unsubscribe/" + change(path.rpartition("/")[2]))
    assert _bare(wrong) == _bare(right)
    assert "<script" not in wrong.text


def test_guessing_is_slowed_by_network_and_no_right_token_is(server: Server, links: Links) -> None:
    here, elsewhere = from_elsewhere(100), from_elsewhere(101)
    click = {"List-Unsubscribe": "One-Click"}
    guess = f"{server.url}/unsubscribe/{'A' * 120}"
    statuses: list[int] = []
    with httpx.Client() as client:
        for _ in range(2 * MAX_WRONG_PER_NETWORK + 1):  # a minute may begin in between
            answer = client.post(guess, data=click, headers=here)
            statuses.append(answer.status_code)
        assert 429 in statuses
        if statuses[-1] == 429:
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert client.post(guess, data=click, headers=elsewhere).status_code == 200
        right = client.post(server.url + links.new(), data=click, headers=here)
    assert right.status_code == 200
    assert links.reference in unsubscribed(server.data)


@pytest.mark.parametrize(
    ("language", "button", "done"), [("en", "Unsubscribe", "Done."), ("zh-CN", "退订", "已完成")]
)
def test_person_unsubscribes_by_one_button(
    chromium: Browser, server: Server, links: Links, language: str, button: str, done: str
) -> None:
    context = chromium.new_context(locale=language, java_script_enabled=False)
    page = context.new_page()
    called: list[str] = []
    page.on("request", lambda request: called.append(request.url))
    sent: list[str | None] = []
    page.on("request", lambda request: sent.append(request.header_value("referer")))
    page.goto(server.url + links.new())
    assert links.reference not in unsubscribed(server.data)
    assert page.get_by_role("button").all_inner_texts() == [button]
    page.get_by_role("button", name=button).click()
    assert done in page.get_by_role("status").inner_text()
    assert links.reference in unsubscribed(server.data)
    page.get_by_role("link").last.click()
    page.wait_for_url(re.compile("/rights"))
    assert set(sent) == {None}
    assert {httpx.URL(url).host for url in called if url.startswith("http")} == {"127.0.0.1"}
    assert context.cookies() == []
    context.close()


def test_export_is_csv_or_json_from_a_day_on(server: Server, links: Links) -> None:
    one_click(server, links.new())
    today = datetime.now(UTC).date().isoformat()
    rows = json.loads(email(server.data, "unsubscribed", "--since", today, "--format", "json"))
    assert {"reference": links.reference, "date": today} in rows
    told = email(server.data, "unsubscribed", "--since", today)
    assert {"reference": links.reference, "date": today} in csv.DictReader(io.StringIO(told))
    assert email(server.data, "unsubscribed", "--since", "2027-11-01") == "reference,date\n"


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "20261101", "2026-W01-1", ""])
def test_export_of_no_day_is_refused(server: Server, since: str) -> None:
    answer = ask_email(server.data, "unsubscribed", "--since", since)
    assert answer.returncode == 2
    assert answer.stderr == "discreet: --since: must be a date such as 2026-11-01\n"


def test_headers_of_a_file_are_a_table(server: Server) -> None:
    told = email(
        server.data,
        *("headers", "--campaign", "spring", "--references", "-"),
        *("--url", "https://stats.example.org/"),
        stdin="many-1\nmany-2\n\nmany-1\n",
    )
    rows = list(csv.DictReader(io.StringIO(told)))
    assert [row["reference"] for row in rows] == ["many-1", "many-2"]
    assert {row["List-Unsubscribe-Post"] for row in rows} == {"List-Unsubscribe=One-Click"}
    addresses = [row["List-Unsubscribe"] for row in rows]
    assert all(
        re.fullmatch(r"<https://stats\.example\.org/unsubscribe/[\w-]{120}>", each)
        for each in addresses
    )
    assert addresses[0] == f"<{ORIGIN}{make_unsubscribing(server.data, 'many-1')}>"
    one_click(server, addresses[1].partition("example.org")[2].rstrip(">"))
    assert [each for each in unsubscribed(server.data) if each.startswith("many")] == ["many-2"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(
            ("--campaign", "none", "--reference", "r", "--url", "https://a.example"),
            "campaign: is not registered, or not in this variant",
            id="no campaign",
        ),
        pytest.param(
            ("--campaign", "spring", "--reference", "r", "--url", "http://a.example"),
            "--url: must be https, for RFC 8058 asks for it",
            id="no https",
        ),
        pytest.param(
            ("--campaign", "spring", "--url", "https://a.example"),
            "--reference: give one, or a file of them by --references",
            id="no reference",
        ),
        pytest.param(
            (
                "--campaign",
                "spring",
                "--reference",
                "me@mail.example",
                "--url",
                "https://a.example",
            ),
            "reference: must be 1 to 64 letters",
            id="address as a reference",
        ),
    ],
)
def test_headers_that_cant_be_are_refused_in_one_line(
    server: Server, arguments: tuple[str, ...], told: str
) -> None:
    answer = ask_email(server.data, "headers", *arguments)
    assert answer.returncode == 2
    assert answer.stderr.startswith("discreet: " + told)
    assert answer.stderr.count("\n") == 1
    assert answer.stdout == ""
    assert "me@mail" not in answer.stderr


def test_unsubscribing_is_counted_once_by_campaign(server: Server) -> None:
    add_campaign(server.data, "autumn")
    path = make_unsubscribing(server.data, "autumn-1", "autumn")
    counted = "SELECT sum(unsubscribed) FROM email WHERE campaign = 'autumn'"
    for _ in range(3):
        one_click(server, path)
    refusing = make_unsubscribing(server.data, "autumn-2", "autumn")
    httpx.post(
        server.url + refusing, data={"List-Unsubscribe": "One-Click"}, headers={"Sec-GPC": "1"}
    )
    assert "autumn-2" in unsubscribed(server.data)  # not counted, but unsubscribed all the same
    server.wait_for(counted, "1\n")
    one_click(server, make_unsubscribing(server.data, "autumn-3", "autumn"))
    server.wait_for(counted, "2\n")


def _bare(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], str]:
    """Return an answer without its date."""
    headers = [(name, value) for name, value in answer.headers.items() if name != "date"]
    return answer.status_code, headers, answer.text
