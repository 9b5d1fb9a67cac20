"""What every test may lean on."""

import shutil

import pytest
from hypothesis import settings

# The same examples on every run, and no time limit on one: a busy machine is not a fault.
settings.register_profile("discreet", deadline=None, derandomize=True)
settings.load_profile("discreet")


@pytest.fixture(scope="session")
def chromium_path() -> str | None:
    """Return the system's Chromium, or None where Playwright's own stands in for it."""
    return shutil.which("chromium") or shutil.which("google-chrome")
