"""The routes under /dashboard: who may read, what an address asks for, the page that answers."""

import re
from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from anonymizer.policy import Policy
from dashboards import figures, periods
from dashboards.logging_in import LoggingIn
from dashboards.notes import Notes
from dashboards.overview import PAGE_ROWS, read_list, read_overview
from dashboards.pages import show, show_fault, static_file
from dashboards.panels import Panel, declared_groups
from dashboards.queries import Query
from dashboards.readers import Reader, Readers
from dashboards.selection import PATH, Selection, read_selection
from dashboards.trail_page import TRAIL, TrailReader
from people.people import People
from people.roles import Right
from people.trail import Did, Trail

LATEST_DAYS = 28

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")


def dashboard_routes(
    query: Query,
    policy: Policy,
    people: People,
    trail: Trail,
    network_of: Callable[[Request], str],
    now: Callable[[], datetime],
) -> list[BaseRoute]:
    """Return every route under /dashboard.

    `query` answers read-only SQL on the guarded views; `network_of` gives the truncated network
    that a request comes from; `now` carries a zone. The policy names at least one site.
    """
    notes = Notes(trail, now)
    logging_in = LoggingIn(people, notes, network_of, now)
    readers = Readers(policy, logging_in)
    dashboard = _Dashboard(query, policy, notes, trail, now)
    return [
        Route(PATH, readers.guard(dashboard.overview_or_list), methods=["GET"]),
        Route(TRAIL, readers.guard(dashboard.trail, Right.AUDIT), methods=["GET"]),
        *logging_in.routes(),
        Route(f"{PATH}/static/{{name}}", static_file, methods=["GET"]),
    ]


class _Dashboard:
    def __init__(
        self,
        query: Query,
        policy: Policy,
        notes: Notes,
        trail: Trail,
        now: Callable[[], datetime],
    ) -> None:
        self._query = query
        self._notes = notes
        self._trail = TrailReader(trail, now)
        self._now = now
        self._panels: dict[str, Panel] = {
            panel.id: panel for _, panels in declared_groups(policy) for panel in panels
        }

    async def overview_or_list(self, request: Request, reader: Reader) -> Response:
        selection = read_selection(
            request.query_params.multi_items(),
            reader.policy,
            frozenset(self._panels),
            self._now(),
        )
        await self._notes.note(
            reader.person.name,
            Did.LOOKED,
            site=selection.site.domain,
            report=selection.panel or "overview",
            period=f"{selection.period.first}/{selection.period.last}",
        )
        if selection.panel:
            return await self._show_list(reader, selection)
        return await self._show_overview(request, reader, selection)

    async def trail(self, request: Request, reader: Reader) -> Response:
        page = await self._trail.read(request, reader.person)
        await self._notes.note(
            reader.person.name, Did.LOOKED, report="audit trail", period=f"{page.day}/{page.day}"
        )
        return show(
            reader.words,
            "audit.html",
            {"trail": page, "token": reader.token, "name": reader.person.name},
        )

    async def _show_overview(
        self, request: Request, reader: Reader, selection: Selection
    ) -> Response:
        overview = await read_overview(self._query, reader.policy, selection)
        latest = ""
        if overview.counted_days:
            first, last = overview.counted_days
            start = max(first, last - (LATEST_DAYS - 1) * periods.DAY)
            if last < selection.period.first and start >= periods.EARLIEST:
                latest = selection.at_days(start.isoformat(), last.isoformat())
        origin = ""
        if overview.is_empty:
            if not _HOST.fullmatch(request.url.netloc):
                return show_fault(reader.words, 400, "The Host header is not the name of a host.")
            origin = f"{request.url.scheme}://{request.url.netloc}"
        return show(
            reader.words,
            "empty.html" if overview.is_empty else "overview.html",
            {
                "overview": overview,
                "latest": latest,
                "origin": origin,
                **self._frame(reader, selection),
            },
        )

    async def _show_list(self, reader: Reader, selection: Selection) -> Response:
        shown = await read_list(
            self._query, reader.policy, self._panels[selection.panel], selection
        )
        if selection.page > 1 and not shown.rows:
            return show_fault(reader.words, 400, "There is no such page of the list.")
        return show(
            reader.words,
            "list.html",
            {
                "shown": shown,
                "first_row": PAGE_ROWS * (selection.page - 1) + 1,
                "pages": max(1, -(-shown.groups // PAGE_ROWS)),
                **self._frame(reader, selection),
            },
        )

    def _frame(self, reader: Reader, selection: Selection) -> dict[str, object]:
        """Give what the head of every page shows."""
        return {
            "selection": selection,
            "sites": [str(domain) for domain in reader.policy.sites],
            "days": periods.describe_days(selection.period.first, selection.period.last),
            "period_titles": periods.TITLES,
            "measure_titles": figures.TITLES,
            "earliest": periods.EARLIEST.isoformat(),
            "token": reader.token,
            "name": reader.person.name,
            "may_audit": reader.person.may(Right.AUDIT),
        }
