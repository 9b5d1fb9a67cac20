"""What a machine may ask of how visitors are treated: GPC's and DNT's well-known resources.

They are the same for everyone, set no cookie, and no request for them is written down
(W3C Tracking Preference Expression, "Status Checks are Not Tracked").
"""

import json
import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anonymizer.policy import Policy

GPC_SINCE = "2026-11-22"
"""Since when this collector obeys GPC, for a policy that gives no date of its own."""

STATUS_IDS = ("event", "pixel")
"""What stands behind ``N;`` in the `Tk` header of the doors for hits."""

# An increase of tracking must be told a day before (TPE, "Caching"), so no cache may hold the
# answer for longer.
_CACHED = "public, max-age=86400"


def well_known_routes(policy: Policy) -> list[Route]:
    """Return the routes under ``/.well-known/``."""
    gpc = _encode({"gpc": True, "lastUpdate": policy.effective or GPC_SINCE})
    status = _encode(tracking_status(policy))

    async def answer_gpc(_: Request) -> Response:
        return _answer(gpc, "application/json")

    async def answer_status(request: Request) -> Response:
        if request.path_params.get("id") not in (None, *STATUS_IDS):
            return Response(status_code=404, headers={"Tk": "N"})
        return _answer(status, "application/tracking-status+json")

    return [
        Route("/.well-known/gpc.json", answer_gpc, methods=["GET"]),
        Route("/.well-known/dnt/", answer_status, methods=["GET"]),
        Route("/.well-known/dnt/{id}", answer_status, methods=["GET"]),
    ]


def tracking_status(policy: Policy) -> dict[str, object]:
    """Return the tracking status of every resource (TPE, "Tracking Status Representation").

    `N` holds for visitors who consented too: nothing is kept of them that could be put together
    with what they do elsewhere.
    """
    return {
        "tracking": "N",
        # The page names the controller and what is collected, as TPE's "Controller Property" asks.
        "controller": ["/privacy"],
        "same-party": sorted({re.sub(r":[0-9]+\Z", "", site) for site in policy.sites}),
        "policy": "/privacy",
        "config": "/opt-out",
    }


def _encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _answer(body: bytes, media_type: str) -> Response:
    return Response(
        body,
        media_type=media_type,
        headers={"Cache-Control": _CACHED, "Tk": "N", "X-Content-Type-Options": "nosniff"},
    )
