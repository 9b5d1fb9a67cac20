"""The scripts that a site's pages load, as they are handed out.

Each is made of files of ``tag/``, put together once at start. They are the same for everyone.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SCRIPTS: Mapping[str, Sequence[str]] = {
    "/tag.js": ("tag.js",),
    "/consent.js": ("choice.js", "managers.js", "banner.js", "consent.js"),
    "/opt-out.js": ("choice.js", "opt-out.js"),
}
"""Path → the files it is made of, in their order."""

_HEADERS = {
    "Cache-Control": "public, max-age=3600",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Tk": "N",
}


def script_routes() -> list[Route]:
    """Return a route for each script."""
    return [_route(path, read_script(path)) for path in SCRIPTS]


def read_script(path: str) -> bytes:
    """Return the script that is handed out at `path`."""
    folder = files("collector") / "tag"
    return b"".join((folder / name).read_bytes() for name in SCRIPTS[path])


def _route(path: str, script: bytes) -> Route:
    async def answer(_: Request) -> Response:
        return Response(script, media_type="text/javascript", headers=_HEADERS)

    return Route(path, answer, methods=["GET"])
