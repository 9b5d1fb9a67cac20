"""Cells → files: what the table of counters holds, in ClickHouse's Native format.

Read through the client, so that an embedded engine and a server give the same files. Read from
a snapshot, so that hits go on into the store meanwhile.
"""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

from clickhouse_connect.driver.client import Client

from collector.backup.manifest import CELLS, BackupFile, Sums
from collector.schema.tables import DATABASE, MEASURES
from collector.store import failures

KEY = ("statistic", "site", "period", "grain", "k1", "k2", "k3")
COLUMNS = ("keep_days", *KEY, *MEASURES)

# A file is held in memory once, as it is read and as it is loaded again: some 25 MB.
_MOST_ROWS = 250_000

# Sorted, cells pack to a third of what they take unsorted; harder packing saves little more.
_GZIP_LEVEL = 1

_FAILED = "the cells could not be read"

SNAPSHOT = "backup_reading"
"""The table in which the cells stand still while they are read."""


def take_snapshot(client: Client) -> None:
    """Let the cells stand still in `SNAPSHOT`; no batch may be under way.

    The parts of the table get a second name on disk, none is copied: 2,000,000 cells in 46
    partitions took 0.02 s.

    Raises:
        StoreFailed: the store could not do it.
    """
    drop_snapshot(client)
    with failures(_FAILED):
        client.command(f"CREATE TABLE {DATABASE}.{SNAPSHOT} AS {DATABASE}.cells")
        client.command(
            f"ALTER TABLE {DATABASE}.{SNAPSHOT} ATTACH PARTITION ALL FROM {DATABASE}.cells"
        )


def drop_snapshot(client: Client) -> None:
    """Drop the snapshot, also one that a kill left; its parts would outlive their time.

    Raises:
        StoreFailed: the store could not do it.
    """
    with failures("the snapshot of a backup could not be dropped"):
        client.command(f"DROP TABLE IF EXISTS {DATABASE}.{SNAPSHOT} SYNC")


def sum_cells(client: Client, table: str) -> Sums:
    """Return the sums of every measure by statistic and site.

    Where all six are 0 there is no entry: the engine drops such cells when it merges.
    """
    sums: Sums = {}
    totals = ", ".join(f"sum({measure})" for measure in MEASURES)
    any_of_them = " OR ".join(f"sum({measure}) != 0" for measure in MEASURES)
    with failures(_FAILED):
        rows = client.query(
            f"SELECT toString(statistic) AS name, toString(site) AS of_site, {totals}"
            f" FROM {DATABASE}.{table} GROUP BY name, of_site HAVING {any_of_them}"
            " ORDER BY name, of_site"
        ).result_rows
    for statistic, site, *measures in rows:
        visitors, visits, views, bounces, seconds, hits = map(int, measures)
        sums.setdefault(statistic, {})[site] = (visitors, visits, views, bounces, seconds, hits)
    return sums


def dump_cells(
    client: Client, folder: Path, on_rows: Callable[[int, int], None]
) -> tuple[BackupFile, ...]:
    """Write the snapshot's cells below `folder`, a file a partition or several.

    Returns the files with their checksums. `on_rows` hears how many of how many rows are read.

    Raises:
        StoreFailed: the store can't be read.
    """
    (folder / CELLS).mkdir(mode=0o700)
    with failures(_FAILED):
        partitions = client.query(
            "SELECT keep_days, toYYYYMM(period) AS month, count()"
            f" FROM {DATABASE}.{SNAPSHOT} GROUP BY keep_days, month ORDER BY keep_days, month"
        ).result_rows
    total = sum(rows for _, _, rows in partitions)
    files: list[BackupFile] = []
    done = 0
    for keep_days, month, rows in partitions:
        pieces = -(-rows // _MOST_ROWS)
        for piece in range(pieces):
            name = f"{CELLS}/{keep_days}-{month}-{piece}.native.gz"
            content = _pack(_read_piece(client, keep_days, month, piece, pieces))
            (folder / name).write_bytes(content)
            files.append(BackupFile(name, hashlib.sha256(content).hexdigest()))
            on_rows(done + rows * (piece + 1) // pieces, total)
        done += rows
    return tuple(files)


def _read_piece(client: Client, keep_days: int, month: int, piece: int, pieces: int) -> bytes:
    # FINAL adds up what no merge has yet. Its filter names columns of the key alone, so that
    # it can't tell apart what belongs together.
    with failures(_FAILED):
        return client.raw_query(
            f"SELECT {', '.join(COLUMNS)} FROM {DATABASE}.{SNAPSHOT} FINAL"
            " WHERE keep_days = {keep_days:UInt16} AND toYYYYMM(period) = {month:UInt32}"
            f" AND sipHash64({', '.join(KEY)}) % {{pieces:UInt32}} = {{piece:UInt32}}"
            f" ORDER BY {', '.join(KEY)}",
            parameters={
                "keep_days": keep_days,
                "month": month,
                "pieces": pieces,
                "piece": piece,
            },
            fmt="Native",
        )


def _pack(content: bytes) -> bytes:
    return gzip.compress(content, _GZIP_LEVEL, mtime=0)
