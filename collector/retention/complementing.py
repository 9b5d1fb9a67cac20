"""Which moves `choose_hidden` asks for in one site's month, until it asks for none."""

from collections.abc import Iterable, Iterator, Sequence

from clickhouse_connect.driver.client import Client
from msgspec import Struct

from anonymizer.hits import OTHER, SiteId
from anonymizer.policy import Grain, Policy, Statistic
from collector.plan import is_coverage, is_machines
from collector.retention.cells import Keys, Numbers, Spot, Table, is_guarded
from collector.retention.complement import choose_hidden
from collector.retention.moves import Judged, Partition
from collector.retention.sheet import NOTHING, plus, sum_of
from collector.retention.site_days import SiteDays, first_second
from collector.schema.tables import DATABASE, MEASURES, cells_of
from collector.store import StoreFailed, failures

_MAX_ROUNDS = 100  # each moves at least one cell more; two are usual

# Constants are compared with the columns as they stand, or the primary key would not be used:
# 65 ms a site instead of 5 ms where there are 200.
_SQL = (
    "SELECT toString(statistic), toString(grain), toUnixTimestamp(period), keep_days, "
    + ", ".join(f"groupArray({column})" for column in ("k1", "k2", "k3"))
    + ", "
    + ", ".join(f"groupArray(of_{measure})" for measure in MEASURES)
    + " FROM (SELECT statistic, site, grain, period, keep_days, k1, k2, k3, "
    + ", ".join(f"sum({measure}) AS of_{measure}" for measure in MEASURES)
    + f" FROM {DATABASE}.cells WHERE toYYYYMM(period) = {{month:UInt32}} AND site = {{site:String}}"
    " AND statistic IN {names:Array(String)}"
    " AND (grain = 'month' OR toUnixTimestamp(period) < {closed:UInt32})"
    " GROUP BY statistic, site, period, grain, k1, k2, k3, keep_days"
    f" HAVING {' OR '.join(f'of_{measure} != 0' for measure in MEASURES)})"
    " GROUP BY statistic, grain, period, keep_days"
)

Row = tuple[object, ...]
"""A value for each of `moves.COLUMNS`."""


class Move(Struct, frozen=True):
    """What leaves one place for another, with the days for which it was to be kept."""

    statistic: Statistic
    keep_days: int
    period: int | None
    keys: Keys
    to_keys: Keys
    """The keys of the month cell that it is added to."""
    sums: Numbers


class Choice(Struct, frozen=True):
    """What is to be done about one site's month."""

    moves: list[Move]
    """Of cells that count enough visitors. They come before those that count too few, so that a
    run that ends in between leaves what the next needs to choose the same."""
    judged: dict[tuple[int, str, SiteId], Judged]
    """What the others of closed periods count, by days to keep, stored name and site."""


_Labels = dict[int, dict[Keys, Numbers]]
"""Cells of one place by the days for which they are kept."""

_Held = dict[Spot, _Labels]

_Standing = tuple[Spot, _Labels]


def choose_moves(
    client: Client, site: SiteId, month: int, policy: Policy, days: SiteDays, *, rows: bool = False
) -> Choice:
    """Return what leaves its place: cells of periods, or with `rows` month cells too.

    Raises:
        StoreFailed: the cells can't be read, or there is no end to it.
    """
    named = {
        each.name: each
        for each in policy.statistics
        if not (is_coverage(each) or is_machines(each))
    }
    held, strays = _read_cells(client, site, month, list(named.values()), days)
    choice = Choice([], dict(_judge([*held.items(), *strays], named, site)))
    for _ in range(_MAX_ROUNDS):
        hidden = choose_hidden(
            _table(held), policy.statistics, policy.goals.values(), month_is_over=rows
        )
        if not hidden or (rows and any(period is not None for _, period in hidden)):
            return choice  # what came in late waits for the next run
        for (name, period), of_spot in hidden.items():
            for keys in of_spot:
                choice.moves.extend(_move(held, named[name], period, keys))
    raise StoreFailed("there is no end to hiding small groups; the cells are as they were")


def _move(held: _Held, statistic: Statistic, period: int | None, keys: Keys) -> Iterator[Move]:
    to_keys = keys if period is not None else (OTHER,) * len(keys)
    for keep_days, cells in held[statistic.name, period].items():
        sums = cells.pop(keys, None)
        if sums is not None:
            target = held.setdefault((statistic.name, None), {}).setdefault(keep_days, {})
            target[to_keys] = plus(target.get(to_keys, NOTHING), sums)
            if sums[0] >= statistic.min_group:
                yield Move(statistic, keep_days, period, keys, to_keys, sums)


def rows_of(moves: Sequence[Move], site: SiteId, partition: Partition) -> list[Row]:
    """Return the two rows that each move adds to a partition, one after the other."""
    rows: list[Row] = []
    first = first_second(partition.month)
    for move in moves:
        if move.keep_days != partition.keep_days:
            continue
        head = (cells_of(move.statistic), move.keep_days)
        grain = Grain(move.statistic.grain).value if move.period is not None else "month"
        period = first if move.period is None else move.period
        out = tuple(-number for number in move.sums)
        rows.append((*head, grain, site, period, *_padded(move.keys), *out))
        rows.append((*head, "month", site, first, *_padded(move.to_keys), *move.sums))
    return rows


def _read_cells(
    client: Client, site: SiteId, month: int, statistics: Sequence[Statistic], days: SiteDays
) -> tuple[_Held, list[_Standing]]:
    """Return a site's cells, and apart from them those of a grain that was given up."""
    by_stored = {cells_of(each): each for each in statistics}
    with failures("the cells can't be read"):
        rows = client.query(
            _SQL,
            parameters={
                "month": month,
                "site": site,
                "closed": max(0, days.closed_before(site)),
                "names": list(by_stored),
            },
            settings={"optimize_aggregation_in_order": 1},
        ).result_rows
    held: _Held = {}
    strays: list[_Standing] = []
    for stored, grain, period, keep_days, k1, k2, k3, *measures in rows:
        statistic = by_stored[stored]
        spot = statistic.name, None if grain == "month" else int(period)
        words = (k1, k2, k3)[: len(statistic.by)]
        keys = zip(*words, strict=True) if words else [()]
        cells = dict(zip(keys, zip(*measures, strict=True), strict=True))
        if grain in ("month", statistic.grain.value):
            held.setdefault(spot, {})[int(keep_days)] = cells
        else:
            strays.append((spot, {int(keep_days): cells}))
    return held, strays


def _table(held: _Held) -> Table:
    return {spot: _merged(list(of.values())) for spot, of in held.items()}


def _merged(labels: Sequence[dict[Keys, Numbers]]) -> dict[Keys, Numbers]:
    if len(labels) == 1:
        return labels[0]
    cells: dict[Keys, Numbers] = {}
    for of in labels:
        for keys, numbers in of.items():
            cells[keys] = plus(cells.get(keys, NOTHING), numbers)
    return cells


def _judge(
    standing: Iterable[_Standing], named: dict[str, Statistic], site: SiteId
) -> Iterator[tuple[tuple[int, str, SiteId], Judged]]:
    small: dict[tuple[int, str], list[Numbers]] = {}
    for (name, period), labels in standing:
        statistic = named[name]
        if period is not None and is_guarded(statistic):
            for keep_days, cells in labels.items():
                of = [each for each in cells.values() if each[0] < statistic.min_group]
                small.setdefault((keep_days, cells_of(statistic)), []).extend(of)
    for (keep_days, stored), of in small.items():
        if of:
            yield (keep_days, stored, site), Judged(len(of), sum_of(of))


def _padded(keys: Keys) -> Keys:
    return (*keys, "", "", "")[:3]
