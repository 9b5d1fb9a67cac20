"""All that one region has for itself: a spool, a store, a writer, a reader, a retention run."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from anonymizer.policy import Policy
from collector.analysts import Analysts
from collector.asking import engine_at
from collector.audit import AuditLog
from collector.backup.desk import KIND as BACKUP
from collector.backup.desk import BackupDesk
from collector.data_dir import DataDir
from collector.plan import Plan
from collector.query_socket import Handler
from collector.reader import Reader
from collector.regions import retention_notes, spool_of
from collector.retention.desk import RetentionDesk
from collector.schema.into_cells import meaning_of
from collector.spool import Spool
from collector.sql_door import SqlDoor
from collector.store import Store
from collector.store_address import StoreAddress, open_client, open_late
from collector.writer import Writer

T = TypeVar("T")


class RegionStore:
    """One region's way to disk and back. Use it from the event loop.

    While its server is away, its hits wait in its spool and its questions fail; no other
    region hears of it.
    """

    def __init__(
        self,
        name: str,
        place: StoreAddress,
        data: DataDir,
        policy: Policy,
        plan: Plan,
        on_lost: Callable[[], None],
        now: Callable[[], int],
    ) -> None:
        self.spool = Spool(spool_of(data, name))
        self.spool.count_under(meaning_of(policy, plan))
        self._store = Store(open_late(place))
        self.writer = Writer(self.spool, self._store, on_lost)
        # On its thread: a server that takes a question and never answers would hold the start up.
        self.writer.before_sending(partial(self._store.apply_when_reached, policy, plan))
        self._reader = Reader(open_late(place))
        self._read_thread = ThreadPoolExecutor(1, thread_name_prefix=f"read {name}")
        notes = retention_notes(data, name)
        self.retention = RetentionDesk(
            partial(open_client, place), policy, notes, now, shared=True, since=data.made
        )
        self._retaining: asyncio.Task[None] | None = None
        self._backups = BackupDesk(policy, data, place, self._run_alone, now, name)
        views = [statistic.name for statistic in policy.statistics]
        self._sql = SqlDoor(Analysts(engine_at(place), views, AuditLog(data.audit)))

    def start(self) -> None:
        """Begin to send batches and to look after retention."""
        self.writer.start()
        self._retaining = asyncio.create_task(self.retention.watch())

    async def close(self) -> None:
        """Send what waits as far as it goes, and end threads and connections."""
        if self._retaining is not None:
            self._retaining.cancel()
        await self.writer.stop()
        await self.retention.close()
        await self._sql.close()
        self._read_thread.shutdown()
        self._reader.close()
        self._store.close()
        self.spool.close()

    def handlers(self) -> dict[str, Handler]:
        """Return what answers commands that name this region."""
        return {
            "query": self._sql.answer_local,
            BACKUP: self._backups.answer,
            **self.retention.handlers(),
        }

    def query(self, sql: str, values: Mapping[str, object]) -> Awaitable[Sequence[Sequence[Any]]]:
        """Ask this region's guarded views."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._read_thread, self._reader.query, sql, values)

    async def _run_alone(self, job: Callable[[], T]) -> T:
        async with self.retention.quiet:
            return await self.writer.run_alone(job)
