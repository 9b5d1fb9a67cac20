"""The routes of questions by JSON."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboards.api.asked import Sites
from dashboards.api.door import Handler
from dashboards.api.openapi import PATH, openapi_document
from dashboards.api.v1 import query_v1
from dashboards.api.v2 import query_v2
from dashboards.asking.answering import Asker

_CACHED = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}


def query_routes(asker: Asker, sites: Sites, guard: Callable[[Handler], Handler]) -> list[Route]:
    """Return the routes; `guard` lets in requests whose key is for questions."""
    document = openapi_document()

    async def describe(_: Request) -> Response:
        return Response(document, headers=_CACHED, media_type="application/json")

    return [
        Route("/api/v1/query", guard(query_v1(asker, sites)), methods=["POST"]),
        Route("/api/v2/query", guard(query_v2(asker, sites)), methods=["POST"]),
        Route(PATH, describe, methods=["GET"]),
    ]
