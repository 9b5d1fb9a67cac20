"""JSON in and out, and refusals that name a field and echo nothing of what was sent."""

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from dashboards.asking.unanswerable import NotDeclared, Unanswerable

MAX_BODY_BYTES = 65_536

Handler = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
# A message of msgspec's holds the names of fields and types, and of unknown fields and enums what
# was sent; the names of fields alone go on.
_FIELD = re.compile(r"`\$\.(?P<field>[a-z_]+)|missing required field `(?P<missing>[a-z_]+)`")


class Refusal(Struct, frozen=True, omit_defaults=True):
    """Why there is no answer."""

    error: str
    """The field, and what it must be."""
    field: str
    """Which part of the request is wrong."""
    policy: str = ""
    """Lines which, added to the policy, have this answered from the next start on."""


class ApiRefused(Exception):
    """A request that is answered by a refusal."""

    def __init__(self, status: int, refusal: Refusal) -> None:
        super().__init__(refusal.error)
        self.status = status
        self.refusal = refusal


def refused(status: int, field: str, wanted: str) -> ApiRefused:
    """Return the refusal of a field that isn't what it must be."""
    return ApiRefused(status, Refusal(f"{field}: {wanted}", field))


def answered(handler: Handler, status_of_undeclared: int) -> Handler:
    """Return `handler` with what it refuses told as JSON."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ApiRefused as error:
            return to_json(error.status, error.refusal)
        except Unanswerable as error:
            return to_json(400, Refusal(str(error), error.field))
        except NotDeclared as error:
            told = "dimensions: the policy declares no statistic for this; these lines would"
            return to_json(status_of_undeclared, Refusal(told, "dimensions", error.lines))

    return answer


async def read_json(request: Request, wanted: type[T]) -> T:
    """Read a request's JSON body.

    Raises:
        ApiRefused: it is too long, no JSON, or has other fields or types.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise refused(413, "body", f"must be at most {MAX_BODY_BYTES} bytes")
    try:
        return msgspec.json.decode(body, type=wanted)
    except msgspec.ValidationError as error:
        if "unknown field" in str(error):
            raise refused(
                400, "body", "must have fields that are known here, and no other"
            ) from None
        found = _FIELD.search(str(error))
        field = (found["field"] or found["missing"]) if found else "body"
        raise refused(400, field, "is missing, or of no type or value that is known here") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refused(400, "body", "must be a JSON object in UTF-8") from None


def to_json(status: int, told: Struct) -> Response:
    """Answer with JSON that no cache keeps."""
    return Response(msgspec.json.encode(told), status, _HEADERS, media_type="application/json")
