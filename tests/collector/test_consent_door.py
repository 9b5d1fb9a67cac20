"""`/api/consent`: what is asked, recorded, shown, withdrawn and erased, on a real store."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request

from collector.consent_door import MAX_BODY_BYTES, consent_routes
from collector.receipt_desk import (
    MAX_RECORDED_PER_NETWORK,
    MAX_UNKNOWN_PER_NETWORK,
    ReceiptDesk,
)
from collector.receipt_store import TABLE, ReceiptStore
from collector.receipts import VALIDITY, PolicyVersions
from tests.browsing import serving
from tests.collector.receiving import DAY, NOON, make_versions

PATH = "/api/consent"
NO_ID = "0" * 64
UNKNOWN = {"error": "receipt: has no such id", "field": "receipt"}
DECISION: Mapping[str, object] = {
    "site": "example.org",
    "version": "3",
    "purposes": ["audience", "campaigns"],
    "state": "given",
    "language": "en",
}


class Door:
    """The door with a time and an address of the test's own. Each test is a visitor elsewhere."""

    def __init__(self, store: ReceiptStore) -> None:
        self.time = NOON
        self.raw_address = "192.0.2.1"
        self._desk = ReceiptDesk(store, make_versions(), lambda: self.time)
        self.app = Starlette(routes=consent_routes(self._desk, self._told_address))
        self.client = httpx.Client()

    def _told_address(self, _: Request) -> str:
        return self.raw_address

    def honour(self, versions: PolicyVersions) -> None:
        self._desk.versions = versions

    def give(self, **headers: str) -> str:
        """Give consent and return the receipt's id."""
        answer = self.client.post(PATH, json=DECISION, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["receipt_id"])

    def show(self, raw_id: str) -> dict[str, object]:
        answer = self.client.get(PATH, headers=bearer(raw_id))
        assert answer.status_code == 200, answer.text
        told: dict[str, object] = answer.json()
        return told


def bearer(raw_id: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {raw_id}"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("consent") / "clickhouse"


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Client]:
    """Give a connection of the test's own."""
    engine = clickhouse_connect.get_client(interface="chdb", path=str(folder))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def one_door(folder: Path) -> Iterator[Door]:
    store = ReceiptStore.embedded(folder)
    door = Door(store)
    with serving(door.app) as origin, httpx.Client(base_url=origin) as door.client:
        yield door
    store.close()


@pytest.fixture
def door(one_door: Door) -> Door:
    """Return the door in a minute of its own, so that no test is bounded by another."""
    one_door.time = NOON - NOON % 60 + 60 * (one_door.time // 60 - NOON // 60 + 1)
    one_door.honour(make_versions())
    one_door.raw_address = "192.0.2.1"
    return one_door


def test_what_is_asked_is_told_without_a_receipt(door: Door) -> None:
    answer = door.client.get(PATH, params={"site": "example.org"})

    assert answer.status_code == 200
    told = answer.json()
    assert told.pop("purposes")[0] == {
        "id": "audience",
        "title": "Statistics on how the site is reached and used",
        "titles": {"zh": "统计网站如何被访问和使用"},
        "clause": told_clause(),
        "basis": "exempt",
    }
    assert told == {
        "version": "3",
        "honoured": ["2", "3"],
        "mode": "opt-in",
        "languages": ["en", "zh"],
        "validity": "P183D",
        "privacy": "/privacy",
        "opt_out": "/opt-out",
    }


def told_clause() -> str:
    return make_versions().current.purposes[0].clause


@pytest.mark.parametrize("query", ["", "?site=", "?site=elsewhere.example", "?sit=example.org"])
def test_what_is_asked_is_told_for_a_site_of_this_collector_alone(door: Door, query: str) -> None:
    answer = door.client.get(PATH + query)

    assert answer.status_code == 400
    assert answer.json() == {"error": "site: is no site of this collector", "field": "site"}


def test_consent_gets_a_receipt_that_can_be_shown_again(door: Door) -> None:
    answer = door.client.post(PATH, json=DECISION)

    assert answer.status_code == 201
    told = answer.json()
    assert (told["state"], told["site"], told["policy_version"]) == ("given", "example.org", "3")
    assert [each["purpose"] for each in told["pii_processing"]["purposes"]] == [
        "audience",
        "campaigns",
    ]
    assert door.show(told["receipt_id"]) == told


def test_refusal_gets_a_receipt_too(door: Door) -> None:
    answer = door.client.post(PATH, json={**DECISION, "state": "refused"}, headers={"DNT": "1"})

    assert (answer.status_code, answer.json()["state"]) == (201, "refused")


def test_every_receipt_has_an_id_of_its_own(door: Door) -> None:
    ids = {door.give() for _ in range(20)}

    assert len(ids) == 20


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"DNT": "1"}, id="DNT"),
        pytest.param({"DNT": "yes"}, id="DNT malformed"),
        pytest.param({"Sec-GPC": "1"}, id="GPC"),
        pytest.param({"Cookie": "discreet_opt_out=1"}, id="opt-out cookie"),
    ],
)
def test_forged_consent_under_a_refusal_gets_no_receipt(
    door: Door, engine: Client, headers: dict[str, str]
) -> None:
    before = rows(engine)

    answer = door.client.post(PATH, json=DECISION, headers=headers)

    assert answer.status_code == 409
    assert answer.json()["field"] == "state"
    assert rows(engine) == before


@pytest.mark.parametrize("headers", [{"DNT": "0"}, {"Sec-GPC": "0"}, {"Cookie": "other=1"}])
def test_consent_beside_what_is_no_refusal_is_recorded(door: Door, headers: dict[str, str]) -> None:
    door.give(**headers)


def test_consent_on_a_site_for_children_gets_no_receipt(door: Door) -> None:
    for state, status in (("given", 409), ("refused", 201)):
        sent = {**DECISION, "site": "kids.example", "state": state}
        assert door.client.post(PATH, json=sent).status_code == status


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"site": "elsewhere.example"}, "site", id="unknown site"),
        pytest.param({"site": 3}, "site", id="site that is no text"),
        pytest.param({"site": None}, "site", id="no site"),
        pytest.param({"version": "4"}, "version", id="version never in force"),
        pytest.param({"version": "1"}, "version", id="version no longer honoured"),
        pytest.param({"version": 3}, "version", id="version as a number"),
        pytest.param({"purposes": ["secret"]}, "purposes", id="unknown purpose"),
        pytest.param({"purposes": ["audience", "secret"]}, "purposes", id="one unknown purpose"),
        pytest.param({"purposes": []}, "purposes", id="no purpose"),
        pytest.param({"purposes": ["audience"] * 21}, "purposes", id="21 purposes"),
        pytest.param({"purposes": "audience"}, "purposes", id="purposes as text"),
        pytest.param({"purposes": [["audience"]]}, "purposes", id="nested purposes"),
        pytest.param({"state": "withdrawn"}, "state", id="state of another request"),
        pytest.param({"state": "GIVEN"}, "state", id="state in capitals"),
        pytest.param({"state": True}, "state", id="state that is no text"),
        pytest.param({"language": "canary"}, "language", id="language not of the policy"),
        pytest.param({"language": 1}, "language", id="language that is no text"),
    ],
)
def test_bad_decision_is_refused_by_field(
    door: Door, engine: Client, change: dict[str, object], field: str
) -> None:
    before = rows(engine)

    answer = door.client.post(PATH, json={**DECISION, **change})

    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert "secret" not in answer.text
    assert "canary" not in answer.text
    assert rows(engine) == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b"[]", 400, id="list"),
        pytest.param(b"null", 400, id="null"),
        pytest.param(b'{"site": "example.org"}', 400, id="half"),
        pytest.param(b"\xff\xfe", 400, id="no UTF-8"),
        pytest.param(b"[" * 7_900, 400, id="deep"),
        pytest.param(b" " * MAX_BODY_BYTES + b"{}", 413, id="long"),
        pytest.param(b"site=example.org", 400, id="form"),
    ],
)
def test_body_that_is_no_decision_is_refused(door: Door, body: bytes, status: int) -> None:
    answer = door.client.post(PATH, content=body)

    assert answer.status_code == status
    assert answer.json()["error"]


def test_unknown_keys_are_dropped(door: Door) -> None:
    answer = door.client.post(PATH, json={**DECISION, "email": "canary@mail.example"})

    assert answer.status_code == 201
    assert "canary" not in answer.text


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_near = st.fixed_dictionaries(
    {
        "site": st.just("example.org") | _json,
        "version": st.sampled_from(["1", "2", "3"]) | _json,
        "purposes": st.lists(st.sampled_from(["audience", "campaigns", "x"])) | _json,
        "state": st.sampled_from(["given", "refused", "withdrawn"]) | _json,
        "language": st.sampled_from(["en", "zh", "de"]) | _json,
    }
)


@given(body=st.binary(max_size=200) | (_json | _near).map(lambda value: json.dumps(value).encode()))
def test_whatever_is_sent_is_recorded_or_refused_by_field(one_door: Door, body: bytes) -> None:
    one_door.time += 1

    answer = one_door.client.post(PATH, content=body)

    assert answer.status_code in (201, 400, 413)
    told = answer.json()
    if answer.status_code == 201:
        assert told["receipt_id"]
    else:
        fields = {"body", "site", "version", "purposes", "state", "language"}
        assert told["field"] in fields


def test_withdrawn_consent_keeps_its_proof(door: Door) -> None:
    raw_id = door.give()
    door.time += 3 * 3600

    answer = door.client.post(f"{PATH}/withdraw", headers=bearer(raw_id))

    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
    told = door.show(raw_id)
    events = told["event"]
    assert isinstance(events, list)
    assert [event["event_state"] for event in events] == ["given", "withdrawn"]
    door.time -= 3 * 3600


def test_replayed_withdrawal_changes_nothing(door: Door, engine: Client) -> None:
    raw_id = door.give()
    first = door.client.post(f"{PATH}/withdraw", headers=bearer(raw_id)).json()
    before = rows(engine)
    door.time += 5 * 3600

    again = door.client.post(f"{PATH}/withdraw", headers=bearer(raw_id))

    assert (again.status_code, again.json()) == (200, first)
    assert rows(engine) == before
    door.time -= 5 * 3600


def test_refusal_has_nothing_to_withdraw(door: Door) -> None:
    refused = door.client.post(PATH, json={**DECISION, "state": "refused"}).json()["receipt_id"]

    answer = door.client.post(f"{PATH}/withdraw", headers=bearer(refused))

    assert (answer.status_code, answer.json()["field"]) == (409, "receipt")
    assert door.show(refused)["state"] == "refused"


def test_erased_receipt_is_as_one_that_never_was(door: Door) -> None:
    raw_id = door.give()

    answer = door.client.delete(PATH, headers=bearer(raw_id))

    assert (answer.status_code, answer.content) == (204, b"")
    for again in (
        door.client.get(PATH, headers=bearer(raw_id)),
        door.client.delete(PATH, headers=bearer(raw_id)),
        door.client.post(f"{PATH}/withdraw", headers=bearer(raw_id)),
    ):
        assert (again.status_code, again.json()) == (404, UNKNOWN)


def _but_date(headers: httpx.Headers) -> list[tuple[str, str]]:
    """Leave out the second in which an answer was given."""
    return [each for each in headers.multi_items() if each[0] != "date"]


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(f"Bearer {NO_ID}", id="never given"),
        pytest.param("Bearer 1", id="malformed"),
        pytest.param("Bearer", id="no id"),
        pytest.param("", id="empty"),
        pytest.param("Bearer ' OR 1=1 --", id="SQL"),
        pytest.param("Bearer " + "0" * 7_000, id="long"),
        pytest.param(f"Basic {NO_ID}", id="another scheme"),
    ],
)
def test_every_id_that_is_none_gets_the_same_answer(door: Door, authorization: str) -> None:
    expected = door.client.get(PATH, headers=bearer("f" * 64))

    answer = door.client.get(PATH, headers={"Authorization": authorization})

    assert (answer.status_code, answer.content) == (404, expected.content)
    assert _but_date(answer.headers) == _but_date(expected.headers)
    assert answer.json() == UNKNOWN


def test_id_in_an_address_is_not_read(door: Door) -> None:
    raw_id = door.give()

    answer = door.client.get(PATH, params={"receipt": raw_id, "access_token": raw_id})

    assert answer.status_code == 400


def test_thousand_guesses_get_one_answer_and_then_have_to_wait(door: Door) -> None:
    mine = door.give()

    answers = [door.client.get(PATH, headers=bearer(f"{number:064x}")) for number in range(1_000)]

    told = [(answer.status_code, answer.content) for answer in answers]
    assert len(set(told[:MAX_UNKNOWN_PER_NETWORK])) == 1
    assert told[0][0] == 404
    assert len(set(told[MAX_UNKNOWN_PER_NETWORK:])) == 1
    assert told[-1][0] == 429
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    # Meanwhile a right guess would not be told from a wrong one; elsewhere, or later, it works.
    assert door.client.get(PATH, headers=bearer(mine)).status_code == 429
    door.raw_address = "198.51.100.1"
    assert door.show(mine)["state"] == "given"
    door.raw_address = "192.0.2.200"  # the same /24
    assert door.client.delete(PATH, headers=bearer(mine)).status_code == 429
    door.time += 60
    assert door.show(mine)["state"] == "given"


def test_holder_may_look_as_often_as_they_like(door: Door) -> None:
    mine = door.give()

    for _ in range(3 * MAX_UNKNOWN_PER_NETWORK):
        assert door.show(mine)["state"] == "given"


def test_flood_of_decisions_is_cut_off_by_network_and_minute(door: Door, engine: Client) -> None:
    before = rows(engine)
    sent = MAX_RECORDED_PER_NETWORK + 20

    answers = [door.client.post(PATH, json=DECISION) for _ in range(sent)]

    assert [answer.status_code for answer in answers].count(201) == MAX_RECORDED_PER_NETWORK
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) <= 60
    assert rows(engine) == before + MAX_RECORDED_PER_NETWORK
    door.raw_address = "2001:db8::1"
    door.give()


def test_consent_is_void_after_a_major_change_of_the_policy(door: Door) -> None:
    raw_id = door.give()
    door.honour(make_versions(honoured=frozenset()))

    assert door.show(raw_id)["state"] == "invalidated"


def test_consent_expires(door: Door) -> None:
    raw_id, before = door.give(), door.time

    door.time += VALIDITY // timedelta(seconds=1) + DAY

    assert door.show(raw_id)["state"] == "expired"
    door.time = before


def test_store_out_of_reach_is_503_and_nothing_is_promised(door: Door, engine: Client) -> None:
    kept = door.give()
    engine.command(f"RENAME TABLE {TABLE} TO {TABLE}_away")
    try:
        answers = [
            door.client.post(PATH, json=DECISION),
            door.client.get(PATH, headers=bearer(kept)),
            door.client.post(f"{PATH}/withdraw", headers=bearer(kept)),
            door.client.delete(PATH, headers=bearer(kept)),
        ]
    finally:
        engine.command(f"RENAME TABLE {TABLE}_away TO {TABLE}")

    assert [(answer.status_code, answer.json()["field"]) for answer in answers] == [
        (503, "server")
    ] * 4
    assert door.show(kept)["state"] == "given"
    door.give()


@pytest.mark.parametrize(
    ("method", "path", "status", "tk"),
    [
        pytest.param("GET", f"{PATH}?site=example.org", 200, "N", id="asked"),
        pytest.param("GET", PATH, 400, "N", id="bad"),
        pytest.param("POST", PATH, 201, "U", id="recorded"),
        pytest.param("OPTIONS", PATH, 204, "N", id="preflight"),
        pytest.param("OPTIONS", f"{PATH}/withdraw", 204, "N", id="preflight of withdraw"),
    ],
)
def test_any_site_s_page_may_ask_and_no_cache_keeps_it(
    door: Door, method: str, path: str, status: int, tk: str
) -> None:
    answer = door.client.request(
        method, path, json=DECISION, headers={"Origin": "https://example.org"}
    )

    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Tk"] == tk
    assert "Set-Cookie" not in answer.headers
    assert "ETag" not in answer.headers


def test_preflight_allows_what_the_requests_need(door: Door) -> None:
    answer = door.client.options(
        PATH,
        headers={
            "Origin": "https://example.org",
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": "authorization, content-type",
        },
    )

    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, DELETE"
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization, content-type"


def test_state_changing_answers_say_so(door: Door) -> None:
    raw_id = door.give()

    assert door.client.post(f"{PATH}/withdraw", headers=bearer(raw_id)).headers["Tk"] == "U"
    assert door.client.delete(PATH, headers=bearer(raw_id)).headers["Tk"] == "U"


def rows(engine: Client) -> int:
    ((count,),) = engine.query(f"SELECT count() FROM {TABLE}").result_rows
    return int(count)
