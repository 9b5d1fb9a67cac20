"""A page's path in one spelling, shaped by the site's templates and without what identifies.

A path as a URL parser gives it comes in; a page and the kinds masked in it go out.
"""

import re
from functools import lru_cache

import can_ada
from msgspec import Struct

from anonymizer.scrub import scrub

MAX_PAGE_CHARACTERS = 300
CUT = "/…"
"""Ends a page that was longer than `MAX_PAGE_CHARACTERS`."""

# Most paths: lower-case words, each with at most four digits behind it and a letter after the
# next separator. Nothing that `scrub` masks looks so, but for a UUID whose digits all end its
# groups (1 in 10^9). One possessive run, 0.3 µs; what it doesn't match gets the closer look.
_PLAIN = re.compile(r"(?:[a-z/._-]++(?:\d{1,4}+(?=[/]|\Z|[._-][a-z]))?+)*+\Z")
# The same of one segment, with upper case and with 256gb and 15th.
_QUIET = re.compile(
    r"(?:[A-Za-z0-9_-]{1,7}|(?:(?!eyJ)(?:[A-Z]?[a-z]++|[A-Z]{1,12}+)(?:[._-]|\Z)"
    r"|(?:[A-Z]?[a-z]{1,11}+|[A-Z]{1,12}+)?\d{1,4}+(?:[g-z][a-z]{0,2}+)?"
    r"(?:[._-](?=[A-Za-z])|\Z))*+)\Z"
)
_SLASHES = re.compile(r"/{2,}")
_PERCENT_RUN = re.compile(r"(?:%[0-9A-Fa-f]{2})+|%")
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
# What stays a percent form is U+DC00 + octet until the page is written: reserved ASCII (RFC 3986
# section 2.2) here, octets that are no UTF-8 by Python's surrogateescape. No text holds these.
_RESERVED = {octet: 0xDC00 + octet for octet in range(0x80) if octet not in _UNRESERVED}
_KEPT_OCTET = re.compile("[\udc00-\udcff]")
_ESCAPED_PERCENT = "\udc25"
_MAX_ENCODINGS = 3
# Three octets of three characters each for one letter, as in Chinese; nothing longer can fit.
_LONGEST_SEGMENT = 9 * MAX_PAGE_CHARACTERS
# Masks are shorter than identifiers, so that more than a page may be looked at; four pages cost
# 0.4 ms at worst.
_MOST_LOOKED_AT = 4 * MAX_PAGE_CHARACTERS
# Each takes a slash and a character of the page at least.
_MAX_SEGMENTS = MAX_PAGE_CHARACTERS // 2
_PARAMETER = re.compile(r":[a-z][a-z0-9_]*\Z")
_REST = "*"


class BadTemplate(ValueError):
    """A template that no path can be read by; the message says what is wrong."""


class PathRules(Struct, frozen=True):
    """How one site's paths are read."""

    lower_case: bool = False
    """The site's server ignores case, so that all pages are written in lower case."""
    templates: tuple[str, ...] = ()
    """Such as ``/user/:id/*``; the first that matches shapes the page.

    A ``:word`` matches any one segment and stands in its place. A final ``*`` matches what
    follows, were it nothing, and leaves it as any path is left: in one spelling and scrubbed.
    Every other segment matches itself and is written as it stands in the template, even if the
    scrubber would mask it. Without a final ``*`` a template matches whole paths alone.
    """
    hash_routing: bool = False
    """A fragment such as ``#/a/b`` or ``#!/a/b`` is the page's path."""


class Template(Struct, frozen=True):
    """A template, read."""

    segments: tuple[str, ...]
    """``:word`` or a literal, as `PathRules` has it; a literal in the one spelling."""
    is_open: bool
    """It ended in ``*``."""

    @property
    def written(self) -> tuple[str, ...]:
        """The segments as they stand in pages."""
        return tuple(map(_write, self.segments))


def read_template(text: str, *, lower_case: bool = False) -> Template:
    """Read one template of `PathRules.templates`; raises BadTemplate."""
    if not text.startswith("/"):
        raise BadTemplate("must start with a slash")
    if "?" in text or "#" in text:
        raise BadTemplate("must be a path, without query and fragment")
    segments = text.strip("/").split("/") if text != "/" else []
    is_open = segments[-1:] == [_REST]
    if is_open:
        segments.pop()
    for segment in segments:
        if segment in {"", ".", ".."}:
            raise BadTemplate("must not hold an empty segment, nor one of dots")
        if _REST in segment:
            raise BadTemplate("may hold * as its last segment only")
        if segment[0] == ":" and not _PARAMETER.match(segment):
            raise BadTemplate("must name a segment in lower case, such as :id")
    try:
        path = can_ada.parse("https://template.invalid/" + "/".join(segments)).pathname
    except (ValueError, TypeError):  # TypeError: text with a lone surrogate
        raise BadTemplate("must be text") from None
    read = [_normalise(segment) for segment in path[1:].split("/") if segment]
    if sum(len(_write(segment)) + 1 for segment in read) > MAX_PAGE_CHARACTERS:
        raise BadTemplate(f"must not be longer than {MAX_PAGE_CHARACTERS} characters")
    return Template(tuple(s.lower() for s in read) if lower_case else tuple(read), is_open)


def coarsen_path(path: str, rules: PathRules) -> tuple[str, tuple[str, ...]]:
    """Return the page, of at most `MAX_PAGE_CHARACTERS`, and the kinds masked, by segment.

    A segment that a template named is no mask. Raises BadTemplate when one of the rules' is.
    """
    plain = not rules.templates and len(path) <= MAX_PAGE_CHARACTERS and _PLAIN.match(path)
    if plain and "//" not in path:
        return path.rstrip("/") or "/", ()
    masks: list[str] = []
    segments = _split(path)
    kept = _shape(segments, rules) if rules.templates else []
    length = sum(map(len, kept)) + len(kept)
    looked_at = 0
    for text in map(_normalise, segments[len(kept) :]):
        looked_at += len(text)
        if len(text) > MAX_PAGE_CHARACTERS or looked_at > _MOST_LOOKED_AT:
            return _cut(kept), tuple(masks)
        kept.append(_write(_coarsen_segment(text, rules, masks)))
        length += 1 + len(kept[-1])
        if length > MAX_PAGE_CHARACTERS:
            return _cut(kept), tuple(masks)
    return "/" + "/".join(kept), tuple(masks)


def _split(path: str) -> list[str]:
    """Return the segments, as many as may fit on a page."""
    if "//" in path:
        path = _SLASHES.sub("/", path)
    path = path.strip("/")
    return path.split("/", _MAX_SEGMENTS) if path else []


def _coarsen_segment(text: str, rules: PathRules, masks: list[str]) -> str:
    if _QUIET.match(text):
        return text.lower() if rules.lower_case else text
    if _ESCAPED_PERCENT in text:
        inner: list[str] = []
        scrub(_peel(text), inner)
        if inner:
            masks.append(inner[0])
            return f":{inner[0]}"
    text = scrub(text, masks)
    if rules.lower_case:
        # A letter such as the Kelvin sign turns into an ASCII one.
        text = text.lower() if text.isascii() else scrub(text.lower(), masks)
    return text


def _normalise(segment: str) -> str:
    """Return a segment in one spelling; as it is when it is too long for any page."""
    if "%" not in segment or len(segment) > _LONGEST_SEGMENT:
        return segment
    return _PERCENT_RUN.sub(_read_percent_run, segment)


def _read_percent_run(run: re.Match[str]) -> str:
    octets = bytes.fromhex(run[0].replace("%", "")) or b"%"
    text = octets.decode(errors="surrogateescape")
    if text.isalnum():
        return text
    if not text.isprintable():
        text = "".join(map(_keep_unprintable, text))
    return text.translate(_RESERVED)


def _keep_unprintable(character: str) -> str:
    if character.isprintable() or "\udc80" <= character <= "\udcff":
        return character
    return "".join(chr(0xDC00 + octet) for octet in character.encode())


def _peel(text: str) -> str:
    """Decode what was percent-encoded more than once."""
    for _ in range(_MAX_ENCODINGS):
        peeled = _PERCENT_RUN.sub(_read_percent_run, text.replace(_ESCAPED_PERCENT, "%"))
        if peeled == text:
            break
        text = peeled
    return text


def _write(text: str) -> str:
    if text.isprintable():
        return text
    return _KEPT_OCTET.sub(lambda octet: f"%{ord(octet[0]) - 0xDC00:02X}", text)


def _cut(segments: list[str]) -> str:
    length = sum(map(len, segments)) + len(segments)
    while segments and length + len(CUT) > MAX_PAGE_CHARACTERS:
        length -= len(segments.pop()) + 1
    return "".join(f"/{segment}" for segment in segments) + CUT


class _Templates(Struct, frozen=True):
    by_head: dict[str, tuple[Template, ...]]
    """By the first segment that each can match; "" holds for any other."""
    depth: int
    """The segments of the longest."""


@lru_cache(256)
def _read_templates(rules: PathRules) -> _Templates:
    read = [read_template(text, lower_case=rules.lower_case) for text in rules.templates]
    firsts = [template.segments[0] if template.segments else ":" for template in read]
    by_head = {
        head: tuple(
            t for t, first in zip(read, firsts, strict=True) if first[0] == ":" or first == head
        )
        for head in {*firsts, ""}
    }
    return _Templates(by_head, max(len(template.segments) for template in read))


def _shape(path: list[str], rules: PathRules) -> list[str]:
    """Return the segments that the first matching template writes; none when none matches."""
    templates = _read_templates(rules)
    found = [_normalise(segment) for segment in path[: templates.depth]]
    if rules.lower_case:
        found = [text.lower() for text in found]
    head = found[0] if found else ""
    for template in templates.by_head.get(head, templates.by_head[""]):
        segments = template.segments
        if len(segments) > len(path) or (len(segments) < len(path) and not template.is_open):
            continue
        if all(s[0] == ":" or s == text for s, text in zip(segments, found, strict=False)):
            return [_write(segment) for segment in segments]
    return []
