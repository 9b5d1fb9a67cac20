"""Tokens in messages: text that tells nobody but this collector anything.

A personal token stands behind ``?t=`` of a pixel and of links, an unsubscribe token in the
address under `/unsubscribe/`. Each has one length, whatever it is about.
"""

import base64
import binascii
import re
from hashlib import blake2b

from msgspec import Struct

from anonymizer.masks import ADDRESS, EMAIL, JWT, NUMBER
from anonymizer.scrub import scrub
from collector.email.keys import HANDLE_BYTES, SEAL_BYTES, EmailKeys

MAX_REFERENCE_BYTES = 64
REFERENCE_WANTED = (
    "must be 1 to 64 letters, digits and any of . _ ~ : + / = -,"
    " and neither look like an e-mail address nor like a number of a person"
)

NUMBER_BYTES = 8
"""Random, of each token: two of a million tokens are alike once in 37 million campaigns."""
CAMPAIGN_BYTES = 8

_OPEN = b"open"
_UNSUBSCRIBE = b"unsubscribe"
_REFERENCE = re.compile(rf"[A-Za-z0-9._~:+/=-]{{1,{MAX_REFERENCE_BYTES}}}")
_IDENTIFYING = frozenset({EMAIL, ADDRESS, JWT, NUMBER})

# Both make the whole token a multiple of three bytes: base64url then has no bits left over, which
# could be changed and still be read.
_PERSONAL_BYTES = 58
_UNSUBSCRIBE_BYTES = 73


class BadReference(ValueError):
    """A reference that can't be taken. The text holds nothing of it."""

    def __init__(self) -> None:
        super().__init__(f"reference: {REFERENCE_WANTED}")


class Token(Struct, frozen=True):
    """What a personal token says. It holds no reference."""

    campaign: bytes
    """As `hash_campaign` has it."""
    number: bytes
    """Its own, random; nothing else on this side is made of it or leads to it."""
    life: bytes
    """Of the file of opened tokens that it was made with; another file knows it not."""
    receipt: bytes
    """The beginning of the hash of the receipt's id under which it was made."""
    recipient: bytes
    """The handle of the reference, under the key that the token is under."""


class Unsubscribing(Struct, frozen=True):
    """What an unsubscribe token says."""

    campaign: bytes
    raw_reference: str


def check_reference(raw_text: str) -> str:
    """Return a mailer's reference to a recipient.

    Raises:
        BadReference: it can't be one, or looks like what identifies a person to anybody.
    """
    masks: list[str] = []
    if not _REFERENCE.fullmatch(raw_text):
        raise BadReference
    scrub(raw_text, masks)
    if not _IDENTIFYING.isdisjoint(masks):
        raise BadReference
    return raw_text


def hash_campaign(code: str) -> bytes:
    """Return 8 bytes that stand for a campaign's code."""
    return blake2b(code.encode(), digest_size=CAMPAIGN_BYTES).digest()


def make_personal(
    keys: EmailKeys, code: str, number: bytes, life: bytes, receipt: bytes, raw_reference: str
) -> str:
    """Make the personal token of a recipient in one campaign: 100 characters."""
    recipient = keys.handle(keys.newest, raw_reference)
    content = b"".join((hash_campaign(code), number, life, receipt, recipient))
    return _seal(keys, _OPEN, content.ljust(_PERSONAL_BYTES, b"\0"))


def read_personal(keys: EmailKeys, raw_text: str) -> Token | None:
    """Return what a personal token says; None for any other text, at the cost of one reading."""
    content = _open(keys, _OPEN, raw_text, _PERSONAL_BYTES)
    if content is None:
        return None
    ends = (CAMPAIGN_BYTES, NUMBER_BYTES, NUMBER_BYTES, HANDLE_BYTES, HANDLE_BYTES)
    parts = []
    for length in ends:
        parts.append(content[:length])
        content = content[length:]
    return Token(*parts)


def make_unsubscribing(keys: EmailKeys, code: str, raw_reference: str) -> str:
    """Make the unsubscribe token of a recipient in one campaign: 120 characters, always these."""
    reference = raw_reference.encode()
    content = hash_campaign(code) + bytes([len(reference)]) + reference
    return _seal(keys, _UNSUBSCRIBE, content.ljust(_UNSUBSCRIBE_BYTES, b"\0"))


def read_unsubscribing(keys: EmailKeys, raw_text: str) -> Unsubscribing | None:
    """Return what an unsubscribe token says; None for any other, at the cost of one reading."""
    content = _open(keys, _UNSUBSCRIBE, raw_text, _UNSUBSCRIBE_BYTES)
    if content is None:
        return None
    length = content[CAMPAIGN_BYTES]
    reference = content[CAMPAIGN_BYTES + 1 :][:length]
    return Unsubscribing(content[:CAMPAIGN_BYTES], reference.decode())


def _seal(keys: EmailKeys, use: bytes, content: bytes) -> str:
    octets = bytes([keys.newest]) + keys.seal(keys.newest, use, content)
    return base64.urlsafe_b64encode(octets).decode()


def _open(keys: EmailKeys, use: bytes, raw_text: str, content_bytes: int) -> bytes | None:
    """Open a token. What is none at sight is tried like any other, so that all take as long."""
    length = 1 + SEAL_BYTES + content_bytes
    octets = _read_octets(raw_text, length)
    is_possible = octets is not None and octets[0] in keys.numbers
    octets = octets or bytes(length)
    number = octets[0] if is_possible else keys.newest
    content = keys.open(number, use, octets[1:])
    return content if is_possible else None


def _read_octets(raw_text: str, length: int) -> bytes | None:
    if len(raw_text) != length // 3 * 4 or not raw_text.isascii() or set("+/=") & set(raw_text):
        return None
    try:
        octets = raw_text.replace("-", "+").replace("_", "/")
        return binascii.a2b_base64(octets, strict_mode=True)
    except binascii.Error:
        return None
