"""Which days a report is of, and from which moment on it is due."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from anonymizer.hits import SiteId
from anonymizer.policy import ConsentMode, Site
from collector.mailed_reports.due import Days, last_due, last_whole
from collector.mailed_reports.settings import Every, Scheduled

WEEK = Days(date(2026, 3, 2), date(2026, 3, 8))
WEEK_BEFORE = Days(date(2026, 2, 23), date(2026, 3, 1))
FEBRUARY = Days(date(2026, 2, 1), date(2026, 2, 28))
JANUARY = Days(date(2026, 1, 1), date(2026, 1, 31))


@pytest.mark.parametrize(
    ("every", "zone", "moment", "days"),
    [
        pytest.param(Every.WEEK, "UTC", "2026-03-09T06:59:59", WEEK_BEFORE, id="Monday, before"),
        pytest.param(Every.WEEK, "UTC", "2026-03-09T07:00:00", WEEK, id="Monday, the hour"),
        pytest.param(Every.WEEK, "UTC", "2026-03-15T23:59:59", WEEK, id="Sunday, the last second"),
        pytest.param(Every.WEEK, "UTC", "2026-03-16T00:00:00", WEEK, id="Monday, midnight"),
        pytest.param(
            Every.WEEK, "Pacific/Auckland", "2026-03-08T18:00:00", WEEK, id="Monday over there"
        ),
        pytest.param(
            Every.WEEK, "America/New_York", "2026-03-09T10:59:59", WEEK_BEFORE, id="not yet there"
        ),
        pytest.param(Every.MONTH, "UTC", "2026-03-01T06:59:59", JANUARY, id="the 1st, before"),
        pytest.param(Every.MONTH, "UTC", "2026-03-01T07:00:00", FEBRUARY, id="the 1st, the hour"),
        pytest.param(Every.MONTH, "UTC", "2026-03-31T12:00:00", FEBRUARY, id="the 31st"),
    ],
)
def test_report_is_due_by_the_clock_of_its_site(
    every: Every, zone: str, moment: str, days: Days
) -> None:
    site = Site(SiteId("example.org"), ZoneInfo(zone), ConsentMode.EXEMPT)
    now = int(datetime.fromisoformat(f"{moment}+00:00").timestamp())

    assert last_due(Scheduled(1, site, (), every, "en", 7), now) == days


def test_hour_that_the_clock_leaves_out_comes_all_the_same() -> None:
    """In Cairo the clock went from 0 to 1 on a Friday; in Casablanca from 2 to 3 on a Sunday."""
    site = Site(SiteId("example.org"), ZoneInfo("Africa/Casablanca"), ConsentMode.EXEMPT)
    monthly = Scheduled(1, site, (), Every.MONTH, "en", 3)
    start = int(datetime.fromisoformat("2026-03-01T00:00:00+00:00").timestamp())
    found = [last_due(monthly, start + 3600 * hour) for hour in range(48)]

    assert set(found) == {JANUARY, FEBRUARY}
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("every", "today", "days"),
    [
        pytest.param(Every.WEEK, date(2026, 3, 9), WEEK, id="on Monday"),
        pytest.param(Every.WEEK, date(2026, 3, 8), WEEK_BEFORE, id="on Sunday"),
        pytest.param(
            Every.MONTH,
            date(2026, 1, 1),
            Days(date(2025, 12, 1), date(2025, 12, 31)),
            id="New Year",
        ),
    ],
)
def test_last_whole_stretch_is_over(every: Every, today: date, days: Days) -> None:
    assert last_whole(every, today) == days
