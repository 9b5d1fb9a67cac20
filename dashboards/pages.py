"""Turn values into answers: templates, the headers that all answers carry, static files."""

import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dashboards.address.selection import PATH
from dashboards.compressing import mask_token
from dashboards.overview.sparklines import draw_sparkline
from dashboards.words import COOKIE, LANGUAGES, PARAMETER, Words, language_of, message, words_in

LANGUAGE_SECONDS = 365 * 24 * 3600

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")

_MEDIA_TYPES = {
    "dashboard.css": "text/css; charset=utf-8",
    "dashboard.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "pictures.css": "text/css; charset=utf-8",
}


def show(
    words: Words, template: str, values: Mapping[str, object], status: int = 200
) -> HTMLResponse:
    """Answer with a page; the `token` of its forms is masked, see `compressing`."""
    token = str(values.get("token", ""))
    masked = {**values, "token": mask_token(token)} if token else values
    return HTMLResponse(render(words, template, masked), status_code=status, headers=PAGE_HEADERS)


def render(words: Words, template: str, values: Mapping[str, object]) -> str:
    """Render a template; it writes with `words` under the name ``_``."""
    return _templates().get_template(template).render({**values, "_": words})


def show_fault(words: Words, status: int, sentence: str, home: str = PATH) -> HTMLResponse:
    """Render a page that says in one sentence, a key of the words, why there is no other.

    It leads to `home`; that of who holds a shared link is no login.
    """
    return show(words, "fault.html", {"sentence": words(sentence), "home": home}, status)


def words_of(request: Request) -> Words:
    """Return the words in the language of who asks."""
    return words_in(language_of(request))


def go_to(address: str) -> RedirectResponse:
    """Send the browser on with a GET (RFC 9110 section 15.4.4)."""
    return RedirectResponse(address, status_code=303, headers=PAGE_HEADERS)


def origin_of(request: Request) -> str:
    """Return under which origin the server was asked; nothing where that is no name of a host."""
    host = request.url.netloc
    return f"{request.url.scheme}://{host}" if _HOST.fullmatch(host) else ""


def show_no_host(words: Words) -> HTMLResponse:
    """Say that there is no origin to be written into a page."""
    return show_fault(words, 400, message("The Host header is not the name of a host."))


def keep_language(request: Request, response: Response) -> Response:
    """Remember a language that the address names; the cookie tells nothing of who chose it."""
    tag = request.query_params.get(PARAMETER, "")
    if tag in LANGUAGES:
        response.set_cookie(
            COOKIE,
            tag,
            max_age=LANGUAGE_SECONDS,
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
    return response


async def static_file(request: Request) -> Response:
    """Serve one of the files that pages link to; their address changes with their content."""
    name = request.path_params["name"]
    if name not in _MEDIA_TYPES:
        return show_fault(words_of(request), 404, message("There is no such file."))
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=86400"}
    return Response(_static(name), media_type=_MEDIA_TYPES[name], headers=headers)


def _static_address(name: str) -> str:
    return f"{PATH}/static/{name}?v={sha256(_static(name)).hexdigest()[:12]}"


@cache
def _static(name: str) -> bytes:
    return resources.files("dashboards").joinpath("static", name).read_bytes()


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("dashboards"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["static"] = _static_address
    templates.globals["draw_sparkline"] = draw_sparkline
    templates.globals["LANGUAGES"] = LANGUAGES
    return templates
