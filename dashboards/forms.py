"""Read a posted form and a place to go on to; both come from outside."""

import re
from urllib.parse import parse_qsl

from starlette.requests import Request

from dashboards.selection import PATH

MAX_FORM_BYTES = 4096
MAX_FIELDS = 10

_LOCAL_PLACE = re.compile(re.escape(PATH) + r"(/audit)?(\?[A-Za-z0-9._~%=&+-]{0,1000})?")


class FormError(ValueError):
    """A body that is no form of ours; the message is one sentence and echoes no input."""


async def read_form(request: Request) -> dict[str, str]:
    """Read an URL-encoded form of at most 4096 bytes (WHATWG URL, section 5.1).

    Raises FormError when it is longer, of another type, not UTF-8, repeats a field, or when the
    browser says that a page of another origin sent it (W3C Fetch Metadata, section 2.4).
    """
    # A form's token would refuse it too, but the answer to that begins a session anew.
    if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise FormError("The form comes from a page of another origin.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormError("The form is not URL-encoded.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise FormError("The form is too long.")
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise FormError("The form cannot be read.") from None
    if len(dict(fields)) != len(fields):
        raise FormError("The form gives a field twice.")
    return dict(fields)


def read_place(text: str) -> str:
    """Return where to go after the login: a dashboard page of this server, or the overview.

    Anything but the dashboard's own path with a plain query is dropped, so that a
    login link cannot send its reader elsewhere.
    """
    return text if _LOCAL_PLACE.fullmatch(text) else PATH
