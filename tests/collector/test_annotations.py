"""Annotations on a real server: by the command line, by the API, and what of them is refused."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from anonymizer.policy import Policy
from anonymizer.policy_file import read_policy
from collector.annotations import (
    MAX_OF_SITE,
    MAX_TEXT,
    Annotations,
    BadAnnotation,
    local_moment,
    read_moment,
)
from collector.cli import main
from collector.email.campaigns import Campaigns
from collector.reference import default_policy
from collector.site_marks import SiteMarks
from tests.collector.audit_lines import changes_in
from tests.running import POLICY, Server, discreet

PATH = "/api/v1/annotations"
TWO_SITES = POLICY + '\n[[site]]\ndomain = "example.net"\ntimezone = "Pacific/Auckland"\n'
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
EVER = (date(2000, 1, 1), date(2099, 12, 31))


@pytest.fixture
def policy() -> Policy:
    return read_policy(TWO_SITES, default_policy())


@pytest.fixture
def annotations(tmp_path: Path, policy: Policy) -> Annotations:
    return Annotations(tmp_path / "annotations.sqlite", policy)


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        pytest.param("", "2026-03-02T00:30", id="now"),
        pytest.param("2026-03-01", "2026-03-01T00:00", id="day"),
        pytest.param("2026-03-01T12:00", "2026-03-01T12:00", id="the site's clock"),
        pytest.param("2026-03-01T12:00:59.9", "2026-03-01T12:00", id="to the minute"),
        pytest.param("2026-07-01T12:00Z", "2026-07-01T14:00", id="UTC in summer"),
        pytest.param("2026-03-01T12:00+09:00", "2026-03-01T04:00", id="offset"),
        pytest.param("2026-03-29T02:30", "2026-03-29T02:30", id="an hour that was left out"),
    ],
)
def test_time_is_read_as_the_sites_wall_clock(at: str, moment: str) -> None:
    assert read_moment(at, BERLIN, NOW) == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "at",
    ["yesterday", "2026-13-01", "1999-12-31", "2100-01-01", "9999-12-31T23:59-23:59", "\ud800"],
)
def test_time_that_is_none_is_refused(at: str) -> None:
    with pytest.raises(BadAnnotation, match=r"^at: must be"):
        read_moment(at, BERLIN, NOW)


@pytest.mark.parametrize(
    ("text", "is_kept"),
    [
        pytest.param("new search on every page", True, id="words"),
        pytest.param("<script>alert(1)</script>", True, id="markup is text"),
        pytest.param("上线了新的首页 🎉", True, id="other scripts"),
        pytest.param("x" * MAX_TEXT, True, id="longest"),
        pytest.param("x" * (MAX_TEXT + 1), False, id="too long"),
        pytest.param("  ", False, id="nothing"),
        pytest.param("a\nb", False, id="lines"),
        pytest.param("a\x1b[31m", False, id="terminal's codes"),
        pytest.param("a\u202eb", False, id="turned direction"),
    ],
)
def test_text_is_one_line_as_it_was_given(
    annotations: Annotations, text: str, is_kept: bool
) -> None:
    if is_kept:
        annotations.add("example.org", "2026-03-01", f" {text} ", NOW)
    else:
        with pytest.raises(BadAnnotation, match=r"^text: must be"):
            annotations.add("example.org", "2026-03-01", text, NOW)
    told = [each.text for each in annotations.of_site("example.org", *EVER)]
    assert told == ([text] if is_kept else [])


def test_annotations_are_those_of_the_sites_days(annotations: Annotations) -> None:
    for at in ("2026-03-03T00:00", "2026-03-01T23:59", "2026-03-02T12:00", "2026-02-28"):
        annotations.add("example.org", at, at, NOW)
    annotations.add("example.net", "2026-03-02", "elsewhere", NOW)

    found = annotations.of_site("example.org", date(2026, 3, 1), date(2026, 3, 2))
    assert [each.text for each in found] == ["2026-03-01T23:59", "2026-03-02T12:00"]


def test_annotation_of_another_site_is_not_deleted(annotations: Annotations) -> None:
    made = annotations.add("example.org", "", "kept", NOW)

    with pytest.raises(BadAnnotation, match=r"^number: "):
        annotations.delete("example.net", made.number)
    annotations.delete("example.org", made.number)
    with pytest.raises(BadAnnotation, match=r"^number: "):
        annotations.delete("example.org", made.number)


def test_site_has_ten_thousand_at_most(annotations: Annotations, tmp_path: Path) -> None:
    with annotations._connect() as database:
        database.executemany(
            "INSERT INTO annotations (site, moment, text) VALUES (?, '2026-03-01T00:00', 'a')",
            [("example.org",)] * MAX_OF_SITE,
        )

    with pytest.raises(BadAnnotation, match=r"^site: "):
        annotations.add("example.org", "", "one more", NOW)
    annotations.add("example.net", "", "another site's", NOW)
    assert (tmp_path / "annotations.sqlite").stat().st_mode & 0o077 == 0


def test_campaigns_stand_there_by_themselves(
    annotations: Annotations, policy: Policy, tmp_path: Path
) -> None:
    campaigns = Campaigns(tmp_path / "email.sqlite", policy)
    began = int(datetime(2026, 3, 1, 11, tzinfo=UTC).timestamp())
    campaigns.add("spring", "A", "example.org", began)
    campaigns.add("spring", "B", "example.org", began + 600)
    campaigns.add("autumn", "", "example.net", began)
    annotations.add("example.org", "2026-03-01T09:00", "by hand", NOW)
    marks = SiteMarks(annotations, campaigns, policy, lambda: began)

    found, _ = marks.of_site("example.org", date(2026, 3, 1), date(2026, 3, 1))
    assert [(each.text, each.is_campaign, each.moment.hour) for each in found] == [
        ("by hand", False, 9),
        ("spring", True, 12),
    ]
    assert found[1].number == 0
    assert marks.of_site("example.org", date(2026, 3, 2), date(2026, 3, 2)) == ([], [])
    assert local_moment(began, ZoneInfo("Pacific/Auckland")).hour == 0


class Api:
    """A server, and keys for it."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def make_key(self, name: str, *more: str) -> str:
        made = discreet("key", "add", name, *more, "--data", self.server.data)
        assert made.returncode == 0, made.stderr
        return made.stdout.decode().strip()

    def ask(
        self, method: str, key: str, path: str = PATH, content: object = None
    ) -> httpx.Response:
        return httpx.request(
            method,
            self.server.url + path,
            headers={"Authorization": f"Bearer {key}"},
            content=None if content is None else json.dumps(content).encode(),
        )


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with Server(tmp_path_factory.mktemp("annotations"), TWO_SITES) as server:
        yield Api(server)


@pytest.fixture(scope="module")
def key(api: Api) -> str:
    return api.make_key("deploys", "--scope", "annotate")


def test_api_keeps_lists_and_deletes(api: Api, key: str) -> None:
    sent = {"site": "example.org", "at": "2026-03-01T11:00Z", "text": "release 7"}
    made = api.ask("POST", key, content=sent)
    assert made.status_code == 201
    told = made.json()
    assert told == {
        "number": told["number"],
        "site": "example.org",
        "at": "2026-03-01T12:00",
        "text": "release 7",
    }
    listed = api.ask("GET", key, f"{PATH}?site=example.org&from=2026-03-01&to=2026-03-01")
    assert listed.json() == [told]
    number = str(told["number"])
    assert api.ask("GET", key, f"{PATH}?site=example.net").json() == []

    of_it = f"{PATH}/{told['number']}?site=example.org"
    assert api.ask("DELETE", key, of_it).status_code == 204
    again = api.ask("DELETE", key, of_it)
    assert (again.status_code, again.json()["field"]) == (404, "number")
    assert changes_in(api.server.data) == [
        ("deploys", "annotated", "example.org", number, ""),
        ("deploys", "deleted the annotation", "example.org", number, ""),
    ]


def test_key_of_one_site_marks_it_alone(api: Api) -> None:
    key = api.make_key("shop", "--scope", "annotate", "--site", "example.net")

    assert api.ask("POST", key, content={"site": "example.net", "text": "a"}).status_code == 201
    for other in ("example.org", "nowhere.example"):
        refused = api.ask("POST", key, content={"site": other, "text": "a"})
        assert (refused.status_code, refused.json()["field"]) == (400, "site")
        assert api.ask("GET", key, f"{PATH}?site={other}").status_code == 400
        assert api.ask("DELETE", key, f"{PATH}/1?site={other}").status_code == 400


def test_key_of_another_scope_marks_nothing(api: Api) -> None:
    key = api.make_key("asking", "--scope", "query")

    assert api.ask("POST", key, content={"site": "example.org", "text": "a"}).status_code == 401
    assert api.ask("GET", key, f"{PATH}?site=example.org").status_code == 401


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        pytest.param({"site": "example.org"}, "text", id="no text"),
        pytest.param({"text": "a"}, "site", id="no site"),
        pytest.param({"site": "kanari.example", "text": "a"}, "site", id="unknown site"),
        pytest.param({"site": "example.org", "text": "kanari\nb"}, "text", id="lines"),
        pytest.param({"site": "example.org", "text": "a", "at": "kanari"}, "at", id="time"),
        pytest.param({"site": "example.org", "text": 1}, "text", id="type"),
        pytest.param({"site": "example.org", "text": "a", "kanari": 1}, "body", id="field"),
        pytest.param(["kanari"], "body", id="array"),
    ],
)
def test_api_refuses_by_field_and_echoes_nothing(
    api: Api, key: str, sent: object, field: str
) -> None:
    refused = api.ask("POST", key, content=sent)

    assert (refused.status_code, refused.json()["field"]) == (400, field)
    assert "kanari" not in refused.text


def test_command_line_writes_lists_and_deletes(
    api: Api, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--site", "example.org", "--data", str(api.server.data))

    assert main(["annotate", *data, "--at", "2026-04-01T08:30", "new prices"]) == 0
    told = capsys.readouterr().out
    assert told.endswith(" at 2026-04-01 08:30 of the site's clock\n")
    number = told.split()[0]
    # The running server has it at once.
    listed = api.ask("GET", key, f"{PATH}?site=example.org&from=2026-04-01").json()
    assert [each["text"] for each in listed] == ["new prices"]
    assert main(["annotate", *data, "--list"]) == 0
    assert "new prices" in capsys.readouterr().out
    assert main(["annotate", *data, "--delete", number]) == 0
    assert changes_in(api.server.data)[-2:] == [
        ("(local)", "annotated", "example.org", number, ""),
        ("(local)", "deleted the annotation", "example.org", number, ""),
    ]
    for gone in (number, str(2**64)):
        assert main(["annotate", *data, "--delete", gone]) == 2
        told = "discreet: --delete: is that of no annotation of the site\n"
        assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("--site", "kanari.example", "a"), "--site: is the domain of no", id="site"),
        pytest.param(("--site", "example.org"), "text: must be given, or --list", id="nothing"),
        pytest.param(("--site", "example.org", "a", "--list"), "text: must be given", id="both"),
        pytest.param(("--site", "example.org", "--list", "--at", "2026-01-01"), "--at: ", id="at"),
        pytest.param(("--site", "example.org", "a", "--at", "kanari"), "--at: must be", id="time"),
        pytest.param(("--site", "example.org", "a\nkanari"), "text: must be one line", id="line"),
    ],
)
def test_command_line_refuses_in_a_line(
    api: Api, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert main(["annotate", *arguments, "--data", str(api.server.data)]) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"discreet: {told}")
    assert "kanari" not in line


def test_annotations_of_a_directory_that_never_served_ask_for_a_policy(tmp_path: Path) -> None:
    assert main(["annotate", "--site", "a.example", "--list", "--data", str(tmp_path)]) == 2
    assert main(["annotate", "--site", "a.example", "--list", "--data", str(tmp_path / "no")]) == 2
    assert not (tmp_path / "no").exists()
