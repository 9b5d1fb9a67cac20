"""Cells that leave their place: staged in memory, checked, put in by one insert.

Cells add up, so a cell leaves by a row that takes away what it holds, and a merge of its
partition removes both. That needs no swap: an insert is in place whole or not at all, and
hits that come in meanwhile add to what is there (docs/decisions/0013).
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from clickhouse_connect.driver.client import Client
from msgspec import Struct

from anonymizer.hits import OTHER, SiteId
from collector.retention.rules import Rule
from collector.retention.site_days import SiteDays, first_second
from collector.schema.tables import BATCH, DATABASE, MEASURES
from collector.store import StoreFailed, failures

STAGING = f"{DATABASE}.moves"
COLUMNS = ("statistic", "keep_days", "grain", "site", "period", "k1", "k2", "k3", *MEASURES)

MAX_STAGED_CELLS = 200_000  # about 60 MB in memory

# One block is one part, and a part is in place whole or not at all.
_ONE_PART: dict[str, str | int] = {
    "async_insert": 0,
    "max_insert_threads": 1,
    "min_insert_block_size_rows": 10**12,
    "min_insert_block_size_bytes": 0,
}
# With FINAL: one part, in which all is added up, is read as it is. With GROUP BY in the order of
# the table it took 25 times as long.
ADDED_UP = {"do_not_merge_across_partitions_select_final": 1}
_ANY_SITE = SiteId("")  # the last to end a month
_ANY = " OR ".join(f"of_{measure} != 0" for measure in MEASURES)
_OTHERS = tuple(f"if(width >= {number}, '{OTHER}', '')" for number in (1, 2, 3))


class Leaving(StrEnum):
    """Why cells leave their place."""

    FOR_MONTH = "for_month"
    """Too few visitors, and the day is closed."""
    FOR_OTHER = "for_other"
    """Too few visitors for the month, and the month is over."""
    FOR_GOOD = "for_good"
    """Their time is over."""


class Partition(Struct, frozen=True, order=True):
    """Cells of one month that were counted to be kept equally long."""

    month: int
    """Such as 202603."""
    keep_days: int

    @property
    def id(self) -> str:
        """Return ClickHouse's name for it."""
        return f"{self.keep_days}-{self.month}"


Pair = tuple[str, SiteId]
"""The name under which cells stand, and their site."""


class Found(Struct, frozen=True):
    """What stands in a partition, and what holds for it."""

    partition: Partition
    rules: Mapping[str, Rule]
    sites: Sequence[SiteId]
    days: SiteDays
    batches: int
    """How many batches of hits it had taken in."""

    def parameters(self) -> dict[str, Any]:
        """Return what every statement on the partition is bound to."""
        month, label = self.partition.month, self.partition.keep_days
        return {
            "month": month,
            "keep_days": label,
            "first": first_second(month),
            "names": list(self.rules),
            "sizes": [rule.min_group for rule in self.rules.values()],
            "widths": [rule.width for rule in self.rules.values()],
            "kept": [rule.kept_seconds(label) for rule in self.rules.values()],
            "sites": list(self.sites),
            "closed": [self.days.closed_before(site) for site in self.sites],
            "over": [int(self.days.is_over(site, month)) for site in self.sites],
            "today": [self.days.today(site) for site in self.sites],
        }


def _of(column: str, names: str, values: str, else_: int = 0) -> str:
    return (
        f"transform(toString({column}), {{{names}:Array(String)}},"
        f" {{{values}:Array(Int64)}}, toInt64({else_}))"
    )


# What came in since sites and statistics were listed stays for the next run. An hour goes with
# its day.
_IS_OVERDUE = (
    f"toInt64(toUnixTimestamp(toStartOfDay(period))) + {_of('statistic', 'names', 'kept', 10**12)}"
    f" <= {_of('site', 'sites', 'today')}"
)
_PLACE = (
    "keep_days = {keep_days:UInt16} AND toYYYYMM(period) = {month:UInt32}"
    f" AND statistic != '{BATCH}'"
)
_IS_CLOSED = f"toInt64(toUnixTimestamp(period)) < {_of('site', 'sites', 'closed')}"
_IS_OVER = f"{_of('site', 'sites', 'over')} = 1"
_LEAVES = {
    Leaving.FOR_MONTH: (f"grain != 'month' AND size > 0 AND {_IS_CLOSED}", "of_visitors < size"),
    Leaving.FOR_OTHER: (
        (
            f"grain = 'month' AND size > 0 AND width > 0 AND {_IS_OVER}"
            f" AND (k1, k2, k3) != ({', '.join(_OTHERS)})"
        ),
        "of_visitors < size",
    ),
    Leaving.FOR_GOOD: (_IS_OVERDUE, "1"),
}
_STAGED = "(staged)"
_OUT = "(toString(grain), toUnixTimestamp(period), k1, k2, k3, toInt64(-1))"
_LEGS = {
    Leaving.FOR_MONTH: (_OUT, "('month', toUInt32({first:UInt32}), k1, k2, k3, toInt64(1))"),
    Leaving.FOR_OTHER: (
        _OUT,
        f"('month', toUnixTimestamp(period), {', '.join(_OTHERS)}, toInt64(1))",
    ),
    Leaving.FOR_GOOD: (_OUT,),
}


def _leaving(why: Leaving, pairs: str = "") -> str:
    where, having = _LEAVES[why]
    sums = ", ".join(f"{measure} AS of_{measure}" for measure in MEASURES)
    return (
        "SELECT statistic, {keep_days:UInt16} AS label, grain, site, period, k1, k2, k3,"
        f" {_of('statistic', 'names', 'sizes')} AS size,"
        f" {_of('statistic', 'names', 'widths')} AS width, {sums}"
        # Of one partition: FINAL adds up cells of the same keys, whatever their label.
        f" FROM {DATABASE}.cells FINAL WHERE {_PLACE} AND {where}{pairs} AND {having} AND ({_ANY})"
    )


def count_leaving(
    client: Client, why: Leaving, found: Found, names: Sequence[str] | None = None
) -> dict[Pair, int]:
    """Return how many cells would leave a partition, of these names or of all, by name and site.

    Raises:
        StoreFailed: the store can't be read.
    """
    names = list(found.rules) if names is None else names
    with failures("the cells can't be read"):
        rows = client.query(
            "SELECT toString(statistic) AS name, toString(site), count() FROM"
            f" ({_leaving(why, ' AND statistic IN {asked:Array(String)}')})"
            " GROUP BY statistic, site ORDER BY statistic, site",
            parameters={**found.parameters(), "asked": names},
            settings=ADDED_UP,
        ).result_rows
    return {(str(name), SiteId(site)): int(count) for name, site, count in rows}


def in_slices(counts: Mapping[Pair, int]) -> Iterator[list[Pair]]:
    """Yield the pairs, in the order of the table, as many at once as may be staged together."""
    pairs: list[Pair] = []
    cells = 0
    for pair in sorted(counts):
        if pairs and cells + counts[pair] > MAX_STAGED_CELLS:
            yield pairs
            pairs, cells = [], 0
        pairs.append(pair)
        cells += counts[pair]
    if pairs:
        yield pairs


def stage_leaving(client: Client, why: Leaving, found: Found, pairs: Sequence[Pair]) -> None:
    """Write into `STAGING` what the moves of some names and sites add where.

    Raises:
        StoreFailed: nothing of it was put into the cells.
    """
    legs = ", ".join(_LEGS[why])
    sums = ", ".join(f"of_{measure} * leg.6" for measure in MEASURES)
    # Both columns by themselves, so that the primary key is used; then both together.
    chosen = (
        " AND statistic IN {of_names:Array(String)} AND site IN {of_sites:Array(String)}"
        " AND (toString(statistic), toString(site)) IN (SELECT pair.1, pair.2 FROM (SELECT"
        " arrayJoin(arrayZip({pair_names:Array(String)}, {pair_sites:Array(String)})) AS pair))"
    )
    names, sites = zip(*pairs, strict=True)
    with failures("moves of cells could not be staged"):
        _empty_staging(client)
        client.command(
            f"INSERT INTO {STAGING} SELECT statistic, label, leg.1, site, leg.2, leg.3,"
            f" leg.4, leg.5, {sums} FROM ({_leaving(why, chosen)}) ARRAY JOIN [{legs}] AS leg",
            parameters={
                **found.parameters(),
                "of_names": sorted(set(names)),
                "of_sites": sorted(set(sites)),
                "pair_names": list(names),
                "pair_sites": list(sites),
            },
            settings=ADDED_UP,
        )


def stage_rows(client: Client, rows: Sequence[Sequence[object]]) -> None:
    """Write rows of `COLUMNS` into `STAGING`.

    Raises:
        StoreFailed: nothing of it was put into the cells.
    """
    with failures("moves of cells could not be staged"):
        _empty_staging(client)
        if rows:
            client.insert(STAGING, rows, COLUMNS)


def _empty_staging(client: Client) -> None:
    client.command(f"TRUNCATE TABLE {STAGING}")
    # A server that starts anew forgets the table's rows, and this one with them.
    client.command(f"INSERT INTO {STAGING} (statistic) VALUES ('{_STAGED}')")


def put_staged(client: Client, partition: Partition, *, keeps_sums: bool) -> None:
    """Add what is staged to the cells: all of it, or nothing when the process is killed.

    Raises:
        StoreFailed: it does not add up, or belongs elsewhere; or it is unknown whether it was
            added, which the next run sees.
    """
    sums = " OR ".join(f"sum({measure}) != 0" for measure in MEASURES)
    astray = "keep_days != {keep_days:UInt16} OR toYYYYMM(period) != {month:UInt32}"
    changed = f"{sums} OR countIf({astray}) > 0" if keeps_sums else f"countIf({astray}) > 0"
    with failures("moves of cells could not be put in place"):
        ((is_whole, wrong),) = client.query(
            f"SELECT (SELECT count() = 1 FROM {STAGING} WHERE statistic = '{_STAGED}'), count()"
            f" FROM (SELECT statistic, site FROM {STAGING} WHERE statistic != '{_STAGED}'"
            f" GROUP BY statistic, site HAVING {changed})",
            parameters={"keep_days": partition.keep_days, "month": partition.month},
        ).result_rows
        if not is_whole:
            raise StoreFailed("the store forgot what was to be moved; the cells are as they were")
        if wrong:
            raise StoreFailed(
                f"moving small groups would change {wrong} sums; the cells are as they were"
            )
        # What moves tonight may look like what moved last night, and is not the same insert.
        token = secrets.token_hex(8)
        client.command(
            f"INSERT INTO {DATABASE}.cells SELECT * FROM {STAGING} WHERE statistic != '{_STAGED}'",
            settings={**_ONE_PART, "insert_deduplication_token": token},
        )


def is_all_overdue(client: Client, found: Found) -> bool:
    """Tell whether no cell of a partition is to be kept any longer.

    Raises:
        StoreFailed: the store can't be read.
    """
    month = found.partition.month
    if not all(found.days.is_over(site, month) for site in (*found.sites, _ANY_SITE)):
        return False  # batches of the running month are still told by their count
    # Where batch counts alone were found, whatever came in since is kept.
    kept_still = f"NOT ({_IS_OVERDUE})" if found.rules else "1"
    with failures("the cells can't be read"):
        ((kept,),) = client.query(
            f"SELECT count() FROM {DATABASE}.cells WHERE {_PLACE} AND {kept_still}",
            parameters=found.parameters(),
        ).result_rows
    return not kept
