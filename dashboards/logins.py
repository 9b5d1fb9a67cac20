"""Who may see the dashboard: names, password hashes and the session secret, in one SQLite file."""

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from argon2 import PasswordHasher, profiles
from argon2.exceptions import VerifyMismatchError

FIRST_NAME = "owner"
PASSWORD_BYTES = 15  # 120 bits, 20 characters
SECRET_BYTES = 32

# argon2id by RFC 9106 section 4, the second recommended option: 64 MiB, 3 passes.
HASHER = PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)

_TABLES = """
CREATE TABLE IF NOT EXISTS logins (name TEXT PRIMARY KEY, password_hash TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""


class Logins:
    """The logins kept in the file at `path`, which is made readable by its owner alone.

    Methods block; `check` does so for some 100 ms.
    """

    def __init__(
        self,
        path: Path,
        random_token: Callable[[int], str] = secrets.token_urlsafe,
        hasher: PasswordHasher = HASHER,
    ) -> None:
        self._path = path
        self._random_token = random_token
        self._hasher = hasher
        # Created here, for SQLite would follow the umask and may leave it open to a group.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
        with self._connect() as connection:
            connection.executescript(_TABLES)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(SECRET_BYTES))

    def first_run(self) -> tuple[str, str] | None:
        """Create the first login and return its name and password, once; else return None."""
        with self._connect() as connection:
            if connection.execute("SELECT 1 FROM logins").fetchone():
                return None
        password = self._random_token(PASSWORD_BYTES)
        password_hash = self._hasher.hash(password)
        with self._connect() as connection:
            made = connection.execute(
                "INSERT INTO logins (name, password_hash)"
                " SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM logins)",
                (FIRST_NAME, password_hash),
            ).rowcount
        return (FIRST_NAME, password) if made else None

    def check(self, name: str, password: str) -> bool:
        """Tell whether the password is the one of `name`; an unknown name takes as long."""
        with self._connect() as connection:
            row = connection.execute(
                "SELECT password_hash FROM logins WHERE name = ?", (name,)
            ).fetchone()
        try:
            self._hasher.verify(self._nobody if row is None else row[0], password)
        except VerifyMismatchError:
            return False
        return row is not None

    def session_secret(self) -> str:
        """Return the key that sessions are signed with, made on first use."""
        with self._connect() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO secrets (name, value) VALUES ('session', ?)",
                (self._random_token(SECRET_BYTES),),
            )
            row = connection.execute("SELECT value FROM secrets WHERE name = 'session'").fetchone()
        return str(row[0])

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        # A connection a call, because calls come from several threads.
        with closing(sqlite3.connect(self._path)) as connection, connection:
            yield connection
