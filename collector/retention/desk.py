"""Retention in the running server: every night, and when the operator asks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec
from clickhouse_connect.driver.client import Client
from msgspec import Struct

from anonymizer.policy import Grain, Policy
from collector.query_socket import Handler, Refused, Values
from collector.retention.cells import is_guarded
from collector.retention.job import Report, run_retention
from collector.retention.last_run import keep_last_run, read_last_run
from collector.retention.site_days import last_time
from collector.retention.status import Kept, Status, read_status
from collector.store import StoreFailed

RUN = "retention_run"
PROGRESS = "retention_progress"
STATUS = "retention_status"
"""How the running server's socket is asked for these."""

# By the first site's clock. A day of any zone is closed 2 h after its end, so it is folded within
# 26 h of it. An hour is closed with its day, so hours that have a group size need a second run.
_NIGHT_HOUR = 3
_SECOND_HOUR = 15
_LOOK_SECONDS = 10
_RETRY_SECONDS = 60
_MAX_RETRY_SECONDS = 600
_KNOWN_SECONDS = 3_600

log = logging.getLogger("discreet")

Answer = TypeVar("Answer")


class Progress(Struct, frozen=True):
    """How far a run has come."""

    done: int = 0
    of: int = 0
    """Months of the store; 0 before they are known."""


class _Known(Struct, frozen=True):
    read: int
    status: Status


class RetentionDesk:
    """Owns a thread and, while it works, a connection. Use it from the event loop."""

    def __init__(
        self,
        connect: Callable[[], Client],
        policy: Policy,
        notes: Path,
        now: Callable[[], int],
        *,
        shared: bool = False,
        since: int = 0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Take `since`, the Unix second from which on a night without a run was one too many."""
        self._connect = connect
        self._policy = policy
        self._notes = notes
        self._now = now
        self._shared = shared
        self._since = since
        self._sleep = sleep
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="retention")
        self._progress = Progress()
        self._closing = False
        self._known: _Known | None = None
        self._reading: asyncio.Task[None] | None = None
        self.quiet = asyncio.Lock()
        """Hold it to have nothing moved or dropped meanwhile."""

    def handlers(self) -> dict[str, Handler]:
        """Return what answers commands by the socket."""
        return {RUN: self._answer_run, PROGRESS: self._answer_progress, STATUS: self._answer_status}

    async def watch(self) -> None:
        """Run whenever the hour for it has come since the last run, until cancelled."""
        pause = _RETRY_SECONDS
        while True:
            await self._sleep(_LOOK_SECONDS)
            if not self.is_due():
                pause = _RETRY_SECONDS
                continue
            try:
                await self.run()
            except Exception as error:  # noqa: BLE001  # ended here, no night has a run any more
                # Others' texts may repeat what is in a cell.
                own = isinstance(error, StoreFailed)
                told = str(error) if own else type(error).__name__
                log.warning("no retention: %s; next try in %d s", told, pause)
                await self._sleep(pause)
                pause = min(pause * 2, _MAX_RETRY_SECONDS)

    def is_due(self) -> bool:
        """Tell whether the hour for a run has come since the last one."""
        last = read_last_run(self._notes)
        zone = next(iter(self._policy.sites.values())).zone
        has_hours = any(
            is_guarded(each) and each.grain is Grain.HOUR for each in self._policy.statistics
        )
        hours = (_NIGHT_HOUR, _SECOND_HOUR) if has_hours else (_NIGHT_HOUR,)
        due = max(last_time(zone, hour, self._now()) for hour in hours)
        return (self._since if last is None else last.ended) < due

    async def run(self) -> Report:
        """Run now, after a run that is under way.

        Raises:
            StoreFailed: it could not be finished.
        """
        async with self.quiet:
            return await self._in_thread(self._run)

    def last_run(self) -> int | None:
        """Return the Unix second at which the last run ended; None before the first."""
        last = read_last_run(self._notes)
        return None if last is None else last.ended

    def kept(self) -> Mapping[str, Kept]:
        """Return what is kept by statistic, of all sites together, as it was lately.

        Waits for nothing: what is unknown, an hour old or from before a run is read beside it, and
        is there for who asks later. Reading takes 7 s of a store of 3 million cells.
        """
        known = self._known
        is_fresh = (
            known is not None
            and self._now() - known.read < _KNOWN_SECONDS
            and known.status.last_run == self.last_run()
        )
        if not is_fresh and self._reading is None and not self.quiet.locked():
            self._reading = asyncio.create_task(self._read_kept())
        return {} if known is None else known.status.statistics

    async def close(self) -> None:
        """End a run between two of its steps, and the thread."""
        self._closing = True
        if self._reading is not None:
            await self._reading
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)

    def _run(self, client: Client) -> Report:
        report, last = run_retention(
            client,
            self._policy,
            self._now(),
            read_last_run(self._notes),
            shared=self._shared,
            step=self._step,
        )
        try:
            keep_last_run(self._notes, last)
        except OSError as error:
            raise StoreFailed(f"{self._notes}: {error.strerror}") from None
        return report

    def _step(self, done: int, of: int) -> None:
        if self._closing:
            raise StoreFailed("the server is stopping")
        self._progress = Progress(done, of)

    async def _in_thread(self, work: Callable[[Client], Answer]) -> Answer:
        def with_client() -> Answer:
            client = self._connect()
            try:
                return work(client)
            finally:
                client.close()

        return await asyncio.get_running_loop().run_in_executor(self._thread, with_client)

    async def _read_kept(self) -> None:
        try:
            read = self._now()
            self._known = _Known(read, await self._in_thread(self._read_status))
        except StoreFailed as error:
            log.warning("what is kept can't be told: %s", error)
        finally:
            self._reading = None

    def _read_status(self, client: Client) -> Status:
        return read_status(client, self._policy, self._now(), read_last_run(self._notes))

    async def _answer_run(self, _: Values) -> bytes:
        try:
            return msgspec.json.encode(await self.run())
        except StoreFailed as error:
            raise Refused(str(error)) from None

    async def _answer_progress(self, _: Values) -> bytes:
        return msgspec.json.encode(self._progress)

    async def _answer_status(self, _: Values) -> bytes:
        try:
            return msgspec.json.encode(await self._in_thread(self._read_status))
        except StoreFailed as error:
            raise Refused(str(error)) from None
