"""ClickHouse's blocks are unpacked; what is none is told as such."""

import io
import struct

import pytest
from lz4.block import compress

from collector.doctor.blocks import UnknownBlock, unpack


def block(content: bytes, method: int = 0x82) -> bytes:
    packed = compress(content, store_size=False) if method == 0x82 else content
    return bytes(16) + struct.pack("<BII", method, len(packed) + 9, len(content)) + packed


def test_blocks_are_unpacked_in_turn() -> None:
    file = io.BytesIO(block(b"ada" * 100) + block(b"bob", method=0x02))

    assert list(unpack(file)) == [b"ada" * 100, b"bob"]


def test_empty_file_holds_no_block() -> None:
    assert list(unpack(io.BytesIO(b""))) == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"no block at all, but some text", id="text"),
        pytest.param(block(b"ada" * 100)[:-5], id="cut"),
        pytest.param(block(b"ada", method=0x91), id="unknown method"),
        pytest.param(block(b"ada" * 100)[:25] + b"\xff" * 14, id="damaged"),
        pytest.param(bytes(16) + struct.pack("<BII", 0x82, 2**31, 1), id="too long"),
    ],
)
def test_what_is_no_block_is_told(content: bytes) -> None:
    with pytest.raises(UnknownBlock):
        list(unpack(io.BytesIO(content)))
