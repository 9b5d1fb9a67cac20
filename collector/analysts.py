"""Answer analysts' queries: check, run under limits, write down. Blocks; call it in a thread."""

import itertools
import threading
import time
from collections.abc import Callable, Collection

import msgspec
from msgspec import Struct

from clickhouse_http.question import Question, Refusal
from collector.asking import Engine, Rows
from collector.audit import AuditLog, Entry
from collector.sql_guard.guard import Checked, Guard
from collector.sql_guard.settings import whole_settings

# A tree in JSON is some ten times as long as its query.
_READING = {
    "max_query_size": "67108864",
    "max_execution_time": "5",
    "max_memory_usage": "500000000",
    "max_parser_depth": "500",
    # What is never closed can be read 1,000,000 ways, the engine's own bound, which takes 5 s.
    "max_parser_backtracks": "100000",
    "max_ast_depth": "500",
    "max_ast_elements": "20000",
    "max_threads": "1",
    "readonly": "1",
}


class Answered(Struct, frozen=True):
    """An answer, and how it is to be read."""

    rows: Rows
    output_format: str
    timezone: str
    """In which DateTime without a zone is meant."""


class Analysts:
    """Answers queries for the guarded views `views` of one store."""

    def __init__(
        self,
        engine: Engine,
        views: Collection[str],
        audit: AuditLog,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._audit = audit
        self._clock = clock
        self._numbers = itertools.count(1)
        self._running: set[str] = set()
        self._reading = threading.Lock()
        self._views = views
        self._timezone = "UTC"
        self._guard: Guard | None = None  # made at the first query: a server may be away until then

    def answer(self, question: Question) -> Answered:
        """Answer a question and write down that it was asked.

        Raises:
            Refusal: it asks for more than it may, or ClickHouse has something to say.
        """
        started = time.monotonic()
        checked: Checked | None = None
        rows: Rows | None = None
        refused: Refusal | None = None
        try:
            with self._reading:
                self._guard = self._guard or self._make_guard()
                checked = self._guard.check(question)
            rows = self._run(checked)
            zone = checked.settings.get("session_timezone") or self._timezone
            return Answered(rows, checked.output_format, zone)
        except Refusal as refusal:
            refused = refusal
            raise
        finally:
            self._audit.write(
                Entry(
                    time=self._clock(),
                    user=question.user,
                    views=checked.views if checked else (),
                    query=checked.shape if checked else "",
                    milliseconds=round(1000 * (time.monotonic() - started)),
                    rows=rows.count if rows else None,
                    bytes=len(rows.body) if rows else 0,
                    refused=_reason(refused) if rows is None else "",
                )
            )

    def end_all(self) -> None:
        """End every query that runs, at its next block."""
        for comment in list(self._running):
            self._engine.end(comment)

    def _run(self, checked: Checked) -> Rows:
        comment = f"analyst {next(self._numbers)}"
        self._running.add(comment)
        try:
            return self._engine.ask(
                checked.sql, checked.output_format, whole_settings(checked.settings, comment)
            )
        finally:
            self._running.discard(comment)

    def _make_guard(self) -> Guard:
        home = self._read("SELECT currentDatabase()").decode()
        self._timezone = self._read("SELECT timezone()").decode()
        columns = self._names(f"FROM system.columns WHERE database = '{home}'")
        settings = self._names("FROM system.settings")
        functions = self._names("FROM system.functions")
        return Guard(self._read, home, self._views, columns, settings, functions)

    def _read(self, sql: str) -> bytes:
        return self._engine.ask(sql, "RawBLOB", _READING).body

    def _names(self, source: str) -> list[str]:
        answer = self._read(f"SELECT toJSONString(groupUniqArray(name)) {source}")
        return msgspec.json.decode(answer, type=list[str])


def _reason(refused: Refusal | None) -> str:
    return f"{refused.code} {refused.name}" if refused else "the store failed"
