"""Filling the benchmarks' store, broken off and gone on with: nothing is lost or counted twice."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.filled import Filled, WrongFolder, read_filled
from tests.collector.schema.filled import HITS


def command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "tests.collector.schema.filled", str(folder)]


@contextlib.contextmanager
def filling(folder: Path) -> Iterator[None]:
    with subprocess.Popen(command(folder), stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def note_at(folder: Path, days: int) -> bytes:
    """Wait until so many days are loaded and return what the note says."""
    for _ in range(12_000):
        with contextlib.suppress(FileNotFoundError):
            note = (folder / "filled.json").read_bytes()
            if json.loads(note)["days"] >= days:
                return note
        time.sleep(0.01)
    raise AssertionError(f"day {days} was never loaded")


def filled_whole(folder: Path) -> str:
    answer = subprocess.run(
        command(folder), capture_output=True, text=True, timeout=120, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout[answer.stdout.index("(batch)") :]


def test_store_filled_in_several_runs_holds_what_one_run_fills(tmp_path: Path) -> None:
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    for folder in (broken, whole):
        folder.mkdir()
    with filling(broken):
        note = note_at(broken, 4)
        note_at(broken, 5)
    (broken / "filled.json").write_bytes(note)  # as if the kill had come before it was written
    with filling(broken):
        note_at(broken, 12)  # a month is over and being folded

    assert filled_whole(broken) == filled_whole(whole)

    filled = read_filled(broken, HITS)
    assert (filled.days, filled.folded, filled.is_whole) == (14, 1, True)
    assert filled.hits_alone + filled.hits_beside == HITS


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (json.dumps({"hits": 5}), "--hits 7: .* is being filled with 5"),
        ("{", "not a note of this benchmark"),
        (None, "a store without filled.json"),
    ],
    ids=["other_hits", "broken_note", "other_store"],
)
def test_folder_of_another_crowd_is_refused(tmp_path: Path, note: str | None, message: str) -> None:
    (tmp_path / "clickhouse").mkdir()
    if note is not None:
        (tmp_path / "filled.json").write_text(note, "utf-8")

    with pytest.raises(WrongFolder, match=message):
        read_filled(tmp_path, 7)


def test_new_folder_has_all_to_do(tmp_path: Path) -> None:
    assert read_filled(tmp_path, 7) == Filled(7)
