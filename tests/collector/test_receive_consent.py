"""What the doors take in of consent, and of the opt-out cookie."""

import json
from zoneinfo import ZoneInfo

import pytest

from anonymizer.hits import RawConsent, RawHit, SiteId
from anonymizer.policy import ConsentMode, Site
from collector.receive import BadRequest, receive_events, receive_pixel
from collector.sender import Sender, read_sender

SITE = SiteId("example.org")
SITES = {SITE: Site(SITE, ZoneInfo("UTC"), ConsentMode.EXEMPT)}
SENDER = Sender("192.0.2.7")


def receive_event(**keys: object) -> RawHit:
    body = json.dumps({"n": "pageview", "u": "/", "d": "example.org", **keys}).encode()
    (hit,) = receive_events(body, SENDER, 0, SITES)
    return hit


def receive_beacon(query: str) -> RawHit:
    return receive_pixel(f"d=example.org&u=/&{query}".encode(), SENDER, 0, SITES)


@pytest.mark.parametrize(
    ("keys", "consent"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"c": "no"}, RawConsent(own="no"), id="refusal"),
        pytest.param({"c": ""}, RawConsent(own=""), id="empty, which is told"),
        pytest.param({"consent": "1,audience"}, RawConsent(own="1,audience"), id="long name"),
        pytest.param({"cm": "granted"}, RawConsent(analytics_storage="granted"), id="storage"),
        pytest.param(
            {"analytics_storage": "denied"},
            RawConsent(analytics_storage="denied"),
            id="storage by its long name",
        ),
        pytest.param({"gcs": "G111"}, RawConsent(analytics_storage="granted"), id="gcs granted"),
        pytest.param({"gcs": "G101"}, RawConsent(analytics_storage="granted"), id="gcs analytics"),
        pytest.param({"gcs": "G110"}, RawConsent(analytics_storage="denied"), id="gcs ads alone"),
        pytest.param({"gcs": "G1--"}, RawConsent(analytics_storage="denied"), id="gcs undecided"),
        pytest.param({"gcs": ""}, RawConsent(analytics_storage="denied"), id="gcs empty"),
        pytest.param({"gcs": "G1110"}, RawConsent(analytics_storage="denied"), id="gcs too long"),
        pytest.param(
            {"gdpr": 1, "gdpr_consent": "CX"}, RawConsent(gdpr="1", raw_tc="CX"), id="TCF"
        ),
        pytest.param({"gdpr": "0"}, RawConsent(gdpr="0"), id="gdpr as text"),
        pytest.param({"gpp": "DBAA"}, RawConsent(raw_gpp="DBAA"), id="GPP"),
        pytest.param(
            {"version": "3", "purposes": "audience,campaigns"},
            RawConsent(own="3,audience,campaigns"),
            id="what the tag was told",
        ),
        pytest.param(
            {"version": "3", "purposes": ["audience", "campaigns"]},
            RawConsent(own="3,audience,campaigns"),
            id="purposes as a list",
        ),
        pytest.param({"version": "3", "purposes": []}, RawConsent(own="3,"), id="no purpose"),
        pytest.param({"purposes": "audience"}, RawConsent(own=",audience"), id="no version"),
        pytest.param({"version": "3"}, None, id="somebody's version alone"),
        pytest.param(
            {"c": "3,audience", "version": "3", "purposes": "audience"},
            RawConsent(own="3,audience"),
            id="both ways alike",
        ),
        pytest.param(
            {"c": "no", "version": "3", "purposes": "audience"},
            RawConsent(own="?"),
            id="both ways in two minds",
        ),
    ],
)
def test_event_tells_consent(keys: dict[str, object], consent: RawConsent | None) -> None:
    assert receive_event(**keys).consent == consent


@pytest.mark.parametrize(
    ("query", "consent"),
    [
        pytest.param("x=1", None, id="nothing"),
        pytest.param("c=no", RawConsent(own="no"), id="refusal"),
        pytest.param("c=", RawConsent(own=""), id="empty, which is told"),
        pytest.param("gcs=G111", RawConsent(analytics_storage="granted"), id="gcs"),
        pytest.param("gdpr=1&gdpr_consent=", RawConsent(gdpr="1", raw_tc=""), id="empty TC string"),
        pytest.param(
            "gdpr_consent=${GDPR_CONSENT_755}",
            RawConsent(raw_tc="${GDPR_CONSENT_755}"),
            id="macro that nobody filled in",
        ),
        pytest.param("gpp=DBAA&gpp_sid=7", RawConsent(raw_gpp="DBAA"), id="GPP"),
        pytest.param("c=1,a&c=1,a", RawConsent(own="1,a"), id="said twice alike"),
        pytest.param("c=no&c=1,a", RawConsent(own="?"), id="said twice in two ways"),
        pytest.param("c=no&consent=1,a", RawConsent(own="?"), id="short and long disagree"),
    ],
)
def test_pixel_tells_consent(query: str, consent: RawConsent | None) -> None:
    assert receive_beacon(query).consent == consent


def test_short_and_long_name_that_disagree_are_no_permission() -> None:
    assert receive_event(c="no", consent="1,audience").consent == RawConsent(own="?")


@pytest.mark.parametrize("told", [True, 1])
def test_page_tells_that_it_is_for_a_child(told: object) -> None:
    assert receive_event(k=told).child
    assert receive_event(child=told).child
    assert receive_beacon("k=1").child


def test_page_that_says_nothing_of_children_is_for_all() -> None:
    assert not receive_event().child
    assert not receive_event(k=False).child
    assert not receive_beacon("k=0").child


@pytest.mark.parametrize("key", ["c", "consent", "cm", "gdpr_consent", "gpp", "gcs", "gdpr", "k"])
def test_signal_of_a_wrong_type_is_named_and_not_echoed(key: str) -> None:
    with pytest.raises(BadRequest) as refused:
        receive_event(**{key: ["secret"]})

    assert key in refused.value.field
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("lines", "opted_out"),
    [
        pytest.param([], False, id="no cookie"),
        pytest.param(["discreet_opt_out=1"], True, id="alone"),
        pytest.param(["a=b; discreet_opt_out=1; c=d"], True, id="among others"),
        pytest.param(["a=b;discreet_opt_out=1"], True, id="without a space"),
        pytest.param(["discreet_opt_out"], True, id="without a value"),
        pytest.param(["discreet_opt_out="], True, id="with an empty value"),
        pytest.param(["discreet_opt_out=0"], True, id="its presence refuses, whatever it holds"),
        pytest.param(["discreet_opt_out=1", "a=b"], True, id="first of two lines"),
        pytest.param(["a=b", "discreet_opt_out=1"], True, id="second of two lines"),
        pytest.param(["xdiscreet_opt_out=1"], False, id="a name that ends alike"),
        pytest.param(["discreet_opt_out2=1"], False, id="a name that begins alike"),
        pytest.param(["a=discreet_opt_out=1"], False, id="another cookie's value"),
        pytest.param(["session=secret"], False, id="another cookie"),
    ],
)
def test_opt_out_cookie_is_all_that_is_read_of_cookies(lines: list[str], opted_out: bool) -> None:
    sender = read_sender([(b"cookie", line.encode()) for line in lines], "192.0.2.7")

    assert sender == Sender("192.0.2.7", opted_out=opted_out)
