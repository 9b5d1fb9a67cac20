"""The visitor key: one visitor on one site and one local day, as 16 opaque bytes.

Address and agent come in and do not leave; without the salt, which only ever
lives in memory, the key says nothing of them.
"""

from hashlib import blake2b
from typing import TypeAlias

from anonymizer.addresses import V4_BITS, V6_BITS, packed_address
from anonymizer.hits import SiteId, VisitorKey
from anonymizer.policy import VisitorAddress

KeyedHash: TypeAlias = blake2b
"""A BLAKE2b state (RFC 7693 section 2.9) that has taken up a salt as its key.

CPython overwrites the state when the object is freed.
"""

KEY_BYTES = 16


def keyed_hash(salt: bytes | bytearray) -> KeyedHash:
    """Make the state that a day's visitor keys are copied from; `salt` has 16 to 64 bytes.

    Raises ValueError for a salt of another length.
    """
    if not 16 <= len(salt) <= blake2b.MAX_KEY_SIZE:
        raise ValueError("salt: must have 16 to 64 bytes")
    return blake2b(key=salt, digest_size=KEY_BYTES)


def visitor_key(
    salt: KeyedHash,
    site: SiteId,
    raw_address: str,
    raw_agent: str,
    what: VisitorAddress,
    v4_bits: int = V4_BITS,
    v6_bits: int = V6_BITS,
) -> VisitorKey:
    """Return the key of whoever has this address and agent on `site` under `salt`."""
    address = packed_address(raw_address, what, v4_bits, v6_bits)
    state = salt.copy()
    # A site's name has no NUL and the address tells its length, so no two inputs run together.
    state.update(
        b"%b\0%c%b%b"
        % (site.encode(), len(address), address, raw_agent.encode("utf-8", "surrogatepass"))
    )
    return VisitorKey(state.digest())
