"""Rows of several regions on disk: those of one request all or none, each in its own spool.

A request's rows for the last of its regions go into that spool together with a random token;
before that, the others hold theirs under the token. So the token tells, after any kill, whether
what is held counts.
"""

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from collector.regions import HOME
from collector.spool import Spool, SpoolFailed
from collector.writer import Writer

Rows = Mapping[str, list[bytes]]
"""Rows by region."""

log = logging.getLogger("discreet")


class RegionWriters:
    """The writers of all regions. Use it from the event loop."""

    def __init__(
        self, writers: Mapping[str, Writer], on_lost: Callable[[Sequence[str]], None]
    ) -> None:
        self._writers = writers
        self._on_lost = on_lost
        self._unreleased: set[tuple[str, str]] = set()

    async def keep(self, rows: Rows) -> None:
        """Return when all rows are on disk, each in the spool of its region.

        Raises:
            SpoolFailed: none of them was kept, or will be after a restart.
        """
        names = [name for name in rows if rows[name]]
        if len(names) < 2:
            for name in names or [HOME]:
                await self._writers[name].keep(rows.get(name, []))
            return
        await self._release_left()
        try:
            await self._keep_together(rows, sorted(names, reverse=True))
        except SpoolFailed as error:
            log.error("%s; hits are refused until it can", error)  # noqa: TRY400  # no traceback
            self._on_lost(names)
            raise

    async def _keep_together(self, rows: Rows, names: list[str]) -> None:
        *holding, deciding = names
        token = secrets.token_hex(8)
        held: list[str] = []
        try:
            for name in holding:
                await self._writers[name].change(partial(Spool.hold, rows=rows[name], token=token))
                held.append(name)
            decide = partial(Spool.append_deciding, rows=rows[deciding], token=token)
            await self._writers[deciding].change(decide)
        except SpoolFailed:
            for name in held:
                await self._discard(name, token)
            raise
        self._unreleased |= {(name, token) for name in held}
        await self._release_left()
        if not any(token == left for _, left in self._unreleased):
            await self._forget(deciding, token)

    async def _release_left(self) -> None:
        """Let go of what is decided; what can't be now is tried again with the next request."""
        for name, token in sorted(self._unreleased):
            try:
                await self._writers[name].change(partial(Spool.release, token=token))
            except SpoolFailed as error:
                log.warning("%s; counted hits wait in it", error)
            else:
                self._unreleased.discard((name, token))

    async def _discard(self, name: str, token: str) -> None:
        try:
            await self._writers[name].change(partial(Spool.discard, token=token))
        except SpoolFailed as error:
            # It is undecided, so the next start discards it.
            log.warning("%s; it holds hits that were refused", error)

    async def _forget(self, name: str, token: str) -> None:
        try:
            await self._writers[name].change(partial(Spool.forget_decided, token=token))
        except SpoolFailed as error:
            log.warning("%s; a token stays until the next start", error)


def settle(spools: Iterable[Spool]) -> None:
    """Count what a kill left decided and drop what it left undecided.

    Raises:
        SpoolFailed: a disk is full or broken.
    """
    spools = list(spools)
    decided = {token for spool in spools for token in spool.decided()}
    for spool in spools:
        for token in spool.held():
            if token in decided:
                spool.release(token)
            else:
                spool.discard(token)
    for spool in spools:
        for token in spool.decided():
            spool.forget_decided(token)
