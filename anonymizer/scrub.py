"""Identifiers in any text, masked by their kind.

A path's segment, a campaign's value or free text comes in; the text with ``:email``,
``:address``, ``:jwt``, ``:uuid``, ``:hex``, ``:token`` and ``:number`` in their place goes out,
and the kinds.
"""

import re

from anonymizer.digits import mask_numbers
from anonymizer.masks import ADDRESS, EMAIL, JWT, MARKS, UUID, read_masks, write_masks
from anonymizer.tokens import mask_tokens

MAX_TEXT_CHARACTERS = 1000
"""Free text beyond this is not looked at, and not kept."""

# `paths` writes an octet that stays a percent form as U+DC00 + octet: U+DC40 is an escaped @.
_AT = r"(?:[@\uff20\ufe6b\udc40]|%(?:25)*+40)"
# Each pattern starts at a rare character or at a word's start and runs over a bounded length or
# gives nothing back, so that the cost grows with the length alone.
_RETINA = r"\d(?:\.\d)?x\.(?:png|jpe?g|gif|webp|avif|svg)"  # logo@2x.png
_EMAIL = re.compile(rf"(?<=[^\s\udc20]){_AT}(?!{_RETINA}\b)(?:[\w-]++\.)+[^\W\d_]{{2,}}")
_BETWEEN_SPACES = re.compile(r"[^\s\udc20]+")
_OCTET = r"(?:25[0-5]|2[0-4]\d|[01]?\d?\d)"
_V4 = rf"(?<!\d)(?<!\d\.){_OCTET}(?:\.{_OCTET}){{3}}(?!\d|\.\d)[A-Za-z]*+"
# With hyphens as providers write it into host names; never where the numbers go on.
_HYPHENED = rf"(?<![\w-]){_OCTET}(?:-{_OCTET}){{3}}(?![\w-])"
_V4_ADDRESS = re.compile(_V4)
_HYPHENED_ADDRESS = re.compile(_HYPHENED)
_HYPHENED_LIKE = re.compile(r"\d-\d{1,3}-\d{1,3}-\d")
# What most texts fail at once: the pattern itself is tried at each character, at 0.1 µs.
_V4_LIKE = re.compile(r"\d\.\d{1,3}\.\d{1,3}\.\d")
_COLON = "[:\udc3a]"
_COLON_ADDRESS = re.compile(
    rf"""
    (?<![A-Za-z0-9:\udc3a])                     # IPv6, RFC 4291 section 2.2; :: alone is nobody's
      (?={_COLON}*+[0-9A-Fa-f])
      (?=[0-9A-Fa-f:\udc3a]{{0,39}}?{_COLON}{{2}}|(?:[0-9A-Fa-f]{{1,4}}{_COLON}){{7}})
      (?:[0-9A-Fa-f]{{0,4}}{_COLON}){{2,7}}(?:{_V4}|[0-9A-Fa-f]{{0,4}})(?![A-Za-z0-9:\udc3a])
      (?:[%\udc25]\w*+)?                   # a zone, RFC 4007 section 11
    # A network card's:
    | (?<![A-Za-z0-9:\udc3a])(?:[0-9A-Fa-f]{{2}}{_COLON}){{5}}[0-9A-Fa-f]{{2}}(?![A-Za-z0-9:\udc3a])
    """,
    re.VERBOSE,
)
# RFC 7519: base64url of {"... before the first of its dots. What is written before it goes along.
_JWT = re.compile(
    r"(?<![\w-])(?=[\w-]*+\.)(?>[\w-]*?(?<![A-Za-z0-9])eyJ)[\w-]{5,}+\.[\w-]++(?:\.[\w-]*+){0,3}+"
)
_UUID = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z0-9]++(?<=[0-9A-Fa-f]{8})"
    r"(?:[-_][0-9A-Fa-f]{4}){3}[-_][0-9A-Fa-f]{12}[A-Za-z0-9]*+"
)
_UUID_CHARACTERS = 36
# What is left beside a mask may be known only now: 12342001:db8::1. Two rounds are the rule.
_MAX_ROUNDS = 4
# Letters, masks and too few of them for a token: no other round.
_SPENT = re.compile(r"[A-Za-z_./\udd00-\udd06-]{0,15}\Z")


def scrub(text: str, masks: list[str]) -> str:
    """Return `text` with identifiers masked, and append the kind of each to `masks`.

    An e-mail address goes with all that stands between the spaces around it, any other with the
    letters and digits written onto it.
    """
    text = read_masks(text)
    for _ in range(_MAX_ROUNDS):
        before = len(masks)
        text = _scrub_once(text, masks)
        if len(masks) == before or _SPENT.match(text):
            break
    return write_masks(text)


def _scrub_once(text: str, masks: list[str]) -> str:
    if "@" in text or "%" in text or not text.isascii():
        text = _mask_emails(text, masks)
    if "eyJ" in text:
        text = _mask(_JWT, JWT, text, masks)
    if ":" in text or "\udc3a" in text:
        text = _mask(_COLON_ADDRESS, ADDRESS, text, masks)
    if text.count(".") > 2 and _V4_LIKE.search(text):
        text = _mask(_V4_ADDRESS, ADDRESS, text, masks)
    if text.count("-") > 2 and _HYPHENED_LIKE.search(text):
        text = _mask(_HYPHENED_ADDRESS, ADDRESS, text, masks)
    if len(text) >= _UUID_CHARACTERS:
        text = _mask(_UUID, UUID, text, masks)
    return mask_numbers(mask_tokens(text, masks), masks)


def scrub_text(raw_text: str, max_characters: int) -> tuple[str, tuple[str, ...]]:
    """Return free text masked, on one line, of at most `max_characters`; and the kinds masked.

    Control, format and unassigned characters are dropped, white space is folded. `max_characters`
    may be up to `MAX_TEXT_CHARACTERS`.
    """
    text = cut_at_space(raw_text, MAX_TEXT_CHARACTERS)
    if not text.isprintable():
        text = "".join(c for c in text if c.isprintable() or c.isspace())
    masks: list[str] = []
    text = scrub(" ".join(text.split()), masks)
    return text[:max_characters].rstrip(), tuple(masks)


def cut_at_space(text: str, max_characters: int) -> str:
    """Return `text`, cut before the word that goes beyond: half an identifier is not known as one.

    Empty when that is the first word.
    """
    if len(text) <= max_characters:
        return text
    words = text[:max_characters].rsplit(maxsplit=1)
    return words[0] if len(words) > 1 else ""


def _mask_emails(text: str, masks: list[str]) -> str:
    if not _EMAIL.search(text):
        return text

    def mask_word(word: re.Match[str]) -> str:
        if not _EMAIL.search(word[0]):
            return word[0]
        masks.append(EMAIL)
        return MARKS[EMAIL]

    return _BETWEEN_SPACES.sub(mask_word, text)


def _mask(pattern: re.Pattern[str], kind: str, text: str, masks: list[str]) -> str:
    text, found = pattern.subn(MARKS[kind], text)
    masks.extend([kind] * found)
    return text
