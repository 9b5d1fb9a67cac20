"""Bodies in HTTP's content encodings, read within a bound."""

import sys
import zlib
from collections.abc import Callable
from typing import Protocol

import lz4.frame

from clickhouse_http.errors import bad_arguments, not_implemented, too_large

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_CHUNK_BYTES = 2**20
_FEED_BYTES = 2**16
_MAX_FRAMES = 100_000  # each costs a copy of what was fed


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """A zlib decoder that keeps what it has not read yet, like the others."""

    def __init__(self, wbits: int) -> None:
        self._decoder = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._decoder.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)


# Window bits of zlib's manual: 31 is gzip, 15 the zlib format that HTTP calls deflate.
_DECODERS: dict[str, Callable[[], _Decoder]] = {
    "gzip": lambda: _Zlib(31),
    "deflate": lambda: _Zlib(15),
    "zstd": zstd.ZstdDecompressor,
    "lz4": lz4.frame.LZ4FrameDecompressor,
}
_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: zlib.compress(data, 1, 31),
    "deflate": lambda data: zlib.compress(data, 1),
    "zstd": lambda data: zstd.compress(data, 1),
    "lz4": lz4.frame.compress,
}
_FAULTS = (zlib.error, zstd.ZstdError, RuntimeError, EOFError)


def decode(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return a body without its content encoding.

    Raises:
        Refusal: the encoding is unknown, the body is broken, cut off or, read, larger than
            `max_bytes`.
    """
    name = encoding.strip().lower().removeprefix("x-")
    if name in ("", "identity"):
        return body
    if name not in _DECODERS:
        raise not_implemented(
            f"The Content-Encoding is none of {', '.join(sorted(_DECODERS))}, identity"
        )
    try:
        return _read_frames(body, _DECODERS[name], max_bytes)
    except _FAULTS:
        raise bad_arguments(f"The body can't be read as {name}") from None


def _read_frames(body: bytes, new: Callable[[], _Decoder], max_bytes: int) -> bytes:
    # clickhouse-connect sends a frame a block, so that a body is any number of them.
    parts: list[bytes] = []
    size = at = frames = 0
    while at < len(body):
        decoder = new()
        frames += 1
        while not decoder.eof:
            feed = b""
            if decoder.needs_input:
                feed = body[at : at + _FEED_BYTES]
                at += len(feed)
                if not feed:
                    raise EOFError
            parts.append(decoder.decompress(feed, _CHUNK_BYTES))
            size += len(parts[-1])
            if size > max_bytes or frames > _MAX_FRAMES:
                raise too_large(f"The body is larger than {max_bytes} bytes once read")
        at -= len(decoder.unused_data or b"")
    return b"".join(parts)


def choose_encoding(accepted: str) -> str:
    """Return the first encoding of an Accept-Encoding header that can be written, or ""."""
    for item in accepted.split(","):
        name, *more = (part.strip().lower() for part in item.split(";"))
        refused = any(part.replace(" ", "") in ("q=0", "q=0.0", "q=0.00") for part in more)
        if name in _ENCODERS and not refused:
            return name
    return ""


def encode(body: bytes, encoding: str) -> bytes:
    """Return a body in an encoding that `choose_encoding` gave."""
    return _ENCODERS[encoding](body)
