"""Events of the page's own, and the attributes that change what the tag sends, in Chromium."""

import json

import pytest
from playwright.sync_api import BrowserContext
from starlette.responses import HTMLResponse

from tests.collector.tag_site import API, PLAIN_TAG, TagSite, Visitor, document, tag_with

STUB = """window.discreet ||= (...call) => {
  (discreet.q ||= []).push(call);
  dispatchEvent(new Event("discreet"));
};"""


def events(visitor: Visitor) -> list[tuple[object, object]]:
    return [(hit["n"], hit.get("p")) for hit in visitor.hits() if hit["n"] != "pageview"]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        pytest.param("discreet('signup')", [("signup", None)], id="alone"),
        pytest.param(
            "discreet('signup', {plan: 'pro', seats: 3})",
            [("signup", {"plan": "pro", "seats": 3})],
            id="with properties",
        ),
        pytest.param("discreet('a'); discreet('b')", [("a", None), ("b", None)], id="in order"),
        pytest.param(
            "const loop = {}; loop.self = loop; discreet('x', loop); discreet('y')",
            [("y", None)],
            id="after one that no JSON can hold",
        ),
        pytest.param("discreet('x', {n: 1n}); discreet('y')", [("y", None)], id="after a BigInt"),
        pytest.param("discreet('x', () => 1)", [("x", None)], id="with a function"),
        pytest.param("discreet('x', {f() {}, plan: 'a'})", [("x", {"plan": "a"})], id="a method"),
        pytest.param("discreet('x', 'plan')", [("x", "plan")], id="with text"),
    ],
)
def test_event_is_told_with_its_properties(
    visitor: Visitor, call: str, told: list[tuple[object, object]]
) -> None:
    visitor.goes("/a")
    visitor.does(call)

    assert events(visitor) == told
    assert visitor.noise == []


def test_event_told_before_the_tag_is_there_follows_its_view(
    visitor: Visitor, context: BrowserContext
) -> None:
    context.add_init_script(f"{STUB} discreet('early', {{a: 1}})")
    visitor.goes("/a")
    visitor.does("discreet('late')")

    assert [hit["n"] for hit in visitor.hits()] == ["pageview", "early", "late"]


def test_event_waits_for_consent_and_goes_with_a_refusal(visitor: Visitor, site: TagSite) -> None:
    site.pages["/a"] = HTMLResponse(document(tag_with("data-consent")))
    visitor.goes("/a")
    visitor.does("discreet('early')")
    assert visitor.hits() == []

    visitor.does("discreet.consent(false)")
    visitor.does("discreet.consent({version: '1', purposes: ['audience']}); discreet('late')")
    assert [hit["n"] for hit in visitor.hits()] == ["late"]


MARKED = """
<button data-discreet-event="signup" data-discreet-props='{"plan": "pro"}'><b>inside</b></button>
<a href="#x" data-discreet-event="bare">bare</a>
<button>plain</button><button data-discreet-event="">empty</button>
"""


@pytest.mark.parametrize(
    ("label", "told"),
    [
        pytest.param("inside", [("signup", '{"plan": "pro"}')], id="within the element"),
        pytest.param("bare", [("bare", None)], id="without properties"),
        pytest.param("plain", [], id="of no element"),
    ],
)
def test_click_on_a_marked_element_is_its_event(
    visitor: Visitor, site: TagSite, label: str, told: list[tuple[object, object]]
) -> None:
    site.pages["/a"] = HTMLResponse(document(PLAIN_TAG) + MARKED)
    visitor.goes("/a")
    visitor.page.click(f"text={label}")

    assert events(visitor) == told
    assert visitor.noise == []


def test_element_that_came_later_and_a_key_count_too(visitor: Visitor) -> None:
    visitor.goes("/a")
    visitor.does(
        f"document.body.innerHTML = `{MARKED}`; document.dispatchEvent(new Event('click'))"
    )
    visitor.page.focus("text=bare")
    visitor.page.keyboard.press("Enter")

    assert events(visitor) == [("bare", None)]
    assert visitor.noise == []


def test_no_more_than_500_hits_of_a_page_are_sent(visitor: Visitor, site: TagSite) -> None:
    visitor.goes("/a")
    for _ in range(20):  # a browser holds back no more than 64 KiB that outlive the page
        visitor.does("for (let n = 0; n < 50; n++) discreet('x')")
        visitor.hits()
    visitor.does("for (let n = 0; n < 10000; n++) discreet('x')")
    visitor.does("history.pushState(0, '', '/b')")

    assert len(visitor.hits()) == 500
    assert site.at(API)[-1].body.count('"x"') == 1
    assert visitor.noise == []


FRAGMENT = "new Promise(done => {{ addEventListener('hashchange', done, {{once: true}}); {} }})"


def fragment(step: str) -> str:
    return FRAGMENT.format(step)


@pytest.mark.parametrize(
    ("attribute", "paths"),
    [
        pytest.param("data-hash", ["/a#/one", "/a#/two", "/a#/three", "/a#/two"], id="told"),
        pytest.param("", ["/a"], id="untold"),
    ],
)
def test_fragment_tells_pages_apart_where_the_tag_is_told(
    visitor: Visitor, site: TagSite, attribute: str, paths: list[str]
) -> None:
    site.pages["/a"] = HTMLResponse(document(tag_with(attribute)) + '<a href="#/two">on</a>')
    visitor.goes("/a#/one")
    visitor.page.click("text=on")
    visitor.does("history.pushState(0, '', '#/three')")
    visitor.does(fragment("history.back()"))

    assert visitor.paths() == paths


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        pytest.param("/admin/", ["/a"], id="part of the address"),
        pytest.param("/admin/x$", ["/a"], id="its end"),
        pytest.param("/other", ["/a", "/admin/x"], id="another"),
        pytest.param("", ["/a", "/admin/x"], id="nothing"),
        pytest.param("(", [], id="no pattern"),
    ],
)
def test_excluded_pages_send_nothing(
    visitor: Visitor, site: TagSite, pattern: str, paths: list[str]
) -> None:
    site.pages["/a"] = HTMLResponse(document(tag_with(f'data-exclude="{pattern}"')))
    visitor.goes("/a")
    visitor.does("history.pushState(0, '', '/admin/x'); discreet('signup')")

    assert visitor.paths() == paths
    assert len(visitor.told("signup")) == ("/admin/x" in paths)
    assert visitor.noise == []


@pytest.mark.parametrize(
    ("function", "sent"),
    [
        pytest.param("hit => ({...hit, p: {plan: 'a'}})", [{"plan": "a"}], id="edited"),
        pytest.param("hit => { hit.p = {plan: 'b'}; return hit }", [{"plan": "b"}], id="in place"),
        pytest.param("hit => hit", [None], id="as it is"),
        pytest.param("hit => hit.n !== 'pageview' && hit", [], id="dropped"),
        pytest.param("hit => {}", [], id="nothing returned"),
        pytest.param("hit => { throw new Error('no') }", [], id="thrown"),
        pytest.param("undefined", [], id="no function"),
    ],
)
def test_function_of_the_page_may_edit_or_drop_a_hit(
    visitor: Visitor, site: TagSite, function: str, sent: list[object]
) -> None:
    asking = tag_with("data-before-send=mine")
    site.pages["/a"] = HTMLResponse(document(f"<script>window.mine = {function}</script>{asking}"))
    visitor.goes("/a")

    assert [hit.get("p") for hit in visitor.hits()] == sent
    assert visitor.noise == []


FRAMES = {
    "an own page": ('<iframe src="/b"></iframe>', ["/a", "/b"]),
    "about:srcdoc": ("<iframe srcdoc='{}'></iframe>", ["/a"]),
    "a sandbox": ('<iframe sandbox="allow-scripts" src="/b"></iframe>', ["/a"]),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frame_counts_only_where_it_is_a_page_of_the_site(
    visitor: Visitor, site: TagSite, name: str
) -> None:
    frame, paths = FRAMES[name]
    inner = document(PLAIN_TAG.replace("/tag.js", f"{site.origin}/tag.js"))
    site.pages["/a"] = HTMLResponse(document(PLAIN_TAG) + frame.format(inner))
    visitor.goes("/a")

    assert len(site.at("/tag.js", at_least=2)) == 2
    assert sorted(visitor.paths()) == paths


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(PLAIN_TAG, id="no head"),
        pytest.param(f"<base href='https://else.example/x/'>{PLAIN_TAG}", id="another base"),
        pytest.param(f"<base href='data:,x'>{PLAIN_TAG}", id="a base that is no base"),
        pytest.param(f"<title>{'t' * 1_000_000}</title>{PLAIN_TAG}", id="title of 1 MB"),
        pytest.param(f"<frameset>{PLAIN_TAG}", id="frames"),
    ],
)
def test_odd_page_is_counted(visitor: Visitor, site: TagSite, page: str) -> None:
    page = page.replace("/tag.js", f"{site.origin}/tag.js")
    site.pages["/a"] = HTMLResponse(f'<link rel="icon" href="data:,">{page}')
    visitor.goes("/a")

    counted = [] if "<frameset>" in page else ["/a"]  # a parser puts no script into one
    assert visitor.paths() == counted
    assert all(len(json.dumps(hit)) < 200 for hit in visitor.hits())


@pytest.mark.parametrize(
    ("attributes", "consent", "asked"),
    [
        pytest.param('data-modules="links,phone"', "", ["/tag/links,phone.js"], id="at once"),
        pytest.param('data-modules="links" data-consent', "", [], id="undecided"),
        pytest.param('data-modules="links" data-consent', "false", [], id="refused"),
        pytest.param(
            'data-modules="links" data-consent',
            "{analytics_storage: 'granted'}",
            ["/tag/links.js"],
            id="permitted",
        ),
        pytest.param('data-modules=""', "", [], id="none"),
    ],
)
def test_modules_are_asked_for_once_the_visitor_may_be_measured(
    visitor: Visitor, site: TagSite, attributes: str, consent: str, asked: list[str]
) -> None:
    site.pages["/a"] = HTMLResponse(document(tag_with(attributes)))
    visitor.goes("/a")
    if consent:
        visitor.does(f"discreet.consent({consent}); discreet('x'); discreet('y')")
    visitor.hits()

    assert [url for url in visitor.asked if "/tag/" in url] == [
        site.origin + path for path in asked
    ]
    assert visitor.noise == []


def test_two_tags_ask_for_a_module_once_and_both_tell_what_it_finds(
    visitor: Visitor, site: TagSite
) -> None:
    tag = tag_with('data-modules="phone"')
    both = tag + tag.replace("example.org", "example.net")
    site.pages["/a"] = HTMLResponse(document(both) + '<a href="tel:+4930123456">call</a>')
    visitor.goes("/a")
    site.at("/tag/phone.js", at_least=1)
    visitor.page.wait_for_function("discreet.phone")
    visitor.page.click("text=call")

    assert len(site.at("/tag/phone.js")) == 1
    assert sorted(str(hit["d"]) for hit in visitor.told("Phone Click")) == [
        "example.net",
        "example.org",
    ]


def test_module_that_does_not_come_costs_the_page_nothing(visitor: Visitor, site: TagSite) -> None:
    site.pages["/a"] = HTMLResponse(document(tag_with('data-modules="unknown"')))
    visitor.goes("/a")
    visitor.does("discreet('x')")

    assert [hit["n"] for hit in visitor.hits()] == ["pageview", "x"]
    assert [line for line in visitor.noise if "404" not in line] == []
