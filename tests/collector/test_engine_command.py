"""`discreet engine` as a process: who may start it, what it survives, how it stops."""

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from collector.engine import MAX_WAITING
from tests.engine_process import EngineProcess, start_engine
from tests.running import refusal_of

TABLE = "CREATE TABLE notes (id UInt64) ENGINE = MergeTree ORDER BY id"
GUARDING = f"""{TABLE};
CREATE TABLE checked (id UInt64, CONSTRAINT no_seven CHECK id != 7)
    ENGINE = MergeTree ORDER BY id;
CREATE TABLE split (id UInt64) ENGINE = MergeTree ORDER BY id PARTITION BY id;
CREATE TABLE watched (id UInt64) ENGINE = Null;
CREATE TABLE seen (id UInt64) ENGINE = MergeTree ORDER BY id;
CREATE MATERIALIZED VIEW watching TO seen AS SELECT id + throwIf(id = 7) AS id FROM watched;
CREATE TABLE worked_out (id UInt64, x UInt8 DEFAULT throwIf(id = 7))
    ENGINE = MergeTree ORDER BY id;
CREATE TABLE cramped (id UInt64) ENGINE = MergeTree ORDER BY id
    SETTINGS min_free_disk_bytes_to_perform_insert = 1000000000000000000;
CREATE TABLE crumbled (id UInt64) ENGINE = MergeTree ORDER BY id
    SETTINGS parts_to_throw_insert = 1, parts_to_delay_insert = 0;
SYSTEM STOP MERGES crumbled;
INSERT INTO crumbled SELECT 1"""


def wait_until_asked(client: Client, text: str, asking: threading.Thread) -> None:
    """Return once a question that holds `text` is being answered."""
    running = f"SELECT count() FROM system.processes WHERE query LIKE '%{text}%'"
    while client.command(running) != 2:  # the second is the one that asks
        assert asking.is_alive()


def test_rows_outlive_a_stop_and_a_kill(tmp_path: Path) -> None:
    with start_engine(tmp_path / "data") as engine:
        client = engine.client()
        client.command(TABLE)
        client.insert("notes", [[1]])
        assert engine.stop() == 0
        engine.start()
        client.insert("notes", [[2]])
        engine.kill()
        engine.start()
        assert client.query("SELECT id FROM notes ORDER BY id").result_rows == [(1,), (2,)]
        client.close()
    assert "Traceback" not in engine.output


@pytest.fixture(scope="module")
def guarding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """Give an engine with tables that refuse the 7, or all rows."""
    with start_engine(tmp_path_factory.mktemp("guarding") / "data") as engine:
        with engine.client() as client:
            for statement in GUARDING.split(";"):
                client.command(statement)
        yield engine


@pytest.mark.parametrize(
    ("into", "row", "code"),
    [
        pytest.param("checked", "7", "469", id="constraint"),
        pytest.param("split SETTINGS max_partitions_per_insert_block = 1", "7\n8", "252",
                     id="too-many-partitions"),
        pytest.param("watched", "7", "395", id="materialized-view"),
        pytest.param("worked_out (id)", "7", "395", id="default"),
        pytest.param("cramped", "7", "243", id="no-space"),
        pytest.param("crumbled", "7", "252", id="too-many-parts"),
        pytest.param("notes SETTINGS max_execution_time = 0.001", "7\n" * 1_000_000, "159",
                     id="too-slow"),
        pytest.param("notes SETTINGS max_memory_usage = 1000000, max_untracked_memory = 1000",
                     "7\n" * 1_000_000, "241", id="too-much-memory"),
        pytest.param("notes", "7\tx", "27", id="unreadable-row"),
        pytest.param("missing", "7", "60", id="no-such-table"),
    ],
)  # fmt: skip
def test_refused_insert_is_answered_with_its_error(
    guarding: EngineProcess, into: str, row: str, code: str
) -> None:
    with door_of(guarding) as door:
        refused = door.post("/", content=f"INSERT INTO {into} FORMAT TSV\n{row}\n")
        assert refused.status_code != 200
        assert refused.headers["X-ClickHouse-Exception-Code"] == code
        assert refused.text.count("DB::Exception") == 1
        assert "INSERT was parsed" not in refused.text
        assert "/dev/fd" not in refused.text
        kept = door.post("/", content="INSERT INTO notes SETTINGS log_comment = 'x y' VALUES (1)")
        assert (kept.status_code, kept.text) == (200, "")
        rows = door.post("/", content="SELECT groupArray(id) FROM notes")
        assert rows.text == "[1]\n"  # by the same connection, after the refusal
        door.post("/", content="TRUNCATE TABLE notes")


@pytest.mark.parametrize(
    ("into", "table"),
    [
        ("checked", "checked"),
        ("split", "split"),
        ("watched", "seen"),
        ("worked_out (id)", "worked_out"),
    ],
)
def test_row_that_is_not_refused_is_kept_once(
    guarding: EngineProcess, into: str, table: str
) -> None:
    with door_of(guarding) as door:
        kept = door.post("/", content=f"INSERT INTO {into} FORMAT TSV\n8\n")
        assert kept.status_code == 200
        rows = door.post("/", content=f"SELECT groupArray(id) FROM {table}")
        assert rows.text == "[8]\n"


def test_rows_that_wait_are_in_no_file_with_a_name(tmp_path: Path) -> None:
    with start_engine(tmp_path / "data") as engine:
        with engine.client() as client:
            client.command(f"{TABLE} SETTINGS min_bytes_for_wide_part = 0")
            client.command("CREATE TABLE slow (id UInt64) ENGINE = Null")
            client.command(
                "CREATE MATERIALIZED VIEW slowly TO notes AS"
                " SELECT id + sleepEachRow(0.1) AS id FROM slow"
            )
        row = "314159265358979"
        waiting = threading.Thread(target=post_slowly, args=(engine, row))
        waiting.start()
        with engine.client() as other:
            running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO slow%'"
            while other.command(running) != 1:
                assert waiting.is_alive()
        assert any("(deleted)" in name for name in open_files(engine.pid, row.encode()))
        engine.kill()
        waiting.join(30)
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert files
        assert not [path for path in files if row.encode() in path.read_bytes()]


def post_slowly(engine: EngineProcess, row: str) -> None:
    with contextlib.suppress(httpx.TransportError), door_of(engine) as door:
        door.post("/", content=f"INSERT INTO slow FORMAT TSV\n{row}\n" + "1\n" * 20)


def open_files(pid: int, text: bytes) -> list[str]:
    """Return the names of a process's open files that hold a text."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if link.is_file() and text in link.read_bytes():
                found.append(str(link.readlink()))
    return found


def door_of(engine: EngineProcess) -> httpx.Client:
    return httpx.Client(
        base_url=engine.url, auth=(engine.user.encode(), engine.password.encode()), timeout=60
    )


def test_second_process_on_the_directory_says_so(tmp_path: Path) -> None:
    with start_engine(tmp_path / "data"):
        refusal = refusal_of("engine", "--data", tmp_path / "data", "--port", "0")
    assert refusal == (
        f"{tmp_path / 'data'} is in use by another discreet process; stop it or give another --data"
    )


def test_paused_process_keeps_its_clients_waiting(tmp_path: Path) -> None:
    with start_engine(tmp_path / "data") as engine:
        client = engine.client(send_receive_timeout=30)
        engine.pause()
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{engine.url}/ping", timeout=0.3)
        answers: list[object] = []
        asking = threading.Thread(target=lambda: answers.append(client.command("SELECT 7")))
        asking.start()
        engine.resume()
        asking.join(30)
        assert answers == [7]
        client.close()


def test_question_under_way_is_answered_before_it_stops(tmp_path: Path) -> None:
    with start_engine(tmp_path / "data") as engine:
        client = engine.client()
        client.command(TABLE)
        answers: list[object] = []
        asking = threading.Thread(
            target=lambda: answers.append(
                client.command("SELECT count(sleepEachRow(0.02)) FROM numbers(50)")
            )
        )
        asking.start()
        with engine.client() as other:
            wait_until_asked(other, "sleepEachRow(0.02)", asking)
        assert engine.stop() == 0
        asking.join(30)
        assert answers == [50]
        client.close()


def test_long_question_holds_back_no_other(tmp_path: Path) -> None:
    with start_engine(tmp_path / "data") as engine:
        client = engine.client()

        def ask_for_long() -> None:
            with contextlib.suppress(DatabaseError):  # it is killed below
                client.command(
                    "SELECT count(sleepEachRow(0.1)) FROM numbers(100) SETTINGS max_block_size = 1"
                )

        asking = threading.Thread(target=ask_for_long)
        asking.start()
        with engine.client() as other:
            wait_until_asked(other, "sleepEachRow(0.1)", asking)
            assert other.command("SELECT 1") == 1
            assert asking.is_alive()
            other.command("KILL QUERY WHERE query LIKE '%sleepEachRow(0.1)%' SYNC")
        asking.join(30)
        client.close()


def test_more_questions_than_are_taken_on_are_refused(tmp_path: Path) -> None:
    with start_engine(tmp_path / "data") as engine:
        answers = asyncio.run(ask_at_once(engine, 130))
    refused = [answer for answer in answers if answer.status_code == 500]
    assert {answer.headers["X-ClickHouse-Exception-Code"] for answer in refused} == {"202"}
    assert len(answers) - len(refused) >= MAX_WAITING
    assert {answer.text for answer in answers if answer not in refused} == {"0\n"}


async def ask_at_once(engine: EngineProcess, count: int) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=count)
    async with httpx.AsyncClient(
        base_url=engine.url,
        auth=(engine.user.encode(), engine.password.encode()),
        limits=limits,
        timeout=60,
    ) as client:
        asked = (client.post("/", content="SELECT sleep(0.05)") for _ in range(count))
        return await asyncio.gather(*asked)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(("--host", "0.0.0.0"), "can be reached from other machines", id="open-host"),
        pytest.param(("--password-file", "none"), "--password-file: can't be read", id="no-file"),
        pytest.param(("--password-file", os.devnull), "the first line is empty", id="empty-file"),
        pytest.param(("--host", "192.0.2.1"), "can't listen on 192.0.2.1", id="foreign-address"),
    ],
)  # fmt: skip
def test_unfit_start_is_refused_in_one_line(
    tmp_path: Path, options: tuple[str, str], said: str
) -> None:
    assert said in refusal_of("engine", "--data", tmp_path / "data", "--port", "0", *options)
    assert not (tmp_path / "data").exists()


def test_address_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refusal = refusal_of("engine", "--data", tmp_path / "data", "--port", port)
    assert "can't listen on 127.0.0.1 port" in refusal


def test_password_is_the_files_first_line_and_asked_for(tmp_path: Path) -> None:
    with start_engine(tmp_path / "data", user="räter", password="  a:b ü ") as engine:
        with engine.client() as client:
            assert client.command("SELECT 1") == 1
        for user, password in (("räter", "a:b ü"), ("räter", ""), ("default", "  a:b ü ")):
            with pytest.raises(DatabaseError) as failed:
                engine.client(username=user, password=password)
            assert failed.value.code == 516
        assert engine.password not in engine.output
