"""Which moves `choose_hidden` asks for in one site's month, until it asks for none."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from anonymizer.hits import OTHER, LocalSeconds
from anonymizer.policy import Goal, Grain, Statistic
from collector.retention.cells import Keys, Numbers, Table, is_guarded
from collector.retention.complement import choose_hidden
from collector.retention.sheet import NOTHING, is_rest, minus, plus
from collector.retention.site_cells import Held, SiteCells, count_small
from collector.schema.tables import cells_of

Row = tuple[str, int, str, str, int, str, str, str, int, int, int, int, int, int]
"""A value for each of `moves.COLUMNS`."""


class Declared(Struct, frozen=True):
    """What of a policy the choice goes by."""

    statistics: tuple[Statistic, ...]
    goals: tuple[Goal, ...]


class Move(Struct, frozen=True):
    """What leaves one place for another, with the days for which it was to be kept."""

    statistic: Statistic
    keep_days: int
    period: int | None
    keys: Keys
    to_keys: Keys
    """The keys of the month cell that it is added to."""
    sums: Numbers


class Folded(Struct, frozen=True):
    """What becomes of one site's month."""

    site: str
    moves: list[Row]
    """Of cells of periods that count enough visitors, two rows each. They come before those that
    count too few, so that a run that ends in between leaves what the next needs to choose the
    same."""
    month: list[Row]
    """Once the month is over: what those that count too few add to month cells, as far as these
    stay, and what leaves these for `OTHER`."""
    small: list[tuple[int, str, int]]
    """How many cells of periods count too few, by days to keep and the name they stand under."""
    to_month: dict[str, int]
    to_other: dict[str, int]
    """How many cells leave for either, by statistic's name."""


def fold_site(
    cells: SiteCells, declared: Declared, first: LocalSeconds, *, is_over: bool
) -> Folded:
    """Return what becomes of a site's month that begins at `first`. The cells are left used up."""
    guarded = {each.name: each for each in declared.statistics if is_guarded(each)}
    counts = list(count_small(cells, {name: each.min_group for name, each in guarded.items()}))
    small = [(keep_days, cells_of(guarded[name]), count) for keep_days, name, count in counts]
    before = {
        spot: {keep_days: dict(of) for keep_days, of in labels.items()}
        for spot, labels in cells.held.items()
        if is_over and spot[1] is None
    }
    moves, to_other = choose_moves(cells, declared, is_over=is_over)
    folded = Folded(cells.site, rows_of(moves, cells.site, first), [], small, {}, to_other)
    for _, name, count in counts:
        folded.to_month[name] = folded.to_month.get(name, 0) + count
    for move in moves:
        name = move.statistic.name
        folded.to_month[name] = folded.to_month.get(name, 0) + 1
    if is_over:
        _leave_small_months(cells.held, guarded, folded.to_other)
        for move in moves:
            labels = before.setdefault((move.statistic.name, None), {})
            _add(labels.setdefault(move.keep_days, {}), move.to_keys, move.sums)
        folded.month.extend(_changes(before, cells, guarded, first))
    return folded


def choose_moves(
    cells: SiteCells, declared: Declared, *, is_over: bool
) -> tuple[list[Move], dict[str, int]]:
    """Choose what leaves its place, of periods and, once the month `is_over`, of the month too.

    The cells are left as they stand after it.

    Returns:
        What leaves its period though it counts enough, and how many cells leave for `OTHER`, by
        statistic's name.
    """
    named = {each.name: each for each in declared.statistics}
    held = cells.held
    moves: list[Move] = []
    to_other: dict[str, int] = {}
    # What is small by its label or grain alone is not small to `choose_hidden`, and leaves before
    # any month is looked at.
    is_parted = bool(cells.strays) or any(len(labels) > 1 for labels in held.values())
    looks_at_months = is_over and not is_parted
    is_settled = False
    # It ends: what is hidden has left its place for good, for its month or for `OTHER`, and what
    # stands under `OTHER` is never asked for. So each round leaves fewer cells to choose from.
    # Two rounds are usual, the last of which finds nothing; 4 were the most of 200 sites.
    while True:
        hidden = choose_hidden(
            _table(held), declared.statistics, declared.goals, month_is_over=looks_at_months
        )
        of_months = any(period is None for _, period in hidden)
        if not hidden and looks_at_months is not is_over:
            _leave_small(cells, named)
            looks_at_months = is_settled = True
        elif not hidden or (is_settled and not of_months):
            return moves, to_other  # what is left of periods waits for the next run
        else:
            is_settled = of_months
            for (name, period), of_spot in hidden.items():
                left = _move(held, named[name], period, of_spot)
                if period is None:
                    to_other[name] = to_other.get(name, 0) + len(left)
                else:
                    moves += left


def rows_of(moves: Sequence[Move], site: str, first: LocalSeconds) -> list[Row]:
    """Return the two rows that each move adds to its partition, one after the other."""
    rows: list[Row] = []
    for move in moves:
        stored = cells_of(move.statistic)
        grain, period = Grain(move.statistic.grain).value, move.period
        out = minus(NOTHING, move.sums)
        if period is None:
            grain, period = "month", first
        rows.append(_row(stored, move.keep_days, grain, site, period, move.keys, out))
        rows.append(_row(stored, move.keep_days, "month", site, first, move.to_keys, move.sums))
    return rows


def _row(
    stored: str,
    keep_days: int,
    grain: str,
    site: str,
    period: int,
    keys: Keys,
    numbers: Numbers,
) -> Row:
    k1, k2, k3 = (*keys, "", "", "")[:3]
    visitors, visits, views, bounces, seconds, hits = numbers
    of = (visitors, visits, views, bounces, seconds, hits)
    return (stored, keep_days, grain, site, period, k1, k2, k3, *of)


def _move(
    held: Held, statistic: Statistic, period: int | None, of_spot: Sequence[Keys]
) -> list[Move]:
    """Add cells to their month or to `OTHER`; return them but for small ones of periods."""
    month = held.setdefault((statistic.name, None), {})
    rest = (OTHER,) * len(statistic.by)
    size = 0 if period is None else statistic.min_group
    moves = []
    for keep_days, cells in held[statistic.name, period].items():
        target = month.setdefault(keep_days, {})
        for keys in of_spot:
            sums = cells.pop(keys, None)
            if sums is None:
                continue
            to_keys = rest if period is None else keys
            _add(target, to_keys, sums)
            if sums[0] >= size:
                moves.append(Move(statistic, keep_days, period, keys, to_keys, sums))
    return moves


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


def _add(cells: dict[Keys, Numbers], keys: Keys, numbers: Numbers) -> None:
    before = cells.get(keys)
    if before is None:
        cells[keys] = numbers
    elif any(added := plus(before, numbers)):
        cells[keys] = added
    else:
        del cells[keys]  # as the store forgets it


def _leave_small(cells: SiteCells, named: Mapping[str, Statistic]) -> None:
    """Add to the month what is left of small cells: by label, and of grains that were given up."""
    held = cells.held
    for (name, period), labels in (*held.items(), *cells.strays):
        if period is None or not is_guarded(named[name]):
            continue
        size = named[name].min_group
        for keep_days, of in labels.items():
            small = [keys for keys, numbers in of.items() if numbers[0] < size]
            if small:
                month = held.setdefault((name, None), {}).setdefault(keep_days, {})
                for keys in small:
                    _add(month, keys, of.pop(keys))


def _leave_small_months(held: Held, guarded: Mapping[str, Statistic], told: dict[str, int]) -> None:
    for (name, period), labels in held.items():
        statistic = guarded.get(name)
        if period is not None or statistic is None or not statistic.by:
            continue
        rest = (OTHER,) * len(statistic.by)
        for of in labels.values():
            for keys in [k for k, numbers in of.items() if numbers[0] < statistic.min_group]:
                if not is_rest(keys):
                    told[name] = told.get(name, 0) + 1
                    _add(of, rest, of.pop(keys))


def _changes(
    before: Held, cells: SiteCells, guarded: Mapping[str, Statistic], first: LocalSeconds
) -> Iterator[Row]:
    """Yield what month cells gain or lose."""
    for (name, period), labels in cells.held.items():
        if period is not None or name not in guarded:
            continue
        stored = cells_of(guarded[name])
        for keep_days, after in labels.items():
            known = before.get((name, None), {}).get(keep_days, {})
            for keys in after.keys() | known.keys():
                numbers = minus(after.get(keys, NOTHING), known.get(keys, NOTHING))
                if any(numbers):
                    yield _row(stored, keep_days, "month", cells.site, first, keys, numbers)
