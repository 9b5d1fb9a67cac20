"""What looks like an identifier, and what looks like one and is none."""

from ipaddress import ip_address

import pytest

from collector.doctor.patterns import (
    ADDRESS,
    AGENT,
    EMAIL,
    JWT,
    NUMBER,
    TOKEN,
    UUID,
    kinds_in_bytes,
    kinds_in_text,
)

IDENTIFIERS = [
    ("/user/ada@mail.example", EMAIL),
    ("/user/ada%40mail.example/edit", EMAIL),
    ("198.51.100.7", ADDRESS),
    ("/from/198.51.100.7/x", ADDRESS),
    ("2001:db8::4:711", ADDRESS),
    ("2001:db8:1:2:3:4:5:6", ADDRESS),
    ("Mozilla/5.0 (X11; Linux x86_64)", AGENT),
    ("curl/8.5.0", AGENT),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", JWT),
    ("9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", UUID),
    ("/reset/0f3c9a77d1b24e5586aa90bc3d7e1f42", TOKEN),
    ("Kz3Qw9-xT71bLmP0aV4cYd8", TOKEN),
    ("/customer/4915712345678", NUMBER),
    ("+49 157 1234 5678", NUMBER),
]
LOOK_ALIKES = [
    *("/", "/a-page-that-may-be-kept", "/people/ada-lovelace", "/user/:email/edit", "(other)"),
    *("192.0.2.0/24", "2001:db8:1::/48", "/logo@2x.png", "/v1.2.3", "/docs/10.0.19041"),
    *("Firefox 128", "Windows 10", "/blog/2024-05-01", "/blog/20240501", "/1914-1918"),
    *("/how-to-reset-your-password-in-three-steps", "TheQuickBrownFoxJumpsOverIt"),
    *("google.com", "www.example.net", "/a::b", "12:34:56", "/order/1234567", "spring-sale-2026"),
]


@pytest.mark.parametrize(("text", "kind"), IDENTIFIERS)
def test_identifier_is_known_by_its_kind(text: str, kind: str) -> None:
    assert kind in kinds_in_text(text)


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_look_alike_is_none(text: str) -> None:
    assert kinds_in_text(text) == frozenset()


def test_bytes_around_an_identifier_do_not_hide_it() -> None:
    content = b"\x00\x0c198.51.100.7\xff\x16ada@mail.example\x00"

    assert sorted(kinds_in_bytes(content)) == [ADDRESS, EMAIL]


def test_own_addresses_may_stand_in_files() -> None:
    own = {ip_address("198.51.100.7")}

    assert list(kinds_in_bytes(b"http://198.51.100.7:8000 and 127.0.0.1", own)) == []
    assert list(kinds_in_bytes(b"198.51.100.8", own)) == [ADDRESS]
