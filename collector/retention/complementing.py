"""Which moves `choose_hidden` asks for in one site's month, until it asks for none."""

from collections.abc import Sequence

from clickhouse_connect.driver.client import Client
from msgspec import Struct

from anonymizer.hits import OTHER, SiteId
from anonymizer.policy import Grain, Statistic
from collector.plan import is_coverage, is_machines
from collector.retention.cells import Cell
from collector.retention.complement import choose_hidden
from collector.retention.moves import Partition
from collector.retention.site_days import SiteDays, first_second
from collector.schema.tables import DATABASE, MEASURES, cells_of
from collector.store import StoreFailed, failures

_MAX_ROUNDS = 100  # each hides at least one cell more; a handful is usual

_SQL = (
    "SELECT toString(statistic), grain = 'month', toUnixTimestamp(period), k1, k2, k3, keep_days, "
    + ", ".join(f"sum({measure}) AS of_{measure}" for measure in MEASURES)
    + f" FROM {DATABASE}.cells WHERE toYYYYMM(period) = {{month:UInt32}} AND site = {{site:String}}"
    " AND (toString(statistic), toString(grain)) IN"
    " (SELECT arrayJoin(arrayZip({names:Array(String)}, {grains:Array(String)})))"
    " AND (grain = 'month' OR toUnixTimestamp(period) < {closed:UInt32})"
    " GROUP BY statistic, grain, period, k1, k2, k3, keep_days"
    f" HAVING {' OR '.join(f'of_{measure} != 0' for measure in MEASURES)}"
)

Row = tuple[object, ...]
"""A value for each of `moves.COLUMNS`."""

Sums = tuple[int, ...]
"""A number for each of `MEASURES`."""


class Move(Struct, frozen=True):
    """What leaves one place for another, with the days for which it was to be kept."""

    statistic: Statistic
    keep_days: int
    period: int | None
    keys: tuple[str, ...]
    to_keys: tuple[str, ...]
    """The keys of the month cell that it is added to."""
    sums: Sums


_Place = tuple[str, int | None, tuple[str, ...]]


def choose_moves(
    client: Client, site: SiteId, month: int, statistics: Sequence[Statistic], days: SiteDays
) -> list[Move]:
    """Return the moves that leave no more to ask for, in the order in which to make them.

    Raises:
        StoreFailed: the cells can't be read, or there is no end to it.
    """
    counting = [each for each in statistics if not (is_coverage(each) or is_machines(each))]
    cells = _read_cells(client, site, month, counting, days)
    named = {each.name: each for each in counting}
    moves: list[Move] = []
    for _ in range(_MAX_ROUNDS):
        if not cells:
            return moves
        places = list(cells)
        hidden = choose_hidden(
            [_cell(place, cells[place]) for place in places],
            statistics,
            month_is_over=days.is_over(site, month),
        )
        if not hidden:
            return moves
        for index in sorted(hidden):
            name, period, keys = place = places[index]
            to_keys = keys if period is not None else (OTHER,) * len(keys)
            target = cells.setdefault((name, None, to_keys), {})
            for keep_days, sums in cells.pop(place).items():
                moves.append(Move(named[name], keep_days, period, keys, to_keys, sums))
                before = target.get(keep_days, (0,) * len(MEASURES))
                target[keep_days] = tuple(map(sum, zip(before, sums, strict=True)))
    raise StoreFailed("there is no end to hiding small groups; the cells are as they were")


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
) -> dict[_Place, dict[int, Sums]]:
    with failures("the cells can't be read"):
        rows = client.query(
            _SQL,
            parameters={
                "month": month,
                "site": site,
                "closed": max(0, days.closed_before(site)),
                "names": [cells_of(each) for each in statistics] * 2,
                "grains": [each.grain.value for each in statistics] + ["month"] * len(statistics),
            },
        ).result_rows
    by_stored = {cells_of(each): each for each in statistics}
    cells: dict[_Place, dict[int, Sums]] = {}
    for stored, is_of_month, period, k1, k2, k3, keep_days, *sums in rows:
        statistic = by_stored[stored]
        keys = (k1, k2, k3)[: len(statistic.by)]
        place = (statistic.name, None if is_of_month else int(period), keys)
        cells.setdefault(place, {})[int(keep_days)] = tuple(sums)
    return cells


def _cell(place: _Place, held: dict[int, Sums]) -> Cell:
    return Cell(*place, *map(sum, zip(*held.values(), strict=True)))


def _padded(keys: tuple[str, ...]) -> tuple[str, ...]:
    return (*keys, "", "", "")[:3]
