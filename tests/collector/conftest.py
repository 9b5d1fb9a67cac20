"""A real Chromium and real servers on 127.0.0.1, for the tests of what runs in a browser."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright
from starlette.types import ASGIApp

from tests.collector.tag_site import Launch, Serve, TagSite, Visitor

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",  # CI runs as root, where Chromium starts only without it
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextmanager
def _serving(app: ASGIApp) -> Iterator[str]:
    config = uvicorn.Config(
        app, lifespan="off", ws="none", log_level="error", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # The socket listens before the thread starts, so that early requests wait in its
        # backlog and nobody has to be told when the server is up.
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(_serving(app))


@pytest.fixture(scope="module")
def driver() -> Iterator[Playwright]:
    # No longer than the module: while it lives its event loop runs in the tests' thread,
    # and neither asyncio.run nor a second driver starts there.
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium_command(driver: Playwright, chromium_path: str | None) -> list[str]:
    return [chromium_path or driver.chromium.executable_path, *CHROMIUM_FLAGS]


@pytest.fixture(scope="module")
def chromium(driver: Playwright, chromium_command: list[str]) -> Iterator[Browser]:
    executable, *flags = chromium_command
    browser = driver.chromium.launch(executable_path=executable, args=flags)
    yield browser
    browser.close()


@pytest.fixture
def launch(driver: Playwright, chromium_command: list[str]) -> Iterator[Launch]:
    with ExitStack() as stack:

        def launch(flags: Sequence[str] = (), bfcache: bool = False) -> Browser:
            executable, *usual = chromium_command
            browser = driver.chromium.launch(
                executable_path=executable,
                args=[*usual, *flags],
                ignore_default_args=["--disable-back-forward-cache"] if bfcache else None,
            )
            stack.callback(browser.close)
            return browser

        yield launch


@pytest.fixture
def site(serve: Serve) -> TagSite:
    return TagSite(serve)


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(
        viewport={"width": 1234, "height": 700}, timezone_id="Europe/Berlin"
    )
    yield context
    context.close()


@pytest.fixture
def visitor(context: BrowserContext, site: TagSite) -> Visitor:
    return Visitor(context, site)
