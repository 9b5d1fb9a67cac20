"""`/dashboard/people`: owners add, change and remove users; what they can't, and what is noted."""

import html
import re
from urllib.parse import quote

import pytest
from msgspec.structs import replace
from starlette.applications import Starlette

from anonymizer.hits import SiteId
from collector.audit_trail import AuditTrail
from dashboards.people_page import MAX_CHANGES
from people.people import People
from people.roles import Person, Role
from people.users import LastOwner
from tests.dashboards.conftest import THEIRS, LogInAs, MakeApp, OpenReader
from tests.dashboards.reader import NOW, PASSWORD, Reader, enrol, form_token
from tests.dashboards.traffic import SITE
from tests.dashboards.views import make_policy
from tests.dashboards.windows import OpenWindow

OTHER_SITE = "example.net"
PEOPLE = "/dashboard/people"
ALL = {"all": "yes"}


def send(reader: Reader, path: str, **fields: str) -> tuple[int, str]:
    token = form_token(reader.get(PEOPLE).text)
    answer = reader.post(f"{PEOPLE}{path}", {"token": token, **fields})
    return answer.status_code, answer.text


def person(people: People, name: str) -> Person | None:
    found = people.users.find(name)
    return found.person if found else None


def acts(trail: AuditTrail) -> list[tuple[str, str, str, str]]:
    """Return who changed whom how, the oldest first."""
    found, _ = trail.read(NOW.date(), lambda act: bool(act.whom), 1, 100)
    return [(act.user, act.did, act.whom, act.report) for act in reversed(found)]


def given(page: str) -> str:
    return html.unescape(re.findall(r'<pre class="snippet"[^>]*>(.*?)</pre>', page)[0])


def test_user_is_added_and_logs_in_with_the_password_shown(
    analyst: Reader, app: Starlette, open_reader: OpenReader, people: People, trail: AuditTrail
) -> None:
    name = "ana+mail@mail.example"
    status, page = send(analyst, "", name=name, role="viewer", **{f"site:{OTHER_SITE}": "yes"})

    assert status == 200
    assert person(people, name) == Person(name, Role.VIEWER, frozenset({OTHER_SITE}))
    ana = open_reader(app)
    assert ana.try_login(name, given(page)).status_code == 303
    assert SITE not in ana.get("/dashboard").text
    assert given(page) not in analyst.get(PEOPLE).text
    assert acts(trail) == [("owner", "added the user", name, f"viewer: {OTHER_SITE}")]
    assert f"{name} (viewer: {OTHER_SITE})" in html.unescape(analyst.get("/dashboard/audit").text)


def test_change_of_role_and_sites_ends_the_session(
    log_in_as: LogInAs, analyst: Reader, people: People, trail: AuditTrail
) -> None:
    ana = log_in_as(Role.VIEWER, OTHER_SITE)
    page = analyst.get(f"{PEOPLE}?user=ana").text
    assert re.findall(r'name="(all|site:[a-z.]+)" value="yes" checked', page) == [
        f"site:{OTHER_SITE}"
    ]
    assert '<option value="viewer" selected>' in page

    assert send(analyst, "/access", name="ana", role="analyst", **ALL)[0] == 303

    assert person(people, "ana") == Person("ana", Role.ANALYST)
    assert ana.get("/dashboard").status_code == 303
    assert acts(trail) == [("owner", "changed role or sites of", "ana", "analyst")]


def test_new_password_voids_the_old_one(
    log_in_as: LogInAs, analyst: Reader, people: People, trail: AuditTrail
) -> None:
    ana = log_in_as(Role.VIEWER)
    people.users._random_token = lambda _: "another of a user's"

    status, page = send(analyst, "/password", name="ana")

    assert (status, given(page)) == (200, "another of a user's")
    assert ana.get("/dashboard").status_code == 303
    assert ana.try_login("ana", THEIRS).status_code == 401
    assert ana.try_login("ana", given(page)).status_code == 303
    assert acts(trail) == [("owner", "gave a new password to", "ana", "")]


def test_second_factor_is_taken_away(
    log_in_as: LogInAs, analyst: Reader, people: People, trail: AuditTrail
) -> None:
    ana = log_in_as(Role.VIEWER)
    assert "Take the second factor away" not in analyst.get(f"{PEOPLE}?user=ana").text
    enrol(people, "ana", 3600)
    assert "Take the second factor away" in analyst.get(f"{PEOPLE}?user=ana").text
    assert ana.try_login("ana", THEIRS).headers["location"].startswith("/dashboard/login/code")

    assert send(analyst, "/factor", name="ana")[0] == 303

    assert ana.get("/dashboard/login/code").headers["location"].startswith("/dashboard/login?")
    assert ana.try_login("ana", THEIRS).headers["location"] == "/dashboard"
    assert acts(trail) == [("owner", "took the second factor from", "ana", "")]


def test_removed_user_is_out_at_once(
    log_in_as: LogInAs, analyst: Reader, people: People, trail: AuditTrail
) -> None:
    ana = log_in_as(Role.VIEWER)

    assert send(analyst, "/remove", name="ana")[0] == 303

    assert person(people, "ana") is None
    assert ana.get("/dashboard").status_code == 303
    assert ana.try_login("ana", THEIRS).status_code == 401
    assert acts(trail) == [("owner", "removed the user", "ana", "")]
    for path in ("/remove", "/access", "/password", "/factor"):
        status, page = send(analyst, path, name="ana", role="viewer", **ALL)
        assert (status, "There is no such user any more." in page) == (404, True)
    assert analyst.get(f"{PEOPLE}?user=ana").status_code == 404


@pytest.mark.parametrize(
    ("path", "more"),
    [pytest.param("/remove", {}, id="removed"), pytest.param("/access", ALL, id="made a viewer")],
)
def test_last_owner_stays_one(
    analyst: Reader, people: People, path: str, more: dict[str, str], trail: AuditTrail
) -> None:
    status, page = send(analyst, path, name="owner", role="viewer", **more)
    assert (status, "This is the last owner" in page) == (400, True)
    assert person(people, "owner") == Person("owner", Role.OWNER)
    assert acts(trail) == []

    people.users.add("ana", Role.OWNER, (), THEIRS)
    assert send(analyst, path, name="owner", role="viewer", **more)[0] == 303
    assert analyst.get(PEOPLE).status_code == 303  # their own session has ended, too
    with pytest.raises(LastOwner):
        people.users.remove("ana")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"name": "<b>"}, "The name must be", id="name"),
        pytest.param({"name": "Owner"}, "no other user’s", id="taken"),
        pytest.param({"role": "root"}, "Choose a role.", id="role"),
        pytest.param({"all": ""}, "Tick either every site or single ones.", id="no site"),
        pytest.param({f"site:{SITE}": "yes"}, "Tick either every site", id="every and one"),
        pytest.param({"all": "", "site:x.example": "yes"}, "Tick either", id="unknown site"),
        pytest.param(
            {"role": "owner", f"site:{SITE}": "yes"}, "An owner sees every site.", id="owner's"
        ),
    ],
)
def test_user_who_cannot_be_is_told_beside_what_was_written(
    analyst: Reader, people: People, trail: AuditTrail, fields: dict[str, str], told: str
) -> None:
    sent = {"name": "ana", "role": "auditor", "all": "yes", **fields}

    status, page = send(analyst, "", **sent)

    assert (status, told in page) == (400, True)
    assert f'name="name" required maxlength="100" value="{html.escape(sent["name"])}"' in page
    assert [user.person.name for user in people.users.all()] == ["owner"]
    assert acts(trail) == []


def test_site_that_left_the_policy_is_kept_or_let_go(analyst: Reader, people: People) -> None:
    people.users.add("ana", Role.VIEWER, ["gone.example"], THEIRS)
    assert 'name="site:gone.example" value="yes" checked' in analyst.get(f"{PEOPLE}?user=ana").text

    kept = {"site:gone.example": "yes", f"site:{SITE}": "yes"}
    assert send(analyst, "/access", name="ana", role="viewer", **kept)[0] == 303
    assert person(people, "ana") == Person("ana", Role.VIEWER, frozenset({"gone.example", SITE}))
    # Nothing ticked is nobody's site, not everybody's.
    assert send(analyst, "/access", name="ana", role="viewer")[0] == 400


@pytest.mark.parametrize("role", [Role.ANALYST, Role.VIEWER, Role.AUDITOR])
def test_people_are_changed_by_owners_alone(log_in_as: LogInAs, people: People, role: Role) -> None:
    ana = log_in_as(role)
    token = form_token(ana.get("/dashboard").text)

    for path in ("", "/access", "/password", "/factor", "/remove"):
        fields = {"token": token, "name": "owner", "role": "viewer", **ALL}
        assert ana.post(f"{PEOPLE}{path}", fields).status_code == 403
    assert person(people, "owner") == Person("owner", Role.OWNER)


def test_changes_of_one_owner_are_bounded(
    analyst: Reader, people: People, app: Starlette, open_reader: OpenReader
) -> None:
    people.users.add("eve", Role.OWNER, (), THEIRS)
    for _ in range(MAX_CHANGES):
        assert send(analyst, "", name="", role="viewer", **ALL)[0] == 400

    status, page = send(analyst, "/remove", name="eve")

    assert (status, "Too many changes at once." in page) == (429, True)
    other = open_reader(app)
    other.try_login("eve", THEIRS)
    assert send(other, "/remove", name="owner")[0] == 303


def test_form_with_a_site_for_each_is_read_whole(
    make_app: MakeApp, open_reader: OpenReader, people: People
) -> None:
    """Ten fields are enough for other forms; here each site of a policy is one."""
    policy = make_policy()
    (site, *_) = policy.sites.values()
    domains = [SiteId(f"{n:02}.{'s' * 60}.{'t' * 60}.example") for n in range(60)]
    sites = {domain: replace(site, domain=domain) for domain in domains}
    owner = open_reader(make_app(replace(policy, sites=sites)))
    owner.try_login("owner", PASSWORD)
    ticked = {f"site:{domain}": "yes" for domain in domains}

    status, _ = send(owner, "", name="ana", role="viewer", **ticked)
    assert status == 200
    assert person(people, "ana") == Person("ana", Role.VIEWER, frozenset(map(str, domains)))
    more = {f"site:{n}.example": "yes" for n in range(8)}
    status, page = send(owner, "", name="bea", role="viewer", **ticked, **more)
    assert (status, "The form cannot be read." in page) == (400, True)


def test_absurd_address_of_people_is_refused(analyst: Reader) -> None:
    for query in ("?who=1", "?user=a&user=b&lang=en", f"?user={quote('<b>')}"):
        assert analyst.get(f"{PEOPLE}{query}").status_code in {400, 404}


def test_stranger_comes_back_to_the_user(stranger: Reader) -> None:
    place = f"{PEOPLE}?user=ana%2Bmail%40mail.example"

    assert stranger.try_login("owner", PASSWORD, place).headers["location"] == place


def test_user_is_added_by_keyboard_on_a_telephone(open_window: OpenWindow, people: People) -> None:
    page = open_window(scripts=False, width=390).go("", "/people")

    page.get_by_label("Name").focus()
    page.keyboard.type("ana")
    page.keyboard.press("Tab")
    page.keyboard.type("auditor")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # not every site
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="The password of ana").wait_for()

    assert page.locator("pre.snippet").inner_text() == PASSWORD
    assert person(people, "ana") == Person("ana", Role.AUDITOR, frozenset({SITE}))
    assert page.evaluate("document.documentElement.scrollWidth") == 390
