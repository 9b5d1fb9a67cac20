"""What a URL's query may tell: the declared campaign parameters, and that a click was paid for.

A raw query comes in; scrubbed words of a safe alphabet and one truth value go out. No other
parameter is read, and no click id's value.
"""

import re
from collections.abc import Mapping
from unicodedata import category

from anonymizer.digits import MIN_NUMBER_DIGITS
from anonymizer.hits import Campaign
from anonymizer.policy import Dimension
from anonymizer.scrub import cut_at_space, scrub

MAX_CAMPAIGN_CHARACTERS = 60

PAID_CLICK_PARAMETERS = frozenset(
    {
        "gclid",  # Google Ads, auto-tagging
        "gbraid",  # Google Ads, to and from apps
        "wbraid",
        "dclid",  # Google Campaign Manager 360 and Display & Video 360
        "msclkid",  # Microsoft Advertising
        "ttclid",  # TikTok Ads
        "twclid",  # X Ads
        "li_fat_id",  # LinkedIn Ads
        "rdt_cid",  # Reddit Ads
        "ScCid",  # Snapchat Ads
        "yclid",  # Yandex Direct, Yahoo! JAPAN Ads
    }
)
"""Written by an advertising system onto the links of its ads alone.

Not here, since links that nobody paid for carry them too: ``fbclid`` (every link out of Facebook
and Instagram), ``igshid``, ``epik``, ``srsltid`` (free listings), ``ysclid`` (Yandex' results).
"""

_NO_CAMPAIGN = Campaign()
# Three octets of three characters each for one letter, as in Chinese; nothing longer can fit.
_LONGEST_VALUE = 9 * MAX_CAMPAIGN_CHARACTERS
# Room for identifiers, whose masks are shorter than they.
_LONGEST_TEXT = 2 * MAX_CAMPAIGN_CHARACTERS
_HARMLESS = re.compile(r"[a-z._-]{1,60}\Z")
_SAFE = re.compile(r"[A-Za-z0-9_.:+ -]*+\Z")
_PERCENT_RUN = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def read_query(query: str, parameters: Mapping[Dimension, str]) -> tuple[Campaign, bool]:
    """Return the campaign, and whether the click was paid for.

    `query` is without its question mark. Of a repeated parameter the first that is not empty
    counts. A value's identifiers become kinds, as in ``spring-:number``.
    """
    values: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if "%" in name:
            name = _PERCENT_RUN.sub(_decode_run, name)
        if value and name not in values:
            values[name] = value
    paid_click = not PAID_CLICK_PARAMETERS.isdisjoint(values)
    found = {
        dimension: _read_value(values[parameter])
        for dimension, parameter in parameters.items()
        if parameter in values
    }
    if not found:
        return _NO_CAMPAIGN, paid_click
    campaign = Campaign(
        found.get(Dimension.CAMPAIGN, ""),
        found.get(Dimension.CAMPAIGN_SOURCE, ""),
        found.get(Dimension.CAMPAIGN_MEDIUM, ""),
        found.get(Dimension.CAMPAIGN_CONTENT, ""),
        found.get(Dimension.CAMPAIGN_TERM, ""),
    )
    return campaign, paid_click


def _read_value(raw_value: str) -> str:
    if (len(raw_value) < MIN_NUMBER_DIGITS and raw_value.isalnum()) or _HARMLESS.match(raw_value):
        return raw_value
    if len(raw_value) > _LONGEST_VALUE:
        return ""
    text = raw_value.replace("+", " ")
    if "%" in text:
        text = _PERCENT_RUN.sub(_decode_run, text)
    masks: list[str] = []
    text = scrub(cut_at_space(" ".join(text.split()), _LONGEST_TEXT), masks)
    if not _SAFE.match(text):
        safe = " ".join("".join(filter(_is_safe, text)).split())
        # What was dropped may have parted one number into two that looked harmless.
        text = scrub(safe, masks)
    return text[:MAX_CAMPAIGN_CHARACTERS].rstrip()


def _decode_run(run: re.Match[str]) -> str:
    return bytes.fromhex(run[0].replace("%", "")).decode(errors="replace")


def _is_safe(character: str) -> bool:
    # Marks belong to the letters of many scripts (Devanagari vowel signs, combining accents).
    return character.isalnum() or character in "_.:+- " or category(character).startswith("M")
