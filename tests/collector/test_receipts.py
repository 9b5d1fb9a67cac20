"""What a receipt holds, and what its state is at a time."""

from datetime import date, timedelta

import pytest
from msgspec.structs import asdict, replace

from anonymizer.policy import ConsentMode, PurposeId
from collector.receipt_json import receipt_json
from collector.receipts import (
    VALIDITY,
    Decision,
    State,
    hash_id,
    is_id,
    make_id,
    make_receipt,
    state_of,
)
from tests.collector.receiving import (
    AUDIENCE,
    CAMPAIGNS,
    DAY,
    HOUR,
    NOON,
    SITE,
    make_policy,
    make_versions,
    receipt,
)

RAW_ID = make_id(bytes(range(32)))
LAST = int((HOUR + VALIDITY - timedelta(seconds=1)).timestamp())


def test_receipt_holds_the_hour_and_nothing_of_the_request() -> None:
    made = make_receipt(make_policy(), SITE, [CAMPAIGNS, AUDIENCE], Decision.GIVEN, "zh", NOON)

    assert asdict(made) == {
        "site": SITE,
        "version": "3",
        "purposes": (AUDIENCE, CAMPAIGNS),  # in the policy's order, not the sender's
        "decision": Decision.GIVEN,
        "hour": HOUR,
        "language": "zh",
        "jurisdiction": "DE",
        "keep_until": date(2028, 9, 28),  # 183 days of validity and 750 of its counters
        "withdrawn": None,
        "schema": "1",
    }


@pytest.mark.parametrize(
    ("decision", "days"),
    [
        pytest.param(Decision.GIVEN, 183 + 750, id="consent: while its counters may be kept"),
        pytest.param(Decision.REFUSED, 183, id="refusal: while it holds"),
    ],
)
def test_proof_is_kept_as_long_as_it_proves_something(decision: Decision, days: int) -> None:
    made = make_receipt(make_policy(), SITE, [AUDIENCE], decision, "en", NOON)

    assert made.keep_until == (HOUR + timedelta(days=days)).date()


@pytest.mark.parametrize(
    ("given", "time", "state"),
    [
        pytest.param(receipt(), NOON, State.GIVEN, id="given"),
        pytest.param(receipt(), LAST, State.GIVEN, id="given, last second"),
        pytest.param(receipt(), LAST + 1, State.EXPIRED, id="given, too long ago"),
        pytest.param(receipt(version="2"), NOON, State.GIVEN, id="older version, honoured"),
        pytest.param(receipt(version="1"), NOON, State.INVALIDATED, id="changed in a major way"),
        pytest.param(receipt(version="0"), NOON, State.INVALIDATED, id="version unknown"),
        pytest.param(receipt(version="1"), LAST + 1, State.INVALIDATED, id="void and old"),
        pytest.param(receipt(Decision.REFUSED), NOON, State.REFUSED, id="refused"),
        pytest.param(
            receipt(Decision.REFUSED, version="1"), NOON, State.REFUSED, id="refused long before"
        ),
        pytest.param(receipt(Decision.REFUSED), LAST + 1, State.EXPIRED, id="refused, to ask anew"),
        pytest.param(receipt(withdrawn=HOUR), NOON, State.WITHDRAWN, id="withdrawn"),
        pytest.param(
            receipt(withdrawn=HOUR, version="1"), LAST + DAY, State.WITHDRAWN, id="withdrawn, old"
        ),
    ],
)
def test_state_follows_from_decision_policy_and_time(given: object, time: int, state: str) -> None:
    assert state_of(given, make_versions(), time) == state  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "can_be"),
    [
        pytest.param(RAW_ID, True, id="made here"),
        pytest.param("0" * 64, True, id="guessed"),
        pytest.param(RAW_ID.upper(), False, id="capitals"),
        pytest.param(RAW_ID[:-1], False, id="short"),
        pytest.param(RAW_ID + "0", False, id="long"),
        pytest.param(RAW_ID + "\n", False, id="line end"),
        pytest.param("\uff10" * 64, False, id="wide digits"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_id_is_told_from_what_is_none(text: str, can_be: bool) -> None:
    assert is_id(text) is can_be


def test_id_has_all_bits_it_was_given_and_another_another_hash() -> None:
    assert bytes.fromhex(RAW_ID) == bytes(range(32))
    assert hash_id(RAW_ID) != hash_id(make_id(bytes(32)))
    assert len(hash_id(RAW_ID)) == 32


# ISO/IEC TS 27560 mandatory fields (shared list: W3C DPV's guide consent-27560), by section.
MANDATORY = {
    "": ("schema_version", "record_id", "receipt_id", "pii_principal_id"),
    "pii_processing": (
        *("privacy_notice", "language", "purposes", "pii_information", "pii_controllers"),
        *("storage_locations", "jurisdiction", "recipient_third_parties", "withdrawal_method"),
    ),
    "pii_processing.purposes": ("purpose", "lawful_basis", "retention_period"),
    "pii_processing.pii_information": ("pii_type",),
    "party_identification": ("party_id", "party_name", "party_type"),
    "event": ("event_time", "validity_duration", "entity_id", "event_type", "event_state"),
}


@pytest.mark.parametrize("section", MANDATORY)
def test_holder_gets_every_mandatory_field_of_the_standard(section: str) -> None:
    told: object = receipt_json(RAW_ID, receipt(), make_versions(), NOON)
    for name in filter(None, section.split(".")):
        assert isinstance(told, dict)
        told = told[name]
    parts = told if isinstance(told, list | tuple) else [told]

    assert parts
    for part in parts:
        assert isinstance(part, dict)
        assert {name for name in MANDATORY[section] if part.get(name)} == set(MANDATORY[section])


@pytest.mark.parametrize(
    ("mode", "basis"),
    [(ConsentMode.OPT_IN, "consent"), (ConsentMode.EXEMPT, "exempt from consent")],
)
def test_purpose_rests_on_consent_where_the_site_asks_for_it(mode: ConsentMode, basis: str) -> None:
    versions = make_versions()
    policy = versions.kept["3"]
    sites = {SITE: replace(policy.sites[SITE], consent=mode)}
    told = receipt_json(
        RAW_ID, receipt(), replace(versions, kept={"3": replace(policy, sites=sites)}), NOON
    )

    processing = told["pii_processing"]
    assert isinstance(processing, dict)
    assert {purpose["lawful_basis"] for purpose in processing["purposes"]} == {basis}


def test_controller_stands_in_the_receipt_with_address_and_contact() -> None:
    told = receipt_json(RAW_ID, receipt(), make_versions(), NOON)

    parties = told["party_identification"]
    assert isinstance(parties, list)
    assert parties[0]["party_address"] == "1 Example Street"
    assert parties[0]["party_contact"] == "privacy@example.org"
    assert [party["party_name"] for party in parties] == ["Example", "the authority"]


def test_withdrawal_is_an_event_beside_the_consent() -> None:
    withdrawn = receipt(withdrawn=HOUR + timedelta(hours=5))

    told = receipt_json(RAW_ID, withdrawn, make_versions(), NOON + DAY)

    events = told["event"]
    assert isinstance(events, list)
    assert told["state"] == "withdrawn"
    assert [(event["event_state"], event["event_time"]) for event in events] == [
        ("given", "2026-03-10T12:00Z"),
        ("withdrawn", "2026-03-10T17:00Z"),
    ]


def test_principal_is_this_receipt_s_alone_and_tells_nothing_of_the_id() -> None:
    one = receipt_json(RAW_ID, receipt(), make_versions(), NOON)
    again = receipt_json(RAW_ID, receipt(), make_versions(), NOON + DAY)
    other = receipt_json(make_id(bytes(32)), receipt(), make_versions(), NOON)

    assert one["pii_principal_id"] == again["pii_principal_id"] != other["pii_principal_id"]
    assert str(one["pii_principal_id"]) not in RAW_ID + hash_id(RAW_ID).hex()


def test_version_whose_text_was_lost_is_told_by_its_ids() -> None:
    told = receipt_json(RAW_ID, receipt(version="0"), make_versions(), NOON)

    processing = told["pii_processing"]
    assert isinstance(processing, dict)
    assert processing["purposes"] == [
        {"purpose": PurposeId("audience")},
        {"purpose": PurposeId("campaigns")},
    ]
