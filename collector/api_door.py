"""What every address of the API shares: the caller's key, JSON in and out, refusals.

The key comes as a bearer token (RFC 6750 section 2.1), never in an address. No CORS header is
sent, so that no page of another origin reads an answer.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from anonymizer.addresses import coarsen_address
from collector.api_keys import ApiKeys, Key, KeyScope, KeysFailed
from collector.bodies import read_body
from collector.receive import BadRequest
from collector.throttle import Throttle

MAX_BODY_BYTES = 16_000
MAX_FAILURES = 10
"""Wrong keys from one network (/24, /48) in a minute; further ones are answered 429."""
MAX_FAILURES_IN_TOTAL = 1_000

T = TypeVar("T")
Answer = Callable[[Request], Awaitable[Response]]

log = logging.getLogger("discreet")

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="discreet"'}
_FIELD = re.compile(r"`\$\.(?P<field>[a-z]+)|missing required field `(?P<missing>[a-z]+)`")


class ApiDoor:
    """Lets requests in by their keys. Knows truncated networks only, for a minute each."""

    def __init__(
        self, keys: ApiKeys, now: Callable[[], int], raw_address_of: Callable[[Request], str]
    ) -> None:
        self._keys = keys
        self._now = now
        self._raw_address_of = raw_address_of
        self._failures = Throttle(MAX_FAILURES, MAX_FAILURES_IN_TOTAL)

    def guard(self, scope: KeyScope, answer: Answer) -> Answer:
        """Return `answer` for callers whose key has `scope`; a `BadRequest` of it is told as JSON.

        A right key is let in whatever else was tried: what is bounded are the wrong ones.
        """

        async def answer_to_callers(request: Request) -> Response:
            try:
                key = await run_in_threadpool(
                    self._keys.find, _read_key(request), scope, self._now()
                )
                if key is None:
                    return self._refuse_caller(request)
                request.state.key = key
                return await answer(request)
            except BadRequest as error:
                return refuse(error.status, error.field, error.wanted)
            except KeysFailed:
                log.warning("the keys of the API can't be read; a request was answered 503")
                return refuse(503, "server", "can't check keys at the moment")

        return answer_to_callers

    def _refuse_caller(self, request: Request) -> Response:
        network = coarsen_address(self._raw_address_of(request))
        wait_seconds = self._failures.take(network, self._now())
        if wait_seconds:
            waiting = {"Retry-After": str(wait_seconds)}
            return refuse(429, "authorization", "was wrong too often", waiting)
        return refuse(401, "authorization", "must be Bearer and a key for this", _CHALLENGE)


def sites_of(request: Request) -> frozenset[str]:
    """Return the sites that the key of a guarded request is for; none where it is for all."""
    key: Key = request.state.key
    return key.sites


def name_of(request: Request) -> str:
    """Return the name of the key of a guarded request."""
    key: Key = request.state.key
    return key.name


async def read_json(request: Request, wanted: type[T]) -> T:
    """Read a request's JSON body.

    Raises:
        BadRequest: it is too long, no JSON, or has other fields or types.
    """
    body = await read_body(request, MAX_BODY_BYTES)
    try:
        return msgspec.json.decode(body, type=wanted)
    except msgspec.ValidationError as error:
        found = _FIELD.search(str(error))  # its message holds paths and types but no values
        field = (found["field"] or found["missing"]) if found else "body"
        raise BadRequest(field, "is missing, of another type or not known here") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("body", "must be a JSON object in UTF-8") from None


def answer_json(status: int, content: bytes, headers: Mapping[str, str] = {}) -> Response:
    """Answer with JSON as it is."""
    return Response(content, status, {**_HEADERS, **headers}, media_type="application/json")


def refuse(status: int, field: str, wanted: str, headers: Mapping[str, str] = {}) -> Response:
    """Answer with what is wrong of which field."""
    told = {"error": f"{field}: {wanted}", "field": field}
    return answer_json(status, msgspec.json.encode(told), headers)


def _read_key(request: Request) -> str:
    """Return the bearer token, or nothing: it is then no key."""
    scheme, _, raw_key = request.headers.get("authorization", "").partition(" ")
    return raw_key.strip() if scheme.lower() == "bearer" else ""
