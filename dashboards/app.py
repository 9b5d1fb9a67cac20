"""The routes under /dashboard: who may read, what an address asks for, the page that answers."""

import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from anonymizer.policy import Policy
from dashboards import figures, periods
from dashboards.forms import FormError, read_form, read_place
from dashboards.logins import Logins
from dashboards.overview import PAGE_ROWS, read_list, read_overview
from dashboards.pages import go_to, show, show_fault, static_file
from dashboards.panels import Panel, declared_groups
from dashboards.queries import Query
from dashboards.selection import PATH, Selection, SelectionError, read_selection
from dashboards.sessions import Session, Sessions
from dashboards.throttle import Throttle

LOGIN = f"{PATH}/login"
MAX_NAME = 100
LATEST_DAYS = 28

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")


def dashboard_routes(
    query: Query, policy: Policy, logins: Logins, now: Callable[[], datetime]
) -> list[BaseRoute]:
    """Return every route under /dashboard.

    `query` answers read-only SQL on the guarded views; `now` carries a zone. The policy
    names at least one site.
    """
    dashboard = _Dashboard(query, policy, logins, now)
    return [
        Route(PATH, dashboard.overview_or_list, methods=["GET"]),
        Route(LOGIN, dashboard.login_form, methods=["GET"]),
        Route(LOGIN, dashboard.log_in, methods=["POST"]),
        Route(f"{PATH}/logout", dashboard.log_out, methods=["POST"]),
        Route(f"{PATH}/static/{{name}}", static_file, methods=["GET"]),
    ]


class _Dashboard:
    def __init__(
        self, query: Query, policy: Policy, logins: Logins, now: Callable[[], datetime]
    ) -> None:
        self._query = query
        self._policy = policy
        self._logins = logins
        self._now = now
        self._sessions = Sessions(logins.session_secret())
        self._throttle = Throttle()
        # One at a time: a check takes 64 MiB.
        self._checks = CapacityLimiter(1)
        self._panels: dict[str, Panel] = {
            panel.id: panel for _, panels in declared_groups(policy) for panel in panels
        }

    async def overview_or_list(self, request: Request) -> Response:
        session = self._sessions.read(request, self._now())
        if session is None or not session.name:
            return go_to(f"{LOGIN}?{urlencode({'next': _place_of(request)})}")
        try:
            selection = read_selection(
                request.query_params.multi_items(),
                self._policy,
                frozenset(self._panels),
                self._now(),
            )
        except SelectionError as error:
            return show_fault(400, str(error))
        if selection.panel:
            return await self._show_list(session, selection)
        return await self._show_overview(request, session, selection)

    async def _show_overview(
        self, request: Request, session: Session, selection: Selection
    ) -> Response:
        overview = await read_overview(self._query, self._policy, selection)
        latest = ""
        if overview.counted_days:
            first, last = overview.counted_days
            start = max(first, last - (LATEST_DAYS - 1) * periods.DAY)
            if last < selection.period.first and start >= periods.EARLIEST:
                latest = selection.at_days(start.isoformat(), last.isoformat())
        origin = ""
        if overview.is_empty:
            if not _HOST.fullmatch(request.url.netloc):
                return show_fault(400, "The Host header is not the name of a host.")
            origin = f"{request.url.scheme}://{request.url.netloc}"
        return show(
            "empty.html" if overview.is_empty else "overview.html",
            {
                "overview": overview,
                "latest": latest,
                "origin": origin,
                **self._frame(session, selection),
            },
        )

    async def _show_list(self, session: Session, selection: Selection) -> Response:
        shown = await read_list(self._query, self._policy, self._panels[selection.panel], selection)
        if selection.page > 1 and not shown.rows:
            return show_fault(400, "There is no such page of the list.")
        return show(
            "list.html",
            {
                "shown": shown,
                "first_row": PAGE_ROWS * (selection.page - 1) + 1,
                "pages": max(1, -(-shown.groups // PAGE_ROWS)),
                **self._frame(session, selection),
            },
        )

    def _frame(self, session: Session, selection: Selection) -> dict[str, object]:
        """Give what the head of every page shows."""
        return {
            "selection": selection,
            "sites": [str(domain) for domain in self._policy.sites],
            "days": periods.describe_days(selection.period.first, selection.period.last),
            "period_titles": periods.TITLES,
            "measure_titles": figures.TITLES,
            "earliest": periods.EARLIEST.isoformat(),
            "token": self._sessions.form_token(session),
            "name": session.name,
        }

    async def login_form(self, request: Request) -> Response:
        session = self._sessions.read(request, self._now())
        place = read_place(request.query_params.get("next", ""))
        if session is not None and session.name:
            return go_to(place)
        return self._show_login(request, 200, place, "")

    async def log_in(self, request: Request) -> Response:
        now = self._now()
        try:
            form = await read_form(request)
        except FormError as error:
            return show_fault(400, str(error))
        place = read_place(form.get("next", ""))
        session = self._sessions.read(request, now)
        if not self._sessions.is_own_form(session, form.get("token", "")):
            return self._show_login(request, 403, place, "This form had expired. Please try again.")
        name = form.get("name", "")[:MAX_NAME]
        wait = self._throttle.wait_seconds(name, now)
        if wait:
            told = f"Too many failed logins. Please wait {figures.write_duration(wait)} minutes."
            answer = self._show_login(request, 429, place, told)
            answer.headers["Retry-After"] = str(wait)
            return answer
        # Counted before the check and forgiven after it, so that tries sent at once all count.
        self._throttle.failed(name, now)
        password = form.get("password", "")
        if not await to_thread.run_sync(self._logins.check, name, password, limiter=self._checks):
            return self._show_login(request, 401, place, "Name and password do not match.")
        self._throttle.passed(name)
        answer = go_to(place)
        self._sessions.write(answer, self._sessions.begin(name, now), request)
        return answer

    async def log_out(self, request: Request) -> Response:
        session = self._sessions.read(request, self._now())
        try:
            form = await read_form(request)
        except FormError as error:
            return show_fault(400, str(error))
        if not self._sessions.is_own_form(session, form.get("token", "")):
            return show_fault(403, "This form had expired; go back and reload the page.")
        answer = go_to(LOGIN)
        self._sessions.end(answer, request)
        return answer

    def _show_login(self, request: Request, status: int, place: str, message: str) -> Response:
        # An earlier form, open in another tab, stays good: its session is gone on with.
        session = self._sessions.read(request, self._now())
        if session is None or session.name:
            session = self._sessions.begin("", self._now())
        token = self._sessions.form_token(session)
        answer = show("login.html", {"token": token, "place": place, "message": message}, status)
        self._sessions.write(answer, session, request)
        return answer


def _place_of(request: Request) -> str:
    return read_place(f"{PATH}?{request.url.query}" if request.url.query else PATH)
