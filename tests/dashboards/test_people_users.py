import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters, profiles

from people.roles import Person, Right, Role
from people.user_file import UserFile, UsersFailed
from people.users import BadUser, Users


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logins.sqlite"


def test_first_run_gives_a_login_once(path: Path) -> None:
    users = Users(UserFile(path))
    first = users.first_run()

    assert first is not None
    assert first[0] == "owner"
    assert len(first[1]) == 20
    assert users.check(*first)
    assert users.first_run() is None
    assert Users(UserFile(path)).first_run() is None
    assert Users(UserFile(path)).check(*first)


@pytest.fixture
def users(path: Path) -> Users:
    """Give a login ``owner`` with the password ``right``, cheaply hashed."""
    users = Users(
        UserFile(path), lambda _: "right", PasswordHasher.from_parameters(profiles.CHEAPEST)
    )
    users.first_run()
    return users


def test_two_installations_have_different_passwords_and_secrets(tmp_path: Path) -> None:
    one, other = Users(UserFile(tmp_path / "one")), Users(UserFile(tmp_path / "other"))

    assert one.first_run() != other.first_run()
    assert one.session_secret() != other.session_secret()


def test_session_secret_outlives_the_process(path: Path) -> None:
    assert Users(UserFile(path)).session_secret() == Users(UserFile(path)).session_secret()


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
def test_wrong_login_is_refused(users: Users, name: str, password: str) -> None:
    assert not users.check(name, password)
    assert users.check("owner", "right")


class CountingHasher(PasswordHasher):
    """Counts the hashes it was made to work through."""

    verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.verified += 1
        return super().verify(hash, password)


def test_unknown_name_costs_a_hash_too(path: Path) -> None:
    hasher = CountingHasher.from_parameters(profiles.CHEAPEST)
    assert isinstance(hasher, CountingHasher)
    users = Users(UserFile(path), lambda _: "right", hasher)
    users.first_run()

    for name, tries in (("owner", 1), ("nobody", 2)):
        users.check(name, "wrong")
        assert hasher.verified == tries
    with closing(sqlite3.connect(path)) as connection:
        (kept,) = connection.execute("SELECT password_hash FROM logins").fetchone()
    assert extract_parameters(users._nobody) == extract_parameters(kept)


@pytest.mark.parametrize("found", [None, 0o644, 0o666], ids=["new", "readable", "writable"])
def test_file_is_its_owners_alone(path: Path, found: int | None) -> None:
    if found is not None:
        path.touch()
        path.chmod(found)
    Users(UserFile(path)).first_run()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_password_is_not_in_the_file(path: Path) -> None:
    users = Users(UserFile(path))
    first = users.first_run()

    assert first is not None
    with closing(sqlite3.connect(path)) as connection:
        (kept,) = connection.execute("SELECT password_hash FROM logins").fetchone()
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first[1].encode() not in path.read_bytes()


PASSWORD = "a password of theirs"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("-ana", id="like an option"),
        pytest.param("ana maria", id="space"),
        pytest.param("ana\n", id="line end"),
        pytest.param("ana\x1b[31m", id="terminal"),
        pytest.param("<b>", id="markup"),
        pytest.param("a" * 101, id="too long"),
    ],
)
def test_name_that_cannot_be_is_refused(users: Users, name: str) -> None:
    with pytest.raises(BadUser, match=r"^name: must be") as refused:
        users.add(name, Role.VIEWER, (), PASSWORD)
    assert not name or name not in str(refused.value)
    assert [user.person.name for user in users.all()] == ["owner"]


@pytest.mark.parametrize("name", ["owner", "OWNER", "Owner"])
def test_name_that_is_taken_is_refused(users: Users, name: str) -> None:
    with pytest.raises(BadUser, match=r"^name: is that of a user already$"):
        users.add(name, Role.VIEWER, (), PASSWORD)
    assert users.check("owner", "right")


@pytest.mark.parametrize(("length", "fits"), [(11, False), (12, True), (1000, True), (1001, False)])
def test_password_has_12_to_1000_characters(users: Users, length: int, fits: bool) -> None:
    users.add("ana", Role.VIEWER, (), PASSWORD)
    if fits:
        users.set_password("ana", "x" * length)
    else:
        with pytest.raises(BadUser, match=r"^password: must be 12 to 1000 characters$"):
            users.set_password("ana", "x" * length)

    assert users.check("ana", "x" * length) is fits


def test_owner_sees_every_site(users: Users) -> None:
    with pytest.raises(BadUser, match=r"^site: an owner sees every site$"):
        users.set_role("owner", Role.OWNER, ["example.org"])


def test_user_is_kept_with_role_and_sites(users: Users) -> None:
    users.add("ana", Role.ANALYST, ["example.org", "example.net"], PASSWORD)

    ana = users.find("ana")
    assert ana is not None
    assert ana.person == Person("ana", Role.ANALYST, frozenset({"example.net", "example.org"}))
    assert (ana.has_second_factor, ana.last_login) == (False, None)
    users.set_role("ana", Role.VIEWER, ())
    changed = users.find("ana")
    assert changed is not None
    assert changed.person == Person("ana", Role.VIEWER)
    assert changed.generation > ana.generation


def test_removed_user_is_gone(users: Users) -> None:
    users.add("ana", Role.VIEWER, (), PASSWORD)
    users.remove("ana")

    assert users.find("ana") is None
    assert not users.check("ana", PASSWORD)
    with pytest.raises(BadUser, match=r"^name: is that of no user$"):
        users.remove("ana")


def test_file_of_the_first_version_is_an_owners(path: Path) -> None:
    hasher = PasswordHasher.from_parameters(profiles.CHEAPEST)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE logins (name TEXT PRIMARY KEY, password_hash TEXT NOT NULL) STRICT"
        )
        database.execute("INSERT INTO logins VALUES ('owner', ?)", (hasher.hash("right"),))

    for _ in range(2):
        users = Users(UserFile(path), hasher=hasher)
        assert [user.person for user in users.all()] == [Person("owner", Role.OWNER)]
        assert users.check("owner", "right")
        assert users.first_run() is None


def test_file_that_is_no_database_is_named(path: Path) -> None:
    path.write_text("not a database, though it has a few words in it")

    with pytest.raises(UsersFailed, match="can't be read or written"):
        UserFile(path)


@pytest.mark.parametrize(
    ("role", "sites", "rights"),
    [
        (Role.OWNER, (), set(Right)),
        (Role.ANALYST, (), {Right.EXPORTS, Right.SQL, Right.ANNOTATIONS}),
        (Role.ANALYST, ("example.org",), {Right.EXPORTS, Right.ANNOTATIONS}),
        (Role.VIEWER, (), set()),
        (Role.AUDITOR, (), {Right.AUDIT}),
    ],
)
def test_role_has_its_rights(role: Role, sites: tuple[str, ...], rights: set[Right]) -> None:
    person = Person("ana", role, frozenset(sites))

    assert {right for right in Right if person.may(right)} == rights
