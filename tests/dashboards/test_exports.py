"""Reports as files: the same numbers in every format, for who may have them."""

import asyncio
import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.applications import Starlette

from collector.audit_trail import AuditTrail
from dashboards import exports
from people.people import People
from people.roles import Role
from people.trail import Did
from tests.dashboards.conftest import MakeApp, OpenReader
from tests.dashboards.reader import NOW, PASSWORD, Reader
from tests.dashboards.traffic import SITE, TRAFFIC
from tests.dashboards.views import Store, make_policy

OCTOBER = "site=example.org&period=custom&from=2025-10-01&to=2025-10-31"
DAYS = (date(2025, 10, 1), date(2025, 10, 31))
FORMATS = ("csv", "json", "parquet", "arrow")


def address(form: str, more: str = "report=pages") -> str:
    return f"/dashboard/export?{OCTOBER}&{more}&format={form}"


class Files:
    """Gets exports and reads them back."""

    def __init__(self, reader: Reader, store: Store, folder: Path) -> None:
        self._reader = reader
        self._store = store
        self._folder = folder

    def columns(self, form: str, more: str = "report=pages") -> dict[str, list[Any]]:
        """Return a file's columns by their names."""
        return self.columns_at(address(form, more), form)

    def columns_at(self, place: str, form: str) -> dict[str, list[Any]]:
        """Return the columns of the file at an address by their names."""
        answer = self._reader.get(place)
        assert answer.status_code == 200, answer.text
        match form:
            case "csv":
                frame = pd.read_csv(io.BytesIO(answer.content), keep_default_na=False)
                return {name: frame[name].tolist() for name in frame.columns}
            case "json":
                rows = answer.json()["rows"]
                flat = [
                    {
                        **({"time": row["time"]} if row["time"] else {}),
                        **row["dimensions"],
                        **row["metrics"],
                    }
                    for row in rows
                ]
                return {name: [row[name] for row in flat] for name in (flat[0] if flat else ())}
            case _:
                return self._from_engine(answer.content, form)

    def _from_engine(self, content: bytes, form: str) -> dict[str, list[Any]]:
        path = self._folder / f"export.{form}"
        path.write_bytes(content)
        source = f"file('{path}', {form.capitalize()})"
        names = self._ask(f"DESCRIBE {source}")
        rows = self._ask(f"SELECT * FROM {source}")
        return {name[0]: [row[n] for row in rows] for n, name in enumerate(names)}

    def _ask(self, sql: str) -> Sequence[Sequence[Any]]:
        return asyncio.run(self._store.query(sql, {}))


@pytest.fixture
def files(analyst: Reader, stored: Store, tmp_path: Path) -> Files:
    return Files(analyst, stored, tmp_path)


@pytest.mark.parametrize("form", FORMATS)
def test_file_holds_every_row_of_a_report(files: Files, form: str) -> None:
    columns = files.columns(form)

    groups = TRAFFIC.groups("pages", *DAYS, lambda words: words[0])
    expected = {page: (figures[0], figures[1]) for page, figures in groups.items()}
    assert list(columns) == ["page", "visitors", "views"]
    assert len(columns["page"]) == len(expected) == 61  # a page of it shows 50
    found = zip(
        columns["page"], zip(columns["visitors"], columns["views"], strict=True), strict=True
    )
    assert dict(found) == expected


def test_formats_agree_with_each_other_and_with_the_page(files: Files, analyst: Reader) -> None:
    first, *others = (files.columns(form, "report=countries") for form in FORMATS)

    assert list(first) == [
        "country", "visitors", "visits", "views", "bounce_rate", "visit_duration",
    ]  # fmt: skip
    for other in others:
        assert other == {name: pytest.approx(values) for name, values in first.items()}
    page = analyst.get(f"/dashboard?{OCTOBER}&report=countries").text
    for name in ("visitors", "visits", "views"):
        assert all(f">{number:,}<" in page for number in first[name])
    for share in first["bounce_rate"]:
        assert f">{share:.0%}<" in page


@pytest.mark.parametrize("form", FORMATS)
def test_filters_search_and_order_go_into_the_file(files: Files, form: str) -> None:
    found = files.columns(form, "report=pages&search=page-1&sort=views")["page"]
    views = files.columns(form, "report=pages&search=page-1&sort=views")["views"]
    assert set(found) == {f"/page-{n}" for n in (1, *range(10, 20))}
    assert views == sorted(views)
    assert files.columns(form, "report=pages&f=page:is:/page-7")["page"] == ["/page-7"]


@pytest.mark.parametrize("form", FORMATS)
def test_list_without_rows_is_a_file_without_rows(files: Files, form: str) -> None:
    columns = files.columns(form, "report=pages&search=nowhere")
    assert all(values == [] for values in columns.values())
    assert form == "json" or list(columns) == ["page", "visitors", "views"]


@pytest.mark.parametrize("form", FORMATS)
def test_overview_is_a_file_of_its_chart(files: Files, form: str) -> None:
    columns = files.columns(form, "grain=day")

    assert columns["time"] == [f"2025-10-{day:02}" for day in range(1, 32)]
    assert sum(columns["visitors"]) == sum(
        row[2] for row in TRAFFIC.rows["traffic"] if DAYS[0] <= row[1].date() <= DAYS[1]
    )


def chart_of(page: str) -> tuple[list[str], list[list[str]]]:
    """Return the titles and rows of the table below the overview's chart."""
    (table,) = re.findall(
        r"<details[^>]*>\s*<summary>Numbers as a table.*?</details>", page, re.DOTALL
    )
    titles, *rows = (
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
    )
    return titles, rows


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("period=7d&grain=day", id="days of which most are empty"),
        pytest.param("period=today", id="hours of which some are to come"),
        pytest.param("period=yesterday", id="no hit at all"),
        pytest.param("period=12m", id="months"),
        pytest.param("period=7d&f=page:is:/a", id="filter"),
        pytest.param("period=today&f=page:is:/a", id="filter where hours are not counted"),
    ],
)
def test_file_of_the_overview_has_the_bars_of_its_chart(
    files: Files, store: Store, analyst: Reader, asked: str, form: str
) -> None:
    hours = [datetime(2025, 11, day, hour, tzinfo=UTC) for day, hour in ((1, 9), (4, 8), (4, 15))]
    month = date(2025, 11, 1)
    store.hold(
        {
            "traffic": [(SITE, hour, 30 + n, 40 + n, 50, 3, 400) for n, hour in enumerate(hours)],
            "pages": [(SITE, hour.date(), month, "/a", 7 + n, 9) for n, hour in enumerate(hours)],
        }
    )
    titles, shown = chart_of(analyst.get(f"/dashboard?site={SITE}&{asked}").text)

    columns = files.columns_at(f"/dashboard/export?site={SITE}&{asked}&format={form}", form)
    assert len(columns["time"]) == len(shown)
    for name in ("visitors", "visits", "views"):
        assert (name in columns) == (name.capitalize() in titles)
        if name in columns:
            at = titles.index(name.capitalize())
            assert [f"{number:,}" for number in columns[name]] == [row[at] for row in shown]


HOSTILE = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "－1"]
INNOCENT = ["/a=1", "a-b", "1+1", "ana@example.org", "x,y", 'say "a"', "two\nlines", "☃", "'=1"]


@pytest.fixture
def hostile(files: Files, store: Store) -> Files:
    rows = [(SITE, DAYS[0], DAYS[0], word, 100 - n, 1) for n, word in enumerate(HOSTILE + INNOCENT)]
    store.hold({"pages": rows})
    return files


@pytest.mark.usefixtures("hostile")
def test_no_cell_is_a_formula(analyst: Reader) -> None:
    text = analyst.get(address("csv")).content.decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text, newline=""))

    assert head == ["page", "visitors", "views"]
    assert [row[0] for row in rows] == [*(f"'{word}" for word in HOSTILE), *INNOCENT]
    assert rows[0][1:] == ["100", "1"]
    assert text.count("\r\n") == len(rows) + 1


@pytest.mark.parametrize("form", ["json", "parquet", "arrow"])
def test_where_there_are_no_formulas_words_stand_as_they_are(hostile: Files, form: str) -> None:
    assert hostile.columns(form)["page"] == HOSTILE + INNOCENT


def test_long_list_is_cut_and_its_name_says_so(
    files: Files, analyst: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = analyst.get(address("csv")).headers["content-disposition"]
    assert whole == 'attachment; filename="example.org-pages-2025-10-01-2025-10-31.csv"'

    monkeypatch.setattr(exports, "MAX_ROWS", 10)
    assert len(files.columns("csv")["page"]) == 10
    cut = analyst.get(address("json"))
    assert "pages-2025-10-01-2025-10-31-first-10.json" in cut.headers["content-disposition"]
    assert (len(cut.json()["rows"]), cut.json()["groups"]) == (10, 61)


@pytest.mark.parametrize("form", FORMATS)
def test_file_is_kept_by_no_cache_and_opened_by_no_page(analyst: Reader, form: str) -> None:
    headers = analyst.get(address(form)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert (
        headers["content-type"]
        == {
            "csv": "text/csv; charset=utf-8",
            "json": "application/json",
            "parquet": "application/vnd.apache.parquet",
            "arrow": "application/vnd.apache.arrow.file",
        }[form]
    )


def acts(trail: AuditTrail) -> list[tuple[str, str, str, str, str]]:
    shown, _ = trail.read(NOW.date(), lambda act: act.did is Did.EXPORTED, 1, 100)
    return [(act.user, act.did, act.site, act.report, act.period) for act in shown]


def test_export_is_written_down(analyst: Reader, trail: AuditTrail) -> None:
    analyst.get(address("arrow"))

    days = "2025-10-01/2025-10-31"
    assert acts(trail) == [("owner", "exported", SITE, "pages (arrow)", days)]


@pytest.mark.parametrize("role", Role)
def test_role_without_the_right_is_told_so(
    people: People, app: Starlette, open_reader: OpenReader, trail: AuditTrail, role: Role
) -> None:
    people.users.add("ana", role, (), "a password of theirs")
    ana = open_reader(app)
    ana.try_login("ana", "a password of theirs")

    answer = ana.get(address("csv"))
    if role in (Role.OWNER, Role.ANALYST):
        assert answer.status_code == 200
    else:
        assert answer.status_code == 403
        assert "Your role does not export reports." in answer.text
        assert acts(trail) == []


def test_other_site_is_refused_as_one_that_is_not_there(
    people: People, app: Starlette, open_reader: OpenReader, trail: AuditTrail
) -> None:
    people.users.add("ana", Role.ANALYST, ("example.net",), "a password of theirs")
    ana = open_reader(app)
    ana.try_login("ana", "a password of theirs")

    refused = ana.get(address("csv"))
    unknown = ana.get(address("csv").replace(SITE, "nowhere.example"))
    assert refused.status_code == unknown.status_code == 400
    assert refused.text == unknown.text
    assert acts(trail) == []
    assert ana.get(address("csv").replace(SITE, "example.net")).status_code == 200


def test_who_is_not_logged_in_is_sent_to_the_login(stranger: Reader) -> None:
    answer = stranger.get(address("csv"))
    assert (answer.status_code, answer.headers["location"][:16]) == (303, "/dashboard/login")


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("report=pages", id="no format"),
        pytest.param("report=pages&format=xlsx", id="unknown format"),
        pytest.param("report=pages&format=csv&format=json", id="two formats"),
        pytest.param("report=nothing&format=csv", id="unknown report"),
        pytest.param("report=pages&format=csv&limit=9", id="unknown parameter"),
        pytest.param("report=pages&format=csv&from=2025-13-01", id="no date"),
        pytest.param("report=pages&format=csv&f=page:is", id="half a filter"),
    ],
)
def test_forged_address_is_told_in_a_sentence(analyst: Reader, query: str) -> None:
    answer = analyst.get(f"/dashboard/export?site={SITE}&{query}")
    assert answer.status_code == 400
    assert "Traceback" not in answer.text


def test_what_is_not_declared_is_told(analyst: Reader) -> None:
    answer = analyst.get(address("csv", "report=pages&f=country:is:DE"))
    assert answer.status_code == 400
    assert "The policy counts nothing that answers this" in answer.text


def test_report_that_the_policy_does_not_have_is_none(
    make_app: MakeApp, open_reader: OpenReader
) -> None:
    reader = open_reader(make_app(make_policy(frozenset({"pages"}))))
    reader.try_login("owner", PASSWORD)
    assert reader.get(address("csv")).status_code == 400


@pytest.mark.usefixtures("stored")
def test_pages_link_to_their_files(
    people: People, app: Starlette, analyst: Reader, open_reader: OpenReader
) -> None:
    people.users.add("ana", Role.VIEWER, (), "a password of theirs")
    viewer = open_reader(app)
    viewer.try_login("ana", "a password of theirs")
    for more in ("report=pages&search=page-1&sort=views&page=1", "grain=month"):
        page = f"/dashboard?{OCTOBER}&{more}"
        links = re.findall(r'href="(/dashboard/export\?[^"]*)" download', analyst.get(page).text)
        assert len(links) == len(FORMATS)
        for link in map(unescape, links):
            assert analyst.get(link).status_code == 200
            assert viewer.get(link).status_code == 403
        assert "/dashboard/export" not in viewer.get(page).text
