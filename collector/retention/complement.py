"""Which cells of a site's month must be added to coarser ones (docs/decisions/0015)."""

from collections import Counter
from collections.abc import Mapping, Sequence

from anonymizer.policy import Statistic
from collector.retention.cells import Cell
from collector.retention.links import Line, lines_of
from collector.retention.loose import Loose
from collector.retention.month_rows import choose_rows
from collector.retention.sheet import Keys, Period, Sheet, part_of
from collector.retention.swaps import Swaps

_TRIES = 12
"""How many cells of a period are tried as the one that hides another, smallest first."""


def choose_hidden(
    cells: Sequence[Cell], statistics: Sequence[Statistic], *, month_is_over: bool
) -> frozenset[int]:
    """Return the indexes of the cells of one site and month that must move.

    A cell of a period moves to the month cell of its keys, a month cell to the one whose keys are
    all `OTHER`. After the move, ask again, with all of it: it is done when nothing is returned.
    Month cells are chosen once no cell of a period moves any more, and the month is over.

    What is asked for, so that no cell which moves can be solved from those that stay:

    - of each period with a cell that is to be judged: every cell of the site in it, of all
      statistics, those without `min_group` too. Cells that moved in earlier calls are missing.
    - every month cell of the site and month, shown or not.
    - with `month_is_over`: every cell of the month that is still there. Without the cells of the
      traffic, no month cell keeps keys of its own.
    - until the month is over, views may show its month cells under `OTHER` alone.

    Cells of the same statistic and period should follow each other; else it is slower.
    """
    lines = lines_of(statistics)
    sheet = Sheet(cells, lines)
    while _hide_more(sheet, lines):
        pass
    chosen = frozenset(
        index
        for periods in sheet.periods.values()
        for period in periods.values()
        for index in period.moving.values()
    )
    return chosen if chosen or not month_is_over else choose_rows(sheet, lines)


def _hide_more(sheet: Sheet, lines: Mapping[str, Line]) -> bool:
    more = False
    for name, line in lines.items():
        for at, period in sheet.periods[name].items():
            if line.parents:
                more |= _hide_orphans(sheet, line, at, period)
            if period.moving and line.dimensions:
                if line.parents:
                    more |= _hide_for_swaps(sheet, line, at, period)
                else:
                    more |= _hide_companions(sheet, line, period)
    return more


def _hide_orphans(sheet: Sheet, line: Line, at: int, period: Period) -> bool:
    """Hide the parts of what is hidden itself."""
    coarser = [(parent.at, sheet.shown(parent.name, at)) for parent in line.parents]
    orphans = [
        keys
        for keys in period.shown
        if any(part_of(keys, of) not in shown for of, shown in coarser)
    ]
    for keys in orphans:
        period.hide(keys)
    return bool(orphans)


def _hide_companions(sheet: Sheet, line: Line, period: Period) -> bool:
    """Let at least two keys not be shown where one counts something that isn't."""
    more = bool(line.shared) and _hide_in_groups(sheet, line, period)
    universe = sheet.universe(line.name)
    if len(period.moving) > 1 or len(universe) - len(period.shown) > 1:
        return more
    if len(universe) == 1:
        return not line.adds_up and _hide_in_other_period(sheet, line)
    period.hide(sheet.by_size(period)[0])
    return True


def _hide_in_groups(sheet: Sheet, line: Line, period: Period) -> bool:
    """Choose companions of the same words where crossed statistics tell those apart too."""
    groups = {part_of(keys, line.shared) for keys in period.moving}
    known = Counter(part_of(keys, line.shared) for keys in sheet.universe(line.name))
    shown: dict[Keys, list[Keys]] = {group: [] for group in groups}
    for keys in sheet.by_size(period):
        if (group := part_of(keys, line.shared)) in shown:
            shown[group].append(keys)
    more = False
    for group, keys_shown in shown.items():
        if keys_shown and known[group] > 1 and known[group] - len(keys_shown) < 2:
            period.hide(keys_shown[0])
            more = True
    return more


def _hide_in_other_period(sheet: Sheet, line: Line) -> bool:
    """Let the only key there is not be shown in at least two periods."""
    shown = [period for period in sheet.periods[line.name].values() if period.shown]
    if not shown or len(sheet.closed(line.grain)) - len(shown) > 1:
        return False
    keys = next(iter(shown[0].shown))
    period = min(shown, key=lambda each: sheet.numbers(each.shown[keys]))
    period.hide(keys)
    return True


def _hide_for_swaps(sheet: Sheet, line: Line, at: int, period: Period) -> bool:
    loose = Loose(sheet, line, at, period)
    danger = [
        keys
        for keys in sorted(loose.exposed)
        if not loose.hides(keys, sheet.numbers(period.moving[keys]))
    ]
    if not danger:
        return False
    swaps = Swaps(sheet, line, at, period)
    more = False
    for keys in danger:
        if not swaps.is_safe(keys):
            more |= _hide_for(sheet, line, at, period, keys, swaps)
    return more


def _hide_for(sheet: Sheet, line: Line, at: int, period: Period, keys: Keys, swaps: Swaps) -> bool:
    """Hide what lets a crossed cell be swapped: one more, or a coarser one, or all there are."""
    by_size = sheet.by_size(period)
    for other in by_size[:_TRIES]:
        swaps.hide(other, sheet.numbers(period.shown[other]))
        if swaps.is_safe(keys):
            period.hide(other)
            return True
        swaps.show(other)
    coarser = []
    for parent in line.parents:
        of, part = sheet.periods[parent.name][at], part_of(keys, parent.at)
        if part in of.shown and len(sheet.universe(parent.name)) > 1:
            coarser.append((sheet.numbers(of.shown[part]), parent.name, part))
    if coarser:
        _, name, part = min(coarser)
        if part in sheet.shown(name, at):
            sheet.periods[name][at].hide(part)
        return True
    for other in by_size:
        swaps.hide(other, sheet.numbers(period.shown[other]))
        period.hide(other)
    return bool(by_size)
