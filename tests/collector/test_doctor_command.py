"""`discreet doctor`: what it is given, what it prints, how it ends."""

import time
from pathlib import Path

import pytest

from collector.doctor.last_run import read_last_run
from tests.running import Server, discreet, hit, refusal_of


def test_missing_directory_is_bad_input(tmp_path: Path) -> None:
    refusal = refusal_of("doctor", "--privacy", "--data", tmp_path / "none")

    assert "there is no data directory" in refusal


@pytest.mark.parametrize("option", ["--addresses", "--agents", "--log"])
def test_missing_file_is_bad_input(tmp_path: Path, option: str) -> None:
    refusal = refusal_of("doctor", "--privacy", "--data", tmp_path, option, tmp_path / "none")

    assert "none" in refusal


def test_line_that_is_no_address_is_named_and_not_repeated(tmp_path: Path) -> None:
    addresses = tmp_path / "addresses"
    addresses.write_text("198.51.100.7\n\nada@mail.example\n")

    refusal = refusal_of("doctor", "--privacy", "--data", tmp_path, "--addresses", addresses)

    assert "line 3" in refusal
    assert "ada" not in refusal


def test_empty_directory_has_nothing_that_does_not_hold(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)

    answer = discreet("doctor", "--privacy", "--data", tmp_path / "data")

    assert answer.returncode == 0
    assert b"not checked" in answer.stdout


def test_check_that_does_not_hold_ends_with_1_and_names_the_log(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("198.51.100.7 - - GET /\n")
    with Server(tmp_path) as server:
        server.send(hit("/a")).raise_for_status()
        server.stop()

    answer = discreet("doctor", "--privacy", "--data", server.data, "--log", log)

    assert answer.returncode == 1
    assert "does not hold" in answer.stdout.decode()
    assert "198.51.100.7" not in answer.stdout.decode()


def test_last_run_is_kept_for_the_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    kept = data / "doctor.json"
    before = time.time()

    for _ in range(2):
        answer = discreet("doctor", "--privacy", "--data", data)

    run = read_last_run(kept)
    assert run is not None
    assert before - 1 < run.ended < time.time() + 1
    told = "".join(answer.stdout.decode().split())
    assert run.verdicts
    assert all("".join(each.outcome.split()) in told for each in run.verdicts)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in data.iterdir() if "doctor" in path.name] == ["doctor.json"]


def test_run_that_cannot_be_kept_is_told_and_ends_as_it_would(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "doctor.json").mkdir()

    answer = discreet("doctor", "--privacy", "--data", data)

    assert answer.returncode == 0
    assert b"doctor.json" in answer.stderr
    assert answer.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"ended": "today"}',
        b'{"ended": 1, "verdicts": [{"check": "\xff"}]}',
        b"[" * 100_000,
    ],
    ids=["no", "cut", "other", "no text", "deep"],
)
def test_damaged_run_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "doctor.json").write_bytes(content)

    assert read_last_run(tmp_path / "doctor.json") is None
