"""What the tag leaves a page its own: layout, time, what stands beside a faulty event."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Route
from starlette.responses import HTMLResponse

from tests.collector.tag_site import API, PLAIN_TAG, TagSite, Visitor, document, tag_with
from tests.running import FIREFOX, Server, hit

QUEUE = "window.discreet ||= (...call) => (discreet.q ||= []).push(call);"

COUNTED = """
window.asked = {layout: 0, cookie: 0, Intl: 0};
const watch = (owner, name, what) => {
  const own = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, {get() { asked[what]++; return own.get.call(this) }});
};
watch(Element.prototype, 'scrollHeight', 'layout');
watch(window, 'scrollY', 'layout');
watch(window, 'innerWidth', 'layout'); // Chromium makes the layout for it, not for outerWidth
watch(Document.prototype, 'cookie', 'cookie');
const format = Intl.DateTimeFormat;
Intl.DateTimeFormat = function (...how) { asked.Intl++; return format(...how) };
"""


HIDE = (
    "Object.defineProperty(document, 'hidden', {get: () => true});"
    "document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))"
)


@pytest.fixture
def counted(visitor: Visitor, context: BrowserContext) -> Visitor:
    """Give a visitor whose pages count in `asked` what the tag asks the browser."""
    context.add_init_script(COUNTED)
    return visitor


def test_load_reads_no_layout_and_starts_no_formatter(counted: Visitor) -> None:
    counted.goes("/a")
    counted.does("document.body.click(); dispatchEvent(new Event('focus')); discreet('x')")
    assert len(counted.hits()) == 2
    asked = counted.page.evaluate("asked")
    assert (asked["layout"], asked["Intl"]) == (0, 0)

    counted.does("dispatchEvent(new Event('scroll'))")
    assert counted.page.evaluate("asked.layout") == 2


@pytest.mark.parametrize(
    ("steps", "reads"),
    [
        pytest.param("dispatchEvent(new Event('scroll'));", 0, id="scrolled"),
        pytest.param("", 2, id="not scrolled"),
    ],
)
def test_leaving_reads_the_layout_only_where_scrolling_told_nothing(
    counted: Visitor, steps: str, reads: int
) -> None:
    counted.goes("/a")
    counted.does(steps)
    before = counted.page.evaluate("asked.layout")
    counted.does(HIDE)

    assert [hit["sd"] for hit in counted.told("engagement")] == [100]
    assert counted.page.evaluate("asked.layout") - before == reads


def test_cookies_are_read_only_where_something_may_be_sent(counted: Visitor) -> None:
    counted.goes("/a")
    counted.does("dispatchEvent(new Event('focus')); document.body.click()")
    assert counted.page.evaluate("asked.cookie") == 1

    counted.does("discreet('x')")
    assert counted.page.evaluate("asked.cookie") == 2


def test_events_in_a_loop_cost_each_the_same_while_consent_is_undecided(
    counted: Visitor, site: TagSite
) -> None:
    site.pages["/a"] = HTMLResponse(document(tag_with("data-consent")))
    counted.goes("/a")
    before = counted.page.evaluate("asked.cookie")
    counted.does("for (let n = 0; n < 2000; n++) discreet('x')")
    assert counted.page.evaluate("asked.cookie") - before <= 2000

    counted.does("discreet.consent({analytics_storage: 'granted'})")
    assert site.at(API, at_least=1)  # a browser holds back 64 KiB of them, no more
    assert sum(url.endswith(API) for url in counted.asked) <= 500
    assert counted.noise == []


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        pytest.param("discreet('a'); discreet('b', {n: 1}); discreet('c')", "abc", id="all good"),
        pytest.param("discreet('a'); discreet('b', {n: 1n}); discreet('c')", "ac", id="BigInt"),
        pytest.param("const o = {}; o.o = o; discreet('b', o); discreet('c')", "c", id="circle"),
        pytest.param("discreet('b', {toJSON() { throw 1 }}); discreet('c')", "c", id="throws"),
    ],
)
@pytest.mark.parametrize("waits", ["for the tag", "for consent"])
def test_faulty_event_costs_none_that_waits_beside_it(
    visitor: Visitor, context: BrowserContext, site: TagSite, calls: str, told: str, waits: str
) -> None:
    if waits == "for consent":
        site.pages["/a"] = HTMLResponse(document(tag_with("data-consent")))
        visitor.goes("/a")
        visitor.does(f"(() => {{ {calls} }})()")
        visitor.does("discreet.consent({version: '1', purposes: ['audience']})")
    else:
        context.add_init_script(f"{QUEUE} (() => {{ {calls} }})()")
        visitor.goes("/a")

    assert [hit["n"] for hit in visitor.hits()] == ["pageview", *told]
    assert visitor.noise == []


def test_hit_that_the_page_s_function_fails_on_costs_no_other(
    visitor: Visitor, context: BrowserContext, site: TagSite
) -> None:
    context.add_init_script(
        f"{QUEUE} discreet('a'); discreet('b'); discreet('c');"
        "window.mine = hit => { if (hit.n == 'b') throw new Error('no'); return hit }"
    )
    site.pages["/a"] = HTMLResponse(document(tag_with("data-before-send=mine")))
    visitor.goes("/a")

    assert [hit["n"] for hit in visitor.hits()] == ["pageview", "a", "c"]


@pytest.mark.parametrize(
    ("start", "body"),
    [
        pytest.param("<!doctype html>", "<p>short", id="short"),
        pytest.param("", "<p>short", id="short, in quirks mode"),
        pytest.param("<!doctype html>", '<p style="width: 9000px">wide', id="wide"),
        pytest.param("<!doctype html>", "<style>html, body {height: 0}</style>", id="no height"),
    ],
)
def test_page_that_fits_the_window_was_seen_whole(
    visitor: Visitor, site: TagSite, start: str, body: str
) -> None:
    site.pages["/a"] = HTMLResponse(
        f'{start}<title>t</title><link rel="icon" href="data:,">{PLAIN_TAG}<body>{body}'
    )
    visitor.goes("/a")
    visitor.does(HIDE)

    (told,) = visitor.told("engagement")
    depth = told["sd"]
    assert isinstance(depth, int)
    assert 100 <= depth < 255  # what the server takes


def test_page_changed_by_scripts_goes_on_counting(visitor: Visitor) -> None:
    visitor.goes("/a")
    visitor.does("document.querySelector('script[data-site]').remove()")
    visitor.does("document.documentElement.innerHTML = '<body><b data-discreet-event=x>x</b>'")
    visitor.page.click("b")
    visitor.does("history.pushState(0, '', '/b')")
    visitor.does("document.documentElement.remove(); discreet('y')")

    # Requests overtake each other on the way, so their order tells nothing.
    told = sorted(str(hit["n"]) for hit in visitor.hits() if hit["n"] != "engagement")
    assert told == ["pageview", "pageview", "x", "y"]
    assert visitor.noise == []


def test_tag_that_comes_late_keeps_the_page_from_nothing_and_counts(
    visitor: Visitor, site: TagSite
) -> None:
    site.pages["/a"] = HTMLResponse(document(PLAIN_TAG.replace("defer", "async")))
    held: list[Route] = []
    visitor.page.route("**/tag.js", lambda route: held.insert(0, route))
    visitor.page.goto(site.origin + "/a", wait_until="domcontentloaded")
    visitor.does("history.pushState(0, '', '/b')")
    assert visitor.hits() == []

    with visitor.page.expect_event("load"):
        held[0].continue_()
    assert visitor.paths() == ["/b"]


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


def test_server_refuses_a_loop_and_nobody_else(busy: Server) -> None:
    def answers() -> Counter[int]:
        return Counter(busy.send(*[hit("/loop")] * 100).status_code for _ in range(20))

    both = answers() + answers()  # the minute may have turned in between
    assert both[429] >= 26
    assert both[429] + both[202] == 40
    refused = busy.send(*[hit("/loop")] * 100)
    assert (refused.status_code, "Retry-After" in refused.headers) == (429, True)
    assert busy.send(hit("/other"), agent=FIREFOX.replace("128", "129")).status_code == 202
