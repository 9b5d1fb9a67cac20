"""What identifiers look like, for values and for raw bytes.

Written apart from what masks them on their way in (`anonymizer.scrub`), so that a hole there
is not one here too. Text or bytes come in, kinds go out; never what was found.
"""

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address

LONGEST = 512
"""Bytes within which every pattern of `kinds_in_bytes` has ended."""

EMAIL = "an e-mail address"
ADDRESS = "a full IP address"
AGENT = "a user agent"
JWT = "a JSON web token"
UUID = "a UUID"
TOKEN = "a random token"  # noqa: S105  # the name of a kind
NUMBER = "a long number"

Address = IPv4Address | IPv6Address

# Not logo@2x.png; the last of the three is a wide @ in UTF-8.
_EMAIL = re.compile(
    rb"[\w.+%-]{1,64}(?:@|%40|\xef\xbc\xa0)(?!\dx\.)(?:[\w-]{1,63}\.){1,5}[A-Za-z]{2,24}",
    re.ASCII,
)
_OCTET = rb"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_V4 = re.compile(rb"(?<![\d.])(?:%b\.){3}%b(?![\d.]*\d|/(?:24|16|8)\b)" % (_OCTET, _OCTET))
# Three groups at least: of fewer there are too many in code, such as a::b.
_V6 = re.compile(
    rb"(?<![\w:.])(?=(?:[0-9a-f]{0,4}:){2,7})(?=(?::*[0-9a-f]+){3})[0-9a-f:]{6,39}(?![\w:./]|/(?:48|32|16)\b)",
    re.IGNORECASE,
)
_AGENT = re.compile(
    rb"Mozilla/\d|(?:AppleWebKit|Gecko|Chrome|Safari|Firefox|Edg|OPR|Opera|Thunderbird|Dalvik"
    rb"|okhttp|curl|python-requests)/\d"
)
_JWT = re.compile(rb"eyJ[\w-]{8,400}\.[\w-]{4}")
_UUID = re.compile(r"[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{20,}(?![0-9A-Za-z])")
_WORD = re.compile(r"[A-Za-z0-9_-]{22,}")
_CLASSES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_RUN = re.compile(r"\d{8,}")
_PHONE = re.compile(r"\+\d(?:[ .()-]{0,3}\d){8,14}(?!\d)")
_DATES = ("%Y%m%d", "%d%m%Y", "%m%d%Y")


def kinds_in_bytes(content: bytes, own: Collection[Address] = ()) -> Iterator[str]:
    """Yield the kind of each identifier in bytes of any sort.

    A network (``/24``, ``/48`` or wider) is none, nor are the addresses of `own`. UUIDs, hashes and
    numbers are not looked for: files of databases are full of their own.
    """
    for pattern, kind in ((_EMAIL, EMAIL), (_AGENT, AGENT), (_JWT, JWT)):
        yield from (kind for _ in pattern.finditer(content))
    for pattern in (_V4, _V6):
        for found in pattern.finditer(content):
            if _is_foreign(found[0].decode("ascii"), own):
                yield ADDRESS


def kinds_in_text(text: str) -> frozenset[str]:
    """Return the kinds of identifiers in one stored value."""
    kinds = set(kinds_in_bytes(text.encode("utf-8", "surrogatepass")))
    if _UUID.search(text):
        kinds.add(UUID)
    if any(map(_is_random_hex, _HEX.findall(text))) or any(map(_is_dense, _WORD.findall(text))):
        kinds.add(TOKEN)
    if _PHONE.search(text) or not all(map(_is_date, _RUN.findall(text))):
        kinds.add(NUMBER)
    return frozenset(kinds)


def _is_foreign(text: str, own: Collection[Address]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address in own)


def _is_random_hex(word: str) -> bool:
    digits = sum(map(str.isdigit, word))
    return 3 <= digits <= len(word) - 3


def _is_dense(word: str) -> bool:
    """Tell whether case or digits change about every third character, as in what is random."""
    if word.isdigit() or not (any(map(str.isdigit, word)) or word.upper() != word != word.lower()):
        return False
    return len(_CLASSES.findall(word)) * 3 >= len(word.replace("-", "").replace("_", ""))


def _is_date(digits: str) -> bool:
    return any(_is_written_as(form, digits) for form in _DATES)


def _is_written_as(form: str, digits: str) -> bool:
    try:
        return len(digits) == 8 and 1990 <= datetime.strptime(digits, form).year < 2100
    except ValueError:
        return False
