"""What is over its time goes, and its bytes with it."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from anonymizer.policy import Policy
from collector.doctor.blocks import UnknownBlock, unpack
from collector.retention.job import read_partitions
from collector.retention.moves import is_all_overdue
from collector.schema.tables import DATABASE
from tests.collector.retention.cellar import POLICY, Cellar, at

NAME = "a7Qz81LmXw03"  # found nowhere by chance


@pytest.fixture(scope="module")
def folder(cellar_for_all: Cellar) -> Path:
    return cellar_for_all.kept.folder


def keeping(days: int, name: str = "pages") -> Policy:
    return replace(
        POLICY,
        statistics=tuple(
            replace(each, keep_days=days) if each.name == name else each
            for each in POLICY.statistics
        ),
    )


def test_day_goes_when_it_began_as_many_days_ago_as_it_is_kept(cellar: Cellar) -> None:
    for day in ("2026-03-10", "2026-03-11", "2026-03-12"):
        cellar.put("networks", day, "192.0.2.0/24", 9)
    cellar.run("2026-04-18T21:59:00")  # 40 days after the tenth began, less a minute
    assert cellar.kept.value(f"SELECT count() FROM {DATABASE}.cells WHERE k1 != ''") == "3"

    report = cellar.run("2026-04-18T22:00:00")

    assert (
        cellar.cells()
        == """\
name      grain  period            keys          visitors  views
networks  day    2026-03-11 00:00  192.0.2.0/24  9         0
networks  day    2026-03-12 00:00  192.0.2.0/24  9         0"""
    )
    assert report.statistics["networks"].dropped == 1


def test_hours_of_a_day_go_together_with_it(cellar: Cellar) -> None:
    for hour in ("2026-03-10 00:00", "2026-03-10 23:00", "2026-03-11 00:00"):
        cellar.put("traffic", hour, visitors=9)
    shorter = keeping(40, "traffic")

    cellar.run("2026-04-18T21:59:00", shorter)
    assert cellar.cells().count("traffic") == 3
    cellar.run("2026-04-18T22:00:00", shorter)

    assert (
        cellar.cells()
        == """\
name     grain  period            keys  visitors  views
traffic  hour   2026-03-11 00:00        9         0"""
    )


def test_month_cell_goes_with_the_first_of_its_month(cellar: Cellar) -> None:
    for network in ("192.0.2.0/24", "203.0.113.0/24"):
        cellar.put("networks", "2026-03-20", network, 1)
    cellar.put("networks", "2026-03-20", "198.51.100.0/24", 9)
    cellar.run("2026-03-25T03:00:00")

    cellar.run("2026-04-10T03:00:00")

    assert cellar.kept.value(f"SELECT k1 FROM {DATABASE}.cells WHERE k1 != ''") == "198.51.100.0/24"


def test_month_that_is_over_its_time_whole_is_dropped(cellar: Cellar) -> None:
    cellar.put("networks", "2026-03-10", "192.0.2.0/24", 9)
    cellar.put("pages", "2026-03-10", "/a", 9)

    report = cellar.run("2026-05-15T03:00:00")

    assert report.partitions_dropped == 1
    left = f"SELECT DISTINCT keep_days FROM {DATABASE}.cells"
    assert cellar.kept.value(left) == "750"


def test_policy_that_shortens_acts_at_the_next_run_and_on_its_statistic_alone(
    cellar: Cellar,
) -> None:
    cellar.put("pages", "2026-03-10", "/a", 9)
    cellar.put("bots", "2026-03-10", "crawler Googlebot", hits=9)
    cellar.run("2026-04-20T03:00:00")

    report = cellar.run("2026-04-20T03:00:00", keeping(30))

    assert (
        cellar.cells()
        == """\
name  grain  period            keys               visitors  views
bots  day    2026-03-10 00:00  crawler Googlebot  0         0"""
    )
    assert report.partitions_dropped == 0


def test_policy_that_lengthens_keeps_no_longer_what_was_counted_before(cellar: Cellar) -> None:
    cellar.put("networks", "2026-03-10", "192.0.2.0/24", 9)
    longer = keeping(90, "networks")
    cellar.put("networks", "2026-03-11", "192.0.2.0/24", 9, keep_days=90)

    cellar.run("2026-04-25T03:00:00", longer)

    assert (
        cellar.kept.value(f"SELECT keep_days, toDate(period) FROM {DATABASE}.cells WHERE k1 != ''")
        == "90\t2026-03-11"
    )


def test_statistic_that_is_no_longer_declared_keeps_its_time(cellar: Cellar) -> None:
    cellar.put("networks", "2026-03-10", "192.0.2.0/24", 25)
    without = replace(
        POLICY, statistics=tuple(each for each in POLICY.statistics if each.name != "networks")
    )

    cellar.run("2026-04-18T21:59:00", without)
    assert "networks" in cellar.cells()

    cellar.run("2026-04-18T22:00:00", without)
    assert "networks" not in cellar.cells()


def test_running_month_is_not_dropped_whole(cellar: Cellar) -> None:
    """Its batches are still told by their count (docs/decisions/0004)."""
    cellar.put("pages", "2026-03-02", "/a", 9)

    report = cellar.run("2026-03-30T03:00:00", keeping(5))

    assert report.partitions_dropped == 0
    assert cellar.kept.value(f"SELECT statistic, hits FROM {DATABASE}.cells") == "(batch)\t1"
    assert cellar.run("2026-04-03T03:00:00", keeping(5)).partitions_dropped == 1


def test_what_came_in_after_a_month_was_found_without_cells_is_not_dropped(cellar: Cellar) -> None:
    cellar.put("networks", "2026-03-10", "192.0.2.0/24", 9)
    client = cellar.kept.store._client
    client.command(
        f"ALTER TABLE {DATABASE}.cells DELETE WHERE k1 != '' SETTINGS mutations_sync = 2"
    )
    (found,) = read_partitions(client, POLICY, at("2026-04-02T03:00"))
    assert is_all_overdue(client, found)

    cellar.put("networks", "2026-03-11", "192.0.2.0/24", 9)

    assert not is_all_overdue(client, found)


def test_dropping_leaves_the_sums_of_all_that_is_kept(cellar: Cellar) -> None:
    for day in ("01", "05", "09", "20"):
        cellar.put("networks", f"2026-03-{day}", "192.0.2.0/24", 4, views=4)
        cellar.put("pages", f"2026-03-{day}", "/a", 2, views=3)
        cellar.put("pages", f"2026-03-{day}", "/b", 5, views=6)

    cellar.run("2026-04-17T12:00:00")  # the ninth goes with the next day

    sums = f"SELECT sum(visitors), sum(views) FROM {DATABASE}.cells WHERE statistic = "
    assert cellar.kept.value(f"{sums}'networks(network)'") == "8\t8"
    assert cellar.kept.value(f"{sums}'pages(page)'") == "28\t36"


@pytest.mark.parametrize(
    ("name", "keys", "visitors", "now"),
    [
        pytest.param("pages", f"/{NAME}", 9, "2028-05-20T03:00:00", id="with its partition"),
        pytest.param("networks", NAME, 9, "2026-04-22T03:00:00", id="out of its partition"),
        pytest.param("pages", f"/{NAME}", 1, "2026-04-02T03:00:00", id="as a small group"),
    ],
)
def test_no_byte_is_left_ten_seconds_after_the_run(
    cellar: Cellar, folder: Path, name: str, keys: str, visitors: int, now: str
) -> None:
    cellar.put(name, "2026-03-10", keys, visitors)
    for day in range(11, 29):
        cellar.put("pages", f"2026-03-{day}", "/other", 9)
        cellar.put("networks", f"2026-03-{day}", "192.0.2.0/24", 9)
    assert files_with(folder, NAME)

    cellar.run(now)
    deadline = time.monotonic() + 10
    while (left := files_with(folder, NAME)) and time.monotonic() < deadline:
        pass

    assert left == []


def test_byte_of_what_is_kept_stays(cellar: Cellar, folder: Path) -> None:
    cellar.put("pages", "2026-03-10", f"/{NAME}", 9)

    cellar.run("2026-04-22T03:00:00")

    assert files_with(folder, NAME)


def files_with(folder: Path, word: str) -> list[str]:
    """Return the files that hold a word, packed or not."""
    raw = word.encode()
    found = []
    for parent, _, names in os.walk(folder):  # passes by what goes meanwhile
        for path in (Path(parent, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                if raw in path.read_bytes() or any(_unpacked(path, raw)):
                    found.append(path.name)
    return found


def _unpacked(path: Path, raw: bytes) -> Iterator[bool]:
    try:
        with path.open("rb") as file:
            for block in unpack(file):
                yield raw in block
    except UnknownBlock:
        return


def test_time_is_that_of_the_site(cellar: Cellar) -> None:
    cellar.put("networks", "2026-03-10", "192.0.2.0/24", 9)
    cellar.put("networks", "2026-03-10", "192.0.2.0/24", 9, site="other.example")

    cellar.run("2026-04-18T12:00:00")  # the 19th in Kiritimati

    sites = cellar.kept.value(f"SELECT site FROM {DATABASE}.cells WHERE k1 != ''")
    assert sites == "example.org"
    assert at("2026-04-19") - at("2026-03-10") == 40 * 86_400
