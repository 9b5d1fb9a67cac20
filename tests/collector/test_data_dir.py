"""The data directory and its lock."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from collector.data_dir import DataDir, DataDirInUse

# Holds the lock until its input ends.
HOLD = """
import sys
from pathlib import Path
from collector.data_dir import DataDir
data = DataDir(Path(sys.argv[1]))
data.lock()
print("locked", flush=True)
sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_missing_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    DataDir(tmp_path / "some" / "where")

    assert stat.S_IMODE((tmp_path / "some" / "where").stat().st_mode) == 0o700


def test_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)

    DataDir(tmp_path)

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


def test_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    with pytest.raises(FileExistsError):
        DataDir(tmp_path / "data")


def test_second_process_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        with pytest.raises(DataDirInUse, match="another discreet process") as refused:
            DataDir(tmp_path).lock()
        process.kill()

    assert "\n" not in str(refused.value)


def test_same_process_can_not_take_it_twice(tmp_path: Path) -> None:
    first = DataDir(tmp_path)
    first.lock()

    with pytest.raises(DataDirInUse):
        DataDir(tmp_path).lock()
    first.unlock()


@pytest.mark.parametrize("end", ["kill", "end of input"])
def test_lock_ends_with_its_process(tmp_path: Path, end: str) -> None:
    with holder(tmp_path) as process:
        if end == "kill":
            process.kill()
        else:
            process.communicate("")
        process.wait()

    data = DataDir(tmp_path)
    data.lock()
    data.unlock()


def test_unlocked_directory_can_be_taken_again(tmp_path: Path) -> None:
    first, second = DataDir(tmp_path), DataDir(tmp_path)
    first.lock()
    first.unlock()
    first.unlock()

    second.lock()
    second.unlock()


def test_lock_file_is_its_owners_alone(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.lock()
    data.unlock()

    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600
