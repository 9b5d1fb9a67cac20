"""A data directory made by hand, and what a backup of it leads to, for tests."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from collector.data_dir import DataDir
from collector.policy_archive import PolicyArchive
from tests.collector.hits import POLICY_TEXT, Line, make_policy
from tests.collector.storing import Kept, opened
from tests.running import discreet

POLICY = make_policy()
TEXT = POLICY_TEXT.format(zone="Europe/Berlin", min_group=1)

DAY = 86_400
NOW = int(time.time())
SUMS = (
    "SELECT statistic, site, sum(visitors), sum(visits), sum(views), sum(bounces), sum(seconds),"
    " sum(hits) FROM discreet.cells WHERE statistic != '(batch)' GROUP BY statistic, site"
    " ORDER BY statistic, site"
)


@contextlib.contextmanager
def data_directory(folder: Path) -> Iterator[Kept]:
    """Give a data directory's spool and store, under `POLICY`, as a server leaves them."""
    data = DataDir(folder)
    data.policy.write_text(TEXT)
    PolicyArchive(data.policies).keep(POLICY, TEXT)
    with opened(folder, POLICY) as kept:
        yield kept


def count_views(kept: Kept, *ages_in_days: int, pages: int = 3) -> None:
    """Count views of some pages by some visitors, each so many days ago."""
    line = Line(POLICY)
    for age in ages_in_days:
        for number in range(pages):
            kept.count(line.view(f"v{age}{number % 2}", NOW - age * DAY + number, f"/p{number}"))


def sums_of(folder: Path) -> str:
    """Return every sum by statistic and site behind the views of a closed data directory."""
    kept = Kept(folder, POLICY)
    try:
        return kept.table(SUMS)
    finally:
        kept.close()


def back_up(data: Path, to: Path, *options: str) -> None:
    """Run `discreet backup`, which must do it."""
    done = discreet("backup", to, "--data", data, *options)
    assert done.returncode == 0, done.stderr.decode()


def restore(backup: Path, data: Path, *options: str | Path) -> str:
    """Run `discreet restore`, which must do it; return what it printed."""
    done = discreet("restore", backup, "--data", data, *options)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()
