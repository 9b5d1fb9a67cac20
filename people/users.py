"""Users: names, roles, sites and password hashes. A change of a user ends their sessions."""

import contextlib
import re
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from functools import cached_property

from argon2 import PasswordHasher, profiles
from argon2.exceptions import VerifyMismatchError
from msgspec import Struct

from people.roles import Person, Role
from people.user_file import UserFile

FIRST_NAME = "owner"
PASSWORD_BYTES = 15  # 120 bits, 20 characters
SECRET_BYTES = 32
MAX_NAME = 100
MIN_PASSWORD = 12
MAX_PASSWORD = 1000

# argon2id by RFC 9106 section 4, the second recommended option: 64 MiB, 3 passes.
HASHER = PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
USER_COLUMNS = "name, role, sites, totp_secret != x'', last_login, generation"
"""What `user_of` reads, in its order."""

# Random, so that a user made under the name of one who was removed is not taken for that one.
_FIRST_GENERATION = "random() & 0xffffffffffff"


class BadUser(ValueError):
    """A user who can't be made, changed or found; the text says why and echoes nothing."""


class UnknownUser(BadUser):
    """There is no such user."""

    def __init__(self) -> None:
        super().__init__("name: is that of no user")


class LastOwner(BadUser):
    """Nobody would be left who may see who has access."""

    def __init__(self) -> None:
        super().__init__("name: is that of the last owner; make another first")


class User(Struct, frozen=True):
    """What is known of a user but the secrets."""

    person: Person
    has_second_factor: bool
    last_login: date | None
    """The last day (UTC) on which a session began."""
    generation: int
    """Grows from a random number on with each change of password, role, sites or second factor."""


class Users:
    """The users of one file. Methods block; `check` does so for some 100 ms.

    Every method raises UsersFailed where the file can't be read or written.
    """

    def __init__(
        self,
        file: UserFile,
        random_token: Callable[[int], str] = secrets.token_urlsafe,
        hasher: PasswordHasher = HASHER,
    ) -> None:
        self._file = file
        self._random_token = random_token
        self._hasher = hasher

    def first_run(self) -> tuple[str, str] | None:
        """Create the first user, an owner, and return name and password, once; else None."""
        with self._file.connect() as database:
            if database.execute("SELECT 1 FROM logins").fetchone():
                return None
        password = self.new_password()
        password_hash = self._hasher.hash(password)
        with self._file.connect() as database:
            made = database.execute(
                "INSERT INTO logins (name, password_hash, generation)"
                f" SELECT ?, ?, {_FIRST_GENERATION} WHERE NOT EXISTS (SELECT 1 FROM logins)",
                (FIRST_NAME, password_hash),
            ).rowcount
        return (FIRST_NAME, password) if made else None

    def new_password(self) -> str:
        """Make a password that nobody had."""
        return self._random_token(PASSWORD_BYTES)

    def add(self, name: str, role: Role, sites: Collection[str], password: str) -> None:
        """Add a user; no `sites` means every one.

        Raises:
            BadUser: the name can't be or is taken, the password is too short or too long, or
                an owner's sites are limited.
        """
        if not _NAME.fullmatch(name):
            raise BadUser(
                "name: must be 1 to 100 letters, digits, dots, hyphens, underscores, + and @"
            )
        _check_password(password)
        _check_sites(role, sites)
        password_hash = self._hasher.hash(password)
        with self._file.connect() as database:
            # Names that differ in case alone would be taken for each other by who reads a list.
            made = database.execute(
                "INSERT INTO logins (name, password_hash, role, sites, generation)"
                f" SELECT ?, ?, ?, ?, {_FIRST_GENERATION}"
                " WHERE NOT EXISTS (SELECT 1 FROM logins WHERE name = ? COLLATE NOCASE)",
                (name, password_hash, role, " ".join(sorted(sites)), name),
            ).rowcount
        if not made:
            raise BadUser("name: is that of a user already")

    def all(self) -> Sequence[User]:
        """Return every user by name."""
        with self._file.connect() as database:
            rows = database.execute(f"SELECT {USER_COLUMNS} FROM logins ORDER BY name").fetchall()
        return [user_of(row) for row in rows]

    def find(self, name: str) -> User | None:
        """Return the user of that name."""
        with self._file.connect() as database:
            row = database.execute(
                f"SELECT {USER_COLUMNS} FROM logins WHERE name = ?", (name,)
            ).fetchone()
        return row and user_of(row)

    def set_role(self, name: str, role: Role, sites: Collection[str]) -> None:
        """Give a user another role and other sites, and end their sessions.

        Raises:
            UnknownUser: there is no such user.
            LastOwner: it is the last owner, who is to be none.
            BadUser: an owner's sites are limited.
        """
        _check_sites(role, sites)
        with self._file.connect() as database, _owner_stays(database, name):
            change_user(database, name, "role = ?, sites = ?", (role, " ".join(sorted(sites))))

    def set_password(self, name: str, password: str) -> None:
        """Give a user another password and end their sessions.

        Raises:
            UnknownUser: there is no such user.
            BadUser: the password is too short or too long.
        """
        _check_password(password)
        password_hash = self._hasher.hash(password)
        with self._file.connect() as database:
            change_user(database, name, "password_hash = ?", (password_hash,))

    def remove(self, name: str) -> None:
        """Remove a user and end their sessions.

        Raises:
            UnknownUser: there is no such user.
            LastOwner: it is the last owner.
        """
        with self._file.connect() as database, _owner_stays(database, name):
            if not database.execute("DELETE FROM logins WHERE name = ?", (name,)).rowcount:
                raise UnknownUser
            database.execute("DELETE FROM recovery_codes WHERE name = ?", (name,))
            database.execute("DELETE FROM sessions WHERE name = ?", (name,))

    def check(self, name: str, password: str) -> bool:
        """Tell whether the password is the one of `name`; an unknown name takes as long."""
        nobody = self._nobody
        with self._file.connect() as database:
            row = database.execute(
                "SELECT password_hash FROM logins WHERE name = ?", (name,)
            ).fetchone()
        try:
            self._hasher.verify(nobody if row is None else row[0], password)
        except VerifyMismatchError:
            return False
        return row is not None

    def session_secret(self) -> str:
        """Return the key that sessions are signed with, made on first use."""
        with self._file.connect() as database:
            database.execute(
                "INSERT OR IGNORE INTO secrets (name, value) VALUES ('session', ?)",
                (self._random_token(SECRET_BYTES),),
            )
            row = database.execute("SELECT value FROM secrets WHERE name = 'session'").fetchone()
        return str(row[0])

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(SECRET_BYTES))


def user_of(row: Sequence[object]) -> User:
    """Return the user of a row of `USER_COLUMNS`."""
    name, role, sites, has_second_factor, last_login, generation = row
    return User(
        Person(str(name), Role(str(role)), frozenset(str(sites).split())),
        bool(has_second_factor),
        date.fromisoformat(str(last_login)) if last_login else None,
        int(str(generation)),
    )


def change_user(
    database: sqlite3.Connection, name: str, columns: str, values: tuple[object, ...]
) -> None:
    """Set columns of a user and end every session.

    Raises:
        UnknownUser: there is no such user.
    """
    changed = database.execute(
        f"UPDATE logins SET {columns}, generation = generation + 1 WHERE name = ?",
        (*values, name),
    ).rowcount
    if not changed:
        raise UnknownUser
    database.execute("DELETE FROM sessions WHERE name = ?", (name,))


@contextlib.contextmanager
def _owner_stays(database: sqlite3.Connection, name: str) -> Iterator[None]:
    """Take a change of a user back where it leaves users without an owner.

    Raises:
        LastOwner: it would.
    """
    database.execute("BEGIN IMMEDIATE")  # two owners may take each other's role at once
    was_owner = database.execute(
        "SELECT 1 FROM logins WHERE name = ? AND role = ?", (name, Role.OWNER)
    ).fetchone()
    yield
    is_left = database.execute("SELECT 1 FROM logins WHERE role = ?", (Role.OWNER,)).fetchone()
    if was_owner and not is_left:
        raise LastOwner


def _check_password(password: str) -> None:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise BadUser(f"password: must be {MIN_PASSWORD} to {MAX_PASSWORD} characters")


def _check_sites(role: Role, sites: Collection[str]) -> None:
    if role is Role.OWNER and sites:
        raise BadUser("site: an owner sees every site")
