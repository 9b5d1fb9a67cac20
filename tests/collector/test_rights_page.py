"""`/rights`: the page for the holder of a receipt who has no other tool."""

import re
from collections.abc import Iterator, Mapping
from html import unescape

import httpx
import pytest
from playwright.sync_api import Browser
from starlette.applications import Starlette

from collector.consent_door import consent_routes
from collector.receipt_desk import MAX_UNKNOWN_PER_NETWORK, ReceiptDesk
from collector.receipt_store import ReceiptStore
from collector.rights_page import rights_routes
from collector.visitor_pages import VisitorPages, shipped_languages
from tests.browsing import serving
from tests.collector.receiving import NOON, make_policy, make_versions

NO_ID = "0" * 64
DECISION = {
    "site": "example.org",
    "version": "3",
    "purposes": ["audience"],
    "state": "given",
    "language": "en",
}
LANGUAGES = {language.code: language for language in shipped_languages()}


class Rights:
    """The page and the door for consent, at a time of the test's own."""

    def __init__(self, store: ReceiptStore) -> None:
        self.time = NOON
        policy = make_policy()
        desk = ReceiptDesk(store, make_versions(), lambda: self.time)
        self.app = Starlette(
            routes=[
                *consent_routes(desk, lambda _: "192.0.2.1"),
                *rights_routes(desk, policy, VisitorPages(policy), lambda _: "192.0.2.1"),
            ]
        )
        self.origin = ""
        self.client = httpx.Client()

    def give(self, state: str = "given") -> str:
        told = self.client.post("/api/consent", json={**DECISION, "state": state}).json()
        return str(told["receipt_id"])

    def post(self, action: str, raw_id: str, language: str = "en") -> httpx.Response:
        form = {"action": action, "receipt": raw_id}
        return self.client.post(f"/rights?lang={language}", data=form)


@pytest.fixture(scope="module")
def one_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rights]:
    store = ReceiptStore.embedded(tmp_path_factory.mktemp("rights") / "clickhouse")
    rights = Rights(store)
    with serving(rights.app) as rights.origin, httpx.Client(base_url=rights.origin) as client:
        rights.client = client
        yield rights
    store.close()


@pytest.fixture
def rights(one_page: Rights) -> Rights:
    one_page.time += 60
    return one_page


def words(language: str) -> Mapping[str, str]:
    return LANGUAGES[language].texts["rights"]


def text_of(answer: httpx.Response) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_says_why_numbers_cannot_be_searched(rights: Rights, language: str) -> None:
    answer = rights.client.get("/rights", params={"lang": language})

    assert answer.status_code == 200
    assert words(language)["counters_why"] in text_of(answer)
    assert "11" in words(language)["counters_law"]
    assert words(language)["counters_law"] in text_of(answer)
    assert "privacy@example.org" in text_of(answer)


@pytest.mark.parametrize("language", LANGUAGES)
def test_receipt_is_shown_in_the_reader_s_language(rights: Rights, language: str) -> None:
    raw_id = rights.give()

    answer = rights.post("find", raw_id, language)

    assert answer.status_code == 200
    purpose = make_policy().purposes[0]
    title = purpose.title if language == "en" else purpose.titles[language]
    for shown in (words(language)["state_given"], "example.org", title, "2026-03-10 12:00 UTC"):
        assert shown in text_of(answer)
    assert raw_id not in answer.text


def test_receipt_is_downloaded_as_the_door_shows_it(rights: Rights) -> None:
    raw_id = rights.give()

    answer = rights.post("export", raw_id)

    shown = rights.client.get("/api/consent", headers={"Authorization": f"Bearer {raw_id}"})
    assert answer.json() == shown.json()
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Cache-Control"] == "no-store"


def test_consent_is_withdrawn_and_receipt_erased(rights: Rights) -> None:
    raw_id = rights.give()

    withdrawn = rights.post("withdraw", raw_id)
    erased = rights.post("erase", raw_id)
    gone = rights.post("find", raw_id)

    assert words("en")["told_withdrawn"] in text_of(withdrawn)
    assert words("en")["state_withdrawn"] in text_of(withdrawn)
    assert words("en")["told_erased"] in text_of(erased)
    assert (withdrawn.headers["Tk"], erased.headers["Tk"]) == ("U", "U")
    assert (gone.status_code, gone.headers["Tk"]) == (404, "N")


def test_refusal_has_nothing_to_withdraw(rights: Rights) -> None:
    answer = rights.post("withdraw", rights.give("refused"))

    assert answer.status_code == 409
    assert words("en")["told_nothing_to_withdraw"] in text_of(answer)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"action=find", id="no receipt"),
        pytest.param(b"action=sell&receipt=" + NO_ID.encode(), id="unknown action"),
        pytest.param(b"action=find&action=erase&receipt=" + NO_ID.encode(), id="two actions"),
        pytest.param(b"action=find&receipt=\xff", id="no ASCII"),
        pytest.param(b"action=find&receipt=" + b"0" * 3_000, id="long"),
        pytest.param(b"a=1&" * 200, id="many fields"),
    ],
)
def test_form_that_cannot_be_read_changes_nothing(rights: Rights, body: bytes) -> None:
    answer = rights.client.post("/rights", content=body)

    assert answer.status_code == 400
    assert words("en")["told_bad_form"] in text_of(answer)


@pytest.mark.parametrize("raw_id", [NO_ID, "", "canary<script>", "\u202ecanary"])
def test_unknown_and_malformed_ids_get_the_same_page(rights: Rights, raw_id: str) -> None:
    answer = rights.post("erase", raw_id)

    assert answer.status_code == 404
    assert answer.text == rights.post("erase", "f" * 64).text


def test_guesses_have_to_wait(rights: Rights) -> None:
    """The bound is one for the page and the door, so that neither is a way round the other."""
    for number in range(MAX_UNKNOWN_PER_NETWORK):
        rights.post("find", f"{number:064x}")

    answer = rights.post("find", NO_ID)
    at_the_door = rights.client.get("/api/consent", headers={"Authorization": f"Bearer {NO_ID}"})

    assert (answer.status_code, at_the_door.status_code) == (429, 429)
    assert int(answer.headers["Retry-After"]) <= 60
    assert words("en")["told_too_many"] in text_of(answer)


def test_page_sets_no_cookie_and_is_kept_by_no_cache(rights: Rights) -> None:
    for answer in (rights.client.get("/rights"), rights.post("find", NO_ID)):
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


def test_form_works_with_scripts_off_and_shows_no_id(rights: Rights, chromium: Browser) -> None:
    raw_id = rights.give()
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()

    page.goto(f"{rights.origin}/rights?lang=en")
    page.get_by_label(words("en")["label"]).fill(raw_id)
    assert page.get_by_label(words("en")["label"]).get_attribute("type") == "password"
    page.get_by_role("button", name=words("en")["find"]).click()
    shown = page.get_by_role("status").inner_text()
    address = page.url
    page.get_by_label(words("en")["label"]).fill(raw_id)
    page.get_by_role("button", name=words("en")["erase"]).click()
    erased = page.get_by_role("status").inner_text()
    context.close()

    assert shown == words("en")["told_found"]
    assert raw_id not in address
    assert erased == words("en")["told_erased"]
