"""Write TC strings field by field, the forbidden ones too."""

from collections.abc import Iterable, Sequence

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

VENDOR = 12
"""Everything is permitted to this vendor in a string that is written without arguments."""

Entry = tuple[int] | tuple[int, int]
"""A RangeEntry: one vendor id, or the first and the last."""


def number(value: int, width: int) -> str:
    """Return a whole number as that many bits."""
    return format(value, f"0{width}b")


def purposes(ids: Iterable[int]) -> str:
    """Return 24 bits with those of these purposes set."""
    chosen = set(ids)
    return "".join("1" if purpose in chosen else "0" for purpose in range(1, 25))


def letters(text: str) -> str:
    """Return two letters as 6 bits each, A as 0."""
    return "".join(number(ord(letter) - ord("A"), 6) for letter in text)


def bit_field(ids: Iterable[int], last: int) -> str:
    """Return a vendor section as a bit field."""
    chosen = set(ids)
    bits = ("1" if vendor in chosen else "0" for vendor in range(1, last + 1))
    return number(last, 16) + "0" + "".join(bits)


def entries(ranges: Sequence[Entry]) -> str:
    """Return NumEntries and the entries."""
    return number(len(ranges), 12) + "".join(
        str(len(ids) - 1) + "".join(number(vendor, 16) for vendor in ids) for ids in ranges
    )


def ranges(*listed: Entry, last: int = 65535) -> str:
    """Return a vendor section as ranges."""
    return number(last, 16) + "1" + entries(listed)


def restriction(purpose: int, kind: int, *listed: Entry) -> str:
    """Return one PubRestrictionEntry."""
    return number(purpose, 6) + number(kind, 2) + entries(listed)


def pack(bits: str) -> str:
    """Return bits as web-safe base64, filled up with zeros."""
    filled = bits + "0" * (-len(bits) % 6)
    return "".join(_LETTERS[int(filled[at : at + 6], 2)] for at in range(0, len(filled), 6))


def unpack(text: str) -> str:
    """Return the bits of a segment."""
    return "".join(number(_LETTERS.index(letter), 6) for letter in text)


def core_bits(
    *,
    version: int = 2,
    manager: int = 10,
    language: str = "EN",
    policy: int = 5,
    service_specific: bool = True,
    consents: Iterable[int] = range(1, 12),
    interests: Iterable[int] = (2, 7, 8, 9, 10, 11),
    undisclosed_purpose_one: bool = False,
    country: str = "DE",
    vendor_consents: str | None = None,
    vendor_interests: str | None = None,
    restrictions: Sequence[str] = (),
) -> str:
    """Return a core segment's bits without padding; vendors as sections of bits."""
    return "".join(
        (
            number(version, 6),
            number(17_000_000_000, 36) * 2,
            number(manager, 12),
            number(1, 12) + number(1, 6),
            letters(language),
            number(100, 12),
            number(policy, 6),
            number(service_specific, 1),
            number(0, 13),
            purposes(consents),
            purposes(interests),
            number(undisclosed_purpose_one, 1),
            letters(country),
            bit_field({VENDOR}, 20) if vendor_consents is None else vendor_consents,
            ranges((VENDOR,), last=20) if vendor_interests is None else vendor_interests,
            number(len(restrictions), 12),
            *restrictions,
        )
    )


def core(**fields: object) -> str:
    """Return a core segment; its fields are those of `core_bits`."""
    return pack(core_bits(**fields))  # type: ignore[arg-type]


def disclosed(section: str | None = None) -> str:
    """Return a DisclosedVendors segment."""
    return pack("001" + (bit_field({VENDOR}, VENDOR) if section is None else section))


def publisher(
    consents: Iterable[int] = (1, 8, 9), interests: Iterable[int] = (7,), custom: int = 0
) -> str:
    """Return a PublisherTC segment with that many custom purposes, all permitted."""
    return pack(
        "011" + purposes(consents) + purposes(interests) + number(custom, 6) + "1" * 2 * custom
    )


def tc_string(**fields: object) -> str:
    """Return a core segment and the vendor disclosed."""
    return f"{core(**fields)}.{disclosed()}"
