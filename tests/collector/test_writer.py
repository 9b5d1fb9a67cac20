"""Into spool and store: what is on disk, refusals of a full disk, outages of the store."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.schema.tables import DATABASE, create_tables
from collector.spool import Spool, SpoolFailed
from collector.writer import Writer
from tests.collector.hits import Line, make_policy
from tests.collector.storing import Kept, encoded, opened

POLICY = make_policy()
NOON = int(datetime(2026, 3, 10, 11, 0, tzinfo=UTC).timestamp())
PAGES = "SELECT groupArray(page) FROM (SELECT page FROM pages WHERE views = 1 ORDER BY page)"


@pytest.fixture(scope="module")
def kept_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with opened(tmp_path_factory.mktemp("writer"), POLICY) as kept:
        yield kept


@pytest.fixture
def kept(kept_for_all: Kept, tmp_path: Path) -> Iterator[Kept]:
    """Give the one store, emptied, with a spool of the test's own."""
    kept_for_all.clear()
    first = kept_for_all.spool
    kept_for_all.spool = Spool(tmp_path / "spool.sqlite")
    yield kept_for_all
    kept_for_all.spool.close()
    kept_for_all.spool = first


@pytest.fixture
def line() -> Line:
    return Line(POLICY)


class Told:
    """Remembers how often it was called."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@asynccontextmanager
async def writing(kept: Kept, lost: Told | None = None) -> AsyncIterator[Writer]:
    writer = Writer(kept.spool, kept.store, lost or Told())
    writer.start()
    try:
        yield writer
    finally:
        await writer.stop()


async def until(holds: Callable[[], bool]) -> None:
    """Look again and again; what a writer does shows within seconds."""

    async def look() -> None:
        while not await asyncio.to_thread(holds):
            pass

    await asyncio.wait_for(look(), 20)


def row(line: Line, page: str) -> list[bytes]:
    return encoded(line.view(page, NOON, page))


def in_spool(kept: Kept) -> list[bytes]:
    return [rows for (rows,) in kept.spool._database.execute("SELECT rows FROM groups ORDER BY id")]


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def go() -> None:
        await work()

    asyncio.run(go())


def test_rows_are_on_disk_when_keep_returns(kept: Kept, line: Line) -> None:
    rows = row(line, "/a")

    async def work() -> None:
        writer = Writer(kept.spool, kept.store, Told())
        await writer.keep(rows)
        assert b"".join(in_spool(kept)) == b"".join(rows)
        await writer.stop()

    run(work)


def test_kept_rows_are_in_the_views_within_three_seconds(kept: Kept, line: Line) -> None:
    async def work() -> None:
        async with writing(kept) as writer:
            await writer.keep(row(line, "/a"))
            await asyncio.wait_for(until(lambda: kept.value(PAGES) == "['/a']"), 3)

    run(work)


def test_stop_sends_what_waits(kept: Kept, line: Line) -> None:
    async def work() -> None:
        async with writing(kept) as writer:
            for number in range(9):
                await writer.keep(row(line, f"/{number}"))

    run(work)

    assert kept.value("SELECT sum(views), uniqExact(page) FROM pages") == "9\t9"
    assert kept.spool.is_empty()


def test_what_an_earlier_process_left_is_sent_without_a_new_hit(kept: Kept, line: Line) -> None:
    kept.spool.append(row(line, "/left"))

    async def work() -> None:
        async with writing(kept):
            await until(lambda: kept.value(PAGES) == "['/left']")

    run(work)


def test_full_disk_refuses_the_group_and_has_the_visits_forgotten(
    kept: Kept, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    """Later hits would be counted against the lost ones, so the visit memory goes too."""
    lost = Told()

    async def work() -> None:
        async with writing(kept, lost) as writer:
            await writer.keep(row(line, "/before"))
            kept.spool._database.execute("PRAGMA max_page_count = 1").fetchall()
            with pytest.raises(SpoolFailed):
                await writer.keep([b"kanarienvogel" * 20_000])
            assert lost.times == 1

            kept.spool._database.execute("PRAGMA max_page_count = 100000").fetchall()
            await writer.keep(row(line, "/after"))

    run(work)

    assert kept.value(PAGES) == "['/after','/before']"
    assert lost.times == 1
    assert "can't be written" in caplog.text
    assert "kanarienvogel" not in caplog.text


def drop_inbox(kept: Kept) -> None:
    kept.store._client.command(f"DROP TABLE {DATABASE}.inbox SYNC")


def make_inbox(kept: Kept) -> None:
    for statement in create_tables():
        kept.store._client.command(statement)


def test_outage_of_the_store_is_retried_until_it_is_over(
    kept: Kept, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        drop_inbox(kept)
        async with writing(kept) as writer:
            await writer.keep(row(line, "/during"))
            await until(lambda: "next try in" in caplog.text)
            await writer.keep(row(line, "/still during"))
            make_inbox(kept)
            await until(lambda: kept.value("SELECT sum(views) FROM pages") == "2")

    run(work)

    assert kept.value(PAGES) == "['/during','/still during']"
    assert kept.spool.is_empty()
    assert "/during" not in caplog.text


def test_stop_in_an_outage_ends_and_leaves_the_rows_in_the_spool(
    kept: Kept, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    drop_inbox(kept)

    async def work() -> None:
        async with writing(kept) as writer:
            await writer.keep(row(line, "/kept"))

    run(work)

    assert "kept in the spool" in caplog.text
    assert not kept.spool.is_empty()
    make_inbox(kept)
    run(work)
    assert kept.value("SELECT page, sum(views) FROM pages GROUP BY page") == "/kept\t2"


def test_failure_that_nobody_thought_of_is_retried_and_told_by_its_kind_alone(
    kept: Kept, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with writing(kept) as writer:
            kept.spool._database.execute("ALTER TABLE batch RENAME TO kanarienvogel")
            await writer.keep(row(line, "/a"))
            await until(lambda: "OperationalError; next try in" in caplog.text)
            kept.spool._database.execute("ALTER TABLE kanarienvogel RENAME TO batch")
            await until(lambda: kept.value(PAGES) == "['/a']")

    run(work)

    assert kept.spool.is_empty()
    assert "kanarienvogel" not in caplog.text


def test_full_disk_in_front_of_the_store_is_retried_too(
    kept: Kept, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    """Naming a batch writes to the spool; that it can't must not end the sending for good."""
    kept.spool._database.execute("PRAGMA busy_timeout = 0").fetchall()

    async def work() -> None:
        async with writing(kept) as writer:
            await writer.keep(row(line, "/a"))
            other = Spool(Path(kept.spool._database.execute("PRAGMA database_list").fetchone()[2]))
            other._database.execute("BEGIN IMMEDIATE")
            with caplog.at_level(logging.WARNING):
                await until(lambda: "next try in" in caplog.text)
            other._database.execute("ROLLBACK")
            other.close()
            await until(lambda: kept.value(PAGES) == "['/a']")

    run(work)

    assert kept.spool.is_empty()
