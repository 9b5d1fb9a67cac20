"""The door for analysts' SQL: a few queries at once, one for each analyst, all others in line.

They run in threads of their own, so that hits and the dashboard wait for none of them.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from clickhouse_http.question import Answer, Question, Refusal
from collector.analysts import Answered
from collector.audit import LOCAL_USER, AuditFailed
from collector.query_socket import Refused, Values
from collector.sql_guard.settings import MAX_SECONDS
from collector.store import StoreFailed

PATH = "/clickhouse/"
AT_ONCE = 2
MAX_WAITING = 20
"""Queries of one analyst that wait; a dashboard of Grafana asks all its panels at once."""

# What is not looked at between two blocks, such as one function on a large value, can go on
# after its time is over.
_GRACE_SECONDS = 5

log = logging.getLogger("discreet")


class Answers(Protocol):
    """What answers queries, in the thread that asks."""

    def answer(self, question: Question) -> Answered:
        """Answer a question."""

    def end_all(self) -> None:
        """End what runs."""


class SqlDoor:
    """Answers questions of ClickHouse's protocol and of `discreet query`."""

    def __init__(
        self,
        analysts: Answers,
        *,
        at_once: int = AT_ONCE,
        seconds: float = MAX_SECONDS + _GRACE_SECONDS,
    ) -> None:
        self._analysts = analysts
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="analyst")
        self._free = asyncio.Semaphore(at_once)
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()

    async def answer(self, question: Question) -> Answer:
        """Answer a question of ClickHouse's protocol.

        Raises:
            Refusal: why it is not answered.
        """
        answered = await self._in_turn(question)
        rows = answered.rows
        summary = {"result_bytes": str(len(rows.body))}
        if rows.count is not None:
            summary["result_rows"] = str(rows.count)
        return Answer(
            body=rows.body,
            output_format=answered.output_format,
            timezone=answered.timezone,
            summary=summary,
        )

    async def answer_local(self, values: Values) -> bytes:
        """Answer `discreet query`.

        Raises:
            Refused: why it is not answered.
        """
        question = Question(sql=values["sql"], output_format=values["format"], user=LOCAL_USER)
        try:
            answered = await self._in_turn(question)
        except Refusal as refusal:
            raise Refused(told(refusal)) from None
        return answered.rows.body

    async def close(self) -> None:
        """End what runs and wait for it."""
        await asyncio.to_thread(self._analysts.end_all)
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    async def _in_turn(self, question: Question) -> Answered:
        async with self._place_in_line(question.user) as turn:
            await turn.acquire()
            try:
                await self._free.acquire()
            except asyncio.CancelledError:
                turn.release()
                raise
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._threads, self._analysts.answer, question)

            def done(future: asyncio.Future[Answered]) -> None:
                self._free.release()
                turn.release()
                if not future.cancelled():
                    future.exception()  # looked at, though nobody may wait for it any more

            running.add_done_callback(done)
            return await self._waited_for(running)

    async def _waited_for(self, running: asyncio.Future[Answered]) -> Answered:
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.shield(running)
        except TimeoutError:
            raise Refusal(
                159, "TIMEOUT_EXCEEDED", f"Timeout exceeded: maximum: {MAX_SECONDS} s"
            ) from None
        except AuditFailed as failed:
            log.warning("no query is answered: %s", failed)
            raise Refusal(1002, "UNKNOWN_EXCEPTION", f"No query is answered: {failed}") from None
        except StoreFailed:
            raise Refusal(210, "NETWORK_ERROR", "The store is out of reach") from None

    @contextlib.asynccontextmanager
    async def _place_in_line(self, user: str) -> AsyncIterator[asyncio.Lock]:
        if self._waiting[user] >= MAX_WAITING:
            raise Refusal(
                202, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many of your queries wait already"
            )
        self._waiting[user] += 1
        try:
            yield self._turns.setdefault(user, asyncio.Lock())
        finally:
            self._waiting[user] -= 1


def told(refusal: Refusal) -> str:
    """Return a refusal in one line, as ClickHouse's clients print it."""
    message = " ".join(refusal.message.split()).removesuffix(".")
    return f"Code: {refusal.code}. DB::Exception: {message}. ({refusal.name})"
