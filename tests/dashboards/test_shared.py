"""What a shared link shows, what it never does, and who may put it into a frame."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.applications import Starlette

from collector.audit_trail import AuditTrail
from dashboards.sharing.answers import MAX_FILES, MAX_PAGES
from people.people import People
from people.roles import Role
from people.trail import Act
from tests.dashboards.conftest import OpenReader
from tests.dashboards.reader import NOW, PASSWORD, Clock, Reader
from tests.dashboards.traffic import SITE
from tests.dashboards.views import Store, make_policy

OTHER_SITE = "example.net"
SECOND = int(NOW.timestamp())
ASKED = "open sesame"
EMBEDDER = "https://www.example.org"
DAYS = f"site={SITE}&period=custom&from=2025-10-01&to=2025-10-31"

Share = Callable[..., str]


@pytest.fixture
def share(people: People) -> Share:
    """Return a function that shares a site and returns the link's path."""

    def share(name: str = "press", site: str = SITE, **more: object) -> str:
        token = people.shares.add(name, site, SECOND, **more)  # type: ignore[arg-type]
        return f"/shared/{token}"

    return share


def acts(trail: AuditTrail) -> list[Act]:
    return list(trail.read(NOW.date(), lambda _: True, 1, 1000)[0])


def numbers(page: str) -> list[str]:
    """Return every row of a page's tables, without where its links lead."""
    rows = re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    return [re.sub(r'href="[^"]*"', "", row) for row in rows]


def policy_of(page: object) -> str:
    headers = getattr(page, "headers", {})
    found = re.search(r"frame-ancestors ([^;]*);", headers["content-security-policy"])
    assert found
    return found[1]


@pytest.mark.usefixtures("stored")
def test_link_shows_overview_and_reports_without_a_login(
    app: Starlette, open_reader: OpenReader, share: Share, analyst: Reader
) -> None:
    guest, link = open_reader(app), share()

    assert numbers(guest.get(f"{link}?{DAYS}").text) == numbers(
        analyst.get(f"/dashboard?{DAYS}").text
    )
    report = numbers(guest.get(f"{link}?{DAYS}&report=pages").text)
    assert report == numbers(analyst.get(f"/dashboard?{DAYS}&report=pages").text)
    assert len(report) > 10
    assert not guest.cookies


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("more", ["", "&report=pages", "&report=pages&f=page:is:/"])
def test_shared_page_names_no_user_and_leads_nowhere_else(
    app: Starlette,
    open_reader: OpenReader,
    people: People,
    share: Share,
    more: str,
) -> None:
    people.users.add("henrietta", Role.ANALYST, (), "a password of hers")
    guest = open_reader(app)
    link = share()

    page = guest.get(f"{link}?{DAYS}{more}")
    assert page.status_code == 200
    for hidden in ("owner", "henrietta", OTHER_SITE, "logout", "/dashboard/audit", "Log out"):
        assert hidden not in page.text
    targets = re.findall(r'(?:href|action|src|data-\w+)="(/[^"]*)"', page.text)
    assert targets
    for target in targets:
        assert target.startswith((link, "/dashboard/static/")), target
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert policy_of(page) == "'none'"
    assert not guest.cookies


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(f"?site={OTHER_SITE}", id="another site"),
        pytest.param("?site=nowhere.example", id="no site"),
        pytest.param("?report=%3Cscript%3E", id="no report"),
        pytest.param("?who=1", id="unknown parameter"),
    ],
)
def test_link_of_a_site_answers_for_no_other(stranger: Reader, share: Share, more: str) -> None:
    link = share()
    answer = stranger.get(link + more)

    assert answer.status_code == 400
    assert re.findall(r'<a href="([^"]*)"', answer.text) == [link]
    assert OTHER_SITE not in answer.text
    assert "<script>" not in answer.text


def test_void_links_are_all_answered_alike(
    app: Starlette,
    make_app: Callable[..., Starlette],
    people: People,
    open_reader: OpenReader,
    share: Share,
    clock: Clock,
) -> None:
    revoked, over = share("revoked"), share("over", expires=SECOND + 60)
    guest = open_reader(app)
    assert guest.get(over).status_code == 200
    assert guest.get(revoked).status_code == 200
    people.shares.revoke("revoked")
    clock.moment += timedelta(seconds=60)
    gone = f"/shared/{people.shares.add('gone', 'gone.example', SECOND)}"

    told = {guest.get(link).text for link in (revoked, over, gone, "/shared/" + "A" * 43)}
    assert len(told) == 1
    for link in (revoked, over, gone, "/shared/x", "/shared/%00", "/shared/..%2fdashboard"):
        assert guest.get(link).status_code == 404
        assert guest.get(f"{link}/embed").status_code == 404
        assert guest.post(link, {"password": ASKED}).status_code == 404
    assert make_app(make_policy()) is not app


def test_link_opens_no_page_of_the_dashboard(
    app: Starlette, open_reader: OpenReader, share: Share
) -> None:
    guest = open_reader(app)
    guest.get(share())

    for page in ("", "/audit", "/shares", "/people", "/annotations", "/export", "/live"):
        assert guest.get(f"/dashboard{page}").status_code in {303, 404}


def test_look_is_noted_under_the_shares_name(
    stranger: Reader, share: Share, trail: AuditTrail, people: People
) -> None:
    link = share()
    stranger.get(f"{link}?{DAYS}&report=pages")

    (act,) = acts(trail)
    assert (act.user, act.did, act.site, act.report) == ("share press", "looked at", SITE, "pages")
    assert act.period == "2025-10-01/2025-10-31"
    assert link.rpartition("/")[2] not in str(act)
    assert people.shares.all()[0].last_looked == NOW.date()


def test_page_asked_for_again_within_a_minute_is_worked_out_once(
    stranger: Reader, share: Share, store: Store, trail: AuditTrail, clock: Clock
) -> None:
    link = share()
    first = stranger.get(link)
    asked = len(store.asked)

    again = stranger.get(link)
    assert (again.text, again.status_code) == (first.text, 200)
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    assert (len(store.asked), len(acts(trail))) == (asked, 1)
    clock.moment += timedelta(minutes=1)
    assert stranger.get(link).status_code == 200
    assert len(store.asked) > asked


def test_pages_worked_out_for_one_link_are_bounded(
    stranger: Reader, share: Share, trail: AuditTrail, clock: Clock
) -> None:
    link, other = share(), share("board")
    # Pages that there are not cost as much, and count.
    answers = [stranger.get(f"{link}?report=none{n}") for n in range(MAX_PAGES + 1)]

    assert [answer.status_code for answer in answers] == [400] * MAX_PAGES + [429]
    assert int(answers[-1].headers["retry-after"]) <= 60
    assert stranger.get(other).status_code == 200
    clock.moment += timedelta(minutes=1)
    assert stranger.get(link).status_code == 200
    assert len(acts(trail)) == 2


def test_who_asks_for_too_many_pages_takes_the_others_none_away(
    stranger: Reader, share: Share, clock: Clock
) -> None:
    """A framed link stands in a page's source, for anybody to ask for all it gives."""
    link = share()
    page = stranger.get(link).text
    clock.moment += timedelta(seconds=61)
    for number in range(MAX_PAGES):
        assert stranger.get(f"{link}?search=nothing-{number}&report=pages").status_code == 200
    assert stranger.get(f"{link}?search=more&report=pages").status_code == 429

    again = stranger.get(link)
    assert (again.status_code, again.text) == (200, page)
    clock.moment += timedelta(hours=1)
    for number in range(MAX_PAGES):
        stranger.get(f"{link}?search=nothing-{number}&report=pages")
    assert stranger.get(link).status_code == 429


def test_kept_page_goes_though_the_clock_goes_back(
    stranger: Reader, share: Share, store: Store, clock: Clock
) -> None:
    link = share()
    stranger.get(link)
    store.asked.clear()
    clock.moment -= timedelta(minutes=2)
    assert stranger.get(link).status_code == 200
    assert store.asked


def test_password_is_asked_for_before_anything_is_shown(
    stranger: Reader, share: Share, trail: AuditTrail
) -> None:
    link = share(password=ASKED)
    shown = stranger.get(f"{link}?{DAYS}")

    assert shown.status_code == 200
    assert "asks for a password" in shown.text
    assert "<td" not in shown.text
    assert acts(trail) == []
    place = re.search(r'name="next" value="([^"]*)"', shown.text)
    assert place
    wrong = stranger.post(link, {"password": "no", "next": ""})
    assert wrong.status_code == 401
    right = stranger.post(link, {"password": ASKED, "next": place[1].replace("&amp;", "&")})
    assert (right.status_code, right.headers["location"]) == (303, f"{link}?{DAYS}")
    assert {"HttpOnly", f"Path={link}", "SameSite=lax"} <= set(
        right.headers["set-cookie"].split("; ")
    )
    assert "asks for a password" not in stranger.get(f"{link}?{DAYS}").text
    assert len(acts(trail)) == 1


def test_password_of_one_link_opens_no_other(
    stranger: Reader, share: Share, clock: Clock, people: People
) -> None:
    link, other = share(password=ASKED), share("board", password=ASKED)
    stranger.post(link, {"password": ASKED})
    (cookie,) = stranger.cookies.jar
    assert "asks for a password" not in stranger.get(link).text
    assert "asks for a password" in stranger.get(other).text

    # The same value under the other link's name.
    for path in (other, "/"):
        stranger.cookies.set(cookie.name, cookie.value or "", domain="stats.test", path=path)
    assert "asks for a password" in stranger.get(other).text
    clock.moment += timedelta(hours=12)
    assert "asks for a password" in stranger.get(link).text
    people.shares.revoke("press")
    assert stranger.get(link).status_code == 404


@pytest.mark.parametrize(
    "place",
    ["//evil.example", "https://evil.example", "a\r\nX: y", "#top", "site=é", "x" * 3000],
)
def test_password_leads_to_the_link_itself_alone(
    stranger: Reader, share: Share, place: str
) -> None:
    link = share(password=ASKED)

    sent = stranger.post(link, {"password": ASKED, "next": place})
    assert (sent.status_code, sent.headers["location"]) == (303, link)


def test_wrong_passwords_make_the_link_wait(stranger: Reader, share: Share, clock: Clock) -> None:
    link, other = share(password=ASKED), share("board", password=ASKED)
    tries = [stranger.post(link, {"password": f"guess {n}"}).status_code for n in range(6)]

    assert tries == [401] * 5 + [429]
    assert stranger.post(link, {"password": ASKED}).status_code == 429
    assert stranger.post(other, {"password": ASKED}).status_code == 303
    clock.moment += timedelta(minutes=5)
    assert stranger.post(link, {"password": ASKED}).status_code == 303


def test_network_that_guesses_waits_for_every_link(stranger: Reader, share: Share) -> None:
    links = [share(f"s{n}", password=ASKED) for n in range(8)]
    guesses = [
        stranger.post(link, {"password": "wrong"}, "198.51.100.0").status_code
        for link in links
        for _ in range(4)
    ]

    assert guesses == [401] * 30 + [429] * 2
    assert stranger.post(links[7], {"password": ASKED}, "192.0.2.0").status_code == 303


def test_password_form_of_another_origin_is_refused(stranger: Reader, share: Share) -> None:
    answer = stranger.post_body(
        share(password=ASKED),
        f"password={ASKED}".encode(),
        "application/x-www-form-urlencoded",
        {"Sec-Fetch-Site": "cross-site"},
    )

    assert answer.status_code == 400


@pytest.mark.usefixtures("stored")
def test_frame_is_allowed_to_the_shares_origins_alone(stranger: Reader, share: Share) -> None:
    link = share(origins=[EMBEDDER, "https://blog.example"])

    sent = stranger.get(f"{link}?embed=1&{DAYS}")
    assert (sent.status_code, sent.headers["location"]) == (303, f"{link}/embed?{DAYS}")
    framed = stranger.get(f"{link}/embed?{DAYS}")
    assert framed.status_code == 200
    assert policy_of(framed) == f"https://blog.example {EMBEDDER}"
    assert "set-cookie" not in framed.headers
    # Links within the frame stay in it.
    targets = set(re.findall(r'(?:href|action)="(/[^"?]*)', framed.text))
    assert targets <= {f"{link}/embed"} | {t for t in targets if t.startswith("/dashboard/static/")}
    assert f"{link}/embed" in targets
    # Out of a frame, the same link is shown to nobody's.
    assert policy_of(stranger.get(f"{link}?{DAYS}")) == "'none'"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        pytest.param({}, "is not shared for being shown in a frame", id="no origins"),
        pytest.param({"password": ASKED}, "with a password can’t be shown", id="password"),
    ],
)
def test_frame_that_is_not_allowed_is_refused_in_a_sentence(
    stranger: Reader, share: Share, more: dict[str, object], sentence: str
) -> None:
    link = share(**more)
    stranger.post(link, {"password": ASKED})

    refused = stranger.get(f"{link}/embed")
    assert refused.status_code == 403
    assert sentence in refused.text.replace("&#39;", "’")
    assert policy_of(refused) == "'none'"


@pytest.mark.usefixtures("stored")
def test_files_are_given_where_the_share_says_so(
    stranger: Reader, share: Share, trail: AuditTrail
) -> None:
    link, exporting = share(), share("board", may_export=True)
    address = f"export?{DAYS}&report=pages&format=csv"

    refused = stranger.get(f"{link}/{address}")
    assert (refused.status_code, "does not export" in refused.text) == (403, True)
    given = stranger.get(f"{exporting}/{address}")
    assert (given.status_code, given.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert len(given.text.splitlines()) > 10
    assert stranger.get(f"{exporting}/{address}&site={OTHER_SITE}").status_code == 400
    noted = [(act.user, act.did) for act in acts(trail)]
    assert noted == [("share board", "exported")]
    locked = share("locked", may_export=True, password=ASKED)
    assert "asks for a password" in stranger.get(f"{locked}/{address}").text


@pytest.mark.usefixtures("stored")
def test_files_of_a_link_are_bounded_and_stand_for_a_look(
    stranger: Reader, share: Share, people: People, clock: Clock
) -> None:
    link, other = share(may_export=True), share("board", may_export=True)
    file = f"export?{DAYS}&report=pages&format=csv"

    answers = [stranger.get(f"{link}/{file}") for _ in range(MAX_FILES + 1)]
    assert [answer.status_code for answer in answers] == [*[200] * MAX_FILES, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    # Its pages, and another link's files, are there as before.
    assert stranger.get(link).status_code == 200
    assert stranger.get(f"{other}/{file}").status_code == 200
    assert people.shares.all()[0].last_looked == NOW.date()
    clock.moment += timedelta(seconds=60)
    assert stranger.get(f"{link}/{file}").status_code == 200


@pytest.mark.usefixtures("stored")
def test_page_offers_files_where_the_share_gives_them(stranger: Reader, share: Share) -> None:
    link = share("board", may_export=True, origins=[EMBEDDER])

    assert f"{link}/export?" in stranger.get(f"{link}?{DAYS}&report=pages").text
    assert "export?" not in stranger.get(f"{link}/embed?{DAYS}&report=pages").text
    assert "export?" not in stranger.get(f"{share()}?{DAYS}&report=pages").text


def test_link_speaks_the_readers_language(stranger: Reader, share: Share) -> None:
    link = share(password=ASKED)

    for tag in ("en", "zh"):
        shown = stranger.get(link, {"Accept-Language": tag})
        assert f'lang="{tag}"' in shown.text


@pytest.mark.parametrize("password", [PASSWORD, ""])
def test_cookie_goes_by_https_alone_where_the_page_does(
    app: Starlette, share: Share, password: str
) -> None:
    guest = Reader(app, "https://stats.test")
    link = share(password=ASKED)
    try:
        sent = guest.post(link, {"password": password or ASKED})
    finally:
        guest.close()
    if password:
        assert "set-cookie" not in sent.headers
    else:
        assert sent.headers["set-cookie"].startswith("__Secure-discreet_share_")
        assert "; Secure" in sent.headers["set-cookie"]
