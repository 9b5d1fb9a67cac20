import asyncio
import inspect
import re
from datetime import UTC, date, datetime, timedelta
from importlib import resources

import pytest

from dashboards import queries
from dashboards.queries import Figures
from dashboards.periods import Period, PeriodName, Span, months_of
from dashboards.queries import Breakdown, Rows
from tests.dashboards.traffic import SITE, TRAFFIC
from tests.dashboards.views import VIEWS, VISIT_SUMS, Store

PERIOD = Period(PeriodName.CUSTOM, date(2025, 9, 28), date(2025, 11, 3))
TODAY = date(2025, 11, 4)
MONTHS = months_of(PERIOD.span, TODAY)
SQL_FILES = sorted(
    file.name.removesuffix(".sql")
    for file in resources.files("dashboards").joinpath("views").iterdir()
)
LISTS = [name for name in SQL_FILES if name in VIEWS or name in {"browsers", "systems"}]


def fetch(store: Store, name: str, rows: Rows) -> Breakdown:
    breakdown = asyncio.run(getattr(queries, name)(store.query, rows))
    assert isinstance(breakdown, Breakdown)
    return breakdown


def test_every_file_has_a_function_and_every_function_a_file() -> None:
    functions = [
        name
        for name, function in inspect.getmembers(queries, inspect.iscoroutinefunction)
        if not name.startswith("_")
    ]

    assert functions == SQL_FILES


@pytest.mark.parametrize("name", SQL_FILES)
def test_every_query_binds_the_site(name: str) -> None:
    assert "site = {site:String}" in queries._sql(name)


def test_values_are_bound_and_never_written_into_sql(stored: Store) -> None:
    hostile = "x' OR '1'='1"
    for name in LISTS:
        assert fetch(stored, name, Rows(hostile, PERIOD, 10, whole=MONTHS.whole)) == Breakdown(
            (), 0, 0
        )
    span = PERIOD.span
    assert asyncio.run(queries.traffic_total(stored.query, hostile, span)) == Figures()
    assert asyncio.run(queries.traffic_days(stored.query, hostile)) is None
    assert not asyncio.run(queries.coverage_any(stored.query, hostile))
    assert asyncio.run(queries.coverage(stored.query, hostile, PERIOD)).hits == 0

    files = {queries._sql(name, whole) for name in SQL_FILES for whole in (None, ())}
    for sql, parameters in stored.asked:
        assert sql in files
        assert set(re.findall(r"{(\w+):", sql)) == set(parameters)


@pytest.mark.parametrize(
    "span",
    [
        pytest.param(PERIOD.span, id="weeks"),
        pytest.param(Span(datetime(2025, 10, 26), datetime(2025, 10, 27)), id="a day of 25 hours"),
        pytest.param(Span(datetime(2025, 11, 3), datetime(2025, 11, 3, 16)), id="part of a day"),
    ],
)
def test_total_is_the_sum_of_its_hours(stored: Store, span: Span) -> None:
    total = asyncio.run(queries.traffic_total(stored.query, SITE, span))

    assert total == Figures(*TRAFFIC.hours(span.start, span.end))


def test_bars_hold_the_sums_of_their_time(stored: Store) -> None:
    day, month = timedelta(days=1), datetime(2025, 10, 1)
    by_day = asyncio.run(queries.traffic_by_day(stored.query, SITE, PERIOD.span))
    by_month = asyncio.run(queries.traffic_by_month(stored.query, SITE, PERIOD.span))
    by_hour = asyncio.run(queries.traffic_by_hour(stored.query, SITE, Span(month, month + day)))

    assert len(by_day) == PERIOD.days
    assert all(figures == Figures(*TRAFFIC.hours(d, d + day)) for d, figures in by_day.items())
    assert list(by_month) == [datetime(2025, 9, 1), month, datetime(2025, 11, 1)]
    assert by_month[month] == Figures(*TRAFFIC.hours(month, datetime(2025, 11, 1)))
    assert by_month[datetime(2025, 9, 1)] == Figures(
        *TRAFFIC.hours(datetime(2025, 9, 28), datetime(2025, 10, 1))
    )
    assert list(by_hour) == [month + timedelta(hours=n) for n in range(24)]
    assert by_hour[month + timedelta(hours=7)] == Figures(
        *TRAFFIC.hours(month + timedelta(hours=7), month + timedelta(hours=8))
    )


KEYS = {"browsers": ("devices", 1), "systems": ("devices", 2)}


@pytest.mark.parametrize("name", LISTS)
def test_list_adds_up_to_its_rows(stored: Store, name: str) -> None:
    table, position = KEYS.get(name, (name, 0))
    expected = TRAFFIC.groups(
        table,
        PERIOD.first,
        PERIOD.last,
        lambda words: (
            (words[0], " · ".join(words[1:])) if name == "campaigns" else (words[position], "")
        ),
    )

    breakdown = fetch(stored, name, Rows(SITE, PERIOD, 1000, whole=MONTHS.whole))

    found = {
        (row.label, row.detail): [getattr(row.figures, m) for m in VIEWS[table][1]]
        for row in breakdown.rows
    }
    assert found == expected
    assert breakdown.groups == len(expected)
    leading = VIEWS[table][1].index(
        "visits" if name.endswith("t_pages") or name == "entry_pages" else "visitors"
    )
    counts = [
        found[row.label, row.detail][leading] for row in breakdown.rows if row.label != "(other)"
    ]
    assert counts == sorted(counts, reverse=True)
    assert breakdown.largest == max(values[leading] for values in expected.values())


@pytest.mark.parametrize("name", LISTS)
def test_other_sorts_last_however_large(store: Store, name: str) -> None:
    table, _ = KEYS.get(name, (name, 0))
    by, measures = VIEWS[table]
    day, month = PERIOD.first, PERIOD.first.replace(day=1)
    for word, count in (("(other)", 99), ("a", 2)):
        store.add(table, [(SITE, day, month, *[word] * len(by), *[count] * len(measures))])

    found = [
        row.label for row in fetch(store, name, Rows(SITE, PERIOD, 10, whole=MONTHS.whole)).rows
    ]

    assert found == ["a", "(other)"]


def test_page_that_visits_have_left_again_is_no_exit_page(store: Store) -> None:
    day = (PERIOD.first, PERIOD.first.replace(day=1))
    moved = [(SITE, *day, "/a", 1, 1), (SITE, *day, "/a", -1, -1), (SITE, *day, "/b", 1, 1)]
    store.add("exit_pages", moved)

    assert [
        row.label
        for row in fetch(store, "exit_pages", Rows(SITE, PERIOD, 10, whole=MONTHS.whole)).rows
    ] == ["/b"]


def test_pages_of_a_list_hold_each_row_once(stored: Store) -> None:
    whole = fetch(stored, "pages", Rows(SITE, PERIOD, 1000, whole=MONTHS.whole))
    parts = [
        fetch(stored, "pages", Rows(SITE, PERIOD, 25, offset, MONTHS.whole))
        for offset in (0, 25, 50)
    ]

    assert sum((part.rows for part in parts), ()) == whole.rows
    assert all((p.groups, p.largest) == (whole.groups, whole.largest) for p in parts)


def test_coverage_tells_refused_apart_from_counted(stored: Store) -> None:
    expected = TRAFFIC.groups("coverage", PERIOD.first, PERIOD.last, lambda words: words[1])

    found = asyncio.run(queries.coverage(stored.query, SITE, PERIOD))

    assert found.hits == sum(hits for (hits,) in expected.values())
    assert dict(found.refused) == {r: h for r, (h,) in expected.items() if r != "counted"}


def test_counted_days_are_those_with_views(stored: Store) -> None:
    later = datetime(2025, 11, 9)
    stored.add("traffic", [(SITE, later, 0, 0, 0, 0, 30)])

    assert asyncio.run(queries.traffic_days(stored.query, SITE)) == (
        date(2024, 10, 1),
        date(2025, 11, 4),
    )


@pytest.mark.parametrize("name", ["pages", "exit_pages", "devices"])
def test_months_that_the_period_cuts_tell_what_belongs_to_no_single_day(
    stored: Store, name: str
) -> None:
    measure = "visits" if name == "exit_pages" else "views"

    found = asyncio.run(queries.no_single_day(stored.query, SITE, name, measure, MONTHS.cut))

    assert MONTHS.cut == (date(2025, 9, 1), date(2025, 11, 1))
    assert found == TRAFFIC.dayless(name, MONTHS.cut, measure) > 0


def test_list_and_remainder_add_up_to_the_months_they_are_of(stored: Store) -> None:
    listed = fetch(stored, "pages", Rows(SITE, PERIOD, 1000, whole=MONTHS.whole))
    asked = queries.no_single_day(stored.query, SITE, "pages", "views", MONTHS.cut)

    views = sum(row.figures.views for row in listed.rows) + asyncio.run(asked)

    assert views == sum(
        row[5]
        for row in TRAFFIC.rows["pages"]
        if (row[1] is None or PERIOD.first <= row[1] <= PERIOD.last)
        and row[2] in (*MONTHS.whole, *MONTHS.cut)
    )


GUARDED_HOURS = "site String, hour Nullable(DateTime('UTC')), month Date, " + ", ".join(
    f"{name} Int64" for name in VISIT_SUMS
)


def test_traffic_with_a_group_size_adds_whole_months_alone(store: Store) -> None:
    store.command("DROP TABLE traffic")
    store.command(f"CREATE TABLE traffic ({GUARDED_HOURS}) ENGINE = Memory")
    october, november = date(2025, 10, 1), date(2025, 11, 1)
    noon = datetime(2025, 10, 3, 12, tzinfo=UTC)
    store.add(
        "traffic",
        [
            (SITE, noon, october, 5, 5, 5, 5, 5),
            (SITE, None, october, 2, 2, 2, 2, 2),
            (SITE, None, november, 1, 1, 1, 1, 1),
        ],
    )
    span, whole = PERIOD.span, MONTHS.whole

    total = asyncio.run(queries.traffic_total(store.query, SITE, span, whole))
    by_month = asyncio.run(queries.traffic_by_month(store.query, SITE, span, whole))
    by_day = asyncio.run(queries.traffic_by_day(store.query, SITE, span, ()))
    days = asyncio.run(queries.traffic_days(store.query, SITE, whole))

    assert total == Figures(7, 7, 7, 7, 7)
    assert by_month == {datetime(2025, 10, 1): Figures(7, 7, 7, 7, 7)}
    assert by_day == {datetime(2025, 10, 3): Figures(5, 5, 5, 5, 5)}
    assert days == (october, november)
