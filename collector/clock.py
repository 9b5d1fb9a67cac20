"""A site's wall clock."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from anonymizer.hits import LocalSeconds

DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600

# Every offset change in the tz database of this century falls on a quarter of an hour of UTC.
_SLOT_SECONDS = 900


class SiteClock:
    """Turn Unix seconds into a zone's local seconds; remembers the offset of the last slot."""

    __slots__ = ("_offset", "_slot", "_zone")

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._slot = -1
        self._offset = 0

    def local(self, time: int) -> LocalSeconds:
        """Return the wall clock's reading at Unix second `time`."""
        slot = time // _SLOT_SECONDS
        if slot != self._slot:
            offset = datetime.fromtimestamp(time, UTC).astimezone(self._zone).utcoffset()
            self._offset = 0 if offset is None else int(offset.total_seconds())
            self._slot = slot
        return LocalSeconds(time + self._offset)


def day_of(local: LocalSeconds) -> int:
    """Return the local day as days since 1970-01-01."""
    return local // DAY_SECONDS


def hour_start(local: LocalSeconds) -> LocalSeconds:
    """Return the first second of the local hour."""
    return LocalSeconds(local - local % HOUR_SECONDS)


def read_date(text: str) -> date | None:
    """Read a date as ``YYYY-MM-DD``; None for any other form, also of ISO 8601."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None
