"""Shared links: who holds one sees one site, without a login; known by a hash alone."""

import hashlib
import hmac
import re
import secrets
import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from msgspec import Struct

from people.roles import Person, Right, Role
from people.user_file import UserFile
from people.users import HASHER, MAX_PASSWORD

TOKEN_BYTES = 32  # 256 bits: nothing to guess, so that one SHA-256 keeps it
MIN_PASSWORD = 8
"""Shorter than a user's: it is asked for behind a link that can't be guessed."""
MAX_SHARES = 1000
MAX_ORIGINS = 10

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
# RFC 6454 section 6.2 in ASCII, as browsers write it and `frame-ancestors` takes it (CSP 2,
# section 7.7): nothing that could end the directive.
_ORIGIN = re.compile(
    r"https?://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[0-9]{1,5})?"
)
_COLUMNS = "name, site, made, expires, origins, may_export, password_hash, last_looked"


class BadShare(ValueError):
    """A share that can't be made or found; the text says why and echoes nothing."""


class Share(Struct, frozen=True):
    """What is known of a share but its link and its password."""

    name: str
    site: str
    made: int
    """Unix seconds."""
    expires: int | None
    """The Unix second from which on it is void."""
    origins: tuple[str, ...]
    """Who may show it in a frame."""
    may_export: bool
    has_password: bool
    last_looked: date | None
    """The last day (UTC) on which it was looked at."""

    def is_over(self, now: int) -> bool:
        """Tell whether its time is up."""
        return self.expires is not None and now >= self.expires


class Guest(Person, frozen=True):
    """Who holds a share's link: sees its site, has no role and no name but the share's."""

    may_export: bool = False

    def may(self, right: Right) -> bool:
        """Tell whether the share gives the right."""
        return right is Right.EXPORTS and self.may_export


class OpenShare(Struct, frozen=True):
    """A share as its link opens it."""

    share: Share
    password_hash: str
    """Empty where none is asked for."""

    def guest(self, *, may_export: bool) -> Guest:
        """Return who holds the link; users' names have no space, so that none is taken for it."""
        share = self.share
        sites = frozenset({share.site})
        may = may_export and share.may_export
        return Guest(f"share {share.name}", Role.VIEWER, sites, may_export=may)


class Shares:
    """The shares of one file. Methods block; `is_password` does so for some 100 ms.

    Every method raises UsersFailed where the file can't be read or written.
    """

    def __init__(
        self,
        file: UserFile,
        random_token: Callable[[int], str] = secrets.token_urlsafe,
        hasher: PasswordHasher = HASHER,
    ) -> None:
        self._file = file
        self._random_token = random_token
        self._hasher = hasher

    def add(
        self,
        name: str,
        site: str,
        now: int,
        *,
        password: str = "",
        expires: int | None = None,
        origins: Collection[str] = (),
        may_export: bool = False,
    ) -> str:
        """Make a share of a site and return the token of its link; it can't be had again.

        Raises:
            BadShare: something of it can't be, or the name is taken.
        """
        if not _NAME.fullmatch(name):
            raise BadShare("name: must be 1 to 40 letters, digits, dots, hyphens and underscores")
        if expires is not None and expires <= now:
            raise BadShare("expires: must be a day to come")
        _check_origins(origins, password)
        if password and not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise BadShare(f"password: must be {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        raw_token = self._random_token(TOKEN_BYTES)
        password_hash = self._hasher.hash(password) if password else ""
        values = (
            *(_hash(raw_token), name, site, now, expires or 0),
            *(" ".join(sorted(origins)), may_export, password_hash),
        )
        with self._file.connect() as database:
            if _count(database) >= MAX_SHARES:
                raise BadShare(f"name: there are {MAX_SHARES} shares already; revoke some first")
            made = database.execute(
                "INSERT OR IGNORE INTO shares"
                " (hash, name, site, made, expires, origins, may_export, password_hash)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            ).rowcount
        if not made:
            raise BadShare("name: is that of a share already")
        return raw_token

    def all(self) -> Sequence[Share]:
        """Return every share by name, those whose time is over too."""
        with self._file.connect() as database:
            rows = database.execute(f"SELECT {_COLUMNS} FROM shares ORDER BY name").fetchall()
        return [_share_of(row).share for row in rows]

    def find(self, raw_token: str, now: int) -> OpenShare | None:
        """Return the share that a link's token opens at the Unix second `now`."""
        if not _TOKEN.fullmatch(raw_token):
            return None
        with self._file.connect() as database:
            row = database.execute(
                f"SELECT {_COLUMNS} FROM shares WHERE hash = ?", (_hash(raw_token),)
            ).fetchone()
        found = row and _share_of(row)
        return None if found is None or found.share.is_over(now) else found

    def is_password(self, opened: OpenShare, password: str) -> bool:
        """Tell whether the password is the share's."""
        try:
            return self._hasher.verify(opened.password_hash, password)
        except VerifyMismatchError:
            return False

    def looked(self, share: Share, now: int) -> None:
        """Keep the day of a look; writes once a day."""
        day = datetime.fromtimestamp(now, UTC).date()
        if share.last_looked == day:
            return
        with self._file.connect() as database:
            database.execute(
                "UPDATE shares SET last_looked = ? WHERE name = ?", (day.isoformat(), share.name)
            )

    def revoke(self, name: str) -> Share:
        """Make a share's link void at once, and return what it was.

        Raises:
            BadShare: there is no such share.
        """
        row = None
        if _NAME.fullmatch(name):
            with self._file.connect() as database:
                row = database.execute(
                    f"DELETE FROM shares WHERE name = ? RETURNING {_COLUMNS}", (name,)
                ).fetchone()
        if row is None:
            raise BadShare("name: is that of no share")
        return _share_of(row).share

    def proof_of(self, opened: OpenShare, secret: str, ends: int) -> str:
        """Return what a browser shows once it gave the password: until `ends`, for this link.

        A password's hash has a salt of its own, so that no two links give the same.
        """
        key = f"{secret} share {opened.password_hash}".encode()
        return f"{ends}.{hmac.new(key, str(ends).encode(), 'sha256').hexdigest()}"

    def is_proof(self, opened: OpenShare, secret: str, proof: str, now: int) -> bool:
        """Tell whether a browser gave the password before, and not too long ago."""
        ends = proof.partition(".")[0]
        if not re.fullmatch(r"[0-9]{1,12}", ends) or now >= int(ends):
            return False
        true_proof = self.proof_of(opened, secret, int(ends))
        return hmac.compare_digest(true_proof.encode(), proof.encode(errors="surrogatepass"))


def _check_origins(origins: Collection[str], password: str) -> None:
    if len(origins) > MAX_ORIGINS:
        raise BadShare(f"origin: must be {MAX_ORIGINS} at most")
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise BadShare("origin: must be a scheme and a host, such as https://www.example.org")
    if origins and password:
        raise BadShare(
            "origin: can't stand beside a password: browsers keep no cookie of a page in a frame"
        )


def _share_of(row: Sequence[object]) -> OpenShare:
    name, site, made, expires, origins, may_export, password_hash, last_looked = row
    share = Share(
        name=str(name),
        site=str(site),
        made=int(str(made)),
        expires=int(str(expires)) or None,
        origins=tuple(str(origins).split()),
        may_export=bool(may_export),
        has_password=bool(password_hash),
        last_looked=date.fromisoformat(str(last_looked)) if last_looked else None,
    )
    return OpenShare(share, str(password_hash))


def _count(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT count() FROM shares").fetchone()[0])


def _hash(raw_token: str) -> bytes:
    return hashlib.sha256(raw_token.encode()).digest()
