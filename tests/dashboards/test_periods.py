from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.address.periods import (
    DAY,
    EARLIEST,
    MAX_DAYS,
    Grain,
    Period,
    PeriodError,
    PeriodName,
    before,
    buckets_of,
    custom_period,
    has_like_of_last,
    months_of,
    named_period,
)

NOON = datetime(2025, 11, 4, 12, 30)
DAYS = st.dates(EARLIEST, date(2060, 1, 1))


@pytest.mark.parametrize(
    ("name", "today", "first", "last"),
    [
        pytest.param("today", date(2025, 11, 4), date(2025, 11, 4), date(2025, 11, 4), id="today"),
        pytest.param(
            "yesterday", date(2025, 3, 1), date(2025, 2, 28), date(2025, 2, 28), id="yesterday"
        ),
        pytest.param("7d", date(2025, 1, 3), date(2024, 12, 28), date(2025, 1, 3), id="week"),
        pytest.param("28d", date(2025, 11, 4), date(2025, 10, 8), date(2025, 11, 4), id="28 days"),
        pytest.param("90d", date(2025, 11, 4), date(2025, 8, 7), date(2025, 11, 4), id="90 days"),
        pytest.param("month", date(2025, 11, 4), date(2025, 11, 1), date(2025, 11, 4), id="month"),
        pytest.param(
            "month", date(2025, 11, 1), date(2025, 11, 1), date(2025, 11, 1), id="first of month"
        ),
        pytest.param(
            "last-month", date(2024, 3, 31), date(2024, 2, 1), date(2024, 2, 29), id="leap February"
        ),
        pytest.param(
            "last-month", date(2025, 1, 9), date(2024, 12, 1), date(2024, 12, 31), id="December"
        ),
        pytest.param("12m", date(2025, 11, 4), date(2024, 12, 1), date(2025, 11, 4), id="year"),
        pytest.param(
            "12m", date(2025, 12, 31), date(2025, 1, 1), date(2025, 12, 31), id="whole year"
        ),
    ],
)
def test_named_period_covers_its_days(name: str, today: date, first: date, last: date) -> None:
    period = named_period(PeriodName(name), today)

    assert (period.first, period.last) == (first, last)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("2025-11-01", "", id="no end"),
        pytest.param("yesterday", "2025-11-01", id="word"),
        pytest.param("2025-02-30", "2025-11-01", id="no such day"),
        pytest.param("20251101", "20251102", id="basic form"),
        pytest.param("2025-W01-1", "2025-11-01", id="week date"),
        pytest.param("2025-11-1", "2025-11-02", id="one digit"),
        pytest.param("2025-11-01 ", "2025-11-02", id="trailing space"),
        pytest.param("\u0662025-11-01", "2025-11-02", id="arabic digits"),
        pytest.param("0001-01-01", "2025-11-01", id="year one"),
        pytest.param("1999-12-31", "2000-01-05", id="before 2000"),
        pytest.param("9999-12-31", "9999-12-31", id="end of time"),
        pytest.param("2025-11-03", "2025-11-02", id="backwards"),
        pytest.param("2025-11-05", "2025-11-05", id="tomorrow"),
        pytest.param("2010-01-01", "2025-11-01", id="too long"),
    ],
)
def test_impossible_days_are_refused_in_one_sentence(first: str, last: str) -> None:
    with pytest.raises(PeriodError) as refused:
        custom_period(first, last, date(2025, 11, 4))

    told = str(refused.value)
    assert told.endswith(".")
    assert not first or first not in told


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param("2025-11-04", "2025-11-04", id="today"),
        pytest.param("2000-01-01", "2000-01-01", id="the first day there is"),
        pytest.param("2024-02-29", "2024-02-29", id="leap day"),
        pytest.param("2015-10-30", "2025-11-04", id="longest"),
    ],
)
def test_days_at_the_bounds_are_taken(first: str, last: str) -> None:
    period = custom_period(first, last, date(2025, 11, 4))

    assert period.first.isoformat() == first
    assert period.last.isoformat() == last
    assert period.days <= MAX_DAYS


@given(DAYS, DAYS)
def test_days_are_compared_with_as_many_before(one: date, other: date) -> None:
    period = Period(PeriodName.CUSTOM, min(one, other), max(one, other))
    has_whole_months = period.first.day == (period.last + DAY).day == 1
    if period.first - period.days * DAY < EARLIEST or has_whole_months:
        return

    earlier = before(period)

    assert earlier.last == period.first - DAY
    assert earlier.days == period.days


@pytest.mark.parametrize(
    ("name", "today", "first", "last"),
    [
        pytest.param(PeriodName.TODAY, "2025-11-04", "2025-11-03", "2025-11-03", id="a day"),
        pytest.param(PeriodName.DAYS_7, "2025-11-04", "2025-10-22", "2025-10-28", id="a week"),
        pytest.param(
            PeriodName.THIS_MONTH, "2025-11-04", "2025-10-01", "2025-10-04", id="a month so far"
        ),
        pytest.param(
            PeriodName.THIS_MONTH, "2025-03-31", "2025-02-01", "2025-02-28", id="a shorter month"
        ),
        pytest.param(
            PeriodName.LAST_MONTH, "2025-11-04", "2025-09-01", "2025-09-30", id="a whole month"
        ),
        pytest.param(
            PeriodName.THIS_YEAR, "2024-02-29", "2023-01-01", "2023-02-28", id="a leap year so far"
        ),
        pytest.param(
            PeriodName.MONTHS_12, "2025-11-04", "2023-12-01", "2024-11-04", id="twelve months"
        ),
    ],
)
def test_named_period_is_compared_with_its_like(
    name: PeriodName, today: str, first: str, last: str
) -> None:
    earlier = before(named_period(name, date.fromisoformat(today)))

    assert (earlier.first.isoformat(), earlier.last.isoformat()) == (first, last)


@pytest.mark.parametrize(
    ("first", "last", "before_first", "before_last"),
    [
        pytest.param("2025-03-01", "2025-03-31", "2025-02-01", "2025-02-28", id="a month"),
        pytest.param("2025-01-01", "2025-01-31", "2024-12-01", "2024-12-31", id="January"),
        pytest.param("2024-01-01", "2024-12-31", "2023-01-01", "2023-12-31", id="a leap year"),
        pytest.param("2025-02-01", "2025-02-27", "2025-01-05", "2025-01-31", id="a day short"),
    ],
)
def test_whole_months_are_compared_with_as_many(
    first: str, last: str, before_first: str, before_last: str
) -> None:
    earlier = before(custom_period(first, last, date(2025, 11, 4)))

    assert (earlier.first.isoformat(), earlier.last.isoformat()) == (before_first, before_last)


@pytest.mark.parametrize(
    ("name", "today", "has_like"),
    [
        pytest.param(PeriodName.DAYS_7, "2025-03-31", True, id="a week"),
        pytest.param(PeriodName.THIS_MONTH, "2025-03-28", True, id="a day of both months"),
        pytest.param(PeriodName.THIS_MONTH, "2025-03-29", False, id="a day of one month"),
        pytest.param(PeriodName.THIS_MONTH, "2025-03-31", False, id="the last of a longer month"),
        pytest.param(PeriodName.THIS_YEAR, "2024-02-29", False, id="leap day"),
        pytest.param(PeriodName.THIS_YEAR, "2024-03-01", True, id="after a leap day"),
        pytest.param(PeriodName.MONTHS_12, "2025-03-01", True, id="a year with a leap day before"),
    ],
)
def test_last_day_has_its_like_where_the_calendar_has_one(
    name: PeriodName, today: str, has_like: bool
) -> None:
    period = named_period(name, date.fromisoformat(today))

    assert has_like_of_last(period, before(period)) is has_like


@pytest.mark.parametrize(
    ("days", "grains"),
    [
        pytest.param(1, [Grain.HOUR, Grain.DAY, Grain.MONTH], id="a day"),
        pytest.param(7, [Grain.HOUR, Grain.DAY, Grain.MONTH], id="a week"),
        pytest.param(8, [Grain.DAY, Grain.MONTH], id="eight days"),
        pytest.param(400, [Grain.DAY, Grain.MONTH], id="over a year"),
        pytest.param(401, [Grain.MONTH], id="many days"),
    ],
)
def test_bars_are_as_short_as_they_can_be_read(days: int, grains: list[Grain]) -> None:
    last = date(2025, 11, 4)
    period = Period(PeriodName.CUSTOM, last - (days - 1) * DAY, last)

    assert list(period.grains) == grains
    assert period.grain in grains


@given(DAYS, DAYS)
def test_bars_follow_one_another_and_are_never_too_many(one: date, other: date) -> None:
    period = Period(PeriodName.CUSTOM, min(one, other), max(one, other))
    if period.days > MAX_DAYS:
        return

    bars = buckets_of(period, period.grain)

    assert bars == sorted(set(bars))
    assert 1 <= len(bars) <= 180
    assert bars[0].date() <= period.first
    assert bars[-1].date() <= period.last


@pytest.mark.parametrize(
    ("days", "grain"),
    [
        pytest.param(1, Grain.HOUR, id="a day by hours"),
        pytest.param(2, Grain.DAY, id="two days by days"),
        pytest.param(180, Grain.DAY, id="180 days by days"),
        pytest.param(181, Grain.MONTH, id="181 days by months"),
    ],
)
def test_length_of_period_chooses_the_bars(days: int, grain: Grain) -> None:
    last = date(2025, 11, 4)

    assert Period(PeriodName.CUSTOM, last - (days - 1) * DAY, last).grain is grain


@pytest.mark.parametrize(
    ("first", "last", "whole", "cut"),
    [
        pytest.param("2025-09-01", "2025-10-31", ("09", "10"), (), id="whole months"),
        pytest.param("2025-09-02", "2025-10-31", ("10",), ("09",), id="begins late"),
        pytest.param("2025-09-01", "2025-10-30", ("09",), ("10",), id="ends early"),
        pytest.param("2025-09-28", "2025-11-03", ("10",), ("09", "11"), id="cuts two"),
        pytest.param("2025-10-02", "2025-10-30", (), ("10",), id="inside one"),
        pytest.param("2025-11-01", "2025-11-04", ("11",), (), id="this month so far"),
        pytest.param("2025-11-01", "2025-11-03", (), ("11",), id="this month but today"),
        pytest.param("2025-11-04", "2025-11-04", (), ("11",), id="today"),
    ],
)
def test_months_are_whole_or_cut(
    first: str, last: str, whole: tuple[str, ...], cut: tuple[str, ...]
) -> None:
    today = date(2025, 11, 4)
    period = custom_period(first, last, today)

    months = months_of(period.span, today)

    assert months.whole == tuple(date(2025, int(month), 1) for month in whole)
    assert months.cut == tuple(date(2025, int(month), 1) for month in cut)
