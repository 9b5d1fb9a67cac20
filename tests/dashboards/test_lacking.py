"""What an overview lacks when a file beside the store can't be read, and what it still tells."""

import contextlib
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette

from people.people import People
from tests.dashboards.conftest import MakeApp, OpenReader, marks_in
from tests.dashboards.reader import NOW, PASSWORD, Clock, Reader
from tests.dashboards.rows import text_of
from tests.dashboards.test_overview import cards
from tests.dashboards.traffic import SITE
from tests.dashboards.views import make_policy

FILES = {"annotations": "annotations.sqlite", "campaigns": "email.sqlite"}
TOLD = {
    "annotations": "Annotations can’t be read at the moment",
    "campaigns": "When e-mail campaigns began can’t be read at the moment",
}
IN_CHINESE = {"annotations": "目前无法读取标注", "campaigns": "目前无法读取邮件推广的开始时间"}
OVERVIEW = f"/dashboard?site={SITE}&period=7d"
MARKS = f"/dashboard/annotations?site={SITE}"

pytestmark = pytest.mark.usefixtures("stored")


def break_file(path: Path) -> None:
    path.write_bytes(b"no database" * 100)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)


def drop_file(path: Path) -> None:
    """Put a folder in its place, as a wrong restore may."""
    path.unlink()
    path.mkdir()


@pytest.fixture
def marked(make_app: MakeApp, open_reader: OpenReader, tmp_path: Path, clock: Clock) -> Reader:
    """Give an owner of a site with one annotation and one campaign."""
    marks = marks_in(tmp_path, make_policy(), clock)
    marks.add(SITE, "2025-11-02T08:30", "prices changed")
    marks._campaigns.add("spring", "", SITE, int(NOW.timestamp()) - 86_400)
    reader = open_reader(make_app(make_policy()))
    assert reader.try_login("owner", PASSWORD).status_code == 303
    return reader


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("harm", [break_file, drop_file], ids=["damaged", "no file"])
def test_overview_stands_without_what_cannot_be_read(
    marked: Reader,
    tmp_path: Path,
    kind: str,
    harm: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = marked.get(OVERVIEW).text
    harm(tmp_path / FILES[kind])

    with caplog.at_level(logging.WARNING, "discreet"):
        answer = marked.get(OVERVIEW)
        again = marked.get(OVERVIEW)

    assert (answer.status_code, again.status_code) == (200, 200)
    assert len(cards(answer.text)) == 6
    assert cards(answer.text) == cards(whole)
    assert text_of(answer.text).count(TOLD[kind]) == 1
    assert text_of(whole).count(TOLD[kind]) == 0
    assert ("prices changed" in answer.text) is (kind != "annotations")
    assert ("E-mail campaign spring" in answer.text) is (kind != "campaigns")
    assert IN_CHINESE[kind] in marked.get(f"{OVERVIEW}&lang=zh").text
    assert [FILES[kind] in record.message for record in caplog.records] == [True]


def test_locked_annotations_are_missing_while_they_are_locked(
    marked: Reader, tmp_path: Path
) -> None:
    path = tmp_path / FILES["annotations"]
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        during = marked.get(OVERVIEW)
    after = marked.get(OVERVIEW)

    assert during.status_code == 200
    assert TOLD["annotations"] in during.text
    assert cards(during.text) == cards(after.text)
    assert TOLD["annotations"] not in after.text
    assert "prices changed" in after.text


def test_page_of_annotations_says_that_they_cannot_be_read(marked: Reader, tmp_path: Path) -> None:
    break_file(tmp_path / FILES["annotations"])

    page = marked.get(MARKS)

    assert page.status_code == 200
    assert TOLD["annotations"] in page.text
    assert "Nothing is marked yet." not in page.text


def test_link_shows_numbers_though_its_look_cannot_be_kept(
    app: Starlette, open_reader: OpenReader, people: People, tmp_path: Path
) -> None:
    token = people.shares.add("press", SITE, int(NOW.timestamp()), may_export=True)
    with contextlib.closing(sqlite3.connect(tmp_path / "logins.sqlite")) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON shares BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    guest = open_reader(app)

    assert len(cards(guest.get(f"/shared/{token}?period=7d").text)) == 6
    export = f"/shared/{token}/export?report=pages&format=csv&period=7d"
    assert guest.get(export).status_code == 200
