from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.dashboards.reader import PASSWORD, Clock, Reader, form_token

HOSTILE_PLACES = [
    pytest.param("https://evil.example/", id="other origin"),
    pytest.param("//evil.example/dashboard", id="no scheme"),
    pytest.param("/\\evil.example", id="backslash"),
    pytest.param("/dashboard\\@evil.example", id="backslash in path"),
    pytest.param("\t//evil.example", id="tab"),
    pytest.param("/dashboard\r\nSet-Cookie: a=b", id="header"),
    pytest.param("/dashboard?a=b\nLocation: //evil.example", id="header in query"),
    pytest.param("javascript:alert(1)", id="script"),
    pytest.param("/dashboard@evil.example", id="user part"),
    pytest.param("/dashboard/../../evil", id="up the path"),
    pytest.param("/dashboard/logout", id="logout"),
    pytest.param("/dashboard/login", id="login itself"),
    pytest.param("/opt-out", id="other page"),
    pytest.param("/dashboard?" + "a" * 2000, id="too long"),
    pytest.param("", id="empty"),
]


@pytest.mark.parametrize(
    ("address", "place"),
    [
        pytest.param("/dashboard", "/dashboard", id="bare"),
        pytest.param(
            "/dashboard?site=example.org&period=7d",
            "/dashboard?site=example.org&period=7d",
            id="with state",
        ),
        pytest.param("/dashboard?x=<script>", "/dashboard?x=%3Cscript%3E", id="hostile state"),
        *(
            pytest.param(f"{page}?site=example.org", f"{page}?site=example.org", id=page)
            for page in (
                *("/dashboard/privacy", "/dashboard/privacy/statistics"),
                *("/dashboard/annotations", "/dashboard/shares", "/dashboard/people"),
            )
        ),
        pytest.param("/dashboard?nonsense=1", "/dashboard?nonsense=1", id="bad state"),
    ],
)
def test_stranger_is_sent_to_the_login_and_back(stranger: Reader, address: str, place: str) -> None:
    sent = stranger.get(address)

    assert sent.status_code == 303
    target = urlsplit(sent.headers["location"])
    assert (target.scheme, target.netloc, target.path) == ("", "", "/dashboard/login")
    assert parse_qs(target.query) == {"next": [place]}
    back = stranger.try_login("owner", PASSWORD, place)
    assert (back.status_code, back.headers["location"]) == (303, place)


@pytest.mark.parametrize("place", HOSTILE_PLACES)
def test_login_sends_nobody_elsewhere(stranger: Reader, place: str) -> None:
    page = stranger.get("/dashboard/login?" + urlencode({"next": place}))
    sent = stranger.try_login("owner", PASSWORD, place)

    assert 'name="next" value="/dashboard"' in page.text
    assert (sent.status_code, sent.headers["location"]) == (303, "/dashboard")
    again = stranger.get("/dashboard/login?" + urlencode({"next": place}))
    assert (again.status_code, again.headers["location"]) == (303, "/dashboard")


def test_session_cookie_is_kept_from_scripts_and_other_sites(stranger: Reader) -> None:
    sent = stranger.try_login("owner", PASSWORD)

    (cookie,) = sent.headers.get_list("set-cookie")
    name, *attributes = (part.strip() for part in cookie.split(";"))
    assert name.startswith("discreet_session=")
    assert set(attributes) == {"HttpOnly", "SameSite=lax", "Path=/dashboard", "Max-Age=43200"}


def test_session_ends_after_12_hours(analyst: Reader, clock: Clock) -> None:
    clock.moment += timedelta(hours=11, minutes=59)
    assert analyst.get("/dashboard").status_code == 200

    clock.moment += timedelta(minutes=1)
    assert analyst.get("/dashboard").status_code == 303


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("owner", "wrong", id="wrong password"),
        pytest.param("nobody", PASSWORD, id="unknown name"),
        pytest.param("", "", id="empty"),
        pytest.param("<script>alert(1)</script>", "xyzzy", id="script"),
    ],
)
def test_wrong_login_opens_nothing_and_says_the_same(
    stranger: Reader, name: str, password: str
) -> None:
    answer = stranger.try_login(name, password)

    assert answer.status_code == 401
    assert "Name and password do not match." in answer.text
    assert "<script>alert" not in answer.text
    assert not password or password not in answer.text
    assert stranger.get("/dashboard").status_code == 303


def test_sixth_wrong_login_waits_even_when_right(stranger: Reader, clock: Clock) -> None:
    for _ in range(5):
        assert stranger.try_login("owner", "wrong").status_code == 401

    refused = stranger.try_login("owner", PASSWORD)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "300"

    clock.moment += timedelta(minutes=5)
    assert stranger.try_login("owner", PASSWORD).status_code == 303


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="none"),
        pytest.param("0" * 64, id="made up"),
        pytest.param("é", id="not ASCII"),
    ],
)
def test_login_form_without_its_token_is_refused(stranger: Reader, token: str) -> None:
    stranger.get("/dashboard/login")

    answer = stranger.post(
        "/dashboard/login", {"token": token, "name": "owner", "password": PASSWORD}
    )

    assert answer.status_code == 403
    assert stranger.get("/dashboard").status_code == 303


def test_login_form_of_another_browser_is_refused(stranger: Reader) -> None:
    token = form_token(stranger.get("/dashboard/login").text)
    stranger.cookies.clear()
    stranger.get("/dashboard/login")

    answer = stranger.post(
        "/dashboard/login", {"token": token, "name": "owner", "password": PASSWORD}
    )

    assert answer.status_code == 403


def test_form_in_an_earlier_tab_stays_good(stranger: Reader) -> None:
    token = form_token(stranger.get("/dashboard/login").text)
    stranger.get("/dashboard/login")

    answer = stranger.post(
        "/dashboard/login", {"token": token, "name": "owner", "password": PASSWORD}
    )

    assert answer.status_code == 303


def test_login_begins_a_session_of_its_own(stranger: Reader) -> None:
    token = form_token(stranger.get("/dashboard/login").text)
    stranger.try_login("owner", PASSWORD)

    assert form_token(stranger.get("/dashboard").text) not in {"", token}


def test_logout_ends_the_session(analyst: Reader) -> None:
    token = form_token(analyst.get("/dashboard").text)

    answer = analyst.post("/dashboard/logout", {"token": token})

    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/login")
    assert analyst.get("/dashboard").status_code == 303


def test_logout_from_another_site_is_refused(analyst: Reader) -> None:
    assert analyst.post("/dashboard/logout", {"token": "0" * 64}).status_code == 403
    assert analyst.get("/dashboard/logout").status_code == 405
    assert analyst.get("/dashboard").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        # Not the last letter: of its six bits two say nothing.
        pytest.param(
            lambda value: value[:-5] + ("A" if value[-5] != "A" else "B") + value[-4:],
            id="signature",
        ),
        pytest.param(lambda value: "A" + value, id="content"),
        pytest.param(lambda value: value.rpartition(".")[0], id="unsigned"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "é.é", id="not ASCII"),
    ],
)
def test_forged_session_opens_nothing(analyst: Reader, change: Callable[[str], str]) -> None:
    forged = change(analyst.cookies["discreet_session"])
    analyst.cookies.clear()

    answer = analyst.get("/dashboard", headers={"Cookie": f"discreet_session={forged}"})

    assert answer.status_code == 303


def test_session_without_a_login_opens_nothing(stranger: Reader) -> None:
    stranger.get("/dashboard/login")

    assert "discreet_session" in stranger.cookies
    assert stranger.get("/dashboard").status_code == 303


@pytest.mark.parametrize("path", ["/dashboard/login", "/dashboard/logout", "/dashboard/login/code"])
@pytest.mark.parametrize("origin", ["cross-site", "same-site", "nonsense"])
def test_form_that_another_origin_sends_changes_nothing(
    analyst: Reader, path: str, origin: str
) -> None:
    token = form_token(analyst.get("/dashboard").text)

    answer = analyst.post_body(path, f"token={token}".encode(), FORM, {"Sec-Fetch-Site": origin})

    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers
    assert analyst.get("/dashboard").status_code == 200


def test_form_of_this_origin_is_taken(analyst: Reader) -> None:
    token = form_token(analyst.get("/dashboard").text)
    sent = {"Sec-Fetch-Site": "same-origin"}

    answer = analyst.post_body("/dashboard/logout", f"token={token}".encode(), FORM, sent)

    assert answer.status_code == 303


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"name=" + b"a" * 4096, FORM, id="too long"),
        pytest.param(b"{}", "application/json", id="JSON"),
        pytest.param(b"--x\r\n", "multipart/form-data; boundary=x", id="multipart"),
        pytest.param(b"name=%ff%fe", FORM, id="bad UTF-8"),
        pytest.param(b"name=\xff", FORM, id="raw bytes"),
        pytest.param(b"name=a&name=b", FORM, id="field twice"),
        pytest.param(b"&".join(b"%d=1" % n for n in range(50)), FORM, id="too many fields"),
    ],
)
def test_body_that_is_no_form_is_refused(stranger: Reader, body: bytes, kind: str) -> None:
    answer = stranger.post_body("/dashboard/login", body, kind)

    assert answer.status_code == 400
    assert "The form" in answer.text
