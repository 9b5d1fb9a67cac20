"""Law 5: no small group stays. Here what readers get: no row of any report is of a small group.

Views hold it of each period. What is asked of them adds periods and words up, under filters and
without: a row that names its words counts its statistic's `min_group` at least, of visitors or, of
what the operator told, of messages delivered.
"""

import asyncio
from collections.abc import Iterator
from datetime import date, datetime

import pytest
from msgspec.structs import replace

from anonymizer.policy import Dimension
from collector.schema.mail_views import DELIVERED
from dashboards.address.filters import Condition
from dashboards.address.periods import Grain, Period, PeriodName
from dashboards.asking.answering import Answer
from dashboards.asking.filters import Contains, Is
from dashboards.asking.metrics import Metric
from dashboards.reports.declared import question_of, reports_by_id
from dashboards.reports.labels import OTHER
from tests.collector.hits import Line
from tests.dashboards.pictures.days import Asked, Days, make_policy, select
from tests.laws.test_law5_no_small_group import crowd

POLICY = make_policy()
PERIODS = {
    "28 days that cut two months": (date(2026, 3, 5), date(2026, 4, 1)),
    "a month that is over": (date(2026, 3, 1), date(2026, 3, 31)),
}
NOW = datetime(2026, 4, 7, 12)
FILTERS: dict[str, tuple[Condition, ...]] = {
    "nothing": (),
    "a country": (Is(Dimension.COUNTRY, ("DE",)),),
    "a part of pages": (Contains(Dimension.PAGE, ("p",)),),
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    kept = Days(POLICY, visitors=30, seed=9).keep(tmp_path_factory.mktemp("reports"))
    kept.count(*crowd(Line(POLICY), seed=2))
    yield Asked(kept)
    kept.close()


async def answers_of(
    asked: Asked, report: str, period: Period, filters: tuple[Condition, ...]
) -> list[Answer]:
    """Ask for a report's rows with their visitors, in all and by day, where that can be asked."""
    selection = replace(select(POLICY, report, *filters), period=period, now=NOW)
    question = question_of(reports_by_id(POLICY)[report], selection, limit=1_000)
    metrics = [each for each in question.metrics if each is not Metric.VISITORS]
    question = replace(question, metrics=(Metric.VISITORS, *metrics))
    questions = (question, replace(question, grain=Grain.DAY))
    return [await asked.answer(each) for each in questions if asked.declares(each)]


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("days", PERIODS.values(), ids=PERIODS)
def test_row_that_names_its_words_is_of_no_small_group(
    asked: Asked, days: tuple[date, date], filters: tuple[Condition, ...]
) -> None:
    period = Period(PeriodName.CUSTOM, *days)
    named = others = 0
    for report in reports_by_id(POLICY):
        for answer in asyncio.run(answers_of(asked, report, period, filters)):
            for row in answer.rows:
                if OTHER in row.words:
                    others += 1
                elif DELIVERED not in row.words:
                    named += 1
                    assert (row.metrics[0] or 0) >= answer.statistic.min_group, report
    assert named > 10
    # A word that is asked for is never told as one of the small groups.
    assert bool(others) is not bool(filters)
