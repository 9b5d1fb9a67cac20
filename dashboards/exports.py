"""`/dashboard/export`: the whole list of a report, or the overview's chart, as a file."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from anonymizer.policy import Policy
from dashboards.address.reading import read_selection
from dashboards.address.selection import PATH, Selection, SelectionError
from dashboards.asking.answering import Answer, Asker
from dashboards.export_formats import MEDIA_TYPES, Encode, Format, write_file
from dashboards.notes import Notes
from dashboards.overview.traffic import bars_of, chart_question
from dashboards.pages import PAGE_HEADERS, show_fault
from dashboards.readers import Page, Reader, Readers
from dashboards.reports.declared import question_of, reports_by_id
from dashboards.reports.fitting import fit
from dashboards.shown import Link
from dashboards.words import message
from people.roles import Right
from people.trail import Did

EXPORT = f"{PATH}/export"
MAX_ROWS = 100_000
"""Of one file, in the report's order. The name of a file that lacks rows says so."""

_TITLES = {
    Format.CSV: "CSV",
    Format.JSON: "JSON",
    Format.PARQUET: "Parquet",
    Format.ARROW: "Arrow",
}


_UNDECLARED = message(
    "The policy counts nothing that answers this with these filters. The page of the report says"
    " which lines of the policy would."
)


def export_links(selection: Selection) -> tuple[Link, ...]:
    """Return where what is shown can be had as a file."""
    fields = selection.fields("page", "tab")
    return tuple(
        Link(title, f"{selection.path}/export?{urlencode([*fields, ('format', form)])}")
        for form, title in _TITLES.items()
    )


def export_page(
    asker: Asker,
    encode: Encode,
    policy: Policy,
    notes: Notes,
    now: Callable[[], datetime],
) -> Page:
    """Return what answers with a file; `encode` has ClickHouse write its formats."""
    return _Exports(asker, encode, policy, notes, now).export


def export_routes(readers: Readers, page: Page) -> list[BaseRoute]:
    """Return the route of who is logged in; shared links have their own."""
    return [Route(EXPORT, readers.guard(page, Right.EXPORTS), methods=["GET"])]


class _Exports:
    def __init__(
        self,
        asker: Asker,
        encode: Encode,
        policy: Policy,
        notes: Notes,
        now: Callable[[], datetime],
    ) -> None:
        self._asker = asker
        self._encode = encode
        self._notes = notes
        self._now = now
        self._reports = reports_by_id(policy)
        self._one_at_a_time = asyncio.Lock()  # 100,000 rows are some 200 MB on their way

    async def export(self, request: Request, reader: Reader) -> Response:
        form, parameters = _read_format(request.query_params.multi_items())
        selection = read_selection(
            parameters,
            reader.policy,
            self._reports,
            self._now(),
            words=reader.words,
        )
        await self._notes.note(
            reader.person.name,
            Did.EXPORTED,
            site=str(selection.site.domain),
            report=f"{selection.report or 'overview'} ({form})",
            period=f"{selection.period.first}/{selection.period.last}",
        )
        if selection.report:
            report = self._reports[selection.report]
            question = fit(self._asker, question_of(report, selection, limit=MAX_ROWS))
        else:
            _, question = chart_question(self._asker, selection)
        if question is None:
            return show_fault(reader.words, 400, _UNDECLARED, reader.path)
        async with self._one_at_a_time:
            answer = await self._asker.answer(question)
            if not selection.report:
                question, answer = bars_of(question, answer, selection.now)
            body = await write_file(question, answer, form, self._encode)
        name = _name_file(selection, answer, form)
        return Response(
            body,
            media_type=MEDIA_TYPES[form],
            headers={**PAGE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
        )


def _read_format(
    parameters: Sequence[tuple[str, str]],
) -> tuple[Format, Sequence[tuple[str, str]]]:
    told = [value for name, value in parameters if name == "format"]
    if len(told) != 1 or told[0] not in tuple(Format):
        raise SelectionError(message("The format of an export is csv, json, parquet or arrow."))
    return Format(told[0]), [each for each in parameters if each[0] != "format"]


def _name_file(selection: Selection, answer: Answer, form: Format) -> str:
    parts = [
        str(selection.site.domain).replace(":", "-"),
        selection.report or "overview",
        f"{selection.period.first}",
        f"{selection.period.last}",
    ]
    if answer.groups > len(answer.rows):
        parts.append(f"first-{len(answer.rows)}")
    return f"{'-'.join(parts)}.{form}"
