"""Which moves `choose_hidden` asks for in one site's month, until it asks for none."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from anonymizer.hits import OTHER, SiteId
from anonymizer.policy import Grain, Policy, Statistic
from collector.retention.cells import Keys, Numbers, Spot, Table, is_guarded
from collector.retention.complement import choose_hidden
from collector.retention.moves import Judged, Partition
from collector.retention.sheet import NOTHING, plus, sum_of
from collector.retention.site_cells import Held, SiteCells, Standing
from collector.retention.site_days import first_second
from collector.schema.tables import cells_of

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


def choose_moves(cells: SiteCells, policy: Policy, *, rows: bool = False) -> Choice:
    """Return what leaves its place: cells of periods, or with `rows` month cells too.

    The cells are left as they stand after it.
    """
    named = {each.name: each for each in policy.statistics}
    held = cells.held
    choice = Choice([], dict(_judge([*held.items(), *cells.strays], named, cells.site)))
    # It ends: what is hidden has left its place for good, for its month or for `OTHER`, and what
    # stands under `OTHER` is never asked for. So each round leaves fewer cells to choose from.
    # Two rounds are usual, the last of which finds nothing; 4 were the most of 200 sites.
    while hidden := choose_hidden(
        _table(held), policy.statistics, policy.goals.values(), month_is_over=rows
    ):
        if rows and any(period is not None for _, period in hidden):
            break  # what came in late waits for the next run
        for spot, of_spot in hidden.items():
            choice.moves.extend(_move(held, named[spot[0]], spot, of_spot))
    return choice


def _move(held: Held, statistic: Statistic, spot: Spot, of_spot: Sequence[Keys]) -> Iterator[Move]:
    name, period = spot
    month = held.setdefault((name, None), {})
    rest = (OTHER,) * len(statistic.by)
    for keep_days, cells in held[spot].items():
        target = month.setdefault(keep_days, {})
        for keys in of_spot:
            sums = cells.pop(keys, None)
            if sums is None:
                continue
            to_keys = rest if period is None else keys
            before = target.get(to_keys)
            target[to_keys] = sums if before is None else plus(before, sums)
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


def _table(held: Held) -> Table:
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
    standing: Iterable[Standing], named: Mapping[str, Statistic], site: SiteId
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
