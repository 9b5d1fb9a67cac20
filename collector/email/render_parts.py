"""Where the parts of an e-mail stand, and the text of one in its transfer encoding and charset.

Bytes come in; positions in them go out, so that what isn't rewritten stays as it was byte by byte
(RFC 2045, 2046). Attached messages and parts under a signature are not looked into.
"""

import binascii
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from itertools import islice

from msgspec import Struct

MAX_DEPTH = 10
"""Multiparts within multiparts."""
MAX_PARTS = 1_000

_HEADERS_END = re.compile(rb"\r?\n(?=\r?\n)")
_EMPTY_LINE = re.compile(rb"\r?\n")
_LINE_END_BEFORE = re.compile(rb"\r?\n\Z")
_SOFT_BREAK = re.compile(rb"=\r?\n")
_BASE64_LINE_BYTES = 57  # 76 characters, RFC 2045 section 6.8
_AS_IT_IS = frozenset({"7bit", "8bit", "binary", ""})
# Whose bytes below 128 are not all ASCII characters.
_NOT_ASCII = re.compile(r"utf[-_]?(?:7|16|32)|iso[-_]?2022|hz\b|cp037|cp500|ebcdic", re.IGNORECASE)


class Part(Struct, frozen=True):
    """A part that holds no others."""

    headers: Message
    start: int
    """Where its body begins."""
    end: int
    path: str
    """Its place as IMAP numbers it (RFC 9051 section 6.4.5.1), such as ``2.1``."""
    is_sealed: bool
    """It is under a signature or encrypted."""


class UnreadablePart(Exception):
    """A part's text can't be had back as it is; the message says why."""


class PartText(Struct, frozen=True):
    """A part's text and how to write it back."""

    text: str
    charset: str
    encoding: str
    line_end: bytes
    """How lines of the message end."""
    ends_line: bool
    """Its last line is ended."""

    def write(self, text: str) -> bytes:
        """Return a body that reads as `text`."""
        content = text.encode(self.charset, "surrogateescape")
        if self.encoding == "quoted-printable":
            return _write_quoted(content, self.line_end)
        if self.encoding == "base64":
            lines = [
                binascii.b2a_base64(content[at : at + _BASE64_LINE_BYTES], newline=False)
                for at in range(0, len(content), _BASE64_LINE_BYTES)
            ]
            return self.line_end.join(lines) + (self.line_end if self.ends_line else b"")
        return content


def read_headers(raw: bytes, start: int, end: int) -> tuple[Message, int]:
    """Return the headers at `start` and where the body after them begins."""
    if _EMPTY_LINE.match(raw, start, end):
        found = start
    else:
        ending = _HEADERS_END.search(raw, start, end)
        found = end if ending is None else ending.end()
    empty = _EMPTY_LINE.match(raw, found, end)
    return message_from_bytes(raw[start:found]), found if empty is None else empty.end()


def read_parts(raw: bytes) -> Iterator[Part]:
    """Yield the first `MAX_PARTS` parts of a message, those with others in them left out."""
    headers, start = read_headers(raw, 0, len(raw))
    parts = _read_parts(raw, headers, start, len(raw), "1", 0, is_sealed=False)
    return islice(parts, MAX_PARTS)


def _read_parts(
    raw: bytes,
    headers: Message,
    start: int,
    end: int,
    path: str,
    depth: int,
    *,
    is_sealed: bool,
) -> Iterator[Part]:
    kind = headers.get_content_type()
    boundary = headers.get_boundary()
    if not kind.startswith("multipart/") or not boundary or depth > MAX_DEPTH:
        yield Part(headers, start, end, path, is_sealed)
        return
    sealed = is_sealed or kind in ("multipart/signed", "multipart/encrypted")
    spans = _read_spans(raw, boundary.encode(errors="surrogateescape"), start, end)
    for number, (part_start, part_end) in enumerate(spans, 1):
        within, body = read_headers(raw, part_start, part_end)
        place = f"{path}.{number}" if depth else str(number)
        yield from _read_parts(raw, within, body, part_end, place, depth + 1, is_sealed=sealed)


def _read_spans(raw: bytes, boundary: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    delimiter = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*\r?$", re.MULTILINE)
    part_start: int | None = None
    for found in delimiter.finditer(raw, start, end):
        if part_start is not None:
            yield part_start, max(part_start, _without_line_end(raw, found.start()))
        part_start = min(found.end() + 1, end)
        if found[1]:
            return
    if part_start is not None:
        yield part_start, end


def _without_line_end(raw: bytes, position: int) -> int:
    # The line end before a delimiter is the delimiter's (RFC 2046 section 5.1.1).
    found = _LINE_END_BEFORE.search(raw, max(0, position - 2), position)
    return position if found is None else found.start()


def read_text(part: Part, raw: bytes) -> PartText:
    """Return a part's text.

    Raises:
        UnreadablePart: its transfer encoding or charset isn't known, or can't be written back.
    """
    encoding = str(part.headers.get("content-transfer-encoding", "")).strip().lower()
    body = raw[part.start : part.end]
    try:
        content = _decode(encoding, body)
    except binascii.Error:
        raise UnreadablePart("its transfer encoding is damaged") from None
    charset = part.headers.get_content_charset() or "utf-8"
    text = _read_exactly(content, charset)
    if text is None:
        if _NOT_ASCII.match(charset):
            raise UnreadablePart("its charset can't be read")
        # Every byte has its character by this, and ASCII stands where it stood.
        charset, text = "utf-8", content.decode("utf-8", "surrogateescape")
    first = raw.find(b"\n")
    line_end = b"\r\n" if first > 0 and raw[first - 1 : first] == b"\r" else b"\n"
    return PartText(text, charset, encoding, line_end, body.endswith(b"\n"))


def _read_exactly(content: bytes, charset: str) -> str | None:
    """Return the text if it can be written back as it is."""
    try:
        text = content.decode(charset)
        return text if text.encode(charset) == content else None
    except (LookupError, UnicodeError):
        return None


def _decode(encoding: str, body: bytes) -> bytes:
    if encoding in _AS_IT_IS:
        return body
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == "base64":
        return binascii.a2b_base64(body)
    raise UnreadablePart("its transfer encoding isn't known")


def _write_quoted(content: bytes, line_end: bytes) -> bytes:
    body = binascii.b2a_qp(content, istext=True)
    if binascii.a2b_qp(body) != content:
        # Lone line ends, which text of RFC 2045 section 6.7 has none of, are written as =0A.
        body = binascii.b2a_qp(content, istext=False)
    return _SOFT_BREAK.sub(b"=" + line_end, body)
