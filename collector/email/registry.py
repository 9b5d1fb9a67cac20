"""Which campaigns there are and where their links lead, read for every open and click.

Answers from memory; a change that any process makes in the file is seen at the next question.
Holds what the operator registered and nothing of a recipient.
"""

import contextlib
import logging
import os
import sqlite3
from pathlib import Path

from msgspec import Struct

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from collector.email.targets import mark_target

log = logging.getLogger("discreet")

_WAIT_SECONDS = 5.0
# The doors' event loop waits no longer; they have what was read before.
_READ_WAIT_SECONDS = 0.05

_TABLES = """
CREATE TABLE IF NOT EXISTS campaigns (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE,
    variant TEXT NOT NULL COLLATE NOCASE,
    site TEXT NOT NULL,
    added INTEGER NOT NULL,
    UNIQUE (name, variant)
) STRICT;
CREATE TABLE IF NOT EXISTS links (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    url TEXT NOT NULL,
    UNIQUE (name, number),
    UNIQUE (name, url)
) STRICT;
"""


class RegistryFailed(Exception):
    """The registry's file is damaged or can't be used."""


class Campaign(Struct, frozen=True):
    """A campaign, or one variant of it."""

    name: str
    variant: str
    """Empty for the campaign itself."""
    site: SiteId

    @property
    def code(self) -> str:
        """Tell how addresses name it: ``NAME`` or ``NAME.VARIANT``."""
        return f"{self.name}.{self.variant}" if self.variant else self.name


class Target(Struct, frozen=True):
    """What a link of a campaign leads to."""

    campaign: Campaign
    number: str
    """As it stands in addresses: ``1``. All variants of a campaign number alike."""
    url: str
    """As it goes into `Location`: on a site of the policy it carries the campaign."""


class Registry:
    """The campaigns and links of the file at `path`, made where missing.

    Use it from one thread at a time.
    """

    def __init__(self, path: Path, policy: Policy) -> None:
        """Read the file.

        Raises:
            RegistryFailed: it can't be used.
        """
        prepare(path)
        self._policy = policy
        self._campaigns: dict[str, Campaign] = {}
        self._urls: dict[tuple[str, str], str] = {}
        # Rows are never changed nor deleted, so that what was read before need not be read again.
        self._last_campaign = self._last_link = 0
        self._version = -1
        self._is_readable = True
        self._database = connect(path, _READ_WAIT_SECONDS)
        self._read()

    def lookup(self, code: str) -> Campaign | None:
        """Return the campaign of that code, if there is one."""
        self._refresh()
        return self._campaigns.get(code)

    def target(self, code: str, link: str) -> Target | None:
        """Return where a link of a campaign leads, if both are registered."""
        campaign = self.lookup(code)
        if campaign is None:
            return None
        url = self._urls.get((campaign.name, link))
        if url is None:
            return None
        sent = mark_target(url, campaign.name, campaign.variant, self._policy)
        return Target(campaign, link, sent)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _refresh(self) -> None:
        try:
            # 1.6 µs; tells of a commit by any other connection (SQLite, PRAGMA data_version).
            (version,) = self._database.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                self._read()
        except (sqlite3.Error, RegistryFailed):
            if self._is_readable:
                log.warning("the e-mail registry can't be read; what was read before still holds")
            self._is_readable = False
        else:
            self._is_readable = True

    def _read(self) -> None:
        try:
            (self._version,) = self._database.execute("PRAGMA data_version").fetchone()
            campaigns = self._database.execute(
                "SELECT id, name, variant, site FROM campaigns WHERE id > ? ORDER BY id",
                (self._last_campaign,),
            )
            for row, name, variant, site in campaigns:
                campaign = Campaign(name, variant, SiteId(site))
                self._campaigns[campaign.code] = campaign
                self._last_campaign = row
            links = self._database.execute(
                "SELECT id, name, number, url FROM links WHERE id > ? ORDER BY id",
                (self._last_link,),
            )
            for row, name, number, url in links:
                self._urls[name, str(number)] = url
                self._last_link = row
        except sqlite3.Error:
            self._version = -1
            raise RegistryFailed("the e-mail registry can't be read") from None


def prepare(path: Path) -> None:
    """Make the file with mode 0600 where missing.

    Raises:
        RegistryFailed: it can't be made or is damaged.
    """
    try:
        # Created here, for SQLite would follow the umask and may leave it open to a group.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with contextlib.closing(connect(path)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(_TABLES)
    except (OSError, sqlite3.Error):
        raise RegistryFailed(f"{path}: can't be used as the registry of e-mail") from None


def copy_registry(path: Path, to: Path) -> None:
    """Write what is registered at this moment to the new file `to`.

    Raises:
        RegistryFailed: it can't be read or written.
    """
    try:
        with contextlib.closing(connect(path)) as database:
            database.execute("VACUUM INTO ?", (str(to),))
    except sqlite3.Error:
        raise RegistryFailed(f"{path}: can't be copied") from None


def connect(path: Path, wait_seconds: float = _WAIT_SECONDS) -> sqlite3.Connection:
    """Open the file; each statement is its own transaction unless one is begun.

    Raises:
        sqlite3.Error: it can't be opened.
    """
    database = sqlite3.connect(
        path, timeout=wait_seconds, isolation_level=None, check_same_thread=False
    )
    database.execute("PRAGMA synchronous = FULL")
    return database
