"""The run that makes the store smaller: what is over its time goes, small groups are folded.

It may end at any moment and be run again. It may run beside inserts, on a connection of its own.
"""

import hashlib
import logging
from collections.abc import Callable, Collection, Mapping
from importlib.metadata import version

import msgspec
from clickhouse_connect.driver.client import Client
from msgspec import Struct

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from collector.retention.complementing import Choice, Row, choose_moves, rows_of
from collector.retention.last_run import LastRun
from collector.retention.moves import (
    MAX_STAGED_CELLS,
    Found,
    Judged,
    Leaving,
    Pair,
    Partition,
    count_leaving,
    in_slices,
    is_all_overdue,
    put_staged,
    read_staged,
    stage_leaving,
    stage_rows,
)
from collector.retention.rules import read_rules
from collector.retention.site_cells import SiteCells, read_site_cells
from collector.retention.site_days import SiteDays
from collector.retention.staging import drop_left_snapshot, hold_staging
from collector.schema.tables import BATCH, DATABASE
from collector.store import StoreFailed, failures

Step = Callable[[int, int], None]
"""Told how many of how many months are done, before each statement that changes anything."""

_MERGE_TRIES = 5
# Where hits of closed days come in all the time, some small cells wait for the next run.
_CHOICES = 3
_ROWS_AT_ONCE = 2 * MAX_STAGED_CELLS

log = logging.getLogger("discreet")

_Where = tuple[int, str, SiteId]
"""Days to keep, the name under which cells stand, their site."""


class Tally(Struct):
    """What became of one statistic's cells."""

    to_month: int = 0
    to_other: int = 0
    dropped: int = 0


class Report(Struct):
    """What a run did."""

    began: int
    """Unix seconds."""
    statistics: dict[str, Tally] = {}
    """By the name in the policy."""
    partitions_dropped: int = 0
    partitions: int = 0
    """How many there were."""
    unsettled: int = 0
    """In how many of them something had changed."""
    not_folded: dict[SiteId, list[int]] = {}
    """Sites for which nothing could be chosen, and of which months (such as 202603)."""


def run_retention(
    client: Client,
    policy: Policy,
    now: int,
    last: LastRun | None,
    *,
    shared: bool = False,
    step: Step = lambda _done, _of: None,
) -> tuple[Report, LastRun]:
    """Bring the store to what the policy wants of it at Unix second `now`.

    `shared` tells that other collectors write into the same store.

    A site for which nothing can be chosen is left as it is, and keeps no other from being folded.

    Raises:
        StoreFailed: it could not be finished; what was done stays, the next run does the rest.
    """
    drop_left_snapshot(client, now)
    with hold_staging(client, now, shared=shared):
        run = _Run(client, policy, now, last, step)
        run.drop_and_fold()
    return run.report, LastRun(now, run.settled, run.report.not_folded)


def read_partitions(client: Client, policy: Policy, now: int) -> list[Found]:
    """Return every partition with the names and sites of its cells, oldest month first.

    Raises:
        StoreFailed: the store can't be read.
    """
    days = SiteDays(policy, now)
    with failures("the cells can't be read"):
        rows = client.query(
            "SELECT toYYYYMM(period) AS month, keep_days,"
            " groupUniqArrayIf(toString(statistic), statistic != {batch:String}),"
            " groupUniqArrayIf(toString(site), statistic != {batch:String}),"
            " sumIf(hits, statistic = {batch:String})"
            f" FROM {DATABASE}.cells GROUP BY month, keep_days ORDER BY month, keep_days",
            parameters={"batch": BATCH},
        ).result_rows
    return [
        Found(
            Partition(int(month), int(keep_days)),
            read_rules(policy, sorted(names)),
            tuple(SiteId(site) for site in sorted(sites)),
            days,
            int(batches),
        )
        for month, keep_days, names, sites, batches in rows
    ]


class _Run:
    def __init__(
        self, client: Client, policy: Policy, now: int, last: LastRun | None, step: Step
    ) -> None:
        self._client = client
        self._policy = policy
        self._now = now
        self._before: Mapping[str, str] = last.settled if last is not None else {}
        self._tell = step
        self._months = (0, 0)
        self._unmerged = 0
        self.report = Report(now)
        self.settled: dict[str, str] = {}

    def drop_and_fold(self) -> None:
        """Work off one month after the other, the oldest first."""
        all_found = read_partitions(self._client, self._policy, self._now)
        self.report.partitions = len(all_found)
        months = sorted({found.partition.month for found in all_found})
        for done, month in enumerate(months):
            self._months = (done, len(months))
            of_month = [found for found in all_found if found.partition.month == month]
            left = [found for found in of_month if not self._drop_whole(found)]
            unsettled = [found for found in left if not self._is_settled(found)]
            # What one partition shows tells of the others of its month.
            if unsettled:
                self._fold(left, month)
            for found in left:
                self._leave(Leaving.FOR_GOOD, found)
            is_whole = all(month not in of for of in self.report.not_folded.values())
            for found in left:
                if self._merge(found.partition) and is_whole:
                    self.settled[found.partition.id] = self._mark(found)
            self.report.unsettled += len(unsettled)
        self._months = (len(months), len(months))
        self._step()
        if self._unmerged:
            raise StoreFailed(
                f"{self._unmerged} partitions could not be merged; what left them is still on disk"
            )

    def _step(self) -> None:
        self._tell(*self._months)

    def _drop_whole(self, found: Found) -> bool:
        if not is_all_overdue(self._client, found):
            return False
        self._count(found, "dropped", self._cells_by_pair(found.partition))
        self._step()
        with failures("a partition could not be dropped"):
            self._client.command(
                f"ALTER TABLE {DATABASE}.cells DROP PARTITION ID '{found.partition.id}'"
            )
        self.report.partitions_dropped += 1
        return True

    def _fold(self, of_month: list[Found], month: int) -> None:
        sites = sorted({site for found in of_month for site in found.sites})
        changed = sites
        for _ in range(_CHOICES):
            judged = self._move_chosen(of_month, month, changed, rows=False)
            changed = sorted(
                {site for found in of_month for site in self._leave_judged(found, judged)}
            )
            if not changed:
                break
        over = [site for site in sites if of_month[0].days.is_over(site, month)]
        self._move_chosen(of_month, month, over, rows=True)
        left = {site for site, months in self.report.not_folded.items() if month in months}
        for found in of_month:
            self._leave(Leaving.FOR_OTHER, found, but=left)

    def _move_chosen(
        self, of_month: list[Found], month: int, sites: list[SiteId], *, rows: bool
    ) -> dict[_Where, Judged]:
        """Move cells that are large enough to stay, and return what the others count."""
        waiting: dict[Partition, list[Row]] = {found.partition: [] for found in of_month}
        judged: dict[_Where, Judged] = {}
        for cells in read_site_cells(self._client, sites, month, self._policy, of_month[0].days):
            choice = self._choose(cells, month, rows=rows)
            judged |= choice.judged
            for partition, of_partition in waiting.items():
                of_partition.extend(rows_of(choice.moves, cells.site, partition))
                if len(of_partition) >= _ROWS_AT_ONCE:
                    self._put(partition, of_partition)
            for move in choice.moves:
                tally = self.report.statistics.setdefault(move.statistic.name, Tally())
                if move.period is None:
                    tally.to_other += 1
                else:
                    tally.to_month += 1
        for partition, of_partition in waiting.items():
            self._put(partition, of_partition)
        return judged

    def _choose(self, cells: SiteCells, month: int, *, rows: bool) -> Choice:
        """Choose for one site, and let none go on to the other sites."""
        try:
            return choose_moves(cells, self._policy, rows=rows)
        except Exception as error:  # noqa: BLE001  # one site's fault would be all others' too
            months = self.report.not_folded.setdefault(cells.site, [])
            if month not in months:
                months.append(month)
            # Others' texts may repeat what is in a cell.
            told = type(error).__name__
            log.warning("small groups of %s stay in %d: %s", cells.site, month, told)
            return Choice([], {})

    def _put(self, partition: Partition, rows: list[Row]) -> None:
        """Put rows into the cells, the two of a move together, and forget them."""
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            self._step()
            stage_rows(self._client, rows[start : start + _ROWS_AT_ONCE])
            self._step()
            put_staged(self._client, partition, keeps_sums=True)
        rows.clear()

    def _leave_judged(self, found: Found, judged: Mapping[_Where, Judged]) -> set[SiteId]:
        """Let small cells of closed periods leave, as they were when others were chosen for them.

        Return the sites where something came in since: others have to be chosen anew.
        """
        keep_days = found.partition.keep_days
        of_found = {
            (stored, site): each
            for (kept, stored, site), each in judged.items()
            if kept == keep_days
        }
        declared = {stored for stored, rule in found.rules.items() if rule.keep_days is not None}
        others = [stored for stored in found.rules if stored not in declared]
        counts = {pair: each.cells for pair, each in of_found.items()}
        counts |= count_leaving(self._client, Leaving.FOR_MONTH, found, others) if others else {}
        changed: set[SiteId] = set()
        for pairs in in_slices(counts):
            self._step()
            stage_leaving(self._client, Leaving.FOR_MONTH, found, pairs)
            staged = read_staged(self._client)
            same = [p for p in pairs if p not in of_found or staged.get(p) == of_found[p]]
            if same and len(same) < len(pairs):
                stage_leaving(self._client, Leaving.FOR_MONTH, found, same)
                again = read_staged(self._client)
                same = same if all(again.get(pair) == staged.get(pair) for pair in same) else []
            if same:
                self._step()
                put_staged(self._client, found.partition, keeps_sums=True)
                self._count(found, "to_month", {pair: counts[pair] for pair in same})
            changed.update(site for _, site in set(pairs).difference(same))
        return changed

    def _leave(self, why: Leaving, found: Found, *, but: Collection[SiteId] = frozenset()) -> None:
        if not found.rules:
            return
        counts = {
            pair: cells
            for pair, cells in count_leaving(self._client, why, found).items()
            if pair[1] not in but
        }
        for pairs in in_slices(counts):
            self._step()
            stage_leaving(self._client, why, found, pairs)
            self._step()
            put_staged(self._client, found.partition, keeps_sums=why is not Leaving.FOR_GOOD)
        self._count(found, _TALLIED[why], counts)

    def _count(self, found: Found, field: str, counts: Mapping[Pair, int]) -> None:
        for (stored, _), cells in counts.items():
            tally = self.report.statistics.setdefault(found.rules[stored].name, Tally())
            setattr(tally, field, getattr(tally, field) + cells)

    def _cells_by_pair(self, partition: Partition) -> dict[Pair, int]:
        with failures("the cells can't be read"):
            rows = self._client.query(
                f"SELECT toString(statistic), toString(site), count() FROM {DATABASE}.cells"
                " WHERE keep_days = {keep_days:UInt16} AND toYYYYMM(period) = {month:UInt32}"
                " AND statistic != {batch:String} GROUP BY statistic, site",
                parameters={
                    "keep_days": partition.keep_days,
                    "month": partition.month,
                    "batch": BATCH,
                },
            ).result_rows
        return {(str(name), SiteId(site)): int(count) for name, site, count in rows}

    def _merge(self, partition: Partition) -> bool:
        """Write a partition anew as one part, in which nothing is left of what went.

        Return False where the engine won't, as it may while it merges large parts by itself: the
        other months don't wait for that.
        """
        before = self._parts(partition)
        for _ in range(_MERGE_TRIES):
            self._step()
            try:
                with failures("a partition could not be merged"):
                    self._client.command(
                        f"OPTIMIZE TABLE {DATABASE}.cells PARTITION ID '{partition.id}' FINAL",
                        settings={"optimize_skip_merged_partitions": 1},
                    )
            except StoreFailed as error:
                log.warning("%s", error)
                break
            now = self._parts(partition)
            # Another merge may have been under way; what came in since is none of this run's.
            if len(now) < 2 or not now & before:
                return True
        self._unmerged += 1
        return False

    def _parts(self, partition: Partition) -> frozenset[str]:
        with failures("the parts of the store can't be listed"):
            rows = self._client.query(
                "SELECT name, hash_of_all_files FROM system.parts WHERE active AND rows > 0"
                " AND database = {database:String} AND table = 'cells'"
                " AND partition_id = {id:String}",
                parameters={"database": DATABASE, "id": partition.id},
            ).result_rows
        return frozenset(f"{name} {digest}" for name, digest in rows)

    def _is_settled(self, found: Found) -> bool:
        return self._before.get(found.partition.id) == self._mark(found)

    def _mark(self, found: Found) -> str:
        """Return a hash of a partition's content and of all that decides on it.

        The batches are those from before the run: what came in meanwhile was not looked at.
        """
        over = [found.days.is_over(site, found.partition.month) for site in found.sites]
        told = (
            sorted(self._parts(found.partition)),
            found.batches,
            over,
            None if all(over) else [found.days.closed_before(site) for site in found.sites],
            self._policy.statistics,
            version("discreet"),
        )
        return hashlib.blake2b(msgspec.json.encode(told), digest_size=16).hexdigest()


_TALLIED = {
    Leaving.FOR_OTHER: "to_other",
    Leaving.FOR_GOOD: "dropped",
}
