"""Who is on a site now, told in a reader's words; `/dashboard/live` tells it anew."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from anonymizer.policy import Site
from dashboards.address.selection import PATH, SelectionError
from dashboards.notes import Notes
from dashboards.pages import PAGE_HEADERS
from dashboards.privacy.facts import LiveOf, LiveVisitors
from dashboards.readers import Reader, Readers
from dashboards.words import PARAMETER, Words, message
from people.trail import Did

LIVE = f"{PATH}/live"
_REPORT = "live visitors"


class LiveView(Struct, frozen=True):
    """What the macro of live.html shows."""

    text: str
    address: str
    """Where it is told anew, as JSON."""


def live_routes(
    readers: Readers, live_of: LiveOf, notes: Notes, now: Callable[[], datetime]
) -> list[BaseRoute]:
    """Return the route; the trail gets a line an hour for each reader and site."""
    answers = _LiveAnswers(live_of, notes, now)
    return [Route(LIVE, readers.guard(answers.tell), methods=["GET"])]


def view_live(live_of: LiveOf, reader: Reader, site: Site) -> LiveView | None:
    """Return what a page shows; None to guests, and where the policy counts no visitors."""
    told = None if reader.is_guest else live_of(str(site.domain))
    if told is None:
        return None
    asked = {"site": str(site.domain), PARAMETER: reader.words.language}
    return LiveView(write_live(reader.words, told), f"{LIVE}?{urlencode(asked)}")


def write_live(words: Words, told: LiveVisitors) -> str:
    """Write who is there as far as it may be told."""
    if told.least == told.most:
        return words.count("{count} visitor now", "{count} visitors now", told.least)
    if told.least == 0:
        return words("fewer than {number} visitors now", number=words.number(told.most + 1))
    return words(
        "{least} to {most} visitors now",
        least=words.number(told.least),
        most=words.number(told.most),
    )


class _LiveAnswers:
    def __init__(self, live_of: LiveOf, notes: Notes, now: Callable[[], datetime]) -> None:
        self._live_of = live_of
        self._notes = notes
        self._now = now
        self._hour: datetime | None = None
        self._noted: set[tuple[str, str]] = set()

    async def tell(self, request: Request, reader: Reader) -> Response:
        site = _site_of(request, reader)
        await self._note(reader.person.name, str(site.domain))
        view = view_live(self._live_of, reader, site)
        return JSONResponse({"text": view.text if view else ""}, headers=PAGE_HEADERS)

    async def _note(self, name: str, site: str) -> None:
        hour = self._now().replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour = hour
            self._noted.clear()
        if (name, site) not in self._noted:
            await self._notes.note(name, Did.LOOKED, site=site, report=_REPORT)
            self._noted.add((name, site))


def _site_of(request: Request, reader: Reader) -> Site:
    parameters = request.query_params.multi_items()
    asked = dict(parameters)
    if not asked.keys() <= {"site", PARAMETER} or len(asked) < len(parameters):
        raise SelectionError(
            message("The address has a parameter that the dashboard does not know.")
        )
    for site in reader.policy.sites.values():
        if site.domain == asked.get("site"):
            return site
    raise SelectionError(message("The policy has no such site."))
