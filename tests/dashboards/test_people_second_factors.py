"""What of second factors is kept: no code opens twice, and a recovery code opens once."""

import base64
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from people.people import People
from people.roles import Role
from people.second_factors import RECOVERY_CODES, Enrolment
from people.totp import code_at
from people.users import BadUser
from tests.dashboards.reader import enrol

NOW = 1_800_000_000
STEP = NOW // 30


def secret_of(enrolment: Enrolment) -> bytes:
    return base64.b32decode(enrolment.raw_secret)


@pytest.fixture
def enrolled(people: People) -> Enrolment:
    return enrol(people, "owner", NOW - 3600)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("", id="nothing"),
        pytest.param("\n", id="a line"),
        pytest.param("000000", id="another code"),
        pytest.param("recovery", id="a recovery code"),
        pytest.param("late", id="a code of minutes ago"),
    ],
)
def test_second_factor_that_no_code_confirms_is_not_in_force(people: People, code: str) -> None:
    offered = people.second_factors.offer("owner")
    late = code_at(secret_of(offered), STEP - 5)
    given = {"late": late, "recovery": offered.raw_recovery_codes[0]}.get(code, code)

    assert not people.second_factors.enrol("owner", offered, given, NOW)
    user = people.users.find("owner")
    assert user is not None
    assert not user.has_second_factor
    assert not people.second_factors.accept("owner", offered.raw_recovery_codes[0], NOW)


def test_code_that_confirmed_opens_nothing(people: People) -> None:
    offered = people.second_factors.offer("owner")
    code = code_at(secret_of(offered), STEP)

    assert people.second_factors.enrol("owner", offered, f"{code[:3]} {code[3:]}\n", NOW)
    assert not people.second_factors.accept("owner", code, NOW)
    assert people.second_factors.accept("owner", code_at(secret_of(offered), STEP + 1), NOW)


def test_unconfirmed_offer_leaves_the_factor_in_force(people: People, enrolled: Enrolment) -> None:
    offered = people.second_factors.offer("owner")
    assert not people.second_factors.enrol("owner", offered, "000000", NOW)

    assert people.second_factors.accept("owner", code_at(secret_of(enrolled), STEP), NOW)


def test_code_opens_once(people: People, enrolled: Enrolment) -> None:
    code = code_at(secret_of(enrolled), STEP)

    assert people.second_factors.accept("owner", code, NOW)
    assert not people.second_factors.accept("owner", code, NOW)
    assert people.second_factors.accept("owner", code_at(secret_of(enrolled), STEP + 1), NOW + 30)


def test_code_from_before_the_last_is_refused(people: People, enrolled: Enrolment) -> None:
    assert people.second_factors.accept("owner", code_at(secret_of(enrolled), STEP), NOW)

    assert not people.second_factors.accept("owner", code_at(secret_of(enrolled), STEP - 1), NOW)


def test_of_equal_codes_at_once_one_opens(people: People, enrolled: Enrolment) -> None:
    code = code_at(secret_of(enrolled), STEP)
    with ThreadPoolExecutor(8) as threads:
        tries = [threads.submit(people.second_factors.accept, "owner", code, NOW) for _ in range(8)]

    assert sorted(each.result() for each in tries) == [False] * 7 + [True]


def test_code_may_be_written_in_groups(people: People, enrolled: Enrolment) -> None:
    code = code_at(secret_of(enrolled), STEP)

    assert people.second_factors.accept("owner", f" {code[:3]} {code[3:]} ", NOW)


def test_recovery_code_opens_once(people: People, enrolled: Enrolment) -> None:
    codes = enrolled.raw_recovery_codes

    assert len(set(codes)) == RECOVERY_CODES
    assert people.second_factors.accept("owner", codes[0], NOW)
    assert not people.second_factors.accept("owner", codes[0], NOW)
    assert people.second_factors.accept("owner", codes[1].upper().replace("-", " "), NOW)


@pytest.mark.parametrize(
    "code",
    ["", "-", "aaaa-aaaa-aaaa-aaaa", "000000", "é", "\ud800", "' OR 1=1 --", "a" * 4000],
)
def test_wrong_code_opens_nothing(people: People, enrolled: Enrolment, code: str) -> None:
    assert code_at(secret_of(enrolled), STEP) != code
    assert not people.second_factors.accept("owner", code, NOW)


def test_codes_of_another_user_open_nothing(people: People, enrolled: Enrolment) -> None:
    people.users.add("ana", Role.ANALYST, (), "a password of hers")
    enrol(people, "ana", NOW - 3600)

    assert not people.second_factors.accept("ana", code_at(secret_of(enrolled), STEP), NOW)
    assert not people.second_factors.accept("ana", enrolled.raw_recovery_codes[0], NOW)


def test_user_without_a_second_factor_has_no_valid_code(people: People) -> None:
    assert not people.second_factors.accept("owner", code_at(b"", STEP), NOW)
    assert not people.second_factors.accept("owner", "", NOW)


def test_new_enrolment_voids_the_old_one(people: People, enrolled: Enrolment) -> None:
    again = enrol(people, "owner", NOW - 1800)

    assert not people.second_factors.accept("owner", code_at(secret_of(enrolled), STEP), NOW)
    assert not people.second_factors.accept("owner", enrolled.raw_recovery_codes[0], NOW)
    assert people.second_factors.accept("owner", code_at(secret_of(again), STEP), NOW)


def test_dropped_second_factor_is_asked_for_no_more(people: People, enrolled: Enrolment) -> None:
    people.second_factors.drop("owner")

    user = people.users.find("owner")
    assert user is not None
    assert not user.has_second_factor
    assert not people.second_factors.accept("owner", enrolled.raw_recovery_codes[0], NOW)


def test_unknown_user_is_not_enrolled(people: People) -> None:
    with pytest.raises(BadUser, match="name: is that of no user"):
        people.second_factors.offer("nobody")


def test_file_holds_no_recovery_code(people: People, enrolled: Enrolment, tmp_path: Path) -> None:
    assert people.users.find("owner")
    held = (tmp_path / "logins.sqlite").read_bytes()

    for code in enrolled.raw_recovery_codes:
        assert code.encode() not in held
        assert code.replace("-", "").encode() not in held
    with closing(sqlite3.connect(tmp_path / "logins.sqlite")) as database:
        (kept,) = database.execute("SELECT count() FROM recovery_codes").fetchone()
    assert kept == RECOVERY_CODES
