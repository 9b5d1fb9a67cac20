"""The demo site: its pages carry the tag, and its note tells what the browser recorded."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from collector.demo import demo_routes
from tests.browsing import Serve
from tests.collector.tag_site import API, TAG

PAGES = [
    "/demo",
    "/demo/articles",
    "/demo/articles/slow-compost",
    "/demo/articles/counting-swifts",
    "/demo/articles/rain-barrel",
    "/demo/pricing",
    "/demo/about",
    "/demo/app",
    "/demo/app/beds",
    "/demo/app/seeds",
]
BEYOND_THE_DEMO = ("/tag.js", "/pixel.gif", "/dashboard", "/opt-out", "/privacy")


@pytest.fixture
def origin(serve: Serve) -> str:
    async def tag(_: Request) -> Response:
        return Response(TAG, media_type="text/javascript")

    async def event(_: Request) -> Response:
        return PlainTextResponse("ok", 202)

    return serve(
        Starlette(
            routes=[
                *demo_routes("garden.example"),
                Route("/tag.js", tag),
                Route(API, event, methods=["POST"]),
            ]
        )
    )


@pytest.fixture
def client(origin: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=origin, trust_env=False) as client:
        yield client


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    yield context
    context.close()


@pytest.fixture
def noise() -> list[str]:
    return []


@pytest.fixture
def page(context: BrowserContext, noise: list[str]) -> Page:
    context.on("console", lambda message: noise.append(message.text))
    context.on("weberror", lambda error: noise.append(str(error.error)))
    return context.new_page()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_carries_the_tag_and_no_inline_code(client: httpx.Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert '<script defer src="/tag.js" data-site="garden.example"></script>' in answer.text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", answer.text)
    assert "http://" not in answer.text
    assert "https://" not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(client: httpx.Client, path: str) -> None:
    links = set(re.findall(r'(?:href|src)="(/[^"]*)"', client.get(path).text))
    inside = [link for link in links if not link.startswith(BEYOND_THE_DEMO)]

    assert "/dashboard" in links
    assert "/demo?utm_source=newsletter&amp;utm_campaign=spring" in links
    assert {link: client.get(link).status_code for link in inside} == dict.fromkeys(inside, 200)


def test_site_name_is_escaped_in_the_pages(serve: Serve) -> None:
    origin = serve(Starlette(routes=demo_routes('"><script>')))

    assert "<script>" not in httpx.get(f"{origin}/demo", trust_env=False).text


def test_page_takes_no_post(client: httpx.Client) -> None:
    assert client.post("/demo").status_code == 405


@pytest.mark.parametrize("path", PAGES)
def test_note_shows_the_one_request_of_a_view(
    page: Page, noise: list[str], origin: str, path: str
) -> None:
    page.goto(origin + path)

    expect(page.locator("#sent-summary")).to_have_text(
        "One request to /api/event was made for this view."
    )
    expect(page.locator("#sent-requests li")).to_have_text(re.compile("answered 202$"))
    expect(page.locator("[data-key=u]")).to_have_text(origin + path)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert noise == []


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        ("1", "Nothing. Your browser says Do Not Track, so the tag stayed silent."),
        ("0", "One request to /api/event was made for this view."),
    ],
    ids=["on", "off"],
)
def test_note_tells_when_do_not_track_kept_the_tag_silent(
    page: Page, origin: str, value: str, summary: str
) -> None:
    page.add_init_script(f"window.doNotTrack = '{value}'")
    page.goto(origin + "/demo")

    expect(page.locator("#sent-summary")).to_have_text(summary)
    expect(page.locator("[data-signal=dnt]")).to_have_text("on" if value == "1" else "off")


def test_note_tells_when_the_opt_out_cookie_kept_the_tag_silent(page: Page, origin: str) -> None:
    page.context.add_cookies([{"name": "discreet_opt_out", "value": "1", "url": origin}])
    page.goto(origin + "/demo")

    expect(page.locator("#sent-summary")).to_contain_text("You have opted out")


def test_note_makes_no_claim_when_the_tag_was_blocked(page: Page, origin: str) -> None:
    page.route("**/tag.js", lambda route: route.abort())
    page.goto(origin + "/demo")

    expect(page.locator("#sent-summary")).to_contain_text("No request to /api/event is on record")


def test_planner_switches_views_without_loading_a_page(page: Page, origin: str) -> None:
    page.goto(origin + "/demo/app")
    page.evaluate("window.same = true")
    page.get_by_role("link", name="Beds").click()
    expect(page.get_by_role("region", name="Beds")).to_be_visible()
    page.get_by_role("link", name="Seeds").click()
    expect(page.get_by_role("region", name="Seeds")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("region", name="Beds")).to_be_visible()
    expect(page.get_by_role("region", name="Seeds")).to_be_hidden()

    expect(page.locator("#sent-summary")).to_contain_text("7 requests")
    assert page.url == origin + "/demo/app/beds"
    assert page.evaluate("window.same")
