"""The running server's door for `discreet query`: a Unix socket in the data directory.

One JSON line asks (`sql`, `format`); one JSON line answers with the length of
what follows or with an error. Whoever may read the directory may ask.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

MAX_QUESTION_BYTES = 1_000_000

Answer = Callable[[str, str], Awaitable[bytes]]


class QueryRefused(Exception):
    """ClickHouse's word on why a query was not answered."""


class NoServer(Exception):
    """Nobody listens on the socket."""


async def serve_queries(path: Path, answer: Answer) -> asyncio.AbstractServer:
    """Listen on `path` and answer each connection's one question."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever asks may hang up before the answer.
        with contextlib.suppress(ConnectionError):
            await reply(reader, writer)
        writer.close()

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            question = json.loads(await reader.readline())
            payload = await answer(str(question["sql"]), str(question["format"]))
            head: dict[str, object] = {"bytes": len(payload)}
        except QueryRefused as refused:
            payload, head = b"", {"error": str(refused)}
        except (ValueError, KeyError, TypeError, RecursionError):
            payload, head = b"", {"error": "the question can't be read"}
        writer.write(json.dumps(head).encode() + b"\n" + payload)
        await writer.drain()

    return await asyncio.start_unix_server(converse, sock=_listen(path), limit=MAX_QUESTION_BYTES)


def ask(path: Path, sql: str, output_format: str) -> bytes:
    """Ask the server that listens on `path`.

    Raises:
        NoServer: nobody listens there.
        QueryRefused: the query was not answered, and why.
    """
    with _unix_socket() as asking:
        try:
            _at(path, asking.connect)
        except OSError:
            raise NoServer from None
        asking.sendall(json.dumps({"sql": sql, "format": output_format}).encode() + b"\n")
        with asking.makefile("rb") as answer:
            head = json.loads(answer.readline() or b'{"error": "the server went away"}')
            if "error" in head:
                raise QueryRefused(head["error"])
            return answer.read(head["bytes"])


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listening = _unix_socket()
    _at(path, listening.bind)
    path.chmod(0o600)
    return listening


def _unix_socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


def _at(path: Path, use: Callable[[str], None]) -> None:
    # A socket's path holds 107 bytes at most (unix(7)); by the directory's handle it is short.
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        use(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)
