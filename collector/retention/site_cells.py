"""A month's cells as they are read for the choice of hidden ones, site by site."""

from collections.abc import Iterator, Sequence

from clickhouse_connect.driver.client import Client
from msgspec import Struct

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from collector.plan import is_coverage, is_machines
from collector.retention.cells import Keys, Numbers, Spot
from collector.retention.site_days import SiteDays
from collector.schema.tables import DATABASE, MEASURES, cells_of
from collector.store import failures

# A question costs 40 ms, whatever it finds: for 200 small sites more than all else. What is read
# at once takes 1 kB a cell.
_CELLS_AT_ONCE = 50_000

_PLACE = (
    "toYYYYMM(period) = {month:UInt32} AND site IN {sites:Array(String)}"
    " AND statistic IN {names:Array(String)}"
)
_COUNTS = f"SELECT toString(site), count() FROM {DATABASE}.cells WHERE {_PLACE} GROUP BY site"
_CLOSED = "transform(toString(site), {sites:Array(String)}, {closed:Array(Int64)}, toInt64(0))"

# Names are compared with the columns as they stand, or the primary key would not be used.
_SQL = (
    "SELECT toString(site), toString(statistic), toString(grain), toUnixTimestamp(period),"
    " keep_days, "
    + ", ".join(f"groupArray({column})" for column in ("k1", "k2", "k3"))
    + ", "
    + ", ".join(f"groupArray(of_{measure})" for measure in MEASURES)
    + " FROM (SELECT statistic, site, grain, period, keep_days, k1, k2, k3, "
    + ", ".join(f"sum({measure}) AS of_{measure}" for measure in MEASURES)
    + f" FROM {DATABASE}.cells WHERE {_PLACE}"
    f" AND (grain = 'month' OR toInt64(toUnixTimestamp(period)) < {_CLOSED})"
    " GROUP BY statistic, site, period, grain, k1, k2, k3, keep_days"
    f" HAVING {' OR '.join(f'of_{measure} != 0' for measure in MEASURES)})"
    " GROUP BY site, statistic, grain, period, keep_days"
)

Labels = dict[int, dict[Keys, Numbers]]
"""Cells of one place by the days for which they are kept."""

Held = dict[Spot, Labels]

Standing = tuple[Spot, Labels]


class SiteCells(Struct, frozen=True):
    """What stands in one site's month, but for what is neither closed nor held to a size."""

    site: SiteId
    held: Held
    strays: list[Standing]
    """Cells of a grain that was given up."""


def read_site_cells(
    client: Client, sites: Sequence[SiteId], month: int, policy: Policy, days: SiteDays
) -> Iterator[SiteCells]:
    """Yield the cells of each site's month, of small sites several at a time.

    Raises:
        StoreFailed: the cells can't be read.
    """
    by_stored = {
        cells_of(each): (each.name, each.grain.value, len(each.by))
        for each in policy.statistics
        if not (is_coverage(each) or is_machines(each))
    }
    asked: dict[str, object] = {"month": month, "sites": list(sites), "names": list(by_stored)}
    with failures("the cells can't be read"):
        rows = client.query(_COUNTS, parameters=asked).result_rows
    counts = {SiteId(site): int(cells) for site, cells in rows}
    for some in _in_bundles(sites, counts):
        asked["sites"] = some
        asked["closed"] = [max(0, days.closed_before(site)) for site in some]
        with failures("the cells can't be read"):
            rows = client.query(
                _SQL, parameters=asked, settings={"optimize_aggregation_in_order": 1}
            ).result_rows
        found = {site: SiteCells(site, {}, []) for site in some}
        for site, stored, grain, period, keep_days, k1, k2, k3, *measures in rows:
            name, own_grain, width = by_stored[stored]
            words = (k1, k2, k3)[:width]
            keys = zip(*words, strict=True) if words else [()]
            cells = dict(zip(keys, zip(*measures, strict=True), strict=True))
            spot = name, None if grain == "month" else int(period)
            if grain in ("month", own_grain):
                found[site].held.setdefault(spot, {})[int(keep_days)] = cells
            else:
                found[site].strays.append((spot, {int(keep_days): cells}))
        del rows
        while found:
            yield found.pop(next(iter(found)))


def _in_bundles(sites: Sequence[SiteId], counts: dict[SiteId, int]) -> Iterator[list[SiteId]]:
    some: list[SiteId] = []
    cells = 0
    for site in sites:
        if some and cells + counts.get(site, 0) > _CELLS_AT_ONCE:
            yield some
            some, cells = [], 0
        some.append(site)
        cells += counts.get(site, 0)
    if some:
        yield some
