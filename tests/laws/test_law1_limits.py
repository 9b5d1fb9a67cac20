"""Law 1, of what the masks miss: each rule that is a guess, with the share that it misses.

A token without a form of its own is told from words by how it is written, and some are written
like words. What is missed is kept as a page or a campaign is, until its group is folded away.
"""

import base64
import random
import string
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from anonymizer.hits import Door, RawHit
from tests.collector.hits import SITE
from tests.laws.cleaning import clean, pieces_of, words

TOKENS: dict[str, tuple[Callable[[random.Random], str], float]] = {
    "16 bytes in hex": (lambda chance: chance.randbytes(16).hex(), 0),
    "8 bytes in hex": (lambda chance: chance.randbytes(8).hex(), 0),
    "12 digits": (lambda chance: "".join(chance.choices("123456789", k=12)), 0),
    "ULID": (
        lambda chance: "01" + "".join(chance.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=24)),
        0,
    ),
    "32 bytes in base64url": (lambda chance: base64url(chance.randbytes(32)), 0.003),
    "24 bytes in base64url": (lambda chance: base64url(chance.randbytes(24)), 0.01),
    "16 bytes in base64url": (lambda chance: base64url(chance.randbytes(16)), 0.04),
    "22 letters and digits": (
        lambda chance: "".join(chance.choices(string.ascii_letters + string.digits, k=22)),
        0.01,
    ),
    "16 letters and digits": (
        lambda chance: "".join(chance.choices(string.ascii_letters + string.digits, k=16)),
        0.06,
    ),
}


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


@pytest.mark.parametrize("form", TOKENS)
def test_scrubber_misses_no_more_random_tokens_than_this(form: str) -> None:
    """Of small letters and digits it misses one in five, of letters alone all: they are words."""
    make, most = TOKENS[form]
    chance = random.Random(8)
    missed = 0
    for _ in range(1_000):
        token = make(chance)
        raw = RawHit(Door.EVENT, SITE, 0, "192.0.2.1", "", f"/reset/{token}/done")
        missed += any(piece in clean(raw).page.lower() for piece in pieces_of(token))

    assert missed / 1_000 <= most


HEX = "0f3c9a77d1b24e5586aa90bc3d7e1f42"
PLAIN = RawHit(Door.EVENT, SITE, 0, "192.0.2.1", "Firefox", "/")


@pytest.mark.parametrize(
    ("raw", "identifier"),
    [
        pytest.param(
            replace(PLAIN, raw_agent=f"{HEX}/1 CFNetwork/1 Darwin/20"), HEX, id="app's name"
        ),
        pytest.param(
            replace(PLAIN, raw_agent="198.51.100.7/1 CFNetwork/1 Darwin/20"),
            "198.51.100.7",
            id="address as an app's name",
        ),
        pytest.param(
            replace(PLAIN, raw_referrer=f"https://{HEX}.frame.example/"), HEX, id="referrer's host"
        ),
        pytest.param(
            replace(PLAIN, raw_referrer="https://198-51-100-7.dyn.isp.example/"),
            "198-51-100-7",
            id="address in a referrer's host",
        ),
        pytest.param(
            replace(PLAIN, raw_url="/from/198-51-100-7"), "198-51-100-7", id="address with hyphens"
        ),
    ],
)
def test_identifier_is_not_left_in_a_family_or_a_host(raw: RawHit, identifier: str) -> None:
    assert identifier not in words(clean(raw))
