"""The session cookie and the token of its forms: signed values, nothing kept on the server.

A session is also given to a reader who has not logged in, so that the login form
can be tied to the browser it was sent to.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from dashboards.selection import PATH

COOKIE = "discreet_session"
LIFETIME = timedelta(hours=12)
NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Session:
    """Who reads; `name` is empty before the login."""

    name: str
    nonce: str
    expires: int
    """Unix seconds."""


class Sessions:
    """Reads and writes sessions with one secret."""

    def __init__(self, secret: str) -> None:
        self._cookies = URLSafeSerializer(
            secret,
            salt="discreet dashboard session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )
        self._form_key = hmac.digest(secret.encode(), b"discreet dashboard form", "sha256")

    def begin(self, name: str, now: datetime) -> Session:
        """Make a session that ends 12 hours after `now`; each has a nonce of its own."""
        expires = int((now + LIFETIME).timestamp())
        return Session(name, secrets.token_urlsafe(NONCE_BYTES), expires)

    def read(self, request: Request, now: datetime) -> Session | None:
        """Read the session of a request; None when absent, ended or not signed here."""
        try:
            name, nonce, expires = self._cookies.loads(request.cookies.get(COOKIE, ""))
        except (BadData, ValueError, TypeError):
            return None
        if now.timestamp() >= expires:
            return None
        return Session(name, nonce, expires)

    def write(self, response: Response, session: Session, request: Request) -> None:
        """Set the cookie of a session.

        SameSite is Lax, not Strict: a link to the dashboard from a mail or a chat must
        not end at the login. All that changes something is a POST with a form token.
        """
        response.set_cookie(
            COOKIE,
            self._cookies.dumps([session.name, session.nonce, session.expires]),
            max_age=int(LIFETIME.total_seconds()),
            path=PATH,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )

    def end(self, response: Response, request: Request) -> None:
        """Take the cookie back."""
        response.delete_cookie(
            COOKIE, path=PATH, httponly=True, samesite="lax", secure=request.url.scheme == "https"
        )

    def form_token(self, session: Session) -> str:
        """Return the token that every form of the session carries."""
        return hmac.new(self._form_key, session.nonce.encode(), "sha256").hexdigest()

    def is_own_form(self, session: Session | None, token: str) -> bool:
        """Tell whether a form token belongs to the session."""
        return session is not None and hmac.compare_digest(
            self.form_token(session).encode(), token.encode()
        )
