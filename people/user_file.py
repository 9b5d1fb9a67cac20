"""The SQLite file of users: its tables, its mode, and how an older one is brought up to them."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS logins (name TEXT PRIMARY KEY, password_hash TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS recovery_codes (
    name TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (name, hash)
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    hash BLOB PRIMARY KEY, name TEXT NOT NULL, ends INTEGER NOT NULL, is_whole INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS shares (
    hash BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, site TEXT NOT NULL,
    made INTEGER NOT NULL, expires INTEGER NOT NULL, origins TEXT NOT NULL,
    may_export INTEGER NOT NULL, password_hash TEXT NOT NULL, last_looked TEXT NOT NULL DEFAULT ''
) STRICT;
"""
# The first version had names and hashes alone; whoever is in such a file was its owner.
_COLUMNS = {
    "role": "TEXT NOT NULL DEFAULT 'owner'",
    "sites": "TEXT NOT NULL DEFAULT ''",
    "generation": "INTEGER NOT NULL DEFAULT 1",
    "last_login": "TEXT NOT NULL DEFAULT ''",
    "totp_secret": "BLOB NOT NULL DEFAULT x''",
    "totp_step": "INTEGER NOT NULL DEFAULT 0",
}


class UsersFailed(Exception):
    """The file of users can't be read or written."""


class UserFile:
    """The file at `path`, which is made readable by its owner alone.

    Raises:
        UsersFailed: it can't be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # Created here, for SQLite would follow the umask and may leave it open to a group.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            path.chmod(0o600)
        except OSError:
            raise UsersFailed(f"{path}: can't be used for users") from None
        with self.connect() as database:
            database.execute("BEGIN IMMEDIATE")  # another process may do the same just now
            for statement in _TABLES.split(";"):
                database.execute(statement)
            held = {row[1] for row in database.execute("PRAGMA table_info(logins)")}
            for column in _COLUMNS.keys() - held:
                database.execute(f"ALTER TABLE logins ADD COLUMN {column} {_COLUMNS[column]}")

    @contextlib.contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """Give a connection whose changes are kept together when the block ends well.

        Raises:
            UsersFailed: SQLite can't read or write.
        """
        # A connection a call, because calls come from several threads.
        try:
            with contextlib.closing(sqlite3.connect(self._path)) as database, database:
                # What is deleted or written over leaves no trace in the file.
                database.execute("PRAGMA secure_delete = ON")
                yield database
        except sqlite3.Error:
            raise UsersFailed(f"{self._path}: can't be read or written") from None


def copy_users(path: Path, to: Path) -> None:
    """Write users, second factors and shares of this moment to the new file `to`, mode 0600.

    Open sessions and the key that signs them stay behind, so that no cookie opens the copy.

    Raises:
        UsersFailed: it can't be read or written.
    """
    try:
        os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("VACUUM INTO ?", (str(to),))
        with contextlib.closing(sqlite3.connect(to, isolation_level=None)) as copy:
            copy.execute("DELETE FROM sessions")
            copy.execute("DELETE FROM secrets")
            copy.execute("VACUUM")  # or what was deleted would still stand in the file
    except (OSError, sqlite3.Error):
        raise UsersFailed(f"{path}: can't be copied") from None
