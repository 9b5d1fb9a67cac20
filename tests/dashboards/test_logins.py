import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters, profiles

from dashboards.logins import Logins


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logins.db"


def test_first_run_gives_a_login_once(path: Path) -> None:
    logins = Logins(path)
    first = logins.first_run()

    assert first is not None
    assert first[0] == "owner"
    assert len(first[1]) == 20
    assert logins.check(*first)
    assert logins.first_run() is None
    assert Logins(path).first_run() is None
    assert Logins(path).check(*first)


@pytest.fixture
def logins(path: Path) -> Logins:
    """Give a login ``owner`` with the password ``right``, cheaply hashed."""
    logins = Logins(path, lambda _: "right", PasswordHasher.from_parameters(profiles.CHEAPEST))
    logins.first_run()
    return logins


def test_two_installations_have_different_passwords_and_secrets(tmp_path: Path) -> None:
    one, other = Logins(tmp_path / "one"), Logins(tmp_path / "other")

    assert one.first_run() != other.first_run()
    assert one.session_secret() != other.session_secret()


def test_session_secret_outlives_the_process(path: Path) -> None:
    assert Logins(path).session_secret() == Logins(path).session_secret()


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("owner", "wrong", id="wrong password"),
        pytest.param("owner", "", id="no password"),
        pytest.param("owner", "Right", id="other case"),
        pytest.param("OWNER", "right", id="other name"),
        pytest.param("", "right", id="no name"),
        pytest.param("' OR 1=1 --", "right", id="SQL"),
        pytest.param("owner\0", "right", id="NUL"),
    ],
)
def test_wrong_login_is_refused(logins: Logins, name: str, password: str) -> None:
    assert not logins.check(name, password)
    assert logins.check("owner", "right")


class CountingHasher(PasswordHasher):
    """Counts the hashes it was made to work through."""

    verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.verified += 1
        return super().verify(hash, password)


def test_unknown_name_costs_a_hash_too(path: Path) -> None:
    hasher = CountingHasher.from_parameters(profiles.CHEAPEST)
    assert isinstance(hasher, CountingHasher)
    logins = Logins(path, lambda _: "right", hasher)
    logins.first_run()

    for name, tries in (("owner", 1), ("nobody", 2)):
        logins.check(name, "wrong")
        assert hasher.verified == tries
    with closing(sqlite3.connect(path)) as connection:
        (kept,) = connection.execute("SELECT password_hash FROM logins").fetchone()
    assert extract_parameters(logins._nobody) == extract_parameters(kept)


@pytest.mark.parametrize("found", [None, 0o644, 0o666], ids=["new", "readable", "writable"])
def test_file_is_its_owners_alone(path: Path, found: int | None) -> None:
    if found is not None:
        path.touch()
        path.chmod(found)
    Logins(path).first_run()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_password_is_not_in_the_file(path: Path) -> None:
    logins = Logins(path)
    first = logins.first_run()

    assert first is not None
    with closing(sqlite3.connect(path)) as connection:
        (kept,) = connection.execute("SELECT password_hash FROM logins").fetchone()
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first[1].encode() not in path.read_bytes()
