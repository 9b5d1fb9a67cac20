"""The visit memory: how long it knows a visitor, and when it forgets."""

from datetime import UTC, datetime

import pytest

from anonymizer.hits import LocalSeconds, SiteId, VisitorKey
from collector.clock import day_of
from collector.counted import CountedHit
from collector.visits import GRACE_SECONDS, VISIT_IDLE_SECONDS, VisitMemory
from tests.collector.hits import SITE, FillInTurn, Line, make_policy

MINUTE = 60
DAY = 86_400
OTHER = SiteId("other.example")
MIDNIGHT = int(datetime(2026, 3, 10, 23, 0, tzinfo=UTC).timestamp())  # in Berlin
LOCAL_MIDNIGHT = LocalSeconds(MIDNIGHT + 3_600)


def visits_of(rows: list[CountedHit]) -> int:
    return sum(row.visits for row in rows)


@pytest.fixture
def line() -> Line:
    return Line(make_policy())


@pytest.fixture
def memory() -> VisitMemory:
    return VisitMemory(FillInTurn())


def test_two_sites_and_two_days_never_share_a_salt(memory: VisitMemory) -> None:
    digests = {
        memory.salts(site, LocalSeconds(LOCAL_MIDNIGHT + day * DAY + 7_200)).today.digest()
        for site in (SITE, OTHER)
        for day in range(3)
    }

    assert len(digests) == 6


def test_salt_stays_the_same_all_day(memory: VisitMemory) -> None:
    first = memory.salts(SITE, LOCAL_MIDNIGHT).today
    last = memory.salts(SITE, LocalSeconds(LOCAL_MIDNIGHT + DAY - 1)).today

    assert first is last


@pytest.mark.parametrize(
    ("after_midnight", "has_before"),
    [
        pytest.param(0, True, id="midnight"),
        pytest.param(GRACE_SECONDS - 1, True, id="the last second of the grace"),
        pytest.param(GRACE_SECONDS, False, id="the grace is over"),
    ],
)
def test_yesterdays_salt_is_given_within_the_grace_alone(
    memory: VisitMemory, after_midnight: int, has_before: bool
) -> None:
    yesterday = memory.salts(SITE, LocalSeconds(LOCAL_MIDNIGHT - 1)).today

    salts = memory.salts(SITE, LocalSeconds(LOCAL_MIDNIGHT + after_midnight))

    assert salts.before is (yesterday if has_before else None)


def test_day_without_a_hit_has_no_salt_to_give_the_next(memory: VisitMemory) -> None:
    assert memory.salts(SITE, LOCAL_MIDNIGHT).before is None


@pytest.mark.parametrize(
    ("after_midnight", "kept"),
    [
        pytest.param(-1, 2, id="still that day"),
        pytest.param(0, 2, id="midnight"),
        pytest.param(GRACE_SECONDS - 1, 2, id="within the grace"),
        pytest.param(GRACE_SECONDS, 1, id="after the grace"),
        pytest.param(DAY, 1, id="a day later, within the next grace"),
        pytest.param(DAY + GRACE_SECONDS, 0, id="a day later, after it"),
    ],
)
def test_ended_day_is_forgotten_after_its_grace(
    memory: VisitMemory, after_midnight: int, kept: int
) -> None:
    memory.salts(SITE, LocalSeconds(LOCAL_MIDNIGHT - 1))
    memory.salts(SITE, LOCAL_MIDNIGHT)

    memory.forget_before(SITE, LocalSeconds(LOCAL_MIDNIGHT + after_midnight))

    assert len(list(memory.days())) == kept


def test_forgetting_one_sites_day_leaves_another_sites(memory: VisitMemory) -> None:
    for site in (SITE, OTHER):
        memory.salts(site, LOCAL_MIDNIGHT)

    memory.forget_before(SITE, LocalSeconds(LOCAL_MIDNIGHT + 2 * DAY))

    assert list(memory.days()) == [(OTHER, day_of(LOCAL_MIDNIGHT))]


@pytest.mark.parametrize("how", ["day is over", "all"])
def test_forgetting_destroys_salts_and_visitors(line: Line, how: str) -> None:
    """Nothing else holds on to them: they end with the memory's own hold."""
    line.view("ada", MIDNIGHT - MINUTE)
    local = line.local(MIDNIGHT - MINUTE)
    ended: list[str] = []
    day = line.memory._days[SITE, day_of(local)]
    day.salt = _Watched("salt", ended)  # type: ignore[assignment]
    day.visitors[VisitorKey(b"ada")] = _Watched("visitor", ended)  # type: ignore[assignment]
    del day

    if how == "all":
        line.memory.forget_all()
    else:
        line.memory.forget_before(SITE, LocalSeconds(local + DAY))

    assert sorted(ended) == ["salt", "visitor"]
    assert list(line.memory.days()) == []


class _Watched:
    """Says when it is freed."""

    def __init__(self, name: str, ended: list[str]) -> None:
        self._name = name
        self._ended = ended

    def __del__(self) -> None:
        self._ended.append(self._name)


def test_same_visitor_is_new_after_all_was_forgotten(line: Line) -> None:
    first = line.view("ada", MIDNIGHT - 60 * MINUTE)
    line.memory.forget_all()
    again = line.view("ada", MIDNIGHT - 59 * MINUTE)

    assert (visits_of(first), visits_of(again)) == (1, 1)
    assert line.is_first(again, "traffic")


@pytest.mark.parametrize(
    ("pause", "visits"),
    [
        pytest.param(VISIT_IDLE_SECONDS - 1, 0, id="open"),
        pytest.param(VISIT_IDLE_SECONDS, 1, id="ended"),
    ],
)
def test_visit_goes_on_over_midnight_while_it_is_open(line: Line, pause: int, visits: int) -> None:
    line.view("ada", MIDNIGHT - 10 * MINUTE)

    assert visits_of(line.view("ada", MIDNIGHT - 10 * MINUTE + pause)) == visits


def test_visit_that_went_over_midnight_is_known_under_one_key_alone(line: Line) -> None:
    line.view("ada", MIDNIGHT - MINUTE)
    line.view("ada", MIDNIGHT + MINUTE)

    visitors = [len(day.visitors) for day in line.memory._days.values()]
    assert sorted(visitors) == [0, 1]


def test_visit_memory_holds_no_key_of_a_visits_first_hit(line: Line) -> None:
    line.view("ada", MIDNIGHT - MINUTE)

    for day in line.memory._days.values():
        for visitor in day.visitors.values():
            assert visitor.opening.visitor == b""
            assert visitor.opening.visitor_before is None


def test_same_visitor_on_two_sites_is_two_visitors(line: Line) -> None:
    here = line.view("ada", MIDNIGHT)
    there = line.view("ada", MIDNIGHT, site=OTHER)

    assert (visits_of(here), visits_of(there)) == (1, 1)
    keys = [set(day.visitors) for day in line.memory._days.values()]
    assert keys[0].isdisjoint(keys[1])
