import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

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
def test_wrong_login_is_refused(path: Path, name: str, password: str) -> None:
    logins = Logins(path, lambda _: "right")
    logins.first_run()

    assert not logins.check(name, password)
    assert logins.check("owner", "right")


def test_unknown_name_costs_a_hash_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logins = Logins(path, lambda _: "right")
    logins.first_run()
    verified: list[str] = []
    verify = logins._hasher.verify

    class Counting:
        def verify(self, password_hash: str, password: str) -> bool:
            verified.append(password_hash.rpartition("$")[0].rpartition("$")[0])
            return verify(password_hash, password)

    monkeypatch.setattr(logins, "_hasher", Counting())
    logins.check("owner", "wrong")
    logins.check("nobody", "wrong")

    assert verified == ["$argon2id$v=19$m=65536,t=3,p=4"] * 2


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
    assert kept.startswith("$argon2id$")
    assert first[1].encode() not in path.read_bytes()
