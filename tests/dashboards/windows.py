"""A browser window that is looked at, and how it is opened."""

from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page

from tests.dashboards.reader import PASSWORD


class Watched:
    """A browser window that remembers what went wrong in it and where it went."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.page: Page = context.new_page()
        self.origin = origin
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        context.on("request", lambda request: self._note(request.url))

    def log_in(self) -> None:
        self.page.goto(f"{self.origin}/dashboard")
        self.page.fill("#name", "owner")
        self.page.fill("#password", PASSWORD)
        self.page.click("button")

    def go(self, query: str = "", path: str = "") -> Page:
        """Open a page of the dashboard."""
        self.page.goto(f"{self.origin}/dashboard{path}{query}")
        return self.page

    def _note(self, address: str) -> None:
        parts = urlsplit(address)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.elsewhere.append(address)


OpenWindow = Callable[..., Watched]
"""Takes `scripts`, `width` and `scheme` (``light`` or ``dark``); the window is logged in."""
