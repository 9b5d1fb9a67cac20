"""ClickHouse's own compression: blocks, each under a checksum, as `compress=1` asks for.

A block is 16 bytes of checksum, a byte of method, two little-endian 32-bit sizes and the data. The
first size is the data's with the nine bytes of method and sizes, the second the data's once read.
The checksum, CityHash128 v1.0.2, is over everything behind it; its first half comes first, each
half in little-endian order. MergeTree's column files and the native protocol have the same blocks
(ClickHouse, src/Compression/CompressedReadBufferBase.cpp).
"""

import struct
from contextlib import suppress

import lz4.block
from clickhouse_cityhash.cityhash import CityHash128

from clickhouse_http.encodings import decode
from clickhouse_http.errors import too_large
from clickhouse_http.question import Refusal

BLOCK_BYTES = 2**20  # ClickHouse's max_compress_block_size
MAX_BLOCKS = 100_000  # 256 MiB in blocks of 2.7 kB

_CHECKSUM = struct.Struct("<QQ")
_HEAD = struct.Struct("<BII")
_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90
_LZ4_MOST = 255  # times that a byte of LZ4 can grow; beyond it a stated size is made up


def write_blocks(body: bytes) -> bytes:
    """Return a body in LZ4 blocks of at most `BLOCK_BYTES` each; of an empty body, none."""
    view = memoryview(body)
    return b"".join(_block(view[at : at + BLOCK_BYTES]) for at in range(0, len(body), BLOCK_BYTES))


def _block(part: memoryview) -> bytes:
    # LZ4 even where ClickHouse from 26.9 on writes ZSTD: Java's client knew no other until then.
    data: bytes = lz4.block.compress(part, store_size=False)
    rest = _HEAD.pack(_LZ4, _HEAD.size + len(data), len(part)) + data
    return _checksum(rest) + rest


def _checksum(rest: bytes | memoryview) -> bytes:
    first, second = divmod(CityHash128(rest), 2**64)
    return _CHECKSUM.pack(first, second)


def read_blocks(body: bytes, max_bytes: int) -> bytes:
    """Return what a body's blocks hold: LZ4, ZSTD or plain ones, in any mixture.

    Raises:
        Refusal: a block is cut off, broken or of another method, or they hold more than
            `max_bytes` or are more than `MAX_BLOCKS`.
    """
    view = memoryview(body)
    parts: list[bytes] = []
    at = size = 0
    while at < len(view):
        method, end, stated = _read_head(view, at)
        size += stated
        if size > max_bytes or len(parts) == MAX_BLOCKS:
            raise too_large(f"The body is larger than {max_bytes} bytes once read")
        parts.append(_read_data(method, view[at + _CHECKSUM.size + _HEAD.size : end], stated))
        at = end
    return b"".join(parts)


def _read_head(view: memoryview, at: int) -> tuple[int, int, int]:
    begin = at + _CHECKSUM.size
    if begin + _HEAD.size > len(view):
        raise _cut_off()
    method, length, stated = _HEAD.unpack_from(view, begin)
    if method not in (_NONE, _LZ4, _ZSTD):
        raise Refusal(432, "UNKNOWN_CODEC", "Unknown codec family code of a block")
    if length < _HEAD.size or not stated:
        raise _wrong_size()
    end = begin + length
    if end > len(view):
        raise _cut_off()
    if _checksum(view[begin:end]) != view[at:begin]:
        raise Refusal(40, "CHECKSUM_DOESNT_MATCH", "Checksum doesn't match: corrupted data")
    return method, end, stated


def _read_data(method: int, data: memoryview, stated: int) -> bytes:
    if method == _LZ4:
        return _read_lz4(data, stated)
    read = bytes(data)
    if method == _ZSTD:
        try:
            read = decode(read, "zstd", stated)
        except Refusal:
            raise _undecodable("ZSTD") from None
    if len(read) != stated:
        raise _wrong_size()
    return read


def _read_lz4(data: memoryview, stated: int) -> bytes:
    if stated <= _LZ4_MOST * len(data):  # the library takes memory for all that is stated
        with suppress(lz4.block.LZ4BlockError):
            read: bytes = lz4.block.decompress(data, uncompressed_size=stated)
            if len(read) == stated:
                return read
    raise _undecodable("LZ4")


# The codes with which the engine itself refuses such blocks (tests/clickhouse_http/test_blocks.py).


def _cut_off() -> Refusal:
    return Refusal(33, "CANNOT_READ_ALL_DATA", "Cannot read all data: a block is cut off")


def _wrong_size() -> Refusal:
    return Refusal(246, "CORRUPTED_DATA", "Can't decompress data: a block has not its stated size")


def _undecodable(method: str) -> Refusal:
    return Refusal(
        271,
        "CANNOT_DECOMPRESS",
        f"Can't decompress data: a block is no {method} of its stated size",
    )
