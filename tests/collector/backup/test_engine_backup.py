"""ClickHouse's own BACKUP, in an engine that is configured for it."""

from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from collector.backup.dump import SNAPSHOT, sum_cells, take_snapshot
from collector.backup.engine import BadPlace, read_place
from collector.backup.load import Clock, load_cells
from collector.backup.making import make_backup
from collector.backup.manifest import BadBackup, Manifest, read_manifest
from collector.data_dir import DataDir
from collector.retention.rules import read_rules
from collector.retention.site_days import SiteDays
from collector.schema.tables import BATCH
from collector.store import StoreFailed
from tests.collector.backup.backing import DAY, NOW, POLICY, TEXT, count_views
from tests.collector.storing import Kept


class Configured(Kept):
    """A store whose engine may write backups below a folder."""

    def __init__(self, folder: Path, **options: Any) -> None:  # noqa: ANN401
        self.client = clickhouse_connect.get_client(
            interface="chdb", path=str(folder / "clickhouse"), chdb_options=options
        )
        super().__init__(folder, POLICY)
        self.apply()
        self.data = DataDir(folder)
        self.data.policy.write_text(TEXT)

    def back_up(self, to: Path, place: str) -> Manifest:
        to.mkdir()
        take_snapshot(self.client)
        return make_backup(self.client, [], self.data, POLICY, to, made=NOW, engine=place)

    def close(self) -> None:
        self.client.close()
        super().close()


def load(client: Client, backup: Path, now: int = NOW) -> tuple[int, int]:
    client.command("TRUNCATE TABLE discreet.cells")
    manifest = read_manifest(backup)
    clock = Clock(read_rules(POLICY, manifest.sums), SiteDays(POLICY, now))
    loaded = load_cells(client, backup, manifest, clock, lambda _done, _all: None)
    return loaded.cells, loaded.ended


def test_engines_backup_comes_back_with_every_sum_and_without_what_has_ended(
    tmp_path: Path,
) -> None:
    kept = Configured(tmp_path / "data", **{"backups.allowed_path": str(tmp_path / "engine")})
    try:
        count_views(kept, 1, 20)
        before = kept.table("SELECT * FROM discreet.cells FINAL ORDER BY ALL")
        sums = sum_cells(kept.client, "cells")
        manifest = kept.back_up(tmp_path / "backup", "File('one')")
        assert (manifest.cells, manifest.engine) == ((), "File('one')")
        assert (tmp_path / "engine" / "one").is_dir()
        kept.client.command("TRUNCATE TABLE discreet.cells")
        _, ended = load(kept.client, tmp_path / "backup")
        assert ended == 0
        assert sum_cells(kept.client, "cells") == sums
        assert kept.table("SELECT * FROM discreet.cells FINAL ORDER BY ALL") == before
        cells, ended = load(kept.client, tmp_path / "backup", NOW + 1200 * DAY)
        assert ended > cells  # what is left are counts of batches, which retention drops
        left = f"SELECT countIf(statistic != '{BATCH}'), count() FROM discreet.cells"
        assert kept.value(left) == f"0\t{cells}"
    finally:
        kept.close()


def test_cells_that_changed_behind_the_manifest_are_refused(tmp_path: Path) -> None:
    kept = Configured(tmp_path / "data", **{"backups.allowed_path": str(tmp_path / "engine")})
    try:
        count_views(kept, 1)
        kept.back_up(tmp_path / "first", "File('first')")
        count_views(kept, 2)
        kept.back_up(tmp_path / "second", "File('second')")
        manifest = tmp_path / "first" / "manifest.json"
        manifest.write_bytes((tmp_path / "second" / "manifest.json").read_bytes())
        (tmp_path / "engine" / "second").rename(tmp_path / "engine" / "away")
        (tmp_path / "engine" / "first").rename(tmp_path / "engine" / "second")
        with pytest.raises(BadBackup, match="sums"):
            load(kept.client, tmp_path / "first")
        assert kept.value("SELECT count() FROM discreet.cells") == "0"
    finally:
        kept.close()


def test_engine_without_a_place_for_backups_says_so_and_keeps_no_snapshot(tmp_path: Path) -> None:
    kept = Configured(tmp_path / "data")
    try:
        count_views(kept, 1)
        with pytest.raises(StoreFailed, match="error 318"):
            kept.back_up(tmp_path / "backup", "Disk('backups','one')")
        assert kept.value(f"EXISTS TABLE discreet.{SNAPSHOT}") == "0"
    finally:
        kept.close()


@pytest.mark.parametrize(
    "place", ["Disk('backups','2026/01')", "Disk('backups', 'a.zip')", "File('one')"]
)
def test_place_the_operator_configured_is_taken(place: str) -> None:
    assert read_place(place) == place


@pytest.mark.parametrize(
    "place",
    [
        "",
        "one",
        "S3('https://s3.example/b','key','secret')",
        "File('../one')",
        "File('one') SETTINGS password = 'x'",
        "File('one'); DROP TABLE discreet.cells",
        "File('o\\'ne')",
        "Memory('one')",
        "Disk('backups')",
        "Disk('back ups','one')",
        "File('one')\n",
    ],
)
def test_other_place_is_refused_without_repeating_it(place: str) -> None:
    with pytest.raises(BadPlace) as refused:
        read_place(place)
    assert "secret" not in str(refused.value)
