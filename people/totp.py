"""Codes by time: RFC 6238 with SHA-1, six digits and steps of 30 s, as phones take them."""

import base64
import hmac
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20  # 160 bits, recommended by RFC 4226 section 4, R6
_EITHER_WAY = 1
"""Steps that a phone's clock may be off (RFC 6238 section 5.2 recommends at most one)."""


def code_at(raw_secret: bytes, step: int, digits: int = DIGITS) -> str:
    """Return the code of a step (RFC 4226 section 5.3)."""
    digest = hmac.digest(raw_secret, step.to_bytes(8), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}}"


def find_step(raw_secret: bytes, raw_code: str, now: int) -> int | None:
    """Return the step that a code is of, where it is valid at the Unix second `now`."""
    found = None
    for step in range(now // STEP_SECONDS - _EITHER_WAY, now // STEP_SECONDS + _EITHER_WAY + 1):
        if hmac.compare_digest(code_at(raw_secret, step).encode(), raw_code.encode()):
            found = step
    return found


def in_letters(raw_secret: bytes) -> str:
    """Return a secret as it is typed into a phone: base32 (RFC 4648 section 6)."""
    return base64.b32encode(raw_secret).decode().rstrip("=")


def from_letters(letters: str) -> bytes:
    """Return the secret that `in_letters` wrote."""
    return base64.b32decode(letters + "=" * (-len(letters) % 8))


def enrolment_uri(raw_secret: bytes, name: str) -> str:
    """Return the URI that authenticators take (Google Authenticator's Key Uri Format)."""
    label = quote(f"Discreet:{name}", safe=":")
    return f"otpauth://totp/{label}?{urlencode({'secret': in_letters(raw_secret)})}&issuer=Discreet"
