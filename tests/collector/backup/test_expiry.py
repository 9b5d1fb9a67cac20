"""What has ended by the time of a restore does not come back."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.backup.manifest import read_manifest
from collector.backup.restoring import open_backup, restore_store
from collector.data_dir import DataDir
from collector.schema.tables import BATCH
from tests.collector.backup.backing import (
    DAY,
    NOW,
    POLICY,
    SUMS,
    TEXT,
    back_up,
    count_views,
    data_directory,
    restore,
)
from tests.collector.storing import Kept
from tests.running import discreet

TRAFFIC = "SELECT toDate(min(period)), sum(views) FROM discreet.cells WHERE statistic = 'traffic()'"
KEEP_DAYS = next(each.keep_days for each in POLICY.statistics if each.name == "traffic")


def ask(folder: Path, sql: str) -> str:
    kept = Kept(folder, POLICY)
    try:
        return kept.table(sql)
    finally:
        kept.close()


def test_period_older_than_its_keep_days_does_not_come_back(tmp_path: Path) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 1, KEEP_DAYS + 3)
        before = kept.value("SELECT sum(views) FROM discreet.cells WHERE statistic = 'traffic()'")
        assert before == "6", "nothing had dropped it from the store itself"
    back_up(tmp_path / "data", tmp_path / "backup")
    told = restore(tmp_path / "backup", tmp_path / "again")
    assert "cells whose time is over" in told
    yesterday = datetime.fromtimestamp(NOW - DAY, UTC)
    (_, line) = ask(tmp_path / "again", TRAFFIC).splitlines()
    day, views = line.split()
    assert views == "3"
    assert abs((datetime.fromisoformat(f"{day}T00Z") - yesterday).days) <= 1
    old = f"SELECT count() FROM discreet.cells WHERE period < now() - INTERVAL {KEEP_DAYS} DAY"
    assert ask(tmp_path / "again", old).splitlines()[1] == "0"


def test_shorter_time_limit_of_the_policy_in_force_now_holds_for_an_old_backup(
    tmp_path: Path,
) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 1, 40)
    back_up(tmp_path / "data", tmp_path / "backup")
    shorter = TEXT + '\n[[statistic]]\nname = "traffic"\nkeep_days = 30\n'
    (tmp_path / "policy.toml").write_text(shorter.replace('version = "1"', 'version = "2"'))
    restore(tmp_path / "backup", tmp_path / "again", "--policy", tmp_path / "policy.toml")
    assert ask(tmp_path / "again", TRAFFIC).splitlines()[1].split()[1] == "3"
    whole = ask(tmp_path / "again", SUMS)
    pages = next(line for line in whole.splitlines() if line.startswith("pages(page)"))
    assert pages.split()[4] == "6", "other statistics keep what they had"


def test_longer_time_limit_of_a_new_policy_brings_nothing_back(tmp_path: Path) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 1, KEEP_DAYS + 3)
    back_up(tmp_path / "data", tmp_path / "backup")
    longer = TEXT + '\n[[statistic]]\nname = "traffic"\nkeep_days = 1100\n'
    longer += '\n[[purpose]]\nid = "audience"\nkeep_days = 1100\n'
    (tmp_path / "policy.toml").write_text(longer.replace('version = "1"', 'version = "2"'))
    restore(tmp_path / "backup", tmp_path / "again", "--policy", tmp_path / "policy.toml")
    assert ask(tmp_path / "again", TRAFFIC).splitlines()[1].split()[1] == "3"


def test_batch_counts_of_a_month_that_goes_on_come_back_however_short_its_cells_are_kept(
    tmp_path: Path,
) -> None:
    """Else a batch that a spool sends again would count twice (docs/decisions/0004)."""
    month = datetime.fromtimestamp(NOW, UTC).replace(day=1, hour=0, minute=0, second=0)
    first = int(month.timestamp())
    row = f"'{BATCH}', 5, 'month', '', {first}, 'collector', '', '', 0, 0, 0, 0, 0, 7"
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 0)
        kept.store._client.command(f"INSERT INTO discreet.cells VALUES ({row})")
    back_up(tmp_path / "data", tmp_path / "backup")
    backup = open_backup(tmp_path / "backup", read_manifest(tmp_path / "backup"))
    store = DataDir(tmp_path / "again").store

    restore_store(
        backup, store, now=first + 20 * DAY, current=None, on_file=lambda _done, _of: None
    )

    batches = "SELECT sum(hits) FROM discreet.cells WHERE keep_days = 5"
    assert ask(tmp_path / "again", batches).splitlines()[1] == "7"


@pytest.mark.parametrize("change", ['id = "test"', 'controller = "Example"'])
def test_policy_given_must_be_the_backups(tmp_path: Path, change: str) -> None:

    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 1)
    back_up(tmp_path / "data", tmp_path / "backup")
    (tmp_path / "policy.toml").write_text(TEXT.replace(change, change.replace('"', '"x', 1)))
    done = discreet(
        *("restore", tmp_path / "backup", "--data", tmp_path / "again"),
        *("--policy", tmp_path / "policy.toml"),
    )
    assert done.returncode == (2 if change.startswith("id") else 0)
    assert (tmp_path / "again").exists() == (done.returncode == 0)
