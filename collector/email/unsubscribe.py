"""Who unsubscribed, and who withdrew from being measured: the file `recipients.sqlite`.

It keeps each recipient's reference encrypted and the day. Nobody of it is measured again.
"""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct

from collector.email.keys import EmailKeys, KeyFailed, add_key, make_keys
from collector.email.tokens import MAX_REFERENCE_BYTES

_WAIT_SECONDS = 5.0
_SEALED_AT_ONCE = 5_000
"""In 0.2 s, for which who unsubscribes has to wait."""
_AT_REST = b"at rest"
_CONTENT_BYTES = 1 + MAX_REFERENCE_BYTES
_TABLES = """
CREATE TABLE IF NOT EXISTS refused (
    id INTEGER PRIMARY KEY, sealed BLOB NOT NULL UNIQUE, unsubscribed INTEGER, withdrawn INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS webhook (
    id TEXT PRIMARY KEY, sealed BLOB NOT NULL, day INTEGER NOT NULL,
    due INTEGER NOT NULL, tries INTEGER NOT NULL
) STRICT;
"""


class RefusalsFailed(Exception):
    """The file of recipients can't be read or written."""


class Unsubscribed(Struct, frozen=True):
    """A recipient who unsubscribed."""

    raw_reference: str
    day: date
    """In UTC."""


class Message(Struct, frozen=True):
    """What the mailer is still to be told."""

    id: str
    recipient: Unsubscribed
    tries: int


class Refusals:
    """The file at `path`, made where missing; any process and thread may use it at once."""

    def __init__(self, path: Path, key_path: Path) -> None:
        """Prepare the file.

        Raises:
            RefusalsFailed: it can't be used.
        """
        self._path = path
        self._key_path = key_path
        with _failures():
            # Created here, for SQLite would follow the umask and may leave it open to a group.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            with self._open() as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.executescript(_TABLES)

    def unsubscribe(self, raw_reference: str, today: date, *, due: int | None = None) -> bool:
        """Note that a recipient unsubscribed, and return whether that is news.

        With `due`, in Unix seconds, the mailer is to be told from then on.

        Raises:
            RefusalsFailed: it could not be noted.
        """
        with self._writing() as database:
            keys = self._keys()
            row = _find(database, keys, raw_reference)
            if row is not None and row[1] is not None:
                return False
            day = today.toordinal()
            if row is None:
                database.execute(
                    "INSERT INTO refused (sealed, unsubscribed) VALUES (?, ?)",
                    (_seal(keys, raw_reference), day),
                )
            else:
                database.execute("UPDATE refused SET unsubscribed = ? WHERE id = ?", (day, row[0]))
            if due is not None:
                database.execute(
                    "INSERT INTO webhook VALUES (?, ?, ?, ?, 0)",
                    (f"msg_{secrets.token_hex(16)}", _seal(keys, raw_reference), day, due),
                )
            return True

    def withdraw(self, raw_references: Iterable[str], today: date) -> int:
        """Note that recipients are to be measured no more; return how many of them are new here.

        Raises:
            RefusalsFailed: none was noted.
        """
        new = 0
        with self._writing() as database:
            keys = self._keys()
            for raw_reference in raw_references:
                row = _find(database, keys, raw_reference)
                if row is None:
                    database.execute(
                        "INSERT INTO refused (sealed, withdrawn) VALUES (?, ?)",
                        (_seal(keys, raw_reference), today.toordinal()),
                    )
                    new += 1
        return new

    def references(self) -> frozenset[str]:
        """Return everybody who unsubscribed or withdrew.

        Raises:
            RefusalsFailed: the file can't be read, or not with these keys.
        """
        keys = self._keys()
        with _failures(), self._open() as database:
            rows = database.execute("SELECT sealed FROM refused").fetchall()
        return frozenset(open_reference(keys, sealed) for (sealed,) in rows)

    def unsubscribed(self, since: date) -> Sequence[Unsubscribed]:
        """Return who unsubscribed on that day in UTC or later, in the order they did.

        Raises:
            RefusalsFailed: the file can't be read, or not with these keys.
        """
        keys = self._keys()
        with _failures(), self._open() as database:
            rows = database.execute(
                "SELECT sealed, unsubscribed FROM refused WHERE unsubscribed >= ?"
                " ORDER BY unsubscribed, id",
                (since.toordinal(),),
            ).fetchall()
        return [Unsubscribed(open_reference(keys, row[0]), _day(row[1])) for row in rows]

    def due(self, now: int, most: int) -> Sequence[Message]:
        """Return what the mailer is to be told by now, what waits longest first.

        Raises:
            RefusalsFailed: the file can't be read, or not with these keys.
        """
        keys = self._keys()
        with _failures(), self._open() as database:
            rows = database.execute(
                "SELECT id, sealed, day, tries FROM webhook WHERE due <= ? ORDER BY due LIMIT ?",
                (now, most),
            ).fetchall()
        return [
            Message(name, Unsubscribed(open_reference(keys, sealed), _day(day)), tries)
            for name, sealed, day, tries in rows
        ]

    def put_off(self, message: Message, due: int) -> None:
        """Note that the mailer could not be told, and when to try again.

        Raises:
            RefusalsFailed: it could not be noted.
        """
        with self._writing() as database:
            database.execute(
                "UPDATE webhook SET due = ?, tries = tries + 1 WHERE id = ?", (due, message.id)
            )

    def settle(self, message: Message) -> None:
        """Forget what the mailer was told, or is told no more.

        Raises:
            RefusalsFailed: it is still there.
        """
        with self._writing() as database:
            database.execute("DELETE FROM webhook WHERE id = ?", (message.id,))

    def change_key(self) -> None:
        """Make a new key the newest; the one before the newest is forgotten.

        What lies here is put under the newest before, so that it can still be read after.

        Raises:
            KeyFailed: the keys can't be read or written.
            RefusalsFailed: it could not be done.
        """
        # The key changes in a turn that finds all under the newest, and while nobody else writes:
        # neither another change nor who unsubscribes meanwhile is left under a forgotten one.
        while True:
            with self._writing() as database:
                if not _seal_again(database, self._keys()):
                    add_key(self._key_path)
                    return

    def _keys(self) -> EmailKeys:
        try:
            return make_keys(self._key_path)
        except KeyFailed as error:
            raise RefusalsFailed(str(error)) from None

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # A connection a call, because calls come from several threads.
        with contextlib.closing(connect(self._path, _WAIT_SECONDS)) as database:
            yield database

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with _failures(), self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            yield database  # closing without a commit takes everything back
            database.execute("COMMIT")


def connect(path: Path, wait_seconds: float) -> sqlite3.Connection:
    """Open the file; each statement is its own transaction unless one is begun.

    Raises:
        sqlite3.Error: it can't be opened.
    """
    database = sqlite3.connect(
        path, timeout=wait_seconds, isolation_level=None, check_same_thread=False
    )
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA secure_delete = ON")
    return database


def copy_recipients(path: Path, key_path: Path, folder: Path) -> tuple[Path, ...]:
    """Copy who refused, and the keys that it can be read with, into a folder as it is now.

    Nothing where there are no keys: then nobody has refused.

    Raises:
        RefusalsFailed: they can't be read or written.
    """
    copies = (folder / path.name, folder / key_path.name)
    if key_path.exists():
        Refusals(path, key_path)  # a key may be there before the first who refuses
    with _failures():
        while key_path.exists():
            keys = key_path.read_bytes()
            copies[0].unlink(missing_ok=True)
            with contextlib.closing(connect(path, _WAIT_SECONDS)) as database:
                database.execute("VACUUM INTO ?", (str(copies[0]),))
            if key_path.read_bytes() == keys:  # else what was copied may be under others
                copies[1].touch(mode=0o600)
                copies[1].write_bytes(keys)
                return copies
    return ()


def open_reference(keys: EmailKeys, sealed: bytes) -> str:
    """Return a reference as it was before it was laid down.

    Raises:
        RefusalsFailed: none of the keys opens it.
    """
    content = keys.open(sealed[0], _AT_REST, sealed[1:]) if sealed[0] in keys.numbers else None
    if content is None:
        raise RefusalsFailed("the file of e-mail recipients is under a key that email.key lacks")
    return content[1 : 1 + content[0]].decode()


def _seal(keys: EmailKeys, raw_reference: str, number: int | None = None) -> bytes:
    number = keys.newest if number is None else number
    reference = raw_reference.encode()
    content = (bytes([len(reference)]) + reference).ljust(_CONTENT_BYTES, b"\0")
    return bytes([number]) + keys.seal(number, _AT_REST, content)


def _seal_again(database: sqlite3.Connection, keys: EmailKeys) -> int:
    """Put references that are under another key under the newest, and return how many."""
    again = 0
    for table in ("refused", "webhook"):
        rows = database.execute(
            f"SELECT id, sealed FROM {table} WHERE substr(sealed, 1, 1) != ? LIMIT ?",
            (bytes([keys.newest]), _SEALED_AT_ONCE),
        ).fetchall()
        for name, sealed in rows:
            content = _seal(keys, open_reference(keys, sealed))
            database.execute(f"UPDATE {table} SET sealed = ? WHERE id = ?", (content, name))
        again += len(rows)
    return again


def _find(
    database: sqlite3.Connection, keys: EmailKeys, raw_reference: str
) -> tuple[int, int | None] | None:
    for number in keys.numbers:
        row = database.execute(
            "SELECT id, unsubscribed FROM refused WHERE sealed = ?",
            (_seal(keys, raw_reference, number),),
        ).fetchone()
        if row is not None:
            return row[0], row[1]
    return None


def _day(number: int) -> date:
    return date.fromordinal(number)


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error):
        raise RefusalsFailed("the file of e-mail recipients can't be read or written") from None
