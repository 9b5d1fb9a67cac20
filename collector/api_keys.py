"""Keys of programs that use the API: who holds which, what each may do and until when.

A key is 256 random bits, so one SHA-256 keeps it: there is no dictionary to try and no guess to
slow down, which is what a password's hash is for. The file holds hashes alone, and who reads it
can use none of them.
"""

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

KEY_PREFIX = "discreet_"
"""Lets a search for leaked keys find one."""
KEY_BYTES = 32

_SITE = re.compile(r"[A-Za-z0-9.:_-]{1,253}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_TABLES = """
CREATE TABLE IF NOT EXISTS keys (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    hash BLOB NOT NULL,
    scopes TEXT NOT NULL,
    made INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    sites TEXT NOT NULL
) STRICT;
"""


class KeyScope(StrEnum):
    """What a key may be used for."""

    EMAIL = "email"
    QUERY = "query"
    ANNOTATE = "annotate"


class BadKey(ValueError):
    """A key that can't be made or removed; the text says why."""


class KeysFailed(Exception):
    """The file of the keys can't be read or written."""


class Key(Struct, frozen=True):
    """What is known of a key but the key itself."""

    name: str
    scopes: frozenset[KeyScope]
    made: int
    """Unix seconds."""
    expires: int | None
    """The Unix second from which on it is void."""
    sites: frozenset[str] = frozenset()
    """The sites that may be asked about; empty for every site."""

    def is_over(self, now: int) -> bool:
        """Tell whether its time is up."""
        return self.expires is not None and now >= self.expires


class ApiKeys:
    """The keys kept in the file at `path`, which is made readable by its owner alone.

    Methods block for as long as SQLite takes; `check` for some 100 µs.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, making it where missing.

        Raises:
            KeysFailed: it can't be used.
        """
        self._path = path
        try:
            # Created here, for SQLite would follow the umask and may leave it open to a group.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError:
            raise KeysFailed(f"{path}: can't be used for keys") from None
        with self._connect() as database:
            database.execute(_TABLES)

    def add(
        self,
        name: str,
        scopes: Collection[KeyScope],
        now: int,
        expires: int | None = None,
        sites: Collection[str] = (),
    ) -> str:
        """Make a key and return it; it can't be had again.

        Raises:
            BadKey: the name can't be or is taken, there is no scope, it is void already, or is
                for single sites and for more than questions.
            KeysFailed: the file can't be written.
        """
        if not _NAME.fullmatch(name):
            raise BadKey("name: must be 1 to 40 letters, digits, dots, hyphens and underscores")
        if not scopes:
            raise BadKey("scope: must be one at least")
        if expires is not None and expires <= now:
            raise BadKey("expires: must be a day to come")
        if not all(map(_SITE.fullmatch, sites)):
            raise BadKey("site: must be the domain of a site")
        if sites and not set(scopes) <= {KeyScope.QUERY, KeyScope.ANNOTATE}:
            raise BadKey("site: must stand beside the scopes query and annotate alone")
        raw_key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
        with self._connect() as database:
            try:
                database.execute(
                    "INSERT INTO keys (name, hash, scopes, made, expires, sites)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        *(name, _hash(raw_key), " ".join(sorted(scopes))),
                        *(now, expires or 0, " ".join(sorted(sites))),
                    ),
                )
            except sqlite3.IntegrityError:
                raise BadKey("name: is that of a key already") from None
        return raw_key

    def all(self) -> Sequence[Key]:
        """Return every key by name.

        Raises:
            KeysFailed: the file can't be read.
        """
        return [key for key, _ in self._rows()]

    def remove(self, name: str) -> None:
        """Make a key void at once.

        Raises:
            BadKey: there is none of that name.
            KeysFailed: the file can't be written.
        """
        with self._connect() as database:
            if (
                not _NAME.fullmatch(name)
                or not database.execute("DELETE FROM keys WHERE name = ?", (name,)).rowcount
            ):
                raise BadKey("name: is that of no key")

    def check(self, raw_key: str, scope: KeyScope, now: int) -> bool:
        """Tell whether a key may be used for `scope` now.

        Raises:
            KeysFailed: the file can't be read.
        """
        return self.find(raw_key, scope, now) is not None

    def find(self, raw_key: str, scope: KeyScope, now: int) -> Key | None:
        """Return what is known of a key that may be used for `scope` now, else None.

        Takes as long for a key that is known, unknown, over or of another scope.

        Raises:
            KeysFailed: the file can't be read.
        """
        given = _hash(raw_key)
        found = None
        for key, held in self._rows():
            is_its = hmac.compare_digest(given, held)
            if is_its & (scope in key.scopes) & (not key.is_over(now)):
                found = key
        return found

    def _rows(self) -> Sequence[tuple[Key, bytes]]:
        with self._connect() as database:
            rows = database.execute(
                "SELECT name, hash, scopes, made, expires, sites FROM keys ORDER BY name"
            ).fetchall()
        return [
            (
                Key(
                    name=name,
                    scopes=frozenset(map(KeyScope, scopes.split())),
                    made=made,
                    expires=expires or None,
                    sites=frozenset(sites.split()),
                ),
                held,
            )
            for name, held, scopes, made, expires, sites in rows
        ]

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        # A connection a call, because calls come from several threads.
        try:
            with contextlib.closing(sqlite3.connect(self._path)) as database, database:
                yield database
        except sqlite3.Error:
            raise KeysFailed(f"{self._path}: can't be read or written") from None


def _hash(raw_key: str) -> bytes:
    return hashlib.sha256(raw_key.encode(errors="surrogatepass")).digest()


def copy_keys(path: Path, to: Path) -> None:
    """Write the keys of this moment to the new file `to`, mode 0600.

    Raises:
        KeysFailed: it can't be read or written.
    """
    try:
        os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("VACUUM INTO ?", (str(to),))
    except (OSError, sqlite3.Error):
        raise KeysFailed(f"{path}: can't be copied") from None
