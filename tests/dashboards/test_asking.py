"""Answers over a year of traffic, beside sums of the same rows made in plain Python."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from anonymizer.policy import Dimension
from collector.schema.views import columns_of
from dashboards.address.periods import Grain, Period, PeriodName
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.filters import OTHER, And, Contains, Filter, Is, IsNot, Not, Or
from dashboards.asking.metrics import Metric
from dashboards.asking.question import Order, Question
from tests.dashboards.traffic import LAST_DAY, SITE, TRAFFIC, WORDS, sums
from tests.dashboards.views import Store, make_policy

POLICY = make_policy()
PAGE, DEVICE, BROWSER, OS = Dimension.PAGE, Dimension.DEVICE, Dimension.BROWSER, Dimension.OS
HOSTILE = (
    "",
    "'",
    "\\",
    "\\'",
    "a' OR 1 --",
    "{site:String}",
    "\t\n",
    "☃ 🐎",
    "%s",
    "`",
    "(other)",
)

Ask = Callable[[Question], Answer]


def question(
    first: date, last: date, *metrics: Metric, by: Sequence[Dimension] = (), **more: object
) -> Question:
    asked = Question(
        site=next(site for site in POLICY.sites.values() if site.domain == SITE),
        period=Period(PeriodName.CUSTOM, first, last),
        today=LAST_DAY,
        metrics=metrics,
        dimensions=tuple(by),
        limit=1000,
    )
    return replace(asked, **more)


@pytest.fixture(scope="module")
def ask(engine: Store) -> Ask:
    engine.hold(TRAFFIC.rows)
    asker = Asker(engine.query, POLICY, columns_of, lambda _: ())
    return lambda asked: asyncio.run(asker.answer(asked))


WHOLE = (date(2025, 9, 1), date(2025, 10, 31))
CUT = (date(2025, 8, 14), date(2025, 10, 9))


def test_totals_are_the_sums_of_all_hours(ask: Ask) -> None:
    first, last = date(2024, 11, 5), LAST_DAY
    answer = ask(question(first, last, Metric.VISITORS, Metric.VIEWS, Metric.BOUNCE_RATE))

    hours = TRAFFIC.hours(
        datetime.combine(first, time()), datetime.combine(last + timedelta(days=1), time())
    )
    assert answer.totals == (hours[0], hours[2], hours[3] / hours[1])
    assert answer.statistic.name == "traffic"
    assert answer.unplaced is None


@pytest.mark.parametrize("days", [WHOLE, CUT], ids=["whole months", "months cut"])
def test_rows_are_the_sums_of_their_words(ask: Ask, days: tuple[date, date]) -> None:
    answer = ask(question(*days, Metric.VISITORS, Metric.VIEWS, by=[PAGE]))

    expected = TRAFFIC.groups("pages", *days, lambda words: words[0])
    assert {row.words[0]: list(row.metrics) for row in answer.rows} == expected
    assert answer.groups == len(expected)
    assert answer.totals == tuple(sums(expected.values()))


def test_what_belongs_to_no_single_day_is_told_beside_months_cut(ask: Ask) -> None:
    answer = ask(question(*CUT, Metric.VIEWS, by=[PAGE]))

    months = (date(2025, 8, 1), date(2025, 10, 1))
    assert answer.unplaced is not None
    assert answer.unplaced.months == months
    assert answer.unplaced.sums == {"views": TRAFFIC.dayless("pages", months, "views")}


def test_nothing_is_told_beside_whole_months(ask: Ask) -> None:
    assert ask(question(*WHOLE, Metric.VIEWS, by=[PAGE])).unplaced is None


def test_days_lack_what_belongs_to_none_of_them(ask: Ask) -> None:
    answer = ask(question(*WHOLE, Metric.VISITS, by=[DEVICE], grain=Grain.DAY))

    at = 6 + 1
    found = [row for row in TRAFFIC.rows["devices"] if row[0] == SITE and row[1]]
    within = [row for row in found if WHOLE[0] <= row[1] <= WHOLE[1]]
    assert sum(int(row.metrics[0] or 0) for row in answer.rows) == sum(row[at] for row in within)
    months = (date(2025, 9, 1), date(2025, 10, 1))
    assert answer.unplaced is not None
    assert answer.unplaced.sums == {"visits": TRAFFIC.dayless("devices", months, "visits")}
    assert [row.time for row in answer.rows] == sorted(row.time for row in answer.rows)


@pytest.mark.parametrize(
    ("grain", "buckets", "first"),
    [
        pytest.param(Grain.HOUR, 48, "2025-10-01 00:00", id="hour"),
        pytest.param(Grain.DAY, 2, "2025-10-01", id="day"),
        pytest.param(Grain.MONTH, 1, "2025-10-01", id="month"),
    ],
)
def test_time_tells_rows_apart(ask: Ask, grain: Grain, buckets: int, first: str) -> None:
    days = (date(2025, 10, 1), date(2025, 10, 2))
    answer = ask(question(*days, Metric.VIEWS, grain=grain))

    assert (len(answer.rows), answer.rows[0].time) == (buckets, first)
    assert sum(int(row.metrics[0] or 0) for row in answer.rows) == answer.totals[0]


def test_pages_of_rows_join_without_gap_or_repetition(ask: Ask) -> None:
    asked = question(*WHOLE, Metric.VIEWS, by=[PAGE])
    whole = ask(asked)
    parts = [ask(replace(asked, limit=25, offset=offset)) for offset in (0, 25, 50, 75)]

    assert tuple(row for part in parts for row in part.rows) == whole.rows
    assert [part.groups for part in parts] == [whole.groups] * 4
    assert parts[-1].rows == ()


def test_rows_come_largest_first_and_what_is_hidden_last(ask: Ask) -> None:
    rows = ask(question(*WHOLE, Metric.VIEWS, by=[PAGE])).rows

    assert rows[-1].words == ("(other)",)
    views = [int(row.metrics[0] or 0) for row in rows[:-1]]
    assert views == sorted(views, reverse=True)


@pytest.mark.parametrize(
    ("order", "key"),
    [
        pytest.param(Order(Metric.VISITORS), lambda row: row.metrics[0], id="metric"),
        pytest.param(Order(Metric.BOUNCE_RATE), lambda row: row.metrics[1], id="ratio"),
        pytest.param(Order(Dimension.COUNTRY), lambda row: row.words[0], id="word"),
        pytest.param(Order(None), lambda row: row.time, id="time"),
    ],
)
@pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
def test_rows_are_ordered_as_asked(
    ask: Ask, order: Order, key: Callable[[object], str], descending: bool
) -> None:
    way = replace(order, descending=descending)
    metrics = (Metric.VISITORS, Metric.BOUNCE_RATE)
    asked = question(*WHOLE, *metrics, by=[Dimension.COUNTRY], grain=Grain.DAY, order=(way,))

    keys = [key(row) for row in ask(asked).rows]
    assert len(set(keys)) > 1
    assert keys == sorted(keys, reverse=descending)


def test_share_is_of_everyone_who_came(ask: Ask) -> None:
    answer = ask(question(*WHOLE, Metric.VISITORS, Metric.SHARE, by=[Dimension.SOURCE]))
    everyone = ask(question(*WHOLE, Metric.VISITORS)).totals[0]

    assert everyone
    for row in answer.rows:
        visitors, share = row.metrics
        assert share == min(1, (visitors or 0) / everyone)


def test_share_of_a_day_is_of_those_who_came_that_day(ask: Ask) -> None:
    asked = question(*WHOLE, Metric.VISITORS, Metric.SHARE, by=[Dimension.SOURCE], grain=Grain.DAY)
    by_day = ask(question(*WHOLE, Metric.VISITORS, grain=Grain.DAY))
    everyone = {row.time: row.metrics[0] for row in by_day.rows}

    for row in ask(asked).rows:
        visitors, share = row.metrics
        assert share == min(1, (visitors or 0) / (everyone[row.time] or 1))


def test_ratio_without_a_visit_is_none(ask: Ask) -> None:
    nobody = (Is(DEVICE, ("none",)),)
    metrics = (Metric.VISITS, Metric.BOUNCE_RATE, Metric.VISIT_DURATION, Metric.VIEWS_PER_VISIT)

    assert ask(question(*WHOLE, *metrics, filters=nobody)).totals == (0, None, None, None)


WORD = st.sampled_from((*(word for words in WORDS["devices"] for word in words), *HOSTILE))
MATCH = st.builds(
    lambda kind, dimension, values: kind(dimension, tuple(values)),
    st.sampled_from((Is, IsNot, Contains)),
    st.sampled_from((DEVICE, BROWSER, OS)),
    st.lists(st.one_of(WORD, st.text(max_size=3)).filter(lambda word: "\0" not in word), min_size=1)
    | st.lists(st.sampled_from(("o", "1", " ", "ux")), min_size=1, max_size=2),
)
FILTER: st.SearchStrategy[Filter] = st.recursive(
    MATCH,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=6,
)


def holds(of: Filter, words: dict[Dimension, str]) -> bool:
    match of:
        case And(filters=inner):
            return all(holds(each, words) for each in inner)
        case Or(filters=inner):
            return any(holds(each, words) for each in inner)
        case Not(filter=inner):
            return not holds(inner, words)
        case Is():
            return words[of.dimension] in of.values
        case IsNot():
            return words[of.dimension] not in of.values
        case Contains():
            word = words[of.dimension]
            return word != OTHER and any(part in word for part in of.values)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(of=FILTER)
def test_filters_hold_for_the_rows_that_they_name(ask: Ask, of: Filter) -> None:
    answer = ask(question(*CUT, Metric.VISITS, by=[DEVICE, BROWSER, OS], filters=(of,)))

    every = TRAFFIC.groups("devices", *CUT, lambda words: words)
    expected = {
        words: figures[1]
        for words, figures in every.items()
        if holds(of, dict(zip((DEVICE, BROWSER, OS), words, strict=True)))
    }
    assert {row.words: row.metrics[0] for row in answer.rows} == expected
    assert answer.totals == (sum(expected.values()),)


def test_every_value_is_bound(engine: Store, ask: Ask) -> None:
    engine.asked.clear()
    ask(question(*CUT, Metric.VISITS, by=[DEVICE], filters=(Is(BROWSER, HOSTILE),), offset=900))

    assert len(engine.asked) == 2
    for sql, parameters in engine.asked:
        assert parameters["site"] == SITE
        assert "{view:Identifier}" in sql
        assert not any(word in sql for word in (SITE, "devices", "OR 1", "☃", "900"))
