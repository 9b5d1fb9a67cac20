"""A site whose pages load modules of the tag, with a strict policy, and what they sent."""

import json
import threading
from collections.abc import Callable
from typing import NamedTuple

from playwright.sync_api import BrowserContext
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from collector.tag_scripts import read_modules
from tests.browsing import Serve
from tests.collector.tag_site import TAG

DEADLINE_SECONDS = 20

_SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'
_OWN = ("engagement", "pageview")
"""What the core sends without modules."""


class Sent(NamedTuple):
    """One event as it reached the server."""

    page: str
    """The path, and what follows it, of the page that the event is told of."""
    name: str
    properties: dict[str, object]


class Answer(NamedTuple):
    body: str
    status: int = 200
    kind: str = "text/html"


class ModuleSite:
    """Pages of 127.0.0.1, the tag of localhost: two hosts, one server, all of it recorded."""

    def __init__(self, serve: Serve) -> None:
        self.answers: dict[str, Answer] = {}
        self.paths: list[str] = []
        self._sent: list[Sent] = []
        self._number = 0
        self._arrived = threading.Condition()
        every = Route("/{path:path}", self._answer, methods=["GET", "POST"])
        self.origin = serve(Starlette(routes=[every]))
        self.stats = self.origin.replace("127.0.0.1", "localhost")
        self.host = self.origin.removeprefix("http://")
        self.elsewhere = self.stats.removeprefix("http://")

    def page(
        self,
        path: str,
        modules: str,
        body: str = "",
        *,
        head: str = "",
        status: int = 200,
        tags: int = 1,
        attributes: str = "",
    ) -> None:
        """Put a page at a path, with the tag and these modules."""
        tag = (
            f'<script defer src="{self.stats}/tag.js" data-site="{self._domain()}"'
            f' data-modules="{modules}" {attributes}></script>'
        )
        more = tag.replace("example.org", "second.example") if tags > 1 else ""
        self.answers[path] = Answer(
            f'<!doctype html><title>t</title><link rel="icon" href="data:,">{head}{tag}{more}'
            f"<body>{body}",
            status,
        )

    async def _answer(self, request: Request) -> Response:
        body = (await request.body()).decode()
        path = request.url.path
        if path == "/api/event":
            return self._event(json.loads(body))
        with self._arrived:
            self.paths.append(path)
            self._arrived.notify_all()
        headers = {"Access-Control-Allow-Origin": "*"}
        if path == "/tag.js":
            return Response(TAG, media_type="text/javascript", headers=headers)
        if path.startswith("/tag/"):
            modules = read_modules(path.removeprefix("/tag/").removesuffix(".js").split(","))
            assert modules
            return Response(modules, media_type="text/javascript", headers=headers)
        if path.endswith(".svg") and path not in self.answers:
            return Response(_SVG, media_type="image/svg+xml")
        if path.endswith(".bin"):
            return Response(b"x", headers={"Content-Disposition": "attachment"})
        answer = self.answers.get(path, Answer("<!doctype html><title>t</title>"))
        return HTMLResponse(
            answer.body,
            answer.status,
            {
                "Content-Type": answer.kind,
                # Neither inline scripts nor eval: the modules must do without.
                "Content-Security-Policy": (
                    f"default-src 'self'; script-src 'self' {self.stats}; img-src * data:; "
                    f"connect-src 'self' {self.stats}; style-src 'self' 'unsafe-inline'"
                ),
            },
        )

    def _event(self, hit: dict[str, object]) -> Response:
        name, address = hit["n"], str(hit["u"])
        properties = hit.get("p") or {}
        assert isinstance(name, str)
        assert isinstance(properties, dict)
        # A second tag on a page tells the same of its own site, a page of the test before of its.
        if hit["d"] == self._domain():
            with self._arrived:
                page = "/" + address.split("/", 3)[3]
                self._sent.append(Sent(page, name, properties))
                self._arrived.notify_all()
        return Response(status_code=202, headers={"Access-Control-Allow-Origin": "*"})

    def until(self, seen: Callable[[], bool]) -> None:
        with self._arrived:
            assert self._arrived.wait_for(seen, DEADLINE_SECONDS), self._sent

    def events(self, at_least: int = 1) -> list[Sent]:
        """Give the modules' events, once there are so many."""
        self.until(lambda: len(self._events()) >= at_least)
        return self._events()

    def _events(self) -> list[Sent]:
        return [one for one in self._sent if one.name not in _OWN]

    def views(self, at_least: int = 1) -> list[str]:
        """Give the pages that were viewed, once there are so many."""

        def viewed() -> list[str]:
            return [one.page for one in self._sent if one.name == "pageview"]

        self.until(lambda: len(viewed()) >= at_least)
        return viewed()

    def _domain(self) -> str:
        return f"test-{self._number}.example.org"

    def forget(self) -> None:
        """Begin anew, under a name that no page still open tells."""
        with self._arrived:
            self._number += 1
            self.answers.clear()
            self.paths.clear()
            self._sent.clear()


class Guest:
    """One window: goes to pages of the site and tells what the console said."""

    def __init__(self, context: BrowserContext, site: ModuleSite) -> None:
        self.site = site
        self.context = context
        self.noise: list[str] = []
        context.on("console", lambda message: self.noise.append(message.text))
        context.on("weberror", lambda error: self.noise.append(str(error.error)))
        self.page = context.new_page()

    def goes(self, path: str) -> None:
        """Open a page and wait until its modules run."""
        self.page.goto(self.site.origin + path)
        self.settles()

    def settles(self) -> None:
        """Wait until all modules that the page names run."""
        self.page.wait_for_function(
            "() => {"
            " const names = document.querySelector('script[data-modules]').dataset.modules;"
            " return names.split(',').every(name => window.discreet?.[name])"
            "}"
        )

    def does(self, script: str) -> object:
        value: object = self.page.evaluate(script)
        return value

    def stored(self) -> tuple[object, ...]:
        """Give cookies and storage that the page left."""
        kept = self.does(
            "async () => [localStorage.length, sessionStorage.length,"
            " (await indexedDB.databases()).length, window.name, document.cookie]"
        )
        return (kept, self.context.cookies())
