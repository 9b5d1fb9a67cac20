"""Where a token ends and a slug's words begin; what either looks like is in test_scrub."""

import pytest

from anonymizer.masks import HEX, MARKS, TOKEN, UUID
from anonymizer.scrub import scrub
from anonymizer.tokens import mask_tokens

RANDOM = "x7Kq9ZpL2mWv4RtY"  # 16 characters
LONGER = "x7Kq9ZpL2mWv4RtYb8NcQ3s"  # 23


@pytest.mark.parametrize(
    ("text", "expected", "kinds"),
    [
        pytest.param(RANDOM, ":token", [TOKEN], id="alone"),
        pytest.param(
            f"{RANDOM}-reset-{RANDOM}-hello",
            ":token-reset-:token-hello",
            [TOKEN, TOKEN],
            id="between two of a slug's words",
        ),
        pytest.param(f"change-{RANDOM}", "change-:token", [TOKEN], id="behind six letters"),
        pytest.param(f"reset-{RANDOM}", ":token", [TOKEN], id="behind five, a quarter of it"),
        pytest.param(f"password-{LONGER}", ":token", [TOKEN], id="behind eight, a quarter of it"),
        pytest.param(
            f"password-{LONGER[:-1]}", "password-:token", [TOKEN], id="behind eight, more of it"
        ),
        pytest.param(
            f"greetings-{LONGER}{RANDOM}", "greetings-:token", [TOKEN], id="behind nine letters"
        ),
        pytest.param(
            f"{RANDOM}-reset-password-k3J9x",
            ":token-reset-password-:token",
            [TOKEN, TOKEN],
            id="short odd word beside one",
        ),
        pytest.param(f"X{RANDOM}X", ":token", [TOKEN], id="X at both ends"),
        pytest.param(f"{RANDOM}-abc", ":token", [TOKEN], id="short word behind it"),
        pytest.param("k3J9xQ2z-Zp7Lm2Wv", ":token", [TOKEN], id="two odd words"),
        pytest.param("abc123def456ghi789", ":token", [TOKEN], id="changes every third character"),
        pytest.param("QWERTZUIopasdfghjklyxcvb", ":token", [TOKEN], id="capitals run together"),
        pytest.param(
            "d41d8cd98f00b204-a-0b0b3c1e7f1f4a558d512f54d1b2a3c4",
            ":hex-a-:uuid",
            [HEX, UUID],
            id="hex of 16 and of 32 digits",
        ),
    ],
)
def test_token_is_masked_as_far_as_it_goes(text: str, expected: str, kinds: list[str]) -> None:
    masks: list[str] = []
    assert scrub(text, masks) == expected
    assert masks == kinds


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(RANDOM[:-1], id="too short"),
        pytest.param("k3J9x-reset-password-now", id="short odd word without a token"),
        pytest.param("iphone15pro-galaxy-s24plus", id="numbers in words"),
        pytest.param("kpc650evdo2007-release", id="number behind a word"),
    ],
)
def test_what_is_no_token_stays(text: str) -> None:
    masks: list[str] = []
    assert mask_tokens(text, masks) == text
    assert masks == []


def test_token_is_one_character_until_it_is_written() -> None:
    assert mask_tokens(RANDOM, []) == MARKS[TOKEN]
