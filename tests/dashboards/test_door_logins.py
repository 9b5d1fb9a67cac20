"""Logins of programs: remembered for minutes, slowed down when they fail."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from dashboards.door_logins import MAX_REMEMBERED, REMEMBERED, DoorLogins
from dashboards.logins import Logins
from dashboards.throttle import MAX_FAILURES, WINDOW


class Counted(Logins):
    """Logins of one name, that count how often they were asked."""

    def __init__(self) -> None:
        self.asked = 0

    def check(self, name: str, password: str) -> bool:
        self.asked += 1
        return (name, password) == ("owner", "right") or name.startswith("other")


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 3, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def logins() -> Counted:
    return Counted()


@pytest.fixture
def door(logins: Counted, clock: Clock) -> DoorLogins:
    return DoorLogins(logins, clock)


def log_in(door: DoorLogins, name: str, password: str) -> bool:
    return asyncio.run(door.log_in(name, password))


def test_login_that_passed_is_not_checked_again_for_minutes(
    door: DoorLogins, logins: Counted, clock: Clock
) -> None:
    assert log_in(door, "owner", "right")
    clock.time += REMEMBERED - timedelta(seconds=1)
    assert log_in(door, "owner", "right")
    assert logins.asked == 1

    clock.time += timedelta(seconds=1)
    assert log_in(door, "owner", "right")
    assert logins.asked == 2


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("owner", "wrong", id="password"),
        pytest.param("owne", "rright", id="parts of name and password"),
        pytest.param("", "ownerright", id="no name"),
        pytest.param("owner", "", id="no password"),
        pytest.param("o" * 101, "right", id="long name"),
        pytest.param("owner", "r" * 1001, id="long password"),
        pytest.param("owner\0", "right", id="NUL"),
    ],
)
def test_remembered_login_opens_for_no_other(door: DoorLogins, name: str, password: str) -> None:
    assert log_in(door, "owner", "right")

    assert not log_in(door, name, password)


def test_failures_make_a_name_wait_also_with_the_right_password(
    door: DoorLogins, logins: Counted, clock: Clock
) -> None:
    for _ in range(MAX_FAILURES):
        assert not log_in(door, "owner", "wrong")
    assert not log_in(door, "owner", "right")
    assert logins.asked == MAX_FAILURES

    clock.time += WINDOW
    assert log_in(door, "owner", "right")


def test_remembered_login_goes_on_while_others_guess(door: DoorLogins) -> None:
    assert log_in(door, "owner", "right")
    for _ in range(MAX_FAILURES + 1):
        log_in(door, "owner", "wrong")

    assert log_in(door, "owner", "right")


def test_logins_of_one_program_at_once_are_one_try(door: DoorLogins, logins: Counted) -> None:
    async def log_in_at_once() -> list[bool]:
        tries = (door.log_in("owner", "right") for _ in range(2 * MAX_FAILURES))
        return await asyncio.gather(*tries)

    assert asyncio.run(log_in_at_once()) == [True] * (2 * MAX_FAILURES)
    assert logins.asked == 1


def test_no_more_than_100_are_remembered(door: DoorLogins, logins: Counted) -> None:
    log_in(door, "owner", "right")
    for number in range(MAX_REMEMBERED):
        log_in(door, f"other{number}", "x")
    asked = logins.asked

    assert log_in(door, "owner", "right")
    assert logins.asked == asked + 1


def test_memory_holds_neither_name_nor_password(door: DoorLogins) -> None:
    log_in(door, "owner", "right")

    assert "right" not in repr(vars(door))
    assert "owner" not in repr(door._passed)
