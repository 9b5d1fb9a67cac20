"""The files of the audit log: one a day, bounded in days and bytes."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector import audit
from collector.audit import KEEP_DAYS, MAX_BYTES, MAX_DAY_BYTES, AuditFailed, AuditLog, Entry

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def entry(at: datetime = NOON) -> Entry:
    return Entry(
        time=at.timestamp(),
        user="ana",
        views=("pages",),
        query="SELECT page FROM pages",
        milliseconds=3,
        rows=2,
        bytes=6,
    )


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_line_is_json_in_the_file_of_its_day(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    log.write(entry())
    log.write(entry(NOON + timedelta(days=1)))

    assert names(tmp_path / "audit") == ["2026-03-10.jsonl", "2026-03-11.jsonl"]
    assert json.loads((tmp_path / "audit" / "2026-03-10.jsonl").read_text()) == {
        "time": NOON.timestamp(),
        "user": "ana",
        "views": ["pages"],
        "query": "SELECT page FROM pages",
        "milliseconds": 3,
        "rows": 2,
        "bytes": 6,
    }


@pytest.mark.parametrize(
    ("days", "is_kept"),
    [pytest.param(KEEP_DAYS, True, id="last day"), pytest.param(KEEP_DAYS + 1, False, id="older")],
)
def test_file_is_kept_for_90_days(tmp_path: Path, days: int, is_kept: bool) -> None:
    old = tmp_path / f"{NOON - timedelta(days=days):%Y-%m-%d}.jsonl"
    old.write_text("{}\n")

    AuditLog(tmp_path).write(entry())

    assert old.exists() is is_kept


def test_oldest_files_go_first_where_they_are_too_large(tmp_path: Path) -> None:
    for day in ("2026-03-01", "2026-03-05", "2026-03-09"):
        sparse(tmp_path / f"{day}.jsonl", MAX_BYTES // 2 - 100)

    AuditLog(tmp_path).write(entry())

    assert names(tmp_path) == ["2026-03-05.jsonl", "2026-03-09.jsonl", "2026-03-10.jsonl"]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    AuditLog(tmp_path).write(entry())

    assert (tmp_path / "notes.txt").exists()


def test_day_that_is_full_answers_no_more(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    log.write(entry())
    sparse(tmp_path / "2026-03-10.jsonl", MAX_DAY_BYTES)

    with pytest.raises(AuditFailed):
        log.write(entry())
    log.write(entry(NOON + timedelta(days=1)))


def test_log_that_can_not_be_written_fails(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    (tmp_path / "audit").rmdir()

    with pytest.raises(AuditFailed):
        log.write(entry())


def test_modes_are_its_owners_alone(tmp_path: Path) -> None:
    AuditLog(tmp_path / "audit").write(entry())

    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "audit" / "2026-03-10.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_writes_is_the_owners_of_the_folder(tmp_path: Path) -> None:
    """`sudo discreet user add …` must not take the trail from a server of another user."""
    os.chown(tmp_path, 4711, 4712)

    AuditLog(tmp_path / "audit").write(entry())

    for made in (tmp_path / "audit", tmp_path / "audit" / "2026-03-10.jsonl"):
        assert (made.stat().st_uid, made.stat().st_gid) == (4711, 4712)


def test_link_in_the_folder_leads_nowhere(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    (tmp_path / "another").touch()
    (tmp_path / "audit" / "2026-03-10.jsonl").symlink_to(tmp_path / "another")

    with pytest.raises(AuditFailed):
        log.write(entry())

    assert (tmp_path / "another").read_bytes() == b""


def test_days_are_documented() -> None:
    operations = Path(audit.__file__).parent.parent / "docs" / "operations.md"

    assert f"{KEEP_DAYS} days" in operations.read_text("utf-8")
