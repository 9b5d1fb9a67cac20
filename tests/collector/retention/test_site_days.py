from datetime import date
from zoneinfo import ZoneInfo

import pytest

from anonymizer.hits import SiteId
from collector.retention.site_days import (
    SiteDays,
    date_of,
    first_second,
    last_time,
    next_month,
)
from tests.collector.retention.cellar import POLICY, at

BERLIN = SiteId("example.org")
KIRITIMATI = SiteId("other.example")
UNKNOWN = SiteId("gone.example")


@pytest.mark.parametrize(
    ("site", "now", "today", "closed_before"),
    [
        pytest.param(BERLIN, "2026-03-10T12:00", "2026-03-10", "2026-03-10", id="at noon"),
        pytest.param(BERLIN, "2026-03-10T00:59", "2026-03-10", "2026-03-09", id="in the night"),
        pytest.param(BERLIN, "2026-03-29T00:59", "2026-03-29", "2026-03-28", id="clocks go on"),
        pytest.param(BERLIN, "2026-03-29T01:00", "2026-03-29", "2026-03-29", id="clocks went on"),
        pytest.param(BERLIN, "2026-10-25T00:30", "2026-10-25", "2026-10-25", id="clocks go back"),
        pytest.param(KIRITIMATI, "2026-03-10T12:00", "2026-03-11", "2026-03-11", id="far ahead"),
        pytest.param(UNKNOWN, "2026-03-10T12:00", "2026-03-11", "2026-03-09", id="no zone known"),
    ],
)
def test_days_are_those_of_the_site(site: SiteId, now: str, today: str, closed_before: str) -> None:
    days = SiteDays(POLICY, at(now))

    assert days.today(site) == at(today)
    assert days.closed_before(site) == at(closed_before)


@pytest.mark.parametrize(
    ("now", "is_over"),
    [
        pytest.param("2026-03-31T23:59", False, id="the last day is closed two hours later"),
        pytest.param("2026-04-01T00:00", True, id="two hours after the last day"),
        pytest.param("2027-01-01T00:00", True, id="long ago"),
    ],
)
def test_month_is_over_when_its_last_day_is_closed(now: str, is_over: bool) -> None:
    assert SiteDays(POLICY, at(now)).is_over(BERLIN, 202603) is is_over


def test_months_follow_each_other() -> None:
    assert [next_month(month) for month in (202601, 202611, 202612)] == [202602, 202612, 202701]
    assert date_of(first_second(202602)) == date(2026, 2, 1)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        pytest.param("2026-03-10T12:00", "2026-03-10T02:00", id="this night"),
        pytest.param("2026-03-10T02:00", "2026-03-10T02:00", id="now"),
        pytest.param("2026-03-10T01:59", "2026-03-09T02:00", id="not yet"),
        pytest.param("2026-07-10T12:00", "2026-07-10T01:00", id="in summer"),
    ],
)
def test_last_time_that_a_clock_showed_three(now: str, last: str) -> None:
    assert last_time(ZoneInfo("Europe/Berlin"), 3, at(now)) == at(last)
