"""Write a country database as MaxMind DB files are (MaxMind DB File Format Specification 2.0)."""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path

_MARK = b"\xab\xcd\xefMaxMind.com"
_NO_LANGUAGES = b"\x00\x04"  # an array of none


def _text(value: str) -> bytes:
    return bytes([2 << 5 | len(value)]) + value.encode()


def _uint16(value: int) -> bytes:
    return bytes([5 << 5 | 2]) + value.to_bytes(2, "big")


def _uint32(value: int) -> bytes:
    return bytes([6 << 5 | 4]) + value.to_bytes(4, "big")


def _uint64(value: int) -> bytes:
    return b"\x08\x02" + value.to_bytes(8, "big")


def _map(**values: bytes) -> bytes:
    inside = b"".join(_text(name) + value for name, value in values.items())
    return bytes([7 << 5 | len(values)]) + inside


def write_country_file(path: Path, countries: Mapping[str, str]) -> None:
    """Write IPv4 networks with their countries; what no network holds has none."""
    nodes: list[list[int | str | None]] = [[None, None]]
    for network, country in countries.items():
        block = ip_network(network)
        bits = f"{int(block.network_address):032b}"[: block.prefixlen]
        node = 0
        for bit in bits[:-1]:
            below = nodes[node][int(bit)]
            if not isinstance(below, int):
                nodes.append([None, None])
                below = nodes[node][int(bit)] = len(nodes) - 1
            node = below
        nodes[node][int(bits[-1])] = country
    data, places = b"", {}
    for country in set(countries.values()):
        places[country] = len(data)
        data += _map(country=_map(iso_code=_text(country)))
    tree = b""
    for record in (record for node in nodes for record in node):
        if record is None:
            number = len(nodes)
        elif isinstance(record, str):
            number = len(nodes) + 16 + places[record]
        else:
            number = record
        tree += number.to_bytes(3, "big")
    about = _map(
        binary_format_major_version=_uint16(2),
        binary_format_minor_version=_uint16(0),
        build_epoch=_uint64(1),
        database_type=_text("Test-Country"),
        description=_map(),
        ip_version=_uint16(4),
        languages=_NO_LANGUAGES,
        node_count=_uint32(len(nodes)),
        record_size=_uint16(24),
    )
    path.write_bytes(tree + bytes(16) + data + _MARK + about)
