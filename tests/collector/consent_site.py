"""example.org with its collector at stats.example.org: real servers, real names in the browser.

Chromium is told that these names live on loopback, so that cookies reach as far as they would.
"""

import json
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import BrowserContext, Locator, Request
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.running import FIREFOX, Server, hit

STATS = "http://stats.example.org"
SITE = "http://www.example.org"
API = STATS + "/api/event"
CONSENT = STATS + "/api/consent"

ALL_PURPOSES = ("audience", "campaigns", "operations", "accountability")
TAG = f'<script defer src="{STATS}/tag.js" data-site="example.org"></script>'
WAITING_TAG = TAG.replace("data-site", "data-consent data-site")
CONSENT_SCRIPT = f'<script defer src="{STATS}/consent.js" data-site="example.org"></script>'
OPT_OUT_SCRIPT = f'<script defer src="{STATS}/opt-out.js" data-site="example.org"></script>'
ASKING = WAITING_TAG + CONSENT_SCRIPT

POLICY = """\
[policy]
id = "test"
version = "3"
controller = "Example Ltd"
contact = "privacy@example.org"
languages = ["en", "zh"]
extends = "default"
min_group = 1

[[purpose]]
id = "campaigns"
basis = "consent"

[[site]]
domain = "example.org"
timezone = "Europe/Berlin"
consent = "opt-in"

[[site]]
domain = "exempt.example.org"
timezone = "Europe/Berlin"
consent = "exempt"

[[site]]
domain = "free.example.org"
timezone = "Europe/Berlin"
consent = "opt-out"
"""

_ACTIVE = """() => {
  let element = document.activeElement;
  while (element.shadowRoot) element = element.shadowRoot.activeElement;
  return element.textContent.trim() || element.value || element.localName;
}"""


def document(head: str, body: str = "<p>A page</p>", language: str = "en") -> str:
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>t</title>'
        f'<link rel="icon" href="data:,">{head}<body>{body}'
    )


def for_site(domain: str, html: str) -> str:
    return html.replace('data-site="example.org"', f'data-site="{domain}"')


class Pages:
    """What the site's own server hands out, by path; every other path asks for consent."""

    def __init__(self) -> None:
        self.at: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._answer)])

    async def _answer(self, request: Asked) -> Response:
        self.asked.append((request.url.path, dict(request.headers)))
        return HTMLResponse(self.at.get(request.url.path, document(ASKING)))

    def headers_of(self, path: str) -> dict[str, str]:
        """Give the headers with which a path was asked for last."""
        return next(headers for asked, headers in reversed(self.asked) if asked == path)


def names_on_loopback(pages_origin: str, stats_origin: str) -> str:
    """Return the flag that lets Chromium find the test's names."""
    pages, stats = (urlsplit(origin).netloc for origin in (pages_origin, stats_origin))
    return (
        f"--host-resolver-rules=MAP stats.example.org:80 {stats},"
        f"MAP *.example.org:80 {pages},MAP example.org:80 {pages}"
    )


class Person:
    """One browser profile with a window: what it asked for, said and keeps."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.requests: list[Request] = []
        self.noise: list[str] = []
        context.on("request", self._note)
        context.on("console", lambda message: self.noise.append(message.text))
        context.on("weberror", lambda error: self.noise.append(str(error.error)))
        self.page = context.new_page()

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def goes(self, path: str, origin: str = SITE) -> None:
        self.page.goto(origin + path)
        self.settles()

    def does(self, script: str) -> object:
        value: object = self.page.evaluate(script)
        self.settles()
        return value

    def presses(self, name: str) -> None:
        self.button(name).click()
        self.settles()

    def settles(self) -> None:
        """Wait until all that was asked for is answered, and nothing more follows from it."""
        answered = -1
        while answered < len(self.requests):
            answered = len(self.requests)
            for request in self.requests[:answered]:
                response = request.response()
                # Without a response it failed; the scripts read the body of no other.
                if response and response.ok and request.url.startswith(CONSENT):
                    response.finished()
            self.page.evaluate("() => new Promise(done => setTimeout(done))")

    @property
    def banner(self) -> Locator:
        return self.page.get_by_role("region")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def has_focus_on(self) -> str:
        """Tell the text or the name of the element that has the focus."""
        return str(self.page.evaluate(_ACTIVE))

    def asked_for(self, url: str, method: str = "GET") -> list[Request]:
        return [one for one in self.requests if one.url == url and one.method == method]

    def hits(self) -> list[dict[str, object]]:
        return [json.loads(one.post_data or "") for one in self.asked_for(API, "POST")]

    def views(self) -> list[dict[str, object]]:
        return [hit for hit in self.hits() if hit["n"] == "pageview"]

    def consented(self) -> list[str]:
        """Give the consent of each view that was sent: the policy's version and the purposes."""
        return [",".join([str(hit["version"]), *_texts(hit["purposes"])]) for hit in self.views()]

    def cookies(self) -> dict[str, str]:
        return {one.get("name", ""): one.get("value", "") for one in self.context.cookies()}

    def stored(self) -> dict[str, str]:
        """Give what localStorage and sessionStorage of the page hold."""
        found: dict[str, str] = self.page.evaluate("({...localStorage, ...sessionStorage})")
        return found

    def entry(self) -> dict[str, object]:
        """Give the one thing that consent.js keeps."""
        stored = self.stored()
        assert list(stored) == ["discreet_consent"]
        value: dict[str, object] = json.loads(stored["discreet_consent"])
        return value


def _texts(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(one) for one in value]


class Collector:
    """The real server, and what it has counted."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._marks = 0

    def views(self, page: str) -> int:
        """Give the views of a page, once all that was sent so far is in the views."""
        self._marks += 1
        mark = f"/mark-{self._marks}"
        assert self.server.send(hit(mark, c="3,audience")).status_code == 202
        self.server.wait_for(f"SELECT sum(views) FROM pages WHERE page = '{mark}'", "1\n", 10)
        return int(self.server.query(f"SELECT sum(views) FROM pages WHERE page = '{page}'"))

    def refused(self, door: str) -> str:
        """Give the reasons for which hits of a door were refused, each with its number."""
        self.views("/")
        sql = "SELECT reason, sum(hits) FROM coverage WHERE door = '{}' AND reason != 'counted'"
        return self.server.query(sql.format(door) + " GROUP BY reason ORDER BY reason")

    def receipt(self, receipt_id: object) -> dict[str, object]:
        answer = httpx.get(
            self.server.url + "/api/consent",
            headers={"Authorization": f"Bearer {receipt_id}", "User-Agent": FIREFOX},
            trust_env=False,
        )
        found: dict[str, object] = answer.json()
        return found
