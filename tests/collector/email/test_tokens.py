"""Tokens: one length, one use, opened by nothing but their keys."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.email.keys import EmailKeys, Key, KeyFailed, KeyFile, add_key, make_keys, read_keys
from collector.email.tokens import (
    BadReference,
    Token,
    Unsubscribing,
    check_reference,
    hash_campaign,
    make_personal,
    make_unsubscribing,
    read_personal,
    read_unsubscribing,
)

KEYS = EmailKeys([Key(7, b"k" * 32)])
OTHERS = EmailKeys([Key(7, b"o" * 32)])
LIFE = b"life" * 2
RECEIPT = b"receipt!" * 2


def personal(reference: str = "r-1", keys: EmailKeys = KEYS, code: str = "spring") -> str:
    return make_personal(keys, code, b"number 1", LIFE, RECEIPT, reference)


def unsubscribing(reference: str = "r-1", keys: EmailKeys = KEYS) -> str:
    return make_unsubscribing(keys, "spring", reference)


def test_personal_token_says_what_it_was_made_of() -> None:
    handle = KEYS.handle(7, "r-1")
    token = Token(hash_campaign("spring"), b"number 1", LIFE, RECEIPT, handle)
    assert read_personal(KEYS, personal()) == token


@pytest.mark.parametrize("reference", ["1", "r-1", "x" * 64])
def test_unsubscribe_token_says_its_reference(reference: str) -> None:
    found = read_unsubscribing(KEYS, unsubscribing(reference))
    assert found == Unsubscribing(hash_campaign("spring"), reference)


@given(st.text("abcXYZ019._~:+/=-", min_size=1, max_size=64))
def test_length_tells_nothing_of_reference(reference: str) -> None:
    assert len(personal(reference)) == 100
    assert len(unsubscribing(reference)) == 120


@pytest.mark.parametrize(
    ("make", "read"),
    [
        pytest.param(personal, read_personal, id="personal"),
        pytest.param(unsubscribing, read_unsubscribing, id="unsubscribe"),
    ],
)
def test_changed_token_is_none(
    make: Callable[[], str], read: Callable[[EmailKeys, str], object]
) -> None:
    token = make()
    assert read(KEYS, token) is not None
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place, was in enumerate(token):
        bit = alphabet[alphabet.index(was) ^ 1 << place % 6]
        assert read(KEYS, token[:place] + bit + token[place + 1 :]) is None
        assert read(KEYS, token[:place]) is None
    for text in (token + "A", token + "====", token.swapcase(), f" {token[1:]}", token[:-1] + "ß"):
        assert read(KEYS, text) is None


def test_token_of_other_use_is_none() -> None:
    assert read_unsubscribing(KEYS, personal()) is None
    assert read_personal(KEYS, unsubscribing()) is None


def test_use_and_not_length_alone_parts_tokens() -> None:
    sealed = KEYS.seal(7, b"open", b"x" * 58)
    assert KEYS.open(7, b"open", sealed) == b"x" * 58
    assert KEYS.open(7, b"unsubscribe", sealed) is None
    assert KEYS.open(7, b"at rest", sealed) is None


def test_token_of_other_key_is_none() -> None:
    assert read_personal(KEYS, personal(keys=OTHERS)) is None
    assert read_unsubscribing(KEYS, unsubscribing(keys=OTHERS)) is None


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 65, id="too long"),
        pytest.param("jane.doe@mail.example", id="e-mail address"),
        pytest.param("jane%40mail.example", id="e-mail address, escaped"),
        pytest.param("+49-30-901820-4711", id="phone number"),
        pytest.param("+493090182047", id="phone number without hyphens"),
        pytest.param("192.0.2.77", id="network address"),
        pytest.param("a b", id="blank"),
        pytest.param("a,b", id="comma"),
        pytest.param('a"b', id="quote"),
        pytest.param("ä", id="no ASCII"),
        pytest.param("r-1\n", id="line end"),
    ],
)
def test_reference_that_tells_a_person_is_refused(reference: str) -> None:
    with pytest.raises(BadReference) as refused:
        check_reference(reference)
    assert not reference or reference not in str(refused.value)


@pytest.mark.parametrize(
    "reference",
    [
        "4711",
        "cust-20931",
        "9f1c2e5a-7b40-4d3e-9a61-0c8d5e2f7a13",
        "01HZX3V8Q2M7R4T6Y9B0C1D2E3",
        "Zm9vYmFyYmF6cXV4",
        "list:de/00017",
    ],
)
def test_reference_that_only_the_mailer_understands_is_taken(reference: str) -> None:
    assert check_reference(reference) == reference


def test_every_wrong_token_takes_as_long() -> None:
    token = personal()
    wrong = {
        "forged": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "other key": "_" + token[1:],
        "cut off": token[:40],
        "empty": "",
        "no base64": "!" * 100,
        "endless": "A" * 100_000,
        "other use": unsubscribing(),
    }

    def seconds(text: str) -> float:
        begun = time.perf_counter()
        for _ in range(20):
            read_personal(KEYS, text)
        return time.perf_counter() - begun

    # Fourteen thousand guesses; kinds take turns, and the quickest of a hundred rounds is what a
    # busy machine leaves alone.
    quickest = dict.fromkeys(wrong, 1.0)
    for _ in range(100):
        for kind, text in wrong.items():
            quickest[kind] = min(quickest[kind], seconds(text))
    # What parts them is base64, some tenths of a microsecond; a reading takes 3 µs, and one that
    # is given up at sight would take a tenth of that.
    assert max(quickest.values()) < 2 * min(quickest.values()), quickest


def test_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    made = make_keys(tmp_path / "email.key")
    assert (tmp_path / "email.key").stat().st_mode & 0o777 == 0o600
    assert read_personal(make_keys(tmp_path / "email.key"), personal(keys=made)) is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["email.key"]


def test_new_key_leaves_tokens_of_the_one_before_and_no_older(tmp_path: Path) -> None:
    path = tmp_path / "email.key"
    assert KeyFile(path).keys is None
    file = KeyFile(path)
    tokens = [personal(keys=make_keys(path))]
    for _ in range(2):
        add_key(path)
        keys = file.keys
        assert keys is not None
        tokens.append(personal(keys=keys))
    keys = file.keys
    assert keys is not None
    assert [read_personal(keys, token) is not None for token in tokens] == [False, True, True]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("1 abcd\n", id="short key"),
        pytest.param(f"999 {'0' * 64}\n", id="number beyond a byte"),
        pytest.param(f"1 {'0' * 64}\n1 {'1' * 64}\n", id="one number twice"),
        pytest.param(f"1 {'0' * 64}\nand more\n", id="what is no key"),
    ],
)
def test_damaged_key_file_is_no_file_of_keys(tmp_path: Path, text: str) -> None:
    path = tmp_path / "email.key"
    path.write_text(text)
    with pytest.raises(KeyFailed):
        read_keys(path)
    assert KeyFile(path).keys is None
    assert path.read_text() == text
