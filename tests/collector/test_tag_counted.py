"""What the tag sends, in the views of a real collector, under its own policy."""

from collector.tag_scripts import hash_of
from tests.collector.consent_site import (
    API,
    STATS,
    TAG,
    WAITING_TAG,
    Collector,
    Pages,
    Person,
    document,
    for_site,
)
from tests.collector.tag_site import TAG as SERVED

FREE = "http://free.example.org"
FREE_TAG = for_site("free.example.org", TAG)
HIDE = (
    "Object.defineProperty(document, 'hidden', {get: () => true});"
    "document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))"
)
TALL = '<div style="height: 20000px"></div>'


def test_engaged_time_and_depth_are_in_the_views(
    person: Person, pages: Pages, collector: Collector
) -> None:
    pages.at["/read"] = document(FREE_TAG, TALL)
    person.context.clock.install()
    person.goes("/read", FREE)
    person.page.clock.pause_at("2100-01-01")
    person.page.evaluate("dispatchEvent(new Event('blur'))")  # from here on the time is known
    person.page.clock.run_for(7000)
    person.page.evaluate(
        "new Promise(done => {addEventListener('scroll', done, {once: true}); scrollTo(0, 10500)})"
    )
    person.page.clock.resume()
    # Not by leaving the page: what goes out then has no more the name that Playwright gave it.
    person.does(HIDE)
    assert collector.views("/read") == 1

    engaged = collector.server.query("SELECT sum(seconds) FROM engagement WHERE page = '/read'")
    assert int(engaged) >= 7
    depths = "SELECT value FROM scroll_depth WHERE page = '/read' ORDER BY value"
    assert collector.server.query(depths).split() == ["25", "50"]


def test_module_s_event_is_in_the_views(person: Person, pages: Pages, collector: Collector) -> None:
    links = FREE_TAG.replace("data-site", 'data-modules="links" data-site')
    pages.at["/out"] = document(links, '<a href="http://else.example/path?q=1">out</a>')
    person.goes("/out", FREE)
    person.page.wait_for_function("window.discreet.links")
    person.page.evaluate("addEventListener('click', event => event.preventDefault())")
    person.page.click("text=out")
    person.settles()
    assert collector.views("/out") == 1

    told = collector.server.query("SELECT value FROM outbound_links")
    assert told == "else.example/path\n"


def test_pinned_tag_of_the_running_collector_counts(
    person: Person, pages: Pages, collector: Collector
) -> None:
    pinned = FREE_TAG.replace("/tag.js", f"/tag/{hash_of(SERVED)}.js")
    pages.at["/pinned"] = document(pinned)
    person.goes("/pinned", FREE)

    assert collector.views("/pinned") == 1
    assert (collector.server.data / "tags" / f"{hash_of(SERVED)}.js").read_bytes() == SERVED


def test_nothing_is_kept_and_nobody_else_is_asked(person: Person, pages: Pages) -> None:
    tag = FREE_TAG.replace("data-site", 'data-modules="links,vitals,clicks" data-site')
    pages.at["/clean"] = document(tag, '<button data-discreet-event="x">press</button>' + TALL)
    person.goes("/clean", FREE)
    person.page.wait_for_function("window.discreet.links")
    person.page.click("text=press")
    person.does("scrollTo(0, 9000)")

    assert person.stored() == person.cookies() == {}
    assert {one.url.split("/")[2] for one in person.requests} == {
        "free.example.org",
        "stats.example.org",
    }
    assert person.noise == []


def test_page_with_a_strict_content_policy_loads_modules_too(person: Person, pages: Pages) -> None:
    rules = (
        f"default-src 'none'; script-src {STATS}; connect-src {STATS}; img-src data:; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    tag = FREE_TAG.replace("data-site", 'data-modules="links" data-site')
    policy = f'<meta http-equiv="Content-Security-Policy" content="{rules}">'
    pages.at["/strict/modules"] = document(policy + tag)
    person.goes("/strict/modules", FREE)
    person.page.wait_for_function("window.discreet.links")

    assert len(person.views()) == 1
    assert person.noise == []


def test_offline_moment_costs_its_hits_and_nothing_else(person: Person, pages: Pages) -> None:
    pages.at["/offline"] = document(FREE_TAG)
    person.goes("/offline", FREE)
    person.context.set_offline(True)
    person.does("history.pushState(0, '', '/offline/lost')")
    person.context.set_offline(False)
    person.does("history.pushState(0, '', '/offline/back')")
    answered = [one.url for one in person.requests if one.url == API and one.response()]

    assert len(answered) >= 2  # the first view and the last
    assert all("ERR_INTERNET_DISCONNECTED" in line for line in person.noise)


def test_waiting_tag_reads_nothing_of_the_browser_before_consent(
    person: Person, pages: Pages
) -> None:
    pages.at["/unread"] = document(for_site("free.example.org", WAITING_TAG))
    person.context.add_init_script(
        "const width = outerWidth; window.read = 0;"
        "Object.defineProperty(window, 'outerWidth', {get: () => (window.read++, width)})"
    )
    person.goes("/unread", FREE)
    assert person.does("read") == 0

    person.does("discreet.consent({version: '3', purposes: ['audience']})")
    assert person.does("read") == 1
