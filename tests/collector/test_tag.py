"""What tag.js sends and when it stays silent, in a real Chromium against a real server."""

import gzip
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Playwright
from starlette.responses import HTMLResponse

from collector.scripts import read_script
from tests.browsing import Serve
from tests.collector.tag_site import (
    API,
    PLAIN_TAG,
    TAG,
    Launch,
    TagSite,
    Visitor,
    document,
    tag_with,
)

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "tag.md"
CORE = (ROOT / "collector" / "tag" / "core.js").read_text("utf-8")
MAX_TAG_BYTES = 1_100  # by gzip -9, under the default policy


def test_load_sends_one_hit_with_the_documented_keys(visitor: Visitor, site: TagSite) -> None:
    site.pages["/from"] = HTMLResponse(document('<a href="/a?utm_source=x#part">on</a>'))
    visitor.goes("/from")
    visitor.page.click("a")
    visitor.page.wait_for_url("**/a?utm_source=x#part")

    assert visitor.hits() == [
        {
            "n": "pageview",
            "u": f"{site.origin}/a?utm_source=x",
            "d": "example.org",
            "r": f"{site.origin}/from",
            "w": 1234,
            "tz": "Europe/Berlin",
        }
    ]
    assert visitor.noise == []


def test_url_leaves_a_name_and_password_behind(visitor: Visitor, site: TagSite) -> None:
    visitor.page.goto(site.origin.replace("http://", "http://anna:secret@") + "/a")

    assert visitor.paths() == ["/a"]


SEARCH = "https://search.example/"
BACK = "new Promise(done => {addEventListener('popstate', done, {once: true}); history.back()})"


@pytest.mark.parametrize(
    ("steps", "paths"),
    [
        pytest.param(["history.pushState(0, '', '/b')"], ["/b"], id="push"),
        pytest.param(["history.pushState(0, '', '?q=2')"], [], id="push of the query alone"),
        pytest.param(
            ["history.pushState(0, '', '?q=2')", "history.pushState(0, '', '/b')", BACK],
            ["/b", "/a?q=2"],
            id="back to a pushed query",
        ),
        pytest.param(["history.pushState(0, '', '/a?q=1')"], [], id="push of the same place"),
        pytest.param(["history.pushState(0, '', '#part')"], [], id="push of a fragment"),
        pytest.param(["history.replaceState(0, '', '/b')"], ["/b"], id="replace"),
        pytest.param(["history.replaceState(0, '', '?q=2')"], [], id="replace of the query alone"),
        pytest.param(
            ["history.replaceState(0, '', '?q=2')", "history.pushState(0, '', '#part')"],
            [],
            id="push of a fragment after a replaced query",
        ),
        pytest.param(["history.pushState(0, '', '/b')", BACK], ["/b", "/a?q=1"], id="back"),
        pytest.param(["history.pushState(0, '', '#part')", BACK], [], id="back from a fragment"),
        pytest.param(["location.hash = 'part'"], [], id="click on a fragment"),
    ],
)
def test_history_change_is_a_view_when_the_place_changes(
    visitor: Visitor, steps: list[str], paths: list[str]
) -> None:
    visitor.goes("/a?q=1", referrer=SEARCH)
    for step in steps:
        visitor.does(step)

    assert visitor.paths() == ["/a?q=1", *paths]
    assert [hit["r"] for hit in visitor.views()] == [SEARCH, *[""] * len(paths)]


def test_refused_push_state_fails_in_the_page_as_without_the_tag(visitor: Visitor) -> None:
    visitor.goes("/a")
    error = visitor.page.evaluate(
        "() => { try { history.pushState(() => 0, '', '/b') } catch (error) { return error.name } }"
    )

    assert error == "DataCloneError"
    assert visitor.paths() == ["/a"]


@pytest.mark.parametrize(
    "bfcache", [True, False], ids=["out of the back/forward cache", "by loading anew"]
)
def test_return_with_the_back_button_is_one_view(
    site: TagSite, launch: Launch, bfcache: bool
) -> None:
    note = site.script("/note.js", "addEventListener('pageshow', e => window.kept = e.persisted)")
    site.pages["/a"] = HTMLResponse(document(PLAIN_TAG + note))
    visitor = Visitor(launch(bfcache=bfcache).new_context(), site)
    visitor.goes("/a", referrer=SEARCH)
    visitor.goes("/b")
    visitor.page.go_back(wait_until="commit")
    visitor.page.wait_for_function(f"window.kept === {str(bfcache).lower()}")

    assert visitor.paths() == ["/a", "/b", "/a"]
    assert visitor.views()[2]["r"] == ("" if bfcache else SEARCH)


PRERENDERED = """
const told = () => document.prerendering && document.hidden ? '/prerendering' : '/seen';
const tell = () => fetch(told(), {method: 'POST'});
addEventListener('pageshow', tell);
document.addEventListener('prerenderingchange', tell);
"""


@pytest.mark.parametrize("target", ["/next", "/elsewhere"])
def test_prerendered_page_is_a_view_only_once_activated(
    site: TagSite, chromium_command: list[str], tmp_path: Path, target: str
) -> None:
    rules = '{"prerender": [{"urls": ["/next"], "eagerness": "immediate"}]}'
    go = f"fetch('/after/prerendering').then(() => {{ location.href = '{target}' }})"
    speculation = f'<script type="speculationrules">{rules}</script>'
    site.pages["/a"] = HTMLResponse(document(PLAIN_TAG + site.script("/go.js", go) + speculation))
    tell = site.script("/tell.js", PRERENDERED)
    site.pages["/next"] = site.pages["/elsewhere"] = HTMLResponse(document(PLAIN_TAG + tell))

    # Without a driver, because Chromium drops the prerendered page under Playwright's debugger.
    command = [*chromium_command, f"--user-data-dir={tmp_path}", f"{site.origin}/a"]
    browser = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        site.at("/seen", at_least=1)
        hits = site.at(API, at_least=3)
    finally:
        os.killpg(browser.pid, signal.SIGTERM)
        browser.wait()

    assert site.at("/next")[0].headers["sec-purpose"] == "prefetch;prerender"
    assert len(site.at("/next")) == 1
    told = [json.loads(hit.body) for hit in hits]
    # The page that is left and the one that is shown are two processes: either may be first.
    assert sorted((hit["n"], hit["u"]) for hit in told) == [
        ("engagement", site.origin + "/a"),
        ("pageview", site.origin + "/a"),
        ("pageview", site.origin + target),
    ]


CHANGED_SIGHT = "document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))"


def test_page_loaded_out_of_sight_is_a_view_only_once_seen(
    visitor: Visitor, site: TagSite, context: BrowserContext
) -> None:
    unseen = "{get: () => window.seen !== true}"
    context.add_init_script(f"Object.defineProperty(document, 'hidden', {unseen})")
    visitor.goes("/a")
    visitor.does("history.pushState(0, '', '/b')")
    visitor.does("history.replaceState(0, '', '?q=1')")
    visitor.does("discreet('signup')")
    assert visitor.hits() == []

    visitor.does(f"window.seen = true; {CHANGED_SIGHT}")
    visitor.does(CHANGED_SIGHT)
    assert [(hit["n"], hit["u"]) for hit in visitor.hits()] == [
        ("pageview", f"{site.origin}/b?q=1"),
        ("signup", f"{site.origin}/b?q=1"),
    ]


def navigator_says(name: str, value: str) -> str:
    return f"Object.defineProperty(Navigator.prototype, '{name}', {{get: () => {value}}})"


@pytest.mark.parametrize(
    ("script", "views"),
    [
        pytest.param(navigator_says("doNotTrack", "'1'"), 0, id="DNT 1"),
        pytest.param(navigator_says("doNotTrack", "'1x'"), 0, id="DNT 1 with an extension"),
        pytest.param(navigator_says("doNotTrack", "'yes'"), 0, id="DNT yes"),
        pytest.param("window.doNotTrack = '1'", 0, id="window DNT 1"),
        pytest.param(navigator_says("globalPrivacyControl", "true"), 0, id="GPC true"),
        pytest.param(navigator_says("doNotTrack", "(() => {throw 1})()"), 0, id="DNT unreadable"),
        pytest.param(navigator_says("doNotTrack", "'0'"), 2, id="DNT 0"),
        pytest.param(navigator_says("doNotTrack", "'no'"), 2, id="DNT no"),
        pytest.param(navigator_says("doNotTrack", "'unspecified'"), 2, id="DNT unspecified"),
        pytest.param("window.doNotTrack = '0'", 2, id="window DNT 0"),
        pytest.param(navigator_says("globalPrivacyControl", "false"), 2, id="GPC false"),
    ],
)
def test_signal_read_by_the_tag_keeps_it_silent(
    visitor: Visitor, context: BrowserContext, script: str, views: int
) -> None:
    context.add_init_script(script)
    visitor.goes("/a")
    visitor.does("history.pushState(0, '', '/b')")

    assert len(visitor.views()) == views
    assert bool(visitor.hits()) is bool(views)
    assert visitor.noise == []


def test_signal_raised_between_two_views_silences_the_second(visitor: Visitor) -> None:
    visitor.goes("/a")
    visitor.does("window.doNotTrack = '1'; history.pushState(0, '', '/b')")

    assert visitor.paths() == ["/a"]


@pytest.mark.parametrize(("dnt", "views"), [(True, 0), (False, 1)], ids=["on", "off"])
def test_browser_setting_do_not_track_keeps_the_tag_silent(
    driver: Playwright,
    site: TagSite,
    chromium_command: list[str],
    tmp_path: Path,
    dnt: bool,
    views: int,
) -> None:
    preferences = tmp_path / "Default" / "Preferences"
    preferences.parent.mkdir()
    preferences.write_text(json.dumps({"enable_do_not_track": dnt}))
    executable, *flags = chromium_command
    context = driver.chromium.launch_persistent_context(
        tmp_path, executable_path=executable, args=flags
    )
    try:
        visitor = Visitor(context, site)
        visitor.goes("/a")

        assert ("dnt" in site.at("/a")[0].headers) is dnt
        assert len(visitor.hits()) == views
    finally:
        context.close()


@pytest.mark.parametrize(
    ("feature", "gpc", "views"),
    [("GlobalPrivacyControlForce", True, 0), ("GlobalPrivacyControl", False, 1)],
    ids=["on", "off"],
)
def test_browser_setting_global_privacy_control_keeps_the_tag_silent(
    site: TagSite, launch: Launch, feature: str, gpc: bool, views: int
) -> None:
    visitor = Visitor(launch(flags=[f"--enable-features={feature}"]).new_context(), site)
    visitor.goes("/a")

    assert ("sec-gpc" in site.at("/a")[0].headers) is gpc
    assert len(visitor.hits()) == views


WATCHED = """
window.touched = [];
for (const [owner, name] of [[Document.prototype, 'cookie'], [window, 'localStorage'],
    [window, 'sessionStorage'], [window, 'indexedDB'], [window, 'caches'], [window, 'cookieStore'],
    [window, 'name']])
  Object.defineProperty(owner, name, {
    get() { touched.push('read ' + name) }, set() { touched.push('write ' + name) }
  });
"""


@pytest.mark.parametrize("attribute", ["", "data-consent"])
def test_tag_reads_the_cookie_and_touches_no_storage(
    visitor: Visitor, context: BrowserContext, site: TagSite, attribute: str
) -> None:
    context.add_init_script(WATCHED)
    site.pages["/a"] = HTMLResponse(document(tag_with(attribute)))
    visitor.goes("/a")
    visitor.does("history.pushState(0, '', '/b')")
    visitor.does("discreet.consent({version: '1', purposes: ['audience']})")
    assert visitor.paths() == ["/a", "/b"]
    assert set(visitor.page.evaluate("touched")) == {"read cookie"}

    visitor.does("document.cookie = 'a=b'; try { localStorage.a = 1 } catch {}")
    assert visitor.page.evaluate("touched.slice(-2)") == ["write cookie", "read localStorage"]


def test_cookies_of_the_api_are_not_sent_along(
    visitor: Visitor, context: BrowserContext, site: TagSite
) -> None:
    context.add_cookies([{"name": "login", "value": "1", "url": site.origin}])
    visitor.goes("/a")
    visitor.hits()

    assert "cookie" in site.at("/a")[0].headers
    assert "cookie" not in site.at(API)[0].headers


def test_api_on_another_origin_gets_one_request_without_preflight(
    visitor: Visitor, site: TagSite, serve: Serve
) -> None:
    stats = TagSite(serve)
    tag = f'<script defer src="{stats.origin}/tag.js" data-site="example.org"></script>'
    site.pages["/private/page"] = HTMLResponse(
        document(tag), headers={"Referrer-Policy": "no-referrer"}
    )
    with visitor.page.expect_event("requestfinished", lambda one: one.url == stats.origin + API):
        visitor.goes("/private/page?token=1")
    (hit,) = stats.at(API, at_least=1)

    assert hit.method == "POST"
    assert hit.headers["content-type"] == "text/plain;charset=UTF-8"
    assert hit.headers["origin"] == site.origin
    assert hit.headers["referer"] == site.origin + "/"
    assert visitor.noise == []


def test_tag_asks_nobody_but_its_own_server(visitor: Visitor, site: TagSite) -> None:
    visitor.goes("/a")
    visitor.hits()

    assert visitor.asked == [site.origin + path for path in ("/a", "/tag.js", API, "/fence")]


def test_data_api_names_where_hits_go(visitor: Visitor, site: TagSite) -> None:
    tag = PLAIN_TAG.replace("data-site", 'data-api="/stats/event" data-site')
    site.pages["/a"] = HTMLResponse(document(tag))
    visitor.goes("/a")

    assert len(visitor.hits(api="/stats/event")) == 1
    assert site.at(API) == []


def test_page_with_a_strict_content_policy_is_counted(visitor: Visitor, site: TagSite) -> None:
    policy = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    site.pages["/a"] = HTMLResponse(
        document(PLAIN_TAG), headers={"Content-Security-Policy": policy}
    )
    visitor.goes("/a")

    assert visitor.paths() == ["/a"]
    assert visitor.noise == []


@pytest.mark.parametrize("scheme", ["file", "data", "blob", "http"])
def test_only_pages_of_the_web_are_counted(
    site: TagSite, launch: Launch, tmp_path: Path, scheme: str
) -> None:
    # Chromium would keep a data: page from loading a script of 127.0.0.1 at all.
    reachable = launch(flags=["--disable-features=LocalNetworkAccessChecks"])
    visitor = Visitor(reachable.new_context(), site)
    html = document(PLAIN_TAG.replace("/tag.js", site.origin + "/tag.js"))
    saved = tmp_path / "page.html"
    saved.write_text(html)
    if scheme == "blob":
        site.pages["/maker"] = HTMLResponse(document(""))
        visitor.goes("/maker")
        make = "html => URL.createObjectURL(new Blob([html], {type: 'text/html'}))"
        address = visitor.page.evaluate(make, html)
        with visitor.page.expect_navigation():
            visitor.does(f"() => {{ location.href = '{address}' }}")
    else:
        site.pages["/page"] = HTMLResponse(html)
        addresses = {"file": saved.as_uri(), "data": f"data:text/html,{html}"}
        visitor.page.goto(addresses.get(scheme, site.origin + "/page"))

    assert len(visitor.hits()) == (scheme == "http")
    assert len(site.at("/tag.js", at_least=1)) == 1


@pytest.mark.parametrize(
    ("domains", "counted"),
    [
        pytest.param(["example.org", "example.org"], ["example.org"], id="same site twice"),
        pytest.param(
            ["example.org", "example.net"], ["example.net", "example.org"], id="two sites"
        ),
        pytest.param([""], [], id="no site"),
    ],
)
def test_each_site_counts_a_page_once_however_many_tags(
    visitor: Visitor, site: TagSite, domains: list[str], counted: list[str]
) -> None:
    tags = "".join(PLAIN_TAG.replace("example.org", domain) for domain in domains)
    site.pages["/a"] = HTMLResponse(document(tags))
    visitor.goes("/a")
    visitor.does("history.pushState(0, '', '/b')")

    assert sorted(str(hit["d"]) for hit in visitor.views()) == sorted(counted * 2)


@pytest.mark.parametrize(
    ("script", "views"),
    [
        pytest.param("delete window.fetch", 0, id="no fetch"),
        pytest.param("window.fetch = () => Promise.reject(new Error('no'))", 0, id="fetch rejects"),
        pytest.param("window.fetch = () => { throw new Error('no') }", 0, id="fetch throws"),
        pytest.param("delete window.Intl", 1, id="no Intl"),
        pytest.param("delete window.Temporal", 1, id="no Temporal"),
        pytest.param("delete window.Intl; delete window.Temporal", 0, id="neither"),
        pytest.param("Object.freeze(history)", 1, id="frozen history"),
        pytest.param("window.discreet = Object.freeze({})", 0, id="frozen discreet"),
        pytest.param("window.discreet = {}", 1, id="empty discreet"),
        pytest.param(
            "Object.defineProperty(Document.prototype, 'cookie', {get() { throw 1 }})",
            0,
            id="no cookies to read",
        ),
    ],
)
def test_odd_browser_never_shows_an_error_in_the_page(
    visitor: Visitor, context: BrowserContext, site: TagSite, script: str, views: int
) -> None:
    context.add_init_script(f"window.ask = window.fetch; {script}")
    visitor.goes("/a")
    visitor.does(f"ask('{site.origin}/fence', {{method: 'POST'}})")

    assert len(site.at(API, at_least=views)) == views
    assert sum(url.endswith(API) for url in visitor.asked) == views
    assert all(hit.headers["content-type"].startswith("text/plain") for hit in site.at(API))
    assert visitor.noise == []


def test_tag_stays_small_as_served() -> None:
    assert len(gzip.compress(TAG, 9, mtime=0)) <= MAX_TAG_BYTES


def documented(heading: str) -> set[str]:
    """Return what the first cells of the tables below a heading name."""
    section = DOCS.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)}


def attribute(name: str) -> str:
    """Return the attribute that a name of `dataset` stands for."""
    return "data-" + re.sub("[A-Z]", lambda letter: "-" + letter[0].lower(), name)


def test_every_key_of_the_tag_is_documented() -> None:
    objects = re.findall(r"hits\.push\(\{(.*?)\}\)|hit = \{(.*?)\}", CORE)
    keys = re.findall(r"(?:^|, )(\w+)", ", ".join("".join(one) for one in objects))
    told = re.findall(r"told\.(\w+)", CORE.replace("discreet.told", ""))

    assert {*keys, *told, "version", "w", "tz"} == documented("What is sent")


def test_every_attribute_of_the_tag_is_documented() -> None:
    taken = ", ".join(re.findall(r"\{([^{}]*)\} = dataset", CORE))
    names = {*re.findall(r"(?:dataset|target)\.(?!closest)(\w+)", CORE), *taken.split(", ")}

    assert {attribute(name) for name in names} - {"data-dataset"} == documented("Attributes")


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/consent.js", "Consent"),
        ("/opt-out.js", "An opt-out switch on your own page"),
    ],
)
def test_every_attribute_is_documented(path: str, heading: str) -> None:
    source = read_script(path).decode()

    assert "dataset" not in source
    assert set(re.findall(r'["[](data-[a-z-]+)["\]]', source)) == documented(heading)
