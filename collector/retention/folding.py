"""What a run does with one month: cells are held, what leaves is chosen, checked and put in."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait

from clickhouse_connect.driver.client import Client
from msgspec import Struct

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from collector.retention.cells import is_guarded
from collector.retention.choosers import Choosers
from collector.retention.choosing import Asked, Chosen
from collector.retention.complementing import Folded, Row
from collector.retention.held import SLOTS, Bundle, bundles_of, hold_cells, stage_small
from collector.retention.moves import (
    MAX_STAGED_CELLS,
    Found,
    Leaving,
    Partition,
    count_leaving,
    put_staged,
    stage_rows,
)
from collector.retention.site_cells import names_read
from collector.retention.site_days import first_second
from collector.schema.tables import DATABASE, cells_of
from collector.store import StoreFailed, failures

# Where hits of closed days come in all the time, some small cells wait for the next run.
_LOOKS = 3
_PATIENCE_SECONDS = 1
_ROWS_AT_ONCE = 2 * MAX_STAGED_CELLS

Count = Callable[[str, int, int], None]
"""Told a statistic's name, and how many of its cells left for the month and for `OTHER`."""

log = logging.getLogger("discreet")


def fold_month(
    client: Client,
    policy: Policy,
    of_month: Sequence[Found],
    *,
    choosers: Choosers,
    step: Callable[[], None],
    merge: Callable[[Partition], object],
    count: Count,
) -> set[SiteId]:
    """Move what is too small to stay of declared statistics, and what would tell of it.

    A site whose cells can't be read, or for which nothing can be chosen, is left as it is. `step`
    is called before each statement that changes anything.

    Returns:
        The sites that were left.

    Raises:
        StoreFailed: it could not be finished; what was done stays.
    """
    month = _Month(client, policy, of_month, choosers, step, count)
    sites = sorted({site for found in of_month for site in found.sites})
    for _ in range(_LOOKS):
        month.fold(sites)
        # Merged, all of it is read in a tenth of the time; and it is to be merged anyway.
        for found in of_month:
            merge(found.partition)
        sites = sorted(month.sites_with_small() - month.left)
        if not sites:
            break
    return month.left


class _Held(Struct):
    """A bundle that is being chosen from."""

    bundle: Bundle
    slot: int
    choice: "Future[Chosen]"


class _Month:
    def __init__(
        self,
        client: Client,
        policy: Policy,
        of_month: Sequence[Found],
        choosers: Choosers,
        step: Callable[[], None],
        count: Count,
    ) -> None:
        self._client = client
        self._of_month = of_month
        self._choosers = choosers
        self._step = step
        self._count = count
        self._month = of_month[0].partition.month
        self._days = of_month[0].days
        self._names = list(names_read(policy.statistics))
        self._guarded = {each.name: each for each in policy.statistics if is_guarded(each)}
        self.left: set[SiteId] = set()

    def sites_with_small(self) -> set[SiteId]:
        """Return the sites where small cells of closed periods stand."""
        stored = {cells_of(each) for each in self._guarded.values()}
        return {
            site
            for found in self._of_month
            if (names := [each for each in found.rules if each in stored])
            for _, site in count_leaving(self._client, Leaving.FOR_MONTH, found, names)
        }

    def fold(self, sites: Sequence[SiteId]) -> None:
        """Fold these sites, the next ones read while others are chosen from."""
        todo = deque(bundles_of(self._client, sites, self._month, self._names))
        free = list(range(SLOTS))
        held: deque[_Held] = deque()
        while todo or held:
            if todo and free:
                bundle = todo.popleft()
                slot = free.pop()
                choice = self._hold(bundle, slot)
                if choice is not None:
                    held.append(_Held(bundle, slot, choice))
                    continue
                free.append(slot)
                todo.extendleft(self._alone(bundle, "its cells can't be read"))
                continue
            oldest = held.popleft()
            while not wait([oldest.choice], timeout=_PATIENCE_SECONDS).done:
                self._step()  # the server may be stopping
            try:
                chosen = oldest.choice.result()
            except Exception as error:  # noqa: BLE001  # it is of these sites alone
                todo.extendleft(self._alone(oldest.bundle, type(error).__name__))
            else:
                self._put_chosen(chosen, oldest.slot)
            free.append(oldest.slot)

    def _hold(self, bundle: Bundle, slot: int) -> "Future[Chosen] | None":
        closed = {site: self._days.closed_before(site) for site in bundle.sites}
        is_over = {site: self._days.is_over(site, self._month) for site in bundle.sites}
        partitions = [found.partition for found in self._of_month]
        self._step()
        try:
            lines = hold_cells(self._client, slot, partitions, self._names, closed)
        except StoreFailed:
            # Too much of one site may be no fault of the others; a store that is gone is.
            with failures("the cells can't be read"):
                self._client.query(f"SELECT count() FROM {DATABASE}.cells")
            return None
        asked = Asked(is_over, first_second(self._month))
        return self._choosers.choose(asked, lines, bundle.cells)

    def _alone(self, bundle: Bundle, why: str) -> Iterable[Bundle]:
        """Return each site of a bundle that failed by itself; a lone one stays as it is."""
        if len(bundle.sites) > 1:
            return [Bundle([site], bundle.cells) for site in reversed(bundle.sites)]
        self._leave(bundle.sites[0], why)
        return []

    def _leave(self, site: SiteId, why: str) -> None:
        self.left.add(site)
        log.warning("small groups of %s stay in %d: %s", site, self._month, why)

    def _put_chosen(self, chosen: Chosen, slot: int) -> None:
        for site, why in chosen.faults.items():
            self._leave(site, why)
        for found in self._of_month:
            self._put(_Moves(chosen.folded, found.partition), slot)
        for folded in chosen.folded:
            for name in folded.to_month.keys() | folded.to_other.keys():
                self._count(name, folded.to_month.get(name, 0), folded.to_other.get(name, 0))

    def _put(self, moves: "_Moves", slot: int) -> None:
        """Put all of it in at once, or, where it is much, one statistic after the other."""
        if not (moves.small or moves.month or moves.rows):
            return
        if len(moves.rows) + len(moves.month) + moves.small.total() <= MAX_STAGED_CELLS:
            self._put_some(moves, [*moves.rows, *moves.month], moves.small, slot)
            return
        for start in range(0, len(moves.rows), _ROWS_AT_ONCE):
            self._put_some(moves, moves.rows[start : start + _ROWS_AT_ONCE], (), slot)
        of_month = Counter(row[0] for row in moves.month)
        some: list[str] = []
        cells = 0
        for name in sorted(moves.small.keys() | of_month.keys()):
            more = moves.small[name] + of_month[name]
            if some and cells + more > MAX_STAGED_CELLS:
                self._put_names(moves, some, slot)
                some, cells = [], 0
            some.append(name)
            cells += more
        self._put_names(moves, some, slot)

    def _put_names(self, moves: "_Moves", names: Sequence[str], slot: int) -> None:
        rows = [row for row in moves.month if row[0] in names]
        self._put_some(moves, rows, [name for name in names if moves.small[name]], slot)

    def _put_some(
        self, moves: "_Moves", rows: Sequence[Row], small: Iterable[str], slot: int
    ) -> None:
        sizes = {
            stored: each.min_group
            for each in self._guarded.values()
            if (stored := cells_of(each)) in set(small)
        }
        self._step()
        stage_rows(self._client, rows)
        if sizes:
            over = {site: self._days.is_over(site, self._month) for site in moves.sites}
            self._step()
            stage_small(self._client, slot, moves.partition, sizes, over)
        self._step()
        put_staged(self._client, moves.partition, keeps_sums=True)


class _Moves:
    """What leaves one partition, of some sites."""

    def __init__(self, folded: Sequence[Folded], partition: Partition) -> None:
        label = partition.keep_days
        self.partition = partition
        self.sites = [SiteId(each.site) for each in folded]
        self.rows = [row for each in folded for row in each.moves if row[1] == label]
        self.month = [row for each in folded for row in each.month if row[1] == label]
        self.small: Counter[str] = Counter()
        for each in folded:
            for keep_days, stored, cells in each.small:
                if keep_days == label:
                    self.small[stored] += cells
