from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.hits import SiteId
from anonymizer.policy import VisitorAddress
from anonymizer.visitor_key import keyed_hash, visitor_key

SITE = SiteId("example.org")
SALT = keyed_hash(bytes(range(32)))
FULL, TRUNCATED = VisitorAddress.FULL, VisitorAddress.TRUNCATED

addresses = st.ip_addresses().map(str)
agents = st.text(max_size=60)


def test_key_is_the_keyed_hash_of_its_parts() -> None:
    expected = blake2b(
        b"example.org\0\4\xc0\0\2\7Firefox", key=bytes(range(32)), digest_size=16
    ).digest()
    assert visitor_key(SALT, SITE, "192.0.2.7", "Firefox", FULL) == expected


@pytest.mark.parametrize("length", [16, 17, 63, 64])
def test_salt_is_the_key_of_the_hash(length: int) -> None:
    salt = bytes(range(length))
    assert keyed_hash(salt).digest() == blake2b(key=salt, digest_size=16).digest()


def test_truncated_addresses_are_cut_to_the_bits_of_the_policy() -> None:
    def key(raw_address: str, v4_bits: int, v6_bits: int) -> bytes:
        return visitor_key(SALT, SITE, raw_address, "a", TRUNCATED, v4_bits, v6_bits)

    assert key("192.0.2.7", 16, 48) == key("192.0.9.7", 16, 48)
    assert key("192.0.2.7", 24, 48) != key("192.0.9.7", 24, 48)
    assert key("2001:db8:1::7", 24, 32) == key("2001:db8:2::7", 24, 32)
    assert key("2001:db8:1::7", 24, 48) != key("2001:db8:2::7", 24, 48)


@given(addresses, agents)
def test_key_is_the_same_under_one_salt(raw_address: str, raw_agent: str) -> None:
    key = visitor_key(SALT, SITE, raw_address, raw_agent, FULL)
    assert key == visitor_key(SALT, SITE, raw_address, raw_agent, FULL)
    assert len(key) == 16


@given(addresses, agents, st.sampled_from(list(VisitorAddress)))
def test_key_differs_under_another_salt_and_on_another_site(
    raw_address: str, raw_agent: str, what: VisitorAddress
) -> None:
    keys = {
        visitor_key(salt, SiteId(site), raw_address, raw_agent, what)
        for salt in (SALT, keyed_hash(bytes(32)))
        for site in ("example.org", "example.com")
    }
    assert len(keys) == 4


@given(agents, agents)
def test_key_differs_for_another_agent(one: str, other: str) -> None:
    same = visitor_key(SALT, SITE, "192.0.2.7", one, FULL) == visitor_key(
        SALT, SITE, "192.0.2.7", other, FULL
    )
    assert same is (one == other)


def test_no_two_inputs_run_together() -> None:
    keys = {
        visitor_key(SALT, SITE, raw_address, raw_agent, FULL)
        for raw_address, raw_agent in [
            ("97.98.99.100", ""),
            ("", "abcd"),
            ("97.98.99.100", "abcd"),
            ("6162:6364::", ""),
            ("97.98.99.100", "\0" * 12),
        ]
    }
    assert len(keys) == 5


def test_truncated_address_makes_neighbours_one_visitor() -> None:
    near, far = "192.0.2.200", "192.0.3.7"
    key = visitor_key(SALT, SITE, "192.0.2.7", "a", TRUNCATED)
    assert visitor_key(SALT, SITE, near, "a", TRUNCATED) == key
    assert visitor_key(SALT, SITE, far, "a", TRUNCATED) != key
    assert visitor_key(SALT, SITE, near, "a", FULL) != visitor_key(
        SALT, SITE, "192.0.2.7", "a", FULL
    )


def test_agent_of_broken_text_still_has_a_key() -> None:
    assert len(visitor_key(SALT, SITE, "192.0.2.7", "a\ud800", FULL)) == 16


@pytest.mark.parametrize("length", [0, 1, 15, 65])
def test_salt_of_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r"^salt: must have 16 to 64 bytes$"):
        keyed_hash(bytes(length))
