"""Take what came in together through the line in one go, and wait until it is on disk.

A request's bytes wait here, as they would in the socket, until the group before
them is written: some milliseconds. A commit to disk, and the turn of each step, is
then paid once a group; `benchmarks/ingest.py` measures the whole.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from anonymizer.hits import Mail, RawHit
from anonymizer.urls import BadUrl
from collector.counted import COUNTED, CountedHit, encode_row
from collector.pipeline import Pipeline, TooManyHits
from collector.receive import BadRequest
from collector.spool import SpoolFailed
from collector.visits import MOST_HITS_A_MINUTE

Read = Callable[[], list[RawHit]]
"""Receives one request's hits, or raises BadRequest."""

Rows = dict[str, list[bytes]]
"""Rows by region; `collector.regions.HOME` alone where the policy declares none."""

Keep = Callable[[Rows], Awaitable[None]]
"""Returns when all the rows are on disk, or raises SpoolFailed: none is."""

Outcome = asyncio.Future[bytes]
"""What is said of a request's hits when they are on disk."""


class Intake:
    """The way from the doors to the disk. Use it from the event loop."""

    def __init__(self, pipeline: Pipeline, keep: Keep) -> None:
        self._pipeline = pipeline
        self._keep = keep
        self._waiting: list[tuple[Outcome, Read]] = []
        self._working: asyncio.Task[None] | None = None

    def take(self, read: Read) -> Outcome:
        """Return the outcome to wait for; a BadRequest says that no hit of the request counts."""
        outcome: Outcome = asyncio.get_running_loop().create_future()
        self._waiting.append((outcome, read))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return outcome

    def admits_mail(self, raw: RawHit, mail: Mail) -> bool:
        """Tell whether a hit at the e-mail door would be counted; nothing is."""
        return self._pipeline.admits_mail(raw, mail)

    async def _work(self) -> None:
        try:
            while self._waiting:
                # Requests that were read together go into one group, not one and the others.
                await asyncio.sleep(0)
                group, self._waiting = self._waiting, []
                await self._take_group(group)
        finally:
            self._working = None

    async def _take_group(self, group: list[tuple[Outcome, Read]]) -> None:
        # Requests with hits for the same regions go together; where these can't be kept, those
        # of other regions are.
        kept: dict[frozenset[str], tuple[list[tuple[Outcome, bytes]], Rows]] = {}
        for outcome, read in group:
            try:
                taken = self._pipeline.take_live(read())
            except BadUrl as bad:
                _fail(outcome, BadRequest("url (u)", str(bad).removeprefix("url: ")))
            except TooManyHits:
                wanted = f"must be at most {MOST_HITS_A_MINUTE} in a minute"
                _fail(outcome, BadRequest("hits", wanted, status=429))
            except Exception as error:  # noqa: BLE001  # it goes on to the one who asked
                _fail(outcome, error)
            else:
                done, rows = kept.setdefault(frozenset(name for name, _ in taken), ([], {}))
                done.append((outcome, outcome_of([hit for _, hits in taken for hit in hits])))
                for name, hits in taken:
                    rows.setdefault(name, []).extend(map(encode_row, hits))
        await asyncio.gather(*(self._keep_together(*each) for each in kept.values()))

    async def _keep_together(self, done: list[tuple[Outcome, bytes]], rows: Rows) -> None:
        try:
            await self._keep(rows)
        except SpoolFailed:
            for outcome, _ in done:
                _fail(outcome, BadRequest("server", "can't keep hits at the moment", status=503))
            return
        for outcome, told in done:
            if not outcome.done():
                outcome.set_result(told)


def outcome_of(counted: Sequence[CountedHit]) -> bytes:
    """Say what became of a request's hits: `counted`, `refused REASON`, or how many of each."""
    refused = [hit.reason for hit in counted if hit.reason != COUNTED]
    if not refused:
        return b"counted"
    taken = sum(hit.hits for hit in counted) - len(refused)
    if not taken:
        return b"refused " + refused[0].encode()
    reasons = " ".join(sorted(set(refused)))
    return f"counted {taken}, refused {len(refused)} {reasons}".encode()


def _fail(outcome: Outcome, error: Exception) -> None:
    if not outcome.done():
        outcome.set_exception(error)
