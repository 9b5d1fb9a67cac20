"""Questions on the guarded views of hits that were counted: nothing of a small group is told."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from anonymizer.policy import Dimension, Statistic
from collector.schema.views import columns_of
from dashboards.address.periods import Grain, Period, PeriodName
from dashboards.asking.answering import Answer, Asker, Row
from dashboards.asking.filters import Contains, Filter, Is, IsNot, Not
from dashboards.asking.metrics import Metric
from dashboards.asking.question import Question
from tests.collector.hits import Line, make_policy
from tests.collector.storing import Kept, opened

POLICY = make_policy(zone="UTC", min_group=3)
DAY = date(2026, 3, 9)
START = int(datetime(2026, 3, 9, 10, tzinfo=UTC).timestamp())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Count nine visitors on /, two of them on /secret as well; three come from one source."""
    line = Line(POLICY)
    views = []
    for number in range(9):
        who = f"visitor {number}"
        source, country = ("Forum" if number < 3 else "(direct)"), ("LI" if number == 0 else "DE")
        pages = ("/", "/secret") if number < 2 else ("/",)
        for time, page in enumerate(pages, START + number):
            views.append(line.view(who, time, page, source=source, country=country))
    with opened(tmp_path_factory.mktemp("store"), POLICY) as kept:
        kept.count(*views)
        yield kept


def ask(kept: Kept, by: Sequence[Dimension], *filters: Filter, **more: object) -> Answer:
    async def query(sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        return kept.reader.query(sql, parameters)

    question = Question(
        site=next(iter(POLICY.sites.values())),
        period=Period(PeriodName.CUSTOM, DAY, DAY),
        today=DAY,
        metrics=(Metric.VISITORS, Metric.VIEWS),
        dimensions=tuple(by),
        filters=filters,
    )
    asker = Asker(query, POLICY, columns_of, lambda _: ())
    return asyncio.run(asker.answer(replace(question, **more)))


def test_small_group_stands_under_other(kept: Kept) -> None:
    answer = ask(kept, [Dimension.PAGE])

    assert answer.rows == (Row("", ("/",), (9, 9)), Row("", ("(other)",), (2, 2)))
    assert answer.totals == (11, 11)


@pytest.mark.parametrize(
    "filter_",
    [
        pytest.param(Is(Dimension.PAGE, ("/secret",)), id="by name"),
        pytest.param(Contains(Dimension.PAGE, ("secret", "ecre")), id="by a part"),
        pytest.param(Contains(Dimension.PAGE, ("othe", ")")), id="by a part of what stands for it"),
        pytest.param(Not(IsNot(Dimension.PAGE, ("/secret",))), id="by what it is not"),
        pytest.param(Is(Dimension.COUNTRY, ("LI",)), id="by another dimension"),
    ],
)
@pytest.mark.parametrize("grain", [None, Grain.DAY], ids=["in all", "by day"])
def test_no_filter_finds_a_small_group(kept: Kept, filter_: Filter, grain: Grain | None) -> None:
    answer = ask(kept, [Dimension.PAGE], filter_, grain=grain)

    assert answer.rows == ()
    assert answer.totals == (0, 0)


def test_filter_finds_a_group_that_is_large_enough(kept: Kept) -> None:
    answer = ask(kept, [Dimension.SOURCE], Is(Dimension.SOURCE, ("Forum",)))

    assert answer.rows == (Row("", ("Forum",), (3, 5)),)
    assert answer.statistic.min_group == 3


def test_crossed_with_another_dimension_the_group_is_too_small(kept: Kept) -> None:
    """Three come from the forum; with their countries they are two groups, and both too small."""
    answer = ask(kept, [Dimension.COUNTRY], Is(Dimension.SOURCE, ("Forum",)))

    assert answer.statistic.name == "sources_by_country"
    assert answer.rows == ()


@pytest.mark.parametrize(
    "statistic",
    [
        each
        for each in POLICY.statistics
        if each.min_group > 1 and "views" in columns_of(each) and "visitors" in columns_of(each)
    ],
    ids=lambda each: each.name,
)
def test_row_of_every_statistic_is_hidden_or_large_enough(kept: Kept, statistic: Statistic) -> None:
    for row in ask(kept, statistic.by, grain=Grain.DAY).rows:
        is_hidden = set(row.words) == {"(other)"}
        assert is_hidden or (row.metrics[0] or 0) >= statistic.min_group
