"""Sessions end when they should, wherever their cookies were copied to."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import pytest
from itsdangerous import URLSafeSerializer
from starlette.applications import Starlette

from people.people import People
from people.roles import Role
from tests.dashboards.conftest import OpenReader
from tests.dashboards.reader import NOW, PASSWORD, Clock, Reader, enrol, form_token

HERS = "a password of hers"


@pytest.fixture
def ana(people: People, app: Starlette, open_reader: OpenReader) -> Reader:
    """Give a viewer who has logged in."""
    people.users.add("ana", Role.VIEWER, (), HERS)
    reader = open_reader(app)
    assert reader.try_login("ana", HERS).status_code == 303
    return reader


def test_copied_cookie_opens_nothing_after_logout(
    analyst: Reader, open_reader: OpenReader, app: Starlette
) -> None:
    cookie = {"Cookie": f"discreet_session={analyst.cookies['discreet_session']}"}
    other = open_reader(app)
    assert other.get("/dashboard", headers=cookie).status_code == 200

    analyst.post("/dashboard/logout", {"token": form_token(analyst.get("/dashboard").text)})

    other.cookies.clear()
    assert other.get("/dashboard", headers=cookie).status_code == 303


def test_logout_ends_no_other_session(
    analyst: Reader, open_reader: OpenReader, app: Starlette
) -> None:
    other = open_reader(app)
    other.try_login("owner", PASSWORD)

    analyst.post("/dashboard/logout", {"token": form_token(analyst.get("/dashboard").text)})

    assert other.get("/dashboard").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda people: people.users.set_password("ana", HERS), id="password"),
        pytest.param(lambda people: people.users.set_role("ana", Role.OWNER, ()), id="role"),
        pytest.param(
            lambda people: people.users.set_role("ana", Role.VIEWER, ["example.org"]), id="sites"
        ),
        pytest.param(lambda people: enrol(people, "ana", 3600), id="second factor"),
        pytest.param(lambda people: people.second_factors.drop("ana"), id="none any more"),
        pytest.param(lambda people: people.users.remove("ana"), id="removed"),
    ],
)
def test_change_of_a_user_ends_their_sessions(
    ana: Reader, analyst: Reader, people: People, change: Callable[[People], object]
) -> None:
    token = form_token(ana.get("/dashboard").text)
    change(people)

    assert ana.get("/dashboard").headers["location"].startswith("/dashboard/login?")
    assert ana.get("/dashboard?report=pages").status_code == 303
    assert ana.post("/dashboard/logout", {"token": token}).status_code == 303
    assert analyst.get("/dashboard").status_code == 200


def test_session_of_a_removed_user_opens_nothing_to_a_new_one_of_that_name(
    ana: Reader, people: People
) -> None:
    people.users.remove("ana")
    people.users.add("ana", Role.OWNER, (), PASSWORD)

    assert ana.get("/dashboard").status_code == 303


def test_login_begun_before_a_change_opens_nothing(people: People) -> None:
    user = people.users.find("owner")
    assert user is not None
    people.users.set_password("owner", PASSWORD)

    assert not people.sessions.begin("nonce", user, 0, 10, is_whole=True)
    assert people.sessions.find("nonce", 0) is None


def test_sessions_over_their_time_are_forgotten(people: People) -> None:
    user = people.users.find("owner")
    assert user is not None
    people.sessions.begin("early", user, now=0, ends=10, is_whole=True)

    assert people.sessions.find("early", 9) is not None
    assert people.sessions.find("early", 10) is None
    people.sessions.begin("late", user, now=10, ends=20, is_whole=True)
    assert people.sessions.find("early", 9) is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(["owner", "nonce", 2**40], id="first version's"),
        pytest.param(["nonce", 2**40], id="unknown nonce"),
        pytest.param(["nonce", 1], id="old"),
        pytest.param("text", id="text"),
        pytest.param(None, id="nothing"),
    ],
)
def test_signed_cookie_that_stands_for_nobody_opens_nothing(
    stranger: Reader, people: People, content: object
) -> None:
    sign = URLSafeSerializer(
        people.users.session_secret(),
        salt="discreet dashboard session",
        signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
    ).dumps

    cookie = {"Cookie": f"discreet_session={sign(content)}"}
    answer = stranger.get("/dashboard", headers=cookie)

    assert answer.status_code == 303
    assert stranger.get("/dashboard/login", headers=cookie).status_code == 200


def test_cookie_tells_no_name(analyst: Reader) -> None:
    is_signed, content = URLSafeSerializer("").loads_unsafe(analyst.cookies["discreet_session"])

    assert not is_signed
    assert len(content) == 2
    assert "owner" not in repr(content)


def test_behind_https_no_other_host_can_set_the_cookie(app: Starlette) -> None:
    reader = Reader(app, "https://stats.test")
    sent = reader.try_login("owner", PASSWORD)

    (cookie,) = sent.headers.get_list("set-cookie")
    name, *attributes = (part.strip() for part in cookie.split(";"))
    assert name.startswith("__Host-discreet_session=")
    assert set(attributes) == {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200", "Secure"}
    assert reader.get("/dashboard").status_code == 200
    # Under its other name, which any host of the domain could set, it is not read.
    value = reader.cookies["__Host-discreet_session"]
    reader.cookies.clear()
    planted = {"Cookie": f"discreet_session={value}"}
    assert reader.get("/dashboard", headers=planted).status_code == 303
    reader.close()


def test_last_day_of_login_is_kept(ana: Reader, people: People, clock: Clock) -> None:
    clock.moment += timedelta(days=1)
    user = people.users.find("ana")

    assert ana.get("/dashboard").status_code == 303
    assert user is not None
    assert user.last_login == NOW.date()


def test_network_that_fails_often_waits_whatever_the_name(
    app: Starlette, open_reader: OpenReader, clock: Clock
) -> None:
    reader = open_reader(app)
    for number in range(30):
        assert reader.try_login(f"name{number}", "wrong").status_code == 401

    assert reader.try_login("owner", PASSWORD).status_code == 429
    token = form_token(reader.get("/dashboard/login").text)
    form = {"token": token, "name": "owner", "password": PASSWORD}
    assert reader.post("/dashboard/login", form, network="198.51.100.0").status_code == 303

    reader.cookies.clear()
    clock.moment += timedelta(minutes=5)
    assert reader.try_login("owner", PASSWORD).status_code == 303


def test_right_logins_of_a_network_forgive_no_wrong_ones(
    app: Starlette, open_reader: OpenReader
) -> None:
    reader = open_reader(app)
    for number in range(29):
        assert reader.try_login(f"name{number}", "wrong").status_code == 401
    for _ in range(3):
        reader.cookies.clear()
        assert reader.try_login("owner", PASSWORD).status_code == 303

    reader.cookies.clear()
    assert reader.try_login("name30", "wrong").status_code == 401
    assert reader.try_login("name31", "wrong").status_code == 429
