"""The session cookie and the token of its forms: a signed nonce, and who it stands for on disk.

A session is also given to a reader who has not logged in, so that the login form
can be tied to the browser it was sent to; of those nothing is kept.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256

from anyio import to_thread
from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from dashboards.address.selection import PATH
from people.open_sessions import OpenSessions
from people.users import User

COOKIE = "discreet_session"
HTTPS_COOKIE = f"__Host-{COOKIE}"
"""Browsers take it by HTTPS alone, from this host alone and for every path (RFC 6265bis 4.1.3)."""
LIFETIME = timedelta(hours=12)
HALF_LIFETIME = timedelta(minutes=10)
"""While the second factor is asked for."""
NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's session."""

    nonce: str
    ends: int
    """Unix seconds."""
    user: User | None = None
    """None before the login, and once the session was ended."""
    is_whole: bool = False
    """False while the second factor is asked for."""


class Sessions:
    """Reads and writes sessions with one secret."""

    def __init__(self, secret: str, opened: OpenSessions) -> None:
        self._opened = opened
        self._cookies = URLSafeSerializer(
            secret,
            salt="discreet dashboard session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )
        self._form_key = hmac.digest(secret.encode(), b"discreet dashboard form", "sha256")

    def begin_nameless(self, now: datetime) -> Session:
        """Make a session of nobody; each has a nonce of its own."""
        return Session(secrets.token_urlsafe(NONCE_BYTES), int((now + LIFETIME).timestamp()))

    async def begin(self, user: User, now: datetime, *, is_whole: bool) -> Session | None:
        """Open a session of `user`; None when the user was changed since `user` was read."""
        lifetime = LIFETIME if is_whole else HALF_LIFETIME
        ends = int((now + lifetime).timestamp())
        session = Session(secrets.token_urlsafe(NONCE_BYTES), ends, user, is_whole)
        begin = partial(self._opened.begin, is_whole=is_whole)
        second = int(now.timestamp())
        begun = await to_thread.run_sync(begin, session.nonce, user, second, ends)
        return session if begun else None

    async def read(self, request: Request, now: datetime) -> Session | None:
        """Read the session of a request; None when absent, over or not signed here."""
        try:
            nonce, ends = self._cookies.loads(request.cookies.get(_cookie_of(request), ""))
        except (BadData, ValueError, TypeError):
            return None
        if now.timestamp() >= ends:
            return None
        opened = await to_thread.run_sync(self._opened.find, nonce, int(now.timestamp()))
        if opened is None:
            return Session(nonce, ends)
        return Session(nonce, ends, opened.user, opened.is_whole)

    async def end(self, session: Session) -> None:
        """End a session, wherever its cookie was copied to."""
        await to_thread.run_sync(self._opened.end, session.nonce)

    def write(self, response: Response, session: Session, request: Request) -> None:
        """Set the cookie of a session.

        SameSite is Lax, not Strict: a link to the dashboard from a mail or a chat must
        not end at the login. All that changes something is a POST with a form token.
        """
        response.set_cookie(
            _cookie_of(request),
            self._cookies.dumps([session.nonce, session.ends]),
            max_age=int(LIFETIME.total_seconds()),
            path=_path_of(request),
            httponly=True,
            samesite="lax",
            secure=_is_https(request),
        )

    def take_back(self, response: Response, request: Request) -> None:
        """Take the cookie back."""
        response.delete_cookie(
            _cookie_of(request),
            path=_path_of(request),
            httponly=True,
            samesite="lax",
            secure=_is_https(request),
        )

    def form_token(self, session: Session) -> str:
        """Return the token that every form of the session carries."""
        return hmac.new(self._form_key, session.nonce.encode(), "sha256").hexdigest()

    def is_own_form(self, session: Session | None, token: str) -> bool:
        """Tell whether a form token belongs to the session."""
        return session is not None and hmac.compare_digest(
            self.form_token(session).encode(), token.encode()
        )


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https"


def _cookie_of(request: Request) -> str:
    return HTTPS_COOKIE if _is_https(request) else COOKIE


def _path_of(request: Request) -> str:
    return "/" if _is_https(request) else PATH
