"""What was done to a site and when, in the operator's words: marks beside what was counted.

Kept in a file of its own, which is opened for each call: the command line writes it while the
server runs. It holds nothing of a visitor.
"""

import contextlib
import os
import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from anonymizer.policy import Policy

MAX_TEXT = 200
MAX_OF_SITE = 10_000
EARLIEST = 2000
LATEST = 2100

_WAIT_SECONDS = 5.0
_READ_WAIT_SECONDS = 0.5  # a page stands without annotations

_TABLES = """
CREATE TABLE IF NOT EXISTS annotations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    site TEXT NOT NULL,
    moment TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS by_site ON annotations (site, moment);
"""


class BadAnnotation(ValueError):
    """An annotation that can't be made or found; the text names the field."""

    def __init__(self, field: str, wanted: str) -> None:
        super().__init__(f"{field}: {wanted}")
        self.field = field
        self.wanted = wanted


class AnnotationsFailed(Exception):
    """The file of annotations can't be read or written."""


class Annotation(Struct, frozen=True):
    """One mark. Its moment is the site's wall clock, without a zone, to the minute."""

    number: int
    site: str
    moment: datetime
    text: str
    is_campaign: bool = False
    """Whether it stands there by itself: `text` is then the name of an e-mail campaign."""


class Annotations:
    """The annotations kept in the file at `path`, which is made where missing. Methods block.

    Every method raises AnnotationsFailed where the file can't be read or written; making one
    does not, so that a server starts without them.
    """

    def __init__(self, path: Path, policy: Policy) -> None:
        self._path = path
        self._zones: dict[str, ZoneInfo] = {
            str(domain): site.zone for domain, site in policy.sites.items()
        }
        with contextlib.suppress(AnnotationsFailed), self._connect(_READ_WAIT_SECONDS):
            pass

    def add(self, site: str, at: str, text: str, now: datetime) -> Annotation:
        """Write one down: at the site's wall clock, `at` as `read_moment` takes it.

        Raises:
            BadAnnotation: something of it can't be.
        """
        zone = self._zone_of(site)
        moment = read_moment(at, zone, now)
        text = _read_text(text)
        with self._connect() as database:
            (held,) = database.execute(
                "SELECT count() FROM annotations WHERE site = ?", (site,)
            ).fetchone()
            if held >= MAX_OF_SITE:
                raise BadAnnotation("site", f"has {MAX_OF_SITE} annotations; delete some first")
            number = database.execute(
                "INSERT INTO annotations (site, moment, text) VALUES (?, ?, ?)",
                (site, moment.isoformat(timespec="minutes"), text),
            ).lastrowid
        return Annotation(number or 0, site, moment, text)

    def of_site(self, site: str, first: date, last: date) -> Sequence[Annotation]:
        """Return those of a site's days, both included, in order of time.

        Raises:
            BadAnnotation: there is no such site.
        """
        self._zone_of(site)
        with self._connect(_READ_WAIT_SECONDS) as database:
            rows = database.execute(
                "SELECT number, moment, text FROM annotations"
                " WHERE site = ? AND moment BETWEEN ? AND ? ORDER BY moment, number",
                (site, f"{first.isoformat()}T00:00", f"{last.isoformat()}T23:59"),
            ).fetchall()
        return [
            Annotation(number, site, datetime.fromisoformat(moment), text)
            for number, moment, text in rows
        ]

    def delete(self, site: str, number: int) -> None:
        """Delete one of a site.

        Raises:
            BadAnnotation: the site has none of that number.
        """
        self._zone_of(site)
        with self._connect() as database:
            found = database.execute(
                # As text, for SQLite takes no integer of more than 64 bits.
                "DELETE FROM annotations WHERE site = ? AND number = ?",
                (site, str(number)),
            ).rowcount
        if not found:
            raise BadAnnotation("number", "is that of no annotation of the site")

    def _zone_of(self, site: str) -> ZoneInfo:
        if site not in self._zones:
            raise BadAnnotation("site", "is the domain of no site of the policy")
        return self._zones[site]

    @contextlib.contextmanager
    def _connect(self, wait_seconds: float = _WAIT_SECONDS) -> Iterator[sqlite3.Connection]:
        try:
            # Created here, for SQLite would follow the umask and may leave it open to a group.
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError:
            raise AnnotationsFailed(f"{self._path}: can't be used for annotations") from None
        # A connection a call, because calls come from several threads.
        try:
            with (
                contextlib.closing(sqlite3.connect(self._path, wait_seconds)) as database,
                database,
            ):
                for statement in _TABLES.split(";"):
                    database.execute(statement)
                yield database
        except sqlite3.Error:
            raise AnnotationsFailed(f"{self._path}: can't be read or written") from None


def copy_annotations(path: Path, to: Path) -> None:
    """Write what is marked at this moment to the new file `to`.

    Raises:
        AnnotationsFailed: it can't be read or written.
    """
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("VACUUM INTO ?", (str(to),))
    except sqlite3.Error:
        raise AnnotationsFailed(f"{path}: can't be copied") from None


def read_moment(at: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Read a time as the wall clock of `zone`, to the minute; nothing means now.

    ISO 8601 as Python reads it: ``2026-03-01``, ``2026-03-01T12:00`` by the site's own clock, or
    with an offset, ``2026-03-01T11:00Z``, by any other.

    Raises:
        BadAnnotation: it is none, or not of this century.
    """
    try:
        moment = datetime.fromisoformat(at) if at else now
        if moment.tzinfo is not None:
            moment = moment.astimezone(zone).replace(tzinfo=None)
    except (ValueError, OverflowError):
        wanted = "must be a time such as 2026-03-01T12:00, or with an offset: 2026-03-01T11:00Z"
        raise BadAnnotation("at", wanted) from None
    if not EARLIEST <= moment.year < LATEST:
        raise BadAnnotation("at", f"must be of the years {EARLIEST} to {LATEST - 1}")
    return moment.replace(second=0, microsecond=0)


def local_moment(seconds: int, zone: ZoneInfo) -> datetime:
    """Return a Unix second as the wall clock of a zone, to the minute."""
    moment = datetime.fromtimestamp(seconds, UTC).astimezone(zone)
    return moment.replace(tzinfo=None, second=0, microsecond=0)


def _read_text(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= MAX_TEXT:
        raise BadAnnotation("text", f"must be 1 to {MAX_TEXT} characters")
    # Control and format characters, such as those that turn the direction of what is around them.
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text):
        raise BadAnnotation("text", "must be one line of letters, digits and signs")
    return text
