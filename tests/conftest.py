"""What every test may lean on."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browsing import CHROMIUM_FLAGS, Serve, serving

if TYPE_CHECKING:
    from tests.collector.storing import Kept

# The same examples on every run, and no time limit on one: a busy machine is not a fault.
settings.register_profile("discreet", deadline=None, derandomize=True)
settings.load_profile("discreet")

# Files of 7 s and more, as measured with three processes on two cores, the longest first.
_FIRST = (Path(__file__).parent / "longest_first.txt").read_text().split()
_PLACES = {file: place for place, file in enumerate(_FIRST)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin first: none is left for one process while others have ended."""
    items.sort(key=lambda item: _PLACES.get(item.nodeid.partition("::")[0], len(_PLACES)))


@pytest.fixture(scope="session")
def chromium_path() -> str | None:
    """Return the system's Chromium, or None where Playwright's own stands in for it."""
    return shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a way to serve apps on loopback for the length of a test."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(serving(app))


@pytest.fixture
def kept(kept_for_all: "Kept") -> "Kept":
    """Give the one store that a module opened, emptied."""
    kept_for_all.clear()
    return kept_for_all


@pytest.fixture(scope="module")
def driver() -> Iterator[Playwright]:
    """Give Playwright's driver."""
    # No longer than the module: while it lives, its event loop runs in the tests' thread,
    # where asyncio.run and a second driver then refuse to start.
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium_command(driver: Playwright, chromium_path: str | None) -> list[str]:
    """Give the command that starts Chromium without a window."""
    return [chromium_path or driver.chromium.executable_path, *CHROMIUM_FLAGS]


@pytest.fixture(scope="module")
def chromium(driver: Playwright, chromium_command: list[str]) -> Iterator[Browser]:
    """Give a Chromium that is closed with the module."""
    executable, *flags = chromium_command
    browser = driver.chromium.launch(executable_path=executable, args=flags)
    yield browser
    browser.close()
