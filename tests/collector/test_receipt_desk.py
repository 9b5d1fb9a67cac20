"""What comes in at once, what is put in order each hour."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from msgspec.structs import replace

from collector.receipt_desk import (
    MAX_RECORDED,
    MAX_UNKNOWN_PER_NETWORK,
    ReceiptDesk,
    TooMany,
    UnknownReceipt,
)
from collector.receipt_store import TABLE, Counted, ReceiptStore
from collector.receipts import Decision
from collector.store import StoreFailed
from tests.collector.receiving import (
    AUDIENCE,
    CAMPAIGNS,
    CHILDREN,
    DAY,
    NOON,
    SITE,
    make_versions,
    receipt,
)

HERE = "192.0.2.0/24"
NO_ID = "0" * 64


class Clock:
    """Tells the time that a test says."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> int:
        return self.time


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk") / "clickhouse"


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Client]:
    """Hold the engine open for the module."""
    engine = clickhouse_connect.get_client(interface="chdb", path=str(folder))
    yield engine
    engine.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(folder: Path, engine: Client, clock: Clock) -> ReceiptDesk:
    """Return a desk with an empty table; each test closes it."""
    store = ReceiptStore.embedded(folder)
    store.make_tables()
    engine.command(f"TRUNCATE TABLE {TABLE}")
    return ReceiptDesk(store, make_versions(), clock)


def parts(engine: Client) -> int:
    return value(
        engine, "SELECT count() FROM system.parts WHERE active AND table = 'receipts' AND rows > 0"
    )


def value(engine: Client, sql: str) -> int:
    ((found,),) = engine.query(sql).result_rows
    return int(found)


def test_receipts_that_come_in_at_once_share_inserts(desk: ReceiptDesk, engine: Client) -> None:
    """An insert each would make the engine slow down at a few hundred parts."""

    async def record_many() -> set[str]:
        given = await asyncio.gather(
            *(desk.record(receipt(), f"192.0.{number}.0/24") for number in range(200))
        )
        found = [await desk.find(raw_id, None) for raw_id in given]
        await desk.close()
        assert found == [receipt()] * 200
        return set(given)

    assert len(asyncio.run(record_many())) == 200
    assert value(engine, f"SELECT count() FROM {TABLE}") == 200
    assert parts(engine) <= 3


def test_receipts_are_counted_by_purpose_from_the_next_day_on(
    desk: ReceiptDesk, clock: Clock
) -> None:
    of_one = replace(receipt(), purposes=(CAMPAIGNS,))
    refusal = replace(receipt(Decision.REFUSED), purposes=())
    elsewhere = replace(receipt(), site=CHILDREN)

    async def count() -> list[Sequence[Counted]]:
        withdrawn = await desk.record(receipt(), HERE)
        for each in (receipt(), of_one, refusal, elsewhere):
            await desk.record(each, HERE)
        await desk.withdraw(withdrawn, None)
        counts = [await desk.count(SITE)]
        clock.time += DAY
        counts.append(await desk.count(SITE))
        await desk.record(receipt(), HERE)
        counts.append(await desk.count(SITE))
        await desk.close()
        return counts

    today, tomorrow, later = asyncio.run(count())
    assert today == []
    assert tomorrow == [
        Counted("", given=3, refused=1, withdrawn=1),
        Counted(AUDIENCE, given=2, refused=0, withdrawn=1),
        Counted(CAMPAIGNS, given=3, refused=0, withdrawn=1),
    ]
    assert later is tomorrow


def test_visitor_who_leaves_takes_nobody_s_receipt_along(desk: ReceiptDesk, engine: Client) -> None:
    async def leave() -> None:
        first = asyncio.create_task(desk.record(receipt(), HERE))
        leaving = asyncio.create_task(desk.record(receipt(), HERE))
        staying = asyncio.create_task(desk.record(receipt(), HERE))
        await asyncio.sleep(0)
        leaving.cancel()
        for task in (first, staying):
            assert await desk.find(await task, None) == receipt()
        await desk.close()

    asyncio.run(leave())
    assert value(engine, f"SELECT count() FROM {TABLE}") >= 2


def test_withdrawals_at_once_are_noted_once(desk: ReceiptDesk, engine: Client) -> None:
    async def withdraw_often() -> None:
        raw_id = await desk.record(receipt(), HERE)
        told = await asyncio.gather(*(desk.withdraw(raw_id, HERE) for _ in range(20)))
        await desk.close()
        assert len({each.withdrawn for each in told}) == 1

    asyncio.run(withdraw_often())
    assert value(engine, f"SELECT count() FROM {TABLE}") == 2


def test_withdrawal_and_erasure_at_once_leave_nothing(desk: ReceiptDesk, engine: Client) -> None:
    async def both() -> None:
        for _ in range(10):
            raw_id = await desk.record(receipt(), HERE)
            await asyncio.gather(
                desk.erase(raw_id, HERE), desk.withdraw(raw_id, HERE), return_exceptions=True
            )
        await desk.close()

    asyncio.run(both())
    assert value(engine, f"SELECT count() FROM {TABLE}") == 0


def test_guesses_at_once_are_bounded_like_guesses_in_turn(desk: ReceiptDesk) -> None:
    async def guess() -> list[type[BaseException]]:
        tried = await asyncio.gather(
            *(desk.find(f"{number:064x}", HERE) for number in range(200)), return_exceptions=True
        )
        await desk.close()
        return [type(each) for each in tried if isinstance(each, BaseException)]

    outcomes = asyncio.run(guess())

    assert (outcomes.count(UnknownReceipt), outcomes.count(TooMany)) == (30, 170)


def test_operator_is_not_bounded(desk: ReceiptDesk) -> None:
    async def look() -> None:
        for _ in range(100):
            with pytest.raises(UnknownReceipt):
                await desk.find(NO_ID, None)
        await desk.close()

    asyncio.run(look())


def test_flood_from_everywhere_is_bounded_in_total(desk: ReceiptDesk, engine: Client) -> None:
    async def flood() -> int:
        tried = await asyncio.gather(
            *(desk.record(receipt(), f"network {number}") for number in range(MAX_RECORDED + 50)),
            return_exceptions=True,
        )
        await desk.close()
        return [type(each) for each in tried].count(TooMany)

    assert asyncio.run(flood()) == 50
    assert value(engine, f"SELECT count() FROM {TABLE}") == MAX_RECORDED


def test_each_hour_files_are_put_together_and_what_has_ended_is_dropped(
    desk: ReceiptDesk, engine: Client, clock: Clock
) -> None:
    over = replace(receipt(), keep_until=date(2026, 2, 28))

    async def pass_an_hour() -> None:
        for _ in range(3):
            await desk.record(receipt(), HERE)
        await desk.record(over, HERE)
        before = parts(engine)
        await desk.tidy()
        assert parts(engine) == before >= 2
        clock.time = int(datetime(2026, 3, 10, 13, tzinfo=UTC).timestamp())
        await desk.tidy()
        await desk.close()

    asyncio.run(pass_an_hour())
    assert parts(engine) == 1
    assert value(engine, f"SELECT count() FROM {TABLE}") == 3


def test_tidying_that_fails_is_tried_again(
    desk: ReceiptDesk, engine: Client, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail_and_try_again() -> None:
        await desk.record(receipt(), HERE)
        await desk.record(receipt(), HERE)
        clock.time += 3600
        engine.command(f"RENAME TABLE {TABLE} TO {TABLE}_away")
        with caplog.at_level(logging.WARNING, "discreet"):
            await desk.tidy()
        engine.command(f"RENAME TABLE {TABLE}_away TO {TABLE}")
        assert "ClickHouse error" in caplog.text
        await desk.tidy()
        await desk.close()

    asyncio.run(fail_and_try_again())
    assert parts(engine) == 1


def test_store_that_fails_fails_all_who_wait_and_takes_the_next(
    desk: ReceiptDesk, engine: Client
) -> None:
    async def fail_and_go_on() -> None:
        engine.command(f"RENAME TABLE {TABLE} TO {TABLE}_away")
        tried = await asyncio.gather(
            *(desk.record(receipt(), HERE) for _ in range(5)), return_exceptions=True
        )
        engine.command(f"RENAME TABLE {TABLE}_away TO {TABLE}")
        assert [type(each) for each in tried] == [StoreFailed] * 5
        assert await desk.find(await desk.record(receipt(), HERE), None) == receipt()
        await desk.close()

    asyncio.run(fail_and_go_on())


def test_failing_store_is_no_guess_of_who_asks(desk: ReceiptDesk, engine: Client) -> None:
    async def ask_often() -> None:
        raw_id = await desk.record(receipt(), HERE)
        engine.command(f"RENAME TABLE {TABLE} TO {TABLE}_away")
        for _ in range(MAX_UNKNOWN_PER_NETWORK + 5):
            with pytest.raises(StoreFailed):
                await desk.find(raw_id, HERE)
        engine.command(f"RENAME TABLE {TABLE}_away TO {TABLE}")
        assert await desk.find(raw_id, HERE) == receipt()
        await desk.close()

    asyncio.run(ask_often())


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"action": "find"}, id="no receipt"),
        pytest.param({"receipt": NO_ID}, id="no action"),
        pytest.param({"action": "sell", "receipt": NO_ID}, id="unknown action"),
    ],
)
def test_question_by_the_socket_that_is_none_is_a_key_error(
    desk: ReceiptDesk, values: dict[str, str]
) -> None:
    async def answer() -> None:
        with pytest.raises(KeyError):
            await desk.answer(values)
        await desk.close()

    asyncio.run(answer())
