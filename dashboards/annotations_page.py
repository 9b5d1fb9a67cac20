"""`/dashboard/annotations`: marks of a site, written and deleted by owners and analysts."""

import re
from collections.abc import Callable
from datetime import date, datetime

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from anonymizer.policy import Site
from dashboards.address.selection import PATH, SelectionError
from dashboards.annotations import FAULTS, UNREAD, Marks, write_mark
from dashboards.logins.forms import read_own_form
from dashboards.notes import Notes
from dashboards.pages import go_to, show
from dashboards.readers import Reader, Readers
from dashboards.words import message
from people.roles import Right
from people.trail import Did

ANNOTATIONS = f"{PATH}/annotations"
MAX_LISTED = 500

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_EVER = (date(2000, 1, 1), date(2099, 12, 31))


def annotation_page_routes(
    readers: Readers, marks: Marks, notes: Notes, now: Callable[[], datetime]
) -> list[BaseRoute]:
    """Return the routes of the page and its two forms; `now` carries a zone."""
    page = _AnnotationsPage(marks, notes, now)
    guard = readers.guard
    return [
        Route(ANNOTATIONS, guard(page.show, Right.ANNOTATIONS), methods=["GET"]),
        Route(ANNOTATIONS, guard(page.add, Right.ANNOTATIONS), methods=["POST"]),
        Route(f"{ANNOTATIONS}/delete", guard(page.delete, Right.ANNOTATIONS), methods=["POST"]),
    ]


class _AnnotationsPage:
    def __init__(self, marks: Marks, notes: Notes, now: Callable[[], datetime]) -> None:
        self._marks = marks
        self._notes = notes
        self._now = now

    async def show(self, request: Request, reader: Reader) -> Response:
        parameters = request.query_params.multi_items()
        if not {name for name, _ in parameters} <= {"site", "lang"} or len(parameters) > 2:
            raise SelectionError(
                message("The address has a parameter that the dashboard does not know.")
            )
        site = _site_of(reader, dict(parameters).get("site"))
        return await self._show(reader, site, 200, "")

    async def add(self, request: Request, reader: Reader) -> Response:
        form = await read_own_form(request, reader.token)
        site = _site_of(reader, form.get("site", ""))
        try:
            made = await to_thread.run_sync(
                self._marks.add, str(site.domain), form.get("at", ""), form.get("text", "")
            )
        except ValueError as error:
            return await self._show(reader, site, 400, _sentence(error), form)
        await self._note(reader, Did.ANNOTATED, site, made.number)
        return go_to(_address(site))

    async def delete(self, request: Request, reader: Reader) -> Response:
        form = await read_own_form(request, reader.token)
        site, number = _site_of(reader, form.get("site", "")), form.get("number", "")
        try:
            wanted = int(number) if _NUMBER.fullmatch(number) else 0
            await to_thread.run_sync(self._marks.delete, str(site.domain), wanted)
        except ValueError as error:
            return await self._show(reader, site, 400, _sentence(error))
        await self._note(reader, Did.UNANNOTATED, site, wanted)
        return go_to(_address(site))

    async def _note(self, reader: Reader, did: Did, site: Site, number: int) -> None:
        name = reader.person.name
        await self._notes.note(name, did, site=str(site.domain), report=str(number))

    async def _show(
        self,
        reader: Reader,
        site: Site,
        status: int,
        fault: str,
        form: dict[str, str] | None = None,
    ) -> Response:
        marks, unread = await to_thread.run_sync(self._marks.of_site, str(site.domain), *_EVER)
        local_now = self._now().astimezone(site.zone).replace(tzinfo=None)
        values = {
            "annotations": [
                write_mark(reader.words, mark) for mark in reversed(marks[-MAX_LISTED:])
            ],
            "all": len(marks),
            "lacking": [reader.words(UNREAD[kind]) for kind in unread],
            "site": str(site.domain),
            "sites": [str(domain) for domain in reader.policy.sites],
            "zone": site.zone.key,
            "page_address": ANNOTATIONS,
            "at": (form or {}).get("at") or local_now.isoformat(timespec="minutes"),
            "text": (form or {}).get("text", ""),
            "fault": reader.words(fault) if fault else "",
            "token": reader.token,
            "name": reader.person.name,
        }
        return show(reader.words, "annotations.html", values, status)


def _site_of(reader: Reader, domain: str | None) -> Site:
    sites = list(reader.policy.sites.values())
    for site in sites:
        if domain is None or site.domain == domain:
            return site
    raise SelectionError(message("The policy has no such site."))


def _address(site: Site) -> str:
    return f"{ANNOTATIONS}?site={site.domain}"


def _sentence(error: ValueError) -> str:
    return FAULTS.get(str(error).partition(":")[0], FAULTS["text"])
