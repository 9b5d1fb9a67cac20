"""A store on a server that fails in every way we could think of: no hit is lost, none counts twice.

The server is an engine in another process. A proxy in between cuts, changes and invents answers.
"""

import asyncio
import contextlib
import logging
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from anonymizer.policy import Policy
from collector.plan import make_plan
from collector.reader import Reader
from collector.schema.into_cells import meaning_of
from collector.schema.tables import DATABASE
from collector.spool import Spool, drain, send
from collector.store import Store, StoreFailed
from collector.store_address import StoreAddress, open_client, open_late, read_address
from collector.writer import Writer
from tests.collector.hits import Line, make_policy
from tests.collector.storing import encoded
from tests.engine_process import EngineProcess, start_engine
from tests.loopback_proxy import Proxy

POLICY = make_policy()
MEANING = meaning_of(POLICY, make_plan(POLICY))
NOON = 1_773_140_400
CANARY = "kanarienvogel"


class World(Struct):
    """An engine in another process, and a way to it that can be broken."""

    engine: EngineProcess
    proxy: Proxy

    @property
    def address(self) -> StoreAddress:
        return read_address(
            f"clickhouse://{self.engine.user}@127.0.0.1:{self.proxy.port}/default?timeout=2",
            self.engine.password,
        )

    def ask(self, sql: str) -> str:
        """Ask the engine itself, past all that is broken."""
        client = self.engine.client()
        try:
            return client.raw_query(sql, fmt="TSV").decode().removesuffix("\n")
        finally:
            client.close()


@pytest.fixture(scope="module")
def world_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with (
        start_engine(tmp_path_factory.mktemp("engine") / "data") as engine,
        Proxy(engine.port) as proxy,
    ):
        yield World(engine, proxy)


@pytest.fixture
def world(world_for_all: World) -> Iterator[World]:
    """Give the one engine, with empty cells and nothing broken."""
    store = Store(open_client(world_for_all.address))
    store.apply(POLICY, make_plan(POLICY))
    store.close()
    world_for_all.ask(f"TRUNCATE TABLE {DATABASE}.cells")
    yield world_for_all
    world_for_all.proxy.mend()


@pytest.fixture
def line() -> Line:
    return Line(POLICY)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool.sqlite")
    spool.count_under(MEANING)
    yield spool
    spool.close()


@contextlib.asynccontextmanager
async def writing(spool: Spool, address: StoreAddress) -> AsyncIterator[Writer]:
    store = Store(open_late(address))
    writer = Writer(spool, store, lambda: None)
    writer.start()
    try:
        yield writer
    finally:
        await writer.stop()
        store.close()


async def until(holds: Callable[[], bool]) -> None:
    async def look() -> None:
        while not await asyncio.to_thread(holds):
            pass

    await asyncio.wait_for(look(), 40)


def keep_free(world: World, size: int) -> None:
    """Have the engine refuse to write while less is free on its disk."""
    # Not by RLIMIT_FSIZE: chDB 26.9 takes a write that fails so for done.
    world.ask(
        f"ALTER TABLE {DATABASE}.cells"
        f" MODIFY SETTING min_free_disk_bytes_to_perform_insert = {size}"
    )


def restart_with(engine: EngineProcess, password: str) -> None:
    engine.kill()
    engine.password = password
    engine.start()


LOST = "the store can't be read|a batch could not be added"


class Fault(Struct):
    """What goes wrong, and how it is put right."""

    make: Callable[[World], object]
    mend: Callable[[World], object]
    said: str
    """What the line says that is logged."""


def broken_way(said: str = LOST, **how: object) -> Fault:
    def make(world: World) -> None:
        for name, value in how.items():
            setattr(world.proxy, name, value)
        world.proxy.cut_all()

    return Fault(make, lambda world: world.proxy.mend(), said)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
MISTAKE = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n\x01\x01\x05kanari"

FAULTS = {
    "killed": Fault(lambda w: w.engine.kill(), lambda w: w.engine.start(), LOST),
    "stopped": Fault(lambda w: w.engine.stop(), lambda w: w.engine.start(), LOST),
    "paused": Fault(lambda w: w.engine.pause(), lambda w: w.engine.resume(), LOST),
    "answers cut before the first byte": broken_way(cut_answers_after=0),
    "answers cut in the status line": broken_way(cut_answers_after=10),
    "answers cut in the headers": broken_way(cut_answers_after=100),
    "answers cut in the body": broken_way(cut_answers_after=420),
    "questions cut in the headers": broken_way(cut_questions_after=100),
    "questions cut in the rows": broken_way(cut_questions_after=1_500),
    "another program answers OK": broken_way(says=OK),
    "a balancer answers 503": broken_way(says=BUSY),
    "a mistaken answer": broken_way(says=MISTAKE),
    "read-only user": broken_way(
        r"ClickHouse error 164\)", replace=(b"POST /?", b"POST /?readonly=1&")
    ),
    "the database is unknown": broken_way(
        r"ClickHouse error 81\)", replace=(b"database=default", b"database=gone")
    ),
    "the password was changed": Fault(
        lambda w: restart_with(w.engine, "another"),
        lambda w: restart_with(w.engine, PASSWORDS[0]),
        r"ClickHouse error 516\)",
    ),
    "the disk is full": Fault(
        lambda w: keep_free(w, 10**18),
        lambda w: keep_free(w, 0),
        # What chDB 26.9 refuses of a stream of rows it does not tell; that they are missing does.
        r"ClickHouse error 243\)|a batch was taken and did not arrive",
    ),
}
PASSWORDS: list[str] = []


@pytest.mark.parametrize("fault", FAULTS)
def test_hits_are_kept_while_the_store_fails_and_count_once_when_it_is_back(
    world: World, line: Line, spool: Spool, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    PASSWORDS[:] = [world.engine.password]
    address = world.address
    count = "SELECT sum(views), uniqExact(page) FROM pages"

    async def work() -> None:
        async with writing(spool, address) as writer:
            await writer.keep(encoded(line.view("ada", NOON, f"/{CANARY}-before")))
            await until(lambda: world.ask(count) == "1\t1")
            await asyncio.to_thread(FAULTS[fault].make, world)
            try:
                await writer.keep(encoded(line.view("ada", NOON, f"/{CANARY}-during")))
                await until(lambda: bool(re.search(FAULTS[fault].said, caplog.text)))
                await writer.keep(encoded(line.view("ada", NOON, f"/{CANARY}-still during")))
                assert not spool.is_empty()
            finally:
                await asyncio.to_thread(FAULTS[fault].mend, world)
            await writer.keep(encoded(line.view("ada", NOON, f"/{CANARY}-after")))
            await until(lambda: world.ask(count).endswith("\t4"))

    asyncio.run(work())

    assert world.ask(count) == "4\t4"
    assert world.ask("SELECT sum(hits) FROM coverage") == "4"
    assert spool.is_empty()
    for record in caplog.records:
        assert record.name == "discreet"
        assert CANARY not in record.getMessage()
        assert address.password not in record.getMessage()
        assert record.exc_info is None


def test_answer_that_breaks_off_anywhere_is_a_failure_and_never_an_empty_answer(
    world: World,
) -> None:
    reader = Reader(open_client(world.address))
    whole = [(number,) for number in range(100)]
    assert list(reader.query("SELECT number FROM numbers(100)", {})) == whole
    failed = 0
    for after in range(0, 700, 13):
        world.proxy.cut_answers_after = after
        world.proxy.cut_all()
        try:
            assert list(reader.query("SELECT number FROM numbers(100)", {})) == whole
        except StoreFailed:
            failed += 1
    reader.close()
    assert failed > 20


def test_tries_are_further_and_further_apart(
    world: World, line: Line, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    world.proxy.cut_answers_after = 0
    world.proxy.cut_all()

    async def work() -> None:
        async with writing(spool, world.address) as writer:
            await writer.keep(encoded(line.view("ada", NOON)))
            await until(lambda: "next try in 4 s" in caplog.text)

    asyncio.run(work())

    assert caplog.text.index("next try in 2 s") < caplog.text.index("next try in 4 s")


def test_sending_to_a_server_that_stands_still_counts_once(
    world: World, line: Line, spool: Spool
) -> None:
    """It has the rows in its socket, and may take them when it goes on."""
    store = Store(open_client(world.address))
    spool.append(encoded(line.view("ada", NOON, "/late")))
    batch = spool.take(store.batches(spool.collector))
    assert batch is not None
    world.engine.pause()
    with pytest.raises(StoreFailed):
        send(batch, store)
    world.engine.resume()

    drain(spool, store)

    assert world.ask("SELECT sum(views) FROM pages") == "1"
    store.close()


@pytest.mark.parametrize("arrives_before", [0, 1, 2])
def test_sending_that_arrives_after_it_was_given_up_counts_once(
    world: World, line: Line, spool: Spool, arrives_before: int
) -> None:
    store = Store(open_client(world.address))
    spool.append(encoded(line.view("ada", NOON, "/late")))
    given_up = spool.take(store.batches(spool.collector))
    assert given_up is not None

    for step in range(3):
        if step == arrives_before:
            store.insert(
                given_up.token,
                given_up.rows,
                given_up.done,
                collector=given_up.collector,
                meaning=given_up.meaning,
            )
        if (batch := spool.take(store.batches(spool.collector))) is not None:
            send(batch, store)
            spool.confirm(batch)

    assert spool.is_empty()
    assert world.ask("SELECT sum(views) FROM pages") == "1"
    assert world.ask("SELECT sum(hits) FROM coverage") == "1"
    store.close()


def test_batch_that_an_inbox_without_its_view_swallowed_is_sent_again(
    world: World, line: Line, spool: Spool
) -> None:
    store = Store(open_client(world.address))
    spool.append(encoded(line.view("ada", NOON, "/a")))
    drain(spool, store)
    world.ask(f"DROP VIEW {DATABASE}.into_cells SYNC")
    spool.append(encoded(line.view("ada", NOON, "/b")))

    with pytest.raises(StoreFailed, match="did not arrive"):
        drain(spool, store)
    store.apply(POLICY, make_plan(POLICY))
    drain(spool, store)

    assert world.ask("SELECT sum(views), uniqExact(page) FROM pages") == "2\t2"
    store.close()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        pytest.param({"password": CANARY}, r"ClickHouse error 516\)", id="password"),
        pytest.param({"user": CANARY}, r"ClickHouse error 516\)", id="user"),
        pytest.param({"database": CANARY}, r"ClickHouse error 81\)", id="database"),
        pytest.param({"port": 1}, "can't be used$", id="port"),
        pytest.param({"host": f"{CANARY}.invalid"}, "can't be used$", id="host"),
        pytest.param({"secure": True}, "can't be used$", id="TLS"),
    ],
)
def test_wrong_address_is_told_by_where_and_code(
    world: World, how: dict[str, object], said: str
) -> None:
    with pytest.raises(StoreFailed, match=said) as failed:
        open_client(replace(world.address, **how))
    assert world.engine.password not in f"{failed.value!r}"
    assert failed.value.__suppress_context__


@pytest.mark.parametrize("says", [OK, BUSY, MISTAKE])
def test_what_is_no_clickhouse_is_no_store(world: World, says: bytes) -> None:
    world.proxy.says = says
    with pytest.raises(StoreFailed, match="can't be used"):
        open_client(world.address)


def test_clickhouse_of_an_unfit_version_is_refused(world: World) -> None:
    world.proxy.replace = (b"SELECT version()", b"SELECT '24.03.1'")
    world.proxy.cut_all()
    with pytest.raises(StoreFailed, match=r"older than 25\.8"):
        open_client(world.address)


def test_two_starts_at_once_harm_no_insert_of_another(world: World, tmp_path: Path) -> None:
    """One collector sends while two others start again and again, each under its own policy."""
    other = replace(POLICY, statistics=POLICY.statistics[1:])
    stop = threading.Event()

    def start_again_and_again(policy: Policy) -> int:
        started = 0
        store = Store(open_client(world.address))
        while not stop.is_set():
            with contextlib.suppress(StoreFailed):
                store.apply(policy, make_plan(policy))
                started += 1
        store.close()
        return started

    with ThreadPoolExecutor(2) as threads:
        starting = [threads.submit(start_again_and_again, each) for each in (POLICY, other)]
        store = Store(open_client(world.address))
        spool = Spool(tmp_path / "other.sqlite")
        spool.count_under(MEANING)
        sending = Line(POLICY)
        failed = 0
        try:
            for number in range(60):
                spool.append(encoded(sending.view("ada", NOON, f"/{number}")))
                try:
                    drain(spool, store)
                except StoreFailed:
                    failed += 1
        finally:
            stop.set()
        assert min(each.result(60) for each in starting) > 1
        for _ in range(3):
            drain(spool, store)
    assert spool.is_empty()
    spool.close()
    store.apply(POLICY, make_plan(POLICY))
    store.close()

    assert failed < 60
    assert world.ask("SELECT sum(views), uniqExact(page) FROM pages") == "60\t60"
    assert world.ask("SELECT sum(hits) FROM coverage") == "60"
