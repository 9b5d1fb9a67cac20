"""A real Chromium and real servers on 127.0.0.1, for the tests of what runs in a browser."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright

from tests.browsing import Serve, serving
from tests.collector.consent_site import (
    POLICY,
    Collector,
    Pages,
    Person,
    names_on_loopback,
)
from tests.collector.retention.cellar import Cellar
from tests.collector.tag_site import Launch, TagSite, Visitor
from tests.running import FIREFOX, Server


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


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages()


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    with Server(tmp_path_factory.mktemp("collector"), POLICY) as server:
        yield Collector(server)


@pytest.fixture(scope="module")
def named_command(
    chromium_command: list[str], pages: Pages, collector: Collector
) -> Iterator[list[str]]:
    """Give the command that starts a Chromium that knows example.org and stats.example.org."""
    with serving(pages.app) as origin:
        yield [*chromium_command, names_on_loopback(origin, collector.server.url)]


@pytest.fixture(scope="module")
def named_chromium(driver: Playwright, named_command: list[str]) -> Iterator[Browser]:
    executable, *flags = named_command
    browser = driver.chromium.launch(executable_path=executable, args=flags)
    yield browser
    browser.close()


@pytest.fixture
def person(named_chromium: Browser) -> Iterator[Person]:
    context = named_chromium.new_context(user_agent=FIREFOX)  # its own says Headless
    yield Person(context)
    context.close()


@pytest.fixture(scope="module")
def cellar_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cellar]:
    cellar = Cellar(tmp_path_factory.mktemp("cellar"))
    yield cellar
    cellar.close()


@pytest.fixture
def cellar(cellar_for_all: Cellar) -> Cellar:
    cellar_for_all.clear()
    return cellar_for_all
