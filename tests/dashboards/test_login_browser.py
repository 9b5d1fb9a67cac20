"""Logging in with a code, and the audit trail, in a real browser."""

import base64
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext
from starlette.applications import Starlette

from collector.audit_trail import AuditTrail
from people.people import People
from people.totp import code_at
from people.trail import Act, Did
from tests.browsing import Serve
from tests.dashboards.reader import NOW, PASSWORD, enrol


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def context(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=request.param
    )
    yield context
    context.close()


def test_keyboard_alone_logs_in_with_a_code_and_reads_the_trail(
    context: BrowserContext, serve: Serve, app: Starlette, people: People, trail: AuditTrail
) -> None:
    secret = base64.b32decode(enrol(people, "owner", 3600).raw_secret)
    for number in range(120):
        trail.note(Act(NOW.timestamp(), f"reader{number}", Did.LOOKED, "example.org", "pages"))
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    origin = serve(app)

    page.goto(f"{origin}/dashboard/audit")
    page.wait_for_function("document.activeElement?.id === 'name'")
    page.keyboard.type("owner")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/login/code*")
    page.wait_for_function("document.activeElement?.id === 'code'")
    page.keyboard.type(code_at(secret, int(NOW.timestamp()) // 30))
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/audit")

    assert page.locator("h1").inner_text() == "Audit trail"
    assert page.locator(".trail tbody tr").count() == 100
    assert "looked at" in page.locator(".trail tbody tr").nth(3).inner_text()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0
    page.get_by_role("link", name="Earlier").click()
    page.wait_for_url("**page=2")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/dashboard/login")
    assert complaints == []
    page.go_back()
    page.reload()
    assert page.url.startswith(f"{origin}/dashboard/login?next=")
