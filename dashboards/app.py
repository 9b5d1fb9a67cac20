"""The routes under /dashboard: who may read, what an address asks for, the page that answers."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from anonymizer.policy import Policy
from dashboards.address.selection import PATH
from dashboards.annotations import Marks
from dashboards.annotations_page import annotation_page_routes
from dashboards.asking.answering import Asker
from dashboards.compressing import compressed
from dashboards.export_formats import Encode
from dashboards.exports import export_page, export_routes
from dashboards.live import live_routes
from dashboards.logins.logging_in import LoggingIn
from dashboards.notes import Notes
from dashboards.pages import show, static_file
from dashboards.people_page import people_page_routes
from dashboards.privacy.page import PrivacySources, privacy_routes
from dashboards.readers import Reader, Readers
from dashboards.sharing.owners_page import shares_page_routes
from dashboards.sharing.pages import SharedPages
from dashboards.site_pages import SitePages
from dashboards.trail_page import TRAIL, TrailReader
from people.people import People
from people.roles import Right
from people.trail import Did, Trail


def dashboard_routes(
    asker: Asker,
    policy: Policy,
    people: People,
    trail: Trail,
    network_of: Callable[[Request], str],
    now: Callable[[], datetime],
    *,
    marks: Marks,
    encode: Encode,
    privacy: PrivacySources,
) -> list[BaseRoute]:
    """Return every route under /dashboard, and of shared links.

    `asker` answers questions about the policy's sites; `network_of` gives the truncated network
    that a request comes from; `now` carries a zone; `marks` keeps what is marked on charts;
    `privacy` tells of the running server; `encode` writes what exports hold. The
    policy names at least one site.
    """
    notes = Notes(trail, now)
    logging_in = LoggingIn(people, notes, network_of, now)
    readers = Readers(policy, logging_in)
    site_pages = SitePages(asker, notes, marks, now, privacy.facts.live_of)
    exports = export_page(asker, encode, policy, notes, now)
    shared = SharedPages(policy, people, network_of, now)
    show_trail = _show_trail(TrailReader(trail, now), notes)
    routes: list[BaseRoute] = [
        Route(PATH, readers.guard(site_pages.show), methods=["GET"]),
        Route(TRAIL, readers.guard(show_trail, Right.AUDIT), methods=["GET"]),
        *export_routes(readers, exports),
        *annotation_page_routes(readers, marks, notes, now),
        *shares_page_routes(readers, people.shares, notes, now),
        *people_page_routes(readers, people, notes, now),
        *shared.routes(site_pages.show, exports),
        *privacy_routes(readers, asker, privacy, notes, now),
        *live_routes(readers, privacy.facts.live_of, notes, now),
        *logging_in.routes(),
        Route(f"{PATH}/static/{{name}}", static_file, methods=["GET"]),
    ]
    return compressed(routes)


def _show_trail(
    trail: TrailReader, notes: Notes
) -> Callable[[Request, Reader], Awaitable[Response]]:
    async def show_trail(request: Request, reader: Reader) -> Response:
        page = await trail.read(request, reader.person)
        await notes.note(
            reader.person.name, Did.LOOKED, report="audit trail", period=f"{page.day}/{page.day}"
        )
        values = {"trail": page, "token": reader.token, "name": reader.person.name}
        return show(reader.words, "audit.html", values)

    return show_trail
