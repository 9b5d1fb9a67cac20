"""How queries of analysts wait for each other, without an engine."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from clickhouse_http.question import Question, Refusal
from collector.analysts import Answered
from collector.asking import Rows
from collector.audit import AuditFailed
from collector.query_socket import Refused
from collector.sql_door import MAX_WAITING, SqlDoor, told


class Slow:
    """Answers once it is let, and remembers how many it answered at once."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.lock = threading.Lock()
        self.now: list[str] = []
        self.most = 0
        self.most_of_one = 0
        self.ended = False

    def answer(self, question: Question) -> Answered:
        with self.lock:
            self.now.append(question.user)
            self.most = max(self.most, len(self.now))
            self.most_of_one = max(self.most_of_one, self.now.count(question.user))
        self.let.wait(10)
        with self.lock:
            self.now.remove(question.user)
        return Answered(Rows(question.user.encode(), 1), "TSV", "UTC")

    def end_all(self) -> None:
        self.ended = True
        self.let.set()


class Failing:
    """Fails as it is told."""

    def __init__(self, failure: Callable[[], Exception]) -> None:
        self._failure = failure

    def answer(self, _: Question) -> Answered:
        raise self._failure()

    def end_all(self) -> None:
        """Have nothing that runs."""


def asks(door: SqlDoor, *users: str) -> list[asyncio.Task[object]]:
    return [
        asyncio.create_task(door.answer(Question(sql="SELECT 1", user=user)), name=user)
        for user in users
    ]


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_each_analyst_asks_one_query_at_a_time_and_two_run_at_once() -> None:
    async def run() -> Slow:
        slow = Slow()
        door = SqlDoor(slow)
        waiting = asks(door, "a", "a", "a", "b", "c", "d", "b")
        await turns()
        slow.let.set()
        await asyncio.gather(*waiting)
        await door.close()
        return slow

    slow = asyncio.run(run())

    assert slow.most <= 2
    assert slow.most_of_one == 1


def test_line_of_one_analyst_is_bounded_and_of_another_is_not_touched() -> None:
    async def run() -> list[object]:
        slow = Slow()
        door = SqlDoor(slow)
        mine = asks(door, *["a"] * MAX_WAITING)
        await turns()
        with pytest.raises(Refusal) as refused:
            await door.answer(Question(sql="SELECT 1", user="a"))
        assert refused.value.code == 202
        others = asks(door, "b")
        await turns()
        slow.let.set()
        answers = await asyncio.gather(*mine, *others)
        await door.close()
        return answers

    assert len(asyncio.run(run())) == MAX_WAITING + 1


def test_query_that_does_not_end_is_answered_by_159_and_keeps_its_place() -> None:
    async def run() -> None:
        slow = Slow()
        door = SqlDoor(slow, at_once=1, seconds=0.05)
        with pytest.raises(Refusal) as refused:
            await door.answer(Question(sql="SELECT 1", user="a"))
        assert refused.value.code == 159
        (after,) = asks(door, "a")
        await turns()
        assert not after.done()
        slow.let.set()
        await after
        await door.close()

    asyncio.run(run())


def test_client_that_went_away_leaves_the_line_in_order() -> None:
    async def run() -> None:
        slow = Slow()
        door = SqlDoor(slow, at_once=1)
        first, second, third = asks(door, "a", "b", "c")
        await turns()
        second.cancel()
        await turns()
        slow.let.set()
        await asyncio.gather(first, third)
        await asyncio.gather(*asks(door, "b", "a"))
        await door.close()

    asyncio.run(run())


def test_close_ends_what_runs() -> None:
    async def run() -> bool:
        slow = Slow()
        door = SqlDoor(slow)
        running = asks(door, "a")
        await turns()
        await door.close()
        await asyncio.gather(*running)
        return slow.ended

    assert asyncio.run(run())


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        pytest.param(lambda: Refusal(47, "UNKNOWN_IDENTIFIER", "x"), 47, id="ClickHouse's"),
        pytest.param(lambda: AuditFailed("the audit log can't be written"), 1002, id="audit"),
    ],
)
def test_failure_has_a_code(failure: Callable[[], Exception], code: int) -> None:
    async def run() -> int:
        door = SqlDoor(Failing(failure))
        with pytest.raises(Refusal) as refused:
            await door.answer(Question(sql="SELECT 1", user="a"))
        await door.close()
        return refused.value.code

    assert asyncio.run(run()) == code


def test_command_gets_one_line() -> None:
    async def run() -> str:
        door = SqlDoor(Failing(lambda: Refusal(62, "SYNTAX_ERROR", "two\nlines")))
        with pytest.raises(Refused) as refused:
            await door.answer_local({"sql": "x", "format": "TSV"})
        await door.close()
        return str(refused.value)

    assert asyncio.run(run()) == "Code: 62. DB::Exception: two lines. (SYNTAX_ERROR)"


def test_refusal_that_ends_with_a_stop_gets_no_second_one() -> None:
    assert told(Refusal(1, "X", "End.")) == "Code: 1. DB::Exception: End. (X)"
