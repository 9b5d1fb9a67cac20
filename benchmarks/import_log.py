"""Measure how many lines a second `discreet import` takes on one core.

Usage: python -m benchmarks.import_log [--log FILE] [--lines N] [--runs N]

Makes a log of 200,000 lines in a temporary folder from a real one, each repeat some days later,
and imports it into an empty data directory, the process held to one core (Linux). Lines per
second are those of the command's own report, without its start; lines per second of processor
time include the start, and don't fall when others use the core.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

REAL_LOG = Path(__file__).parents[1].parent / "shared/data/access-combined-10k.log"
LEAST_RATE = 25_000  # lines/s, the bound this project sets itself
_DATE = re.compile(rb"(?<=\[)\d\d/[A-Z][a-z]{2}/\d{4}(?=:)")


def repeat_log(log: bytes, lines: int) -> bytes:
    """Return `log` as often as makes `lines` lines, each time after its last day."""
    dates = {date: datetime.strptime(date.decode(), "%d/%b/%Y") for date in _DATE.findall(log)}
    days = (max(dates.values()) - min(dates.values())).days + 1
    repeats = -(-lines // log.count(b"\n"))
    return b"".join(_shift(log, dates, timedelta(days * repeat)) for repeat in range(repeats))


def _shift(log: bytes, dates: dict[bytes, datetime], by: timedelta) -> bytes:
    later = {date: f"{day + by:%d/%b/%Y}".encode() for date, day in dates.items()}
    return _DATE.sub(lambda found: later[found[0]], log)


def import_log(log: Path, folder: Path) -> tuple[int, int, float]:
    """Import into an empty directory; return lines, lines a second, and processor seconds."""
    before = _processor_seconds()
    done = subprocess.run(  # noqa: S603  # starts this project's own command
        (
            *(sys.executable, "-m", "collector.cli", "import", str(log)),
            *("--site", "example.org", "--data", str(folder)),
        ),
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    read = _figure("lines read", done.stdout)
    return read, _figure("lines per second", done.stdout), _processor_seconds() - before


def _figure(name: str, report: str) -> int:
    found = re.search(rf"^{name} *([\d,]+)$", report, re.MULTILINE)
    if found is None:
        raise ValueError(f"the report has no line '{name}'")
    return int(found[1].replace(",", ""))


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print each run and the median."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--log", type=Path, default=REAL_LOG, help="a log to repeat")
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()

    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})  # what is started from here on inherits it
    with TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "access.log"
        log.write_bytes(repeat_log(options.log.read_bytes(), options.lines))
        rates = []
        for run in range(options.runs):
            lines, rate, seconds = import_log(log, folder / f"data-{run}")
            rates.append(rate)
            print(
                f"run {run + 1}: {lines:,} lines, {rate:,} lines/s,"
                f" {lines / seconds:,.0f} lines per second of processor time"
            )
        print(f"median: {median(rates):,.0f} lines/s on one core (bound: {LEAST_RATE:,})")


if __name__ == "__main__":
    main()
