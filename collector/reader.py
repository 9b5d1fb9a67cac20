"""Read the guarded views of ClickHouse: the embedded engine, or a server."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from collector.encoding import Columns, select_columns
from collector.store import failures, open_engine

# A reader may not write, define or reach outside, and may not loosen its own
# limits: `readonly` comes last and shuts the door on every later SET.
_READER_SETTINGS = {
    "max_execution_time": 30,
    "max_memory_usage": 1_000_000_000,
    "readonly": 1,
}


class Reader:
    """A read-only connection to the same ClickHouse. Call it from one thread at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._is_limited = False  # with the first query: a server may be away until then

    @classmethod
    def embedded(cls, path: Path) -> "Reader":
        """Open one more connection to the engine on the directory `path`.

        Raises:
            StoreFailed: another process has the directory open, or it can't be used.
        """
        return cls(open_engine(path))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def query(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Return a query's rows; its parameters are bound by ClickHouse.

        Raises:
            StoreFailed: the query could not be answered.
        """
        with failures("the query failed"), self._whole_answers():
            self._limit()
            return self._client.query(sql, parameters=dict(parameters)).result_rows

    def encode(self, columns: Columns, output_format: str) -> bytes:
        """Return columns as rows in one of ClickHouse's formats.

        Raises:
            StoreFailed: the query could not be answered.
        """
        with failures("the query failed"), self._whole_answers():
            self._limit()
            sql, bound = select_columns(columns)
            return self._client.raw_query(sql, parameters=bound, fmt=output_format)

    def _limit(self) -> None:
        """Shut the connection's door on writing, once."""
        if not self._is_limited:
            for name, value in _READER_SETTINGS.items():
                # Of the connection to an engine, and of each request to a server.
                self._client.set_client_setting(name, value)
            self._is_limited = True

    @contextlib.contextmanager
    def _whole_answers(self) -> Iterator[None]:
        # What a query had written before it failed, chDB 26.9 puts in front of the next answer.
        try:
            yield
        except ClickHouseError as error:
            if getattr(error, "code", None):  # else no engine answered
                self._client.raw_query("SELECT 1")
            raise
