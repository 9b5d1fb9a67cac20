"""Where a message's links may lead, and how a campaign is told to the site it leads to.

Text comes in; an http(s) URL in one spelling goes out, or an error that echoes nothing.
"""

import re
from urllib.parse import quote, unquote

import can_ada

from anonymizer.policy import Dimension, Policy
from anonymizer.scrub import scrub

MAX_TARGET_CHARACTERS = 2_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Without this a URL that names no host reads as one: `https:example.org`, `https:\\example.org`.
_ABSOLUTE = re.compile(r"https?://[^/\\?#]", re.IGNORECASE)
_MASKED_EMAIL = "email"
_MOST_ENCODINGS = 3
"""A link that is wrapped in another's query is encoded twice."""
_AUTHORITY = re.compile(r"[/\\?#]")


class BadTarget(ValueError):
    """A URL that no link may lead to; `wanted` says of the field `url` what would do."""

    def __init__(self, wanted: str) -> None:
        super().__init__(f"url: {wanted}")
        self.wanted = wanted


class NamesAPerson(BadTarget):
    """A URL with an e-mail address in it: a link that is one recipient's own."""


def read_target(raw_url: str) -> str:
    """Return a link's URL as the WHATWG URL standard spells it, its host in punycode.

    Raises:
        NamesAPerson: it holds an e-mail address.
        BadTarget: it is no http(s) URL, or holds what a redirect must not.
    """
    text = raw_url.strip(" ")
    if len(text) > MAX_TARGET_CHARACTERS:
        raise BadTarget(f"must be at most {MAX_TARGET_CHARACTERS} characters")
    if _CONTROL.search(text):
        raise BadTarget("must hold no control characters")
    if not _ABSOLUTE.match(text):
        raise BadTarget("must begin with https:// or http:// and a host")
    try:
        url = can_ada.parse(text)
    except (ValueError, TypeError):  # TypeError: text with a lone surrogate
        raise BadTarget("can't be read as a URL") from None
    if "@" in _AUTHORITY.split(text, maxsplit=3)[2]:
        raise BadTarget("must hold no user name and no password")
    if len(url.href) > MAX_TARGET_CHARACTERS:
        raise BadTarget(f"must be at most {MAX_TARGET_CHARACTERS} characters when encoded")
    if _names_a_person(url.href):
        raise NamesAPerson("must hold no e-mail address: every recipient gets the same link")
    return str(url.href)


def _names_a_person(url: str) -> bool:
    text = url
    for _ in range(_MOST_ENCODINGS):
        text = unquote(text)
    if "@" not in text:
        return False
    masks: list[str] = []
    scrub(text, masks)
    return _MASKED_EMAIL in masks


def mark_target(url: str, name: str, variant: str, policy: Policy) -> str:
    """Return a target as it is sent: on a site of the policy it carries the campaign.

    `url` is what `read_target` returned. A URL that carries campaign parameters already stays
    as it is, and so does one on any other host.
    """
    parsed = can_ada.parse(url)
    if not _is_on_a_site(parsed.hostname, policy):
        return url
    names = policy.campaign_parameters
    held = {pair.partition("=")[0] for pair in parsed.search.removeprefix("?").split("&")}
    if not held.isdisjoint(names.values()):
        return url
    words = {
        Dimension.CAMPAIGN: name,
        Dimension.CAMPAIGN_MEDIUM: "email",
        Dimension.CAMPAIGN_CONTENT: variant,
    }
    marks = "&".join(
        f"{quote(names[dimension])}={quote(word)}"
        for dimension, word in words.items()
        if word and dimension in names
    )
    if not marks:
        return url
    page, hash_mark, fragment = url.partition("#")
    joint = "" if page.endswith(("?", "&")) else "&" if "?" in page else "?"
    return f"{page}{joint}{marks}{hash_mark}{fragment}"


def _is_on_a_site(host: str, policy: Policy) -> bool:
    return any(host == site or host.endswith(f".{site}") for site in policy.sites)
