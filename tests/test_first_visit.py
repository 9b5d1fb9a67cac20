"""What a new user does first: start the demo, look at a page, open the dashboard."""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.running import COMMAND

# Chromium's own agent says "HeadlessChrome" when it runs without a window.
DESKTOP = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36"
)


@pytest.fixture
def hello(tmp_path: Path) -> Iterator[str]:
    """Start the demo; the value is what it prints."""
    process = subprocess.Popen(
        [
            *(*COMMAND, "demo"),
            *("--data", str(tmp_path / "data"), "--port", "0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Stop it"):
            break
    yield "".join(lines)
    process.terminate()
    process.communicate(timeout=30)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context(user_agent=DESKTOP, timezone_id="Europe/Berlin") as context:
        yield context.new_page()


def test_visit_to_the_demo_site_stands_on_the_dashboard(hello: str, page: Page) -> None:
    demo, dashboard = re.findall(r"http://\S+", hello)
    name, password = re.findall(r"login +(\S+) +password (\S+)", hello)[0]
    said: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.add(request.url.split("/")[2]))
    page.context.add_init_script(
        "addEventListener('DOMContentLoaded', () => { window.cookiesSeen = document.cookie })"
    )

    with page.expect_response("**/api/event") as first:
        page.goto(f"{demo}?utm_source=newsletter&utm_campaign=spring")
    with page.expect_response("**/api/event"):
        page.goto(f"{demo}/pricing")
    assert first.value.headers["x-discreet"] == "counted"
    assert page.evaluate("[window.cookiesSeen, localStorage.length, sessionStorage.length]") == [
        *("", 0, 0)
    ]

    page.goto(dashboard)
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    # In the views within 3 s; figures are asked for before lists, so that both are waited for.
    # On a busy machine 3 s are too few looks: it has ten.
    deadline = time.monotonic() + 3
    text = page.inner_text("main")
    looks = 1
    while not re.search(r"Views\s+2\b", text) and (looks < 10 or time.monotonic() < deadline):
        page.reload()
        text = page.inner_text("main")
        looks += 1

    expect(page).to_have_title(re.compile("demo.example"))
    for shown in ("/demo/pricing", "newsletter", "spring", "Germany"):
        assert shown in page.content(), shown
    assert re.search(r"Visitors\s+1\b", text)
    assert re.search(r"Views\s+2\b", text)
    page.goto(f"{dashboard}?report=browsers")
    assert "Chrome" in page.inner_text("main")
    assert said == []
    assert asked == {dashboard.split("/")[2]}
