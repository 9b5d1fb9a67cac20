"""Between the doors and the disk: groups of hits into the spool, batches into the store.

Each door waits until its rows are on disk. While one group is being written the
next one gathers, so a group holds whatever came in during one commit.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from collector.spool import Batch, Spool, SpoolFailed
from collector.store import Store, StoreFailed

FLUSH_SECONDS = 1.5  # a hit is in the views within 3 s of its answer
_MAX_RETRY_SECONDS = 30.0

log = logging.getLogger("discreet")


class Writer:
    """Owns the spool's thread and the store's thread. Use it from the event loop."""

    def __init__(self, spool: Spool, store: Store, on_lost: Callable[[], None]) -> None:
        self._spool = spool
        self._store = store
        self._on_lost = on_lost
        self._spool_thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._store_thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._waiting: list[tuple[asyncio.Future[None], list[bytes]]] = []
        self._committing: asyncio.Task[None] | None = None
        self._groups_kept = 1  # what an earlier process left counts as one
        self._groups_sent = 0
        self._flushing: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begin to send batches to the store."""
        self._flushing = asyncio.create_task(self._flush_until_stopped())

    async def stop(self) -> None:
        """Send what waits, as far as the store takes it, and end both threads."""
        self._stopping.set()
        if self._flushing is not None:
            await self._flushing
        if self._committing is not None:
            await self._committing
        try:
            await self._flush()
        except (StoreFailed, SpoolFailed) as error:
            log.warning("%s; what waits is kept in the spool", error)
        self._spool_thread.shutdown()
        self._store_thread.shutdown()

    async def keep(self, rows: list[bytes]) -> None:
        """Return when the rows are on disk.

        Raises:
            SpoolFailed: they could not be written; none of them was kept.
        """
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((kept, rows))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_groups())
        await kept

    async def _commit_groups(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                rows = [row for _, hit_rows in group for row in hit_rows]
                try:
                    await loop.run_in_executor(self._spool_thread, self._spool.append, rows)
                except SpoolFailed as error:
                    self._lose(group, error)
                    return
                self._groups_kept += 1
                for kept, _ in group:
                    if not kept.done():
                        kept.set_result(None)
        finally:
            self._committing = None

    def _lose(
        self, group: list[tuple[asyncio.Future[None], list[bytes]]], error: SpoolFailed
    ) -> None:
        # Hits that gathered meanwhile were counted against the lost ones, so they go too.
        log.error("%s; hits are refused until it can", error)
        group, self._waiting = group + self._waiting, []
        self._on_lost()
        for kept, _ in group:
            if not kept.done():
                kept.set_exception(SpoolFailed("the spool can't be written"))

    async def _flush_until_stopped(self) -> None:
        pause = FLUSH_SECONDS
        while not self._stopping.is_set():
            try:
                await self._flush()
                pause = FLUSH_SECONDS
            except (StoreFailed, SpoolFailed) as error:
                pause = min(pause * 2, _MAX_RETRY_SECONDS)
                log.warning("%s; next try in %.0f s", error, pause)
            try:
                await asyncio.wait_for(self._stopping.wait(), pause)
            except TimeoutError:
                continue

    async def _flush(self) -> None:
        """Send what waits now; what comes in meanwhile gathers for the next time."""
        loop = asyncio.get_running_loop()
        while self._groups_sent < self._groups_kept:
            groups = self._groups_kept
            batches = await loop.run_in_executor(self._store_thread, self._store.batches)
            batch = await loop.run_in_executor(self._spool_thread, self._spool.take, batches)
            if batch is not None:
                await loop.run_in_executor(self._store_thread, self._send, batch)
                await loop.run_in_executor(self._spool_thread, self._spool.confirm, batch)
            if batch is None or batch.is_last:
                self._groups_sent = groups
                return

    def _send(self, batch: Batch) -> None:
        self._store.insert(batch.token, batch.rows, batch.done)
