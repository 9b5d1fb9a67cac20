"""Periods of a site's own calendar: what is asked for, compared with, and cut into bars.

All dates and times here are the site's wall clock, without a zone.
"""

from dataclasses import dataclass
from datetime import MINYEAR, date, datetime, time, timedelta
from enum import StrEnum

from dashboards.words import message

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

EARLIEST = date(2000, 1, 1)  # older than any web log worth importing; ClickHouse Date starts 1970
MAX_DAYS = 3660  # ten years: 121 bars by month
MAX_DAILY_BARS = 180
MAX_HOURS_DAYS = 7
"""Days that can be drawn by hour: 168 bars."""
MAX_DAYS_DAYS = 400
"""Days that can be drawn by day."""


class Grain(StrEnum):
    """The length of one bar of the chart."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class PeriodName(StrEnum):
    """The periods a reader can pick, in the order of the menu."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    DAYS_7 = "7d"
    DAYS_28 = "28d"
    DAYS_90 = "90d"
    THIS_MONTH = "month"
    LAST_MONTH = "last-month"
    THIS_YEAR = "year"
    MONTHS_12 = "12m"
    CUSTOM = "custom"


TITLES = {
    PeriodName.TODAY: message("Today"),
    PeriodName.YESTERDAY: message("Yesterday"),
    PeriodName.DAYS_7: message("Last 7 days"),
    PeriodName.DAYS_28: message("Last 28 days"),
    PeriodName.DAYS_90: message("Last 90 days"),
    PeriodName.THIS_MONTH: message("This month"),
    PeriodName.LAST_MONTH: message("Last month"),
    PeriodName.THIS_YEAR: message("This year"),
    PeriodName.MONTHS_12: message("Last 12 months"),
    PeriodName.CUSTOM: message("Custom"),
}

GRAIN_TITLES = {
    Grain.HOUR: message("By hour"),
    Grain.DAY: message("By day"),
    Grain.MONTH: message("By month"),
}


class Compare(StrEnum):
    """What figures are compared with."""

    PREVIOUS = "previous"
    YEAR = "year"
    NONE = "none"


COMPARE_TITLES = {
    Compare.PREVIOUS: message("The days before"),
    Compare.YEAR: message("The year before"),
    Compare.NONE: message("Nothing"),
}


class PeriodError(ValueError):
    """A period that cannot be shown; the message is one sentence and echoes no input."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of wall-clock time from `start` up to, not including, `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Months:
    """The months of a stretch of time, by their first days."""

    whole: tuple[date, ...] = ()
    """Those that lie in it to their last day, or as far as they have come."""
    cut: tuple[date, ...] = ()
    """Those that lie in it in part: its first, its last, or none."""


def months_of(span: Span, today: date) -> Months:
    """Sort the months that a stretch of time touches."""
    last = (span.end - timedelta(microseconds=1)).date()
    numbers = range(_month_number(span.start.date()), _month_number(last) + 1)
    whole: list[date] = []
    cut: list[date] = []
    for number in numbers:
        first, after = _first_of(number), _first_of(number + 1)
        # Nothing is counted after today, so a month that goes on is whole up to it.
        ends = min(after, today + DAY)
        is_whole = span.start <= _midnight(first) and _midnight(ends) <= span.end
        (whole if is_whole else cut).append(first)
    return Months(tuple(whole), tuple(cut))


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days from `first` to `last`, both included."""

    name: PeriodName
    first: date
    last: date

    @property
    def days(self) -> int:
        """Tell the number of days, at least 1."""
        return (self.last - self.first).days + 1

    @property
    def grain(self) -> Grain:
        """Choose the length of a bar: hours in a day, months beyond 180 days."""
        if self.days == 1:
            return Grain.HOUR
        return Grain.DAY if self.days <= MAX_DAILY_BARS else Grain.MONTH

    @property
    def grains(self) -> tuple[Grain, ...]:
        """Return every length of a bar that can be drawn, the shortest first."""
        hours = (Grain.HOUR,) if self.days <= MAX_HOURS_DAYS else ()
        days = (Grain.DAY,) if self.days <= MAX_DAYS_DAYS else ()
        return (*hours, *days, Grain.MONTH)

    @property
    def span(self) -> Span:
        """Give the period as wall-clock time."""
        return Span(_midnight(self.first), _midnight(self.last + DAY))

    def is_open(self, now: datetime) -> bool:
        """Tell whether hits can still be added at `now`."""
        return now < self.span.end


def buckets_of(period: Period, grain: Grain) -> list[datetime]:
    """List the start of every bar of one length, in order; months from their first day."""
    if grain is Grain.HOUR:
        return [period.span.start + HOUR * n for n in range(24 * period.days)]
    if grain is Grain.DAY:
        return [period.span.start + DAY * n for n in range(period.days)]
    months = range(_month_number(period.first), _month_number(period.last) + 1)
    return [_midnight(_first_of(number)) for number in months]


def months_ago(day: date, months: int) -> date:
    """Return the first day of the month that was so many months before that of `day`."""
    return _first_of(_month_number(day) - months)


def named_period(name: PeriodName, today: date) -> Period:
    """Return the named period as it stands on `today`.

    Raises PeriodError for `CUSTOM`, which needs two dates.
    """
    match name:
        case PeriodName.TODAY:
            return Period(name, today, today)
        case PeriodName.YESTERDAY:
            return Period(name, today - DAY, today - DAY)
        case PeriodName.DAYS_7:
            return Period(name, today - 6 * DAY, today)
        case PeriodName.DAYS_28:
            return Period(name, today - 27 * DAY, today)
        case PeriodName.DAYS_90:
            return Period(name, today - 89 * DAY, today)
        case PeriodName.THIS_MONTH:
            return Period(name, today.replace(day=1), today)
        case PeriodName.LAST_MONTH:
            last = today.replace(day=1) - DAY
            return Period(name, last.replace(day=1), last)
        case PeriodName.THIS_YEAR:
            return Period(name, today.replace(month=1, day=1), today)
        case PeriodName.MONTHS_12:
            return Period(name, _first_of(_month_number(today) - 11), today)
        case PeriodName.CUSTOM:
            raise PeriodError(message("A custom period needs a first and a last day."))


def custom_period(first: str, last: str, today: date) -> Period:
    """Read two ISO dates into a period.

    Raises PeriodError when either is no date, when they stand in the wrong order, or
    when they lie outside 2000-01-01 to `today` or more than ten years apart.
    """
    begin, end = _read_day(first), _read_day(last)
    if begin > end:
        raise PeriodError(message("The period ends before it begins."))
    if begin < EARLIEST:
        raise PeriodError(message("The period begins before the year 2000."))
    if end > today:
        raise PeriodError(message("The period ends in the future."))
    if (end - begin).days >= MAX_DAYS:
        raise PeriodError(message("The period is longer than ten years."))
    return Period(PeriodName.CUSTOM, begin, end)


def days_before(period: Period) -> Period:
    """Return as many days just before.

    Raises PeriodError when they begin before the year 2000.
    """
    back = timedelta(days=period.days)
    return _earlier(period.first - back, period.last - back)


def before(period: Period) -> Period:
    """Return what a period is compared with: the month or year before, else as many days.

    Of a month or year that goes on it is the days up to the same one, of whole months as many
    months: days that cut a month lack what belongs to no single day of it.

    Raises PeriodError when it begins before the year 2000.
    """
    match period.name:
        case PeriodName.THIS_MONTH:
            first = months_ago(period.first, 1)
            return _earlier(first, min(first + (period.last - period.first), period.first - DAY))
        case PeriodName.LAST_MONTH:
            return _earlier(months_ago(period.first, 1), period.first - DAY)
        case PeriodName.MONTHS_12:
            return _earlier(months_ago(period.first, 12), _year_before(period.last))
        case PeriodName.THIS_YEAR:
            return year_before(period)
    if period.first.day == (period.last + DAY).day == 1:
        months = _month_number(period.last) - _month_number(period.first) + 1
        return _earlier(months_ago(period.first, months), period.first - DAY)
    return days_before(period)


def year_before(period: Period) -> Period:
    """Return the same days of the year before; 28 February stands for the 29th.

    Raises PeriodError when they begin before the year 2000.
    """
    return _earlier(*(_year_before(day) for day in (period.first, period.last)))


def has_like_of_last(period: Period, compared: Period) -> bool:
    """Tell whether the last day compared with stands for the period's last day.

    31 March has none in February, nor has 29 February in most years.
    """
    return compared.days == period.days or compared.last.day == period.last.day


def _year_before(day: date) -> date:
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if is_leap_day else day.day)


def _earlier(first: date, last: date) -> Period:
    if first < EARLIEST:
        raise PeriodError(message("The period compared with begins before the year 2000."))
    return Period(PeriodName.CUSTOM, first, last)


def _read_day(text: str) -> date:
    # date.fromisoformat also takes 20250101 and 2025-W01-1, which no date field sends.
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date() if len(text) == 10 else None
    except ValueError:
        day = None
    if day is None or not text.isascii() or day.year == MINYEAR:
        raise PeriodError(message("A date is missing or is not written as YYYY-MM-DD."))
    return day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _first_of(month_number: int) -> date:
    return date(month_number // 12, month_number % 12 + 1, 1)
