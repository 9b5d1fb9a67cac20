"""The days, in UTC, from which on keys and shared links are void."""

from datetime import UTC, datetime

from collector.clock import read_date
from collector.commands import CommandFailed


def read_end(text: str | None) -> int | None:
    """Return the Unix second at which the day of `--expires` begins.

    Raises:
        CommandFailed: it is no day.
    """
    if text is None:
        return None
    day = read_date(text)
    if day is None:
        raise CommandFailed("--expires: must be a day such as 2027-01-01")
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def write_end(end: int | None, *, is_over: bool) -> str:
    """Write a Unix second as its day, and whether it is past; a dash where there is none."""
    if end is None:
        return "-"
    return write_day(end) + (" (void)" if is_over else "")


def write_day(second: int) -> str:
    """Write the day of a Unix second."""
    return datetime.fromtimestamp(second, UTC).date().isoformat()
