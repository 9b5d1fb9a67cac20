"""Pages beside the numbers: shared links, people, annotations; who may see and change what."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette

from collector.audit_trail import AuditTrail
from dashboards.annotations import MAX_DRAWN
from dashboards.annotations_page import MAX_LISTED
from people.people import People
from people.roles import Role
from people.trail import Did
from tests.dashboards.conftest import THEIRS, LogInAs, OpenReader, marks_in
from tests.dashboards.reader import NOW, Clock, Reader, enrol, form_token
from tests.dashboards.traffic import SITE
from tests.dashboards.views import make_policy

OTHER_SITE = "example.net"
CHANGES = {Did.ANNOTATED, Did.UNANNOTATED}
SHARES, PEOPLE, MARKS = "/dashboard/shares", "/dashboard/people", "/dashboard/annotations"


def send(reader: Reader, page: str, path: str = "", **fields: str) -> tuple[int, str]:
    token = form_token(reader.get(page).text)
    answer = reader.post(f"{page}{path}", {"token": token, **fields})
    return answer.status_code, answer.text


def cells(page: str) -> list[list[str]]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in body.split("<tr>")]
    rows = [[re.sub(r"</?a\b[^>]*>", "", cell) for cell in row] for row in rows]
    return [[re.sub(r"<.*", "", cell, flags=re.DOTALL) for cell in row] for row in rows[1:]]


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        (Role.OWNER, {SHARES, PEOPLE, MARKS}),
        (Role.ANALYST, {MARKS}),
        (Role.VIEWER, set[str]()),
        (Role.AUDITOR, set[str]()),
    ],
)
def test_pages_are_shown_by_role(log_in_as: LogInAs, role: Role, seen: set[str]) -> None:
    ana = log_in_as(role)

    for page in (SHARES, PEOPLE, MARKS):
        assert ana.get(page).status_code == (200 if page in seen else 403), page
        assert (f'href="{page}' in ana.get("/dashboard").text) is (page in seen), page


@pytest.mark.parametrize("page", [SHARES, PEOPLE, MARKS])
def test_stranger_is_sent_to_the_login_and_back(stranger: Reader, page: str) -> None:
    sent = stranger.get(page)
    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/dashboard/login?next=")
    assert stranger.post(page, {"token": ""}).status_code in {303, 405}


def test_owner_makes_a_link_that_opens_and_revokes_it(
    analyst: Reader, app: Starlette, open_reader: OpenReader, trail: AuditTrail
) -> None:
    status, made = send(
        analyst, SHARES, name="press", site=SITE, origins="https://www.example.org", expires=""
    )
    assert status == 200
    found = re.search(r"http://stats.test(/shared/[\w-]{43})<", made)
    assert found
    assert f"{found[1]}?embed=1" in made
    guest = open_reader(app)
    assert guest.get(found[1]).status_code == 200
    listed = analyst.get(SHARES).text
    assert found[1] not in listed
    assert cells(listed)[0][0] == "press"
    assert "may be framed by https://www.example.org" in listed
    assert "last looked at on Tue, Nov 4, 2025" in listed

    assert send(analyst, SHARES, "/revoke", name="press")[0] == 303
    assert guest.get(found[1]).status_code == 404
    assert send(analyst, SHARES, "/revoke", name="press")[0] == 404
    done = [(act.user, act.did, act.report) for act in trail.read(NOW.date(), _every, 1, 20)[0]]
    assert done[:3] == [
        ("owner", "revoked the share", "press"),
        ("share press", "looked at", "overview"),
        ("owner", "shared", "press"),
    ]


def _every(_: object) -> bool:
    return True


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"name": "<b>x</b>"}, "The name must be", id="name"),
        pytest.param({"site": "nowhere.example"}, "no such site", id="site"),
        pytest.param({"expires": "2025-11-04"}, "must be one to come", id="today"),
        pytest.param({"expires": "soon"}, "must be one to come", id="no day"),
        pytest.param({"password": "short"}, "8 characters", id="password"),
        pytest.param({"origins": "example.org"}, "written as https://", id="origin"),
        pytest.param(
            {"origins": "https://a.example", "password": THEIRS},
            "a link with a password",
            id="both",
        ),
    ],
)
def test_link_that_cannot_be_is_told_beside_what_was_written(
    analyst: Reader, people: People, fields: dict[str, str], told: str
) -> None:
    status, page = send(analyst, SHARES, **{"name": "press", "site": SITE, **fields})

    assert status == 400
    assert told in page
    assert "<b>x</b>" not in page
    assert THEIRS not in page
    assert people.shares.all() == []


def test_link_is_made_with_its_end_password_and_exports(analyst: Reader, people: People) -> None:
    send(
        analyst,
        SHARES,
        name="board",
        site=OTHER_SITE,
        expires="2025-11-05",
        password=THEIRS,
        exports="yes",
    )

    (share,) = people.shares.all()
    assert (share.site, share.has_password, share.may_export) == (OTHER_SITE, True, True)
    assert share.expires == 1762300800  # 2025-11-05T00:00Z
    listed = analyst.get(SHARES).text
    assert re.findall(r'<span class="same">(.*?)</span>', listed) == [
        OTHER_SITE,
        "asks for a password",
        "gives exports",
        "void from Wed, Nov 5, 2025 on",
        "never looked at",
    ]


def test_people_are_told_with_their_second_factors(
    analyst: Reader, people: People, trail: AuditTrail
) -> None:
    people.users.add("ana", Role.AUDITOR, [OTHER_SITE], THEIRS)
    enrol(people, "ana", 3600)

    assert cells(analyst.get(PEOPLE).text) == [
        ["ana", "auditor", OTHER_SITE, "yes", "never, or not known"],
        ["owner", "owner", "every site", "no", "Tue, Nov 4, 2025"],
    ]
    assert trail.read(NOW.date(), _every, 1, 1)[0][0].report == "people"


@pytest.mark.parametrize("host", ['stats.test"><b>', "stats.test/x", "user@stats.test", "a b", ""])
def test_forged_host_is_in_no_link(analyst: Reader, host: str, people: People) -> None:
    token = form_token(analyst.get(SHARES).text)
    form = urlencode({"token": token, "name": "press", "site": SITE}).encode()
    kind = "application/x-www-form-urlencoded"

    answer = analyst.post_body(SHARES, form, kind, {"Host": host})
    assert answer.status_code == 400
    assert "The Host header is not the name of a host." in answer.text
    assert people.shares.all() == []
    # The page of a site without numbers has the address of the tag in it.
    empty = analyst.get(f"/dashboard?site={SITE}", {"Host": host})
    assert (empty.status_code, host in empty.text) == (400, host == "")


@pytest.mark.parametrize("place", [SHARES, f"{SHARES}/revoke", MARKS, f"{MARKS}/delete"])
def test_form_without_the_sessions_token_is_refused_in_a_sentence(
    analyst: Reader, place: str
) -> None:
    refused = analyst.post(place, {"token": "another", "site": SITE, "name": "press"})

    assert refused.status_code == 403
    assert "This form had expired" in refused.text


def test_annotation_is_written_shown_and_deleted(log_in_as: LogInAs, trail: AuditTrail) -> None:
    ana = log_in_as(Role.ANALYST, OTHER_SITE)

    assert send(ana, MARKS, site=OTHER_SITE, at="2025-11-03T08:30", text="<b>new</b>")[0] == 303
    page = ana.get(f"{MARKS}?site={OTHER_SITE}").text
    assert cells(page)[0][:2] == ["Mon, Nov 3, 2025 08:30", "&lt;b&gt;new&lt;/b&gt;"]
    number = re.findall(r'name="number" value="(\d+)"', page)[0]
    assert send(ana, MARKS, "/delete", site=OTHER_SITE, number=number)[0] == 303
    assert "Nothing is marked yet." in ana.get(MARKS).text
    status, page = send(ana, MARKS, "/delete", site=OTHER_SITE, number=number)
    assert (status, "no such annotation any more" in page) == (400, True)
    noted, _ = trail.read(NOW.date(), lambda act: act.did in CHANGES, 1, 10)
    assert [(act.user, act.did, act.site, act.report) for act in noted] == [
        ("ana", Did.UNANNOTATED, OTHER_SITE, number),
        ("ana", Did.ANNOTATED, OTHER_SITE, number),
    ]


def test_annotation_stands_on_the_chart_of_its_days(
    analyst: Reader, stored: object, tmp_path: Path, clock: Clock
) -> None:
    assert stored
    marks = marks_in(tmp_path, make_policy(), clock)
    marks.add(SITE, "2025-10-12T08:30", "<i>prices</i> changed")
    days = f"/dashboard?site={SITE}&period=custom&from=2025-10-01"

    assert "&lt;i&gt;prices&lt;/i&gt; changed" in analyst.get(f"{days}&to=2025-10-31").text
    assert "prices" not in analyst.get(f"{days}&to=2025-10-11").text
    assert "prices" not in analyst.get(f"/dashboard?site={OTHER_SITE}&period=28d").text


def test_of_many_annotations_the_last_are_shown(
    analyst: Reader, stored: object, tmp_path: Path, clock: Clock
) -> None:
    """A deployment may write one each time; a chart and a page have room for some."""
    assert stored
    marks = marks_in(tmp_path, make_policy(), clock)
    for number in range(MAX_LISTED + 1):
        marks.add(SITE, f"2025-10-{1 + number // 20:02}T{number % 20:02}:00", f"release {number}")
    last = MAX_LISTED - MAX_DRAWN + 2  # one stands for all before

    page = analyst.get(f"/dashboard?site={SITE}&period=custom&from=2025-10-01&to=2025-10-31").text
    drawn = re.findall(r'<li><span class="badge">.*?</span> <span.*?</span> (.*?)</li>', page)
    assert drawn == [
        f"{last} earlier annotations",
        *(f"release {number}" for number in range(last, MAX_LISTED + 1)),
    ]
    page = analyst.get(f"{MARKS}?site={SITE}").text
    listed = [row[1] for row in cells(page)]
    assert listed == [f"release {number}" for number in range(MAX_LISTED, 0, -1)]
    assert f"The last {MAX_LISTED} are shown of {MAX_LISTED + 1}" in page


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"text": ""}, "The text must be one line", id="no text"),
        pytest.param({"text": "a\u202eb"}, "The text must be one line", id="turned"),
        pytest.param({"at": "soon"}, "The time must be", id="time"),
        pytest.param({"at": "1999-01-01"}, "The time must be", id="century"),
    ],
)
def test_annotation_that_cannot_be_is_told(
    analyst: Reader, fields: dict[str, str], told: str
) -> None:
    status, page = send(analyst, MARKS, **{"site": SITE, "text": "kept", "at": "", **fields})

    assert status == 400
    assert told in page


def test_annotations_of_other_sites_are_neither_seen_nor_made(
    log_in_as: LogInAs, analyst: Reader
) -> None:
    assert send(analyst, MARKS, site=SITE, at="", text="hidden")[0] == 303
    ana = log_in_as(Role.ANALYST, OTHER_SITE)

    assert SITE not in ana.get(MARKS).text
    assert ana.get(f"{MARKS}?site={SITE}").status_code == 400
    assert send(ana, MARKS, site=SITE, text="mine")[0] == 400
    number = re.findall(r'name="number" value="(\d+)"', analyst.get(f"{MARKS}?site={SITE}").text)
    assert send(ana, MARKS, "/delete", site=SITE, number=number[0])[0] == 400
    assert send(ana, MARKS, "/delete", site=OTHER_SITE, number=number[0])[0] == 400
    assert "hidden" in analyst.get(f"{MARKS}?site={SITE}").text
