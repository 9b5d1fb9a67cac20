"""Law 5 by the job itself: no hidden group can be worked out from what the views show.

Random small months come into a real store from two collectors, some of it days late, some while a
run is under way, and runs end at any statement. Then the linear programme of
test_law5_differencing looks at what the views of the closed month show.
"""

import random
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from anonymizer.policy import Grain, Policy
from collector.clock import DAY_SECONDS
from collector.retention.cells import is_guarded
from collector.retention.job import run_retention
from collector.retention.last_run import LastRun
from collector.retention.site_days import first_second
from collector.schema.tables import BATCH, DATABASE, MEASURES, cells_of
from collector.schema.views import MONTH, column_of, columns_of, measures_of
from collector.store import StoreFailed
from tests.collector.hits import SITE
from tests.collector.storing import Kept
from tests.laws.answerable import narrowed
from tests.laws.small_sites import Cells, Size, by_day, visit
from tests.laws.test_law5_differencing import (
    GOALS,
    MOST_VISITORS_NARROWED,
    OF_EVENTS,
    STATISTICS,
    of_visitors,
    told_by_a_coarser_one,
)
from tests.laws.test_law5_no_small_group import POLICY as SHIPPED

MONTH_OF_HITS = 202601
FIRST = first_second(MONTH_OF_HITS)
THREE_IN_THE_NIGHT = 2 * 3_600  # in Berlin
NIGHTS = 40
LATE_NIGHTS = 6
"""By how many nights hits may be late; some then come after the end of the month."""

BOTH = [*STATISTICS, *(each for each in OF_EVENTS if each not in STATISTICS)]
POLICY = replace(
    SHIPPED,
    statistics=tuple(replace(each, keep_days=750) for each in BOTH),
    goals={goal.name: goal for goal in GOALS},
)


class Months:
    """A store that is filled, month after month, and what came into it."""

    def __init__(self, folder: Path, policy: Policy) -> None:
        self.kept = Kept(folder, policy)
        self.kept.apply()
        self._policy = policy
        self._client = self.kept.store._client
        self._stored = {each.name: each for each in policy.statistics}
        self.ended = self.runs = 0

    def pass_by(self, size: Size, seed: int) -> tuple[Cells, Cells]:
        """Let a month pass; return by day what came in and what is shown in the end."""
        self._client.command(f"TRUNCATE TABLE {DATABASE}.cells")
        chance = random.Random(seed)
        few = Size(size.days, (0, 1), size.pages, size.sources, size.countries)
        crowds = [visit(BOTH, of, seed + 100 * n, GOALS) for n, of in enumerate((size, size, few))]
        truth: Cells = {}
        waiting: dict[int, list[Cells]] = {}
        for number, crowd in enumerate(crowds):
            for (name, at, keys), numbers in crowd.items():
                assert at is not None
                # A few days in the middle, the others at the end of the month.
                day = at // DAY_SECONDS + (10 if at < 2 * DAY_SECONDS else 31 - size.days)
                place = name, FIRST + day * DAY_SECONDS + at % DAY_SECONDS, keys
                before = truth.get(place, (0,) * len(MEASURES))
                truth[place] = tuple(map(sum, zip(before, numbers, strict=True)))
                late = random.Random(f"{seed} {day}").randrange(1, LATE_NIGHTS)
                come = waiting.setdefault(day + late * (number == 2), [{}, {}, {}])
                come[number][place] = numbers
        last: LastRun | None = None
        for night in sorted({*waiting, *range(29, 33)}):
            last = self._night(night, waiting.get(night, []), last, chance)
        run_retention(self._client, self._policy, self._now(NIGHTS), last)
        return by_day(truth), by_day(self.shown())

    def _night(
        self, night: int, come: Sequence[Cells], last: LastRun | None, chance: random.Random
    ) -> LastRun:
        # What is late comes while a run is under way, if it gets that far.
        for cells in come[:2]:
            self._insert(cells)
        left = [cells for cells in come[2:] if cells]
        steps, end_at, insert_at = 0, chance.randrange(1, 12), chance.randrange(1, 6)

        def step(_done: int, _of: int) -> None:
            nonlocal steps
            steps += 1
            if left and steps == insert_at:
                self._insert(left.pop())
            if steps == end_at:
                raise StoreFailed("killed")

        for shared in (False, True):
            self.runs += 1
            try:
                _, last = run_retention(
                    self._client, self._policy, self._now(night), last, shared=shared, step=step
                )
            except StoreFailed:
                self.ended += 1
        for cells in left:
            self._insert(cells)
        return last or LastRun(0)

    @staticmethod
    def _now(night: int) -> int:
        return FIRST + (night + 1) * DAY_SECONDS + THREE_IN_THE_NIGHT

    def _insert(self, cells: Cells) -> None:
        rows: list[list[object]] = [
            [BATCH, 750, "month", "", FIRST, "", "", "", *(0,) * (len(MEASURES) - 1), 1]
        ]
        for (name, at, keys), numbers in cells.items():
            statistic = self._stored[name]
            words = (*keys, "", "", "")[:3]
            rows.append(
                [cells_of(statistic), 750, str(statistic.grain), SITE, at, *words, *numbers]
            )
        names = ["statistic", "keep_days", "grain", "site", "period", "k1", "k2", "k3", *MEASURES]
        self._client.insert(
            f"{DATABASE}.cells",
            rows,
            names,
            settings={"insert_deduplication_token": secrets.token_hex(8)},
        )

    def shown(self) -> Cells:
        """Return what all views show, by the start of day or hour; None where none is told."""
        table: Cells = {}
        for each in self._policy.statistics:
            grain = each.grain.value
            measures = measures_of(each)
            names = [name for name in columns_of(each) if name not in (MONTH, "site", grain)]
            at = "toDateTime(day, 'UTC')" if each.grain is Grain.DAY else "hour"
            answer = self.kept.value(
                f"SELECT toUnixTimestamp({at}), {', '.join(names)} FROM {each.name}"
            )
            for line in answer.splitlines():
                start, *rest = line.split("\t")
                keys, shown = tuple(rest[: len(each.by)]), rest[len(each.by) :]
                of = {column_of(m): int(n) for m, n in zip(measures, shown, strict=True)}
                numbers = tuple(of.get(measure, 0) for measure in MEASURES)
                place = each.name, None if start == "\\N" else int(start), keys
                assert place not in table
                table[place] = numbers
        return table


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Months]:
    months = Months(tmp_path_factory.mktemp("nights"), POLICY)
    yield months
    months.kept.close()


@pytest.mark.parametrize(
    ("size", "seed"),
    [
        pytest.param(Size(5, (1, 4), 4, 3, 2), 1, id="a handful of visitors a day"),
        pytest.param(Size(5, (4, 9), 5, 4, 3), 2, id="ten"),
        pytest.param(Size(4, (10, 20), 5, 4, 3), 3, id="thirty"),
    ],
)
def test_views_of_a_closed_month_give_no_hidden_cell_away(
    months: Months, size: Size, seed: int
) -> None:
    truth, shown = months.pass_by(size, seed)

    for each in BOTH:
        sums = [
            [sum(column) for column in zip(*of, strict=True)]
            for of in (
                [numbers for (name, _, _), numbers in table.items() if name == each.name]
                for table in (truth, shown)
            )
        ]
        assert sums[0] == sums[1], each.name
    small = [
        place
        for place, numbers in shown.items()
        for each in BOTH
        if each.name == place[0] and is_guarded(each) and numbers[0] < each.min_group
    ]
    assert all(at is None and set(keys) <= {"(other)"} for _, at, keys in small)
    count, found = narrowed(BOTH, truth, shown, GOALS, rows_shown=True)
    people = of_visitors(found)
    solved = [
        each
        for each in found
        if each not in people and not told_by_a_coarser_one(each, truth, shown)
    ]
    assert not solved
    assert count > 100
    assert len(people) <= max(1, MOST_VISITORS_NARROWED * count)
    assert 0 < months.ended < months.runs
