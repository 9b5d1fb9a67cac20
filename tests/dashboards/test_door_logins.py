"""Logins of programs: remembered for minutes, slowed down when they fail."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher, profiles

from dashboards.logins.door_logins import MAX_REMEMBERED, REMEMBERED, DoorLogins
from dashboards.logins.throttle import MAX_FAILURES, WINDOW
from people.roles import Role
from people.user_file import UserFile
from people.users import Users

CHEAPEST_HASHER = PasswordHasher.from_parameters(profiles.CHEAPEST)


class Counted(Users):
    """Users that count how often a password of theirs was checked."""

    asked = 0

    def check(self, name: str, password: str) -> bool:
        self.asked += 1
        return super().check(name, password)


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 3, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def logins(tmp_path: Path) -> Counted:
    users = Counted(UserFile(tmp_path / "logins.sqlite"), lambda _: "right", CHEAPEST_HASHER)
    users.first_run()
    return users


@pytest.fixture
def door(logins: Counted, clock: Clock) -> DoorLogins:
    return DoorLogins(logins, clock)


def log_in(door: DoorLogins, name: str, password: str) -> bool:
    user = asyncio.run(door.log_in(name, password))
    return user is not None and user.person.name == name


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
        return [user is not None for user in await asyncio.gather(*tries)]

    assert asyncio.run(log_in_at_once()) == [True] * (2 * MAX_FAILURES)
    assert logins.asked == 1


def test_no_more_than_100_are_remembered(door: DoorLogins, logins: Counted) -> None:
    log_in(door, "owner", "right")
    for number in range(MAX_REMEMBERED):
        logins.add(f"other{number}", Role.VIEWER, (), "a password of theirs")
        log_in(door, f"other{number}", "a password of theirs")
    asked = logins.asked

    assert log_in(door, "owner", "right")
    assert logins.asked == asked + 1


def test_memory_holds_neither_name_nor_password(door: DoorLogins) -> None:
    log_in(door, "owner", "right")

    assert "right" not in repr(vars(door))
    assert "owner" not in repr(door._passed)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda users: users.set_password("ana", "another of hers"), id="password"),
        pytest.param(lambda users: users.remove("ana"), id="removed"),
        pytest.param(
            lambda users: (
                users.remove("ana"),
                users.add("ana", Role.OWNER, (), "another of hers"),
            ),
            id="made anew",
        ),
    ],
)
def test_password_of_before_is_remembered_no_more(
    door: DoorLogins, logins: Counted, change: Callable[[Users], object]
) -> None:
    logins.add("ana", Role.ANALYST, (), "a password of hers")
    assert log_in(door, "ana", "a password of hers")

    change(logins)

    assert not log_in(door, "ana", "a password of hers")


def test_role_of_now_is_told_to_who_is_remembered(door: DoorLogins, logins: Counted) -> None:
    logins.add("ana", Role.ANALYST, (), "a password of hers")
    assert log_in(door, "ana", "a password of hers")
    logins.set_role("ana", Role.VIEWER, ())

    user = asyncio.run(door.log_in("ana", "a password of hers"))
    assert user is not None
    assert user.person.role is Role.VIEWER
