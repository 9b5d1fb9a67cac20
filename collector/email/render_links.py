"""Which links of a message are counted and which are left alone, and why.

What stands in a message comes in; a target in one spelling or a reason goes out. In doubt a
link is left alone: one that isn't counted still leads where it led.
"""

import re
from collections.abc import Collection
from enum import StrEnum
from html import unescape
from html.entities import html5
from urllib.parse import unquote

import can_ada
from msgspec import Struct

from collector.email.targets import BadTarget, NamesAPerson, read_target


class Why(StrEnum):
    """Why a link was left alone, in the words of the report."""

    NO_TRACK = "says data-no-track"
    UNSUBSCRIBES = "unsubscribes"
    PLACEHOLDER = "holds a placeholder or a stray %"
    NOTHING = "leads nowhere"
    WITHIN = "leads within the message"
    RUNS = "is a script or a document, no page"
    OTHER_SCHEME = "is of another kind (mailto:, tel:, sms: …)"
    RELATIVE = "is relative, and no <base> says to what"
    COUNTED = "is counted already"
    PERSON = "holds an e-mail address"
    UNFIT = "can't be the target of a redirect"
    NOT_REGISTERED = "isn't registered"
    PLAIN_TEXT = "stands in plain text; --text replaces it"


class Place(Struct, frozen=True):
    """Where a link stands and what is said there."""

    value: str
    """The address, without character references."""
    words: str
    """What names the link: its content and titles, as written."""
    is_untracked: bool = False
    """It has the attribute `data-no-track`."""
    is_unsubscribing: bool = False
    """It has the attribute `data-unsubscribe`."""


class Surroundings(Struct, frozen=True):
    """What of the rest of a message decides on its links."""

    counted: str
    """How addresses begin that are counted already: ``https://stats.example.org/e/``."""
    base: str = ""
    """The URL of `<base>`, where it has one that can be read."""
    unsubscribing: Collection[str] = ()
    """The targets of the header `List-Unsubscribe`."""


_REFERENCE = re.compile(
    r"&(?:#(?:[0-9]+|[xX][0-9A-Fa-f]+);?|(?P<name>[A-Za-z][A-Za-z0-9]*+)(?P<end>[;=]?))"
)
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):")
_RUNS = frozenset({"javascript", "vbscript", "livescript", "data", "blob", "file"})
_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_BREAKS = re.compile(r"[\t\n\r]")
_PATH_END = re.compile(r"[?#]")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
# {{name}} {%if%} {name} ${name} #{name} <%=name%> *|NAME|* [[NAME]] [NAME] %name% %%name%% $name$
# @@name@@ ##name##: no URL holds one of these as it is, but for single brackets within a query.
_PLACEHOLDER = re.compile(
    r"[{}<>]|\*\||\|\*|\[\[|\]\]|^\[|%|\$\(|\$[A-Za-z_]\w*\$|@@\w|##\w|\[[A-Z][A-Z0-9_]+\]"
)
_TAG = re.compile(r"<[^>]*+>?")
# Spaces, hyphens and what can't be seen are left out, so that "opt-out" and "opt out" are one.
_SQUEEZED = str.maketrans(
    dict.fromkeys(" \t\n\r\f\u00a0-_+\u2010\u2011\u00ad\u200b\u200c\u200d\u2060\ufeff")
)
_UNSUBSCRIBES = (
    *("unsub", "optout", "emailpreferences", "subscriptionpreferences"),
    *("abmeld", "abbestell", "austragen"),
    *("désabonn", "desabonn", "désinscri", "desinscri"),
    *("debaja", "cancelarsus", "cancelarlasus", "cancelarinscri", "descadastr"),
    *("disiscri", "annullaiscrizione", "annullal’iscrizione", "annullal'iscrizione"),
    *("uitschrij", "afmeld", "avregistrer", "avprenumerer", "wypisz", "отпис", "відпис"),
    *(
        "退订",
        "退訂",
        "取消订阅",
        "取消訂閱",
        "配信停止",
        "登録解除",
        "購読解除",
        "수신거부",
        "수신해지",
    ),
)


def judge_link(place: Place, around: Surroundings) -> tuple[str, Why | None]:
    """Return a link's target as `read_target` writes it, or why it is left alone."""
    # Removed by whoever follows it: 4.4 of the WHATWG URL standard.
    value = _BREAKS.sub("", place.value.strip(_C0_AND_SPACE))
    if place.is_untracked:
        return "", Why.NO_TRACK
    if place.is_unsubscribing or value in around.unsubscribing or _says_so(value, place.words):
        return "", Why.UNSUBSCRIBES
    if not value:
        return "", Why.NOTHING
    if _PLACEHOLDER.search(_ENCODED.sub("", value)):
        return "", Why.PLACEHOLDER
    if value.startswith("#"):
        return "", Why.WITHIN
    return _read_address(value, around)


def unescape_value(raw_value: str) -> str:
    """Return an attribute's value with its character references resolved.

    In attributes a name without semicolon stands for itself before ``=`` or a letter (13.2.5.73 of
    the WHATWG HTML standard), so that ``?a=1&copy=2`` keeps its ``copy``.
    """
    return _REFERENCE.sub(_resolve, raw_value) if "&" in raw_value else raw_value


def _resolve(reference: re.Match[str]) -> str:
    name, end = reference["name"], reference["end"]
    if name is None:
        return unescape(reference[0])
    return reference[0] if end == "=" else html5.get(name + end, reference[0])


def _says_so(value: str, words: str) -> bool:
    if _unsubscribes(f"{unquote(value)} {words}"):
        return True
    # "<b>Un</b>subscribe"; but also a picture, by its name or what is told instead of it.
    return ("<" in words or "&" in words) and _unsubscribes(unescape(_TAG.sub("", words)))


def _unsubscribes(text: str) -> bool:
    squeezed = text.lower().translate(_SQUEEZED)
    return any(word in squeezed for word in _UNSUBSCRIBES)


def _read_address(value: str, around: Surroundings) -> tuple[str, Why | None]:
    scheme = _SCHEME.match(value)
    if scheme is None:
        if not around.base:
            return "", Why.RELATIVE
        value = _join(around.base, value)
    elif scheme["scheme"].lower() not in ("http", "https"):
        return "", Why.RUNS if scheme["scheme"].lower() in _RUNS else Why.OTHER_SCHEME
    if value.startswith(around.counted):
        return "", Why.COUNTED
    try:
        return read_target(value), None
    except NamesAPerson:
        return "", Why.PERSON
    except BadTarget:
        return "", Why.UNFIT


def _join(base: str, value: str) -> str:
    """Return a relative address in full (4.4 of the WHATWG URL standard), its dots still in it.

    `urllib` would make one slash of two, and so another page of ``go/https://example.org/``.
    """
    url = can_ada.parse(base)
    path = _PATH_END.split(value, maxsplit=1)[0]
    value = path.replace("\\", "/") + value[len(path) :]
    if value.startswith("//"):
        return f"{url.protocol}//{value.lstrip('/')}"
    if value.startswith("/"):
        return f"{url.origin}{value}"
    if value.startswith("?"):
        return f"{url.origin}{url.pathname}{value}"
    return f"{url.origin}{url.pathname.rpartition('/')[0]}/{value}"
