"""The run that makes the store smaller: what is over its time goes, small groups are folded.

It may end at any moment and be run again. It may run beside inserts, on a connection of its own.
"""

import hashlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.metadata import version

import msgspec
from clickhouse_connect.driver.client import Client
from msgspec import Struct

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from collector.retention.choosers import Choosers
from collector.retention.complementing import Declared
from collector.retention.folding import fold_month
from collector.retention.last_run import LastRun
from collector.retention.moves import (
    Found,
    Leaving,
    Pair,
    Partition,
    count_leaving,
    in_slices,
    is_all_overdue,
    put_staged,
    stage_leaving,
)
from collector.retention.rules import read_rules
from collector.retention.site_days import SiteDays
from collector.retention.staging import drop_left_snapshot, hold_staging
from collector.schema.tables import BATCH, DATABASE, cells_of
from collector.store import StoreFailed, failures

Step = Callable[[int, int], None]
"""Told how many of how many months are done, before each statement that changes anything."""

_MERGE_TRIES = 5

log = logging.getLogger("discreet")


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
        declared = Declared(policy.statistics, tuple(policy.goals.values()))
        with Choosers(declared) as choosers:
            run = _Run(client, policy, now, last, step, choosers)
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
        self,
        client: Client,
        policy: Policy,
        now: int,
        last: LastRun | None,
        step: Step,
        choosers: Choosers,
    ) -> None:
        self._client = client
        self._policy = policy
        self._now = now
        self._before: Mapping[str, str] = last.settled if last is not None else {}
        self._tell = step
        self._choosers = choosers
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
                if not self._merge(found.partition):
                    self._unmerged += 1
                elif is_whole:
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
        not_folded = fold_month(
            self._client,
            self._policy,
            of_month,
            choosers=self._choosers,
            step=self._step,
            merge=self._merge,
            count=self._count_moves,
        )
        for site in not_folded:
            self.report.not_folded.setdefault(site, []).append(month)
        declared = {cells_of(each) for each in self._policy.statistics}
        for found in of_month:
            others = [stored for stored in found.rules if stored not in declared]
            if others:
                self._leave(Leaving.FOR_MONTH, found, others)
                self._leave(Leaving.FOR_OTHER, found, others, but=not_folded)

    def _count_moves(self, name: str, to_month: int, to_other: int) -> None:
        tally = self.report.statistics.setdefault(name, Tally())
        tally.to_month += to_month
        tally.to_other += to_other

    def _leave(
        self,
        why: Leaving,
        found: Found,
        names: Sequence[str] | None = None,
        *,
        but: Collection[SiteId] = frozenset(),
    ) -> None:
        if not found.rules:
            return
        counts = {
            pair: cells
            for pair, cells in count_leaving(self._client, why, found, names).items()
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
    Leaving.FOR_MONTH: "to_month",
    Leaving.FOR_OTHER: "to_other",
    Leaving.FOR_GOOD: "dropped",
}
