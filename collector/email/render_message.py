"""Rewrite a whole e-mail (.eml): its HTML parts, on request the links of its text parts.

Bytes come in; the same bytes go out but for the bodies of the parts that were rewritten, each in
the transfer encoding and charset it had. No header is touched.
"""

import codecs
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from email.message import Message

from msgspec import Struct
from msgspec.structs import replace

from collector.email.render import (
    Addresses,
    Found,
    Link,
    Number,
    Rendered,
    render_html,
    replace_links,
    splice,
)
from collector.email.render_links import Place, Surroundings, Why
from collector.email.render_parts import Part, UnreadablePart, read_headers, read_parts, read_text
from collector.email.render_tags import Span

MAX_LINE_BYTES = 998
"""Without its end (RFC 5322 section 2.1.1)."""

_SIGNATURES = ("dkim-signature", "domainkey-signature", "arc-message-signature")
_IN_ANGLES = re.compile(r"<([^<>]*)>")
# Longer than any target may be, so that a longer one is not taken for its beginning.
_URL = re.compile(r"https?://[^\s<>\"`]{1,2100}", re.IGNORECASE)
_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # of UTF-32 too
_FIRST_BYTES = 1_000
_AFTER_URL = ".,;:!?'*_~"
_CLOSING = {")": "(", "]": "[", "}": "{"}
_SPACE = re.compile(r"\s+")
_MOST_WORDS = 400
"""Characters around an address in plain text that are looked at."""


class RenderedPart(Struct, frozen=True):
    """What became of one part."""

    path: str
    """As in `Part`."""
    kind: str
    rendered: Rendered | None
    """None when it was left as it is."""
    note: str = ""
    """Why it was."""


class RenderedMessage(Struct, frozen=True):
    """An e-mail after rewriting."""

    raw: bytes
    parts: Sequence[RenderedPart]
    notes: Sequence[str]


def render_message(
    raw: bytes, addresses: Addresses, number: Number, *, with_text: bool = False
) -> RenderedMessage:
    """Rewrite an e-mail; `with_text` replaces the links of text/plain parts too."""
    headers, _ = read_headers(raw, 0, len(raw))
    unsubscribing = _read_unsubscribing(headers)
    pieces: list[bytes] = []
    parts: list[RenderedPart] = []
    done = 0
    for part in read_parts(raw):
        rewritten, body = _render_part(raw, part, addresses, number, unsubscribing, with_text)
        if rewritten is not None:
            parts.append(rewritten)
        if body is not None:
            pieces += (raw[done : part.start], body)
            done = part.end
    pieces.append(raw[done:])
    after = b"".join(pieces)
    return RenderedMessage(after, parts, _read_notes(headers, raw, after, parts))


def render_page(raw: bytes, addresses: Addresses, number: Number) -> RenderedMessage:
    """Rewrite an HTML file in UTF-8, or in any charset that holds ASCII as it is.

    Raises:
        UnreadablePart: it is in UTF-16 or UTF-32.
    """
    if raw.startswith(_BYTE_ORDER_MARKS) or b"\0" in raw[:_FIRST_BYTES]:
        raise UnreadablePart("is no text in UTF-8")
    rendered = render_html(raw.decode("utf-8", "surrogateescape"), addresses, number)
    after = rendered.text.encode("utf-8", "surrogateescape")
    return RenderedMessage(after, (RenderedPart("", "text/html", rendered),), ())


def render_text(
    text: str,
    addresses: Addresses,
    number: Number,
    unsubscribing: Collection[str] = (),
    *,
    replaces: bool,
) -> Rendered:
    """Rewrite a plain text, or with `replaces` false say which links of it could be counted."""
    found = [_read_url(text, *match.span()) for match in _URL.finditer(text)]
    around = Surroundings(addresses.counted, "", unsubscribing)
    links, edits = replace_links(
        text, found, around, addresses, number if replaces else _number_none
    )
    if not replaces:
        links = [_tell_plain(link) for link in links]
    return Rendered(splice(text, edits), links, has_new_pixel=False, notes=())


def _number_none(_: Iterable[str]) -> Mapping[str, str]:
    return {}


def _tell_plain(link: Link) -> Link:
    return replace(link, why=Why.PLAIN_TEXT) if link.why is Why.NOT_REGISTERED else link


def _read_url(text: str, start: int, end: int) -> Found:
    while end > start and (text[end - 1] in _AFTER_URL or _is_unopened(text, start, end)):
        end -= 1
    # What is said on its line and the one before: "To unsubscribe:" and then the address.
    before = text.rfind("\n", max(0, start - _MOST_WORDS), start)
    before = text.rfind("\n", max(0, start - _MOST_WORDS), max(0, before)) + 1
    after = text.find("\n", end, end + _MOST_WORDS)
    words = text[max(before, start - _MOST_WORDS) : after if after >= 0 else end + _MOST_WORDS]
    return Found(Span(start, end), Place(text[start:end], words))


def _is_unopened(text: str, start: int, end: int) -> bool:
    opening = _CLOSING.get(text[end - 1])
    if opening is None:
        return False
    return text.count(opening, start, end) < text.count(text[end - 1], start, end)


def _render_part(
    raw: bytes,
    part: Part,
    addresses: Addresses,
    number: Number,
    unsubscribing: Collection[str],
    with_text: bool,
) -> tuple[RenderedPart | None, bytes | None]:
    """Return what became of a part, if it is worth telling, and its new body, if it has one."""
    kind = part.headers.get_content_type()
    if not kind.startswith("text/") or kind == "text/calendar":
        return None, None
    note = _why_not(part, kind)
    if note:
        return RenderedPart(part.path, kind, None, note), None
    try:
        held = read_text(part, raw)
    except UnreadablePart as unreadable:
        return RenderedPart(part.path, kind, None, str(unreadable)), None
    if kind == "text/html":
        rendered = render_html(held.text, addresses, number, unsubscribing)
    else:
        rendered = render_text(held.text, addresses, number, unsubscribing, replaces=with_text)
    if rendered.text == held.text:
        return RenderedPart(part.path, kind, rendered), None
    return RenderedPart(part.path, kind, rendered), held.write(rendered.text)


def _why_not(part: Part, kind: str) -> str:
    if part.is_sealed:
        return "is under a signature or encrypted"
    if part.headers.get_content_disposition() == "attachment":
        return "is an attachment"
    if kind not in ("text/html", "text/plain"):
        return "is of a kind that is left as it is"
    return ""


def _read_unsubscribing(headers: Message) -> frozenset[str]:
    held = " ".join(map(str, headers.get_all("list-unsubscribe", ())))
    return frozenset(_SPACE.sub("", target) for target in _IN_ANGLES.findall(held))


def _read_notes(
    headers: Message, raw: bytes, after: bytes, parts: Sequence[RenderedPart]
) -> Sequence[str]:
    notes = []
    if not any(part.kind == "text/html" and part.rendered for part in parts):
        notes.append("no HTML part was rewritten, so there is no pixel")
    if after != raw:
        signatures = [name for name in _SIGNATURES if name in headers]
        if signatures:
            notes.append(f"{', '.join(signatures)}: void now; sign after rendering, not before")
        if _longest_line(after) > MAX_LINE_BYTES >= _longest_line(raw):
            notes.append(f"a line has more than {MAX_LINE_BYTES} bytes now, which mail servers cut")
    return notes


def _longest_line(raw: bytes) -> int:
    return max(map(len, raw.splitlines()), default=0)
