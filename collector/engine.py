"""The embedded engine as a server of its own: any question of one user, answered whole.

Whoever may ask may do all that the engine can, files of this process included.
"""

import asyncio
import contextlib
import hmac
import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import chdb
from starlette.applications import Starlette
from starlette.routing import Mount

from clickhouse_http.app import ClickHouseHttp
from clickhouse_http.question import Answer, Question, Refusal
from collector.store import StoreFailed

THREADS = 4  # so that a long question holds back no insert
MAX_WAITING = 100

_BACKSLASH = "\\"

_ERROR = re.compile(
    r"Code: (?P<code>\d+)\. DB::Exception: (?P<message>.*?) \((?P<name>[A-Z0-9_]+)\)"
    r"(?: \(version [^()]*(?:\([^()]*\))?\))?\s*\Z",
    re.DOTALL,
)
# What chDB adds to an error about rows: whence it read them.
_OF_FILE = re.compile(
    r": \(in file/uri /dev/fd/\d+\)|: While executing File: data for INSERT was parsed from file"
)
# chDB gives Python objects under these names, whatever ClickHouse calls a format.
_NO_FORMATS = frozenset({"arrowtable", "dataframe", "datastore"})


class _Result(Protocol):
    def bytes(self) -> bytes | None: ...
    def rows_read(self) -> int: ...
    def bytes_read(self) -> int: ...
    def rows_written(self) -> int: ...
    def bytes_written(self) -> int: ...
    def elapsed(self) -> float: ...


class _Connection(Protocol):
    def query(self, sql: str, output_format: str, /, params: dict[str, str]) -> _Result: ...
    def close(self) -> None: ...


class Engine:
    """The engine on one directory. Each question has a connection of its own.

    So nothing of a question is left for the next: no SET, no USE, no temporary table, and no part
    of an answer that failed half-way, which chDB 26.9 would put in front of the next one. A
    connection takes 0.2 ms.
    """

    def __init__(self, path: Path, *, threads: int = THREADS) -> None:
        """Open the engine on the directory `path`.

        Raises:
            StoreFailed: another process has the directory open, or it can't be used.
        """
        self._path = str(path.resolve())
        try:
            self._first = _connect(self._path)  # while it is open the engine is
        except RuntimeError:
            raise StoreFailed("the store's directory can't be opened") from None
        self.timezone = _ask(self._first, "SELECT timezone()", "TSVRaw").body.decode().strip()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="engine")
        self._waiting = 0

    async def answer(self, question: Question) -> Answer:
        """Answer a question.

        Raises:
            Refusal: what ClickHouse has to say, or too many questions wait.
        """
        if self._waiting >= MAX_WAITING:
            raise Refusal(202, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many questions wait")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._answer, question)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End what is still being answered and close the engine."""
        _ask(self._first, "KILL QUERY WHERE 1 SYNC")
        self._threads.shutdown()
        self._first.close()

    def _answer(self, question: Question) -> Answer:
        timezone = question.settings.get("session_timezone") or self.timezone
        connection = _connect(self._path)
        try:
            self._prepare(connection, question)
            if question.input_format:
                written = self._insert(
                    connection,
                    question.sql,
                    question.input_format,
                    question.data,
                    clause=question.insert_settings,
                    parameters=question.parameters,
                )
                return Answer(timezone=timezone, summary=written)
            answer = _ask(connection, question.sql, question.output_format, question.parameters)
        except RuntimeError as error:
            raise _refusal(str(error)) from None
        finally:
            connection.close()
        gives_table = bool(answer.body) or question.gives_table
        return Answer(
            body=answer.body,
            output_format=question.output_format if gives_table else "",
            timezone=timezone,
            summary=answer.summary,
        )

    def _prepare(self, connection: _Connection, question: Question) -> None:
        if question.output_format.lower() in _NO_FORMATS:
            raise Refusal(73, "UNKNOWN_FORMAT", f"Unknown format {question.output_format}")
        if question.database:
            _ask(connection, f"USE {_quoted(question.database, '`')}")
        for table in question.external:
            _ask(connection, f"CREATE TEMPORARY TABLE {table.name} ({table.structure})")
            self._insert(connection, f"INSERT INTO {table.name}", table.format, table.data)
        if question.is_get:  # first, so that no setting of the request can take it back
            _ask(connection, "SET readonly = 2")
        for name, value in question.settings.items():
            _ask(connection, f"SET {name} = {_quoted(value)}")

    def _insert(
        self,
        connection: _Connection,
        sql: str,
        input_format: str,
        rows: bytes,
        *,
        clause: str = "",
        parameters: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        # chDB 26.9 has two other ways in. `send_insert` finishes without an error where the table
        # took no row, for whatever cause but a row that can't be read; and as part of the
        # statement's text rows are taken up to the first empty line alone, be it two bytes of a
        # number. From a file, columns left out can't have a DEFAULT that reads one that isn't
        # listed, an EPHEMERAL one say: error 47.
        try:
            with tempfile.TemporaryFile(dir=self._path) as file:  # of no name, so none is left
                file.write(rows)
                file.seek(0)  # for macOS, where /dev/fd goes on where this one is
                given = connection.query(
                    f"{sql}\nFROM INFILE '/dev/fd/{file.fileno()}' COMPRESSION 'none'\n"
                    f"{clause}\nFORMAT {input_format}",
                    "Null",
                    params=dict(parameters or {}),
                )
        except OSError as error:
            said = f"Rows can't be put into a temporary file: {error.strerror}"
            raise Refusal(243, "NOT_ENOUGH_SPACE", said) from None
        return {
            "written_rows": str(given.rows_written()),
            "written_bytes": str(given.bytes_written()),
            "elapsed_ns": str(int(given.elapsed() * 1e9)),
        }


def _connect(path: str) -> _Connection:
    connection: _Connection = chdb.connect(path)  # type: ignore[no-untyped-call]
    return connection


def _ask(
    connection: _Connection,
    sql: str,
    output_format: str = "TabSeparated",
    parameters: Mapping[str, str] | None = None,
) -> Answer:
    given = connection.query(sql, output_format, params=dict(parameters or {}))
    return Answer(
        body=given.bytes() or b"",
        summary={
            "read_rows": str(given.rows_read()),
            "read_bytes": str(given.bytes_read()),
            "elapsed_ns": str(int(given.elapsed() * 1e9)),
        },
    )


def _quoted(text: str, mark: str = "'") -> str:
    return (
        f"{mark}{text.replace(_BACKSLASH, _BACKSLASH * 2).replace(mark, _BACKSLASH + mark)}{mark}"
    )


def _refusal(message: str) -> Refusal:
    found = _ERROR.search(message)
    if not found:
        return Refusal(1001, "STD_EXCEPTION", "The engine failed")
    # Of rows that can't be read chDB gives code, name and version twice.
    said = found["message"].removeprefix(f"Code: {found['code']}. DB::Exception: ")
    said = said.partition(f" ({found['name']}) (version ")[0]
    return Refusal(int(found["code"]), found["name"], _OF_FILE.sub("", said))


def engine_app(engine: Engine, user: str, password: str) -> Starlette:
    """Serve the engine to one user."""

    async def log_in(name: str, given: str) -> bool:
        same_password = hmac.compare_digest(given.encode(), password.encode())
        return hmac.compare_digest(name.encode(), user.encode()) and same_password

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        engine.close()

    return Starlette(routes=[Mount("/", ClickHouseHttp(engine.answer, log_in))], lifespan=lifespan)
