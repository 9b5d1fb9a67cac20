"""Which month cells keep keys of their own once their month is over.

Cells that moved are added up by now: what each counted isn't known here either. So a month cell
keeps its keys only where, by what is shown, any one of its periods might have counted nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from collector.retention.cells import Keys, Numbers, Spot
from collector.retention.links import Line, Parent
from collector.retention.sheet import (
    NOTHING,
    RESTS,
    Sheet,
    is_rest,
    minus,
    part_of,
    plus,
    sum_of,
)

_SLACK = 2
"""How many times over a crossed month cell must fit into other periods. With 1, 4 of 43,000
measures of hidden cells in random small sites could be told to less than their own size."""

Own = dict[Keys, Numbers]


def choose_rows(sheet: Sheet, lines: Mapping[str, Line]) -> dict[Spot, list[Keys]]:
    """Return the month cells that move to the one whose keys are all `OTHER`."""
    kept: dict[str, Own] = {}
    for name, line in lines.items():
        # Few cells of crossed statistics count bounces and seconds: with these kept, 3 of 43,000
        # could be told.
        keeps = not (line.parents and line.visits)
        own = {
            keys: numbers
            for keys, numbers in (sheet.months[name] if keeps else {}).items()
            if numbers[0] >= line.min_group and not is_rest(keys)
        }
        if own:
            month = _Month(sheet, line)
            if not month.periods:
                own.clear()
            elif line.parents:
                _keep_crossed(sheet, month, own, kept)
            elif line.adds_up:
                _keep_single(month, own)
            else:
                _keep_unbound(month, own)
        kept[name] = own
    _keep_company(sheet, lines, kept)
    chosen: dict[Spot, list[Keys]] = {
        (name, None): [keys for keys in of_name if keys not in kept[name] and not is_rest(keys)]
        for name, of_name in sheet.months.items()
    }
    return {spot: keys for spot, keys in chosen.items() if keys}


def _keep_company(sheet: Sheet, lines: Mapping[str, Line], kept: Mapping[str, Own]) -> None:
    """Drop what would leave another cell alone.

    That is what one of two statistics shows of the same cells and the other doesn't, and the
    smallest where a single key would be left for `OTHER`.
    """
    gaps = {name: _with_gaps(sheet, line) for name, line in lines.items() if kept[name]}
    more = True
    while more:
        more = False
        for name, line in lines.items():
            own = kept[name]
            drop = [
                keys
                for peer in line.peers
                for keys in own
                if peer.has_part(keys) and peer.part(keys) not in kept[peer.name]
            ]
            if own and len(gaps[name] - own.keys()) == 1 and sheet.months[name].keys() - own.keys():
                drop += _company(sheet, line, own)
            for keys in drop:
                own.pop(keys, None)
            more |= bool(drop)


def _company(sheet: Sheet, line: Line, own: Own) -> list[Keys]:
    """Return what goes to `OTHER` with the only key that is known to be there.

    One that periods show stays known, so that there are two from then on. One that none shows is
    forgotten with its month cell: the next question would find the first alone again, and send
    one more, until no cell of the month is left.
    """
    shown = set().union(*(period.shown for period in sheet.periods[line.name].values()))
    known = {keys: numbers for keys, numbers in own.items() if keys in shown}
    if not known and any(map(is_rest, sheet.months[line.name])):
        return []  # it came there with others, which are no longer known
    return _smallest(known or own, {})


def _with_gaps(sheet: Sheet, line: Line) -> set[Keys]:
    """Return the keys that are not shown in every period."""
    always = [sheet.shown(line.name, at).keys() for at in sheet.closed(line.grain)]
    gaps = set(sheet.universe(line.name))
    if always:
        gaps.difference_update(set(always[0]).intersection(*always[1:]))
    gaps.discard(RESTS[line.dimensions])
    return gaps


class _Month:
    """One statistic over the month: what is shown when, and how much is not."""

    def __init__(self, sheet: Sheet, line: Line) -> None:
        self.line = line
        self.periods = sheet.closed(line.grain)
        self.universe = sheet.universe(line.name)
        self.has_rest = any(map(is_rest, sheet.months[line.name]))
        self.shown = {at: sheet.shown(line.name, at) for at in self.periods}
        totals = sheet.totals(line.grain)
        self.hidden = {
            at: minus(totals.get(at, NOTHING), sum_of(shown.values()))
            for at, shown in self.shown.items()
        }
        self._shown_at: dict[Keys, list[int]] = defaultdict(list)
        for at, shown in self.shown.items():
            for keys in shown:
                self._shown_at[keys].append(at)

    def gaps(self, keys: Keys) -> Sequence[int]:
        """Return the periods in which keys are not shown."""
        shown_at = self._shown_at.get(keys)
        if not shown_at:
            return self.periods
        return [at for at in self.periods if at not in shown_at]


def _keep_unbound(month: _Month, own: Own) -> None:
    """Drop what can't be of another period, where no total of a period is known.

    Drop, too, what others tell the sum of: that of two keys may be known for a single period.
    """
    line = month.line
    together = Counter(part_of(keys, line.shared) for keys in month.universe)
    for keys in list(own):
        told = line.told_together and line.is_shared(keys)
        if len(month.gaps(keys)) < 2 or (told and together[part_of(keys, line.shared)] > 1):
            del own[keys]


def _keep_single(month: _Month, own: Own) -> None:
    """Drop what can't be exchanged against what others count in other periods.

    What `hidden` counts in all gaps of a key but one, less its own, is of others. As much of it as
    is not of keys that are shown in that one can be exchanged with the key's own.
    """
    everything = sum_of(month.hidden.values())
    gaps = {keys: month.gaps(keys) for keys in own}
    rooms = {
        keys: minus(sum_of([month.hidden[at] for at in gaps[keys]]), mass)
        for keys, mass in own.items()
    }
    pool = {keys for keys in month.universe if keys not in own and not is_rest(keys)}
    left = sum_of(own.values())
    while own:
        in_pool = tuple(max(0, left) for left in minus(everything, left))
        needs: dict[int, Numbers] = {}
        drop: set[Keys] = set()
        for at, shown in month.shown.items():
            barred = sum_of([own[keys] for keys in shown if keys in own])
            # Under `OTHER` there may be others than those that are still known.
            free = 2 if month.has_rest else len(pool) - sum(keys in pool for keys in shown)
            needs[at] = plus(month.hidden[at], barred if free else plus(barred, in_pool))
            if free == 1 and any(in_pool):
                drop.update(_smallest(own, shown))
        most = tuple(map(max, zip(*needs.values(), strict=True)))
        for keys in own:
            room = rooms[keys]
            if not _covers(room, most) and not all(_covers(room, needs[at]) for at in gaps[keys]):
                drop.add(keys)
        if not drop:
            return
        # The largest first: what bars others may be among them.
        worst = sorted(drop, key=lambda keys: (own[keys], keys), reverse=True)
        for keys in worst[: 1 + len(worst) // 4]:
            left = minus(left, own.pop(keys))
            pool.add(keys)


def _smallest(own: Own, shown: Mapping[Keys, Numbers]) -> list[Keys]:
    return sorted((keys for keys in own if keys not in shown), key=lambda keys: (own[keys], keys))[
        :1
    ]


def _covers(room: Numbers, needs: Numbers) -> bool:
    # Visitors, the first, don't add up to a total.
    return (
        room[1] >= needs[1]
        and room[2] >= needs[2]
        and room[3] >= needs[3]
        and room[4] >= needs[4]
        and room[5] >= needs[5]
    )


def _keep_crossed(sheet: Sheet, month: _Month, own: Own, kept: Mapping[str, Own]) -> None:
    """Drop what tells of a coarser key that has no month cell, or what doesn't fit elsewhere."""
    rows = [_Rows(sheet, month, parent, kept[parent.name]) for parent in month.line.parents]
    for of in rows:
        of.drop_telling(own)
    for keys in list(own):
        if not _fits(month.gaps(keys), rows, keys, own[keys]):
            del own[keys]


def _fits(gaps: Sequence[int], rows: Sequence["_Rows"], keys: Keys, mass: Numbers) -> bool:
    """Tell whether a crossed month cell fits, measure by measure, into any gaps but one."""
    if len(gaps) <= _SLACK:
        return not any(mass[1:])
    in_rows = [(of, of.left_of(keys), of.kept_of(keys)) for of in rows]
    for measure, own in enumerate(mass):
        # Visitors, the first, don't add up to a total.
        if not measure or not own:
            continue
        needs = _SLACK * own
        fits = []
        for at in gaps:
            fit = own
            for of, left, _ in in_rows:
                fit = min(fit, of.room(left, at, measure, own))
            fits.append(fit)
        if sum(fits) - max(fits) < needs:
            return False
        for _, left, row in in_rows:
            if row is not None and not _fits_in_row(gaps, fits, left, row[measure], needs):
                return False
    return True


def _fits_in_row(
    gaps: Sequence[int], fits: Sequence[int], left: Mapping[int, Numbers], row: int, needs: int
) -> bool:
    """Tell whether all fits into any gaps but one, and into the coarser key's month cell."""
    fixed = sum(fit for at, fit in zip(gaps, fits, strict=True) if at in left)
    loose = sum(fits) - fixed
    for at, fit in zip(gaps, fits, strict=True):
        room = fixed - fit + min(loose, row) if at in left else fixed + min(loose - fit, row)
        if room < needs:
            return False
    return True


class _Rows:
    """What the parts of each key of one coarser statistic count, where that key is shown."""

    def __init__(self, sheet: Sheet, month: _Month, parent: Parent, kept: Own) -> None:
        self._parent = parent
        self._kept = kept
        self._periods = month.periods
        self._adds_up = month.line.adds_up
        self._left: dict[Keys, dict[int, Numbers]] = defaultdict(dict)
        self._hidden: dict[int, Numbers] = {}
        totals = sheet.totals(month.line.grain)
        for at in month.periods:
            coarser = sheet.shown(parent.name, at)
            of_parts: dict[Keys, list[Numbers]] = defaultdict(list)
            for keys, numbers in month.shown[at].items():
                of_parts[parent.part(keys)].append(numbers)
            for keys, numbers in coarser.items():
                parts = of_parts.get(keys)
                self._left[keys][at] = minus(numbers, sum_of(parts)) if parts else numbers
            self._hidden[at] = minus(totals.get(at, NOTHING), sum_of(coarser.values()))

    def left_of(self, keys: Keys) -> Mapping[int, Numbers]:
        """Return what is not of parts that are shown, where a crossed cell's coarser key is."""
        return self._left.get(self._parent.part(keys), {})

    def kept_of(self, keys: Keys) -> Numbers | None:
        """Return the month cell of a crossed cell's coarser key, if it keeps it."""
        return self._kept.get(self._parent.part(keys))

    def room(self, left: Mapping[int, Numbers], at: int, measure: int, own: int) -> int:
        """Return how much a crossed cell could count in a period."""
        of = left.get(at)
        if of is not None:
            return of[measure]
        return self._hidden[at][measure] if self._adds_up else own

    def drop_telling(self, own: Own) -> None:
        """Drop month cells, smallest first, that don't fit where their coarser key is shown.

        Else they would tell what that key counts where it is not.
        """
        of_part: dict[Keys, list[Keys]] = defaultdict(list)
        for keys in sorted(own, key=lambda keys: (own[keys], keys)):
            of_part[self._parent.part(keys)].append(keys)
        for part, parts in of_part.items():
            left = self._left.get(part, {})
            if part in self._kept or len(left) == len(self._periods):
                continue
            room = sum_of(left.values())
            mass = sum_of([own[keys] for keys in parts])
            for keys in parts:
                if all(_SLACK * m <= r for m, r in zip(mass, room, strict=True)):
                    break
                mass = minus(mass, own.pop(keys))
