"""What consent signals permit together: each alone, several at once, and none that is forged."""

import pytest
from msgspec.structs import replace

from anonymizer.consents import Consent, ConsentReader, Told
from anonymizer.hits import RawConsent
from anonymizer.policy_file import read_policy
from collector.reference import default_policy
from tests.anonymizer import tc_strings
from tests.anonymizer.consent_strings import GPP_CHILD, GPP_OPT_OUT, gpp_string, tc_string

POLICY = read_policy(
    """\
[policy]
id = "consents"
version = "3"
controller = "Example"
contact = "privacy@example.org"
extends = "default"

[[purpose]]
id = "newsletter"
title = "Newsletter"
clause = "4"
basis = "consent"
tcf = []

[[site]]
domain = "example.org"
timezone = "UTC"
""",
    default_policy(),
)
EVERY = frozenset(purpose.id for purpose in POLICY.purposes)

# The shipped policy asks for 8 and 9 for `audience`, 7 and 9 for `campaigns`, 10 for `operations`.
ALL_ASKED = (7, 8, 9, 10)
BY_STRING = {"audience", "campaigns", "operations"}


def read(**told: str) -> Consent:
    return ConsentReader(POLICY, frozenset({"2", "3"})).read(RawConsent(**told))


@pytest.mark.parametrize(
    ("own", "told", "granted"),
    [
        pytest.param("3,audience", Told.ANSWER, {"audience"}, id="one purpose"),
        pytest.param("3,audience,campaigns", Told.ANSWER, {"audience", "campaigns"}, id="two"),
        pytest.param("2,audience", Told.ANSWER, {"audience"}, id="older version, still good"),
        pytest.param("1,audience", Told.VOID, set(), id="version before a major change"),
        pytest.param("4,audience", Told.VOID, set(), id="version that never was"),
        pytest.param("no", Told.ANSWER, set(), id="refusal"),
        pytest.param("3,profiling", Told.ANSWER, set(), id="purpose that no policy declares"),
        pytest.param("3,", Told.ANSWER, set(), id="no purpose"),
        pytest.param("3", Told.UNREADABLE, set(), id="version alone"),
        pytest.param("", Told.UNREADABLE, set(), id="empty"),
        pytest.param(",audience", Told.UNREADABLE, set(), id="no version"),
        pytest.param("yes", Told.UNREADABLE, set(), id="another word"),
        pytest.param("3,audience".ljust(500, ","), Told.ANSWER, {"audience"}, id="longest"),
        pytest.param("3,audience".ljust(501, ","), Told.UNREADABLE, set(), id="too long"),
    ],
)
def test_own_consent_is_a_version_and_purposes(own: str, told: Told, granted: set[str]) -> None:
    consent = read(own=own)

    assert consent.told is told
    assert consent.granted == granted
    assert consent.by_interest == granted


def test_tc_string_is_read_for_the_vendor_that_the_policy_names() -> None:
    text = f"{tc_strings.core(consents=(8, 9))}.{tc_strings.disclosed()}.{tc_strings.publisher()}"

    def granted(vendor: int | None) -> frozenset[str]:
        reader = ConsentReader(replace(POLICY, tcf_vendor=vendor), frozenset({"3"}))
        return frozenset(reader.read(RawConsent(raw_tc=text)).granted)

    assert granted(tc_strings.VENDOR) == {"audience"}
    assert granted(tc_strings.VENDOR + 1) == set()
    assert granted(None) == {"audience"}  # the publisher's own segment, which grants 8 and 9


@pytest.mark.parametrize(
    ("consents", "interests", "granted", "by_interest"),
    [
        pytest.param(ALL_ASKED, (), BY_STRING, BY_STRING, id="all consented"),
        pytest.param((), (), set(), set(), id="nothing permitted"),
        pytest.param((8,), (), set(), set(), id="half of what a purpose asks"),
        pytest.param((8, 9), (), {"audience"}, {"audience"}, id="all of one"),
        pytest.param((), (8, 9), set(), {"audience"}, id="interest alone"),
        pytest.param((8,), (9,), set(), {"audience"}, id="consent and interest"),
        pytest.param((1, 2, 3, 4, 5, 6), (), set(), set(), id="other purposes"),
    ],
)
def test_tc_string_must_permit_all_that_a_purpose_asks(
    consents: tuple[int, ...],
    interests: tuple[int, ...],
    granted: set[str],
    by_interest: set[str],
) -> None:
    text = tc_string(consents, interests)
    for consent in (read(raw_tc=text), read(raw_gpp=gpp_string(text))):
        assert consent.told is Told.ANSWER
        assert consent.granted == granted
        assert consent.by_interest == by_interest


def test_purpose_that_no_string_can_permit_leaves_the_others() -> None:
    turned = replace(POLICY, purposes=tuple(reversed(POLICY.purposes)))
    assert turned.purposes[0].tcf == ()

    reader = ConsentReader(turned, frozenset({"3"}))
    assert reader.read(RawConsent(raw_tc=tc_string(ALL_ASKED))).granted == BY_STRING


@pytest.mark.parametrize("gdpr", ["0", "1"])
def test_gdpr_flag_neither_permits_nor_silences(gdpr: str) -> None:
    assert read(gdpr=gdpr).told is Told.NOTHING
    assert read(gdpr=gdpr, raw_tc=tc_string()).granted == set()
    assert read(gdpr=gdpr, raw_tc=tc_string(ALL_ASKED)).granted == BY_STRING


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"gdpr": "2"}, id="gdpr is neither 0 nor 1"),
        pytest.param({"gdpr": ""}, id="gdpr is empty"),
        pytest.param({"raw_tc": ""}, id="empty TC string"),
        pytest.param({"raw_tc": "${GDPR_CONSENT_755}"}, id="macro that nobody filled in"),
        pytest.param({"raw_tc": tc_string(ALL_ASKED)[:-3]}, id="cut TC string"),
        pytest.param({"raw_tc": tc_string(ALL_ASKED, policy_version=3)}, id="TCF before 2.2"),
        pytest.param({"raw_tc": "C" * 100_000}, id="100 kB"),
        pytest.param({"raw_gpp": "DBAB"}, id="cut GPP string"),
        pytest.param({"raw_gpp": "DBABrw~BAAA"}, id="unknown GPP section"),
    ],
)
def test_signal_that_cannot_be_read_is_told_as_such(told: dict[str, str]) -> None:
    assert read(**told).told is Told.UNREADABLE
    assert read(**told, own="3,audience").told is Told.UNREADABLE


@pytest.mark.parametrize(
    ("word", "granted"),
    [
        pytest.param("granted", EVERY, id="granted"),
        pytest.param("denied", set(), id="denied"),
        pytest.param("", set(), id="undecided"),
        pytest.param("Granted", set(), id="another spelling"),
    ],
)
def test_consent_mode_speaks_for_every_purpose(word: str, granted: set[str]) -> None:
    consent = read(analytics_storage=word)

    assert consent.told is Told.ANSWER
    assert consent.granted == granted


def test_gpp_opt_out_is_told_beside_any_consent() -> None:
    assert read(raw_gpp=GPP_OPT_OUT) == Consent(Told.NOTHING, opted_out=True)
    assert read(raw_gpp=GPP_OPT_OUT, own="3,audience").opted_out
    assert read(raw_gpp=GPP_OPT_OUT, raw_tc="").opted_out


def test_child_is_told_beside_any_consent() -> None:
    assert read(raw_gpp=GPP_CHILD) == Consent(Told.NOTHING, child=True)
    assert read(raw_gpp=GPP_CHILD, own="3,audience").child
    assert read(raw_gpp=GPP_CHILD, own="1,audience") == Consent(Told.VOID, child=True)
    assert read(raw_gpp=GPP_CHILD, raw_tc="") == Consent(Told.UNREADABLE, child=True)
    assert not read(raw_gpp=GPP_OPT_OUT, own="3,audience").child


def test_void_consent_leaves_an_opt_out_standing() -> None:
    assert read(raw_gpp=GPP_OPT_OUT, own="1,audience") == Consent(Told.VOID, opted_out=True)


def test_answer_is_told_as_one_beside_a_void_consent() -> None:
    together = read(own="1,audience", analytics_storage="granted")

    assert (together.told, together.granted) == (Told.ANSWER, EVERY)


def test_disagreeing_signals_permit_what_all_of_them_permit() -> None:
    assert read(own="3,audience", analytics_storage="denied").granted == set()
    assert read(own="3,audience,campaigns", raw_tc=tc_string((8, 9))).granted == {"audience"}
    assert read(own="no", raw_tc=tc_string(ALL_ASKED)).granted == set()
    assert read(own="no", raw_tc=tc_string((), (8, 9))).by_interest == set()


def test_text_read_before_is_remembered() -> None:
    reader = ConsentReader(POLICY, frozenset({"3"}))
    for told in ({"own": "3,audience"}, {"raw_tc": tc_string((8, 9))}, {"raw_gpp": GPP_OPT_OUT}):
        assert reader.read(RawConsent(**told)) is reader.read(RawConsent(**told))


def test_text_read_before_reads_the_same() -> None:
    reader = ConsentReader(POLICY, frozenset({"3"}))
    for _ in range(2):
        assert reader.read(RawConsent(own="3,audience")).granted == {"audience"}
        assert reader.read(RawConsent(own="no")).granted == set()
        assert reader.read(RawConsent(raw_tc=tc_string((8, 9)))).granted == {"audience"}
        assert reader.read(RawConsent(raw_gpp=GPP_OPT_OUT)).opted_out
