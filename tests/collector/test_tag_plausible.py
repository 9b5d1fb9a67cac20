"""Pages that carry Plausible's own trackers, as npm has them, pointed at a collector."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from tests.collector.consent_site import POLICY as SITES
from tests.collector.consent_site import STATS, Collector, Pages, Person, document
from tests.running import FIREFOX, Server

TAG = Path(__file__).parents[2] / "collector" / "tag"
SITE = "http://free.example.org"

POLICY = f"""{SITES}
[[site]]
domain = "hash.example.org"
timezone = "Europe/Berlin"
consent = "opt-out"
hash_routing = true

[[site]]
domain = "calm.example.org"
timezone = "Europe/Berlin"
consent = "opt-out"

[[site]]
domain = "lively.example.org"
timezone = "Europe/Berlin"
consent = "opt-out"

[[event]]
name = "signup"

[[event.property]]
name = "plan"
values = ["free", "paid"]

[[event.property]]
name = "seats"
steps = [1, 10]
"""

PACKAGES = {
    "plausible-tracker": """
        import Plausible from "plausible-tracker";
        const hashMode = location.host.startsWith("hash.");
        window.tracker = Plausible({domain: location.host, apiHost: "STATS", hashMode});
        tracker.enableAutoPageviews();
        tracker.enableAutoOutboundTracking();
        window.tell = (name, props) => tracker.trackEvent(name, {props});
    """,
    "@plausible-analytics/tracker": """
        import { init, track } from "@plausible-analytics/tracker";
        init({
          domain: location.host, endpoint: "STATS/api/event", outboundLinks: true,
          fileDownloads: true, formSubmissions: true,
          hashBasedRouting: location.host.startsWith("hash.")
        });
        window.tell = (name, props, interactive) => track(name, {props, interactive});
    """,
}
OFFICIAL = "@plausible-analytics/tracker"
BODY = """
<a href="http://partner.example.org/NAME?for=anna#top" id="out">partner</a>
<a href="/files/NAME.pdf?for=anna" id="file">list</a>
<form><input name="mail" value="anna@example.org"></form>
<div style="height: 7000px"></div>
"""
STAY = "for (const name of ['click', 'submit']) addEventListener(name, e => e.preventDefault());"
BACK = "new Promise(done => {addEventListener('popstate', done, {once: true}); history.back()})"
ROUTE = "new Promise(done => {addEventListener('hashchange', done); location.hash = '/NAME/two'})"


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    with Server(tmp_path_factory.mktemp("collector"), POLICY) as server:
        yield Collector(server)


@pytest.fixture(scope="module")
def browser(driver: Playwright, named_command: list[str]) -> Iterator[Browser]:
    executable, *flags = named_command
    # Not the context's: what is sent when a page is left would have Chromium's own, Headless.
    browser = driver.chromium.launch(
        executable_path=executable, args=[*flags, f"--user-agent={FIREFOX}"]
    )
    yield browser
    browser.close()


@pytest.fixture(scope="module", params=list(PACKAGES))
def package(request: pytest.FixtureRequest, pages: Pages) -> str:
    """Name the package that the page `at(package)` carries, as a site's bundler puts it there."""
    name = str(request.param)
    bundled = subprocess.run(
        [TAG / "node_modules" / ".bin" / "esbuild", "--bundle", "--format=iife"],
        input=PACKAGES[name].replace("STATS", STATS),
        cwd=TAG,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert bundled.returncode == 0, bundled.stderr
    body = BODY.replace("NAME", at(name)[1:])
    pages.at[at(name)] = document("", f"{body}<script>{bundled.stdout}</script>")
    return name


@pytest.fixture
def visit(browser: Browser) -> Iterator[Person]:
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    # It counts nothing in a browser that is driven, but where its makers' own tests ask it to.
    context.add_init_script("window.__plausible = true")
    yield Person(context)
    context.close()


def at(package: str) -> str:
    """Return the page that carries a package."""
    return "/" + package.strip("@").replace("/", "-")


def ask(collector: Collector, sql: str) -> list[str]:
    """Return the rows, once all that was sent so far is in the views."""
    collector.views("/")
    return collector.server.query(sql).splitlines()


def test_views_of_a_single_page_site_are_counted(
    visit: Person, collector: Collector, package: str
) -> None:
    page = at(package)
    visit.goes(page, SITE)
    visit.does(f"history.pushState(0, '', '{page}/next')")
    visit.does(BACK)

    assert collector.views(page) == 2
    assert collector.views(page + "/next") == 1
    assert visit.noise == []


def test_routes_behind_the_hash_are_counted(
    visit: Person, collector: Collector, package: str
) -> None:
    page = at(package)
    visit.goes(f"{page}#{page}/one", "http://hash.example.org")
    visit.does(ROUTE.replace("NAME", page[1:]))

    sql = f"SELECT page, sum(views) FROM pages WHERE page LIKE '{page}/%' AND site LIKE 'hash%'"
    counted = ask(collector, sql + " GROUP BY page ORDER BY page")
    # plausible-tracker listens to popstate and to hashchange, and tells of each.
    assert counted == [f"{page}/one\t1", f"{page}/two\t{1 if package == OFFICIAL else 2}"]


def test_events_are_counted_with_their_properties(
    visit: Person, collector: Collector, package: str
) -> None:
    events = "SELECT sum(events) FROM events WHERE event = 'signup'"
    (before,) = ask(collector, events)
    visit.goes(at(package), SITE)
    visit.does("tell('signup', {plan: 'paid', seats: 3, name: 'Anna', list: [1]})")
    visit.does("tell('undeclared', {plan: 'paid'})")

    assert ask(collector, events) == [str(int(before) + 1)]
    values = "SELECT DISTINCT property, value FROM event_properties WHERE event = 'signup'"
    assert ask(collector, values + " ORDER BY property") == ["plan\tpaid", "seats\t1–9"]
    assert ask(collector, "SELECT event FROM events WHERE event = 'undeclared'") == []


def test_link_that_leads_out_is_counted_without_its_query(
    visit: Person, collector: Collector, package: str
) -> None:
    visit.goes(at(package), SITE)
    visit.page.click("#out")
    visit.page.wait_for_url("http://partner.example.org/**")

    sql = f"SELECT value, sum(events) FROM outbound_links WHERE value LIKE '%{at(package)}'"
    assert ask(collector, sql + " GROUP BY value") == [f"partner.example.org{at(package)}\t1"]


@pytest.mark.parametrize("package", [OFFICIAL], indirect=True)
def test_downloads_and_forms_are_counted(visit: Person, collector: Collector, package: str) -> None:
    visit.goes(at(package), SITE)
    visit.does(STAY)
    visit.page.click("#file")
    visit.page.focus("input")
    visit.page.keyboard.press("Enter")
    visit.settles()

    assert ask(collector, "SELECT value, events FROM downloads") == [
        f"free.example.org/files{at(package)}.pdf\t1"
    ]
    assert ask(collector, "SELECT page, events FROM forms") == [f"{at(package)}\t1"]


@pytest.mark.parametrize("package", [OFFICIAL], indirect=True)
def test_engagement_is_counted(visit: Person, collector: Collector, package: str) -> None:
    told = f"FROM engagement WHERE page = '{at(package)}'"
    (before,) = ask(collector, f"SELECT sum(seconds) {told}")
    visit.context.clock.install()
    visit.goes(at(package), SITE)
    visit.page.clock.pause_at("2100-01-01")
    visit.page.clock.run_for(7000)
    visit.page.evaluate(
        "new Promise(done => {addEventListener('scroll', done, {once: true}); scrollTo(0, 3000)})"
    )
    visit.page.clock.resume()
    visit.does("document.hasFocus = () => false; dispatchEvent(new Event('blur'))")

    (after,) = ask(collector, f"SELECT sum(seconds) {told}")
    assert int(after) - int(before) >= 7
    depths = f"SELECT value FROM scroll_depth WHERE page = '{at(package)}' ORDER BY value"
    assert ask(collector, depths) == ["25", "50"]


@pytest.mark.parametrize("package", [OFFICIAL], indirect=True)
@pytest.mark.parametrize(("site", "calm"), [("calm", True), ("lively", False)], ids=str)
def test_event_that_is_no_interaction_leaves_the_bounce(
    visit: Person, collector: Collector, package: str, site: str, calm: bool
) -> None:
    visit.goes(at(package), f"http://{site}.example.org")
    visit.does(f"tell('signup', {{}}, {str(not calm).lower()})")

    sql = f"SELECT visits, bounces FROM entry_pages WHERE site = '{site}.example.org'"
    assert ask(collector, sql) == [f"1\t{int(calm)}"]
