"""Law 5 on disk: within 48 hours of a period's end no stored cell is of a small group.

Crowds of two months come to four sites, whose clocks are 26 hours apart; retention runs every
night. What is left out: the cell of a month whose keys are all `(other)`, for there is no coarser
one, and statistics that count hits or nothing but totals.
"""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from msgspec import Struct
from msgspec.structs import replace

from anonymizer.hits import OTHER, SiteId
from anonymizer.policy import Grain, Policy, Statistic
from anonymizer.policy_file import read_policy
from collector.clock import SiteClock
from collector.counted import CountedHit
from collector.plan import is_coverage, is_delivered, is_machines
from collector.reference import default_policy
from collector.retention.job import run_retention
from collector.retention.last_run import LastRun
from collector.schema.tables import DATABASE, MEASURES, cells_of
from tests.collector.hits import POLICY_TEXT, Line
from tests.collector.storing import Kept

DAY = 86_400
HOURS_48 = 2 * DAY
ZONES = {
    "example.org": "Europe/Berlin",
    "other.example": "Asia/Kolkata",
    "east.example": "Pacific/Kiritimati",
    "west.example": "Pacific/Pago_Pago",
}
SITES = "".join(
    f'\n[[site]]\ndomain = "{domain}"\ntimezone = "{zone}"\n'
    for domain, zone in list(ZONES.items())[2:]
)
# The shipped sizes: 1, 3, 5 and 20; and totals by the hour that are held to one as well.
SHIPPED = read_policy(
    POLICY_TEXT.format(zone="Europe/Berlin", min_group=1).replace("min_group = 1\n", "") + SITES,
    default_policy(),
)
POLICY = replace(
    SHIPPED,
    statistics=tuple(
        # Kept for longer than the test lasts, so that every sum stays.
        replace(each, keep_days=750, min_group=3 if each.name == "traffic" else each.min_group)
        for each in SHIPPED.statistics
    ),
)
FIRST_NIGHT = 1_769_911_200  # 2026-02-01 02:00 UTC
NIGHTS = 62
VIEWS_A_DAY = 60


class StoredCell(Struct, frozen=True):
    """What lies under one name on disk."""

    stored: str
    grain: str
    site: str
    period: int
    keys: tuple[str, ...]
    visitors: int


def read_cells(kept: Kept, where: str = "1") -> list[StoredCell]:
    answer = kept.value(
        "SELECT statistic, grain, site, toUnixTimestamp(period), k1, k2, k3, sum(visitors) AS v"
        f" FROM {DATABASE}.cells WHERE statistic != '(batch)'"
        f" GROUP BY statistic, keep_days, grain, site, period, k1, k2, k3 HAVING {where}"
    )
    cells = []
    for line in answer.splitlines():
        stored, grain, site, period, k1, k2, k3, visitors = line.split("\t")
        keys = tuple(key for key in (k1, k2, k3) if key)
        cells.append(StoredCell(stored, grain, site, int(period), keys, int(visitors)))
    return cells


def small_cells(kept: Kept, policy: Policy, now: int) -> list[StoredCell]:
    """Return the cells that the law forbids at Unix second `now`."""
    sizes = {
        cells_of(each): each.min_group
        for each in policy.statistics
        if not (is_coverage(each) or is_machines(each) or is_delivered(each))
    }
    return [
        cell
        for cell in read_cells(kept, f"v < {max(sizes.values())}")
        if cell.visitors < sizes.get(cell.stored, 0)
        and ended_at(cell.grain, cell.site, cell.period) <= now - HOURS_48
        and not (cell.grain == "month" and all(key == OTHER for key in cell.keys))
    ]


@cache
def ended_at(grain: str, site: str, period: int) -> int:
    """Return the Unix second at which a period ended at its site, to the quarter of an hour."""
    begins = datetime.fromtimestamp(period, UTC)
    if grain == "month":
        local_end = int((begins.replace(day=28) + timedelta(days=4)).replace(day=1).timestamp())
    else:
        local_end = period + {"hour": 3_600, "day": DAY}[grain]
    clock = SiteClock(ZoneInfo(ZONES[site]))
    around = range(local_end - 15 * 3_600, local_end + 13 * 3_600, 900)
    return next(time for time in around if clock.local(time) >= local_end)


def totals(kept: Kept) -> dict[tuple[str, str], str]:
    """Return the sums of all measures by statistic and site."""
    sums = ", ".join(f"sum({measure})" for measure in MEASURES)
    answer = kept.value(
        f"SELECT statistic, site, {sums} FROM {DATABASE}.cells GROUP BY statistic, site"
    )
    lines = (line.split("\t", 2) for line in answer.splitlines())
    return {(statistic, site): numbers for statistic, site, numbers in lines}


class Crowd:
    """Visitors of four sites; few pages, sources and countries are common."""

    def __init__(self, line: Line, seed: int) -> None:
        self._line = line
        self._chance = random.Random(seed)

    def day(self, until: int) -> list[list[CountedHit]]:
        """Return what the 24 hours before a Unix second leave."""
        chance = self._chance
        times = sorted(until - chance.randrange(DAY) for _ in range(VIEWS_A_DAY))
        return [self._view(time) for time in times]

    def late(self, until: int) -> list[list[CountedHit]]:
        """Return some of any day of the month before, as an import brings them."""
        times = sorted(until - self._chance.randrange(2 * DAY, 30 * DAY) for _ in range(20))
        return [self._view(time) for time in times]

    def _view(self, time: int) -> list[CountedHit]:
        chance = self._chance
        site = SiteId(chance.choice(list(ZONES)))

        def rare(words: int) -> int:
            return min(int(chance.expovariate(0.7)), words)

        return self._line.view(
            f"visitor {chance.randrange(25)}",
            time,
            f"/{rare(9)}",
            site=site,
            source=f"source {rare(5)}",
            country=("DE", "FR", "AT", "CH", "LI")[rare(4)],
            event=("", "signup", "search")[rare(2)],
            properties=((f"property {rare(1)}", f"value {rare(5)}"),),
            masks=("email", "number")[: rare(2)],
        )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    kept = Kept(tmp_path_factory.mktemp("law5"), POLICY)
    kept.apply()
    yield kept
    kept.close()


class Nights(Struct):
    """How a store came through its nights."""

    small: list[tuple[int, StoredCell]] = []
    lost: list[tuple[int, str]] = []
    moved: int = 0


@pytest.fixture(scope="module")
def nights(kept: Kept) -> Nights:
    """Let 62 nights pass; look at the store before and after each run."""
    nights = Nights()
    crowd = Crowd(Line(POLICY), 5)
    last: LastRun | None = None
    for night in range(NIGHTS):
        now = FIRST_NIGHT + night * DAY
        kept.count(*crowd.day(now))
        if night % 7 == 5:
            kept.count(*crowd.late(now))
        before = totals(kept)
        report, last = run_retention(kept.store._client, POLICY, now, last)
        nights.moved += sum(each.to_month + each.to_other for each in report.statistics.values())
        after = totals(kept)
        nights.lost += [(night, key[0]) for key in before if before[key] != after[key]]
        # The law is broken at the latest moment before the next run, if it is.
        nights.small += [(night, cell) for cell in small_cells(kept, POLICY, now + DAY - 1)]
    return nights


def test_no_small_cell_is_left_48_hours_after_its_period(nights: Nights) -> None:
    assert nights.small == []
    assert nights.moved > 1_000


def test_no_run_changes_a_sum(nights: Nights) -> None:
    assert nights.lost == []


@pytest.mark.usefixtures("nights")
def test_what_is_left_in_closed_months_is_large_or_other(kept: Kept) -> None:
    cells = [cell for cell in read_cells(kept) if cell.period < FIRST_NIGHT + 20 * DAY]
    grains = Counter(cell.grain for cell in cells if cell.stored != "coverage(door,reason)")

    assert grains["day"] > 0  # the look-alike: large groups keep their day
    assert grains["month"] > 0


@pytest.mark.usefixtures("nights")
def test_totals_of_views_are_those_of_the_cells(kept: Kept) -> None:
    stored = totals(kept)
    for each in POLICY.statistics:
        if is_machines(each) or is_delivered(each):
            continue
        measure = "hits" if is_coverage(each) else "visitors"
        shown = kept.value(f"SELECT site, sum({measure}) FROM {each.name} GROUP BY site")
        for line in shown.splitlines():
            site, number = line.split("\t")
            total = stored[cells_of(each), site].split("\t")[MEASURES.index(measure)]
            assert number == total, each.name


@pytest.mark.usefixtures("nights")
def test_no_view_shows_a_small_group_of_a_closed_month(kept: Kept) -> None:
    for each in POLICY.statistics:
        if each.min_group < 2 or is_machines(each) or not each.by:
            continue
        column = "page" if each.name in ("entry_pages", "exit_pages") else each.by[0].value
        small = f"SELECT count() FROM {each.name} WHERE visitors < {each.min_group}"
        assert kept.value(f"{small} AND {column} != '{OTHER}'") == "0", each.name


@pytest.mark.usefixtures("nights")
def test_size_that_is_raised_holds_for_every_closed_day_from_the_next_run_on(kept: Kept) -> None:
    raised = replace(
        POLICY,
        statistics=tuple(
            replace(each, min_group=each.min_group * 2) if each.min_group > 1 else each
            for each in POLICY.statistics
        ),
    )
    now = FIRST_NIGHT + NIGHTS * DAY
    before = totals(kept)

    run_retention(kept.store._client, raised, now, None)

    assert small_cells(kept, raised, now) == []
    assert totals(kept) == before


@pytest.mark.usefixtures("nights")
def test_statistic_that_is_removed_is_folded_too(kept: Kept) -> None:
    kept.store._client.command(
        f"INSERT INTO {DATABASE}.cells SELECT 'gone(country)', 750, 'day', 'example.org',"
        f" toDateTime({FIRST_NIGHT - FIRST_NIGHT % DAY} + number * 86400, 'UTC'), 'LI', '', '',"
        " 2, 2, 2, 0, 0, 0 FROM numbers(2)"
    )

    run_retention(kept.store._client, POLICY, FIRST_NIGHT + NIGHTS * DAY, None)

    gone = [cell for cell in read_cells(kept) if cell.stored == "gone(country)"]
    assert [(cell.grain, cell.keys, cell.visitors) for cell in gone] == [("month", ("LI",), 4)]


def test_reloading_lifts_no_cell() -> None:
    """A visitor counts once a day in each cell, whatever they do, so a group is of visitors."""
    line = Line(POLICY)
    noon = FIRST_NIGHT + 9 * 3_600
    rows = [row for number in range(100) for row in line.view("ada", noon + number, "/reloaded")]
    again = [
        row for number in range(100) for row in line.view("ada", noon + 7_200 + number, "/reloaded")
    ]

    firsts = sum(row.firsts >> line.plan.combination_bit(pages()) & 1 for row in (*rows, *again))

    assert firsts == 1
    assert sum(row.views for row in (*rows, *again)) == 200


def pages() -> Statistic:
    return next(
        each for each in POLICY.statistics if each.name == "pages" and each.grain is Grain.DAY
    )
