"""Keep receipts in ClickHouse: the embedded engine, or a server.

Takes hashes of ids, never an id. What is erased is gone from the data directory
within seconds (docs/decisions/0011).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from msgspec import Struct

from anonymizer.hits import SiteId
from anonymizer.policy import PurposeId
from collector.receipts import HANDLE_BYTES, Decision, IdHash, Receipt
from collector.schema.tables import DATABASE
from collector.store import StoreFailed, failures, open_engine

TABLE = f"{DATABASE}.receipts"

# Without the first three a deleted row lay on disk for 35 s, with them for 2 s (chDB 26.9).
# fsync after each insert, for a receipt is answered once it is on disk; a merge or a
# mutation writes it anew. No deduplication log: it would hold hashes of blocks.
_SETTINGS = (
    "old_parts_lifetime = 1, cleanup_delay_period = 1, cleanup_delay_period_random_add = 0,"
    " max_cleanup_delay_period = 1, finished_mutations_to_keep = 1,"
    " fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,"
    " min_compressed_bytes_to_fsync_after_merge = 1, non_replicated_deduplication_window = 0"
)

# A receipt is one row, and one more when it is withdrawn; both name the hash and the
# partition, so that they go together. `erasing` is in memory: a mutation's text is
# written to disk, and would keep there the hash that it deletes.
_CREATE = (
    f"CREATE DATABASE IF NOT EXISTS {DATABASE}",
    (
        f"CREATE TABLE IF NOT EXISTS {TABLE} ("
        " id_hash FixedString(32) CODEC(NONE),"
        " state Enum8('given' = 1, 'refused' = 2, 'withdrawn' = 3),"
        " hour DateTime('UTC'), keep_until Date, site LowCardinality(String),"
        " version LowCardinality(String), purposes Array(LowCardinality(String)),"
        " language LowCardinality(String), jurisdiction LowCardinality(String),"
        " schema LowCardinality(String))"
        " ENGINE = MergeTree PARTITION BY toYYYYMM(keep_until) ORDER BY (id_hash, state)"
        f" SETTINGS {_SETTINGS}"
    ),
    f"CREATE TABLE IF NOT EXISTS {DATABASE}.erasing (id_hash FixedString(32)) ENGINE = Memory",
)
_COLUMNS = (
    *("id_hash", "state", "hour", "keep_until", "site", "version", "purposes"),
    *("language", "jurisdiction", "schema"),
)
_WITHDRAWN = "withdrawn"
_ERASE_TRIES = 10
_UNFINISHED = 341  # ClickHouse's code

# A ClickHouse server would keep hashes and hours in its query log; an asynchronous insert
# answers before the row is on disk.
_UNLOGGED: dict[str, str | int] = {"log_queries": 0}
_INSERT_SETTINGS = {**_UNLOGGED, "async_insert": 0}


class Counted(Struct, frozen=True):
    """How many receipts of a site name a purpose."""

    purpose: str
    """Empty for all receipts."""
    given: int
    refused: int
    withdrawn: int
    """Of those given."""


class ReceiptStore:
    """A connection to one ClickHouse. Call it from one thread at a time."""

    def __init__(self, client: Client) -> None:
        self._connection = client
        self._has_table = False

    @classmethod
    def embedded(cls, path: Path) -> "ReceiptStore":
        """Open a connection to the engine on the directory `path`.

        Raises:
            StoreFailed: another process has the directory open, or it can't be used.
        """
        return cls(open_engine(path))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def make_tables(self) -> None:
        """Make what receipts lie in where it is missing, as the first question does else.

        Raises:
            StoreFailed: the store is out of reach or refused.
        """
        if not self._has_table:
            with failures("the table of receipts could not be made"):
                for statement in _CREATE:
                    self._connection.command(statement)
            self._has_table = True

    @property
    def _client(self) -> Client:
        """Return the connection, to a store that has the table by now."""
        self.make_tables()
        return self._connection

    def insert(self, receipts: Iterable[tuple[IdHash, Receipt]]) -> None:
        """Add receipts; they are on disk when this returns.

        Raises:
            StoreFailed: it is unknown which of them were added.
        """
        self._insert_rows(
            [
                _row(id_hash, receipt, receipt.decision, receipt.hour)
                for id_hash, receipt in receipts
            ]
        )

    def find(self, id_hash: IdHash) -> Receipt | None:
        """Return the receipt whose id has this hash.

        Raises:
            StoreFailed: the store can't be read.
        """
        with failures("receipts can't be read"):
            rows = self._client.query(
                f"SELECT {', '.join(_COLUMNS[1:])} FROM {TABLE}"
                " WHERE id_hash = unhex({id_hash:String}) ORDER BY state",
                parameters={"id_hash": id_hash.hex()},
                settings=_UNLOGGED,
            ).result_rows
        return _read_rows(rows)

    def standing(
        self, purpose: PurposeId, versions: Collection[str], after: datetime, site: str = ""
    ) -> bytes:
        """Return the hashes of all ids whose receipts permit a purpose: 16 bytes of each, in order.

        Their consent was given after an hour under one of the versions and is not withdrawn; with
        `site` on that site.

        Raises:
            StoreFailed: the store can't be read.
        """
        with failures("receipts can't be read"):
            return self._client.raw_query(
                f"SELECT toFixedString(substring(id_hash, 1, {HANDLE_BYTES}), {HANDLE_BYTES}) AS id"
                f" FROM {TABLE} GROUP BY id_hash"
                " HAVING countIf(state = 'given' AND has(purposes, {purpose:String})"
                " AND has({versions:Array(String)}, version) AND hour > {after:DateTime('UTC')}"
                " AND {site:String} IN ('', site)) > 0 AND countIf(state = 'withdrawn') = 0"
                " ORDER BY id",
                parameters={
                    "purpose": purpose,
                    "versions": sorted(versions),
                    "after": after,
                    "site": site,
                },
                settings=_UNLOGGED,
                fmt="RowBinary",
            )

    def count(self, site: str, before: datetime) -> Sequence[Counted]:
        """Count a site's receipts by purpose, of what was decided before a time.

        All of them come first, under the empty name: one that names two purposes is one.

        Raises:
            StoreFailed: the store can't be read.
        """
        with failures("receipts can't be read"):
            rows = self._client.query(
                "SELECT arrayJoin(arrayConcat([''], purposes)) AS purpose,"
                " countIf(state = 'given'), countIf(state = 'refused'),"
                f" countIf(state = 'withdrawn') FROM {TABLE}"
                " WHERE site = {site:String} AND hour < {before:DateTime('UTC')}"
                " GROUP BY purpose ORDER BY purpose",
                parameters={"site": site, "before": before},
                settings=_UNLOGGED,
            ).result_rows
        return [Counted(*row) for row in rows]

    def note_withdrawal(self, id_hash: IdHash, receipt: Receipt, hour: datetime) -> None:
        """Add that a consent was withdrawn; the receipt's other fields stay, as proof.

        Raises:
            StoreFailed: it is unknown whether it was added.
        """
        self._insert_rows([_row(id_hash, receipt, _WITHDRAWN, hour)])

    def erase(self, id_hash: IdHash) -> None:
        """Delete a receipt; no byte of it is left in the data directory 10 s later.

        Rows that others add meanwhile stay.

        Raises:
            StoreFailed: it may still be there.
        """
        with failures("a receipt could not be erased"):
            # Another collector on the same server may note a withdrawal in between; so look again.
            for _ in range(_ERASE_TRIES):
                self._client.insert(
                    f"{DATABASE}.erasing", [[id_hash]], ["id_hash"], settings=_INSERT_SETTINGS
                )
                self._delete_erasing()
                # Of a table in memory no mutation is written down; others' hashes stay in it.
                self._client.command(
                    f"ALTER TABLE {DATABASE}.erasing DELETE"
                    " WHERE id_hash = unhex({id_hash:String})",
                    parameters={"id_hash": id_hash.hex()},
                    settings=_UNLOGGED,
                )
                if not self._has(id_hash):
                    return
        raise StoreFailed("a receipt could not be erased")

    def _delete_erasing(self) -> None:
        try:
            self._client.command(
                f"ALTER TABLE {TABLE} DELETE"
                f" WHERE id_hash IN (SELECT id_hash FROM {DATABASE}.erasing)",
                settings={**_UNLOGGED, "mutations_sync": 2},
            )
        except ClickHouseError as error:
            # Told too when a mutation had ended and was forgotten before its end was seen.
            if getattr(error, "code", None) != _UNFINISHED:
                raise

    def drop_ended(self, today: date) -> None:
        """Drop the receipts of all months in which the last was to be kept before this one.

        Raises:
            StoreFailed: some may still be there.
        """
        with failures("receipts whose time is over could not be dropped"):
            for (partition,) in self._client.query(
                "SELECT DISTINCT partition_id FROM system.parts WHERE active"
                " AND database = {database:String} AND table = 'receipts'"
                " AND toUInt32OrZero(partition_id) BETWEEN 1 AND {before:UInt32}",
                parameters={"database": DATABASE, "before": _month_before(today)},
            ).result_rows:
                self._client.command(f"ALTER TABLE {TABLE} DROP PARTITION ID '{int(partition)}'")

    def merge(self) -> None:
        """Write each partition anew as one file, ordered by hash.

        Until then the dates of small files tell the minute in which a receipt was given.

        Raises:
            StoreFailed: some partitions are still in several files.
        """
        with failures("receipts could not be merged"):
            self._client.command(
                f"OPTIMIZE TABLE {TABLE} FINAL", settings={"optimize_skip_merged_partitions": 1}
            )

    def _has(self, id_hash: IdHash) -> bool:
        ((found,),) = self._client.query(
            f"SELECT count() FROM {TABLE} WHERE id_hash = unhex({{id_hash:String}})",
            parameters={"id_hash": id_hash.hex()},
            settings=_UNLOGGED,
        ).result_rows
        return bool(found)

    def _insert_rows(self, rows: Sequence[Sequence[object]]) -> None:
        with failures("receipts could not be added"):
            self._client.insert(TABLE, rows, _COLUMNS, settings=_INSERT_SETTINGS)


def _row(id_hash: IdHash, receipt: Receipt, state: str, hour: datetime) -> Sequence[object]:
    return (
        id_hash,
        str(state),
        hour,
        receipt.keep_until,
        receipt.site,
        receipt.version,
        receipt.purposes,
        receipt.language,
        receipt.jurisdiction,
        receipt.schema,
    )


def _read_rows(rows: Sequence[Sequence[Any]]) -> Receipt | None:
    """Read a receipt's rows, the decision first; a withdrawal alone is none."""
    if not rows or rows[0][0] == _WITHDRAWN:
        return None
    state, hour, keep_until, site, version, purposes, language, jurisdiction, schema = rows[0]
    return Receipt(
        site=SiteId(site),
        version=version,
        purposes=tuple(purposes),
        decision=Decision(state),
        hour=hour.replace(tzinfo=UTC),
        language=language,
        jurisdiction=jurisdiction,
        keep_until=keep_until,
        withdrawn=rows[1][1].replace(tzinfo=UTC) if len(rows) > 1 else None,
        schema=schema,
    )


def _month_before(today: date) -> int:
    last = today.replace(day=1) - timedelta(days=1)
    return last.year * 100 + last.month
