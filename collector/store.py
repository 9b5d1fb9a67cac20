"""Keep counted hits in ClickHouse: the embedded engine, or a server.

Takes rows of `CountedHit` only. Each batch is added exactly once, also when it
is sent again after a crash (docs/decisions/0004).
"""

import contextlib
import re
import struct
from collections.abc import Collection, Iterator
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from anonymizer.policy import Policy
from collector.plan import Plan
from collector.schema.ddl import place_views
from collector.schema.ddl_found import declare, read_found
from collector.schema.ddl_plan import CantMigrate, drop_view, upgrade_cells
from collector.schema.into_cells import Meaning, create_view_of, meaning_of
from collector.schema.tables import BATCH, DATABASE, PARTITION, create_tables
from collector.schema.views import create_views

PartitionCounts = dict[str, int]
"""Partition → number of batches it took in."""

_INSERT_SETTINGS = {
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_insert_threads": 1,
    # A server's own profile may say otherwise. An asynchronous insert is answered before its
    # rows are there; a view's error that is ignored loses them.
    "async_insert": 0,
    "insert_deduplicate": 1,
    "materialized_views_ignore_errors": 0,
    # A batch becomes one part in each partition, so that its `BATCH` cell can't be there without
    # the others: cells are gathered whatever their number (with 1,000 it was up to 11 parts).
    "min_insert_block_size_rows": 1_000_000_000,
    "min_insert_block_size_bytes": 0,
    "min_insert_block_size_rows_for_materialized_views": 0,
    "min_insert_block_size_bytes_for_materialized_views": 0,
    # An import may span more months than the engine's default bound of 100 partitions.
    "max_partitions_per_insert_block": 0,
}


# By what the view's query names itself; see ``into_cells.sql``.
_NAME_OF_MEANING = re.compile(r"!= '([0-9a-f]{16})'")
_NO_MEANING = ""
_OF_RELEASE_0_1 = "of release 0.1"


# What the client raises, besides its own errors, over an answer that is none of ClickHouse's or
# that breaks off.
_BROKEN_ANSWERS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    OSError,
    struct.error,
    HTTPError,
)


class StoreFailed(Exception):
    """The store could not do what was asked; the text holds no value of any row."""


class Store:
    """A connection to one ClickHouse. Call it from one thread at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._meaning: str | None = None  # the name of what the view makes of rows, if known
        self._to_apply: tuple[Policy, Plan] | None = None

    @classmethod
    def embedded(cls, path: Path) -> "Store":
        """Open the engine in this process on the directory `path`.

        Raises:
            StoreFailed: another process has the directory open, or it can't be used.
        """
        return cls(open_engine(path))

    def close(self) -> None:
        """Close the connection; an embedded engine ends with its last connection."""
        self._client.close()

    def apply(self, policy: Policy, plan: Plan) -> None:
        """Make tables and views what the policy asks for.

        Others may insert meanwhile: their rows arrive, or their insert fails.

        Raises:
            StoreFailed: some are as they were.
        """
        with failures("the tables and views could not be made"):
            found = read_found(lambda sql: self._client.query(sql).result_rows, count=False)
            try:
                upgrade = upgrade_cells(found)
            except CantMigrate as error:
                raise StoreFailed(str(error)) from None
            for statement in upgrade:
                self._client.command(statement)
            self._make_tables()
            self._give_meaning(meaning_of(policy, plan))
            declared = {statistic.name for statistic in policy.statistics}
            for view in found.views:
                if view not in declared:
                    self._client.command(drop_view(view))
            for statement in place_views(create_views(policy), found.place):
                self._client.command(statement)
            # Last, for it says that all of it was done.
            self._client.command(declare(policy.statistics))

    def apply_when_reached(self, policy: Policy, plan: Plan) -> None:
        """Apply a policy now if the store is in reach, else before batches are next counted."""
        self._to_apply = (policy, plan)
        with contextlib.suppress(StoreFailed):
            self._apply_what_waits()

    def _apply_what_waits(self) -> None:
        if self._to_apply is not None:
            self.apply(*self._to_apply)
            self._to_apply = None

    def is_new(self) -> bool:
        """Tell whether no policy was ever applied to this store."""
        with failures("the store can't be read"):
            found = self._client.query(
                "SELECT count() FROM system.tables WHERE database = {database:String}"
                " AND name = 'into_cells'",
                parameters={"database": DATABASE},
            ).result_rows
        return not found[0][0]

    def batches(self, collector: str | None = None) -> PartitionCounts:
        """Return how many batches each partition took in, of a collector or of all.

        Those that release 0.1 counted without a collector's id are counted as well: it was
        the only collector of its store.
        """
        self._apply_what_waits()
        of_collector = "" if collector is None else " AND k1 IN ('', {collector:String})"
        with failures("the store can't be read"):
            # In one row: none would pass for a store without batches.
            ((counts,),) = self._client.query(
                "SELECT groupArray((partition, batches)) FROM ("
                f"SELECT {PARTITION} AS partition, sum(hits) AS batches FROM {DATABASE}.cells"
                f" WHERE statistic = '{BATCH}'{of_collector} GROUP BY partition)",
                parameters={"collector": collector or ""},
            ).result_rows
        return {str(partition): int(count) for partition, count in counts}

    def insert(
        self,
        token: str,
        rows: bytes,
        done: Collection[str] = (),
        *,
        collector: str = "",
        meaning: Meaning | None = None,
    ) -> None:
        """Add rows in ClickHouse's MsgPack format; a token that was taken before adds nothing.

        Partitions in `done` hold these rows already and take none of them. The batch counts
        as one of `collector`. Without a `meaning` the rows mean what the store's view takes
        them for.

        Raises:
            StoreFailed: it is unknown whether the rows arrived; send them again.
        """
        with failures("a batch could not be added"):
            told = self._meaning
            if told is None or (meaning is not None and told != meaning.name):
                told = self._give_meaning(meaning)
            self._meaning = None
            if told == _OF_RELEASE_0_1:
                self._tell_release_0_1(done)
            self._client.raw_insert(
                f"{DATABASE}.inbox",
                column_names=None if meaning is None else meaning.columns,
                insert_block=rows,
                fmt="MsgPack",
                settings={
                    **_INSERT_SETTINGS,
                    "insert_deduplication_token": token,
                    "log_comment": " ".join([collector, told, *done]),
                },
            )
            self._meaning = told

    def _make_tables(self) -> None:
        for statement in create_tables():
            self._client.command(statement)

    def _give_meaning(self, meaning: Meaning | None) -> str:
        """Have the view make of rows what they mean; return the name of what it makes of them."""
        found = self._client.query(
            "SELECT as_select FROM system.tables WHERE database = {database:String}"
            " AND name = 'into_cells'",
            parameters={"database": DATABASE},
        ).result_rows
        if meaning is None:
            self._meaning = _name_of_meaning(found[0][0]) if found else _NO_MEANING
            return self._meaning
        if not found:
            self._make_tables()
            self._client.command(create_view_of(meaning))
        elif _name_of_meaning(found[0][0]) != meaning.name:
            # In one step: no insert meets an inbox whose rows go nowhere.
            self._client.command(f"ALTER TABLE {DATABASE}.into_cells MODIFY QUERY {meaning.select}")
            self._client.command(f"DROP TABLE IF EXISTS {DATABASE}.done SYNC")
        self._meaning = meaning.name
        return meaning.name

    def _tell_release_0_1(self, done: Collection[str]) -> None:
        """Say which partitions are done to a view that an embedded store of 0.1 brought along."""
        self._client.command(
            f"CREATE TABLE IF NOT EXISTS {DATABASE}.done (partition String) ENGINE = Memory"
        )
        self._client.command(f"TRUNCATE TABLE {DATABASE}.done")
        if done:
            self._client.insert(f"{DATABASE}.done", [[partition] for partition in sorted(done)])


def _name_of_meaning(select: str) -> str:
    found = _NAME_OF_MEANING.search(select)
    return found[1] if found else _OF_RELEASE_0_1


def open_engine(path: Path) -> Client:
    """Open the embedded engine on the directory `path`.

    Raises:
        StoreFailed: another process has the directory open, or it can't be used.
    """
    try:
        return clickhouse_connect.get_client(interface="chdb", path=str(path))
    except ClickHouseError as error:
        raise StoreFailed("the store's directory can't be opened") from error


@contextlib.contextmanager
def failures(what: str) -> Iterator[None]:
    """Raise `StoreFailed`, with `what` and the error's code, in place of ClickHouse's error."""
    # ClickHouse's messages can hold values of the rows at fault, so only the code goes on.
    try:
        yield
    except _BROKEN_ANSWERS:
        raise StoreFailed(f"{what} (the answer can't be read)") from None
    except ClickHouseError as error:
        code = getattr(error, "code", None)
        detail = f" (ClickHouse error {code})" if code else ""
        raise StoreFailed(f"{what}{detail}") from None
