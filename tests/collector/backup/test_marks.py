"""Annotations in backups: the marks of a chart come back with its numbers."""

import stat
from datetime import UTC, date, datetime
from pathlib import Path

from collector.annotations import Annotations
from collector.data_dir import DataDir
from tests.collector.backup.backing import POLICY, back_up, count_views, data_directory, restore

SITE = str(next(iter(POLICY.sites)))


def test_annotations_come_back_with_a_restore(tmp_path: Path) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 1)
    marks = Annotations(DataDir(tmp_path / "data").annotations, POLICY)
    marks.add(SITE, "2026-03-01T12:00", "prices changed", datetime.now(UTC))

    back_up(tmp_path / "data", tmp_path / "backup")
    marks.add(SITE, "2026-03-02", "after it", datetime.now(UTC))
    restore(tmp_path / "backup", tmp_path / "restored")

    path = DataDir(tmp_path / "restored").annotations
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = Annotations(path, POLICY).of_site(SITE, date(2026, 1, 1), date(2026, 12, 31))
    assert [each.text for each in found] == ["prices changed"]
