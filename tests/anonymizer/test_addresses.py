from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.addresses import coarsen_address, packed_address
from anonymizer.hits import UNKNOWN
from anonymizer.policy import VisitorAddress


@pytest.mark.parametrize(
    ("raw_address", "network"),
    [
        pytest.param("192.0.2.77", "192.0.2.0/24", id="v4"),
        pytest.param("192.0.2.77:51234", "192.0.2.0/24", id="v4 with port"),
        pytest.param(" 192.0.2.77 ", "192.0.2.0/24", id="v4 with spaces"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48", id="v6"),
        pytest.param("2001:DB8:1::9", "2001:db8:1::/48", id="v6 in upper case"),
        pytest.param("[2001:db8:1::9]:443", "2001:db8:1::/48", id="v6 with port"),
        pytest.param("[2001:db8:1::9]", "2001:db8:1::/48", id="v6 in brackets"),
        pytest.param("[2001:db8:1::9]:443]", "2001:db8:1::/48", id="v6 with more behind it"),
        pytest.param("fe80::1%eth0", "fe80::/48", id="zone id"),
        pytest.param("192.0.2.77".ljust(100), "192.0.2.0/24", id="as long as may be"),
        pytest.param("::1", "::/48", id="loopback"),
        pytest.param("::ffff:192.0.2.77", "192.0.2.0/24", id="v4-mapped"),
        pytest.param("::ffff:c000:24d", "192.0.2.0/24", id="v4-mapped in hex"),
        pytest.param("2002:c000:24d::1", "192.0.2.0/24", id="6to4"),
    ],
)
def test_address_is_cut_to_its_network(raw_address: str, network: str) -> None:
    assert coarsen_address(raw_address) == network


@pytest.mark.parametrize(
    "raw_address",
    ["", "unix:", "unknown", "192.0.2", "192.0.2.256", "1.2.3.4.5", "0x7f.1", "192.0.2.7\0",
     "example.org", "2001:db8", ":::", "[", "[]", "%", "1" * 10_000,
     "192.0.2.77".ljust(101), "\ud800", "::1%" * 50],
)  # fmt: skip
def test_text_that_is_no_address_gives_nothing(raw_address: str) -> None:
    assert coarsen_address(raw_address) == UNKNOWN
    assert packed_address(raw_address, VisitorAddress.FULL) == b""
    assert packed_address(raw_address, VisitorAddress.TRUNCATED) == b""


@given(st.ip_addresses(v=4))
def test_network_is_the_24_that_holds_the_address(address: IPv4Address) -> None:
    assert coarsen_address(str(address)) == str(ip_network(f"{address}/24", strict=False))


@given(
    st.ip_addresses(v=6).filter(lambda a: isinstance(a, IPv6Address) and not a.ipv4_mapped)
    .filter(lambda a: isinstance(a, IPv6Address) and not a.sixtofour)
)  # fmt: skip
def test_network_is_the_48_that_holds_the_address(address: IPv6Address) -> None:
    network = ip_network(coarsen_address(str(address)))
    assert network == ip_network(f"{address}/48", strict=False)


@given(st.ip_addresses())
def test_all_of_a_network_are_one_when_truncated(address: IPv4Address | IPv6Address) -> None:
    neighbour = str(type(address)(int(address) ^ 1))
    what = VisitorAddress.TRUNCATED
    assert packed_address(str(address), what) == packed_address(neighbour, what)
    what = VisitorAddress.FULL
    if not (isinstance(address, IPv6Address) and address.sixtofour):
        assert packed_address(str(address), what) != packed_address(neighbour, what)


def test_spellings_of_one_address_are_one() -> None:
    what = VisitorAddress.FULL
    assert packed_address("::ffff:192.0.2.7", what) == packed_address("192.0.2.7:80", what)
    assert packed_address("2001:db8:0:0::1", what) == packed_address("[2001:DB8::1]:1", what)


@pytest.mark.parametrize(
    ("raw_address", "network"),
    [
        ("192.0.2.77", "192.0.0.0/16"),
        ("::ffff:192.0.2.77", "192.0.0.0/16"),
        ("2001:db8:1:2::7", "2001:db8::/32"),
    ],
)
def test_policy_may_ask_for_wider_networks(raw_address: str, network: str) -> None:
    assert coarsen_address(raw_address, 16, 32) == network


def test_truncated_visitor_address_is_as_wide_as_the_network() -> None:
    what = VisitorAddress.TRUNCATED

    assert packed_address("192.0.2.7", what, 16, 32) == b"\xc0\x00"
    assert packed_address("2001:db8:1::7", what, 16, 32) == bytes.fromhex("20010db8")
    assert packed_address("192.0.2.7", VisitorAddress.FULL, 16, 32) == b"\xc0\x00\x02\x07"
