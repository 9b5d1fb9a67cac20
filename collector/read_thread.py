"""The one thread that reads the store, for it answers one question at a time."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from collector.doctor.telling import tell
from collector.encoding import Columns
from collector.query_socket import Refused, Values
from collector.reader import Reader
from collector.store import StoreFailed
from collector.store_facts import read_store_facts

T = TypeVar("T")


class ReadThread:
    """Asks a reader from the event loop; the reader ends with it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read")

    async def query(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Return the rows of a question.

        Raises:
            StoreFailed: it can't be answered.
        """
        return await self._run(self._reader.query, sql, parameters)

    async def encode(self, columns: Columns, form: str) -> bytes:
        """Return columns in a format of ClickHouse's.

        Raises:
            StoreFailed: the engine can't.
        """
        return await self._run(self._reader.encode, columns, form)

    async def tell_facts(self, _: Values) -> bytes:
        """Answer the socket's question about the store as JSON."""
        return msgspec.json.encode(await self._tell(read_store_facts, self._reader.query))

    async def tell_doctor(self, values: Values) -> bytes:
        """Answer one of the doctor's questions."""
        return await self._tell(tell, self._reader.query, values)

    def close(self) -> None:
        """Let what runs end, then close the reader."""
        self._thread.shutdown()
        self._reader.close()

    async def _tell(self, read: Callable[..., T], *arguments: object) -> T:
        try:
            return await self._run(read, *arguments)
        except StoreFailed as error:
            raise Refused(str(error)) from None
        except msgspec.ValidationError:
            raise Refused("there is no such question") from None

    async def _run(self, read: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, read, *arguments)
