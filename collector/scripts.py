"""The scripts that a site's pages load, as they are handed out.

They are the same for everyone, put together once at start; the tag is made from the policy.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from collector.tag_scripts import hash_of, read_modules

SCRIPTS: Mapping[str, Sequence[str]] = {
    "/consent.js": ("choice.js", "managers.js", "banner.js", "consent.js"),
    "/opt-out.js": ("choice.js", "opt-out.js"),
}
"""Path → the files it is made of, in their order; `/tag.js` is made from the policy."""

_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Tk": "N",
}
_AN_HOUR = "public, max-age=3600"
_FOR_GOOD = "public, max-age=31536000, immutable"  # RFC 8246; a year is what caches take for ever


def script_routes(tag: bytes, versions: Mapping[str, bytes]) -> list[Route]:
    """Return a route for each script; `versions` of the tag are known by their hash."""

    async def answer_tag(_: Request) -> Response:
        # RFC 9110, 8.7: under this name the same content stays.
        return _script(tag, _AN_HOUR, {"Content-Location": f"/tag/{hash_of(tag)}.js"})

    async def answer_named(request: Request) -> Response:
        name = request.path_params["name"]
        if name in versions:
            return _script(versions[name], _FOR_GOOD)
        modules = read_modules(name.split(","))
        if modules is None:
            return PlainTextResponse(
                "There is no such version or module of the tag.\n",
                404,
                headers={**_HEADERS, "Cache-Control": "no-store"},
            )
        return _script(modules, _AN_HOUR)

    return [
        Route("/tag.js", answer_tag, methods=["GET"]),
        Route("/tag/{name}.js", answer_named, methods=["GET"]),
        *(_route(path, read_script(path)) for path in SCRIPTS),
    ]


def read_script(path: str) -> bytes:
    """Return the script that is handed out at `path` under every policy."""
    folder = files("collector") / "tag"
    return b"".join((folder / name).read_bytes() for name in SCRIPTS[path])


def _route(path: str, script: bytes) -> Route:
    async def answer(_: Request) -> Response:
        return _script(script, _AN_HOUR)

    return Route(path, answer, methods=["GET"])


def _script(script: bytes, cache: str, more: Mapping[str, str] | None = None) -> Response:
    headers = {**_HEADERS, "Cache-Control": cache, **(more or {})}
    return Response(script, media_type="text/javascript", headers=headers)
