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

from msgspec import Struct, msgpack

from collector.schema.into_cells import Meaning
from collector.store import PartitionCounts, Store, StoreFailed

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
    "CREATE TABLE IF NOT EXISTS collector (id TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS meanings (name TEXT PRIMARY KEY, meaning BLOB NOT NULL)",
    """CREATE TABLE IF NOT EXISTS held
        (token TEXT NOT NULL, hits INTEGER NOT NULL, rows BLOB NOT NULL, meaning TEXT NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS decided (token TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS imported
        (site TEXT NOT NULL, position INTEGER NOT NULL, mark BLOB NOT NULL)""",
)


# Columns that release 0.1 lacks: under which meaning a group was counted, and whether a batch's
# token may have been sent.
# Without digits: of hex ids one in eleven has eight digits in a row, which the doctor takes for a
# number that somebody could be known by.
_ID_LETTERS = "abcdefghijklmnop"

_ADDED = (
    ("groups", "meaning", "TEXT NOT NULL DEFAULT ''"),
    ("batch", "is_sent", "INTEGER NOT NULL DEFAULT 1"),
)


class SpoolFailed(Exception):
    """The spool could not write; nothing of the group was accepted."""


class Batch(Struct, frozen=True):
    """Rows on their way into the store."""

    token: str
    """Names a sending; the store takes each name once."""
    collector: str
    """Whose batch it is."""
    rows: bytes
    """Rows in ClickHouse's MsgPack format."""
    is_last: bool
    """Nothing else waited when the batch was taken."""
    before: PartitionCounts
    """How many batches of the collector each partition had taken in when this one was chosen."""
    done: tuple[str, ...] = ()
    """Partitions that took the batch in when it was sent before."""
    is_repeat: bool = False
    """Its token may have been sent before, and what became of it is not known."""
    meaning: Meaning | None = None
    """Under which policy the rows were counted; None when release 0.1 counted them."""


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
            self._add_columns()
            self.collector = self._own_id()
            """This collector's random id; it tells its batches from others' in the same store."""
        except sqlite3.Error as error:
            raise SpoolFailed(f"{path} is damaged or can't be used") from error
        self._meaning = ""

    def _add_columns(self) -> None:
        for table, column, kind in _ADDED:
            columns = self._database.execute(f"PRAGMA table_info({table})")
            if column not in {name for _, name, *_ in columns}:
                self._database.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")

    def _own_id(self) -> str:
        self._database.execute(
            "INSERT INTO collector SELECT ? WHERE NOT EXISTS (SELECT 1 FROM collector)",
            ("".join(secrets.choice(_ID_LETTERS) for _ in range(16)),),
        )
        (own_id,) = self._database.execute("SELECT id FROM collector").fetchone()
        return str(own_id)

    def count_under(self, meaning: Meaning) -> None:
        """Note what the rows mean that are appended from now on.

        Raises:
            SpoolFailed: the disk is full or broken.
        """
        with self._writing():
            self._database.execute(
                "INSERT OR IGNORE INTO meanings VALUES (?, ?)",
                (meaning.name, msgpack.encode(meaning)),
            )
            self._database.execute(
                "DELETE FROM meanings WHERE name != ? AND name NOT IN (SELECT meaning FROM groups)"
                " AND name NOT IN (SELECT meaning FROM held)",
                (meaning.name,),
            )
        self._meaning = meaning.name

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

    def hold(self, rows: Iterable[bytes], token: str) -> None:
        """Write rows that count once `token` is decided, in whichever spool that is.

        Raises:
            SpoolFailed: the disk is full or broken; no row was kept.
        """
        rows = list(rows)
        with self._writing():
            self._database.execute(
                "INSERT INTO held VALUES (?, ?, ?, ?)",
                (token, len(rows), b"".join(rows), self._meaning),
            )

    def append_deciding(self, rows: Iterable[bytes], token: str) -> None:
        """Write a group of rows and, in one step with it, that what `token` holds counts.

        Raises:
            SpoolFailed: the disk is full or broken; neither was kept.
        """
        with self._writing():
            self._insert_group(list(rows))
            self._database.execute("INSERT INTO decided VALUES (?)", (token,))

    def release(self, token: str) -> None:
        """Make a group of what is held under a decided token; nothing where nothing is.

        Raises:
            SpoolFailed: the disk is full or broken; it is still held.
        """
        with self._writing():
            self._database.execute(
                "INSERT INTO groups (hits, rows, meaning)"
                " SELECT hits, rows, meaning FROM held WHERE token = ?",
                (token,),
            )
            self._database.execute("DELETE FROM held WHERE token = ?", (token,))

    def discard(self, token: str) -> None:
        """Delete what is held under a token that was not decided.

        Raises:
            SpoolFailed: the disk is full or broken; it is still held.
        """
        with self._writing():
            self._database.execute("DELETE FROM held WHERE token = ?", (token,))
        self._forget_deleted()

    def forget_decided(self, token: str) -> None:
        """Forget a token under which nothing is held any more.

        Raises:
            SpoolFailed: the disk is full or broken.
        """
        with self._writing():
            self._database.execute("DELETE FROM decided WHERE token = ?", (token,))

    def held(self) -> list[str]:
        """Return the tokens under which rows are held here."""
        return [token for (token,) in self._database.execute("SELECT token FROM held")]

    def decided(self) -> list[str]:
        """Return the tokens that were decided here."""
        return [token for (token,) in self._database.execute("SELECT token FROM decided")]

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

    def all_imported(self) -> list[tuple[str, int, bytes]]:
        """Return the site, position and mark of everything that imports reached."""
        return self._database.execute(
            "SELECT site, position, mark FROM imported ORDER BY site, position, mark"
        ).fetchall()

    def note_imported(self, marks: Iterable[tuple[str, int, bytes]]) -> None:
        """Write down what imports reached before, as `all_imported` told it elsewhere.

        Raises:
            SpoolFailed: the disk is full or broken; none was kept.
        """
        with self._writing():
            self._database.executemany("INSERT INTO imported VALUES (?, ?, ?)", marks)

    def is_empty(self) -> bool:
        """Tell whether no row waits for the store."""
        (is_empty,) = self._database.execute("SELECT NOT EXISTS (SELECT 1 FROM groups)").fetchone()
        return bool(is_empty)

    def take(self, batches: PartitionCounts) -> Batch | None:
        """Return the oldest batch, the same rows until it is confirmed; None when empty.

        `batches` is what `Store.batches` says now of this collector. A batch goes to the
        partitions alone that did not take it in. One whose sending failed may still be on
        its way, so it goes under the same token until the store has answered. Then that
        token is noted in every partition, though a kill may have left a note without
        rows; so it goes once more, under a new one (docs/decisions/0018).

        Raises:
            SpoolFailed: the disk is full or broken; nothing may be sent now.
        """
        chosen = self._database.execute("SELECT token, last_group, before, is_sent FROM batch")
        with self._writing():
            token, last_group, before, is_sent = chosen.fetchone() or self._choose(batches)
            self._database.execute("UPDATE batch SET is_sent = 1")
        if last_group is None:
            return None
        before = json.loads(before)
        rows = self._database.execute(
            "SELECT rows FROM groups WHERE id <= ? ORDER BY id", (last_group,)
        )
        (is_last,) = self._database.execute(
            "SELECT NOT EXISTS (SELECT 1 FROM groups WHERE id > ?)", (last_group,)
        ).fetchone()
        return Batch(
            token=token,
            collector=self.collector,
            rows=b"".join(row for (row,) in rows),
            is_last=bool(is_last) and not is_sent,
            before=before,
            done=tuple(sorted(name for name in batches if batches[name] > before.get(name, 0))),
            is_repeat=bool(is_sent),
            meaning=self._meaning_of(last_group),
        )

    def _choose(self, batches: PartitionCounts) -> tuple[str, int | None, str, bool]:
        token, before = secrets.token_hex(8), json.dumps(batches)
        last_group = self._last_group_of_a_batch()
        if last_group is not None:
            self._database.execute(
                "INSERT INTO batch (token, last_group, before, is_sent) VALUES (?, ?, ?, 0)",
                (token, last_group, before),
            )
        return token, last_group, before, False

    def _meaning_of(self, group: int) -> Meaning | None:
        found = self._database.execute(
            "SELECT meanings.meaning FROM groups JOIN meanings ON name = groups.meaning"
            " WHERE id = ?",
            (group,),
        ).fetchone()
        return None if found is None else msgpack.decode(found[0], type=Meaning)

    def confirm(self, batch: Batch) -> None:
        """Delete a batch that the store holds, so that no byte of it is left in the files.

        A repeated one stays, to go once more under a new token.

        Raises:
            SpoolFailed: the disk is full or broken; the batch is still here.
        """
        if batch.is_repeat:
            with self._writing():
                self._database.execute(
                    "UPDATE batch SET token = ?, is_sent = 0 WHERE token = ?",
                    (secrets.token_hex(8), batch.token),
                )
            return
        with self._writing():
            self._database.execute(
                "DELETE FROM groups WHERE id <= (SELECT last_group FROM batch WHERE token = ?)",
                (batch.token,),
            )
            self._database.execute("DELETE FROM batch WHERE token = ?", (batch.token,))
        self._forget_deleted()

    def _insert_group(self, rows: list[bytes]) -> None:
        self._database.execute(
            "INSERT INTO groups (hits, rows, meaning) VALUES (?, ?, ?)",
            (len(rows), b"".join(rows), self._meaning),
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
        of_batch = ""
        groups = self._database.execute("SELECT id, hits, meaning FROM groups ORDER BY id")
        for group, count, meaning in groups:
            if last_group is None:
                of_batch = meaning
            elif hits + count > MAX_BATCH_HITS or meaning != of_batch:
                break
            hits += count
            last_group = group
        return last_group


def send(batch: Batch, store: Store) -> None:
    """Send a batch to the store.

    Raises:
        StoreFailed: it is unknown whether it arrived; take it again.
    """
    store.insert(
        batch.token, batch.rows, batch.done, collector=batch.collector, meaning=batch.meaning
    )
    # An inbox without its view takes rows and says nothing, whoever took the view away.
    if not batch.is_repeat and store.batches(batch.collector) == batch.before:
        raise StoreFailed("a batch was taken and did not arrive")


def drain(spool: Spool, store: Store) -> int:
    """Send every waiting batch to the store; return how often one was sent.

    Raises:
        StoreFailed: the store is out of reach; what was not confirmed still waits.
        SpoolFailed: the disk is full or broken; what was not confirmed still waits.
    """
    sent = 0
    while (batch := spool.take(store.batches(spool.collector))) is not None:
        send(batch, store)
        spool.confirm(batch)
        sent += 1
    return sent
