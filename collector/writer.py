"""Groups of counted hits into the spool, batches of groups into the store.

SQLite and ClickHouse block, so each has a thread of its own.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from collector.spool import Batch, Spool, SpoolFailed, send
from collector.store import Store, StoreFailed

FLUSH_SECONDS = 1.0  # a hit is in the views within 3 s of its answer
_MAX_RETRY_SECONDS = 30.0

log = logging.getLogger("discreet")

T = TypeVar("T")


class Writer:
    """Owns the spool's thread and the store's thread. Use it from the event loop."""

    def __init__(self, spool: Spool, store: Store, on_lost: Callable[[], None]) -> None:
        self._spool = spool
        self._store = store
        self._on_lost = on_lost
        self._spool_thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._store_thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._groups_kept = 1  # what an earlier process left counts as one
        self._groups_sent = 0
        self._flushing: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._sending = asyncio.Lock()

    def before_sending(self, job: Callable[[], None]) -> None:
        """Run `job` on the store's thread before the first batch; call it before `start`."""
        self._store_thread.submit(job)

    def start(self) -> None:
        """Begin to send batches to the store."""
        self._flushing = asyncio.create_task(self._flush_until_stopped())

    async def stop(self) -> None:
        """Send what waits, as far as the store takes it, and end both threads."""
        self._stopping.set()
        if self._flushing is not None:
            await self._flushing
        try:
            async with self._sending:
                await self._flush()
        except Exception as error:  # noqa: BLE001  # the rest has to be ended too
            log.warning("%s; what waits is kept in the spool", _told(error))
        self._spool_thread.shutdown()
        self._store_thread.shutdown()

    async def keep(self, rows: list[bytes]) -> None:
        """Return when a group of rows is on disk. One group at a time.

        Raises:
            SpoolFailed: they could not be written; none of them was kept.
        """
        try:
            await self.change(lambda spool: spool.append(rows))
        except SpoolFailed as error:
            # Later hits must not be counted against these, so the visit memory goes with them.
            log.error("%s; hits are refused until it can", error)  # noqa: TRY400  # no traceback
            self._on_lost()
            raise

    async def change(self, change: Callable[[Spool], None]) -> None:
        """Return when a change of the spool is on disk; groups that it added are sent.

        Raises:
            SpoolFailed: it was not made.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._spool_thread, change, self._spool)
        self._groups_kept += 1

    async def run_alone(self, job: Callable[[], T]) -> T:
        """Run `job` on the store's thread once all batches are whole in the store.

        Hits go on into the spool meanwhile, and to the store when it is done.

        Raises:
            StoreFailed: a batch could not be sent before.
            SpoolFailed: the same.
        """
        loop = asyncio.get_running_loop()
        async with self._sending:
            await self._flush()
            return await loop.run_in_executor(self._store_thread, job)

    async def _flush_until_stopped(self) -> None:
        pause = FLUSH_SECONDS
        while not self._stopping.is_set():
            try:
                async with self._sending:
                    await self._flush()
                pause = FLUSH_SECONDS
            except Exception as error:  # noqa: BLE001  # ended here, nothing is sent any more
                pause = min(pause * 2, _MAX_RETRY_SECONDS)
                log.warning("%s; next try in %.0f s", _told(error), pause)
            try:
                await asyncio.wait_for(self._stopping.wait(), pause)
            except TimeoutError:
                continue

    async def _flush(self) -> None:
        """Send what waits now; what comes in meanwhile gathers for the next time."""
        loop = asyncio.get_running_loop()
        while self._groups_sent < self._groups_kept:
            groups = self._groups_kept
            batches = await loop.run_in_executor(
                self._store_thread, self._store.batches, self._spool.collector
            )
            batch = await loop.run_in_executor(self._spool_thread, self._spool.take, batches)
            if batch is not None:
                await loop.run_in_executor(self._store_thread, self._send, batch)
                await loop.run_in_executor(self._spool_thread, self._spool.confirm, batch)
            if batch is None or batch.is_last:
                self._groups_sent = groups
                return

    def _send(self, batch: Batch) -> None:
        send(batch, self._store)


def _told(error: Exception) -> str:
    # Others' texts may repeat what a visitor sent.
    own = isinstance(error, StoreFailed | SpoolFailed)
    return str(error) if own else f"sending failed with {type(error).__name__}"
