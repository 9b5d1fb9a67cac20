"""Slow down guessing: failures by name or by network, in memory, for one process."""

from collections import deque
from datetime import datetime, timedelta

MAX_FAILURES = 5
WINDOW = timedelta(minutes=5)
MAX_NAMES = 1000
"""Names remembered at a time; the one that failed longest ago is forgotten first."""


class Throttle:
    """Remembers when logins failed. Time is always told by the caller."""

    def __init__(self, failures: int = MAX_FAILURES, window: timedelta = WINDOW) -> None:
        """Let each name fail `failures` times within `window`."""
        self._max_failures = failures
        self._window = window
        self._failures: dict[str, deque[datetime]] = {}

    def wait_seconds(self, name: str, now: datetime) -> int:
        """Return how long `name` has to wait before its next try; 0 when it need not."""
        failures = self._failures.get(name)
        if failures is None or len(failures) < self._max_failures:
            return 0
        left = failures[0] + self._window - now
        return max(0, -(-left // timedelta(seconds=1)))

    def failed(self, name: str, now: datetime) -> None:
        """Remember a failed login."""
        failures = self._failures.pop(name, deque[datetime](maxlen=self._max_failures))
        failures.append(now)
        self._failures[name] = failures
        if len(self._failures) > MAX_NAMES:
            del self._failures[next(iter(self._failures))]

    def took_back(self, name: str) -> None:
        """Forget the last failure of a name: it was none, but those before were."""
        failures = self._failures.get(name)
        if failures:
            failures.pop()

    def passed(self, name: str) -> None:
        """Forget the failures of a name that has logged in."""
        self._failures.pop(name, None)
