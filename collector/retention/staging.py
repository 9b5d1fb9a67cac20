"""One run at a time: the table in which moves are staged, and what killed ones left."""

import contextlib
from collections.abc import Iterator

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from collector.backup.dump import SNAPSHOT
from collector.retention.held import drop_held
from collector.retention.moves import STAGING
from collector.schema.tables import DATABASE
from collector.store import StoreFailed, failures

# No run and no backup takes that long; a collector that was killed left its table.
_STALE_SECONDS = 6 * 3_600
_EXISTS = 57  # ClickHouse's code


@contextlib.contextmanager
def hold_staging(client: Client, now: int, *, shared: bool) -> Iterator[None]:
    """Hold the table in which moves are staged. Who holds it runs alone.

    `shared` tells that other collectors write into the same store.

    Raises:
        StoreFailed: the table can't be made, or another collector holds it.
    """
    with failures("the store can't be prepared for retention"):
        if not shared or _is_stale(client, STAGING, now):
            client.command(f"DROP TABLE IF EXISTS {STAGING} SYNC")
        try:
            client.command(f"CREATE TABLE {STAGING} AS {DATABASE}.cells ENGINE = Memory")
        except ClickHouseError as error:
            if getattr(error, "code", None) != _EXISTS:
                raise
            raise StoreFailed("another collector runs retention on this store") from None
    try:
        drop_held(client)
        yield
    finally:
        # An error of its own would hide the one that ended the run.
        with contextlib.suppress(StoreFailed), failures(""):
            drop_held(client)
            client.command(f"DROP TABLE IF EXISTS {STAGING} SYNC")


def drop_left_snapshot(client: Client, now: int) -> None:
    """Drop what a backup reads from when a kill left it; its parts would outlive their time.

    Raises:
        StoreFailed: it is unknown whether there is one, or it can't be dropped.
    """
    snapshot = f"{DATABASE}.{SNAPSHOT}"
    with failures("the store can't be prepared for retention"):
        if _is_stale(client, snapshot, now):
            client.command(f"DROP TABLE IF EXISTS {snapshot} SYNC")


def _is_stale(client: Client, table: str, now: int) -> bool:
    rows = client.query(
        "SELECT toUnixTimestamp(metadata_modification_time) FROM system.tables"
        " WHERE database = {database:String} AND name = {name:String}",
        parameters={"database": DATABASE, "name": table.removeprefix(f"{DATABASE}.")},
    ).result_rows
    return bool(rows) and rows[0][0] < now - _STALE_SECONDS
