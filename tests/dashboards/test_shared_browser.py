"""Shared links in Chromium: in the frames of the origins that they name, and in no other's."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from people.people import People
from tests.browsing import Serve
from tests.dashboards.reader import NOW
from tests.dashboards.traffic import SITE

SECOND = int(NOW.timestamp())
DAYS = f"site={SITE}&period=custom&from=2025-10-01&to=2025-10-31"


async def embedder(request: Request) -> Response:
    """Show the address asked for in a frame."""
    source = request.query_params["src"].replace("&", "&amp;")
    return HTMLResponse(
        '<!doctype html><title>a site</title><link rel="icon" href="data:,">'
        f'<iframe src="{source}"></iframe>'
    )


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 900, "height": 900})
    yield context.new_page()
    context.close()


@pytest.mark.usefixtures("stored")
def test_frame_shows_numbers_and_its_links_to_the_origin_that_the_share_names(
    page: Page, serve: Serve, app: Starlette, people: People
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    ours, theirs = serve(app), serve(Starlette(routes=[Route("/", embedder)]))
    token = people.shares.add("press", SITE, SECOND, origins=[theirs])
    source = f"{ours}/shared/{token}?embed=1&{DAYS}"

    page.goto(f"{theirs}/?src={source.replace('&', '%26')}")
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name=SITE).wait_for()
    assert frame.get_by_text("Log out").count() == 0
    frame.locator("a[href*='report=pages']").first.evaluate("link => link.click()")
    frame.locator("table").first.wait_for()
    (shown,) = [each for each in page.frames if each != page.main_frame]
    shown.wait_for_url(f"**/shared/{token}/embed?*report=pages*")
    assert page.context.cookies() == []
    assert complaints == []


def test_frame_of_another_origin_stays_empty(
    page: Page, serve: Serve, app: Starlette, people: People
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    ours, theirs = serve(app), serve(Starlette(routes=[Route("/", embedder)]))
    token = people.shares.add("press", SITE, SECOND, origins=["https://www.example.org"])

    for path in ("?embed=1", "/embed", ""):
        complaints.clear()
        page.goto(f"{theirs}/?src={ours}/shared/{token}{path}")
        page.wait_for_load_state("networkidle")
        (shown,) = [each for each in page.frames if each != page.main_frame]
        assert SITE not in shown.content()
        assert any("frame-ancestors" in each for each in complaints)
