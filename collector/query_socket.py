"""The running server's door for other commands: a Unix socket in the data directory.

One JSON line asks (`kind`, and the `values` that kind wants); one JSON line answers
with the length of what follows or with an error. Whoever owns the directory may ask.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

MAX_QUESTION_BYTES = 1_000_000

Values = Mapping[str, str]
Handler = Callable[[Values], Awaitable[bytes]]
"""Answers one kind of request. A value that it misses is a `KeyError`; a refusal `Refused`."""


class Refused(Exception):
    """Why a request was not answered, in one line for whoever asked."""


class NoServer(Exception):
    """Nobody listens on the socket."""


class _Question(Struct, frozen=True):
    kind: str
    values: dict[str, str]


_decode = msgspec.json.Decoder(_Question).decode


async def serve_requests(path: Path, handlers: Mapping[str, Handler]) -> asyncio.AbstractServer:
    """Listen on `path` and answer each connection's one request by the handler of its kind."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever asks may hang up before the answer.
        with contextlib.suppress(ConnectionError):
            await reply(reader, writer)
        writer.close()

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            question = _decode(await reader.readline())
            payload = await handlers[question.kind](question.values)
            head: dict[str, object] = {"bytes": len(payload)}
        except Refused as refused:
            payload, head = b"", {"error": str(refused)}
        except (ValueError, KeyError, RecursionError, msgspec.DecodeError):
            payload, head = b"", {"error": "the question can't be read"}
        writer.write(json.dumps(head).encode() + b"\n" + payload)
        await writer.drain()

    return await asyncio.start_unix_server(converse, sock=_listen(path), limit=MAX_QUESTION_BYTES)


def ask(path: Path, kind: str, values: Values) -> bytes:
    """Ask the server that listens on `path` for one kind of answer.

    Raises:
        NoServer: nobody listens there.
        Refused: the request was not answered, and why.
    """
    with _unix_socket() as asking:
        try:
            _at(path, asking.connect)
        except OSError:
            raise NoServer from None
        asking.sendall(json.dumps({"kind": kind, "values": dict(values)}).encode() + b"\n")
        with asking.makefile("rb") as answer:
            head = json.loads(answer.readline() or b'{"error": "the server went away"}')
            if "error" in head:
                raise Refused(head["error"])
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
