"""`discreet email`: what it prints and writes, beside a running server and without one."""

import json
import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from collector.cli import main
from tests.collector.email.letters import GRID, TABLES, Hrefs
from tests.running import POLICY, Server, discreet

URL = ("--url", "https://stats.example.org")
Run = Callable[..., str]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "policy.toml").write_text(POLICY)
    return folder


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str | Path, code: int = 0) -> str:
        """Run `discreet email …` in this process and return what it prints."""
        assert main(["email", *map(str, arguments), "--data", str(data)]) == code
        answer = capsys.readouterr()
        return answer.err if code else answer.out

    return run


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.html"
    path.write_text(TABLES, "utf-8")
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("email")) as server:
        yield server


def test_campaign_and_links_are_registered_and_listed(run: Run) -> None:
    assert "registered spring.A:" in run(
        "campaign", "add", "spring", "--variant", "A", "--site", "example.org"
    )
    link = ("link", "add", "https://example.org/p", "--campaign", "spring", "--variant", "A")
    assert run(*link) == run(*link) == "link 1 of spring.A: /e/spring.A/1\n"

    listed = json.loads(run("list", "--format", "json"))
    (campaign,) = listed["campaigns"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", campaign.pop("added"))
    assert campaign == {
        "code": "spring.A",
        "name": "spring",
        "variant": "A",
        "site": "example.org",
        "pixel": "/e/spring.A/open.gif",
        "links": [{"number": "1", "url": "https://example.org/p", "path": "/e/spring.A/1"}],
    }
    assert {"spring.A", "example.org"} <= set(run("list").split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(
            ["campaign", "add", "spring", "--site", "example.org"],
            "name: is that of a campaign already, of this variant",
            id="duplicate",
        ),
        pytest.param(
            ["campaign", "add", "summer", "--site", "other.example"],
            "site: is no site of the policy",
            id="another's site",
        ),
        pytest.param(
            ["link", "add", "javascript:alert(1)", "--campaign", "spring"],
            "url: must begin with https:// or http:// and a host",
            id="script",
        ),
        pytest.param(
            ["link", "add", "https://x.org", "--campaign", "winter"],
            "campaign: is not registered, or not in this variant",
            id="unknown campaign",
        ),
        pytest.param(
            ["render", "gone.html", "--campaign", "spring", *URL],
            "gone.html: No such file or directory",
            id="no file",
        ),
        pytest.param(
            ["render", "gone.html", "--campaign", "spring", "--url", "stats"],
            "--url: must begin with https:// or http:// and a host",
            id="no url",
        ),
        pytest.param(
            ["render", "--campaign", "spring", *URL],
            "FILE: give one or more, or a folder by --all",
            id="nothing to render",
        ),
        pytest.param(
            ["render", "a.html", "b.html", "--campaign", "spring", *URL],
            "-o: must be the folder to write several messages to",
            id="nowhere to write",
        ),
        pytest.param(
            ["render", "a/x.html", "b/x.html", "--campaign", "spring", *URL, "-o", "c"],
            "FILE: two of the messages have the same name",
            id="same names",
        ),
        pytest.param(
            ["render", "a.html", "--campaign", "spring", *URL, "-o", "a.html"],
            "-o: must not be the message itself",
            id="onto itself",
        ),
    ],
)
def test_bad_input_is_told_in_one_line(run: Run, arguments: list[str], told: str) -> None:
    run("campaign", "add", "spring", "--site", "example.org")

    assert run(*arguments, code=2) == f"discreet: {told}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["list"], id="campaigns"),
        pytest.param(["withdraw", "--reference", "r-1"], id="withdrawal"),
        pytest.param(["unsubscribed", "--since", "2026-01-01"], id="export"),
        pytest.param(["new-key"], id="key"),
    ],
)
def test_directory_without_a_policy_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    (tmp_path / "data").mkdir()
    assert main(["email", *arguments, "--data", str(tmp_path / "data")]) == 2
    assert "serve one first" in capsys.readouterr().err
    assert not list((tmp_path / "data").iterdir())


def test_message_is_rendered_and_told(run: Run, letter: Path, tmp_path: Path) -> None:
    run("campaign", "add", "spring", "--site", "example.org")
    out = tmp_path / "out.html"
    told = run("render", letter, "--campaign", "spring", *URL, "-o", out)

    assert letter.read_text("utf-8") == TABLES
    hrefs = Hrefs(out.read_text("utf-8")).hrefs
    ours = [href for href in hrefs if href.startswith("https://stats.example.org/e/spring/")]
    assert [href.rpartition("/")[2] for href in ours] == ["1", "2", "3"]
    assert "4 links replaced, 5 left; pixel added" in told
    assert "left: says data-no-track" in told
    listed = json.loads(run("list", "--format", "json"))["campaigns"]
    assert [link["url"] for link in listed[0]["links"]] == [
        "https://example.org/?from=a&copy=2#top",
        "https://example.org/buy",
        "https://elsewhere.example/%C3%A4?q=1",
    ]


def test_message_goes_to_standard_output_and_the_report_beside_it(data: Path, letter: Path) -> None:
    add = ("email", "campaign", "add", "spring", "--site", "example.org", "--data", data)
    assert discreet(*add).returncode == 0
    answer = discreet("email", "render", letter, "--campaign", "spring", *URL, "--data", data)

    assert answer.stdout.count(b"https://stats.example.org/e/spring/") == 5
    assert answer.stdout.replace(b"\n", b"")[-21:] == b'border:0"></body></html>'[-21:]
    assert b"4 links replaced" in answer.stderr


def test_only_registered_links_are_replaced_when_asked(
    run: Run, letter: Path, tmp_path: Path
) -> None:
    run("campaign", "add", "spring", "--site", "example.org")
    run("link", "add", "https://example.org/buy", "--campaign", "spring")
    out = tmp_path / "out.html"
    told = run("render", letter, "--campaign", "spring", *URL, "-o", out, "--only-registered")

    assert "2 links replaced, 7 left" in told
    assert len(json.loads(run("list", "--format", "json"))["campaigns"][0]["links"]) == 1


def test_folder_is_rendered_with_its_folders(run: Run, tmp_path: Path) -> None:
    run("campaign", "add", "spring", "--site", "example.org")
    given, made = tmp_path / "given", tmp_path / "made"
    (given / "de").mkdir(parents=True)
    (given / "a.html").write_text(TABLES, "utf-8")
    (given / "de" / "b.HTM").write_text(GRID, "utf-8")
    (given / "notes.txt").write_text("https://example.org/buy")
    message = EmailMessage()
    message.set_content(TABLES, subtype="html", cte="quoted-printable")
    (given / "c.eml").write_bytes(message.as_bytes())

    told = run("render", "--all", given, "--campaign", "spring", *URL, "-o", made)

    assert sorted(str(path.relative_to(made)) for path in made.rglob("*.*")) == [
        "a.html",
        "c.eml",
        "de/b.HTM",
    ]
    assert "3 messages: 10 links replaced" in told
    assert "3 pixels added" in told
    assert "2 links stand in one message alone" in told


def test_message_text_cannot_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    run("campaign", "add", "spring", "--site", "example.org")
    letter = tmp_path / "letter.html"
    letter.write_text("<a href='data:\x1b]0;[red]title\x07'>a</a>")

    told = run("render", letter, "--campaign", "spring", *URL, "-o", tmp_path / "out.html")

    assert "\x1b" not in told
    assert "[red]title" in told


def test_campaign_registered_beside_a_running_server_is_known_to_it(server: Server) -> None:
    add = ("email", "campaign", "add", "running", "--site", "example.org", "--data", server.data)
    assert discreet(*add).returncode == 0

    assert httpx.get(f"{server.url}/e/running/open.gif").status_code == 200
    assert httpx.get(f"{server.url}/e/gone/1").status_code == 404


@pytest.mark.parametrize(
    ("name", "content"),
    [pytest.param("tables", TABLES, id="tables"), pytest.param("grid", GRID, id="grid")],
)
def test_browser_follows_the_links_and_asks_for_the_pixel(
    server: Server, chromium: Browser, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / "letter.html").write_text(content, "utf-8")
    add = ("email", "campaign", "add", name, "--site", "example.org", "--data", server.data)
    assert discreet(*add).returncode == 0
    render = ("email", "render", tmp_path / "letter.html", "--campaign", name)
    out = tmp_path / "out.html"
    answer = discreet(*render, "--url", server.url, "-o", out, "--data", server.data)
    assert answer.returncode == 0, answer.stderr

    page = chromium.new_page()
    asked: list[str] = []
    page.route(
        "**/*",
        lambda route: route.abort() if "example.org" in route.request.url else route.continue_(),
    )
    page.on("requestfinished", lambda request: asked.append(request.url))
    before = _hrefs(chromium, tmp_path / "letter.html")
    page.goto(out.as_uri(), wait_until="load")
    after = page.eval_on_selector_all("a[href],area[href]", "all => all.map(a => a.href)")
    page.close()

    assert f"{server.url}/e/{name}/open.gif" in asked
    assert len(after) == len(before)
    for old, new in zip(before, after, strict=True):
        if new.startswith(server.url):
            sent = httpx.get(new, follow_redirects=False)
            assert sent.status_code == 302
            assert _bare(sent.headers["location"]) == _bare(old)
        else:
            assert new == old or new.startswith("file:")
    assert sum(new.startswith(server.url) for new in after) in (2, 3)


def _hrefs(chromium: Browser, letter: Path) -> list[str]:
    page = chromium.new_page()
    page.route(
        "**/*",
        lambda route: route.abort() if "example.org" in route.request.url else route.continue_(),
    )
    page.goto(letter.as_uri(), wait_until="load")
    found: list[str] = page.eval_on_selector_all(
        "a[href],area[href]", "all => all.map(a => a.href)"
    )
    page.close()
    return found


def _bare(url: str) -> str:
    return re.sub(r"[?&]utm_[^#]*", "", url)
