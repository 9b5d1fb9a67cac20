"""A text in every way in which a value may lie in it encoded: decoded, not searched."""

import re
from base64 import b64decode
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

_HEX = re.compile(rb"[0-9A-Fa-f]{16,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{11,}")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


def readings(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a text as it is and in every way in which a value may lie in it encoded."""
    yield "itself", content
    if (small := content.lower()) != content:
        yield "capitals", small
    yield "itself backwards", content[::-1]
    for shift in range(2):
        yield "UTF-16", content[shift::2]
    if b"%" in content:
        yield "percent forms", unquote_to_bytes(content)
    yield "hex", b"\n".join(_decoded_hex(content))
    yield "base64", b"\n".join(_decoded_base64(content))
    if b"-" in content or b"_" in content:
        yield "base64url", b"\n".join(_decoded_base64(content.translate(_TO_STANDARD)))


def _decoded_hex(content: bytes) -> Iterator[bytes]:
    for run in _HEX.findall(content):
        for shift in range(2):
            yield bytes.fromhex(run[shift : shift + (len(run) - shift) // 2 * 2].decode())


def _decoded_base64(content: bytes) -> Iterator[bytes]:
    for run in _BASE64.findall(content):
        for shift in range(4):
            text = run[shift:]
            # One character over tells no byte.
            text = text[:-1] if len(text) % 4 == 1 else text
            yield b64decode(text + b"=" * (-len(text) % 4))
