"""Network addresses, made coarse.

A peer address as text comes in; its network (/24 or /48, or wider) or the bytes for a
visitor key go out. Text that is no address gives `UNKNOWN` or no bytes.
"""

from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from anonymizer.hits import UNKNOWN
from anonymizer.policy import VisitorAddress

_V4_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291 section 2.5.5.2
_SIX_TO_FOUR = b"\x20\x02"  # RFC 3056: a whole IPv4 address follows, so a /48 would keep it all
_LONGEST_ADDRESS = 100  # a full IPv6 address with brackets, zone and port stays well below


V4_BITS = 24
V6_BITS = 48


def coarsen_address(raw_address: str, v4_bits: int = V4_BITS, v6_bits: int = V6_BITS) -> str:
    """Return the network that `raw_address` lies in, such as ``192.0.2.0/24``.

    IPv4 inside IPv6 (mapped or 6to4) is read as IPv4; a port and a zone id are ignored. The
    numbers of bits are multiples of 8.
    """
    packed = _read_address(raw_address)
    if len(packed) == 4:
        if v4_bits == V4_BITS:
            return f"{packed[0]}.{packed[1]}.{packed[2]}.0/24"
        return f"{inet_ntop(AF_INET, _cut(packed, v4_bits))}/{v4_bits}"
    if packed:
        return f"{inet_ntop(AF_INET6, _cut(packed, v6_bits))}/{v6_bits}"
    return UNKNOWN


def packed_address(
    raw_address: str, what: VisitorAddress, v4_bits: int = V4_BITS, v6_bits: int = V6_BITS
) -> bytes:
    """Return what the policy lets into a visitor key: 4 or 16 bytes, or those left of them.

    Text that is no address gives no bytes.
    """
    packed = _read_address(raw_address)
    if what is VisitorAddress.FULL:
        return packed
    return packed[: (v4_bits if len(packed) == 4 else v6_bits) // 8]


def _cut(packed: bytes, bits: int) -> bytes:
    return packed[: bits // 8] + bytes(len(packed) - bits // 8)


def _read_address(raw_address: str) -> bytes:
    try:
        return inet_pton(AF_INET, raw_address)
    except (OSError, ValueError):
        return _read_other_address(raw_address)


def _read_other_address(raw_address: str) -> bytes:
    if len(raw_address) > _LONGEST_ADDRESS:
        return b""
    text = raw_address.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    text = text.partition("%")[0]
    try:
        packed = inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except (OSError, ValueError):
        return b""
    if packed[:12] == _V4_MAPPED:
        return packed[12:]
    if len(packed) == 16 and packed[:2] == _SIX_TO_FOUR:
        return packed[2:6]
    return packed
