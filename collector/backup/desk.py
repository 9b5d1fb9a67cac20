"""The running server's part of `discreet backup`: make one in the data directory.

Whoever asked moves it from there: the server may be shut in by its operator and able to write
nowhere else.
"""

import asyncio
import contextlib
import secrets
import shutil
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from anonymizer.policy import Policy
from collector.backup.dump import drop_snapshot, take_snapshot
from collector.backup.engine import BadPlace
from collector.backup.folder import in_place_when_whole
from collector.backup.making import make_backup
from collector.data_dir import DataDir
from collector.query_socket import Refused, Values
from collector.regions import HOME, spool_of
from collector.spool import Spool, SpoolFailed
from collector.store import StoreFailed
from collector.store_address import StorePlace, open_client

KIND = "backup"
"""How the running server's socket is asked for one."""

_NAME = "backup-"
_LEFT_SECONDS = 86_400

T = TypeVar("T")


class RunAlone(Protocol):
    """`collector.writer.Writer.run_alone`."""

    def __call__(self, job: Callable[[], T]) -> Awaitable[T]: ...


class BackupDesk:
    """Answers requests for backups, one at a time."""

    def __init__(
        self,
        policy: Policy,
        data: DataDir,
        place: StorePlace,
        run_alone: RunAlone,
        now: Callable[[], int],
        region: str = HOME,
    ) -> None:
        self._region = region
        self._policy = policy
        self._data = data
        self._place = place
        self._run_alone = run_alone
        self._now = now
        self._making = asyncio.Lock()
        if region == HOME:
            drop_left(data)
        if isinstance(place, Path):  # a server's is dropped by the next backup
            with contextlib.closing(open_client(place)) as client:
                drop_snapshot(client)

    async def answer(self, values: Values) -> bytes:
        """Make a backup with the cells where `engine` says; return the name of its folder.

        With anything under `logins` it holds those too.

        Raises:
            Refused: it could not be made, and why.
        """
        async with self._making:
            drop_left(self._data, self._now() - _LEFT_SECONDS)
            try:
                imported = await self._run_alone(self._take_snapshot)
                logins = bool(values.get("logins"))
                make = partial(self._make, imported, values["engine"], with_logins=logins)
                folder = await asyncio.to_thread(make)
            except (BadPlace, SpoolFailed, StoreFailed) as error:
                raise Refused(str(error)) from None
            except OSError as error:
                raise Refused(f"the backup can't be written: {error.strerror}") from None
            self._drop_later(folder)
            return folder.name.encode()

    def _drop_later(self, folder: Path) -> None:
        """Delete a backup that nobody comes for: whoever asked may have been killed meanwhile."""
        loop = asyncio.get_running_loop()
        drop = partial(shutil.rmtree, folder, ignore_errors=True)
        loop.call_later(_LEFT_SECONDS, loop.run_in_executor, None, drop)

    def _take_snapshot(self) -> Sequence[tuple[str, int, bytes]]:
        with contextlib.closing(open_client(self._place)) as client:
            take_snapshot(client)
        with contextlib.closing(Spool(spool_of(self._data, self._region))) as spool:
            return spool.all_imported()

    def _make(
        self, imported: Sequence[tuple[str, int, bytes]], engine: str, *, with_logins: bool
    ) -> Path:
        to = self._data.path / f"{_NAME}{secrets.token_hex(4)}"
        with (
            in_place_when_whole(to) as folder,
            contextlib.closing(open_client(self._place)) as client,
        ):
            made = self._now()
            make_backup(
                client,
                imported,
                self._data,
                self._policy,
                folder,
                made=made,
                region=self._region,
                engine=engine,
                with_logins=with_logins,
            )
        return to


def drop_left(data: DataDir, before: float = float("inf")) -> None:
    """Delete backups that nobody came for, made before a Unix second."""
    for left in data.path.glob(f"{_NAME}*"):
        if left.stat().st_mtime < before:
            shutil.rmtree(left, ignore_errors=True)
