"""A site that carries the real tag and records what it is asked, and a visitor to it."""

import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from anyio import to_thread
from playwright.sync_api import Browser, BrowserContext
from playwright.sync_api import Request as BrowserRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from anonymizer.policy_file import read_policy
from collector.reference import default_policy
from collector.tag_scripts import compile_tag, read_modules
from tests.browsing import Serve
from tests.running import POLICY

TAG = compile_tag(read_policy(POLICY, default_policy()))
"""As it is handed out under the default policy."""
PLAIN_TAG = '<script defer src="/tag.js" data-site="example.org"></script>'
API = "/api/event"
_OPEN = {"Access-Control-Allow-Origin": "*"}  # as the collector answers


def tag_with(attributes: str) -> str:
    """Return the tag's element with more attributes."""
    return PLAIN_TAG.replace("data-site", f"{attributes} data-site")


DEADLINE_SECONDS = 20


class Launch(Protocol):
    """Starts a Chromium of the test's own; it is closed when the test ends."""

    def __call__(self, flags: Sequence[str] = (), bfcache: bool = False) -> Browser: ...


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: str


def document(head: str) -> str:
    return f'<!doctype html><title>t</title><link rel="icon" href="data:,">{head}<p>A page'


class TagSite:
    """A site whose every page carries the tag, and a record of all it was asked.

    `GET /after/x` is answered once something has been asked of `/x`.
    """

    def __init__(self, serve: Serve) -> None:
        self.pages: dict[str, Response] = {}
        self.received: list[Received] = []
        self._arrived = threading.Condition()
        every = Route("/{path:path}", self._answer, methods=["GET", "POST", "OPTIONS"])
        self.origin = serve(Starlette(routes=[every]))

    async def _answer(self, request: Request) -> Response:
        body = (await request.body()).decode()
        path = request.url.path
        with self._arrived:
            self.received.append(Received(request.method, path, dict(request.headers), body))
            self._arrived.notify_all()
        if path.startswith("/after/"):
            await to_thread.run_sync(self.at, path.removeprefix("/after"), 1)
        if path == "/tag.js":
            return Response(TAG, media_type="text/javascript", headers=_OPEN)
        if path.startswith("/tag/"):
            modules = read_modules(path.removeprefix("/tag/").removesuffix(".js").split(","))
            return Response(
                modules or b"",
                200 if modules else 404,
                media_type="text/javascript",
                headers=_OPEN,
            )
        if request.method == "POST":
            return PlainTextResponse("ok", 202, headers=_OPEN)
        return self.pages.get(path) or HTMLResponse(document(PLAIN_TAG))

    def script(self, path: str, source: str) -> str:
        """Serve a script of the page's own; give the element that loads it after the tag."""
        self.pages[path] = Response(source, media_type="text/javascript")
        return f'<script defer src="{path}"></script>'

    def at(self, path: str, at_least: int = 0) -> list[Received]:
        """Give what arrived at a path, once that is `at_least` so many requests."""

        def arrived() -> list[Received]:
            return [one for one in self.received if one.path == path]

        with self._arrived:
            enough = self._arrived.wait_for(lambda: len(arrived()) >= at_least, DEADLINE_SECONDS)
            assert enough, f"{len(arrived())} of {at_least} requests for {path} arrived"
            return arrived()


class Visitor:
    """One browser window, what it asked for and what it said in its console."""

    def __init__(self, context: BrowserContext, site: TagSite) -> None:
        self.site = site
        self.asked: list[str] = []
        self.noise: list[str] = []
        self._bodies: list[str | None] = []
        context.on("request", self._asks)
        context.on("console", lambda message: self.noise.append(message.text))
        context.on("weberror", lambda error: self.noise.append(str(error.error)))
        self.page = context.new_page()

    def _asks(self, request: BrowserRequest) -> None:
        self.asked.append(request.url)
        self._bodies.append(request.post_data if request.method == "POST" else None)

    def goes(self, path: str, referrer: str | None = None) -> None:
        self.page.goto(self.site.origin + path, referer=referrer)

    def does(self, script: str) -> None:
        self.page.evaluate(script)

    def hits(self, api: str = API) -> list[dict[str, object]]:
        """Give all hits so far as they were sent, once all that the browser sent have arrived."""
        # Chromium reports requests in the order they were made, so after the answer to
        # this one `asked` holds every request that the tag had made before it.
        self.page.evaluate(
            "address => fetch(address, {method: 'POST', mode: 'no-cors'}).catch(() => 0)",
            self.site.origin + "/fence",
        )
        asked = zip(self.asked, self._bodies, strict=True)
        sent = [body for url, body in asked if url.endswith(api)]
        arrived = [hit.body for hit in self.site.at(api, at_least=len(sent))]
        # Requests made side by side overtake each other on the way.
        alike = Counter(arrived) == Counter(sent)
        return [json.loads(body or "") for body in (sent if alike else arrived)]

    def views(self) -> list[dict[str, object]]:
        return [hit for hit in self.hits() if hit["n"] == "pageview"]

    def paths(self) -> list[str]:
        return [str(hit["u"]).removeprefix(self.site.origin) for hit in self.views()]

    def told(self, name: str) -> list[dict[str, object]]:
        """Give the hits of one event."""
        return [hit for hit in self.hits() if hit["n"] == name]
