"""A page's URL, cut down to what statistics may know of it.

A raw URL or path comes in; a normalised path, the host and the declared
campaign parameters go out. Userinfo, fragment and the rest of the query never do.
"""

import re
from collections.abc import Mapping
from unicodedata import category

import can_ada
from msgspec import Struct

from anonymizer.hits import Campaign, SiteId
from anonymizer.policy import Dimension

MAX_URL_CHARACTERS = 4096
MAX_PAGE_CHARACTERS = 300
MAX_CAMPAIGN_CHARACTERS = 60
MIN_IDENTIFIER_CHARACTERS = 8
CUT = "/…"
"""Ends a page that was longer than `MAX_PAGE_CHARACTERS`."""

_NO_CAMPAIGN = Campaign()

# Most paths: no percent form, and each segment either has no digit or is shorter than any
# identifier. One possessive run, 0.9 µs; what it doesn't match gets the closer look.
_PLAIN = re.compile(
    r"(?>/(?>[^/%@:0-9]++(?=/|\Z)|[^/%@:.0-9]{0,8}+[0-9]{1,4}+[^/%@:.0-9]{0,3}+(?=/|\Z)))*+/?\Z"
)
_SLASHES = re.compile(r"/{2,}")
_PERCENT_RUN = re.compile(r"(?:%[0-9A-Fa-f]{2})+|%")
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
# What stays a percent form: reserved ASCII (RFC 3986 section 2.2), and octets that are no UTF-8,
# which the surrogateescape handler puts at U+DC80 to U+DCFF.
_KEPT_FORMS = {
    octet if octet < 0x80 else 0xDC00 + octet: f"%{octet:02X}"
    for octet in range(256)
    if octet not in _UNRESERVED
}
# Three octets of three characters each for one letter, as in Chinese; nothing longer can fit.
_LONGEST_SEGMENT = 9 * MAX_PAGE_CHARACTERS
_LONGEST_CAMPAIGN_VALUE = 9 * MAX_CAMPAIGN_CHARACTERS

# Each starts at a rare character or runs over a bounded length: no input makes them step back
# more than a few characters, so their cost is linear.
_EMAIL = re.compile(r"(?<=[^\s/])(?:@|%(?:25)*40)(?:[\w-]+\.)+[^\W\d_]{2,}")
_V4_ADDRESS = re.compile(r"(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)")
_V6_ADDRESS = re.compile(r"\[?(?=[^:]*:[^:]*:)(?=.*::|(?:[^:]*:){7})[0-9A-Fa-f:.]{3,45}\]?\Z")
_KINDS = (
    (":number", re.compile(r"\d{8,}\Z")),
    (":uuid", re.compile(r"[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}\Z")),
    (":hex", re.compile(r"(?=[A-Fa-f]*[0-9])[0-9A-Fa-f]{16,}\Z")),
)
_TOKEN = re.compile(r"(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_-]{22,}\Z")
_BETWEEN_PIECES = re.compile(r"[^\w-]+|(?<=%[0-9A-F]{2})")
_BETWEEN_WORDS = re.compile(r"[-_]+")
# A slug's word: letters in a case that people write, with at most a few digits ("256gb").
_WORD = re.compile(
    r"(?:\d{1,7}|(?:[a-z]+|[A-Z]+|[a-z]{0,20}(?:[A-Z][a-z]+)+)"
    r"|[A-Za-z]{1,12}\d{1,4}[A-Za-z]{0,4}|\d{1,4}[A-Za-z]{1,6}\d{0,2})?\Z"
)


class BadUrl(ValueError):
    """A URL that no page can be read from; the message names what is wrong and echoes nothing."""


class PageUrl(Struct, frozen=True, gc=False):
    """What is left of a URL."""

    page: str
    host: str
    """As it stands in the URL, without port."""
    campaign: Campaign


def read_page(raw_url: str, site: SiteId, campaign_parameters: Mapping[Dimension, str]) -> PageUrl:
    """Read an absolute http(s) URL, or a path on `site` that starts with a slash.

    Parsed as the WHATWG URL standard has it. Raises BadUrl for anything else and beyond
    `MAX_URL_CHARACTERS`.
    """
    if len(raw_url) > MAX_URL_CHARACTERS:
        raise BadUrl(f"url: longer than {MAX_URL_CHARACTERS} characters")
    try:
        url = can_ada.parse(f"https://{site}{raw_url}" if raw_url[:1] == "/" else raw_url)
    except (ValueError, TypeError):  # TypeError: text with a lone surrogate
        raise BadUrl("url: neither an absolute URL nor a path that starts with a slash") from None
    if url.protocol not in ("https:", "http:"):
        raise BadUrl("url: scheme is neither http nor https")
    query = url.search
    return PageUrl(
        coarsen_path(url.pathname),
        url.hostname,
        _read_campaign(query, campaign_parameters) if query else _NO_CAMPAIGN,
    )


def coarsen_path(path: str) -> str:
    """Return `path`, as a URL parser gives it, in one spelling and without what identifies.

    Segments that hold an e-mail address, an IP address, a long number, a UUID, a hash or a token
    become ``:email``, ``:address``, ``:number``, ``:uuid``, ``:hex`` and ``:token``.
    """
    if len(path) <= MAX_PAGE_CHARACTERS and _PLAIN.match(path):
        return path.rstrip("/") or "/"
    segments = _SLASHES.sub("/", path).strip("/").split("/")
    kept: list[str] = []
    length = 0
    for segment in segments:
        if len(segment) > _LONGEST_SEGMENT:
            return _cut(kept)
        text = _PERCENT_RUN.sub(_read_percent_run, segment) if "%" in segment else segment
        if len(text) > MAX_PAGE_CHARACTERS:
            return _cut(kept)
        kept.append(drop_identifier(text))
        length += 1 + len(kept[-1])
        if length > MAX_PAGE_CHARACTERS:
            return _cut(kept)
    return "/" + "/".join(kept)


def drop_identifier(text: str) -> str:
    """Return `text`, or the kind of identifier that it holds, such as ``:email``."""
    if ("@" in text or "40" in text) and _EMAIL.search(text):
        return ":email"
    if "." in text and _V4_ADDRESS.search(text):
        return ":address"
    if ":" in text and _V6_ADDRESS.match(text):
        return ":address"
    if len(text) < MIN_IDENTIFIER_CHARACTERS:
        return text
    for piece in _BETWEEN_PIECES.split(text):
        if len(piece) >= MIN_IDENTIFIER_CHARACTERS:
            kind = _kind_of(piece)
            if kind:
                return kind
    return text


def _kind_of(piece: str) -> str:
    for kind, pattern in _KINDS:
        if pattern.match(piece):
            return kind
    if _TOKEN.match(piece) and not all(map(_WORD.match, _BETWEEN_WORDS.split(piece))):
        return ":token"
    return ""


def _cut(segments: list[str]) -> str:
    length = sum(map(len, segments)) + len(segments)
    while segments and length + len(CUT) > MAX_PAGE_CHARACTERS:
        length -= len(segments.pop()) + 1
    return "".join(f"/{segment}" for segment in segments) + CUT


def _read_percent_run(run: re.Match[str]) -> str:
    octets = bytes.fromhex(run[0].replace("%", "")) or b"%"
    text = octets.decode(errors="surrogateescape").translate(_KEPT_FORMS)
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else "".join(f"%{octet:02X}" for octet in character.encode())
        for character in text
    )


def _read_campaign(query: str, parameters: Mapping[Dimension, str]) -> Campaign:
    values: dict[str, str] = {}
    for pair in query[1:].split("&"):
        name, _, value = pair.partition("=")
        if value and name not in values:
            values[name] = value
    found = {
        dimension: _read_campaign_value(values[parameter])
        for dimension, parameter in parameters.items()
        if parameter in values
    }
    if not found:
        return _NO_CAMPAIGN
    return Campaign(
        found.get(Dimension.CAMPAIGN, ""),
        found.get(Dimension.CAMPAIGN_SOURCE, ""),
        found.get(Dimension.CAMPAIGN_MEDIUM, ""),
        found.get(Dimension.CAMPAIGN_CONTENT, ""),
        found.get(Dimension.CAMPAIGN_TERM, ""),
    )


def _read_campaign_value(raw_value: str) -> str:
    if len(raw_value) > _LONGEST_CAMPAIGN_VALUE:
        return ""
    if len(raw_value) < MIN_IDENTIFIER_CHARACTERS and raw_value.isalnum():
        return raw_value
    text = _PERCENT_RUN.sub(_decode_run, raw_value.replace("+", " ")).strip()
    if drop_identifier(text) is not text:
        return ""
    kept = text
    if not (text.isascii() and text.isalnum()):
        kept = " ".join("".join(filter(_may_stand_in_campaign, text)).split())
        # What was dropped may have parted one number into two that looked harmless.
        if kept != text and drop_identifier(kept) is not kept:
            return ""
    return kept[:MAX_CAMPAIGN_CHARACTERS].rstrip()


def _decode_run(run: re.Match[str]) -> str:
    return (bytes.fromhex(run[0].replace("%", "")) or b"%").decode(errors="replace")


def _may_stand_in_campaign(character: str) -> bool:
    # Marks belong to the letters of many scripts (Devanagari vowel signs, combining accents).
    return character.isalnum() or character in "_.+- " or category(character).startswith("M")
