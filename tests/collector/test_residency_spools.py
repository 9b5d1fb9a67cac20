"""Rows of two regions on disk: both or neither, whichever disk fails and whenever it is killed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from anonymizer.policy_file import read_policy
from collector.data_dir import DataDir
from collector.reference import default_policy
from collector.region_writers import RegionWriters, settle
from collector.regions import (
    HOME,
    PASSWORD_VARIABLE,
    Regions,
    region_address,
    remember_regions,
    spool_of,
)
from collector.spool import Spool, SpoolFailed
from collector.store import Store
from collector.store_address import BadAddress, open_late, read_address
from collector.writer import Writer
from tests.collector.hits import POLICY_TEXT

# Larger than a page, so that a full file takes none of them.
A, B, C, D = (letter * 50_000 for letter in (b"a", b"b", b"c", b"d"))

NAMES = (HOME, "cn", "us")
AWAY = read_address("clickhouse://nobody@127.0.0.1:9/default")  # no test sends anything there


class Disks:
    """A spool for each region, whose stores are away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spools: dict[str, Spool] = {}
        self.lost: list[str] = []
        self.open()

    def open(self) -> None:
        """Open the spools as a start does."""
        self.spools = {name: Spool(self.folder / f"{name or 'home'}.sqlite") for name in NAMES}
        settle(self.spools.values())

    def kill(self) -> None:
        """End as a killed process does: nothing is tidied."""
        for spool in self.spools.values():
            spool.close()

    def fill(self, name: str) -> None:
        self.spools[name]._database.execute("PRAGMA max_page_count = 1").fetchall()

    def empty(self, name: str) -> None:
        self.spools[name]._database.execute("PRAGMA max_page_count = 1000000").fetchall()

    def rows(self) -> dict[str, list[bytes]]:
        """Return what waits for each region's store."""
        return {
            name: [row for (row,) in spool._database.execute("SELECT rows FROM groups ORDER BY id")]
            for name, spool in self.spools.items()
        }

    def left(self) -> list[str]:
        """Return all that isn't settled."""
        spools = self.spools.values()
        return [token for spool in spools for token in (*spool.held(), *spool.decided())]

    def run(self, work: Callable[[RegionWriters], Awaitable[None]]) -> None:
        async def go() -> None:
            writers = {
                name: Writer(spool, Store(open_late(AWAY)), lambda: None)
                for name, spool in self.spools.items()
            }
            await work(RegionWriters(writers, self.lost.extend))

        asyncio.run(go())


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[Disks]:
    disks = Disks(tmp_path)
    yield disks
    disks.kill()


BOTH = {HOME: [A], "cn": [B]}
ALL = {**BOTH, "us": [C]}
NOTHING: dict[str, list[bytes]] = {name: [] for name in NAMES}


@pytest.mark.parametrize("rows", [{"cn": [B]}, BOTH, ALL], ids=["one", "two", "three"])
def test_rows_are_each_in_their_own_spool_alone(disks: Disks, rows: dict[str, list[bytes]]) -> None:
    disks.run(lambda writers: writers.keep(rows))
    assert disks.rows() == NOTHING | rows
    assert disks.left() == []


@pytest.mark.parametrize("full", NAMES, ids=["home", "cn", "us"])
def test_request_of_which_one_disk_is_full_leaves_nothing_anywhere(disks: Disks, full: str) -> None:
    disks.fill(full)

    async def work(writers: RegionWriters) -> None:
        with pytest.raises(SpoolFailed):
            await writers.keep(ALL)

    disks.run(work)
    assert disks.rows() == NOTHING
    assert disks.left() == []
    assert sorted(disks.lost) == sorted(NAMES), "the visits it was counted on are forgotten"


def test_full_disk_of_one_region_refuses_no_request_of_another(disks: Disks) -> None:
    disks.fill("cn")

    async def work(writers: RegionWriters) -> None:
        await writers.keep({HOME: [A]})
        with pytest.raises(SpoolFailed):
            await writers.keep({"cn": [B]})
        await writers.keep({HOME: [C], "us": [D]})

    disks.run(work)
    assert disks.rows() == {HOME: [A, C], "cn": [], "us": [D]}


STEPS: dict[str, tuple[Callable[[Disks], object], bool]] = {
    "before anything": (lambda _: None, False),
    "one holds": (lambda d: d.spools["us"].hold([C], "t"), False),
    "all hold": (lambda d: d.spools["cn"].hold([B], "t"), False),
    "it is decided": (lambda d: d.spools[HOME].append_deciding([A], "t"), True),
    "one is released": (lambda d: d.spools["us"].release("t"), True),
    "all are released": (lambda d: d.spools["cn"].release("t"), True),
    "it is forgotten": (lambda d: d.spools[HOME].forget_decided("t"), True),
}


@pytest.mark.parametrize("last", STEPS)
def test_request_that_is_killed_at_any_step_counts_in_all_regions_or_in_none(
    disks: Disks, last: str
) -> None:
    for step, (do, _) in STEPS.items():
        do(disks)
        if step == last:
            break
    disks.kill()
    disks.open()
    assert disks.rows() == (ALL if STEPS[last][1] else NOTHING)
    assert disks.left() == []
    disks.kill()
    disks.open()
    assert disks.rows() == (ALL if STEPS[last][1] else NOTHING), "settling again changes nothing"


def test_steps_are_those_of_the_writers(disks: Disks) -> None:
    """The steps above are tried one by one, so they must be what `keep` does, in its order."""
    seen: list[str] = []
    for name, spool in disks.spools.items():
        spool._database.set_trace_callback(
            lambda sql, name=name: seen.append(f"{name or 'home'} {' '.join(sql.split()[:3])}")  # type: ignore[misc]
        )
    disks.run(lambda writers: writers.keep(ALL))
    changes = [line for line in seen if "INSERT INTO" in line or "DELETE FROM" in line]
    assert changes == [
        "us INSERT INTO held",
        "cn INSERT INTO held",
        "home INSERT INTO groups",
        "home INSERT INTO decided",
        "cn INSERT INTO groups",
        "cn DELETE FROM held",
        "us INSERT INTO groups",
        "us DELETE FROM held",
        "home DELETE FROM decided",
    ]


def test_release_that_fails_is_made_up_for_by_the_next_request(disks: Disks) -> None:
    async def work(writers: RegionWriters) -> None:
        # Full from the moment at which the rows of both are on disk.
        fill = disks.spools[HOME]._database
        fill.set_trace_callback(lambda sql: disks.fill("cn") if "decided" in sql else None)
        await writers.keep(BOTH)
        assert disks.rows() == NOTHING | {HOME: [A]}
        assert len(disks.spools["cn"].held()) == 1
        fill.set_trace_callback(None)
        disks.empty("cn")
        await writers.keep({HOME: [C], "us": [D]})

    disks.run(work)
    assert disks.rows() == {HOME: [A, C], "cn": [B], "us": [D]}


def test_region_that_decided_for_another_is_not_left_before_that_one_knows(
    tmp_path: Path,
) -> None:
    data = DataDir(tmp_path)
    spools = {name: Spool(spool_of(data, name)) for name in ("cn", "us")}
    spools["us"].hold([D], "token")
    spools["cn"].append_deciding([C], "token")
    spools["cn"]._database.execute("DELETE FROM groups")  # its store took it, then came the kill
    for spool in spools.values():
        spool.close()

    with pytest.raises(BadAddress, match="region cn: hits wait"):
        remember_regions(data, {"us": AWAY})

    spools = {name: Spool(spool_of(data, name)) for name in ("cn", "us")}
    settle(spools.values())
    for spool in spools.values():
        spool.close()
    remember_regions(data, {"us": AWAY})


def policy() -> Policy:
    text = POLICY_TEXT.format(zone="UTC", min_group=1)
    text += (
        '[residency.regions.cn]\nstore = "clickhouse://a@127.0.0.1:1"\nstored_in = ["China"]\n'
        'sites = ["other.example"]\n'
        '[residency.regions.us-east]\nstore = "clickhouse://a@127.0.0.1:2"\n'
        'stored_in = ["United States"]\ncountries = ["US"]\n'
    )
    return read_policy(text, default_policy())


@pytest.mark.parametrize(
    ("site", "country", "region"),
    [
        ("example.org", "DE", HOME),
        ("example.org", "US", "us-east"),
        ("example.org", "(unknown)", HOME),
        ("other.example", "US", "cn"),
        ("other.example", "(unknown)", "cn"),
    ],
)
def test_region_of_a_site_goes_before_that_of_a_country(
    site: str, country: str, region: str
) -> None:
    assert Regions(policy()).of_hit(SiteId(site), country) == region


def test_password_of_a_region_comes_from_its_file_or_its_variable(tmp_path: Path) -> None:
    region = policy().regions["us-east"]
    file = tmp_path / "password"
    file.write_text("of the file\nsecond line\n")
    variable = {PASSWORD_VARIABLE.format("US_EAST"): "of the environment"}
    assert region_address(region, [f"us-east={file}"], variable).password == "of the file"
    assert region_address(region, [f"cn={file}"], variable).password == "of the environment"
    assert region_address(region, [], {}).password == ""
    for wrong in (f"{file}", "us-east=", f"us-east={tmp_path / 'none'}"):
        with pytest.raises(BadAddress):
            region_address(region, [wrong], variable)
