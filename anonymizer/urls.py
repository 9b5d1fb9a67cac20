"""A page's URL, cut down to what statistics may know of it.

A raw URL or path comes in; page, host, campaign and the kinds of what was masked go out.
Userinfo, fragment and the rest of the query never do.
"""

from collections.abc import Mapping

import can_ada
from msgspec import Struct

from anonymizer.campaigns import read_query
from anonymizer.hits import Campaign, SiteId
from anonymizer.paths import PathRules, coarsen_path
from anonymizer.policy import Dimension

MAX_URL_CHARACTERS = 4096

_NO_CAMPAIGN = Campaign()


class BadUrl(ValueError):
    """A URL that no page can be read from; the message names what is wrong and echoes nothing."""


class PageUrl(Struct, frozen=True, gc=False):
    """What is left of a URL."""

    page: str
    host: str
    """As it stands in the URL, without port."""
    campaign: Campaign = _NO_CAMPAIGN
    paid_click: bool = False
    """The query names an advertising system's click id; the id itself is not read."""
    masks: tuple[str, ...] = ()
    """The kind of each identifier that was masked in the page: ``("email", "email", "uuid")``.

    What was masked in the campaign is not among them: it shows in the campaign's own words.
    """


def read_page(
    raw_url: str, domain: SiteId, rules: PathRules, campaign_parameters: Mapping[Dimension, str]
) -> PageUrl:
    """Read an absolute http(s) URL, or a path on `domain` that starts with a slash.

    Parsed as the WHATWG URL standard has it. Raises BadUrl for anything else and beyond
    `MAX_URL_CHARACTERS`.
    """
    if len(raw_url) > MAX_URL_CHARACTERS:
        raise BadUrl(f"url: longer than {MAX_URL_CHARACTERS} characters")
    url = _parse(f"https://{domain}{raw_url}" if raw_url[:1] == "/" else raw_url)
    path = url.pathname
    if rules.hash_routing:
        route = url.hash[1:].removeprefix("!")
        if route[:1] == "/":
            path = _parse(f"https://{domain}{route}").pathname
    page, masks = coarsen_path(path, rules)
    query = url.search
    if not query:
        return PageUrl(page, url.hostname, _NO_CAMPAIGN, False, masks)
    return PageUrl(page, url.hostname, *read_query(query[1:], campaign_parameters), masks)


def _parse(raw_url: str) -> can_ada.URL:
    try:
        url = can_ada.parse(raw_url)
    except (ValueError, TypeError):  # TypeError: text with a lone surrogate
        raise BadUrl("url: neither an absolute URL nor a path that starts with a slash") from None
    if url.protocol not in ("https:", "http:"):
        raise BadUrl("url: scheme is neither http nor https")
    return url
