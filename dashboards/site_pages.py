"""The pages about a site: its overview, and each of its reports."""

from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from dashboards.address.reading import ADDED, read_selection
from dashboards.address.selection import Selection
from dashboards.annotations import Marks, read_annotations
from dashboards.asking.answering import Asker
from dashboards.framing import frame_of
from dashboards.live import view_live
from dashboards.notes import Notes
from dashboards.overview.page import read_overview
from dashboards.pages import go_to, keep_language, origin_of, show, show_no_host
from dashboards.privacy.facts import LiveOf
from dashboards.readers import Reader
from dashboards.reports.declared import reports_by_id
from dashboards.reports.page import read_report
from people.trail import Did


class SitePages:
    """Shows what an address asks for, and notes first who asked."""

    def __init__(
        self,
        asker: Asker,
        notes: Notes,
        marks: Marks,
        now: Callable[[], datetime],
        live_of: LiveOf,
    ) -> None:
        self._live_of = live_of
        self._asker = asker
        self._notes = notes
        self._marks = marks
        self._now = now

    async def show(self, request: Request, reader: Reader) -> Response:
        """Show the overview or a report.

        Raises:
            SelectionError: the address asks for nothing that there is.
        """
        selection = select(request, reader, self._now())
        if not request.query_params.keys().isdisjoint(ADDED):
            return go_to(selection.address())
        await self._notes.note(
            reader.person.name,
            Did.LOOKED,
            site=selection.site.domain,
            report=selection.report or "overview",
            period=f"{selection.period.first}/{selection.period.last}",
        )
        shown = self._show_report if selection.report else self._show_overview
        return keep_language(request, await shown(request, reader, selection))

    async def _show_overview(
        self, request: Request, reader: Reader, selection: Selection
    ) -> Response:
        site, period = str(selection.site.domain), selection.period
        marks, lacking = await read_annotations(self._marks, site, period, reader.words)
        overview = await read_overview(
            self._asker,
            reader.policy,
            selection,
            reader.words,
            [(mark.moment, mark.text) for mark in marks],
        )
        live = view_live(self._live_of, reader, selection.site)
        values = {
            "overview": overview,
            "live": live,
            "lacking": lacking,
            **frame_of(reader, selection),
        }
        if not overview.is_empty:
            return show(reader.words, "overview.html", values)
        values["origin"] = origin_of(request)
        if not values["origin"]:
            return show_no_host(reader.words)
        return show(reader.words, "empty.html", values)

    async def _show_report(self, _: Request, reader: Reader, selection: Selection) -> Response:
        report = await read_report(self._asker, reader.policy, selection, reader.words)
        return show(reader.words, "report.html", {"report": report, **frame_of(reader, selection)})


def select(request: Request, reader: Reader, now: datetime) -> Selection:
    """Read what a reader's request asks for; raises SelectionError."""
    return read_selection(
        request.query_params.multi_items(),
        reader.policy,
        reports_by_id(reader.policy),
        now,
        words=reader.words,
        path=reader.path,
    )
