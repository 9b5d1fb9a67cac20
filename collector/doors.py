"""The doors that hits come in by, as plain ASGI: `POST /api/event` and `GET /pixel.gif`.

They stand beside Starlette's router, not under it (docs/decisions/0006).
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence

from starlette.types import Receive, Scope, Send

from anonymizer.hits import SiteId
from anonymizer.policy import Site
from collector.intake import Intake
from collector.receive import (
    MAX_BODY_BYTES,
    BadRequest,
    receive_events,
    receive_pixel,
)
from collector.sender import Sender, read_sender

log = logging.getLogger("discreet")

# The smallest GIF that every mail program shows: 1×1, transparent.
PIXEL = bytes.fromhex(
    "474946383961"  # GIF89a
    "01000100800000"  # 1×1, a palette of two
    "000000ffffff"
    "21f9040100000000"  # the first colour is transparent
    "2c00000000010001000002024401003b"
)

_Header = tuple[bytes, bytes]
_CORS: tuple[_Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-discreet"),
)
_NOT_TRACKING: _Header = (b"tk", b"N")  # `well_known` says so at length
_BY_SIGNAL: _Header = (b"vary", b"DNT, Sec-GPC, Cookie")
"""X-Discreet says whether the hit was refused, so no cache may take one visitor's for another's."""
_TAKEN: tuple[_Header, ...] = (
    *_CORS,
    (b"content-type", b"text/plain"),
    (b"tk", b"N;event"),
    _BY_SIGNAL,
)
_SHOWN: tuple[_Header, ...] = (
    (b"content-type", b"image/gif"),
    (b"tk", b"N;pixel"),
    _BY_SIGNAL,
    (b"cache-control", b"no-store"),
)
_REFUSED: tuple[_Header, ...] = (
    *_CORS,
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    _NOT_TRACKING,
)
_REFUSED_FOR_NOW: tuple[_Header, ...] = (*_REFUSED, (b"retry-after", b"60"))
_PREFLIGHT: tuple[_Header, ...] = (
    _NOT_TRACKING,
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
)


class TooLarge(BadRequest):
    """A body of more than `MAX_BODY_BYTES`."""

    def __init__(self) -> None:
        super().__init__("body", f"must be at most {MAX_BODY_BYTES} bytes", status=413)


class Doors:
    """What both doors share: the intake, the sites and the time."""

    def __init__(
        self, intake: Intake, sites: Mapping[SiteId, Site], now: Callable[[], int]
    ) -> None:
        self._intake = intake
        self._sites = sites
        self._now = now

    async def event(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the event API: 202 `ok` when the hits are on disk, counted or refused."""
        method = scope["method"]
        if method == "OPTIONS":
            await _answer(send, 204, b"", (*_CORS, *_PREFLIGHT))
        elif method != "POST":
            await _answer(send, 405, b"", (_NOT_TRACKING, (b"allow", b"POST, OPTIONS")))
        else:
            try:
                body = await _read_body(receive)
                outcome = await self._intake.take(
                    lambda: receive_events(body, _sender(scope), self._now(), self._sites)
                )
            except Exception as error:  # noqa: BLE001  # the one handler of this door
                await _refuse(send, error)
            else:
                await _answer(send, 202, b"ok", (*_TAKEN, (b"x-discreet", outcome)))

    async def pixel(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer the web beacon: a 43-byte GIF when the hit is on disk, counted or refused."""
        if scope["method"] != "GET":
            await _answer(send, 405, b"", (_NOT_TRACKING, (b"allow", b"GET")))
            return
        query = scope["query_string"]
        try:
            outcome = await self._intake.take(
                lambda: [receive_pixel(query, _sender(scope), self._now(), self._sites)]
            )
        except Exception as error:  # noqa: BLE001  # the one handler of this door
            await _refuse(send, error)
        else:
            await _answer(send, 200, PIXEL, (*_SHOWN, (b"x-discreet", outcome)))


def _sender(scope: Scope) -> Sender:
    client = scope.get("client")
    return read_sender(scope["headers"], client[0] if client else "")


async def _read_body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge
    return body


async def _refuse(send: Send, error: Exception) -> None:
    if not isinstance(error, BadRequest):
        # Its text may hold what the visitor sent, so the log gets its kind alone.
        log.error("a request failed: %s", type(error).__name__)
        error = BadRequest("server", "failed to read the request", status=500)
    body = json.dumps({"error": str(error), "field": error.field}).encode()
    await _answer(send, error.status, body, _REFUSED_FOR_NOW if error.status == 429 else _REFUSED)


async def _answer(send: Send, status: int, body: bytes, headers: Sequence[_Header]) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})
