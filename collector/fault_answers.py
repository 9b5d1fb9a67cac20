"""What is answered while a part that a page needs can't be used."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from collector.annotations import AnnotationsFailed
from collector.api_door import refuse
from collector.audit import AuditFailed
from collector.store import StoreFailed
from people.user_file import UsersFailed

log = logging.getLogger("discreet")


async def _store_failed(request: Request, error: Exception) -> Response:
    log.warning("%s; a page was answered 503", error)
    if _is_api(request):
        return refuse(503, "server", "can't ask the store at the moment", {"Retry-After": "60"})
    return PlainTextResponse(
        "The store can't be asked at the moment. Hits are kept; try again in a minute.\n",
        503,
        headers={"Cache-Control": "no-store", "Retry-After": "60"},
    )


async def _annotations_failed(_: Request, error: Exception) -> Response:
    log.warning("%s; a page was answered 503", error)
    return PlainTextResponse(
        "Annotations can't be read or kept at the moment; try again in a minute.\n",
        503,
        headers={"Cache-Control": "no-store", "Retry-After": "60"},
    )


async def _users_failed(_: Request, error: Exception) -> Response:
    log.warning("%s; a page was answered 503", error)
    return PlainTextResponse(
        "Who may see this can't be looked up at the moment; try again in a minute.\n",
        503,
        headers={"Cache-Control": "no-store", "Retry-After": "60"},
    )


async def _audit_failed(request: Request, error: Exception) -> Response:
    log.warning("no page is shown: %s", error)
    if _is_api(request):
        return refuse(503, "server", "can't write down who asks", {"Retry-After": "60"})
    return PlainTextResponse(
        "Who looks at this can't be written down at the moment, so it is not shown.\n",
        503,
        headers={"Cache-Control": "no-store", "Retry-After": "60"},
    )


def _is_api(request: Request) -> bool:
    return request.url.path.startswith(("/api/v1/", "/api/v2/"))


FAULT_ANSWERS: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    StoreFailed: _store_failed,
    AuditFailed: _audit_failed,
    AnnotationsFailed: _annotations_failed,
    UsersFailed: _users_failed,
}
