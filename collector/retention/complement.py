"""Which cells of a site's month must be added to coarser ones (docs/decisions/0015)."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

from anonymizer.policy import Goal, Statistic
from collector.retention.cells import Keys, Spot, Table
from collector.retention.links import Line, Parent, lines_of
from collector.retention.loose import Loose
from collector.retention.month_rows import choose_rows
from collector.retention.sheet import Period, Sheet, part_in, part_of
from collector.retention.swaps import Swaps

_TRIES = 12
"""How many cells of a period are tried as the one that hides another, smallest first."""

_Judged = dict[str, list[int]]
"""By statistic, how much moved of it and of those it depends on when it was last judged."""

Hidden = dict[Spot, list[Keys]]
"""The keys of the cells that move, by where they stand."""


def choose_hidden(
    table: Table,
    statistics: Sequence[Statistic],
    goals: Collection[Goal] = (),
    *,
    month_is_over: bool,
) -> Hidden:
    """Return the cells of one site and month that must move.

    A cell of a period moves to the month cell of its keys, a month cell to the one whose keys are
    all `OTHER`. After the move, ask again, with all of it: it is done when nothing is returned.
    Month cells are chosen once no cell of a period moves any more, and the month is over.

    What is asked for, so that no cell which moves can be solved from those that stay:

    - of each period with a cell that is to be judged: every cell of the site in it, of all
      statistics, those without `min_group` too. Cells that moved in earlier calls are missing.
    - every month cell of the site and month, shown or not.
    - with `month_is_over`: every cell of the month that is still there. Without the cells of the
      traffic, no month cell keeps keys of its own.
    - until the month is over, views may show its month cells under `OTHER` alone, and of a
      statistic of one event nothing that stands under `OTHER`.
    """
    lines = lines_of(statistics, goals)
    totals = {each.name for each in statistics if not each.dimensions()}
    sheet = Sheet(table, lines, totals)
    _hide_more(sheet, lines)
    chosen: Hidden = {
        (name, at): list(period.moving)
        for name, periods in sheet.periods.items()
        for at, period in periods.items()
        if period.moving
    }
    return chosen if chosen or not month_is_over else choose_rows(sheet, lines)


def _hide_more(sheet: Sheet, lines: Mapping[str, Line]) -> None:
    """Hide until nothing more has to be. Periods tell of each other by keys that stand alone."""
    todo: Iterable[int] = sorted(set().union(*sheet.periods.values()))
    while todo:
        for at in todo:
            judged: _Judged = {}
            while _hide_in_period(sheet, lines, at, judged):
                pass
        todo = sorted({at for line in lines.values() for at in _hide_for_lone_gaps(sheet, line)})


def _hide_in_period(sheet: Sheet, lines: Mapping[str, Line], at: int, judged: _Judged) -> bool:
    more = False
    for name, line in lines.items():
        period = sheet.periods[name].get(at)
        if period is None:
            continue
        names = [name, *(each.name for each in (*line.parents, *line.peers))]
        moving = [len(of.moving) for each in names if (of := sheet.periods[each].get(at))]
        if judged.get(name) == moving:
            continue  # what it depends on is as it was
        judged[name] = moving
        for parent in (*line.parents, *line.peers):
            more |= _hide_orphans(sheet, parent, at, period)
        if period.moving and line.dimensions:
            if line.parents:
                more |= _hide_for_swaps(sheet, line, at, period)
            else:
                more |= _hide_companions(sheet, line, period)
    return more


def _hide_orphans(sheet: Sheet, parent: Parent, at: int, period: Period) -> bool:
    """Hide the parts of what is hidden itself."""
    of = sheet.periods[parent.name].get(at)
    if of is None:
        return False  # it was not declared yet, or all that there was moved before
    part, shown = part_in(parent, of.shown)
    orphans = [keys for keys in period.shown if part(keys) not in shown]
    if parent.only:
        orphans = [keys for keys in orphans if parent.has_part(keys)]
    for keys in orphans:
        period.hide(keys)
    return bool(orphans)


def _hide_companions(sheet: Sheet, line: Line, period: Period) -> bool:
    """Let at least two keys not be shown where one counts something that isn't."""
    more = bool(line.shared) and _hide_in_groups(sheet, line, period)
    universe = sheet.universe(line.name)
    if len(period.moving) > 1 or len(universe) - len(period.shown) > 1 or len(universe) == 1:
        return more
    period.hide(next(period.by_size()))
    return True


def _hide_in_groups(sheet: Sheet, line: Line, period: Period) -> bool:
    """Choose companions of the same words where crossed statistics tell those apart too."""
    groups = {part_of(keys, line.shared) for keys in period.moving if line.is_shared(keys)}
    known = Counter(part_of(keys, line.shared) for keys in sheet.universe(line.name))
    shown: dict[Keys, list[Keys]] = {group: [] for group in groups}
    for keys in period.by_size():
        if (group := part_of(keys, line.shared)) in shown:
            shown[group].append(keys)
    more = False
    for group, keys_shown in shown.items():
        if keys_shown and known[group] > 1 and known[group] - len(keys_shown) < 2:
            period.hide(keys_shown[0])
            more = True
    return more


def _hide_for_lone_gaps(sheet: Sheet, line: Line) -> list[int]:
    """Let keys whose month is told as a sum not be shown in at least two periods, or in each.

    Return the periods in which cells were hidden.
    """
    alone = not line.adds_up and line.dimensions and len(sheet.universe(line.name)) == 1
    if not (line.told_by_key or alone):
        return []
    periods = sheet.periods[line.name].items()
    # All keys: who knows what all but one count knows that one from their sum.
    for keys in sorted(sheet.universe(line.name)):
        shown = [at for at, period in periods if keys in period.shown]
        if not shown or len(sheet.closed(line.grain)) - len(shown) != 1:
            continue
        moves = any(keys in period.moving for _, period in periods)
        if moves or keys in sheet.months[line.name]:
            at = min(shown, key=lambda at: (sheet.periods[line.name][at].shown[keys], at))
            sheet.periods[line.name][at].hide(keys)
            return [at]  # its companions there may be enough for others
    return []


def _hide_for_swaps(sheet: Sheet, line: Line, at: int, period: Period) -> bool:
    loose = Loose(sheet, line, at, period)
    danger = [keys for keys in loose.exposed if not loose.hides(keys, period.moving[keys])]
    if not danger:
        return False
    swaps = Swaps(sheet, line, at, period)
    more = False
    for keys in sorted(danger):
        if not swaps.is_safe(keys):
            more |= _hide_for(sheet, line, at, period, keys, swaps)
    return more


def _hide_for(sheet: Sheet, line: Line, at: int, period: Period, keys: Keys, swaps: Swaps) -> bool:
    """Hide what lets a crossed cell be swapped: one more, or a coarser one, or all there are."""
    width = swaps.width(keys) if swaps.across else ()
    for other in list(islice(period.by_size(), _TRIES)):
        if swaps.across and not swaps.may_help(keys, width, other, period.shown[other]):
            continue
        swaps.hide(other, period.shown[other])
        if swaps.is_safe(keys):
            period.hide(other)
            return True
        swaps.show(other)
    coarser = []
    for parent in line.parents:
        of, part = sheet.shown(parent.name, at), parent.part(keys)
        if part in of and len(sheet.universe(parent.name)) > 1:
            coarser.append((of[part], parent.name, part))
    if coarser:
        _, name, part = min(coarser)
        sheet.periods[name][at].hide(part)
        swaps.unbind()
        return True
    left = list(period.by_size())
    for other in left:
        swaps.hide(other, period.shown[other])
        period.hide(other)
    return bool(left)
