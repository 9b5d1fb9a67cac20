"""Which days a report is of, and since when it has been due, by the site's wall clock."""

from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct

from anonymizer.policy import Site
from collector.mailed_reports.settings import Every, Scheduled

_DAY = timedelta(days=1)


class Days(Struct, frozen=True, order=True):
    """A week from Monday to Sunday, or a month."""

    first: date
    last: date

    def __str__(self) -> str:
        """Write them as the audit trail does."""
        return f"{self.first}/{self.last}"


def last_whole(every: Every, today: date) -> Days:
    """Return the last week or month that was over before `today` began."""
    if every is Every.WEEK:
        last = today - _DAY * (today.weekday() + 1)
        return Days(last - 6 * _DAY, last)
    last = today.replace(day=1) - _DAY
    return Days(last.replace(day=1), last)


def today_at(site: Site, now: int) -> date:
    """Return the day it is on a site at a Unix second."""
    return datetime.fromtimestamp(now, UTC).astimezone(site.zone).date()


def last_due(report: Scheduled, now: int) -> Days:
    """Return the newest days whose report has been due by the Unix second `now`.

    A clock that is put forward over the hour shows it when it would have been (PEP 495).
    """
    days = last_whole(report.every, today_at(report.site, now))
    moment = datetime.combine(days.last + _DAY, time(report.hour), report.site.zone)
    if moment.timestamp() <= now:
        return days
    return last_whole(report.every, days.last)
