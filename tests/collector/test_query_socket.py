"""The door of other commands into a running server."""

import asyncio
import json
import logging
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from collector.query_socket import (
    MAX_QUESTION_BYTES,
    NoServer,
    Refused,
    Values,
    ask,
    serve_requests,
)

Result = TypeVar("Result")


async def echo(values: Values) -> bytes:
    sql, output_format = values["sql"], values["format"]
    if sql == "refuse":
        raise Refused("Code: 47. no such column")
    if sql == "much":
        return b"\0\n" * 5_000_000
    return f"{output_format}: {sql}\n".encode()


async def count(values: Values) -> bytes:
    return f"{len(values)} values\n".encode()


def query(path: Path, sql: str) -> bytes:
    return ask(path, "query", {"sql": sql, "format": "TSV"})


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[None]:
    server = await serve_requests(path, {"query": echo, "count": count})
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


def while_serving(path: Path, work: Callable[[], Result]) -> Result:
    """Do blocking work in a thread while a server answers on `path`."""

    async def run() -> Result:
        async with serving(path):
            return await asyncio.to_thread(work)

    return asyncio.run(run())


def say(path: Path, *pieces: bytes) -> bytes:
    """Send bytes as they are, end the sending side, and return the whole answer."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(10)
        asking.connect(str(path))
        for piece in pieces:
            asking.sendall(piece)
        asking.shutdown(socket.SHUT_WR)
        with asking.makefile("rb") as answer:
            return answer.read()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "query.sock"


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        pytest.param("SELECT 1", b"TSV: SELECT 1\n", id="short"),
        pytest.param("SELECT 'ä\n\"€'", "TSV: SELECT 'ä\n\"€'\n".encode(), id="lines and letters"),
        pytest.param("much", b"\0\n" * 5_000_000, id="10 MB"),
        pytest.param("x" * 900_000, b"TSV: " + b"x" * 900_000 + b"\n", id="long question"),
    ],
)
def test_question_is_answered(path: Path, sql: str, answer: bytes) -> None:
    assert while_serving(path, lambda: query(path, sql)) == answer


def test_each_kind_has_its_handler(path: Path) -> None:
    answers = while_serving(path, lambda: (query(path, "x"), ask(path, "count", {"a": "b"})))

    assert answers == (b"TSV: x\n", b"1 values\n")


def test_refusal_comes_back_as_one(path: Path) -> None:
    with pytest.raises(Refused, match=r"^Code: 47\. no such column$"):
        while_serving(path, lambda: query(path, "refuse"))


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(b"\n", id="nothing"),
        pytest.param(b"", id="not even a line"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="HTTP"),
        pytest.param(b"\xff\xfe\0\n", id="no UTF-8"),
        pytest.param(b"[1]\n", id="list"),
        pytest.param(b"null\n", id="null"),
        pytest.param(b'{"sql": "SELECT 1", "format": "TSV"}\n', id="no kind"),
        pytest.param(b'{"kind": "erase", "values": {}}\n', id="unknown kind"),
        pytest.param(b'{"kind": "count"}\n', id="no values"),
        pytest.param(b'{"kind": "count", "values": {"a": 1}}\n', id="value that is no text"),
        pytest.param(b'{"kind": "query", "values": {"sql": "SELECT 1"}}\n', id="no format"),
        pytest.param(b'{"kind": "count", "values"', id="half a question"),
        pytest.param(b"[" * 100_000 + b"\n", id="deeply nested"),
        pytest.param(b"x" * (MAX_QUESTION_BYTES + 1) + b"\n", id="too long"),
    ],
)
def test_garbage_gets_one_error_and_no_echo(path: Path, question: bytes) -> None:
    answer, after = while_serving(path, lambda: (say(path, question), query(path, "SELECT 1")))

    assert json.loads(answer) == {"error": "the question can't be read"}
    assert after == b"TSV: SELECT 1\n"


def test_question_may_come_in_pieces(path: Path) -> None:
    pieces = (b'{"kind": "query", "values": {"sql": "SELE', b'CT 1", "for', b'mat": "CSV"}}', b"\n")

    answer = while_serving(path, lambda: say(path, *pieces))

    assert answer == b'{"bytes": 14}\nCSV: SELECT 1\n'


def test_client_that_hangs_up_disturbs_nobody(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def hang_up_and_ask() -> bytes:
        much = b'{"kind": "query", "values": {"sql": "much", "format": "TSV"}}\n'
        for question in (b"", b'{"kind": "x"', much):
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(str(path))
                asking.sendall(question)
        return query(path, "SELECT 1")

    with caplog.at_level(logging.DEBUG):
        assert while_serving(path, hang_up_and_ask) == b"TSV: SELECT 1\n"

    assert [record.message for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_path_longer_than_a_socket_address_works(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    path = folder / "query.sock"
    assert len(str(path)) > 107

    assert while_serving(path, lambda: query(path, "SELECT 1")) == b"TSV: SELECT 1\n"


def test_socket_is_its_owners_alone(path: Path) -> None:
    mode = while_serving(path, lambda: stat.S_IMODE(path.stat().st_mode))

    assert mode == 0o600


def test_socket_that_a_killed_server_left_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with pytest.raises(NoServer):
        query(path, "SELECT 1")

    assert while_serving(path, lambda: query(path, "SELECT 1")) == b"TSV: SELECT 1\n"


def test_nobody_there_is_said_so(path: Path) -> None:
    with pytest.raises(NoServer):
        query(path, "SELECT 1")


def test_several_may_ask_at_once(path: Path) -> None:
    async def run() -> list[bytes]:
        async with serving(path):
            return await asyncio.gather(
                *(asyncio.to_thread(query, path, f"SELECT {n}") for n in range(20))
            )

    assert asyncio.run(run()) == [f"TSV: SELECT {n}\n".encode() for n in range(20)]
