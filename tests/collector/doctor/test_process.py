"""What the doctor says of a process, and which of its files it looks into."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from collector.doctor.process import (
    ACCESS_LOG,
    CORE,
    READERS,
    check_process,
    is_visible,
    open_files,
)
from collector.doctor.telling import Process, start_of
from collector.doctor.verdicts import Outcome

GUARDED = Process(os.getpid(), start_of(os.getpid()), 0, 0, access_log=False)


def outcomes(told: Process) -> dict[str, Outcome]:
    return {verdict.check: verdict.outcome for verdict in check_process(told)}


def test_guarded_process_holds() -> None:
    told = outcomes(GUARDED)

    assert {told[check] for check in (CORE, READERS, ACCESS_LOG)} == {Outcome.HOLDS}


@pytest.mark.parametrize(
    ("told", "check"),
    [
        pytest.param(replace(GUARDED, core_bytes=-1), CORE, id="core dump without a limit"),
        pytest.param(replace(GUARDED, core_bytes=1_000), CORE, id="small core dump"),
        pytest.param(replace(GUARDED, dumpable=1), READERS, id="dumpable"),
        pytest.param(replace(GUARDED, access_log=True), ACCESS_LOG, id="access log"),
    ],
)
def test_way_out_of_the_process_does_not_hold(told: Process, check: str) -> None:
    assert outcomes(told)[check] is Outcome.DOES_NOT_HOLD


def test_system_that_does_not_tell_is_not_taken_to_hold() -> None:
    assert outcomes(replace(GUARDED, dumpable=-1))[READERS] is Outcome.NOT_CHECKED


def test_process_of_another_time_under_the_same_number_is_not_it() -> None:
    assert is_visible(GUARDED)
    assert not is_visible(replace(GUARDED, started="1"))


def test_files_open_for_writing_are_looked_into_also_without_a_name(tmp_path: Path) -> None:
    log, read = tmp_path / "log", tmp_path / "read"
    read.write_text("x")
    with log.open("w"), read.open():
        log.unlink()
        found = open_files(os.getpid())

    assert found is not None
    assert f"open {log} (deleted)" in found
    assert f"open {read}" not in found
