"""Read IAB Europe TCF v2 strings: what a visitor permits, by purpose and vendor.

Text comes in, a `TcString` goes out that answers one question; whatever the
rules of TCF 2.2 and 2.3 make invalid is `Unreadable`, never a permission.
Source: IAB Tech Lab, "Consent string and vendor list formats v2"; the names of
fields are those of its tables.
"""

from array import array

from msgspec import Struct

from anonymizer.bits import Bits, Unreadable

MAX_CHARACTERS = 8192  # about what servers take as one header line; decodes in 1 ms at worst

_PURPOSES = 24
_NO_INTEREST = (1, 3, 4, 5, 6)
"""Purposes that can't rest on a legitimate interest: 1 by law, 3 to 6 since TCF 2.2."""

# SegmentType. 2 was AllowedVendors, gone with the global scope in September 2021.
_DISCLOSED_VENDORS, _PUBLISHER_TC = 1, 3

_NOT_ALLOWED, _REQUIRE_CONSENT, _REQUIRE_INTEREST = range(3)  # RestrictionType

_NO_RANGES: "array[int]" = array("H")


class Permission(Struct, frozen=True, gc=False):
    """What a TC string permits for one purpose."""

    consent: bool
    interest: bool
    """A legitimate interest was told to the visitor, who did not object to it."""


_NOTHING = Permission(consent=False, interest=False)


class VendorSection(Struct, frozen=True, gc=False):
    """A set of vendor ids, kept as it was written: a bit field or ranges."""

    width: int
    """MaxVendorId of a bit field, 0 with ranges."""
    field: int
    """Vendor 1 is its highest bit, vendor `width` its lowest."""
    ranges: "array[int]"
    """First, last, first, last …; each inclusive, in any order."""

    def holds(self, vendor: int) -> bool:
        """Tell whether the section lists this vendor id."""
        if vendor <= self.width:
            return self.field >> (self.width - vendor) & 1 == 1
        return _within(self.ranges, vendor)


class TcString(Struct, frozen=True, gc=False):
    """A decoded TC string. Purposes are bits, with purpose 1 the highest of 24."""

    consents: int
    interests: int
    vendor_consents: VendorSection
    vendor_interests: VendorSection
    disclosed: VendorSection
    restrictions: "dict[tuple[int, int], array[int]]"
    """(PurposeId, RestrictionType) → ranges of vendor ids."""
    publisher_consents: int = 0
    publisher_interests: int = 0
    """Nothing, where the string has no PublisherTC segment."""

    def permission(self, purpose: int, vendor: int | None) -> Permission:
        """Tell what is permitted to a vendor, or with None to the site's own collector.

        A vendor needs the purpose's bit, its own bit and to have been disclosed, and no
        publisher restriction may forbid that basis. The site itself needs its bit of the
        PublisherTC segment. What lies outside 1..24 or outside the lists is not permitted.
        """
        if not 1 <= purpose <= _PURPOSES:
            return _NOTHING
        if vendor is None:
            return Permission(
                consent=_has(self.publisher_consents, purpose),
                interest=_has(self.publisher_interests, purpose),
            )
        if not self.disclosed.holds(vendor) or self._restricted(purpose, _NOT_ALLOWED, vendor):
            return _NOTHING
        return Permission(
            consent=_has(self.consents, purpose)
            and self.vendor_consents.holds(vendor)
            and not self._restricted(purpose, _REQUIRE_INTEREST, vendor),
            interest=_has(self.interests, purpose)
            and self.vendor_interests.holds(vendor)
            and not self._restricted(purpose, _REQUIRE_CONSENT, vendor),
        )

    def _restricted(self, purpose: int, kind: int, vendor: int) -> bool:
        ranges = self.restrictions.get((purpose, kind))
        return ranges is not None and _within(ranges, vendor)


def read_tc_string(text: str) -> TcString:
    """Decode a TC string; raises Unreadable for one that is malformed or not valid today.

    Valid is a service-specific string of version 2 under policy version 4 or later
    (TCF 2.2) with its DisclosedVendors segment (mandatory since 2.3).
    """
    if len(text) > MAX_CHARACTERS:
        raise Unreadable("longer than 8,192 characters")
    core, *others = text.split(".", 3)
    segments = _read_segment_types(others)
    if _DISCLOSED_VENDORS not in segments:
        raise Unreadable("no DisclosedVendors segment")
    disclosed = _read_vendors(segments[_DISCLOSED_VENDORS])
    segments[_DISCLOSED_VENDORS].end()
    publisher = (0, 0)
    if _PUBLISHER_TC in segments:
        publisher = _read_publisher_purposes(segments[_PUBLISHER_TC])
    return _read_core(Bits(core), disclosed, publisher)


def _read_segment_types(others: list[str]) -> dict[int, Bits]:
    segments: dict[int, Bits] = {}
    for segment in others:
        bits = Bits(segment)
        kind = bits.take(3)
        if kind not in {_DISCLOSED_VENDORS, _PUBLISHER_TC}:
            raise Unreadable("an unknown segment")
        if kind in segments:
            raise Unreadable("a segment twice")
        segments[kind] = bits
    return segments


def _read_core(bits: Bits, disclosed: VendorSection, publisher: tuple[int, int]) -> TcString:
    if bits.take(6) != 2:
        raise Unreadable("not of version 2")
    bits.take(36 + 36)  # Created, LastUpdated
    if bits.take(12) < 2:
        raise Unreadable("CmpId is of no consent manager")
    bits.take(12 + 6)  # CmpVersion, ConsentScreen
    _read_letters(bits)  # ConsentLanguage
    bits.take(12)  # VendorListVersion
    if bits.take(6) < 4:
        raise Unreadable("TcfPolicyVersion before 4")  # void since 30 September 2023
    if not bits.flag():
        raise Unreadable("not service-specific")  # void since 1 September 2021
    bits.take(1 + 12)  # UseNonStandardTexts, SpecialFeatureOptIns
    consents = bits.take(_PURPOSES)
    interests = bits.take(_PURPOSES)
    if any(_has(interests, purpose) for purpose in _NO_INTEREST):
        raise Unreadable("a legitimate interest in purpose 1, 3, 4, 5 or 6")
    asked = (1 << _PURPOSES) - 1
    if bits.flag():  # PurposeOneTreatment: nobody was asked about purpose 1
        asked >>= 1
    _read_letters(bits)  # PublisherCC
    string = TcString(
        consents=consents & asked,
        interests=interests,
        vendor_consents=_read_vendors(bits),
        vendor_interests=_read_vendors(bits),
        disclosed=disclosed,
        restrictions=_read_restrictions(bits),
        publisher_consents=publisher[0] & asked,
        publisher_interests=publisher[1],
    )
    bits.end()
    return string


def _read_letters(bits: Bits) -> None:
    if bits.take(6) > 25 or bits.take(6) > 25:
        raise Unreadable("a language or country that is no two letters")


def _read_vendors(bits: Bits) -> VendorSection:
    last = bits.take(16)
    if bits.flag():
        return VendorSection(0, 0, bits.ranges(bits.take(12), last))
    return VendorSection(last, bits.take(last), _NO_RANGES)


def _read_restrictions(bits: Bits) -> "dict[tuple[int, int], array[int]]":
    restrictions: dict[tuple[int, int], array[int]] = {}
    count = bits.take(12)
    if count > _PURPOSES * 3:  # each purpose and type once; 4,095 of them cost 3 ms
        raise Unreadable("more restrictions than there can be")
    for _ in range(count):
        purpose, kind = bits.take(6), bits.take(2)
        if not 1 <= purpose <= _PURPOSES:
            raise Unreadable("a restriction of no purpose")
        if kind > _REQUIRE_INTEREST:
            raise Unreadable("a restriction of an undefined type")
        ranges = bits.ranges(bits.take(12), 0xFFFF)
        restrictions.setdefault((purpose, kind), array("H")).extend(ranges)
    return restrictions


def _read_publisher_purposes(bits: Bits) -> tuple[int, int]:
    consents = bits.take(_PURPOSES)
    interests = bits.take(_PURPOSES)
    bits.take(2 * bits.take(6))  # CustomPurposesConsent, CustomPurposesLITransparency
    bits.end()
    # The specification forbids these bits in the core string alone; nobody can rest on them.
    for purpose in _NO_INTEREST:
        interests &= ~_bit(purpose)
    return consents, interests


def _bit(purpose: int) -> int:
    return 1 << _PURPOSES - purpose


def _has(purposes: int, purpose: int) -> bool:
    return purposes & _bit(purpose) != 0


def _within(ranges: "array[int]", vendor: int) -> bool:
    numbers = iter(ranges)
    return any(first <= vendor <= last for first, last in zip(numbers, numbers, strict=False))
