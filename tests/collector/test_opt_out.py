"""`/opt-out` from outside: its answers, and what a browser without scripts can do on it."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.browsing import Serve
from tests.collector.tag_site import Launch
from tests.running import FIREFOX, POLICY, Server

SITES = (
    POLICY.replace("[policy]\n", '[policy]\nlanguages = ["en", "zh"]\n')
    + """
[[site]]
domain = "shop.example.com"
timezone = "Europe/Berlin"
consent = "opt-in"

[[site]]
domain = "kids.example.com"
timezone = "Europe/Berlin"
child_directed = true
"""
)
# Every name is this machine, so that a browser meets the hosts of a real site.
RESOLVE = (
    "--host-resolver-rules=MAP example.org 127.0.0.1,MAP *.example.org 127.0.0.1,"
    "MAP stats.elsewhere.net 127.0.0.1,MAP evil.test 127.0.0.1"
)
DESKTOP = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36"
)
PIXEL = "/pixel.gif?d=example.org&u=/a"
OFF = "Counting is off"
ON = "Counting is on"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("opt_out"), SITES) as server:
        yield server


def post(
    server: Server, action: str = "off", path: str = "/opt-out", **headers: str
) -> httpx.Response:
    """Send the form as a browser on this page does, but for the headers given."""
    return httpx.post(
        server.url + path,
        data={"action": action},
        headers={
            "Sec-Fetch-Site": "same-origin",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


def cookies(answer: httpx.Response) -> list[str]:
    return answer.headers.get_list("Set-Cookie")


def state(answer: httpx.Response) -> str:
    title = re.search('<h2 id="state">(.*?)</h2>', answer.text)
    assert title
    return title[1]


def test_page_tells_purposes_with_clauses_and_what_is_counted(server: Server) -> None:
    english = httpx.get(f"{server.url}/opt-out").text
    chinese = httpx.get(f"{server.url}/opt-out?lang=zh").text

    for page in (english, chinese):
        assert "imoa 3.1.b.i, 3.1.b.ii, 3.2.a.v, 3.2.a.vi; ferronex I" in page
        assert all(site in page for site in ("example.org", "shop.example.com"))
    assert "Statistics on how the site is reached and used" in english
    assert "统计网站如何被访问和使用" in chinese
    assert "page and country" in english
    assert "页面和国家或地区" in chinese


def test_page_tells_what_each_site_asks_of_its_visitors(server: Server) -> None:
    page = httpx.get(f"{server.url}/opt-out").text

    assert "<strong>shop.example.com</strong> counts nothing unless you agreed there." in page
    assert "<strong>kids.example.com</strong> is made for children, so nobody" in page


@pytest.mark.parametrize(
    ("headers", "expected", "button"),
    [
        pytest.param({}, ON, "off", id="nothing"),
        pytest.param({"Cookie": "discreet_opt_out=1"}, OFF, "on", id="cookie"),
        pytest.param({"Cookie": "a=b; discreet_opt_out="}, OFF, "on", id="its mere presence"),
        pytest.param({"Cookie": "not_discreet_opt_out=1"}, ON, "off", id="another cookie"),
        pytest.param({"DNT": "1"}, OFF, "off", id="DNT"),
        pytest.param({"DNT": "0"}, ON, "off", id="DNT 0"),
        pytest.param({"Sec-GPC": "1"}, OFF, "off", id="GPC"),
        pytest.param({"Sec-GPC": "1", "Cookie": "discreet_opt_out=1"}, OFF, "on", id="both"),
    ],
)
def test_page_says_whether_this_browser_is_counted(
    server: Server, headers: dict[str, str], expected: str, button: str
) -> None:
    answer = httpx.get(f"{server.url}/opt-out", headers=headers)
    hit = httpx.get(server.url + PIXEL, headers={"User-Agent": FIREFOX, **headers})

    assert state(answer) == expected
    assert f"<title>{expected} · Example</title>" in answer.text
    assert re.findall('name="action" value="(.*?)"', answer.text) == [button]
    assert (hit.headers["X-Discreet"] == "counted") == (expected == ON)


@pytest.mark.parametrize(
    ("header", "name"),
    [("DNT", "Do Not Track"), ("Sec-GPC", "Global Privacy Control")],
)
def test_page_names_the_signal_that_already_refuses(server: Server, header: str, name: str) -> None:
    answer = httpx.get(f"{server.url}/opt-out", headers={header: "1"})

    assert f"Your browser already refuses: it sends {name}," in answer.text


def test_no_cache_keeps_the_page(server: Server) -> None:
    for answer in (
        httpx.get(f"{server.url}/opt-out"),
        post(server),
        post(server, "on"),
        post(server, "neither"),
        post(server, Sec_Fetch_Site="cross-site"),
    ):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Vary"] == "DNT, Sec-GPC, Cookie, Accept-Language"


def test_reading_the_page_sets_no_cookie(server: Server) -> None:
    answer = httpx.get(f"{server.url}/opt-out?asked=off&action=off")

    assert (cookies(answer), answer.headers["Tk"]) == ([], "N")


def test_button_sets_one_cookie_and_leads_back_to_the_page(server: Server) -> None:
    answer = post(server, path="/opt-out?lang=zh")

    assert (answer.status_code, answer.headers["Tk"]) == (303, "U")
    assert answer.headers["Location"] == "/opt-out?lang=zh&asked=off"
    assert cookies(answer) == ["discreet_opt_out=1; Max-Age=34560000; Path=/; SameSite=Lax"]


def test_cookie_of_one_visitor_is_that_of_another(server: Server) -> None:
    assert cookies(post(server, User_Agent="A")) == cookies(post(server, User_Agent="B"))


@pytest.mark.parametrize(
    ("host", "origin", "scope"),
    [
        pytest.param(
            "stats.example.org", "https://stats.example.org", "Domain=example.org", id="sub-domain"
        ),
        pytest.param(
            "stats.elsewhere.net",
            "https://stats.elsewhere.net",
            "Path=/; SameSite=None; Secure",
            id="unrelated, behind TLS",
        ),
        pytest.param(
            "stats.elsewhere.net",
            "https://another.net",
            "Path=/; SameSite=Lax",
            id="another's scheme is not believed",
        ),
    ],
)
def test_cookie_fits_the_address_that_the_browser_sees(
    server: Server, host: str, origin: str, scope: str
) -> None:
    (cookie,) = cookies(post(server, Host=host, Origin=origin))

    assert scope in cookie


@pytest.mark.parametrize(
    ("headers", "off", "on"),
    [
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 303, 303, id="this page"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, 403, id="another host of the site"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, 403, id="another site"),
        pytest.param({"Sec-Fetch-Site": "none"}, 403, 403, id="no page"),
        pytest.param({"Sec-Fetch-Site": ""}, 403, 403, id="empty"),
        pytest.param(
            {"Sec-Fetch-Site": "cross-site", "Origin": "http://stats.example.org"},
            403,
            403,
            id="another site with a good origin",
        ),
        pytest.param({"Origin": "http://stats.example.org"}, 303, 303, id="this origin"),
        pytest.param({"Origin": "http://stats.example.org:81"}, 403, 403, id="another port"),
        pytest.param({"Origin": "http://evil.test"}, 403, 403, id="another origin"),
        pytest.param({"Origin": "null"}, 403, 403, id="an origin withheld"),
        pytest.param({"Origin": "http://[evil"}, 403, 403, id="no origin"),
        pytest.param({}, 303, 403, id="no browser of today: may only refuse"),
    ],
)
def test_only_a_form_of_this_page_switches(
    server: Server, headers: dict[str, str], off: int, on: int
) -> None:
    for action, status in (("off", off), ("on", on)):
        answer = httpx.post(
            f"{server.url}/opt-out",
            data={"action": action},
            headers={"Host": "stats.example.org", **headers},
        )

        assert answer.status_code == status
        assert bool(cookies(answer)) == (status == 303)
        assert answer.headers["Tk"] == ("U" if status == 303 else "N")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="empty"),
        pytest.param(b"action=maybe", 400, id="another word"),
        pytest.param(b"action=off&action=on", 400, id="both"),
        pytest.param(b"action=", 400, id="no word"),
        pytest.param(b'{"action": "off"}', 400, id="JSON"),
        pytest.param(b"\xff\xfe", 400, id="no text"),
        pytest.param(b"action=off" + b"&x" * 400, 400, id="many fields"),
        pytest.param(b"action=off" + b"x" * 2_000, 413, id="long"),
    ],
)
def test_form_that_cannot_be_read_changes_nothing_and_is_not_repeated(
    server: Server, body: bytes, status: int
) -> None:
    answer = httpx.post(
        f"{server.url}/opt-out", content=body, headers={"Sec-Fetch-Site": "same-origin"}
    )

    assert (answer.status_code, cookies(answer)) == (status, [])
    assert answer.json()["field"] in {"action", "body"}
    assert "maybe" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(server: Server, method: str) -> None:
    answer = httpx.request(method, f"{server.url}/opt-out")

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_a_visit_leaves_nothing_on_disk(tmp_path: Path) -> None:
    canary = "canary5e1f"
    with Server(tmp_path, SITES) as server:
        spool = (server.data / "spool.sqlite").read_bytes()
        headers = {"User-Agent": canary, "Referer": f"https://example.org/{canary}"}
        httpx.get(f"{server.url}/opt-out?x={canary}", headers=headers)
        for action in ("off", "on", canary):
            post(server, action, f"/opt-out?x={canary}", **headers)
        post(server, "off", Sec_Fetch_Site="cross-site", **headers)
        assert server.query("SELECT count() FROM coverage") == "0\n"
        assert (server.data / "spool.sqlite").read_bytes() == spool
        server.stop()
        kept = [file for file in server.data.rglob("*") if file.is_file()]

        assert kept
        assert not [file for file in kept if canary.encode() in file.read_bytes()]
        assert canary not in server.output


@pytest.fixture
def browser(launch: Launch) -> Browser:
    return launch([RESOLVE])


@pytest.fixture
def plain(browser: Browser) -> Iterator[BrowserContext]:
    """Give a browser that runs no script."""
    context = browser.new_context(user_agent=DESKTOP, java_script_enabled=False, locale="en-GB")
    yield context
    context.close()


Address = Callable[[str, str], str]


@pytest.fixture
def at(server: Server) -> Address:
    port = server.url.rsplit(":", 1)[1]
    return lambda host, path: f"http://{host}:{port}{path}"


def page_with(serve: Serve, body: str, host: str) -> str:
    """Serve a page under a host name; the value is its address."""

    async def show(_: Request) -> HTMLResponse:
        return HTMLResponse(f"<!doctype html><title>A page</title>{body}")

    port = serve(Starlette(routes=[Route("/", show)])).rsplit(":", 1)[1]
    return f"http://{host}:{port}/"


def outcome(page: Page, address: str) -> str:
    """Open a page that holds the pixel; say what became of its hit."""
    with page.expect_response(lambda response: "/pixel.gif" in response.url) as answered:
        page.goto(address)
    return answered.value.headers["x-discreet"]


def test_without_scripts_a_visitor_refuses_and_takes_it_back(
    tmp_path: Path, plain: BrowserContext, serve: Serve
) -> None:
    with Server(tmp_path, SITES) as server:
        origin = f"http://stats.example.org:{server.url.rsplit(':', 1)[1]}"
        site = page_with(serve, f'<img src="{origin}{PIXEL}" alt="">', "example.org")
        page = plain.new_page()
        assert outcome(page, site) == "counted"

        page.goto(f"{origin}/opt-out")
        page.get_by_role("button", name="Do not count me").press("Enter")
        expect(page.get_by_role("heading", name=OFF)).to_be_visible()
        (cookie,) = plain.cookies()
        refused = outcome(page, site)

        page.goto(f"{origin}/opt-out")
        page.get_by_role("button", name="Take my refusal back").click()
        expect(page.get_by_role("heading", name=ON)).to_be_visible()

        assert (cookie["domain"], cookie["value"]) == (".example.org", "1")
        assert (cookie["httpOnly"], cookie["path"]) == (False, "/")
        assert refused == "refused opted_out"
        assert plain.cookies() == []
        assert outcome(page, site) == "counted"
        server.wait_for(
            "SELECT reason, hits FROM coverage ORDER BY reason",
            "counted\t2\nopted_out\t1\n",
        )


def test_pages_of_the_site_see_the_cookie_of_its_sub_domain(
    browser: Browser, serve: Serve, at: Address
) -> None:
    site = page_with(serve, "", "example.org")
    with browser.new_context(user_agent=DESKTOP) as context:
        page = context.new_page()
        page.goto(at("stats.example.org", "/opt-out?lang=en"))
        page.get_by_role("button", name="Do not count me").click()
        expect(page.get_by_role("heading", name=OFF)).to_be_visible()

        page.goto(site)

        assert page.evaluate("document.cookie") == "discreet_opt_out=1"


def test_on_an_unrelated_host_the_page_says_for_which_sites_it_does_not_work(
    plain: BrowserContext, at: Address
) -> None:
    page = plain.new_page()
    page.goto(at("stats.elsewhere.net", "/opt-out"))

    expect(page.get_by_text("stands on another domain than the sites below")).to_be_visible()
    page.get_by_role("button", name="Do not count me").click()
    expect(page.get_by_role("heading", name=OFF)).to_be_visible()
    (cookie,) = plain.cookies()
    assert cookie["domain"] == "stats.elsewhere.net"


@pytest.mark.parametrize("host", ["stats.example.org", "127.0.0.1"])
def test_another_site_s_form_takes_no_refusal_back(
    plain: BrowserContext, serve: Serve, at: Address, host: str
) -> None:
    # 127.0.0.1 counts as trustworthy, so that Chromium sends Sec-Fetch-Site there; to the other
    # host it sends Origin alone.
    form = f"""<form method="post" action="{at(host, "/opt-out?lang=en")}">
        <button name="action" value="on">Win a prize</button></form>"""
    evil = page_with(serve, form, "evil.test")
    page = plain.new_page()
    page.goto(at(host, "/opt-out"))
    page.get_by_role("button", name="Do not count me").click()
    expect(page.get_by_role("heading", name=OFF)).to_be_visible()

    page.goto(evil)
    page.get_by_role("button", name="Win a prize").click()

    expect(page.get_by_role("heading", name="Nothing was changed")).to_be_visible()
    page.get_by_role("link", name="See how it stands").click()
    expect(page.get_by_role("heading", name=OFF)).to_be_visible()
    assert [cookie["name"] for cookie in plain.cookies()] == ["discreet_opt_out"]


def test_browser_that_keeps_no_cookie_is_told_so(plain: BrowserContext, at: Address) -> None:
    page = plain.new_page()
    page.goto(at("stats.example.org", "/opt-out"))
    page.get_by_role("button", name="Do not count me").click()
    expect(page.get_by_role("heading", name=OFF)).to_be_visible()
    plain.clear_cookies()
    page.reload()

    expect(page.get_by_role("alert")).to_contain_text("did not keep the refusal")
    expect(page.get_by_role("heading", name=ON)).to_be_visible()


@pytest.mark.parametrize("code", ["en", "zh"])
@pytest.mark.parametrize("width", [320, 1280])
def test_page_fits_the_window_and_works_by_keyboard(
    browser: Browser, at: Address, width: int, code: str
) -> None:
    with browser.new_context(
        user_agent=DESKTOP, viewport={"width": width, "height": 700}
    ) as context:
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.goto(at("stats.example.org", f"/opt-out?lang={code}"))

        wide = page.evaluate("document.documentElement.scrollWidth")
        levels = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))"
        )
        stops = []
        for _ in range(4):
            page.keyboard.press("Tab")
            stops.append(page.evaluate("document.activeElement.tagName"))

        assert wide <= width
        assert levels[:2] == [1, 2]
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert stops == ["A", "A", "A", "BUTTON"]
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert asked == [page.url]
