"""One Chromium and one site for all tests of a file on the tag's modules."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright

from tests.browsing import serving
from tests.collector.tag_modules.module_site import Guest, ModuleSite


@pytest.fixture(scope="module")
def served() -> Iterator[ModuleSite]:
    with ExitStack() as stack:
        yield ModuleSite(lambda app: stack.enter_context(serving(app)))


@pytest.fixture
def shop(served: ModuleSite) -> ModuleSite:
    """Give the site, empty and with nothing recorded."""
    served.forget()
    return served


@pytest.fixture
def window(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1000, "height": 500})
    yield context
    context.close()


@pytest.fixture
def guest(window: BrowserContext, shop: ModuleSite) -> Guest:
    return Guest(window, shop)


@pytest.fixture(scope="module")
def keeping_chromium(driver: Playwright, chromium_command: list[str]) -> Iterator[Browser]:
    """Give a Chromium with the back/forward cache that Playwright otherwise turns off."""
    executable, *flags = chromium_command
    browser = driver.chromium.launch(
        executable_path=executable,
        args=flags,
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield browser
    browser.close()
