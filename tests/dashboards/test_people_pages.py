"""What each role and each user's sites show of the dashboard, and what of it is noted."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from collector.audit import AuditFailed, Entry
from collector.audit_trail import AuditTrail
from people.people import People
from people.roles import Role
from people.trail import Act, Did
from tests.dashboards.conftest import THEIRS, LogInAs, OpenReader
from tests.dashboards.reader import NOW, PASSWORD, Clock, Reader, enrol
from tests.dashboards.traffic import SITE
from tests.dashboards.views import make_policy

OTHER_SITE = "example.net"
AUDIT = "/dashboard/audit"


def rows(page: str) -> list[list[str]]:
    """Read the cells of the trail's table but the time, the newest first."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.findall(r"<td>(.*?)</td>", row)[1:] for row in body.split("<tr>")[1:]]


@pytest.mark.parametrize("role", [Role.ANALYST, Role.VIEWER, Role.AUDITOR])
def test_user_with_a_site_sees_it_alone(log_in_as: LogInAs, role: Role) -> None:
    ana = log_in_as(role, OTHER_SITE)

    shown = ana.get("/dashboard")
    assert shown.status_code == 200
    assert OTHER_SITE in shown.text
    assert SITE not in shown.text
    refused = ana.get(f"/dashboard?site={SITE}")
    unknown = ana.get("/dashboard?site=nowhere.example")
    # Answered as one that is not there.
    assert refused.status_code == unknown.status_code == 400
    assert refused.text == unknown.text
    assert ana.get(f"/dashboard?site={SITE}&report=pages").status_code == 400


@pytest.mark.parametrize("role", Role)
def test_user_without_sites_sees_every_one(log_in_as: LogInAs, role: Role) -> None:
    ana = log_in_as(role)

    for site in (SITE, OTHER_SITE):
        assert ana.get(f"/dashboard?site={site}").status_code == 200
    assert f"site={OTHER_SITE}" in ana.get("/dashboard").text


def test_user_whose_site_left_the_policy_sees_none(log_in_as: LogInAs) -> None:
    ana = log_in_as(Role.VIEWER, "gone.example")

    answer = ana.get("/dashboard")
    assert answer.status_code == 403
    assert "no site that you may see" in answer.text
    assert SITE not in answer.text


@pytest.mark.parametrize(
    ("role", "is_shown"),
    [(Role.OWNER, True), (Role.AUDITOR, True), (Role.ANALYST, False), (Role.VIEWER, False)],
)
def test_trail_is_shown_to_owners_and_auditors(
    log_in_as: LogInAs, role: Role, is_shown: bool
) -> None:
    ana = log_in_as(role)

    assert ana.get(AUDIT).status_code == (200 if is_shown else 403)
    assert (f'href="{AUDIT}"' in ana.get("/dashboard").text) is is_shown


def test_stranger_is_sent_to_the_login_and_back_to_the_trail(stranger: Reader) -> None:
    sent = stranger.get(f"{AUDIT}?day=2025-11-04")

    assert sent.status_code == 303
    assert sent.headers["location"] == (
        "/dashboard/login?next=%2Fdashboard%2Faudit%3Fday%3D2025-11-04"
    )
    back = stranger.try_login("owner", PASSWORD, f"{AUDIT}?day=2025-11-04")
    assert back.headers["location"] == f"{AUDIT}?day=2025-11-04"


def test_trail_tells_who_did_what(
    log_in_as: LogInAs, analyst: Reader, trail: AuditTrail, clock: Clock
) -> None:
    ana = log_in_as(Role.VIEWER)
    ana.cookies.clear()
    ana.try_login("ana", "wrong")
    ana.try_login("ana", THEIRS)
    ana.get(f"/dashboard?site={OTHER_SITE}&from=2025-10-01&to=2025-10-31&report=pages")
    trail._log.write(Entry(clock().timestamp(), "bob", ("pages", "sources"), "SELECT 1", 1, 1, 1))

    shown = analyst.get(AUDIT)

    assert rows(shown.text) == [
        ["bob", "asked by SQL", "pages, sources", "", ""],
        ["ana", "looked at", "Top pages", OTHER_SITE, "2025-10-01/2025-10-31"],
        ["ana", "logged in", "", "", ""],
        ["ana", "failed to log in", "", "", ""],
        ["ana", "logged in", "", "", ""],
        ["owner", "logged in", "", "", ""],
    ]
    assert "14:23:00" in shown.text
    # Looking at the trail is noted too.
    assert rows(analyst.get(AUDIT).text)[0] == [
        *("owner", "looked at", "audit trail", "", "2025-11-04/2025-11-04")
    ]


def test_name_that_nobody_has_is_not_noted(stranger: Reader, trail: AuditTrail) -> None:
    stranger.try_login(THEIRS, "")

    assert trail.read(NOW.date(), lambda _: True, 1, 10) == ([], 0)


def test_auditor_with_a_site_sees_its_lines_alone(
    log_in_as: LogInAs, analyst: Reader, trail: AuditTrail, clock: Clock
) -> None:
    analyst.get(f"/dashboard?site={SITE}")
    analyst.get(f"/dashboard?site={OTHER_SITE}")
    trail._log.write(Entry(clock().timestamp(), "bob", ("pages",), "SELECT 1", 1, 1, 1))
    ana = log_in_as(Role.AUDITOR, OTHER_SITE)

    assert [row[:4] for row in rows(ana.get(AUDIT).text)] == [
        ["owner", "looked at", "overview", OTHER_SITE]
    ]


def test_trail_is_shown_a_hundred_lines_at_a_time(analyst: Reader, trail: AuditTrail) -> None:
    before = NOW - timedelta(days=2)
    for number in range(250):
        trail.note(Act(before.timestamp() + number, f"u{number}", Did.LOOKED, SITE, "pages"))

    address = f"{AUDIT}?day={before.date()}"
    pages = [rows(analyst.get(f"{address}&page={page}").text) for page in (1, 2, 3)]

    assert [row[0] for page in pages for row in page] == [f"u{n}" for n in range(249, -1, -1)]
    assert [len(page) for page in pages] == [100, 100, 50]
    assert "Page 1 of 3 · 250 lines" in analyst.get(address).text
    assert analyst.get(f"{address}&page=4").status_code == 400


def test_line_that_was_cut_off_is_passed_over(
    analyst: Reader, trail: AuditTrail, tmp_path: Path
) -> None:
    with (tmp_path / "audit" / "2025-11-04.jsonl").open("ab") as file:
        file.write(b'{"time":17623\n\xff\n[]\n')
    trail.note(Act(NOW.timestamp(), "ana", Did.EXPORTED, SITE, "pages"))

    assert [row[:2] for row in rows(analyst.get(AUDIT).text)] == [
        ["ana", "exported"],
        ["owner", "logged in"],
    ]


@pytest.mark.parametrize(("days", "lines"), [(90, 1), (91, 0)])
def test_lines_are_shown_for_90_days(
    analyst: Reader, trail: AuditTrail, tmp_path: Path, days: int, lines: int
) -> None:
    # A file outlives its time while nobody does anything.
    day = NOW.date() - timedelta(days=days)
    line = msgspec.json.encode(Act(0, "ana", Did.LOOKED, SITE, "pages"))
    (tmp_path / "audit" / f"{day}.jsonl").write_bytes(line + b"\n")

    shown = analyst.get(f"{AUDIT}?day={day}").text
    assert len(rows(shown)) == lines
    assert day in trail.days()
    assert (f"day={day}" in shown) is bool(lines)


@pytest.mark.parametrize(
    "query",
    [
        "day=yesterday",
        "day=2025-13-01",
        "day=2025-W05-6",
        "day=20251104",
        "day=../../logins",
        "day=2025-11-04&day=2025-11-03",
        "page=0",
        "page=2",
        "page=99999999",
        "page=-1",
        "who=%3Cscript%3E",
    ],
)
def test_absurd_address_of_the_trail_is_refused(analyst: Reader, query: str) -> None:
    answer = analyst.get(f"{AUDIT}?{query}")

    assert answer.status_code == 400
    assert "Traceback" not in answer.text
    assert "script>" not in answer.text.partition("<main")[2]


def test_hostile_words_of_the_trail_are_shown_as_they_are(
    analyst: Reader, trail: AuditTrail
) -> None:
    trail.note(Act(NOW.timestamp(), "<script>alert(1)</script>", Did.LOOKED, SITE, "<b>"))

    shown = analyst.get(AUDIT).text
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>" not in shown


def test_page_that_cannot_be_noted_is_not_shown(analyst: Reader, tmp_path: Path) -> None:
    # A directory in the file's place: nothing can be appended, whoever the test runs as.
    for path in (tmp_path / "audit").iterdir():
        path.unlink()
    (tmp_path / "audit" / "2025-11-04.jsonl").mkdir()

    with pytest.raises(AuditFailed):
        analyst.get("/dashboard")


def test_every_post_of_the_dashboard_asks_for_the_forms_token(
    app: Starlette, people: People, analyst: Reader
) -> None:
    paths = [
        route.path
        for route in app.routes
        if isinstance(route, Route)
        and "POST" in (route.methods or ())
        # Whoever holds a link has no session; its form changes nothing but what they see.
        and route.path.startswith("/dashboard")
    ]
    assert len(paths) >= 3
    for path in sorted(paths, key=lambda path: path.endswith("code")):
        if path.endswith("code"):
            enrol(people, "owner", 3600)
            analyst.cookies.clear()
            analyst.try_login("owner", PASSWORD)
        answer = analyst.post(path, {"token": "0" * 64, "name": "owner", "password": PASSWORD})
        assert answer.status_code == 403, path


def test_limit_holds_for_every_site_but_theirs(
    make_app: Callable[..., Starlette], people: People, open_reader: OpenReader
) -> None:
    """Whatever page there is: the other site's name is on none that a user with sites gets."""
    app = make_app(make_policy())
    people.users.add("ana", Role.AUDITOR, [OTHER_SITE], THEIRS)
    ana, owner = open_reader(app), open_reader(app)
    owner.try_login("owner", PASSWORD)
    owner.get(f"/dashboard?site={SITE}")
    ana.try_login("ana", THEIRS)
    for route in app.routes:
        if isinstance(route, Route) and "GET" in (route.methods or ()):
            answer = ana.get(route.path.replace("{name}", "dashboard.css"))
            # The policy names whom to write to at that domain.
            shown = answer.text.replace("privacy@example.org", "")
            assert SITE not in shown, route.path
