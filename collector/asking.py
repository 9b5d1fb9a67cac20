"""Run a checked query under its settings: on a connection of its own in the embedded engine, or on
a server.

A fresh connection takes 0.2 ms and leaves nothing for the next query: no setting, and no half of
an answer that failed, which chDB 26.9 would put in front of the next one.
"""

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import chdb
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from msgspec import Struct

from clickhouse_http.question import Refusal
from collector.store_address import StorePlace, open_late

_BACKSLASH = "\\"

_ERROR = re.compile(
    r"Code: (?P<code>\d+)\. DB::Exception: (?P<message>.*?) \((?P<name>[A-Z0-9_]+)\)"
    r"(?: \(version [^()]*(?:\([^()]*\))?\))?\s*\Z",
    re.DOTALL,
)
_INSIDE = re.compile(r"In scope .*|While .*|: while .*", re.DOTALL | re.IGNORECASE)


class Rows(Struct, frozen=True):
    """An answer in its output format, and how many rows it has."""

    body: bytes
    count: int | None
    """Unknown where the engine doesn't tell."""


class Engine(Protocol):
    """What runs queries, each under settings of its own."""

    def ask(self, sql: str, output_format: str, settings: Mapping[str, str]) -> Rows:
        """Run a query.

        Raises:
            Refusal: what ClickHouse has to say.
        """

    def end(self, comment: str) -> None:
        """End the queries that run under this `log_comment`, at their next block."""


class EmbeddedEngine:
    """The engine in this process on the directory `path`, which must be open already."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def ask(self, sql: str, output_format: str, settings: Mapping[str, str]) -> Rows:
        """Run a query on a connection of its own.

        Raises:
            Refusal: what ClickHouse has to say.
        """
        connection = chdb.connect(self._path)  # type: ignore[no-untyped-call]
        try:
            connection.query(_set(settings), "TabSeparated")
            given = connection.query(sql, output_format)
            return Rows(given.bytes() or b"", int(given.rows_read()))
        except RuntimeError as error:
            raise refusal_of(str(error)) from None
        finally:
            connection.close()

    def end(self, comment: str) -> None:
        """End the queries that run under this `log_comment`, at their next block."""
        with contextlib.suppress(Refusal):
            self.ask(_kill(comment), "Null", {"max_execution_time": "5"})


def engine_at(place: StorePlace) -> Engine:
    """Return what runs queries on a store; a directory must be open already."""
    return EmbeddedEngine(place) if isinstance(place, Path) else ServerEngine(open_late(place))


class ServerEngine:
    """A ClickHouse server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def ask(self, sql: str, output_format: str, settings: Mapping[str, str]) -> Rows:
        """Run a query.

        Raises:
            Refusal: what ClickHouse has to say.
        """
        try:
            body = self._client.raw_query(
                sql,
                settings=dict(settings),
                # Not by a FORMAT clause, which not every statement takes.
                transport_settings={"X-ClickHouse-Format": output_format},
            )
        except ClickHouseError as error:
            raise refusal_of(str(error)) from None
        return Rows(body, None)

    def end(self, comment: str) -> None:
        """End the queries that run under this `log_comment`, at their next block."""
        with contextlib.suppress(ClickHouseError):
            self._client.command(_kill(comment))


def _kill(comment: str) -> str:
    return f"KILL QUERY WHERE Settings['log_comment'] = {quoted(comment)} ASYNC"


def _set(settings: Mapping[str, str]) -> str:
    return "SET " + ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items())


def refusal_of(message: str) -> Refusal:
    """Read ClickHouse's error: code, name and the part of its text that is about the query."""
    # A message may hold others; the last is the one that ended the query.
    found = _ERROR.match(message, max(message.rfind("Code: "), 0))
    if not found:
        return Refusal(1001, "STD_EXCEPTION", "The store could not answer")
    # The rest repeats the query as the engine has opened it, views and all.
    told = _INSIDE.sub("", found["message"]).strip().rstrip(":").strip()
    return Refusal(int(found["code"]), found["name"], told)


def quoted(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace(_BACKSLASH, _BACKSLASH * 2).replace("'", _BACKSLASH + "'") + "'"
