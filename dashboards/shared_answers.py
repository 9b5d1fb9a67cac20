"""Bounds on what a shared link may have worked out: it may stand where anybody finds it.

Each page that is worked out asks the engine, which answers one question at a time, and adds a line
to the audit trail, whose file of a day is bounded.
"""

from datetime import datetime, timedelta

from msgspec import Struct
from starlette.responses import Response

from dashboards.throttle import Throttle

KEPT = timedelta(minutes=1)
MAX_KEPT = 200
MAX_PAGES = 30
"""Of one link, worked out within a minute; those that are kept don't count."""


class _Kept(Struct, frozen=True):
    until: datetime
    body: bytes


class SharedAnswers:
    """Keeps pages for a minute, in memory, and counts what is worked out of each link."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, ...], _Kept] = {}
        self._worked = Throttle(MAX_PAGES, KEPT)

    def find(self, key: tuple[str, ...], now: datetime) -> bytes | None:
        """Return the page that was worked out for `key` within the last minute."""
        kept = self._pages.get(key)
        return kept.body if kept is not None and now < kept.until else None

    def wait_seconds(self, link: str, now: datetime) -> int:
        """Return how long a link has to wait before another page; else 0, and count one."""
        wait = self._worked.wait_seconds(link, now)
        if not wait:
            self._worked.failed(link, now)
        return wait

    def keep(self, key: tuple[str, ...], answer: Response, now: datetime) -> None:
        """Keep a page that was found; the oldest goes where there are too many."""
        if answer.status_code != 200:
            return
        self._pages.pop(key, None)
        self._pages[key] = _Kept(now + KEPT, bytes(answer.body))
        if len(self._pages) > MAX_KEPT:
            del self._pages[next(iter(self._pages))]
