"""The second step of a login: asked for where there is a second factor, and nowhere passed by."""

import base64
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette

from people.people import People
from people.second_factors import Enrolment
from people.totp import code_at
from tests.dashboards.conftest import OpenReader
from tests.dashboards.reader import NOW, PASSWORD, Clock, Reader, enrol, form_token

PLACE = "/dashboard?site=example.org&period=7d"


@pytest.fixture
def enrolled(people: People) -> Enrolment:
    return enrol(people, "owner", int(NOW.timestamp()) - 3600)


def code_of(enrolled: Enrolment, steps: int = 0) -> str:
    return code_at(base64.b32decode(enrolled.raw_secret), int(NOW.timestamp()) // 30 + steps)


@pytest.fixture
def halfway(stranger: Reader, enrolled: Enrolment) -> Reader:  # noqa: ARG001
    """Give a reader whose password was right and whose code is still asked for."""
    sent = stranger.try_login("owner", PASSWORD, PLACE)
    target = urlsplit(sent.headers["location"])
    assert (sent.status_code, target.path) == (303, "/dashboard/login/code")
    assert parse_qs(target.query) == {"next": [PLACE]}
    return stranger


def test_right_code_opens_the_page_asked_for(halfway: Reader, enrolled: Enrolment) -> None:
    answer = halfway.send_code(code_of(enrolled), PLACE)

    assert (answer.status_code, answer.headers["location"]) == (303, PLACE)
    assert halfway.get("/dashboard").status_code == 200


def test_recovery_code_opens_too(halfway: Reader, enrolled: Enrolment) -> None:
    assert halfway.send_code(enrolled.raw_recovery_codes[3]).status_code == 303
    assert halfway.get("/dashboard").status_code == 200


def test_password_alone_opens_nothing(halfway: Reader) -> None:
    assert halfway.get("/dashboard").status_code == 303
    assert halfway.get("/dashboard/audit").status_code == 303
    assert halfway.get("/dashboard/login").status_code == 200


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(-2, id="expired"),
        pytest.param(2, id="too early"),
        pytest.param(999, id="wrong"),
    ],
)
def test_code_of_another_time_opens_nothing(
    halfway: Reader, enrolled: Enrolment, steps: int
) -> None:
    answer = halfway.send_code(code_of(enrolled, steps))

    assert answer.status_code == 401
    assert "This code is not valid, or was used." in answer.text
    assert halfway.get("/dashboard").status_code == 303


def test_code_that_was_used_opens_nothing(
    halfway: Reader, enrolled: Enrolment, open_reader: OpenReader, app: Starlette
) -> None:
    other = open_reader(app)
    other.try_login("owner", PASSWORD)
    assert halfway.send_code(code_of(enrolled)).status_code == 303

    assert other.send_code(code_of(enrolled)).status_code == 401
    assert other.get("/dashboard").status_code == 303
    assert other.send_code(code_of(enrolled, 1)).status_code == 303


@pytest.mark.parametrize("code", ["", "abcd-efgh-ijkl-mnop", "<script>alert(1)</script>", "٣" * 6])
def test_what_is_no_code_is_refused_and_not_repeated(halfway: Reader, code: str) -> None:
    answer = halfway.send_code(code)

    assert answer.status_code == 401
    assert not code or code not in answer.text


def test_sixth_wrong_code_waits_even_when_right(
    halfway: Reader, enrolled: Enrolment, clock: Clock
) -> None:
    for _ in range(5):
        assert halfway.send_code("000000").status_code == 401

    refused = halfway.send_code(code_of(enrolled))
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "3600"
    # Nor does a new login help.
    halfway.cookies.clear()
    halfway.try_login("owner", PASSWORD)
    assert halfway.send_code(code_of(enrolled)).status_code == 429

    clock.moment += timedelta(hours=1)
    halfway.try_login("owner", PASSWORD)
    assert halfway.send_code(code_of(enrolled, 120)).status_code == 303


def test_half_a_login_ends_after_10_minutes(
    halfway: Reader, enrolled: Enrolment, clock: Clock
) -> None:
    token = form_token(halfway.get("/dashboard/login/code").text)
    clock.moment += timedelta(minutes=10)

    form = {"token": token, "code": code_of(enrolled, 20), "next": PLACE}
    answer = halfway.post("/dashboard/login/code", form)

    assert answer.status_code == 303
    assert urlsplit(answer.headers["location"]).path == "/dashboard/login"


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_code_without_the_forms_token_is_refused(
    halfway: Reader, enrolled: Enrolment, token: str
) -> None:
    form = {"token": token, "code": code_of(enrolled)}

    assert halfway.post("/dashboard/login/code", form).status_code == 403
    assert halfway.get("/dashboard").status_code == 303
    assert halfway.send_code(code_of(enrolled)).status_code == 303


def test_cookie_of_half_a_login_opens_nothing_after_it(
    halfway: Reader, enrolled: Enrolment, open_reader: OpenReader, app: Starlette
) -> None:
    copied = halfway.cookies["discreet_session"]
    halfway.send_code(code_of(enrolled))

    other = open_reader(app)
    cookie = {"Cookie": f"discreet_session={copied}"}
    assert other.get("/dashboard", headers=cookie).status_code == 303
    assert other.get("/dashboard/login/code", headers=cookie).status_code == 303


def test_stranger_is_sent_to_the_password_first(stranger: Reader) -> None:
    answer = stranger.get("/dashboard/login/code")

    assert answer.status_code == 303
    assert urlsplit(answer.headers["location"]).path == "/dashboard/login"


def test_user_changed_between_the_steps_begins_again(
    halfway: Reader, enrolled: Enrolment, people: People
) -> None:
    token = form_token(halfway.get("/dashboard/login/code").text)
    people.users.set_password("owner", PASSWORD)

    answer = halfway.post("/dashboard/login/code", {"token": token, "code": code_of(enrolled)})

    assert answer.status_code == 303
    assert urlsplit(answer.headers["location"]).path == "/dashboard/login"
