"""The privacy pages and the visitors of now in a real browser."""

import pytest
from msgspec.structs import replace
from starlette.applications import Starlette

from anonymizer.policy import Basis, Purpose, PurposeId
from collector.doctor.last_run import LastRun
from collector.doctor.verdicts import Outcome, Verdict
from tests.dashboards.conftest import MakeApp
from tests.dashboards.facts import Facts
from tests.dashboards.test_dashboard_look import look
from tests.dashboards.views import make_policy
from tests.dashboards.windows import OpenWindow

PURPOSE = Purpose(PurposeId("statistics"), "Numbers", "imoa 3.1.b", Basis.EXEMPT, 730)
LONG = "a text that is longer than a telephone is wide, and has/a/path/without/any/room.jsonl in it"


@pytest.fixture
def app(make_app: MakeApp) -> Starlette:
    return make_app(replace(make_policy(), purposes=(PURPOSE,)))


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_privacy_pages_fit_and_keep_nobody_out(
    open_window: OpenWindow, facts: Facts, width: int, scheme: str
) -> None:
    facts.checks = LastRun(1, (Verdict(LONG, Outcome.DOES_NOT_HOLD, LONG),))
    window = open_window(width=width, scheme=scheme)

    for path in ("/privacy", "/privacy/statistics"):
        page = window.go("?site=example.org&period=12m", path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.get_by_role("heading", level=1).is_visible()
        assert look(page) == []
    assert (window.complaints, window.elsewhere) == ([], [])


@pytest.mark.usefixtures("stored")
def test_check_that_does_not_hold_is_open_to_see(open_window: OpenWindow, facts: Facts) -> None:
    facts.checks = LastRun(
        1, (Verdict("files hold no address", Outcome.DOES_NOT_HOLD, "1 × IPv4"),)
    )

    page = open_window(scripts=False).go("?site=example.org", "/privacy")

    assert page.get_by_text("1 check does not hold").is_visible()
    assert page.get_by_text("1 × IPv4").is_visible()


@pytest.mark.usefixtures("stored")
def test_links_of_the_privacy_page_lead_to_the_numbers(open_window: OpenWindow) -> None:
    page = open_window().go("?site=example.org&period=12m", "/privacy")

    page.get_by_role("link", name="Each statistic:").click()
    assert page.url.endswith("/privacy/statistics?site=example.org&period=12m")
    page.get_by_role("link", name="← Privacy").click()
    assert page.url.endswith("/privacy?site=example.org&period=12m")
    page.get_by_role("link", name="Discreet").click()
    assert page.url.endswith("/dashboard?site=example.org&period=12m")


@pytest.mark.usefixtures("stored")
def test_policy_that_counts_no_visitors_shows_none_now(
    open_window: OpenWindow, facts: Facts
) -> None:
    facts.live = None

    assert open_window().go("?site=example.org").locator(".live").count() == 0
