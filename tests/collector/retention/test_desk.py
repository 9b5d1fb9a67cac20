"""Retention of a running server: when it is due, what is asked for by the socket."""

import asyncio
import logging
from pathlib import Path

import msgspec
import pytest
from clickhouse_connect.driver.client import Client
from msgspec.structs import replace

from anonymizer.policy import Policy
from collector.query_socket import Refused
from collector.retention.desk import PROGRESS, RUN, STATUS, Progress, RetentionDesk
from collector.retention.job import Report
from collector.retention.last_run import LastRun, keep_last_run, read_last_run
from collector.retention.status import Status
from collector.schema.tables import DATABASE
from collector.store import StoreFailed
from collector.store_address import open_client
from tests.collector.retention.cellar import POLICY, Cellar, at

HOURLY = POLICY  # its `visits` has hours and a group size
DAILY = replace(
    POLICY, statistics=tuple(each for each in POLICY.statistics if each.name != "visits")
)


@pytest.fixture(scope="module")
def folder(cellar_for_all: Cellar) -> Path:
    return cellar_for_all.kept.folder


def desk_of(folder: Path, notes: Path, now: str, policy: Policy = POLICY) -> RetentionDesk:
    return RetentionDesk(lambda: open_client(folder / "clickhouse"), policy, notes, lambda: at(now))


@pytest.mark.parametrize(
    ("policy", "last", "now", "is_due"),
    [
        pytest.param(DAILY, "", "2026-03-10T12:00", True, id="there was none"),
        pytest.param(DAILY, "2026-03-10T02:01", "2026-03-11T01:59", False, id="this night's was"),
        pytest.param(DAILY, "2026-03-10T02:01", "2026-03-11T02:00", True, id="the next night"),
        pytest.param(DAILY, "2026-03-08T02:01", "2026-03-10T12:00", True, id="it stood still"),
        pytest.param(DAILY, "2026-03-10T02:01", "2026-03-10T14:30", False, id="days are closed"),
        pytest.param(HOURLY, "2026-03-10T02:01", "2026-03-10T14:30", True, id="hours twice a day"),
        pytest.param(HOURLY, "2026-03-10T14:01", "2026-03-10T20:00", False, id="but no more often"),
    ],
)
def test_run_is_due_once_a_night_at_the_first_site(
    tmp_path: Path, policy: Policy, last: str, now: str, is_due: bool
) -> None:
    notes = tmp_path / "retention.json"
    if last:
        keep_last_run(notes, LastRun(at(last)))

    assert desk_of(tmp_path, notes, now, policy).is_due() is is_due


@pytest.mark.parametrize(
    ("made", "is_due"),
    [("2026-03-10T02:01", False), ("2026-03-10T01:59", True)],
    ids=["after last night", "before"],
)
def test_first_run_of_a_directory_is_in_its_first_night(
    tmp_path: Path, made: str, is_due: bool
) -> None:
    desk = RetentionDesk(
        lambda: open_client(tmp_path), DAILY, tmp_path / "none", lambda: at("2026-03-10T12:00"),
        since=at(made),
    )  # fmt: skip

    assert desk.is_due() is is_due


def test_damaged_note_makes_a_run_due(tmp_path: Path) -> None:
    notes = tmp_path / "retention.json"
    notes.write_text('{"ended": "yest')

    assert desk_of(tmp_path, notes, "2026-03-10T12:00").is_due()


def test_run_by_the_socket_folds_and_is_noted(cellar: Cellar, folder: Path, tmp_path: Path) -> None:
    cellar.put("pages", "2026-03-10", "/a", 1)
    notes = tmp_path / "retention.json"
    desk = desk_of(folder, notes, "2026-04-02T03:00")

    async def ask() -> tuple[bytes, bytes, bytes]:
        handlers = desk.handlers()
        answers = [await handlers[kind]({}) for kind in (STATUS, RUN, PROGRESS)]
        await desk.close()
        return answers[0], answers[1], answers[2]

    status, report, progress = asyncio.run(ask())

    told = msgspec.json.decode(status, type=Status)
    assert (told.last_run, told.statistics["pages"].waiting) == (None, 1)
    assert told.statistics["pages"].oldest == "2026-03-10"
    assert told.statistics["pages"].next_goes == "2028-03-29"
    moved = msgspec.json.decode(report, type=Report).statistics["pages"]
    assert (moved.to_month, moved.to_other) == (1, 1)
    assert msgspec.json.decode(progress, type=Progress) == Progress(1, 1)
    last = read_last_run(notes)
    assert last is not None
    assert last.ended == at("2026-04-02T03:00")
    assert cellar.kept.value(f"SELECT k1 FROM {DATABASE}.cells WHERE k1 != ''") == "(other)"


def test_status_tells_what_waits_and_what_is_overdue(cellar: Cellar, folder: Path) -> None:
    cellar.put("networks", "2026-03-10", "192.0.2.0/24", 2)
    cellar.put("networks", "2026-04-18", "192.0.2.0/24", 9)
    desk = desk_of(folder, folder / "none", "2026-04-20T12:00")

    async def ask() -> bytes:
        answer = await desk.handlers()[STATUS]({})
        await desk.close()
        return answer

    networks = msgspec.json.decode(asyncio.run(ask()), type=Status).statistics["networks"]

    assert (networks.keep_days, networks.declared) == (40, True)
    assert (networks.oldest, networks.next_goes) == ("2026-03-10", "2026-04-19")
    assert (networks.waiting, networks.overdue) == (1, 1)


def test_what_is_kept_is_read_beside_who_asks_and_anew_after_a_run(
    cellar: Cellar, folder: Path, tmp_path: Path
) -> None:
    cellar.put("pages", "2026-03-10", "/a", 1)
    desk = desk_of(folder, tmp_path / "retention.json", "2026-04-02T03:00")

    async def kept_once_told() -> int:
        while "pages" not in desk.kept():
            await asyncio.to_thread(str)
        return desk.kept()["pages"].waiting

    async def ask() -> tuple[int, int]:
        assert desk.kept() == {}
        before = await kept_once_told()
        cellar.put("pages", "2026-03-10", "/b", 1)
        still = await kept_once_told()
        await desk.run()
        while desk.kept()["pages"].waiting:
            await asyncio.to_thread(str)
        assert desk.last_run() == at("2026-04-02T03:00")
        return before, still

    async def ask_in_time() -> tuple[int, int]:
        try:
            async with asyncio.timeout(20):
                return await ask()
        finally:
            await desk.close()

    assert asyncio.run(ask_in_time()) == (1, 1)


def test_nights_go_on_after_a_failure_that_nobody_thought_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tries = 0

    def fail() -> None:
        nonlocal tries
        tries += 1
        raise ZeroDivisionError("/kanarienvogel")

    desk = RetentionDesk(
        fail,  # type: ignore[arg-type]
        POLICY,
        tmp_path / "notes",
        lambda: at("2026-03-10T12:00"),
        sleep=lambda _: asyncio.sleep(0),
    )

    async def watch() -> None:
        watching = asyncio.create_task(desk.watch())
        while tries < 2 and not watching.done():
            await asyncio.to_thread(str)
        assert not watching.done()
        watching.cancel()
        await desk.close()

    asyncio.run(watch())
    assert "ZeroDivisionError; next try" in caplog.text
    assert "kanarienvogel" not in caplog.text


def test_run_ends_between_two_steps_when_the_server_stops(cellar: Cellar, folder: Path) -> None:
    cellar.put("pages", "2026-03-10", "/a", 1)
    desk = desk_of(folder, folder / "unwritten.json", "2026-04-02T03:00")

    async def stop() -> None:
        desk._closing = True
        await desk.run()

    with pytest.raises(StoreFailed, match="the server is stopping"):
        asyncio.run(stop())
    assert read_last_run(folder / "unwritten.json") is None
    asyncio.run(desk.close())


def test_store_that_fails_refuses_the_command_in_one_line(tmp_path: Path) -> None:
    def fail() -> None:
        raise StoreFailed("the store is out of reach")

    desk = RetentionDesk(fail, POLICY, tmp_path / "notes", lambda: 0)  # type: ignore[arg-type]

    async def ask(kind: str) -> None:
        with pytest.raises(Refused, match="the store is out of reach"):
            await desk.handlers()[kind]({})

    asyncio.run(ask(RUN))
    asyncio.run(ask(STATUS))
    asyncio.run(desk.close())


def test_store_out_of_reach_is_tried_again_ever_less_often(
    cellar: Cellar, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cellar.put("pages", "2026-03-10", "/a", 1)
    notes = tmp_path / "notes"
    looks: list[float] = []
    waits: list[float] = []

    def connect() -> Client:
        if len(looks) != 8:
            raise StoreFailed("the store is out of reach")
        return open_client(folder / "clickhouse")

    async def sleep(seconds: float) -> None:
        if seconds == 10:
            looks.append(seconds)
            if len(looks) == 10:
                notes.unlink()  # the run of the eighth; then comes the next night
            return
        waits.append(seconds)
        with pytest.raises(Refused, match="the store is out of reach"):
            await desk.handlers()[RUN]({})  # the operator isn't kept waiting
        if len(looks) > 8:
            raise asyncio.CancelledError

    desk = RetentionDesk(connect, POLICY, notes, lambda: at("2026-04-02T03:00"), sleep=sleep)

    async def watch() -> None:
        with pytest.raises(asyncio.CancelledError):
            await desk.watch()
        await desk.close()

    with caplog.at_level(logging.WARNING, "discreet"):
        asyncio.run(watch())

    assert len(looks) == 10
    assert waits == [60, 120, 240, 480, 600, 600, 600, 60]
    assert caplog.messages[0] == "no retention: the store is out of reach; next try in 60 s"
