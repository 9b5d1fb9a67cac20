"""Read a posted form and a place to go on to; both come from outside."""

import hmac
import re
from urllib.parse import parse_qsl

from starlette.requests import Request

from dashboards.address.selection import PATH
from dashboards.compressing import unmask_token
from dashboards.words import message

MAX_FORM_BYTES = 4096
MAX_FIELDS = 10
SITE_BYTES = 300
"""A field that names a site, whose domain has 253 letters at most."""

_LOCAL_PLACE = re.compile(
    re.escape(PATH)
    + r"(/audit|/annotations|/shares|/people|/privacy(/statistics)?)?"
    + r"(\?[A-Za-z0-9._~%=&+-]{0,1000})?"
)


class FormError(ValueError):
    """A body that is no form of ours; the message is one sentence and echoes no input."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


async def read_form(request: Request, sites: int = 0) -> dict[str, str]:
    """Read an URL-encoded form of at most 4096 bytes (WHATWG URL, section 5.1).

    `sites` is how many fields it may have for sites beside `MAX_FIELDS`, and room for them.

    Raises FormError when it is longer, of another type, not UTF-8, repeats a field, or when the
    browser says that a page of another origin sent it (W3C Fetch Metadata, section 2.4).
    """
    # A form's token would refuse it too, but the answer to that begins a session anew.
    if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise FormError(message("The form comes from a page of another origin."))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormError(message("The form is not URL-encoded."))
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES + sites * SITE_BYTES:
            raise FormError(message("The form is too long."))
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS + sites,
        )
    except ValueError:
        raise FormError(message("The form cannot be read.")) from None
    if len(dict(fields)) != len(fields):
        raise FormError(message("The form gives a field twice."))
    return {name: unmask_token(text) if name == "token" else text for name, text in fields}


async def read_own_form(request: Request, token: str, sites: int = 0) -> dict[str, str]:
    """Read a form that must carry the token of its reader's session.

    Raises FormError as `read_form`, and, with status 403, where the token is another.
    """
    form = await read_form(request, sites)
    given = form.get("token", "").encode(errors="surrogatepass")
    if not hmac.compare_digest(token.encode(), given):
        raise FormError(message("This form had expired; go back and reload the page."), 403)
    return form


def read_place(text: str) -> str:
    """Return where to go after the login: a dashboard page of this server, or the overview.

    Anything but the dashboard's own path with a plain query is dropped, so that a
    login link cannot send its reader elsewhere.
    """
    return text if _LOCAL_PLACE.fullmatch(text) else PATH
