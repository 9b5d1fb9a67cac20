"""A TC string permits what its fields permit; one that is not valid permits nothing."""

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.bits import Unreadable
from anonymizer.tcf import MAX_CHARACTERS, TcString, read_tc_string
from tests.anonymizer.tc_strings import (
    VENDOR,
    bit_field,
    core,
    core_bits,
    disclosed,
    entries,
    number,
    pack,
    publisher,
    ranges,
    restriction,
    tc_string,
)

CORE, DISCLOSED, PUBLISHER = core(), disclosed(), publisher()
GOOD = f"{CORE}.{DISCLOSED}.{PUBLISHER}"


def permitted(text: str, vendor: int | None) -> tuple[set[int], set[int]]:
    """Return the purposes permitted by consent, and those by legitimate interest."""
    string = read_tc_string(text)
    answers = {purpose: string.permission(purpose, vendor) for purpose in range(-1, 70)}
    return (
        {purpose for purpose, answer in answers.items() if answer.consent},
        {purpose for purpose, answer in answers.items() if answer.interest},
    )


ALL = set(range(1, 12))
INTERESTS = {2, 7, 8, 9, 10, 11}

READABLE = [
    pytest.param(GOOD, id="three-segments"),
    pytest.param(f"{CORE}.{DISCLOSED}", id="no-publisher-segment"),
    pytest.param(f"{CORE}.{PUBLISHER}.{DISCLOSED}", id="segments-in-another-order"),
    pytest.param(tc_string(policy=4), id="policy-4"),
    pytest.param(tc_string(policy=63), id="policy-to-come"),
    pytest.param(tc_string(manager=2), id="cmp-2"),
    pytest.param(tc_string(language="ZZ", country="AA"), id="any-letters"),
    pytest.param(f"{CORE}AAAA.{DISCLOSED}AAAA", id="zero-padding"),
    pytest.param(tc_string(vendor_consents=ranges((VENDOR,))), id="ranges"),
    pytest.param(
        tc_string(vendor_consents=ranges((11, 30), (3, VENDOR), (VENDOR,))),
        id="ranges-overlapping-and-out-of-order",
    ),
    pytest.param(
        tc_string(vendor_consents=ranges((VENDOR, 65535))), id="range-to-the-highest-vendor"
    ),
    pytest.param(tc_string(restrictions=[restriction(2, 0)]), id="restriction-of-nobody"),
    pytest.param(tc_string(restrictions=[restriction(2, 0)] * 72), id="restrictions-at-the-limit"),
    pytest.param(f"{CORE}.{DISCLOSED}".ljust(MAX_CHARACTERS, "A"), id="as-long-as-a-string-may-be"),
    pytest.param(f"{CORE}.{DISCLOSED}.{publisher(custom=63)}", id="custom-purposes"),
    # The PublisherTC segment that the specification shows.
    pytest.param(f"{CORE}.{DISCLOSED}.YAAAAAAAAAAAAAAAAAA", id="publisher-segment-of-the-standard"),
]


@pytest.mark.parametrize("text", READABLE)
def test_valid_string_permits_the_vendor_its_purposes(text: str) -> None:
    assert permitted(text, VENDOR) == (ALL, INTERESTS)


ONE_TOO_MANY = pack(core_bits() + "0" * 30 + "1")

UNREADABLE = [
    pytest.param("", "no DisclosedVendors segment", id="empty"),
    pytest.param(".", "ends within a field", id="a-dot"),
    pytest.param(CORE, "no DisclosedVendors segment", id="no-disclosed-vendors"),
    pytest.param(
        f"{CORE}.{PUBLISHER}", "no DisclosedVendors segment", id="publisher-segment-alone"
    ),
    pytest.param(DISCLOSED, "no DisclosedVendors segment", id="no-core"),
    pytest.param(f"{DISCLOSED}.{CORE}", "an unknown segment", id="core-not-first"),
    pytest.param(f"{CORE}.{CORE}.{DISCLOSED}", "an unknown segment", id="core-twice"),
    pytest.param(f"{GOOD}.{DISCLOSED}", "a segment twice", id="disclosed-vendors-twice"),
    pytest.param(f"{GOOD}.{PUBLISHER}", "a segment twice", id="publisher-segment-twice"),
    pytest.param(f"{CORE}.{DISCLOSED}.", "ends within a field", id="empty-segment"),
    pytest.param(f"{CORE}..{DISCLOSED}", "ends within a field", id="empty-segment-within"),
    pytest.param(
        f"{CORE}.{DISCLOSED}.{pack('010' + bit_field({VENDOR}, VENDOR))}",
        "an unknown segment",
        id="allowed-vendors",
    ),
    pytest.param(
        f"{CORE}.{DISCLOSED}.{pack('100' + '0' * 21)}", "an unknown segment", id="unknown-segment"
    ),
    pytest.param(tc_string(version=1), "not of version 2", id="version-1"),
    pytest.param(tc_string(version=3), "not of version 2", id="version-3"),
    pytest.param(tc_string(manager=0), "CmpId is of no consent manager", id="cmp-0"),
    pytest.param(tc_string(manager=1), "CmpId is of no consent manager", id="cmp-1"),
    pytest.param(tc_string(policy=3), "TcfPolicyVersion before 4", id="policy-3"),
    pytest.param(tc_string(policy=0), "TcfPolicyVersion before 4", id="policy-0"),
    pytest.param(tc_string(service_specific=False), "not service-specific", id="global-scope"),
    *(
        pytest.param(
            tc_string(interests=[purpose]),
            "a legitimate interest in purpose 1, 3, 4, 5 or 6",
            id=f"interest-in-purpose-{purpose}",
        )
        for purpose in (1, 3, 4, 5, 6)
    ),
    pytest.param(
        tc_string(language="E["),
        "a language or country that is no two letters",
        id="language-of-no-letters",
    ),
    pytest.param(
        tc_string(country="[E"),
        "a language or country that is no two letters",
        id="country-of-no-letters",
    ),
    pytest.param(f"{CORE}B.{DISCLOSED}", "goes on after its last field", id="core-goes-on"),
    pytest.param(
        f"{ONE_TOO_MANY}.{DISCLOSED}", "goes on after its last field", id="core-goes-on-later"
    ),
    pytest.param(
        f"{CORE}.{DISCLOSED}_", "goes on after its last field", id="disclosed-vendors-go-on"
    ),
    pytest.param(
        f"{CORE}.{DISCLOSED}.{PUBLISHER}_",
        "goes on after its last field",
        id="publisher-segment-goes-on",
    ),
    pytest.param(
        tc_string(vendor_consents=ranges((13,), last=12)),
        "an id out of range",
        id="vendor-above-the-last",
    ),
    pytest.param(
        tc_string(vendor_consents=ranges((VENDOR, 30), last=29)),
        "an id out of range",
        id="range-above-the-last",
    ),
    pytest.param(tc_string(vendor_consents=ranges((0,))), "an id out of range", id="vendor-0"),
    pytest.param(
        tc_string(vendor_consents=ranges((VENDOR, 3))),
        "a range that does not ascend",
        id="descending-range",
    ),
    pytest.param(
        tc_string(vendor_consents=ranges((VENDOR, VENDOR))),
        "a range that does not ascend",
        id="range-of-one",
    ),
    pytest.param(
        tc_string(vendor_consents=ranges((1,), last=0)),
        "an id out of range",
        id="vendor-among-none",
    ),
    pytest.param(
        tc_string(vendor_consents=number(40, 16) + "1" + number(4095, 12)),
        "ends within a range",
        id="ranges-missing",
    ),
    pytest.param(
        tc_string(vendor_interests=number(65535, 16) + "0"),
        "ends within a field",
        id="bit-field-missing",
    ),
    pytest.param(
        f"{CORE}.{disclosed(ranges((0,)))}", "an id out of range", id="vendor-0-disclosed"
    ),
    pytest.param(
        tc_string(restrictions=[restriction(0, 0, (3,))]),
        "a restriction of no purpose",
        id="restricted-purpose-0",
    ),
    pytest.param(
        tc_string(restrictions=[restriction(25, 0, (3,))]),
        "a restriction of no purpose",
        id="restricted-purpose-25",
    ),
    pytest.param(
        tc_string(restrictions=[restriction(2, 3, (3,))]),
        "a restriction of an undefined type",
        id="undefined-restriction",
    ),
    pytest.param(
        tc_string(restrictions=[restriction(2, 0, (0,))]),
        "an id out of range",
        id="restriction-of-vendor-0",
    ),
    pytest.param(
        tc_string(restrictions=[restriction(2, 0)] * 73),
        "more restrictions than there can be",
        id="restrictions-past-the-limit",
    ),
    pytest.param(
        f"{CORE}.{DISCLOSED}".ljust(MAX_CHARACTERS + 1, "A"),
        "longer than 8,192 characters",
        id="longer-than-a-string-may-be",
    ),
    pytest.param(GOOD.replace(".", "~"), "no DisclosedVendors segment", id="another-separator"),
    pytest.param(f"{GOOD}=", "a character outside web-safe base64", id="padding-character"),
    pytest.param(f" {GOOD}", "a character outside web-safe base64", id="space"),
    pytest.param(f"{GOOD}\n", "a character outside web-safe base64", id="line-end"),
    pytest.param(f"é{GOOD}", "a character outside web-safe base64", id="not-ascii"),
    pytest.param(
        "${GDPR_CONSENT_12}", "no DisclosedVendors segment", id="macro-that-nobody-replaced"
    ),
    pytest.param(
        "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
        "no DisclosedVendors segment",
        id="a-gpp-string",
    ),
    pytest.param("1YNN", "no DisclosedVendors segment", id="a-us-privacy-string"),
    # Two that the specification shows, of the time before DisclosedVendors was mandatory.
    pytest.param(
        "CLcVDxRMWfGmWAVAHCENAXCkAKDAADnAABRgA5mdfCKZuYJez-NQm0TBMYA4oCAAGQYIAAAAAAEAIAEgAA"
        ".argAC0gAAAAAAAAAAAA",
        "no DisclosedVendors segment",
        id="example-of-policy-2",
    ),
    pytest.param(
        "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQ"
        "AIAgEAACEAAAAAgAQBAAAAAAAGBAAgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw",
        "TcfPolicyVersion before 4",
        id="example-of-the-global-scope",
    ),
]


@pytest.mark.parametrize(("text", "reason"), UNREADABLE)
def test_string_that_is_not_valid_is_unreadable(text: str, reason: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read_tc_string(text)

    assert str(raised.value) == reason


@pytest.mark.parametrize("text", ["alice@example.org", "alicé", f"{CORE}.alice"])
def test_error_repeats_nothing_of_the_text(text: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read_tc_string(text)

    assert "alic" not in repr(raised.value)
    assert raised.value.__context__ is None


OTHER = VENDOR + 1

VENDOR_RULES = [
    pytest.param({}, (ALL, INTERESTS), id="everything-permitted"),
    pytest.param({"consents": [2, 8]}, ({2, 8}, INTERESTS), id="consent-to-some"),
    pytest.param({"interests": [7, 8]}, (ALL, {7, 8}), id="interest-in-some"),
    pytest.param({"consents": [24]}, ({24}, INTERESTS), id="the-last-purpose"),
    pytest.param(
        {"vendor_consents": bit_field({OTHER}, 20)}, (set(), INTERESTS), id="no-vendor-consent"
    ),
    pytest.param(
        {"vendor_consents": bit_field(set(), 0)}, (set(), INTERESTS), id="no-vendor-at-all"
    ),
    pytest.param(
        {"vendor_consents": ranges((1, 11), (13, 99))}, (set(), INTERESTS), id="between-ranges"
    ),
    pytest.param(
        {"vendor_interests": bit_field({OTHER}, 20)}, (ALL, set()), id="objected-to-the-vendor"
    ),
    pytest.param({"vendor_interests": ranges()}, (ALL, set()), id="objected-to-all"),
    pytest.param(
        {"undisclosed_purpose_one": True}, (ALL - {1}, INTERESTS), id="purpose-1-not-disclosed"
    ),
    pytest.param(
        {"restrictions": [restriction(8, 0, (VENDOR,))]},
        (ALL - {8}, INTERESTS - {8}),
        id="not-allowed",
    ),
    pytest.param(
        {"restrictions": [restriction(1, 0, (VENDOR,))]},
        (ALL - {1}, INTERESTS),
        id="the-first-purpose-not-allowed",
    ),
    pytest.param(
        {"consents": [2, 24], "restrictions": [restriction(24, 0, (VENDOR,))]},
        ({2}, INTERESTS),
        id="the-last-purpose-not-allowed",
    ),
    pytest.param(
        {"restrictions": [restriction(8, 1, (VENDOR,))]},
        (ALL, INTERESTS - {8}),
        id="consent-required",
    ),
    pytest.param(
        {"restrictions": [restriction(8, 2, (VENDOR,))]},
        (ALL - {8}, INTERESTS),
        id="interest-required",
    ),
    pytest.param(
        {"restrictions": [restriction(8, 1, (VENDOR,)), restriction(8, 2, (VENDOR,))]},
        (ALL - {8}, INTERESTS - {8}),
        id="both-required",
    ),
    pytest.param(
        {
            "restrictions": [
                restriction(8, 0, (OTHER,)),
                restriction(8, 0, (9, VENDOR)),
                restriction(8, 0, (OTHER, 40)),
            ]
        },
        (ALL - {8}, INTERESTS - {8}),
        id="restriction-told-thrice",
    ),
    pytest.param(
        {"restrictions": [restriction(8, 0, (1, 11), (13, 65535))]},
        (ALL, INTERESTS),
        id="others-not-allowed",
    ),
]


@pytest.mark.parametrize(("fields", "expected"), VENDOR_RULES)
def test_vendor_is_permitted_by(
    fields: dict[str, object], expected: tuple[set[int], set[int]]
) -> None:
    assert permitted(tc_string(**fields), VENDOR) == expected


@pytest.mark.parametrize(
    "section",
    [bit_field({OTHER}, 20), bit_field(set(), 0), bit_field({11}, 11), ranges((1, 11), (13,))],
    ids=["another", "nobody", "field-too-short", "beside-ranges"],
)
def test_vendor_that_was_not_disclosed_is_permitted_nothing(section: str) -> None:
    assert permitted(f"{CORE}.{disclosed(section)}", VENDOR) == (set(), set())


@pytest.mark.parametrize("vendor", [-65536, -1, 0, 11, 13, 20, 21, 65535, 65536, 10**9])
def test_vendor_that_the_string_does_not_list_is_permitted_nothing(vendor: int) -> None:
    assert permitted(GOOD, vendor) == (set(), set())


@pytest.mark.parametrize("vendor", [-1, 0, 65536])
def test_no_vendor_outside_the_ids_is_permitted_anything(vendor: int) -> None:
    everybody = ranges((1, 65535))
    text = f"{core(vendor_consents=everybody, vendor_interests=everybody)}.{disclosed(everybody)}"

    assert permitted(text, vendor) == (set(), set())


@pytest.mark.parametrize("vendor", [1, 7, 8])
def test_bit_field_gives_the_first_bit_to_vendor_1(vendor: int) -> None:
    section = bit_field({vendor}, 8)
    text = f"{core(vendor_consents=section)}.{disclosed(bit_field(range(1, 9), 8))}"

    assert [other for other in range(10) if permitted(text, other)[0]] == [vendor]


@pytest.mark.parametrize("vendor", [1, 2, 65535])
def test_ranges_hold_every_vendor_from_the_first_to_the_last(vendor: int) -> None:
    section = ranges((1, 2), (65535,))
    text = f"{core(vendor_consents=section)}.{disclosed(section)}"

    assert permitted(text, vendor)[0] == ALL
    assert permitted(text, 3)[0] == permitted(text, 65534)[0] == set()


SITE_RULES = [
    pytest.param(PUBLISHER, {}, ({1, 8, 9}, {7}), id="as-written"),
    pytest.param(publisher([], []), {}, (set(), set()), id="nothing"),
    pytest.param(publisher(range(1, 25)), {}, (set(range(1, 25)), {7}), id="consent-to-all"),
    pytest.param(
        publisher([8], range(1, 25)),
        {},
        ({8}, {2, *range(7, 25)}),
        id="no-interest-in-purposes-that-need-consent",
    ),
    pytest.param(
        PUBLISHER, {"undisclosed_purpose_one": True}, ({8, 9}, {7}), id="purpose-1-not-disclosed"
    ),
    pytest.param(
        PUBLISHER,
        {"restrictions": [restriction(8, 0, (1, 65535))]},
        ({1, 8, 9}, {7}),
        id="restrictions-are-for-vendors",
    ),
]


@pytest.mark.parametrize(("segment", "fields", "expected"), SITE_RULES)
def test_site_itself_is_permitted_by_its_own_segment(
    segment: str, fields: dict[str, object], expected: tuple[set[int], set[int]]
) -> None:
    assert permitted(f"{core(**fields)}.{DISCLOSED}.{segment}", None) == expected


def test_site_without_a_segment_of_its_own_is_permitted_nothing() -> None:
    assert permitted(f"{CORE}.{DISCLOSED}", None) == (set(), set())


@given(st.text(max_size=300) | st.text("ABCgIYw-_.0", max_size=300))
def test_any_text_is_a_string_or_unreadable(text: str) -> None:
    try:
        string = read_tc_string(text)
    except Unreadable:
        return
    assert isinstance(string, TcString)


@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.text("ABCgIYw-_.", max_size=9))
def test_any_cut_and_insertion_is_a_string_or_unreadable(start: int, end: int, put: str) -> None:
    try:
        string = read_tc_string(GOOD[:start] + put + GOOD[end:])
    except Unreadable:
        return
    assert isinstance(string.permission(8, VENDOR).consent, bool)


MOST_RANGES = tc_string(restrictions=[restriction(8, 1, *[(40000,)] * 2750)])

COSTLY = [
    pytest.param("C" * 100_000, id="100-kb"),
    pytest.param("." * 100_000, id="100-kb-of-dots"),
    pytest.param("." * MAX_CHARACTERS, id="only-dots"),
    pytest.param(
        pack(core_bits(restrictions=[number(8, 8) + entries([(1,)] * 4095)] * 3)),
        id="12,285-ranges",
    ),
    pytest.param(MOST_RANGES, id="as-many-ranges-as-fit"),
    pytest.param(
        tc_string(vendor_consents=ranges(*[(1, 65535)] * 1440)), id="as-many-wide-ranges-as-fit"
    ),
    pytest.param(
        tc_string(vendor_consents=bit_field(range(1, 48_000, 2), 48_000)), id="longest-bit-field"
    ),
    pytest.param(
        tc_string(
            restrictions=[
                restriction(purpose, kind, *[(40000,)] * 36)
                for purpose in range(1, 25)
                for kind in range(3)
            ]
        ),
        id="restrictions-of-every-kind",
    ),
]


@pytest.mark.parametrize("text", COSTLY)
def test_costly_text_is_read_or_refused_within_20_ms_and_100_kb(text: str) -> None:
    def attempt() -> TcString | None:
        try:
            return read_tc_string(text)
        except Unreadable:
            return None

    def seconds() -> float:
        start = time.perf_counter()
        attempt()
        return time.perf_counter() - start

    # 1 ms by measurement; the rest is for a machine that does other things as well.
    assert min(seconds() for _ in range(5)) < 0.02

    tracemalloc.start()
    kept = attempt()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 30_000, kept


def test_as_many_ranges_as_fit_are_read() -> None:
    assert len(MOST_RANGES) > 7_800
    assert permitted(MOST_RANGES, VENDOR) == (ALL, INTERESTS)
