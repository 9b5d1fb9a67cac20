"""Fill benchmarks/store.py's store, on from where a run was broken off.

Days go through both inboxes one after the other; each finished month is folded meanwhile, in a
thread of its own. What is done stands in a file beside the store. A kill may come at any moment:
the day under way is sent again, to the counters under the same token, to the raw events after
what may have arrived of it was removed; a month's retention is run again.
"""

import contextlib
import math
import resource
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from anonymizer.policy import Policy
from benchmarks.crowd import Crowd
from benchmarks.filled import Filled, keep_filled
from benchmarks.raw_events import forget_from, insert_raw, make_raw, merge_raw
from collector.plan import make_plan
from collector.retention.job import run_retention
from collector.retention.last_run import LastRun
from collector.store import Store, StoreFailed, open_engine

_LOADERS = 2
"""Each sends its part of a day, first to the counters, then to the raw events."""

_TRIES = 3
_LOOK_SECONDS = 10


def fill(
    folder: Path,
    crowd: Crowd,
    filled: Filled,
    *,
    until: float = math.inf,
    load_first: bool = False,
) -> None:
    """Do what is left to do, or as much of it as is begun before `until` on the monotonic clock.

    With `load_first` nothing is folded before all is loaded.

    Raises:
        StoreFailed: the engine could not do it; what was done stays.
    """
    with contextlib.closing(_Filling(folder, crowd, filled, until, load_first)) as filling:
        filling.run()


class _Filling:
    def __init__(
        self, folder: Path, crowd: Crowd, filled: Filled, until: float, load_first: bool
    ) -> None:
        self._folder = folder
        self._crowd = crowd
        self._filled = filled
        self._until = until
        self._load_first = load_first
        self._marks = _processor_seconds(), time.perf_counter()
        first = date.fromisoformat(crowd.shape.first_day)
        self._days = [first + timedelta(days=number) for number in range(crowd.shape.days)]
        self._last_days = [day for day in self._days if (day + timedelta(days=1)).day == 1]
        self._keep()  # before there is a store, for it is not known without
        path = folder / "clickhouse"
        self._clients = [open_engine(path) for _ in range(_LOADERS)]
        self._stores = [Store(client) for client in self._clients]
        self._loading = ThreadPoolExecutor(_LOADERS, thread_name_prefix="loading")
        self._folding = _Folding(path, crowd.policy)
        self._progress = Progress(
            TextColumn("{task.description:>13}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            speed_estimate_period=3_600,
        )
        self._bar_of_days = self._add_bar("days loaded", len(self._days), filled.days)
        self._bar_of_months = self._add_bar("months folded", len(self._last_days), filled.folded)

    def _add_bar(self, what: str, of: int, done: int) -> TaskID:
        return self._progress.add_task(what, total=of, completed=done)

    def close(self) -> None:
        """Stop retention between two of its steps, note what was done and close the engine."""
        self._folding.close()
        self._loading.shutdown()
        self._filled.folding += self._took()
        self._keep()
        for client in self._clients:
            client.close()

    def run(self) -> None:
        """Load, fold, merge."""
        filled, days = self._filled, len(self._days)
        self._stores[0].apply(self._crowd.policy, make_plan(self._crowd.policy))
        make_raw(self._clients[0])
        if filled.days < days:
            forget_from(self._clients[0], self._days[filled.days])
        with self._progress:
            while filled.days < days and self._has_time():
                self._load(filled.days)
                self._look()
            while filled.folded < len(self._last_days) and self._has_time():
                self._folding.wait(_LOOK_SECONDS)
                filled.folding += self._took()
                self._keep()
                self._look()
        if filled.days == days and filled.folded == len(self._last_days) and self._has_time():
            merge_raw(self._clients[0])
            filled.is_whole = True

    def _has_time(self) -> bool:
        return time.monotonic() < self._until

    def _load(self, number: int) -> None:
        """Send a day's hits through both inboxes."""
        filled, days = self._filled, len(self._days)
        day = self._days[number].isoformat()
        hits = filled.hits * (number + 1) // days - filled.hits * number // days
        beside = self._folding.is_on()
        hours = [rows for _, rows in self._crowd.day(number, hits)]
        parts = [b"".join(hours[of::_LOADERS]) for of in range(_LOADERS)]
        tokens = [f"{day} {of}" for of in range(_LOADERS)]
        making = self._took()
        list(self._loading.map(Store.insert, self._stores, tokens, parts))
        counting = self._took()
        list(self._loading.map(insert_raw, self._clients, parts))
        keeping = self._took()
        if beside:
            filled.beside += making + counting + keeping
            filled.hits_beside += hits
        else:
            filled.making += making
            filled.counting += counting
            filled.keeping += keeping
            filled.hits_alone += hits
        filled.days += 1
        self._keep()
        self._progress.update(self._bar_of_days, completed=filled.days)

    def _look(self) -> None:
        """Take what retention has done, and have it fold the next month that is over."""
        filled = self._filled
        last = self._folding.done()
        if last is not None:
            filled.last = last
            filled.folded += 1
            self._keep()
            self._progress.update(self._bar_of_months, completed=filled.folded)
            self._progress.console.print(filled.told(), highlight=False, soft_wrap=True)
        if self._folding.is_on() or (self._load_first and filled.days < len(self._days)):
            return
        over = [day for day in self._last_days if day in self._days[: filled.days]]
        if filled.folded < len(over):
            self._folding.begin(over[filled.folded], filled.last)

    def _took(self) -> float:
        """Return the processor seconds since it was last asked for."""
        marks = _processor_seconds(), time.perf_counter()
        took, clock = marks[0] - self._marks[0], marks[1] - self._marks[1]
        self._marks = marks
        self._filled.clock += clock
        self._filled.megabytes = max(self._filled.megabytes, _most(resource.RUSAGE_SELF))
        self._filled.megabytes_beside = max(
            self._filled.megabytes_beside, _most(resource.RUSAGE_CHILDREN)
        )
        return took

    def _keep(self) -> None:
        keep_filled(self._folder, self._filled)


class _Folding:
    """Retention in a thread of its own, with a connection of its own, one month after the other."""

    def __init__(self, path: Path, policy: Policy) -> None:
        self._client = open_engine(path)
        self._policy = policy
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="retention")
        self._running: Future[LastRun] | None = None
        self._failures = 0
        self._closing = False

    def is_on(self) -> bool:
        return self._running is not None

    def begin(self, last_day: date, last: LastRun | None) -> None:
        """Fold the month that ends with `last_day`."""
        self._running = self._thread.submit(self._run, last_day, last)

    def wait(self, seconds: float) -> None:
        if self._running is not None:
            wait([self._running], seconds)

    def done(self) -> LastRun | None:
        """Return the run that ended since this was last asked for.

        Raises:
            StoreFailed: it could not be finished, several times on end.
        """
        if self._running is None or not self._running.done():
            return None
        running, self._running = self._running, None
        try:
            last = running.result()
        except StoreFailed:
            self._failures += 1
            if self._failures == _TRIES:
                raise
            return None  # where the engine would not merge, it may the next time
        self._failures = 0
        return last

    def close(self) -> None:
        self._closing = True
        self._thread.shutdown()
        self._client.close()

    def _run(self, last_day: date, last: LastRun | None) -> LastRun:
        begun = datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC)
        now = int(begun.timestamp()) + 2 * 86_400
        report, last = run_retention(self._client, self._policy, now, last, step=self._step)
        if report.not_folded:
            raise StoreFailed(f"the small groups of {len(report.not_folded)} sites stay")
        return last

    def _step(self, _done: int, _of: int) -> None:
        if self._closing:
            raise StoreFailed("retention was stopped")


def _processor_seconds() -> float:
    # Processes beside are counted when they end, which is with a run of retention.
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _most(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024
