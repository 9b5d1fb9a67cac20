"""A site's wall clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.hits import LocalSeconds
from collector.clock import SiteClock, day_of, hour_start

HOUR = 3_600
DAY = 86_400
_EPOCH = datetime(1970, 1, 1)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
    "America/Caracas",
    "Africa/Casablanca",
)


def unix(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[misc,arg-type]


def shown(local: LocalSeconds) -> str:
    return datetime.fromtimestamp(local, UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("zone", "time", "expected"),
    [
        pytest.param("UTC", unix(2026, 3, 10, 11), "2026-03-10 11:00:00", id="UTC"),
        pytest.param(
            "Europe/Berlin", unix(2026, 3, 29, 0, 59, 59), "2026-03-29 01:59:59", id="before spring"
        ),
        pytest.param(
            "Europe/Berlin", unix(2026, 3, 29, 1), "2026-03-29 03:00:00", id="spring forward"
        ),
        pytest.param(
            "Europe/Berlin",
            unix(2026, 10, 25, 0, 59, 59),
            "2026-10-25 02:59:59",
            id="late summer",
        ),
        pytest.param(
            "Europe/Berlin", unix(2026, 10, 25, 1), "2026-10-25 02:00:00", id="back in autumn"
        ),
        pytest.param("Asia/Kolkata", unix(2026, 1, 1), "2026-01-01 05:30:00", id="half an hour"),
        pytest.param("Asia/Kathmandu", unix(2026, 1, 1), "2026-01-01 05:45:00", id="quarters"),
        pytest.param(
            "Australia/Lord_Howe", unix(2026, 4, 4, 15), "2026-04-05 01:30:00", id="back by half"
        ),
        pytest.param(
            "Pacific/Apia", unix(2011, 12, 30, 10), "2011-12-31 00:00:00", id="a day skipped"
        ),
        pytest.param("Europe/Berlin", 0, "1970-01-01 01:00:00", id="the first second"),
        pytest.param(
            "Europe/Berlin", unix(2105, 12, 31, 23), "2106-01-01 00:00:00", id="far future"
        ),
    ],
)
def test_wall_clock_shows(zone: str, time: int, expected: str) -> None:
    assert shown(SiteClock(ZoneInfo(zone)).local(time)) == expected


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        pytest.param("Europe/Berlin", unix(2026, 3, 29, 1), id="spring"),
        pytest.param("Europe/Berlin", unix(2026, 10, 25, 1), id="autumn"),
        pytest.param("Australia/Lord_Howe", unix(2026, 4, 4, 15), id="half an hour"),
        pytest.param("Pacific/Chatham", unix(2026, 4, 4, 14), id="zone of three quarters"),
        pytest.param("America/Caracas", unix(2016, 5, 1, 7), id="at half past"),
        pytest.param("Asia/Kathmandu", unix(2026, 1, 1), id="no change"),
    ],
)
def test_clock_that_was_asked_a_second_before_a_change_knows_it(zone: str, change: int) -> None:
    clock = SiteClock(ZoneInfo(zone))

    for time in (change - 1, change, change - 1, change + 1):
        assert clock.local(time) == SiteClock(ZoneInfo(zone)).local(time)


@given(
    st.sampled_from(ZONES),
    st.lists(
        st.integers(unix(2000, 1, 1), unix(2100, 1, 1))
        # Within two quarters of an hour around the changes of a few years, where slots matter.
        | st.builds(
            lambda year, month, day, second: unix(year, month, day) + second,
            st.integers(2005, 2030),
            st.sampled_from([3, 4, 9, 10, 11]),
            st.integers(1, 30),
            st.integers(0, DAY),
        ),
        min_size=1,
        max_size=20,
    ),
)
def test_wall_clock_agrees_with_the_zone_in_any_order_of_times(zone: str, times: list[int]) -> None:
    clock = SiteClock(ZoneInfo(zone))

    for time in times:
        wall = datetime.fromtimestamp(time, ZoneInfo(zone)).replace(tzinfo=None)
        assert clock.local(time) == int((wall - _EPOCH).total_seconds())


@pytest.mark.parametrize("zone", ZONES)
def test_no_offset_of_this_century_changes_within_a_slot(zone: str) -> None:
    """The offset is the same all through a quarter of an hour of UTC: slots may be remembered."""
    tz = ZoneInfo(zone)
    last = datetime.fromtimestamp(unix(2000, 1, 1), tz).utcoffset()
    for time in range(unix(2000, 1, 1), unix(2040, 1, 1), 6 * HOUR):
        offset = datetime.fromtimestamp(time + 6 * HOUR, tz).utcoffset()
        if offset != last:
            low, high = time, time + 6 * HOUR
            while high - low > 1:
                middle = (low + high) // 2
                if datetime.fromtimestamp(middle, tz).utcoffset() == last:
                    low = middle
                else:
                    high = middle
            assert high % 900 == 0
        last = offset


def test_day_and_hour_are_those_of_the_wall_clock() -> None:
    local = SiteClock(ZoneInfo("Asia/Kolkata")).local(unix(2026, 3, 10, 18, 45, 7))

    assert shown(hour_start(local)) == "2026-03-11 00:00:00"
    assert day_of(local) == (datetime(2026, 3, 11) - _EPOCH).days
    assert day_of(LocalSeconds(DAY - 1)) == 0
    assert day_of(LocalSeconds(DAY)) == 1
