"""Cells of some sites, held in the engine's memory while it is chosen what becomes of them.

What leaves is taken from here, and so leaves as it was when the choice was made: what came in
since stays, and is found by the next look.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from clickhouse_connect.driver.client import Client
from msgspec import Struct

from anonymizer.hits import SiteId
from collector.retention.moves import ADDED_UP, STAGING, Partition
from collector.retention.site_days import first_second
from collector.schema.tables import DATABASE, MEASURES
from collector.store import failures

SLOTS = 3  # two are chosen from while one is filled
CELLS_AT_ONCE = 200_000
"""Of small sites together. A statement costs 10 ms and reads 8,192 rows of each statistic."""

_KEYS = ("k1", "k2", "k3")
_PLACE = "keep_days = {keep_days:UInt16} AND toYYYYMM(period) = {month:UInt32}"
_ASKED = "site IN {sites:Array(String)} AND statistic IN {names:Array(String)}"
_IS_CLOSED = (
    "toInt64(toUnixTimestamp(period)) < transform(toString(site), {sites:Array(String)},"
    " {closed:Array(Int64)}, toInt64(0))"
)
_IS_ANY = " OR ".join(f"{measure} != 0" for measure in MEASURES)
_JSON: dict[str, str | int] = {
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_escape_forward_slashes": 0,
}
_IS_SMALL = (
    "keep_days = {keep_days:UInt16} AND grain != 'month' AND visitors < transform("
    "toString(statistic), {names:Array(String)}, {sizes:Array(Int64)}, toInt64(0))"
)


class Bundle(Struct, frozen=True):
    """Sites whose cells are held together."""

    sites: list[SiteId]
    cells: int


def drop_held(client: Client) -> None:
    """Drop what is held.

    Raises:
        StoreFailed: it can't be dropped.
    """
    with failures("the store can't be prepared for retention"):
        for slot in range(SLOTS):
            client.command(f"DROP TABLE IF EXISTS {_table(slot)} SYNC")


def bundles_of(
    client: Client, sites: Sequence[SiteId], month: int, names: Collection[str]
) -> list[Bundle]:
    """Return the sites by how many are held together: small ones many, a large one alone.

    Raises:
        StoreFailed: the cells can't be read.
    """
    with failures("the cells can't be read"):
        rows = client.query(
            f"SELECT toString(site), count() FROM {DATABASE}.cells"
            f" WHERE toYYYYMM(period) = {{month:UInt32}} AND {_ASKED} GROUP BY site",
            parameters={"month": month, "sites": list(sites), "names": list(names)},
        ).result_rows
    counts = {SiteId(site): int(cells) for site, cells in rows}
    return list(_bundles(sites, counts))


def _bundles(sites: Sequence[SiteId], counts: Mapping[SiteId, int]) -> Iterator[Bundle]:
    some: list[SiteId] = []
    cells = 0
    for site in sites:
        of_site = counts.get(site, 0)
        if not of_site:
            continue
        if some and cells + of_site > CELLS_AT_ONCE:
            yield Bundle(some, cells)
            some, cells = [], 0
        some.append(site)
        cells += of_site
    if some:
        yield Bundle(some, cells)


def hold_cells(
    client: Client,
    slot: int,
    partitions: Sequence[Partition],
    names: Collection[str],
    closed: Mapping[SiteId, int],
) -> bytes:
    """Hold all cells of closed periods and of the month, and return them as lines of JSON.

    `closed` is, for each site, the local second before which its periods are closed.

    Raises:
        StoreFailed: the cells can't be read.
    """
    table = _table(slot)
    columns = ", ".join(("statistic", "keep_days", "grain", "site", "period", *_KEYS, *MEASURES))
    with failures("the cells can't be read"):
        client.command(f"CREATE TABLE IF NOT EXISTS {table} AS {DATABASE}.cells ENGINE = Memory")
        client.command(f"TRUNCATE TABLE {table}")
        for partition in partitions:
            # Of one partition: FINAL adds up cells of the same keys, whatever their label.
            client.command(
                f"INSERT INTO {table} SELECT {columns} FROM {DATABASE}.cells FINAL"
                f" WHERE {_PLACE} AND {_ASKED} AND (grain = 'month' OR {_IS_CLOSED})"
                f" AND ({_IS_ANY})",
                parameters={
                    "keep_days": partition.keep_days,
                    "month": partition.month,
                    "names": list(names),
                    "sites": list(closed),
                    "closed": [max(0, of) for of in closed.values()],
                },
                settings={**ADDED_UP, "optimize_move_to_prewhere_if_final": 1},
            )
        arrays = [
            f"tuple({', '.join(f'groupArray({column})' for column in of)})"
            for of in (_KEYS, MEASURES)
        ]
        return client.raw_query(
            "SELECT site, statistic, grain, toUnixTimestamp(period), keep_days,"
            f" {', '.join(arrays)} FROM {table}"
            " GROUP BY site, statistic, grain, period, keep_days",
            settings=_JSON,
            fmt="JSONCompactEachRow",
        )


def stage_small(
    client: Client,
    slot: int,
    partition: Partition,
    sizes: Mapping[str, int],
    sites: Mapping[SiteId, bool],
) -> None:
    """Add to `STAGING` what takes the held cells away that are under the size of their statistic.

    `sites` tells of each whether its month is over: else they are added to the month as well.

    Raises:
        StoreFailed: nothing of it was put into the cells.
    """
    is_small = f"{_ASKED} AND {_IS_SMALL}"
    minus = ", ".join(f"-{measure}" for measure in MEASURES)
    keys = ", ".join(_KEYS)
    bound: dict[str, object] = {
        "keep_days": partition.keep_days,
        "names": list(sizes),
        "sizes": list(sizes.values()),
        "sites": list(sites),
    }
    with failures("moves of cells could not be staged"):
        client.command(
            f"INSERT INTO {STAGING} SELECT statistic, keep_days, grain, site, period, {keys},"
            f" {minus} FROM {_table(slot)} WHERE {is_small}",
            parameters=bound,
        )
        if going_on := [site for site, is_over in sites.items() if not is_over]:
            client.command(
                f"INSERT INTO {STAGING} SELECT statistic, keep_days, 'month', site,"
                f" toDateTime({{first:UInt32}}, 'UTC'), {keys}, {', '.join(MEASURES)}"
                f" FROM {_table(slot)} WHERE {is_small}",
                parameters={
                    **bound,
                    "sites": going_on,
                    "first": first_second(partition.month),
                },
            )


def _table(slot: int) -> str:
    return f"{DATABASE}.held_{slot}"
