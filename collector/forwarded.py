"""Whose address a request really comes from, where proxies the operator names stand in between.

Peer and headers come in, one address goes out. Nothing that a client could have
written itself is ever believed.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_MAX_HOPS = 50  # read from the right; what stands further left is the client's own writing
_LONGEST_NODE = 100  # a full IPv6 address with brackets, zone and port stays well below

_Address = IPv4Address | IPv6Address


class BadNetwork(ValueError):
    """A trusted proxy that is no address and no network in CIDR notation."""


class TrustedProxies:
    """The proxies whose word on the peer before them is believed."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """Take addresses and networks such as ``10.0.0.0/8``; raises BadNetwork."""
        self._networks: list[IPv4Network | IPv6Network] = []
        for network in networks:
            try:
                self._networks.append(ip_network(network))
            except ValueError:
                raise BadNetwork(
                    "--trusted-proxy: must be an address or a network such as 10.0.0.0/8,"
                    " without bits set after its prefix"
                ) from None

    def client(self, peer: str, headers: Sequence[tuple[bytes, bytes]]) -> str:
        """Return the address nearest to the server that is no trusted proxy's.

        Reads ``Forwarded`` (RFC 7239) or ``X-Forwarded-For`` from the right while each hop is a
        trusted proxy. Where both headers are there and disagree, or a hop can't be read, the last
        address that is sure is returned: a proxy's own, never one that a client may have written.
        """
        if not self._networks or not self._trusts(_read_address(peer)):
            return peer
        forwarded = _values(headers, b"forwarded")
        listed = _values(headers, b"x-forwarded-for")
        if not forwarded:
            return self._walk(peer, listed)
        found = self._walk(peer, [_part(element, "for") for element in forwarded])
        return found if not listed or self._walk(peer, listed) == found else peer

    def is_https(self, peer: str, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Tell whether a trusted proxy was itself asked by HTTPS.

        Reads the last ``proto`` of ``Forwarded`` (RFC 7239 section 5.4) or of
        ``X-Forwarded-Proto``: what the peer wrote. Where both are there, both must say so.
        """
        if not self._networks or not self._trusts(_read_address(peer)):
            return False
        elements = _values(headers, b"forwarded")
        told = [_part(elements[-1], "proto")] if elements else []
        told += _values(headers, b"x-forwarded-proto")[-1:]
        kept = [each.strip().lower() for each in told if each.strip()]
        return bool(kept) and all(each == "https" for each in kept)

    def _walk(self, peer: str, nodes: Sequence[str]) -> str:
        sure = peer
        for node in nodes[: -_MAX_HOPS - 1 : -1]:
            address = _read_address(node)
            if address is None:
                return sure
            sure = str(address)
            if not self._trusts(address):
                return sure
        return sure

    def _trusts(self, address: _Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _values(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> list[str]:
    # Several lines are one list in their order (RFC 9110 section 5.3).
    joined = b",".join(value for header, value in headers if header == name)
    return joined.decode("latin-1").split(",") if joined else []


def _part(element: str, wanted: str) -> str:
    """Return a parameter of one element of a Forwarded header; empty when there is none."""
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == wanted:
            return value.strip().strip('"')
    return ""


def _read_address(text: str) -> _Address | None:
    text = text.strip()[:_LONGEST_NODE]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
