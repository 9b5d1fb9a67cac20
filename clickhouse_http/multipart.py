"""Bodies of multipart/form-data (RFC 7578): fields, and files for tables that come along."""

import re
from collections.abc import Iterator

from msgspec import Struct

from clickhouse_http.errors import bad_arguments

MAX_PARTS = 1000
MAX_HEAD_BYTES = 8192

_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_ATTRIBUTE = re.compile(r';\s*(name|filename)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)


class Part(Struct, frozen=True):
    """One part of a form; a file where it has a file name."""

    name: str
    data: bytes
    is_file: bool


def read_parts(body: bytes, content_type: str) -> list[Part]:
    """Read every part of a form.

    Raises:
        Refusal: it is no well-formed form, or has too many parts.
    """
    found = _BOUNDARY.search(content_type)
    if not found:
        raise bad_arguments("The form has no boundary")
    delimiter = b"\r\n--" + (found[1] or found[2]).encode("latin-1")
    return [_part(piece) for piece in _pieces(b"\r\n" + body, delimiter)]


def _pieces(body: bytes, delimiter: bytes) -> Iterator[bytes]:
    at = body.find(delimiter)
    for _ in range(MAX_PARTS):
        if at < 0:
            raise bad_arguments("The form is cut off")
        begin = at + len(delimiter)
        if body.startswith(b"--", begin):
            return
        begin = body.find(b"\r\n", begin) + 2
        at = body.find(delimiter, begin - 2)
        if begin < 2 or at < 0:
            raise bad_arguments("The form is cut off")
        yield body[begin:at]
    raise bad_arguments(f"The form has more than {MAX_PARTS} parts")


def _part(piece: bytes) -> Part:
    head, divided, data = piece.partition(b"\r\n\r\n")
    if not divided or len(head) > MAX_HEAD_BYTES:
        raise bad_arguments("A part of the form has no head")
    try:
        lines = head.decode("utf-8").split("\r\n")
    except UnicodeDecodeError:
        raise bad_arguments("A part's head is no UTF-8") from None
    for line in lines:
        field, _, value = line.partition(":")
        if field.strip().lower() == "content-disposition":
            attributes = {key.lower(): text for key, text in _ATTRIBUTE.findall(value)}
            if "name" in attributes:
                return Part(attributes["name"], data, "filename" in attributes)
    raise bad_arguments("A part of the form has no name")
