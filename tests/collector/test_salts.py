"""A day's salt."""

import hashlib

from collector.salts import SALT_BYTES, fill_from_kernel, new_salt
from tests.collector.hits import FillInTurn


class FillAndWatch:
    """Salts of a known byte; keeps hold of the buffer that was filled."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def __call__(self, buffer: bytearray) -> None:
        buffer[:] = b"\x5a" * len(buffer)
        self.buffer = buffer


def test_key_bytes_are_wiped_once_the_salt_is_made() -> None:
    fill = FillAndWatch()

    salt = new_salt(fill)

    assert len(fill.buffer) == SALT_BYTES
    assert not any(fill.buffer)
    keyed = hashlib.blake2b(key=b"\x5a" * SALT_BYTES, digest_size=16)
    assert salt.digest() == keyed.digest()


def test_two_salts_differ() -> None:
    fill = FillInTurn()

    assert new_salt(fill).digest() != new_salt(fill).digest()


def test_kernel_fills_the_whole_buffer_each_time_anew() -> None:
    buffers = [bytearray(SALT_BYTES) for _ in range(8)]
    for buffer in buffers:
        fill_from_kernel(buffer)

    assert len({bytes(buffer) for buffer in buffers}) == len(buffers)
    # Were the last bytes left alone, they would be zero in all eight: 2^-64 by chance.
    for position in range(SALT_BYTES):
        assert any(buffer[position] for buffer in buffers)
