"""Files → cells: verified against the manifest before the table of counters becomes theirs.

Takes an empty store with its tables made. What the retention clock has ended is summed up for
the comparison in memory and never written.
"""

import gzip
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from msgspec import Struct

from anonymizer.hits import SiteId
from collector.backup.dump import COLUMNS, sum_cells
from collector.backup.engine import restore_by_engine
from collector.backup.manifest import BadBackup, Manifest, Sums
from collector.clock import DAY_SECONDS
from collector.retention.rules import Rule
from collector.retention.site_days import SiteDays
from collector.schema.tables import BATCH, DATABASE
from collector.store import failures

_LOADING = "backup_loading"
_RETURNED = "backup_returned"
_RESTORED = "backup_restored"
_FAILED = "the cells could not be restored"

_LONGEST = 65_535  # days that the column of a cell's label can hold

# A partition is a file or more; the engine's own bound is 100 partitions an insert.
_MANY_PARTITIONS = {"max_partitions_per_insert_block": 0}


class Clock(Struct, frozen=True):
    """When a cell's time is over, as retention has it."""

    rules: Mapping[str, Rule]
    """By statistic, as its cells name it."""
    days: SiteDays


class Loaded(Struct, frozen=True):
    """What came back, and what did not."""

    cells: int
    ended: int
    """Cells that were left out because their time is over."""


def is_empty(client: Client) -> bool:
    """Tell whether the store holds no cell.

    Raises:
        StoreFailed: it can't be read.
    """
    with failures("the store can't be read"):
        ((cells,),) = client.query(f"SELECT count() FROM {DATABASE}.cells").result_rows
    return not cells


def load_cells(
    client: Client,
    folder: Path,
    manifest: Manifest,
    clock: Clock,
    on_file: Callable[[int, int], None],
) -> Loaded:
    """Put a backup's cells into the store's empty table, all of them or none.

    `on_file` hears how many of how many files are done.

    Raises:
        BadBackup: a file can't be read, or the sums aren't the manifest's.
        StoreFailed: the store could not do it.
    """
    _drop_tables(client)
    try:
        with failures(_FAILED):
            client.command(f"CREATE TABLE {DATABASE}.{_RESTORED} AS {DATABASE}.cells")
        sums: Sums = {}
        cells = ended = 0
        if manifest.engine:
            restore_by_engine(client, manifest.engine, _RETURNED)
            sums = sum_cells(client, _RETURNED)
            cells, ended = _keep(client, _RETURNED, manifest, clock)
        else:
            with failures(_FAILED):
                client.command(
                    f"CREATE TABLE {DATABASE}.{_LOADING} AS {DATABASE}.cells ENGINE = Memory"
                )
        for number, file in enumerate(manifest.cells, start=1):
            _load_file(client, folder / file.name, file.name)
            _add(sums, sum_cells(client, _LOADING))
            kept_of_file, ended_of_file = _keep(client, _LOADING, manifest, clock)
            cells += kept_of_file
            ended += ended_of_file
            on_file(number, len(manifest.cells))
        if sums != manifest.sums:
            raise BadBackup("the sums of the cells are not those of the manifest")
        with failures(_FAILED):
            client.command(f"EXCHANGE TABLES {DATABASE}.{_RESTORED} AND {DATABASE}.cells")
        return Loaded(cells, ended)
    finally:
        _drop_tables(client)


def _load_file(client: Client, path: Path, name: str) -> None:
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error):
        raise BadBackup(f"{name} can't be unpacked") from None
    with failures(_FAILED):
        client.command(f"TRUNCATE TABLE {DATABASE}.{_LOADING}")
    try:
        client.raw_insert(f"{DATABASE}.{_LOADING}", COLUMNS, insert_block=content, fmt="Native")
    except ClickHouseError:
        raise BadBackup(f"{name} holds no cells") from None


def _keep(client: Client, table: str, manifest: Manifest, clock: Clock) -> tuple[int, int]:
    """Copy the cells of `table` whose time isn't over; tell how many these are, and the others."""
    columns = ", ".join(COLUMNS)
    # Batch counts are needed until their month is over; retention drops them with it.
    kept = (
        f"statistic = '{BATCH}' OR"
        " toInt64(toUnixTimestamp(toStartOfDay(period))) + 86400 * toInt64(least(keep_days,"
        " transform(toString(statistic), {names:Array(String)}, {days:Array(UInt16)}, keep_days)))"
        " > transform(toString(site), {sites:Array(String)}, {todays:Array(Int64)}, toInt64(0))"
    )
    sums = manifest.sums
    sites = sorted({site for of_statistic in sums.values() for site in of_statistic})
    parameters = {
        "names": list(sums),
        "days": [clock.rules[name].kept_seconds(_LONGEST) // DAY_SECONDS for name in sums],
        "sites": sites,
        "todays": [clock.days.today(SiteId(site)) for site in sites],
    }
    with failures(_FAILED):
        ((cells, ended),) = client.query(
            f"SELECT countIf({kept}), countIf(NOT ({kept})) FROM {DATABASE}.{table}",
            parameters=parameters,
        ).result_rows
        client.command(
            f"INSERT INTO {DATABASE}.{_RESTORED} ({columns})"
            f" SELECT {columns} FROM {DATABASE}.{table} WHERE {kept}",
            parameters=parameters,
            settings=_MANY_PARTITIONS,
        )
    return int(cells), int(ended)


def _add(sums: Sums, more: Sums) -> None:
    for statistic, sites in more.items():
        of_statistic = sums.setdefault(statistic, {})
        for site, measures in sites.items():
            before = of_statistic.get(site, (0,) * len(measures))
            a, b, c, d, e, f = map(sum, zip(before, measures, strict=True))
            of_statistic[site] = (a, b, c, d, e, f)
            if not any(of_statistic[site]):
                del of_statistic[site]
        if not of_statistic:
            del sums[statistic]


def _drop_tables(client: Client) -> None:
    with failures(_FAILED):
        for table in (_LOADING, _RETURNED, _RESTORED):
            client.command(f"DROP TABLE IF EXISTS {DATABASE}.{table} SYNC")
