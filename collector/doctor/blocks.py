"""ClickHouse's compressed blocks, unpacked, so that a search sees what they hold.

A block is a checksum of 16 bytes, a method, the packed size with these 9 bytes, the unpacked
size, and the data (ClickHouse: src/Compression/CompressedReadBufferBase.cpp).
"""

import sys
from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO

from lz4.block import LZ4BlockError, decompress

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_HEAD = Struct("<16xBII")
_LZ4, _ZSTD, _NONE = 0x82, 0x90, 0x02
_HEAD_IN_SIZE = 9
_MAX_SIZE = 64 * 1024 * 1024  # ClickHouse writes blocks of 1 MiB unless a value is longer


class UnknownBlock(ValueError):
    """A file that begins with no block, or a block in a method that can't be unpacked."""


def unpack(file: BinaryIO) -> Iterator[bytes]:
    """Yield what each block of a file holds.

    Raises:
        UnknownBlock: from here on the file holds no block of a known method.
    """
    while head := file.read(_HEAD.size):
        if len(head) < _HEAD.size:
            raise UnknownBlock
        method, packed_size, size = _HEAD.unpack(head)
        if not _HEAD_IN_SIZE <= packed_size <= _MAX_SIZE or size > _MAX_SIZE:
            raise UnknownBlock
        packed = file.read(packed_size - _HEAD_IN_SIZE)
        if len(packed) < packed_size - _HEAD_IN_SIZE:
            raise UnknownBlock
        yield _unpack_one(method, packed, size)


def _unpack_one(method: int, packed: bytes, size: int) -> bytes:
    try:
        if method == _LZ4:
            return bytes(decompress(packed, uncompressed_size=size))
        if method == _ZSTD:
            return zstd.decompress(packed)
    except (LZ4BlockError, zstd.ZstdError):
        raise UnknownBlock from None
    if method == _NONE:
        return packed
    raise UnknownBlock
