"""Retention that is killed, at any step, costs nothing and is done by the next run."""

import json
import subprocess
import sys
from pathlib import Path

# What networks counted goes when it is over its time, so its sum may shrink; no other may.
_EXPIRES = "networks(network)"
_MOST_STEPS = 60


def run(folder: Path, step: int = 0, delay: float = 0.0) -> dict[str, str]:
    """Return the sums that a run found, those with what it put in, and its cells at the end."""
    answer = subprocess.run(
        [sys.executable, "-m", "tests.collector.retention.killed", folder, str(step), str(delay)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode in (0, -9), answer.stderr
    told: dict[str, str] = {}
    for line in answer.stdout.splitlines():
        told |= json.loads(line)
    return told


def kept_forever(sums: str) -> str:
    return "\n".join(line for line in sums.splitlines() if not line.startswith((_EXPIRES, "(")))


def is_done(cells: str) -> bool:
    rows = [row.split() for row in cells.splitlines()[1:]]
    return bool(rows) and all(row[1] == "month" and row[0] != "networks" for row in rows)


def test_run_that_is_killed_at_a_step_is_finished_by_the_next(tmp_path: Path) -> None:
    """Every run finds the sums that the one before had put in, whatever step ended it."""
    before = ""
    for step in range(1, _MOST_STEPS):
        told = run(tmp_path, step)
        if before:
            assert kept_forever(told["found"]) == kept_forever(before), f"before step {step}"
        before = told["put"]
        if "cells" in told:
            break
    else:
        raise AssertionError("no run came to its end")
    assert step > 10

    told = run(tmp_path)

    assert kept_forever(told["found"]) == kept_forever(before)
    assert is_done(told["cells"]), told["cells"]


def test_run_that_is_killed_within_a_statement_is_finished_by_the_next(tmp_path: Path) -> None:
    before = ""
    for number in range(8):
        told = run(tmp_path, 1_000 + number, 0.01 + 0.02 * number)
        if before:
            assert kept_forever(told["found"]) == kept_forever(before), f"before run {number}"
        before = told.get("put", "")

    told = run(tmp_path)

    assert kept_forever(told["found"]) == kept_forever(before)
    assert is_done(told["cells"]), told["cells"]
