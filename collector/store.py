"""Keep counted hits in ClickHouse: the embedded engine, or a server.

Takes rows of `CountedHit` only. Each batch is added exactly once, also when it
is sent again after a crash (docs/decisions/0004).
"""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from anonymizer.policy import Policy
from collector.plan import Plan
from collector.read_guard import refuse_what_is_no_view
from collector.schema.into_cells import create_into_cells
from collector.schema.tables import BATCH, DATABASE, PARTITION, create_tables
from collector.schema.views import create_views

PartitionCounts = dict[str, int]
"""Partition → number of batches it took in."""

_INSERT_SETTINGS = {
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_insert_threads": 1,
    # An import may span more months than the engine's default bound of 100 partitions.
    "max_partitions_per_insert_block": 0,
}

# A reader may not write, define or reach outside, and may not loosen its own
# limits: `readonly` comes last and shuts the door on every later SET.
_READER_SETTINGS = {
    "max_execution_time": 30,
    "max_memory_usage": 1_000_000_000,
    "readonly": 1,
}


class StoreFailed(Exception):
    """The store could not do what was asked; the text holds no value of any row."""


class Store:
    """A connection to one ClickHouse. Call it from one thread at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._done: frozenset[str] | None = None  # what `done` holds; unknown at first

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
        """Make tables and views what the policy asks for. No insert may run meanwhile."""
        with failures("the tables and views could not be made"):
            create_database, *create_the_rest = create_tables()
            self._client.command(create_database)
            # What reads the inbox goes before it: a store without it is new, should this end
            # half-way.
            self._client.command(f"DROP VIEW IF EXISTS {DATABASE}.into_cells SYNC")
            for statement in create_the_rest:
                self._client.command(statement)
            self._client.command(create_into_cells(policy, plan))
            declared = {statistic.name for statistic in policy.statistics}
            for (name,) in self._client.query(
                "SELECT name FROM system.tables"
                " WHERE database = currentDatabase() AND engine = 'View'"
            ).result_rows:
                if name not in declared:
                    self._client.command(f"DROP VIEW IF EXISTS `{name}` SYNC")
            for statement in create_views(policy):
                self._client.command(statement)

    def is_new(self) -> bool:
        """Tell whether no policy was ever applied to this store."""
        with failures("the store can't be read"):
            found = self._client.query(
                "SELECT count() FROM system.tables WHERE database = {database:String}"
                " AND name = 'into_cells'",
                parameters={"database": DATABASE},
            ).result_rows
        return not found[0][0]

    def batches(self) -> PartitionCounts:
        """Return how many batches each partition took in."""
        with failures("the store can't be read"):
            rows = self._client.query(
                f"SELECT {PARTITION} AS partition, sum(hits)"
                f" FROM {DATABASE}.cells WHERE statistic = '{BATCH}' GROUP BY partition"
            ).result_rows
        return {str(partition): int(count) for partition, count in rows}

    def insert(self, token: str, rows: bytes, done: Collection[str] = ()) -> None:
        """Add rows in ClickHouse's MsgPack format; a token that was taken before adds nothing.

        Partitions in `done` hold these rows already and take none of them.

        Raises:
            StoreFailed: it is unknown whether the rows arrived; send them again.
        """
        with failures("a batch could not be added"):
            self._set_done(frozenset(done))
            self._client.raw_insert(
                f"{DATABASE}.inbox",
                insert_block=rows,
                fmt="MsgPack",
                settings={**_INSERT_SETTINGS, "insert_deduplication_token": token},
            )

    def _set_done(self, done: frozenset[str]) -> None:
        if done == self._done:
            return
        self._done = None
        self._client.command(f"TRUNCATE TABLE IF EXISTS {DATABASE}.done")
        if done:
            self._client.insert(f"{DATABASE}.done", [[partition] for partition in sorted(done)])
        self._done = done


class Reader:
    """A read-only connection to the same ClickHouse. Call it from one thread at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        ((self._home,),) = client.query("SELECT currentDatabase()").result_rows
        for name, value in _READER_SETTINGS.items():
            client.command(f"SET {name} = {value}")

    @classmethod
    def embedded(cls, path: Path) -> "Reader":
        """Open one more connection to the engine on the directory `path`.

        Raises:
            StoreFailed: another process has the directory open, or it can't be used.
        """
        return cls(open_engine(path))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def query(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Return a query's rows; its parameters are bound by ClickHouse.

        Raises:
            StoreFailed: the query could not be answered.
        """
        with failures("the query failed"), self._whole_answers():
            return self._client.query(sql, parameters=dict(parameters)).result_rows

    def raw_query(self, sql: str, output_format: str) -> bytes:
        """Return the answer to an analyst's query in any ClickHouse output format.

        Raises:
            OutsideTheViews: the query asks for more than the guarded views.
            ClickHouseError: what ClickHouse has to say about the query.
        """
        with self._whole_answers():
            # Written anew from the parsed text: one statement, no remarks, and nothing run yet.
            ((single,),) = self._client.query(
                "SELECT formatQuerySingleLine({sql:String})", parameters={"sql": sql}
            ).result_rows
            tree = self._client.raw_query(f"EXPLAIN AST {single}", fmt="TSVRaw")
            refuse_what_is_no_view(tree.decode("utf-8", "replace"), self._home)
            return self._client.raw_query(single, fmt=output_format)

    @contextlib.contextmanager
    def _whole_answers(self) -> Iterator[None]:
        # What a query had written before it failed, chDB 26.9 puts in front of the next answer.
        try:
            yield
        except ClickHouseError:
            self._client.raw_query("SELECT 1")
            raise


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
    except ClickHouseError as error:
        code = getattr(error, "code", None)
        detail = f" (ClickHouse error {code})" if code else ""
        raise StoreFailed(f"{what}{detail}") from None
