"""`/api/v1/annotations`: marks on the chart by JSON, for programs that hold a key."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.annotations import Annotation, Annotations, AnnotationsFailed, BadAnnotation
from collector.api_door import (
    Answer,
    ApiDoor,
    answer_json,
    name_of,
    read_json,
    refuse,
    sites_of,
)
from collector.api_keys import KeyScope
from collector.clock import read_date
from people.trail import Act, Did

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


class _New(Struct, forbid_unknown_fields=True):
    site: str
    text: str
    at: str = ""


class _Told(Struct):
    number: int
    site: str
    at: str
    """The site's wall clock: ``2026-03-01T12:00``."""
    text: str


def annotation_routes(
    annotations: Annotations, door: ApiDoor, now: Callable[[], int], note: Callable[[Act], None]
) -> list[Route]:
    """Return the routes under `/api/v1/annotations`; each asks for a key of scope annotate.

    `note` writes what a key changed into the audit trail, under the key's name; it may raise.
    """
    api = _Api(annotations, now, note)

    def guard(answer: Answer) -> Answer:
        return door.guard(KeyScope.ANNOTATE, _answered(answer))

    return [
        Route("/api/v1/annotations", guard(api.show), methods=["GET"]),
        Route("/api/v1/annotations", guard(api.add), methods=["POST"]),
        Route("/api/v1/annotations/{number}", guard(api.delete), methods=["DELETE"]),
    ]


class _Api:
    def __init__(
        self, annotations: Annotations, now: Callable[[], int], note: Callable[[Act], None]
    ) -> None:
        self._annotations = annotations
        self._now = now
        self._note = note

    async def show(self, request: Request) -> Response:
        site = _site_of(request)
        first = _read_day(request, "from", date(2000, 1, 1))
        last = _read_day(request, "to", date(2099, 12, 31))
        found = await run_in_threadpool(self._annotations.of_site, site, first, last)
        return answer_json(200, msgspec.json.encode([_tell(each) for each in found]))

    async def add(self, request: Request) -> Response:
        sent = await read_json(request, _New)
        _check_site(request, sent.site)
        now = datetime.fromtimestamp(self._now(), UTC)
        made = await run_in_threadpool(self._annotations.add, sent.site, sent.at, sent.text, now)
        await self._noted(request, Did.ANNOTATED, sent.site, made.number)
        return answer_json(201, msgspec.json.encode(_tell(made)))

    async def delete(self, request: Request) -> Response:
        number = str(request.path_params["number"])
        if not _NUMBER.fullmatch(number):
            raise BadAnnotation("number", "is that of no annotation of the site")
        site = _site_of(request)
        await run_in_threadpool(self._annotations.delete, site, int(number))
        await self._noted(request, Did.UNANNOTATED, site, int(number))
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def _noted(self, request: Request, did: Did, site: str, number: int) -> None:
        act = Act(self._now(), name_of(request), did, site, str(number))
        await run_in_threadpool(self._note, act)


def _site_of(request: Request) -> str:
    site = request.query_params.get("site", "")
    _check_site(request, site)
    return site


def _check_site(request: Request, site: str) -> None:
    allowed = sites_of(request)
    if allowed and site not in allowed:
        # As of one that is not there.
        raise BadAnnotation("site", "is the domain of no site of the policy")


def _read_day(request: Request, name: str, default: date) -> date:
    text = request.query_params.get(name)
    day = default if text is None else read_date(text)
    if day is None:
        raise BadAnnotation(name, "must be a day such as 2026-03-01")
    return day


def _tell(each: Annotation) -> _Told:
    at = each.moment.isoformat(timespec="minutes")
    return _Told(number=each.number, site=each.site, at=at, text=each.text)


def _answered(answer: Answer) -> Answer:
    async def answer_or_refuse(request: Request) -> Response:
        try:
            return await answer(request)
        except BadAnnotation as error:
            return refuse(404 if error.field == "number" else 400, error.field, error.wanted)
        except AnnotationsFailed:
            return refuse(503, "server", "can't read or keep annotations at the moment")

    return answer_or_refuse
