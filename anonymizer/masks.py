"""The kinds of identifiers that are masked, and how a mask is written.

While a text is being scrubbed a mask is one character that no text holds, so that no later rule
takes its letters for the text's own.
"""

import re

EMAIL = "email"
ADDRESS = "address"
JWT = "jwt"
UUID = "uuid"
HEX = "hex"
TOKEN = "token"  # noqa: S105 - the name of a kind
NUMBER = "number"

KINDS = (EMAIL, ADDRESS, JWT, UUID, HEX, TOKEN, NUMBER)

# Lone surrogates; U+DC00 to U+DCFF are taken by the percent forms of `paths`.
MARKS = {kind: chr(0xDD00 + index) for index, kind in enumerate(KINDS)}
_WRITTEN = {ord(mark): f":{kind}" for kind, mark in MARKS.items()}
_MASK = re.compile(rf":({'|'.join(KINDS)})(?![A-Za-z0-9])")


def read_masks(text: str) -> str:
    """Return `text` with each mask that is written out in it as one character."""
    return _MASK.sub(lambda mask: MARKS[mask[1]], text) if ":" in text else text


def write_masks(text: str) -> str:
    """Return `text` with its masks written out, as in ``:email``."""
    return text if text.isascii() else text.translate(_WRITTEN)
