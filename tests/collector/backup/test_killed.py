"""Killed on the way, a backup or a restore leaves nothing that is taken for a whole one."""

import subprocess
import sys
from pathlib import Path

import pytest

from collector.backup.dump import SNAPSHOT, take_snapshot
from collector.backup.folder import PART
from collector.backup.making import make_backup
from collector.data_dir import DataDir
from collector.schema.tables import DATABASE
from collector.store import StoreFailed
from tests.collector.backup.backing import (
    NOW,
    POLICY,
    back_up,
    count_views,
    data_directory,
    restore,
    sums_of,
)
from tests.collector.storing import Kept
from tests.running import discreet

_KILL = """\
import os, sys
import {module} as module
whole = module.{name}
def killed(*arguments, **named):
    {before}os.kill(os.getpid(), 9)
module.{name} = killed
from collector.cli import main
main(sys.argv[1:])
"""

# What a command does one after the other; it is killed in place of each, or right after it.
BACKUP = (
    ("collector.backup.making", "sum_cells", ""),
    ("collector.backup.making", "dump_cells", "whole(*arguments, **named); "),
    ("collector.backup.making", "write_manifest", ""),
    ("collector.backup.folder", "_sync", ""),
)
RESTORE = (
    ("collector.backup.restoring", "_read_policy", ""),
    ("collector.backup.restoring", "load_cells", ""),
    ("collector.backup.load", "_keep", "whole(*arguments, **named); "),
    ("collector.backup.restoring", "Spool", ""),
    ("collector.backup.folder", "_sync", "whole(*arguments, **named); "),
)


def run_killed(module: str, name: str, before: str, *arguments: str | Path) -> None:
    script = _KILL.format(module=module, name=name, before=before)
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -9, done.stderr.decode()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with data_directory(folder / "data") as kept:
        count_views(kept, 0, 20)
    back_up(folder / "data", folder / "backup")
    return folder


@pytest.mark.parametrize(("module", "name", "before"), BACKUP, ids=[each[1] for each in BACKUP])
def test_killed_backup_leaves_nothing_that_restore_would_take(
    made: Path, tmp_path: Path, module: str, name: str, before: str
) -> None:
    run_killed(module, name, before, "backup", tmp_path / "b", "--data", made / "data")
    assert not (tmp_path / "b").exists()
    (left,) = tmp_path.glob(f"b-*{PART}")
    if name != "_sync":  # all of it is there but for the name
        assert discreet("restore", left, "--data", tmp_path / "again").returncode == 2
    back_up(made / "data", tmp_path / "b")
    restore(tmp_path / "b", tmp_path / "again")
    assert sums_of(tmp_path / "again") == sums_of(made / "data")


def test_killed_backup_holds_no_counter_back_that_retention_drops(tmp_path: Path) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 0, 800)
    run_killed(*BACKUP[0], "backup", tmp_path / "b", "--data", tmp_path / "data")

    assert discreet("retention", "run", "--data", tmp_path / "data").returncode == 0

    kept = Kept(tmp_path / "data", POLICY)
    try:
        assert kept.value(f"EXISTS TABLE {DATABASE}.{SNAPSHOT}") == "0"
    finally:
        kept.close()


def test_backup_that_another_collector_disturbed_is_not_made(tmp_path: Path) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 0)
        client = kept.store._client
        take_snapshot(client)

        def disturb(_done: int, _of: int) -> None:
            count_views(kept, 0)
            take_snapshot(client)

        data = DataDir(tmp_path / "data")
        with pytest.raises(StoreFailed, match="another collector backed this store up"):
            make_backup(client, [], data, POLICY, tmp_path, made=NOW, on_rows=disturb)


@pytest.mark.parametrize(("module", "name", "before"), RESTORE, ids=[each[1] for each in RESTORE])
def test_killed_restore_leaves_no_data_directory(
    made: Path, tmp_path: Path, module: str, name: str, before: str
) -> None:
    run_killed(module, name, before, "restore", made / "backup", "--data", tmp_path / "again")
    assert not (tmp_path / "again").exists()
    restore(made / "backup", tmp_path / "again")
    assert sums_of(tmp_path / "again") == sums_of(made / "data")
