"""The page of the audit trail: who looked at, exported and asked what, a day at a time."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from dashboards.address.selection import PATH, SelectionError
from dashboards.people_page import ROLES
from dashboards.reports.all_reports import ALL_REPORTS
from dashboards.words import PARAMETER, Words, message
from people.roles import Person, Role
from people.trail import Act, Did, Trail

TRAIL = f"{PATH}/audit"
PAGE_ROWS = 100
KEPT = timedelta(days=90)

_DEEDS = {
    Did.LOOKED: message("looked at"),
    Did.EXPORTED: message("exported"),
    Did.ASKED: message("asked by SQL"),
    Did.ASKED_API: message("asked by the API"),
    Did.LOGGED_IN: message("logged in"),
    Did.FAILED: message("failed to log in"),
    Did.LOGGED_OUT: message("logged out"),
    Did.SHARED: message("shared"),
    Did.REVOKED: message("revoked the share"),
    Did.ANNOTATED: message("annotated"),
    Did.UNANNOTATED: message("deleted the annotation"),
    Did.ADDED_USER: message("added the user"),
    Did.CHANGED_USER: message("changed role or sites of"),
    Did.RENEWED: message("gave a new password to"),
    Did.GAVE_FACTOR: message("gave a second factor to"),
    Did.TOOK_FACTOR: message("took the second factor from"),
    Did.REMOVED_USER: message("removed the user"),
}
_REPORTS = {
    "overview": message("overview"),
    "privacy": message("privacy"),
    "withheld groups": message("withheld groups"),
    "live visitors": message("live visitors"),
    "people": message("people"),
    "audit trail": message("audit trail"),
    "report": message("report by mail"),
    "mailed report": message("report mailed by schedule"),
    "api": message("question"),
    **{report.id: report.title for group in ALL_REPORTS for report in group.reports},
}
"""What the trail calls reports and other pages."""
_NAMED = frozenset({Did.LOOKED, Did.EXPORTED, Did.ASKED_API})
_NO_PARAMETER = message("The address has a parameter that the audit trail does not know.")
_NO_PAGE = message("There is no such page of the audit trail.")
_NO_DAY = message("A day of the audit trail is written as 2026-01-31.")
_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,4}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class TrailPage:
    """A page of one day (UTC)."""

    day: date
    days: tuple[date, ...]
    acts: tuple[Act, ...]
    rows: int
    """Of the whole day."""
    page: int

    @property
    def pages(self) -> int:
        """Count the day's pages; one at least."""
        return max(1, -(-self.rows // PAGE_ROWS))

    def at(self, day: date, page: int = 1) -> str:
        """Return the address of another page."""
        parameters = {"day": day.isoformat()} | ({"page": str(page)} if page > 1 else {})
        return f"{TRAIL}?{urlencode(parameters)}"

    def time_of(self, act: Act) -> str:
        """Return when it was done, to the second."""
        return f"{datetime.fromtimestamp(act.time, UTC):%H:%M:%S}"

    def deed_of(self, act: Act) -> str:
        """Return what was done, a key of the words."""
        return _DEEDS[act.did]

    def report_of(self, act: Act, words: Words) -> str:
        """Return what it was done to; views, shares and users go by their own names."""
        if act.whom:
            return _write_user(act, words)
        name, bracket, form = act.report.partition(" (")
        if act.did not in _NAMED or name not in _REPORTS:
            return act.report
        return f"{words(_REPORTS[name])}{bracket}{form}"


class TrailReader:
    """Reads pages of the trail, one at a time."""

    def __init__(self, trail: Trail, now: Callable[[], datetime]) -> None:
        self._trail = trail
        self._now = now
        self._one_at_a_time = CapacityLimiter(1)

    async def read(self, request: Request, person: Person) -> TrailPage:
        """Return the page that an address asks for, of the sites that the person sees.

        Raises SelectionError for a parameter that is unknown, repeated or out of bounds.
        """
        today = self._now().astimezone(UTC).date()
        parameters = request.query_params.multi_items()
        values = dict(parameters)
        if len(values) != len(parameters) or not values.keys() <= {"day", "page", PARAMETER}:
            raise SelectionError(_NO_PARAMETER)
        day = _read_day(values.get("day", today.isoformat()))
        page = values.get("page", "1")
        if not _PAGE_NUMBER.fullmatch(page):
            raise SelectionError(_NO_PAGE)
        return await to_thread.run_sync(
            self._read, today, day, int(page), person, limiter=self._one_at_a_time
        )

    def _read(self, today: date, day: date, page: int, person: Person) -> TrailPage:
        # A file outlives its time while nobody does anything; it is not shown.
        days = tuple(kept for kept in self._trail.days() if today - kept <= KEPT)
        acts, rows = self._trail.read(day, lambda act: person.sees(act.site), page, PAGE_ROWS)
        if day != today and day not in days:
            acts, rows = (), 0
        if page > 1 and not acts:
            raise SelectionError(_NO_PAGE)
        return TrailPage(day, days, tuple(acts), rows, page)


def _write_user(act: Act, words: Words) -> str:
    role, colon, sites = act.report.partition(": ")
    if role not in set(Role):
        return act.whom
    return f"{act.whom} ({words(ROLES[Role(role)])}{colon}{sites})"


def _read_day(text: str) -> date:
    # Python takes other ways of ISO 8601 too, such as 2026-W05-6.
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise SelectionError(_NO_DAY) from None
