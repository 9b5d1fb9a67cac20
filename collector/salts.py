"""Make the salt of one site and one local day.

The salt exists as the state of a keyed hash and nowhere else: it is never
written, logged or returned as bytes.
"""

from collections.abc import Callable
from pathlib import Path

from anonymizer.visitor_key import KeyedHash, keyed_hash

SALT_BYTES = 32

FillRandom = Callable[[bytearray], None]
"""Overwrite the whole buffer with random bytes."""


def fill_from_kernel(buffer: bytearray) -> None:
    """Fill the buffer from the kernel's generator without an intermediate copy."""
    with Path("/dev/urandom").open("rb", buffering=0) as device:
        device.readinto(buffer)


def new_salt(fill_random: FillRandom) -> KeyedHash:
    """Return a keyed hash under a fresh random key and wipe the key's bytes.

    CPython clears a BLAKE2 state when its object is freed, so dropping the last
    reference destroys the salt.
    """
    key = bytearray(SALT_BYTES)
    fill_random(key)
    salt = keyed_hash(key)
    for position in range(SALT_BYTES):
        key[position] = 0
    return salt
