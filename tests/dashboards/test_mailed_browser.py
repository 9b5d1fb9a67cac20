"""A mailed report in Chromium: it fits narrow and wide windows, in light and dark."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.dashboards.test_mailed import OCTOBER, WEEK, write
from tests.dashboards.views import Store

_COLORS = """() => [...document.querySelectorAll("*")]
    .filter(each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(each => [each.className, getComputedStyle(each).color])"""


def luminance(color: str) -> float:
    """Return the relative luminance of WCAG 2.2 of a colour such as ``rgb(1, 2, 3)``."""
    parts = (int(part) / 255 for part in color[4:-1].split(","))
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("days", [WEEK, OCTOBER], ids=["week", "month"])
@pytest.mark.parametrize("width", [390, 800])
def test_message_fits_and_reads(
    stored: Store,
    chromium: Browser,
    tmp_path: Path,
    width: int,
    days: tuple[date, date],
    scheme: Literal["light", "dark"],
) -> None:
    with ThreadPoolExecutor(1) as thread:  # Playwright's loop runs in this one
        html = thread.submit(write, stored, days).result().html
    path = tmp_path / "report.html"
    path.write_text(html, "utf-8")
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert asked == [path.as_uri()]
    sheet = page.evaluate("getComputedStyle(document.querySelector('.sheet')).backgroundColor")
    assert (luminance(sheet) < 0.5) is (scheme == "dark")
    for name, color in page.evaluate(_COLORS):
        dark, light = sorted((luminance(color), luminance(sheet)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, color)  # WCAG 2.2, 1.4.3
    page.close()
