"""Requests that come together: counted in one go, answered when on disk, apart in their faults."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec import msgpack
from msgspec.structs import replace

from anonymizer.hits import Door, RawHit
from anonymizer.policy import Event, Property
from collector.counted import CountedHit
from collector.intake import Intake, Read
from collector.pipeline import Pipeline, TooManyHits
from collector.plan import make_plan
from collector.receive import BadRequest
from collector.reference import load_agents, load_tables
from collector.spool import SpoolFailed
from collector.visits import MOST_HITS_A_MINUTE
from tests.collector.hits import SITE, FillInTurn, make_policy

NOON = 1_773_140_400
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


class Disk:
    """Keeps groups in memory, one at a time, and fails when it is told to."""

    def __init__(self) -> None:
        self.groups: list[list[bytes]] = []
        self.full = False
        self.free = asyncio.Event()
        self.free.set()

    async def keep(self, rows: dict[str, list[bytes]]) -> None:
        await self.free.wait()
        if self.full:
            raise SpoolFailed("the spool can't be written")
        (group,) = rows.values()
        self.groups.append(group)

    def pages(self) -> list[str]:
        """Return the pages kept, in order."""
        position = CountedHit.__struct_fields__.index("page")
        return [_values(row)[position] for rows in self.groups for row in rows]


def _values(row: bytes) -> list[str]:
    header = b"\xdc" + len(CountedHit.__struct_fields__).to_bytes(2, "big")
    values: list[str] = msgpack.decode(header + row)
    return values


def read(page: str, agent: str = FIREFOX, **signals: tuple[str, ...]) -> Read:
    raw = RawHit(Door.EVENT, SITE, NOON, "192.0.2.1", agent, page, **signals)  # type: ignore[arg-type]
    return lambda: [raw]


def flood(hits: int, agent: str = FIREFOX, time: int = NOON, **signals: tuple[str, ...]) -> Read:
    raw = RawHit(Door.EVENT, SITE, time, "192.0.2.1", agent, "/flood", **signals)  # type: ignore[arg-type]
    return lambda: [raw] * hits


def run(work: Callable[[Intake, Disk], Awaitable[None]]) -> Disk:
    policy = make_policy()
    pipeline = Pipeline(policy, make_plan(policy), load_agents(), load_tables(), FillInTurn())

    async def go() -> Disk:
        disk = Disk()
        await work(Intake(pipeline, disk.keep), disk)
        return disk

    return asyncio.run(go())


def test_requests_that_come_together_are_one_group() -> None:
    async def work(intake: Intake, _: Disk) -> None:
        outcomes = await asyncio.gather(*(intake.take(read(f"/{n}")) for n in range(50)))
        assert outcomes == [b"counted"] * 50

    disk = run(work)

    assert disk.pages() == [f"/{number}" for number in range(50)]
    assert len(disk.groups) == 1


def test_requests_that_come_during_a_commit_are_the_next_group() -> None:
    async def work(intake: Intake, disk: Disk) -> None:
        disk.free.clear()
        first = intake.take(read("/first"))
        for _ in range(3):
            await asyncio.sleep(0)
        later = [intake.take(read(f"/{number}")) for number in range(9)]
        assert not first.done()
        disk.free.set()
        await asyncio.gather(first, *later)

    disk = run(work)

    assert [len(group) for group in disk.groups] == [1, 9]


def test_refused_and_counted_requests_of_a_group_hear_their_own_outcome() -> None:
    async def work(intake: Intake, _: Disk) -> None:
        asked = (read("/a"), read("/b", gpc=("1",)), read("/c"))
        outcomes = await asyncio.gather(*map(intake.take, asked))
        assert outcomes == [b"counted", b"refused opted_out_gpc", b"counted"]

    assert run(work).pages() == ["/a", "", "/c"]


def unreadable() -> list[RawHit]:
    raise BadRequest("body", "must be JSON in UTF-8")


def broken() -> list[RawHit]:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        pytest.param(unreadable, BadRequest, id="body that can't be read"),
        pytest.param(read("data:text/html,x"), BadRequest, id="page that can't be read"),
        pytest.param(broken, ZeroDivisionError, id="fault of our own"),
    ],
)
def test_bad_request_fails_alone_in_its_group(bad: Read, error: type[Exception]) -> None:
    async def work(intake: Intake, _: Disk) -> None:
        good = [intake.take(read("/a"))]
        wrong = intake.take(bad)
        good.append(intake.take(read("/b")))
        assert await asyncio.gather(*good) == [b"counted"] * 2
        with pytest.raises(error):
            await wrong

    assert run(work).pages() == ["/a", "/b"]


def test_full_disk_fails_its_group_with_503_and_the_next_group_is_taken() -> None:
    async def work(intake: Intake, disk: Disk) -> None:
        disk.full = True
        lost = await asyncio.gather(
            *(intake.take(read(f"/{n}")) for n in range(3)), return_exceptions=True
        )
        assert [getattr(error, "status", None) for error in lost] == [503] * 3
        disk.full = False
        assert await intake.take(read("/after")) == b"counted"

    assert run(work).pages() == ["/after"]


def test_request_that_goes_away_takes_no_other_with_it() -> None:
    async def work(intake: Intake, _: Disk) -> None:
        leaving, staying = intake.take(read("/leaving")), intake.take(read("/staying"))
        leaving.cancel()
        assert await staying == b"counted"

    assert run(work).pages() == ["/leaving", "/staying"]


def test_visitor_who_sends_too_much_in_a_minute_is_refused_whole() -> None:
    async def work(intake: Intake, _: Disk) -> None:
        assert await intake.take(flood(MOST_HITS_A_MINUTE - 1)) == b"counted"
        with pytest.raises(BadRequest) as bad:
            await intake.take(flood(2))
        assert (bad.value.status, bad.value.field) == (429, "hits")
        assert str(bad.value) == "hits: must be at most 600 in a minute"
        # Another visitor, and the same one in the next minute.
        assert await intake.take(read("/other", agent=f"{FIREFOX} 2")) == b"counted"
        assert await intake.take(flood(1, time=NOON + 60)) == b"counted"

    disk = run(work)

    assert disk.pages().count("/flood") == MOST_HITS_A_MINUTE
    assert disk.pages().count("/other") == 1


def test_refused_hits_are_not_held_to_a_number() -> None:
    async def work(intake: Intake, _: Disk) -> None:
        for _again in range(2):
            outcome = await intake.take(flood(MOST_HITS_A_MINUTE, gpc=("1",)))
            assert outcome == b"refused opted_out_gpc"
        assert await intake.take(read("/a")) == b"counted"

    run(work)


def test_cells_of_a_grid_weigh_as_hits_do() -> None:
    pointer = Event("Pointer", (Property("moved", grid=(20, 20)),), interactive=False)
    policy = replace(make_policy(), events={"Pointer": pointer})
    pipeline = Pipeline(policy, make_plan(policy), load_agents(), load_tables(), FillInTurn())

    def touched(cells: int, time: int) -> RawHit:
        told = " ".join(f"{cell % 20}.{cell // 20}" for cell in range(cells))
        hit = RawHit(Door.EVENT, SITE, time, "192.0.2.1", FIREFOX, "/a")
        return replace(hit, name="Pointer", raw_properties=(("moved", told),))

    for _ in range(MOST_HITS_A_MINUTE // 21):
        pipeline.take_live([touched(400, NOON)])
    with pytest.raises(TooManyHits):
        pipeline.take_live([touched(400, NOON)])
    for _ in range(MOST_HITS_A_MINUTE):  # a pointer that hardly moved
        pipeline.take_live([touched(5, NOON + 60)])
