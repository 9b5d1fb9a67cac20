"""What a request says of its sender in headers: where it came from, and what it refuses."""

import re
from collections.abc import Sequence

from msgspec import Struct

OPT_OUT_COOKIE = "discreet_opt_out"
"""The cookie whose presence refuses; it holds no id (`opt_out` sets it)."""
_OPTED_OUT = re.compile(rb"(?:^|;)\s*" + OPT_OUT_COOKIE.encode() + rb"\s*(?:=|;|$)")
_MAX_AGENT_CHARACTERS = 1_000
_MAX_LANGUAGES_CHARACTERS = 200
_DNT_HEADERS = frozenset({b"dnt"})
_GPC_HEADERS = frozenset({b"sec-gpc"})
_PREFETCH_HEADERS = frozenset({b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"})
_SIGNAL_HEADERS = _DNT_HEADERS | _GPC_HEADERS | _PREFETCH_HEADERS
_NO_LINES: tuple[str, ...] = ()


class Sender(Struct, frozen=True, gc=False):
    """What a request says of its sender besides the hit itself."""

    raw_address: str
    raw_agent: str = ""
    raw_languages: str = ""
    raw_referer: str = ""
    dnt: tuple[str, ...] = ()
    gpc: tuple[str, ...] = ()
    prefetch: tuple[str, ...] = ()
    opted_out: bool = False


def read_sender(headers: Sequence[tuple[bytes, bytes]], raw_address: str) -> Sender:
    """Pick the headers that signals and de-identification need; no other is looked at.

    Names are in lower case, as ASGI has them.
    """
    by_name = dict(headers)
    get = by_name.get
    if len(by_name) == len(headers) and by_name.keys().isdisjoint(_SIGNAL_HEADERS):
        dnt = gpc = prefetch = _NO_LINES
    else:
        dnt = _lines(headers, _DNT_HEADERS)
        gpc = _lines(headers, _GPC_HEADERS)
        prefetch = _lines(headers, _PREFETCH_HEADERS)
    return Sender(
        raw_address,
        get(b"user-agent", b"").decode("latin-1")[:_MAX_AGENT_CHARACTERS],
        get(b"accept-language", b"").decode("latin-1")[:_MAX_LANGUAGES_CHARACTERS],
        get(b"referer", b"").decode("latin-1"),
        dnt,
        gpc,
        prefetch,
        # A browser may send several Cookie lines (RFC 9113 section 8.2.3).
        b"cookie" in by_name
        and any(name == b"cookie" and _OPTED_OUT.search(value) for name, value in headers),
    )


def _lines(headers: Sequence[tuple[bytes, bytes]], names: frozenset[bytes]) -> tuple[str, ...]:
    return tuple(value.decode("latin-1") for name, value in headers if name in names)
