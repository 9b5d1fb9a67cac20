"""Which month cells keep keys of their own once their month is over.

Cells that moved are added up by now: what each counted isn't known here either. So a month cell
keeps its keys only where, by what is shown, any one of its periods might have counted nothing.
"""

from collections import defaultdict
from collections.abc import Mapping

from collector.retention.links import Line, Parent
from collector.retention.sheet import (
    NOTHING,
    Keys,
    Numbers,
    Sheet,
    at_most,
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


def choose_rows(sheet: Sheet, lines: Mapping[str, Line]) -> frozenset[int]:
    """Return the indexes of the month cells that move to the one whose keys are all `OTHER`."""
    kept: dict[str, Own] = {}
    for name, line in lines.items():
        own = {
            keys: sheet.numbers(index)
            for keys, index in sheet.months[name].items()
            if not is_rest(keys) and sheet.visitors(index) >= line.min_group
        }
        month = _Month(sheet, line)
        if line.parents and line.visits:
            # Few cells count bounces and seconds: with these kept, 3 of 43,000 could be told.
            own.clear()
        elif line.parents:
            _keep_crossed(sheet, month, own, kept)
        elif line.adds_up:
            _keep_single(month, own)
        else:
            _keep_unbound(month, own)
        kept[name] = own
    return frozenset(
        index
        for name, of_name in sheet.months.items()
        for keys, index in of_name.items()
        if not is_rest(keys) and keys not in kept[name]
    )


class _Month:
    """One statistic over the month: what is shown when, and how much is not."""

    def __init__(self, sheet: Sheet, line: Line) -> None:
        self.line = line
        self.periods = sheet.closed(line.grain)
        self.universe = sheet.universe(line.name)
        self.shown = {at: sheet.shown(line.name, at) for at in self.periods}
        totals = sheet.totals(line.grain)
        self.hidden = {
            at: minus(totals.get(at, NOTHING), sum_of(map(sheet.numbers, shown.values())))
            for at, shown in self.shown.items()
        }

    def gaps(self, keys: Keys) -> list[int]:
        """Return the periods in which keys are not shown."""
        return [at for at in self.periods if keys not in self.shown[at]]


def _keep_unbound(month: _Month, own: Own) -> None:
    """Drop what can't be of another period, where no total of a period is known."""
    for keys in [keys for keys in own if len(month.gaps(keys)) < 2]:
        del own[keys]


def _keep_single(month: _Month, own: Own) -> None:
    """Drop what can't be exchanged against what others count in other periods.

    What `hidden` counts in all gaps of a key but one, less its own, is of others. As much of it as
    is not of keys that are shown in that one can be exchanged with the key's own.
    """
    everything = sum_of(month.hidden.values())
    while True:
        pool = [keys for keys in month.universe if keys not in own and not is_rest(keys)]
        has_rest = len(pool) + len(own) < len(month.universe)
        in_pool = tuple(max(0, left) for left in minus(everything, sum_of(own.values())))
        needs: dict[int, Numbers] = {}
        drop: set[Keys] = set()
        for at, shown in month.shown.items():
            barred = sum_of(own[keys] for keys in shown if keys in own)
            free = 2 * has_rest + sum(keys not in shown for keys in pool)
            needs[at] = plus(month.hidden[at], barred if free else plus(barred, in_pool))
            if free == 1 and any(in_pool):
                drop.update(_smallest(own, shown))
        for keys, mass in own.items():
            gaps = month.gaps(keys)
            room = minus(sum_of(month.hidden[at] for at in gaps), mass)
            if not all(_covers(room, needs[at]) for at in gaps):
                drop.add(keys)
        if not drop:
            return
        # The largest first: what bars others may be among them.
        worst = sorted(drop, key=lambda keys: (own[keys], keys), reverse=True)
        for keys in worst[: 1 + len(worst) // 4]:
            del own[keys]


def _smallest(own: Own, shown: Mapping[Keys, int]) -> list[Keys]:
    return sorted((keys for keys in own if keys not in shown), key=lambda keys: (own[keys], keys))[
        :1
    ]


def _covers(room: Numbers, needs: Numbers) -> bool:
    # Visitors, the first, don't add up to a total.
    return all(has >= needed for has, needed in zip(room[1:], needs[1:], strict=True))


def _keep_crossed(sheet: Sheet, month: _Month, own: Own, kept: Mapping[str, Own]) -> None:
    """Drop what tells of a coarser key that has no month cell, or what doesn't fit elsewhere."""
    rows = [_Rows(sheet, month, parent, kept[parent.name]) for parent in month.line.parents]
    for of in rows:
        of.drop_telling(own)
    for keys in list(own):
        mass = own[keys]
        fits = dict.fromkeys(month.gaps(keys), mass)
        for of in rows:
            for at in fits:
                fits[at] = at_most(fits[at], of.room(keys, at, mass))
        needs = tuple(_SLACK * number for number in mass)
        if not (_fit_without_each(fits, needs) and all(of.fits(keys, fits, needs) for of in rows)):
            del own[keys]


class _Rows:
    """What the parts of each key of one coarser statistic count, where that key is shown."""

    def __init__(self, sheet: Sheet, month: _Month, parent: Parent, kept: Own) -> None:
        self._at = parent.at
        self._kept = kept
        self._periods = month.periods
        self._adds_up = month.line.adds_up
        coarser = {at: sheet.shown(parent.name, at) for at in month.periods}
        self._left = {
            (keys, at): sheet.numbers(index)
            for at, shown in coarser.items()
            for keys, index in shown.items()
        }
        self._hidden: dict[int, Numbers] = {}
        totals = sheet.totals(month.line.grain)
        for at, shown in coarser.items():
            of_shown = sum_of(map(sheet.numbers, shown.values()))
            self._hidden[at] = minus(totals.get(at, NOTHING), of_shown)
        for at, shown in month.shown.items():
            for keys, index in shown.items():
                part = part_of(keys, parent.at), at
                if part in self._left:
                    self._left[part] = minus(self._left[part], sheet.numbers(index))

    def room(self, keys: Keys, at: int, mass: Numbers) -> Numbers:
        """Return how much a crossed cell could count in a period."""
        left = self._left.get((part_of(keys, self._at), at))
        if left is not None:
            return left
        return self._hidden[at] if self._adds_up else mass

    def fits(self, keys: Keys, fits: Mapping[int, Numbers], needs: Numbers) -> bool:
        """Tell whether all fits into any periods but one, and into the coarser key's month cell."""
        part = part_of(keys, self._at)
        row = self._kept.get(part)
        if row is None:
            return True
        fixed = sum_of(fit for at, fit in fits.items() if (part, at) in self._left)
        loose = sum_of(fit for at, fit in fits.items() if (part, at) not in self._left)
        for at, fit in fits.items():
            if (part, at) in self._left:
                room = plus(minus(fixed, fit), at_most(loose, row))
            else:
                room = plus(fixed, at_most(minus(loose, fit), row))
            if not _covers(room, needs):
                return False
        return True

    def drop_telling(self, own: Own) -> None:
        """Drop month cells, smallest first, that don't fit where their coarser key is shown.

        Else they would tell what that key counts where it is not.
        """
        of_part: dict[Keys, list[Keys]] = defaultdict(list)
        for keys in sorted(own, key=lambda keys: (own[keys], keys)):
            of_part[part_of(keys, self._at)].append(keys)
        for part, parts in of_part.items():
            left = [self._left[part, at] for at in self._periods if (part, at) in self._left]
            if part in self._kept or len(left) == len(self._periods):
                continue
            room = sum_of(left)
            mass = sum_of(own[keys] for keys in parts)
            for keys in parts:
                if all(_SLACK * m <= r for m, r in zip(mass, room, strict=True)):
                    break
                mass = minus(mass, own.pop(keys))


def _fit_without_each(fits: Mapping[int, Numbers], needs: Numbers) -> bool:
    room = sum_of(fits.values())
    return all(_covers(minus(room, fit), needs) for fit in fits.values())
