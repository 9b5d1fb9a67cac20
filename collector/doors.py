"""The doors that hits come in by, as plain ASGI: `POST /api/event` and `GET /pixel.gif`.

They stand beside Starlette's router, not under it: a route costs 10 to 19 µs,
nearly half of what a whole hit may cost (benchmarks/ingest.py).
"""

import json
from collections.abc import Callable, Mapping, Sequence

from starlette.types import Receive, Scope, Send

from anonymizer.hits import RawHit, SiteId
from anonymizer.policy import Site
from anonymizer.urls import BadUrl
from collector.counted import COUNTED, CountedHit
from collector.intake import Intake
from collector.pipeline import Pipeline
from collector.receive import (
    MAX_BODY_BYTES,
    BadRequest,
    Sender,
    read_sender,
    receive_events,
    receive_pixel,
)
from collector.spool import SpoolFailed

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
_TAKEN: tuple[_Header, ...] = (*_CORS, (b"content-type", b"text/plain"))
_PREFLIGHT: tuple[_Header, ...] = (
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
)


class TooLarge(BadRequest):
    """A body of more than `MAX_BODY_BYTES`."""

    def __init__(self) -> None:
        super().__init__("body", f"must be at most {MAX_BODY_BYTES} bytes", status=413)


class Doors:
    """What both doors share: the line, the way to the disk, the sites and the time."""

    def __init__(
        self,
        pipeline: Pipeline,
        intake: Intake,
        sites: Mapping[SiteId, Site],
        now: Callable[[], int],
    ) -> None:
        self._pipeline = pipeline
        self._intake = intake
        self._sites = sites
        self._now = now

    async def event(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the event API: 202 `ok` when the hits are on disk, counted or refused."""
        method = scope["method"]
        if method == "OPTIONS":
            await _answer(send, 204, b"", (*_CORS, *_PREFLIGHT))
            return
        if method != "POST":
            await _answer(send, 405, b"", ((b"allow", b"POST, OPTIONS"),))
            return
        try:
            body = await _read_body(receive)
            raw_hits = receive_events(body, _sender(scope), self._now(), self._sites)
            outcome = await self._take(raw_hits)
        except BadRequest as bad:
            await _refuse(send, bad)
            return
        await _answer(send, 202, b"ok", (*_TAKEN, (b"x-discreet", outcome)))

    async def pixel(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer the web beacon: a 43-byte GIF when the hit is on disk, counted or refused."""
        if scope["method"] != "GET":
            await _answer(send, 405, b"", ((b"allow", b"GET"),))
            return
        try:
            raw = receive_pixel(scope["query_string"], _sender(scope), self._now(), self._sites)
            outcome = await self._take([raw])
        except BadRequest as bad:
            await _refuse(send, bad)
            return
        await _answer(
            send,
            200,
            PIXEL,
            (
                (b"content-type", b"image/gif"),
                (b"cache-control", b"no-store"),
                (b"x-discreet", outcome),
            ),
        )

    async def _take(self, raw_hits: list[RawHit]) -> bytes:
        judged = [self._pipeline.judge(raw) for raw in raw_hits]
        try:
            return outcome_of(await self._intake.take(judged))
        except BadUrl as bad:
            raise BadRequest("url (u)", str(bad).removeprefix("url: ")) from None
        except SpoolFailed:
            raise BadRequest("server", "can't keep hits at the moment", status=503) from None


def outcome_of(counted: Sequence[CountedHit]) -> bytes:
    """Say what became of a request's hits: `counted`, `refused REASON`, or how many of each."""
    refused = [hit.reason for hit in counted if hit.reason != COUNTED]
    taken = sum(hit.hits for hit in counted) - len(refused)
    if not refused:
        return b"counted"
    if not taken:
        return b"refused " + refused[0].encode()
    reasons = " ".join(sorted(set(refused)))
    return f"counted {taken}, refused {len(refused)} {reasons}".encode()


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


async def _refuse(send: Send, bad: BadRequest) -> None:
    body = json.dumps({"error": str(bad), "field": bad.field}).encode()
    headers = (*_CORS, (b"content-type", b"application/json"), (b"cache-control", b"no-store"))
    await _answer(send, bad.status, body, headers)


async def _answer(send: Send, status: int, body: bytes, headers: Sequence[_Header]) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})
