"""A real Chromium and real servers on 127.0.0.1, for the tests of what runs in a browser."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright

from tests.browsing import Serve
from tests.collector.tag_site import Launch, TagSite, Visitor


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
