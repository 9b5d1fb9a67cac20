"""Count what the gate let through, a group at a time, and wait until it is on disk.

A request's hits wait here for the group before them to be written, some
milliseconds at most. Counting a group in one go costs about half of counting
hit by hit between requests, for it finds its code and data in the processor's
cache (benchmarks/ingest.py).
"""

import asyncio
from collections.abc import Awaitable, Callable

from anonymizer.urls import BadUrl
from collector.counted import CountedHit, encode_row
from collector.pipeline import Judged, Pipeline
from collector.spool import SpoolFailed

Keep = Callable[[list[bytes]], Awaitable[None]]
"""Returns when the rows are on disk."""

_Counted = asyncio.Future[list[CountedHit]]


class Intake:
    """The way from the doors to the disk. Use it from the event loop."""

    def __init__(self, pipeline: Pipeline, keep: Keep) -> None:
        self._pipeline = pipeline
        self._keep = keep
        self._waiting: list[tuple[_Counted, list[Judged]]] = []
        self._working: asyncio.Task[None] | None = None

    async def take(self, hits: list[Judged]) -> list[CountedHit]:
        """Return the hits of one request as they were counted, when they are on disk.

        Raises:
            BadUrl: one of them has no readable URL; none of them was counted.
            SpoolFailed: they could not be kept.
        """
        counted: _Counted = asyncio.get_running_loop().create_future()
        self._waiting.append((counted, hits))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await counted

    async def _work(self) -> None:
        try:
            while self._waiting:
                # Requests that were read together go into one group, not one and the others.
                await asyncio.sleep(0)
                group, self._waiting = self._waiting, []
                await self._take_group(group)
        finally:
            self._working = None

    async def _take_group(self, group: list[tuple[_Counted, list[Judged]]]) -> None:
        done: list[tuple[_Counted, list[CountedHit]]] = []
        rows: list[bytes] = []
        for waiting, hits in group:
            try:
                counted = self._pipeline.count(hits)
            except BadUrl as bad:
                if not waiting.done():
                    waiting.set_exception(bad)
                continue
            done.append((waiting, counted))
            rows += [encode_row(hit) for hit in counted]
        try:
            await self._keep(rows)
        except SpoolFailed as failed:
            for waiting, _ in done:
                if not waiting.done():
                    waiting.set_exception(failed)
            return
        for waiting, counted in done:
            if not waiting.done():
                waiting.set_result(counted)
