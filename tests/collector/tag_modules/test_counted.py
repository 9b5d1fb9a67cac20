"""What the modules send, counted by a real collector under the default policy's statistics."""

import pytest
from playwright.sync_api import Playwright

from anonymizer.policy_tag import TAG_MODULES
from tests.collector.consent_site import STATS, Collector, Pages, Person, document
from tests.running import FIREFOX

SITE = "http://free.example.org"
TAG = (
    f'<script defer src="{STATS}/tag.js" data-site="free.example.org"'
    f' data-modules="{",".join(TAG_MODULES)}"></script>'
)
BODY = """
<h1>Shoes</h1><p data-discreet-results="12">12 results
<article data-discreet-product="Red shoe" data-discreet-category="Shoes">Red shoe</article>
<button data-discreet-click="buy">Buy</button>
<a href="http://partner.example.org/deals?for=anna" target="_blank" id="out">partner</a>
<a href="/files/list.pdf" target="_blank" id="file">list</a>
<p data-discreet-place="footer"><a href="tel:+4930123456" id="tel">call</a>
<form id="newsletter"><input name="mail"></form>
"""
EXPECTED = {
    "outbound_links": "partner.example.org/deals\t1\n",
    "downloads": "free.example.org/files/list.pdf\t1\n",
    "searches": "red shoe\t1\n",
    "products": "Red shoe\t1\n",
    "product_categories": "Shoes\t1\n",
    "clicks": "buy\t1\n",
    "leaving": "close\t1\n",
    "abandoned_fields": "mail\t1\n",
    "pointer_pressed": "1.1\t2\n",
}
READY = "() => window.discreet?.vitals"  # the last of them in the file
PRESS = "dispatchEvent(new PointerEvent('pointerdown', {clientX: 75, clientY: 75}));"


@pytest.fixture(scope="module")
def visited(
    driver: Playwright, named_command: list[str], pages: Pages, collector: Collector
) -> Collector:
    """Give the collector after one visit to a page with all modules, and one to a missing page."""
    pages.at["/shop"] = document(TAG, BODY)
    pages.at["/gone"] = document('<meta name="discreet-status" content="404">' + TAG)
    # 1000 × 1000: no content is higher than the window.
    executable, *flags = named_command
    # Not the context's: what is sent when a page is left would have Chromium's own, Headless.
    browser = driver.chromium.launch(
        executable_path=executable, args=[*flags, f"--user-agent={FIREFOX}"]
    )
    person = Person(browser.new_context(viewport={"width": 1000, "height": 1000}))
    person.goes("/shop?q=red+shoe", SITE)
    person.page.wait_for_function(READY)
    for selector in ("button", "#out", "#file", "#tel"):
        person.does(f"document.querySelector('{selector}').click()")
    person.page.fill("input", "anna@example.org")
    person.does(PRESS * 2)
    # Chromium refuses to ask port 1.
    person.does("void (document.body.appendChild(new Image()).src = 'http://localhost:1/x.png')")
    person.goes("/gone", SITE)
    person.page.wait_for_function(READY)
    assert collector.views("/gone") == 1
    browser.close()
    return collector


@pytest.mark.parametrize("statistic", EXPECTED)
def test_module_is_counted_by_its_statistic(visited: Collector, statistic: str) -> None:
    page = " AND page = '/shop'" if statistic in {"clicks", "leaving", "pointer_pressed"} else ""
    visited.server.wait_for(
        f"SELECT value, sum(events) FROM {statistic} WHERE site = 'free.example.org'{page}"
        " GROUP BY value ORDER BY value",
        EXPECTED[statistic],
        10,
    )


@pytest.mark.parametrize(
    ("statistic", "page"),
    [
        ("missing_pages", "/gone"),
        ("phone_clicks", "/shop"),
        ("forms_abandoned", "/shop"),
        ("web_vitals_ttfb", "/shop"),
        ("web_vitals_cls", "/shop"),
        ("response_times", "/shop"),
    ],
)
def test_module_is_counted_under_its_page(visited: Collector, statistic: str, page: str) -> None:
    visited.server.wait_for(
        f"SELECT page, sum(events) FROM {statistic} WHERE site = 'free.example.org'"
        f" AND page = '{page}' GROUP BY page",
        f"{page}\t1\n",
        10,
    )


def test_failed_file_is_counted(visited: Collector) -> None:
    visited.server.wait_for(
        "SELECT sum(events) FROM failed_resources WHERE value LIKE '%x.png'", "1\n", 10
    )
