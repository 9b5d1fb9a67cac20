"""What tests of the tag look through: a window's hits stand in the order they were sent."""

from playwright.sync_api import BrowserContext, Route

from tests.browsing import LEFT_OUT
from tests.collector.tag_site import API, TagSite, Visitor


def test_hit_that_another_overtakes_stands_before_it(
    visitor: Visitor, context: BrowserContext, site: TagSite
) -> None:
    visitor.goes("/a")
    assert visitor.paths() == ["/a"]
    slow: list[Route] = []

    def let_the_second_overtake(route: Route) -> None:
        if not slow:
            slow.append(route)
            return
        route.continue_()
        site.at(API, at_least=2)
        slow[0].continue_()

    context.route(f"**{API}", let_the_second_overtake)
    visitor.does("discreet('x'); discreet('y')")

    assert [hit["n"] for hit in visitor.hits()] == ["pageview", "x", "y"]
    assert '"y"' in site.at(API)[1].body


def test_chromium_leaves_out_all_that_playwright_does(context: BrowserContext) -> None:
    assert context.browser
    told = context.browser.new_browser_cdp_session().send("SystemInfo.getInfo")["commandLine"]
    lists = [part.partition("=")[2] for part in told.split() if "--disable-features=" in part]

    assert len(lists) == 2
    assert set(lists[0].split(",")) <= set(LEFT_OUT)
    assert lists[1] == ",".join(LEFT_OUT)
