"""The durable way between an answered hit and the store.

A hit is answered after its row is on disk here, and leaves when ClickHouse has
confirmed its batch. Holds rows of `CountedHit` only: no key, no address.
"""

import contextlib
import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from collector.store import PartitionCounts, Store

# An insert has a fixed cost in the engine, so few large ones are cheap; 20,000 rows are
# about 5 MB on their way.
MAX_BATCH_HITS = 20_000


MAX_GROUP_HITS = 5_000


_PREPARE = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    """CREATE TABLE IF NOT EXISTS groups
        (id INTEGER PRIMARY KEY, hits INTEGER NOT NULL, rows BLOB NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS batch
        (token TEXT NOT NULL, last_group INTEGER NOT NULL, before TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS imported
        (site TEXT NOT NULL, position INTEGER NOT NULL, mark BLOB NOT NULL)""",
)


class SpoolFailed(Exception):
    """The spool could not write; nothing of the group was accepted."""


class Batch(Struct, frozen=True):
    """Rows on their way into the store."""

    token: str
    """Names the batch; the store takes each name once."""
    rows: bytes
    """Rows in ClickHouse's MsgPack format."""
    is_last: bool
    """Nothing else waited when the batch was taken."""
    done: tuple[str, ...] = ()
    """Partitions that took the batch in when it was sent before."""


class Spool:
    """An SQLite file. Use it from one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it where missing.

        Raises:
            SpoolFailed: the file is damaged or can't be used.
        """
        try:
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            for statement in _PREPARE:
                self._database.execute(statement).fetchall()
        except sqlite3.Error as error:
            raise SpoolFailed(f"{path} is damaged or can't be used") from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def append(self, rows: Iterable[bytes]) -> None:
        """Write a group of rows; they are on disk when this returns.

        Raises:
            SpoolFailed: the disk is full or broken; no row of the group was kept.
        """
        rows = list(rows)
        with self._writing():
            self._insert_group(rows)

    def append_import(self, rows: Iterable[bytes], site: str, position: int, mark: bytes) -> None:
        """Write a group of rows and, in one step with it, how far the import has come.

        Raises:
            SpoolFailed: the disk is full or broken; neither rows nor mark were kept.
        """
        rows = list(rows)
        with self._writing():
            for first in range(0, len(rows), MAX_GROUP_HITS):
                self._insert_group(rows[first : first + MAX_GROUP_HITS])
            self._database.execute("INSERT INTO imported VALUES (?, ?, ?)", (site, position, mark))

    def imported(self, site: str) -> set[tuple[int, bytes]]:
        """Return the positions and marks that imports of this site reached."""
        return set(
            self._database.execute(
                "SELECT position, mark FROM imported WHERE site = ?", (site,)
            ).fetchall()
        )

    def is_empty(self) -> bool:
        """Tell whether no row waits for the store."""
        (is_empty,) = self._database.execute("SELECT NOT EXISTS (SELECT 1 FROM groups)").fetchone()
        return bool(is_empty)

    def take(self, batches: PartitionCounts) -> Batch | None:
        """Return the oldest batch, the same rows until it is confirmed; None when empty.

        `batches` is what `Store.batches` says now. The engine puts a batch in place
        partition by partition, and notes the token of each before its rows. So a batch
        that was sent before goes under a new token, for the old one may be noted
        without its rows, and to the partitions alone that did not take it in.

        Raises:
            SpoolFailed: the disk is full or broken; nothing may be sent now.
        """
        before = batches
        token = secrets.token_hex(8)
        sent = self._database.execute("SELECT last_group, before FROM batch").fetchone()
        with self._writing():
            if sent is None:
                last_group = self._last_group_of_a_batch()
                if last_group is None:
                    return None
                self._database.execute(
                    "INSERT INTO batch VALUES (?, ?, ?)", (token, last_group, json.dumps(batches))
                )
            else:
                last_group, before = sent[0], json.loads(sent[1])
                self._database.execute("UPDATE batch SET token = ?", (token,))
        done = tuple(sorted(name for name in batches if batches[name] > before.get(name, 0)))
        rows = self._database.execute(
            "SELECT rows FROM groups WHERE id <= ? ORDER BY id", (last_group,)
        )
        (is_last,) = self._database.execute(
            "SELECT NOT EXISTS (SELECT 1 FROM groups WHERE id > ?)", (last_group,)
        ).fetchone()
        return Batch(
            token=token, rows=b"".join(row for (row,) in rows), is_last=bool(is_last), done=done
        )

    def confirm(self, batch: Batch) -> None:
        """Delete a batch that the store holds, so that no byte of it is left in the files.

        Raises:
            SpoolFailed: the disk is full or broken; the batch is still here.
        """
        with self._writing():
            self._database.execute(
                "DELETE FROM groups WHERE id <= (SELECT last_group FROM batch WHERE token = ?)",
                (batch.token,),
            )
            self._database.execute("DELETE FROM batch WHERE token = ?", (batch.token,))
        self._forget_deleted()

    def _insert_group(self, rows: list[bytes]) -> None:
        self._database.execute(
            "INSERT INTO groups (hits, rows) VALUES (?, ?)", (len(rows), b"".join(rows))
        )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            # SQLite may have rolled back by itself already (lang_transaction.html, section 3).
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise SpoolFailed("the spool can't be written") from error

    def _forget_deleted(self) -> None:
        # secure_delete wipes the database's pages; what was written to the log stays in it
        # until that is cut off, on a quiet site for days.
        try:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise SpoolFailed("the spool can't be written") from error

    def _last_group_of_a_batch(self) -> int | None:
        hits = 0
        last_group: int | None = None
        for group, count in self._database.execute("SELECT id, hits FROM groups ORDER BY id"):
            if last_group is not None and hits + count > MAX_BATCH_HITS:
                break
            hits += count
            last_group = group
        return last_group


def drain(spool: Spool, store: Store) -> int:
    """Send every waiting batch to the store; return how many were sent.

    Raises:
        StoreFailed: the store is out of reach; what was not confirmed still waits.
        SpoolFailed: the disk is full or broken; what was not confirmed still waits.
    """
    sent = 0
    while (batch := spool.take(store.batches())) is not None:
        store.insert(batch.token, batch.rows, batch.done)
        spool.confirm(batch)
        sent += 1
    return sent
