"""Which days and months of a site are over, by its own clock; and what time it is there."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from anonymizer.hits import LocalSeconds, SiteId
from anonymizer.policy import Policy
from collector.clock import DAY_SECONDS, HOUR_SECONDS, SiteClock

# An open visit goes on for half an hour past midnight (docs/decisions/0003), and the night may
# be an hour shorter.
CLOSING_SECONDS = 2 * HOUR_SECONDS

# A site that the policy no longer names may have been anywhere (tz database).
_LAST_ZONE_SECONDS = -12 * HOUR_SECONDS
_FIRST_ZONE_SECONDS = 14 * HOUR_SECONDS


class SiteDays:
    """The days of every site at one moment."""

    def __init__(self, policy: Policy, now: int) -> None:
        self._now = now
        self._zones = {site.domain: site.zone for site in policy.sites.values()}

    def closed_before(self, site: SiteId) -> LocalSeconds:
        """Return the local second before which all the site's days are closed."""
        return _midnight(self._local(site, _LAST_ZONE_SECONDS) - CLOSING_SECONDS)

    def is_over(self, site: SiteId, month: int) -> bool:
        """Tell whether the last day of a month, such as 202603, is closed."""
        return first_second(next_month(month)) <= self.closed_before(site)

    def today(self, site: SiteId) -> LocalSeconds:
        """Return the first second of the day that it is there."""
        return _midnight(self._local(site, _FIRST_ZONE_SECONDS))

    def _local(self, site: SiteId, of_unknown: int) -> int:
        zone = self._zones.get(site)
        return self._now + of_unknown if zone is None else SiteClock(zone).local(self._now)


def first_second(month: int) -> LocalSeconds:
    """Return the local second in which a month, such as 202603, begins."""
    return LocalSeconds(int(datetime(month // 100, month % 100, 1, tzinfo=UTC).timestamp()))


def next_month(month: int) -> int:
    """Return the month after a month such as 202612."""
    return month + 1 if month % 100 < 12 else month + 89


def date_of(local: LocalSeconds) -> date:
    """Return the local date of a local second."""
    return datetime.fromtimestamp(local, UTC).date()


def last_time(zone: ZoneInfo, hour: int, now: int) -> int:
    """Return the Unix second at which a zone's clock last showed the full `hour`."""
    clock = SiteClock(zone)
    local = clock.local(now)
    shown = local - local % DAY_SECONDS + hour * HOUR_SECONDS
    return now - (local - shown) % DAY_SECONDS


def _midnight(local: int) -> LocalSeconds:
    return LocalSeconds(local - local % DAY_SECONDS)
