"""Bounds on what a shared link may have worked out: it may stand where anybody finds it.

Each page that is worked out asks the engine, which answers one question at a time, and adds a line
to the audit trail, whose file of a day is bounded.
"""

from datetime import datetime, timedelta

from msgspec import Struct
from starlette.responses import Response

from dashboards.logins.throttle import Throttle

KEPT = timedelta(minutes=1)
KEPT_AT_MOST = timedelta(hours=1)
"""Of a page whose link had too many worked out: else anybody could take it from everybody."""
MAX_KEPT = 200
MAX_PAGES = 30
"""Of one link, worked out within a minute; those that are kept don't count."""
MAX_FILES = 5
"""Of one link within a minute: each may take the engine two seconds."""


class _Kept(Struct, frozen=True):
    made: datetime
    body: bytes


class SharedAnswers:
    """Keeps pages for a while, in memory, and counts what is worked out of each link."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, ...], _Kept] = {}
        self._worked = Throttle(MAX_PAGES, KEPT)
        self._files = Throttle(MAX_FILES, KEPT)

    def find(self, key: tuple[str, ...], now: datetime, within: timedelta = KEPT) -> bytes | None:
        """Return the page that was worked out for `key` not long ago, also by a clock put back."""
        kept = self._pages.get(key)
        if kept is None or abs(now - kept.made) >= within:
            return None
        self._pages[key] = self._pages.pop(key)  # what nobody asks for goes first
        return kept.body

    def wait_seconds(self, link: str, now: datetime) -> int:
        """Return how long a link has to wait before another page; else 0, and count one."""
        return _take(self._worked, link, now)

    def wait_seconds_for_file(self, link: str, now: datetime) -> int:
        """Return how long a link has to wait before another file; else 0, and count one."""
        return _take(self._files, link, now)

    def keep(self, key: tuple[str, ...], answer: Response, now: datetime) -> None:
        """Keep a page that was found; of too many the one goes that nobody asked for longest."""
        if answer.status_code != 200:
            return
        self._pages.pop(key, None)
        self._pages[key] = _Kept(now, bytes(answer.body))
        if len(self._pages) > MAX_KEPT:
            del self._pages[next(iter(self._pages))]


def _take(bound: Throttle, link: str, now: datetime) -> int:
    wait = bound.wait_seconds(link, now)
    if not wait:
        bound.failed(link, now)
    return wait
