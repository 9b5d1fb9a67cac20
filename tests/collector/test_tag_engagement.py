"""Engaged time and scroll depth as the tag tells them, in a real Chromium whose clock is set."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import BrowserContext
from starlette.responses import HTMLResponse

from tests.collector.tag_site import PLAIN_TAG, Launch, TagSite, Visitor, document

TALL = document(PLAIN_TAG) + '<div style="height: 7000px"></div>'
"""Ten windows of 700 pixels, and a little."""


def sight(hidden: str) -> str:
    told = f"{{get: () => {hidden}, configurable: true}}"
    changed = "document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))"
    return f"Object.defineProperty(document, 'hidden', {told}); {changed}"


def focus(there: str, event: str) -> str:
    return f"document.hasFocus = () => {there}; dispatchEvent(new Event('{event}'))"


def scroll(to: str) -> str:
    """Return what is done once the page was told of it, with the next frame."""
    told = "addEventListener('scroll', done, {once: true})"
    return f"new Promise(done => {{ {told}; scrollTo(0, {to}) }})"


HIDE, SHOW = sight("true"), sight("false")
BLUR, FOCUS = focus("false", "blur"), focus("true", "focus")
HALFWAY, TOP, END = map(scroll, ("2800", "0", "9e9"))
NEXT = "history.pushState(0, '', '/next')"

Step = str | int
"""A script, or so many milliseconds that pass."""


def does(visitor: Visitor, steps: Sequence[Step]) -> None:
    for step in steps:
        if isinstance(step, int):
            visitor.page.clock.run_for(step)
            continue
        visitor.does(step)


@pytest.fixture
def reader(visitor: Visitor, site: TagSite, context: BrowserContext) -> Visitor:
    """Give a visitor to a tall page, whose time passes when a test says so."""
    site.pages["/a"] = HTMLResponse(TALL)
    context.clock.install()
    visitor.goes("/a")
    visitor.page.clock.pause_at("2100-01-01")
    does(visitor, [HIDE, SHOW])  # from here on, time and depth are known
    return visitor


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        pytest.param([5000, HIDE], [(5000, 9)], id="in sight"),
        pytest.param([5000, HIDE, 60_000, SHOW, 2000, HIDE], [(5000, 9), (2000, 9)], id="hidden"),
        pytest.param([5000, BLUR, 60_000, FOCUS, 3000, HIDE], [(8000, 9)], id="without focus"),
        pytest.param([5000, BLUR, HIDE, SHOW, 60_000, HIDE], [(5000, 9)], id="shown unfocused"),
        pytest.param([HIDE, SHOW, HIDE], [], id="nothing grown"),
        pytest.param([600, HIDE, SHOW, 600, HIDE], [(1200, 9)], id="parts of a second add up"),
    ],
)
def test_engaged_time_is_what_was_in_sight_and_focused(
    reader: Visitor, steps: list[Step], told: list[tuple[int, int]]
) -> None:
    before = len(reader.told("engagement"))
    does(reader, steps)
    sent = reader.told("engagement")[before:]

    assert [(hit["e"], hit["sd"]) for hit in sent] == told
    assert reader.noise == []


@pytest.mark.parametrize(
    ("steps", "depths"),
    [
        pytest.param([HALFWAY, HIDE], [49], id="down"),
        pytest.param([HALFWAY, TOP, HIDE], [49], id="down and up again"),
        pytest.param([HALFWAY, HIDE, SHOW, TOP, HIDE], [49], id="told once"),
        pytest.param([END, HIDE], [100], id="to the end"),
        pytest.param([HIDE, SHOW, HALFWAY, HIDE], [49], id="grown later"),
    ],
)
def test_scroll_depth_is_the_deepest_and_told_when_it_grew(
    reader: Visitor, steps: list[Step], depths: list[int]
) -> None:
    before = len(reader.told("engagement"))
    does(reader, steps)

    assert [hit["sd"] for hit in reader.told("engagement")[before:]] == depths


def test_page_of_a_single_page_site_is_told_of_before_the_next(
    reader: Visitor, site: TagSite
) -> None:
    before = len(reader.hits())
    does(reader, [4000, HALFWAY, NEXT, 2000, HIDE])

    assert [
        (hit["n"], hit["u"], hit.get("e"), hit.get("sd")) for hit in reader.hits()[before:]
    ] == [
        ("engagement", f"{site.origin}/a", 4000, 49),
        ("pageview", f"{site.origin}/next", None, None),
        ("engagement", f"{site.origin}/next", 2000, 49),
    ]


@pytest.mark.parametrize("bfcache", [True, False], ids=["kept", "gone"])
def test_page_that_is_left_is_told_of(site: TagSite, launch: Launch, bfcache: bool) -> None:
    visitor = Visitor(launch(bfcache=bfcache).new_context(), site)
    visitor.goes("/a")
    visitor.goes("/b")

    assert [(hit["n"], hit["u"]) for hit in visitor.hits()] == [
        ("pageview", f"{site.origin}/a"),
        ("engagement", f"{site.origin}/a"),
        ("pageview", f"{site.origin}/b"),
    ]
    assert visitor.noise == []


def test_page_without_scrolling_was_seen_whole(visitor: Visitor) -> None:
    visitor.goes("/a")
    visitor.does(HIDE)

    assert [hit["sd"] for hit in visitor.told("engagement")] == [100]
