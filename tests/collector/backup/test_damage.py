"""A backup that isn't as it was made is refused in one line, and nothing is left of the attempt."""

import gzip
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from collector.backup.manifest import (
    MANIFEST,
    BackupFile,
    Manifest,
    read_manifest,
    sha256_of,
    write_manifest,
)
from collector.cli import main
from tests.collector.backup.backing import back_up, count_views, data_directory, restore, sums_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with data_directory(folder / "data") as kept:
        count_views(kept, 0, 20)
    back_up(folder / "data", folder / "backup")
    return folder


@pytest.fixture
def backup(made: Path, tmp_path: Path) -> Iterator[Path]:
    shutil.copytree(made / "backup", tmp_path / "backup")
    yield tmp_path / "backup"
    left = [path.name for path in tmp_path.iterdir()]
    assert left == ["backup"], "a refused backup leaves nothing"


def cells_of(backup: Path) -> Path:
    return min((backup / "cells").iterdir())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def forge(backup: Path, **changes: object) -> None:
    """Change the manifest and seal it again, as somebody who knows how would."""
    manifest = msgspec.structs.replace(read_manifest(backup), **changes)
    (backup / MANIFEST).write_bytes(write_manifest(manifest))


def double_a_sum(backup: Path) -> None:
    sums = read_manifest(backup).sums
    site, measures = next(iter(sums["traffic()"].items()))
    doubled = tuple(2 * measure for measure in measures)
    forge(backup, sums={**sums, "traffic()": {site: doubled}})


def replace_cells(backup: Path, content: bytes) -> None:
    """Put other bytes in place of cells, with their own checksum in the manifest."""
    file = cells_of(backup)
    file.write_bytes(content)
    manifest = read_manifest(backup)
    name = f"cells/{file.name}"
    forge(
        backup,
        cells=tuple(
            BackupFile(name, sha256_of(file)) if each.name == name else each
            for each in manifest.cells
        ),
    )


def rename_in_manifest(backup: Path, name: str) -> None:
    first, *rest = read_manifest(backup).cells
    forge(backup, cells=(msgspec.structs.replace(first, name=name), *rest))


def edit_text(backup: Path, name: str, old: str, new: str) -> None:
    path = backup / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


HARMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a bit of the cells": (lambda b: flip(cells_of(b)), "is not as it was written"),
    "cells cut short": (
        lambda b: cells_of(b).write_bytes(cells_of(b).read_bytes()[:-9]),
        "is not as it was written",
    ),
    "cells missing": (lambda b: cells_of(b).unlink(), "is missing or can't be read"),
    "a bit of the policy": (lambda b: flip(b / "policy.toml"), "is not as it was written"),
    "an archived policy missing": (
        lambda b: (b / "policies" / "0001-1.json").unlink(),
        "is missing or can't be read",
    ),
    "no manifest": (lambda b: (b / MANIFEST).unlink(), "is no backup of Discreet"),
    "a manifest cut short": (
        lambda b: (b / MANIFEST).write_bytes((b / MANIFEST).read_bytes()[:-9]),
        "is damaged",
    ),
    "an edited manifest": (
        lambda b: edit_text(b, MANIFEST, '"policy_id": "test"', '"policy_id": "mine"'),
        "manifest.json is not as it was written",
    ),
    "another format": (lambda b: forge(b, format=2), "of another version"),
    "another program's manifest": (lambda b: forge(b, kind="other"), "is damaged"),
    "a sum that is not the cells'": (double_a_sum, "the sums of the cells are not those"),
    "cells that are no gzip": (lambda b: replace_cells(b, b"cells"), "can't be unpacked"),
    "cells that are none": (
        lambda b: replace_cells(b, gzip.compress(b"none at all")),
        "holds no cells",
    ),
    "a file outside": (lambda b: rename_in_manifest(b, "../policy.toml"), "that no backup holds"),
    "a file of the system": (lambda b: rename_in_manifest(b, "/etc/passwd"), "that no backup"),
    "another policy": (lambda b: forge(b, policy_id="other"), "another than the manifest names"),
    "an engine's place that is SQL": (
        lambda b: forge(b, engine="File('x') SETTINGS a = 1"),
        "--engine-backup: must be",
    ),
}


@pytest.mark.parametrize("harm", [pytest.param(harm, id=harm) for harm in HARMS])
def test_harmed_backup_is_refused_in_one_line(
    backup: Path, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    do, says = HARMS[harm]
    do(backup)
    assert main(["restore", str(backup), "--data", str(backup.parent / "again")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert line.startswith("discreet: ")


def test_backup_as_it_was_made_is_taken(made: Path, tmp_path: Path) -> None:
    restore(made / "backup", tmp_path / "again")
    assert sums_of(tmp_path / "again") == sums_of(made / "data")


def test_manifest_tells_every_sum_version_and_checksum(made: Path) -> None:
    manifest = read_manifest(made / "backup")
    assert isinstance(manifest, Manifest)
    assert (manifest.policy_id, manifest.policy_version) == ("test", "1")
    assert [len(file.sha256) for file in manifest.cells] == [64] * len(manifest.cells)
    (measures,) = manifest.sums["traffic()"].values()
    assert measures[2] == 6, "two days of three views"
    statistics = {line.split()[0] for line in sums_of(made / "data").splitlines()[1:]}
    assert set(manifest.sums) == statistics | {"(batch)"}
