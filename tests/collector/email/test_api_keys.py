"""Keys of the API: shown once, kept as hashes, good for what they were made for."""

import re
import stat
from pathlib import Path

import pytest

from collector.api_keys import ApiKeys, BadKey, KeyScope, KeysFailed
from collector.cli import main

NOW = 1_780_000_000
BOTH = frozenset({KeyScope.EMAIL, KeyScope.QUERY})


@pytest.fixture
def keys(tmp_path: Path) -> ApiKeys:
    return ApiKeys(tmp_path / "keys.sqlite")


@pytest.mark.parametrize(
    ("made_for", "used_for", "expires", "is_good"),
    [
        pytest.param({KeyScope.EMAIL}, KeyScope.EMAIL, None, True, id="its scope"),
        pytest.param(BOTH, KeyScope.QUERY, None, True, id="one of two"),
        pytest.param({KeyScope.QUERY}, KeyScope.EMAIL, None, False, id="another scope"),
        pytest.param({KeyScope.EMAIL}, KeyScope.EMAIL, NOW + 1, True, id="not over yet"),
        pytest.param({KeyScope.EMAIL}, KeyScope.EMAIL, NOW, False, id="over"),
    ],
)
def test_key_is_good_for_its_scope_and_time(
    keys: ApiKeys, made_for: set[KeyScope], used_for: KeyScope, expires: int | None, is_good: bool
) -> None:
    raw_key = keys.add("mailer", made_for, NOW - 10, expires)

    assert keys.check(raw_key, used_for, NOW) is is_good


def test_other_key_is_not_good(keys: ApiKeys) -> None:
    raw_key = keys.add("mailer", BOTH, NOW)
    last = "A" if raw_key[-1] != "A" else "Q"

    for raw_other in ("", "discreet_", raw_key[:-1], raw_key[:-1] + last, raw_key + "A", "\ud800"):
        assert not keys.check(raw_other, KeyScope.EMAIL, NOW)


def test_removed_key_is_void_at_once(keys: ApiKeys, tmp_path: Path) -> None:
    raw_key = keys.add("mailer", BOTH, NOW)
    raw_other = keys.add("other", BOTH, NOW)
    ApiKeys(tmp_path / "keys.sqlite").remove("mailer")

    assert not keys.check(raw_key, KeyScope.EMAIL, NOW)
    assert keys.check(raw_other, KeyScope.EMAIL, NOW)


def test_keys_differ_and_hold_256_bits(keys: ApiKeys) -> None:
    made = [keys.add(f"key{number}", BOTH, NOW) for number in range(20)]

    assert len(set(made)) == 20
    assert all(re.fullmatch(r"discreet_[A-Za-z0-9_-]{43}", raw_key) for raw_key in made)


def test_file_holds_no_key_and_is_for_its_owner_alone(keys: ApiKeys, tmp_path: Path) -> None:
    raw_key = keys.add("mailer", BOTH, NOW)

    (path,) = tmp_path.iterdir()
    assert raw_key[len("discreet_") :].encode() not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "scopes", "expires", "field"),
    [
        pytest.param("mailer", BOTH, None, "name", id="taken"),
        pytest.param("Mailer", BOTH, None, "name", id="taken, in other letters"),
        pytest.param("", BOTH, None, "name", id="no name"),
        pytest.param("a b", BOTH, None, "name", id="space"),
        pytest.param("new", frozenset[KeyScope](), None, "scope", id="no scope"),
        pytest.param("new", BOTH, NOW, "expires", id="over already"),
    ],
)
def test_key_that_cannot_be_is_refused(
    keys: ApiKeys, name: str, scopes: frozenset[KeyScope], expires: int | None, field: str
) -> None:
    keys.add("mailer", BOTH, NOW)

    with pytest.raises(BadKey, match=f"^{field}: "):
        keys.add(name, scopes, NOW, expires)
    assert [key.name for key in keys.all()] == ["mailer"]


def test_unknown_key_cannot_be_removed(keys: ApiKeys) -> None:
    with pytest.raises(BadKey):
        keys.remove("nobody")
    with pytest.raises(BadKey):
        keys.remove("\udcff")  # what a shell makes of a lone byte


def test_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.sqlite"
    path.write_bytes(b"no database" * 100)

    with pytest.raises(KeysFailed):
        ApiKeys(path)


def test_command_prints_a_key_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add = ["key", "add", "mailer", "--scope", "email", "--expires", "2999-01-01"]
    assert main([*add, "--data", str(tmp_path)]) == 0
    raw_key = capsys.readouterr().out.strip()
    assert ApiKeys(tmp_path / "keys.sqlite").check(raw_key, KeyScope.EMAIL, NOW)

    assert main(["key", "list", "--data", str(tmp_path)]) == 0
    listed = capsys.readouterr().out
    assert {"mailer", "email", "2999-01-01"} <= set(re.findall(r"[\w-]+", listed))
    assert raw_key not in listed

    assert main(["key", "remove", "mailer", "--data", str(tmp_path)]) == 0
    assert not ApiKeys(tmp_path / "keys.sqlite").check(raw_key, KeyScope.EMAIL, NOW)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["remove", "nobody"], "name: is that of no key", id="unknown"),
        pytest.param(
            ["add", "a", "--scope", "email", "--expires", "soon"],
            "--expires: must be a day such as 2027-01-01",
            id="no day",
        ),
        pytest.param(
            ["add", "a", "--scope", "email", "--expires", "2020-01-01"],
            "expires: must be a day to come",
            id="past day",
        ),
    ],
)
def test_command_tells_bad_input_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(["key", *arguments, "--data", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"discreet: {told}\n"
