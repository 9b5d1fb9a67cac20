"""Register campaigns and links: what `discreet email` and its API write.

Any process may, the server's included; each call opens the file, and is done once SQLite has
committed. Nothing is ever changed or removed, since messages that were sent stay as they are.
"""

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from anonymizer.campaigns import read_query
from anonymizer.hits import SiteId
from anonymizer.policy import Dimension, Policy
from collector.email.registry import Campaign, RegistryFailed, connect, prepare

MAX_LINKS = 1_000
"""Of one campaign. A message has some dozens; addresses of single recipients would have more."""

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_WORD_WANTED = (
    "must be 1 to 40 letters, digits, hyphens and underscores, the first a letter or digit"
)


class BadCampaign(ValueError):
    """A campaign or link that can't be registered; the text names the field."""

    def __init__(self, field: str, wanted: str) -> None:
        super().__init__(f"{field}: {wanted}")
        self.field = field
        self.wanted = wanted


class KnownAlready(BadCampaign):
    """A campaign of that name and variant is registered."""


class UnknownCampaign(BadCampaign):
    """No campaign of that name and variant is registered."""


class Listed(Struct, frozen=True):
    """A campaign with its links, as it is listed."""

    campaign: Campaign
    added: int
    """Unix seconds."""
    links: Mapping[str, str]
    """URLs by number, without the campaign's own parameters."""


class Campaigns:
    """What is registered in the file at `path`, which is made where missing."""

    def __init__(self, path: Path, policy: Policy) -> None:
        """Open the file.

        Raises:
            RegistryFailed: it can't be used.
        """
        prepare(path)
        self._path = path
        self._policy = policy

    def add(self, name: str, variant: str, site: str, now: int) -> Campaign:
        """Register a campaign, or one variant of it.

        Raises:
            KnownAlready: there is one of that name and variant.
            BadCampaign: a word or the site can't be.
            RegistryFailed: the file can't be written.
        """
        _check_word("name", name)
        if variant:
            _check_word("variant", variant)
        domain = SiteId(site.lower())
        if domain not in self._policy.sites:
            raise BadCampaign("site", "is no site of the policy")
        with self._writing() as database:
            for known_name, known_variant, known_site in database.execute(
                "SELECT name, variant, site FROM campaigns WHERE name = ?", (name,)
            ):
                if known_name != name:
                    raise KnownAlready("name", "is that of a campaign, in other letters")
                if known_variant.lower() == variant.lower():
                    raise KnownAlready("name", "is that of a campaign already, of this variant")
                if known_site != domain:
                    raise BadCampaign("site", "must be that of the campaign's other variants")
            database.execute(
                "INSERT INTO campaigns (name, variant, site, added) VALUES (?, ?, ?, ?)",
                (name, variant, domain, now),
            )
        return Campaign(name, variant, domain)

    def find(self, name: str, variant: str) -> Campaign:
        """Return a campaign.

        Raises:
            UnknownCampaign: there is none of that name and variant.
            RegistryFailed: the file can't be read.
        """
        row = None
        if _WORD.fullmatch(name) and (not variant or _WORD.fullmatch(variant)):
            with self._open() as database:
                row = database.execute(
                    "SELECT name, variant, site FROM campaigns"
                    " WHERE name = ? COLLATE BINARY AND variant = ? COLLATE BINARY",
                    (name, variant),
                ).fetchone()
        if row is None:
            raise UnknownCampaign("campaign", "is not registered, or not in this variant")
        return Campaign(row[0], row[1], SiteId(row[2]))

    def number(
        self, campaign: Campaign, urls: Iterable[str], *, register: bool = True
    ) -> Mapping[str, str]:
        """Return the numbers of links by URL, as `read_target` writes URLs.

        Those not registered yet are, all or none; with `register` false they are left out. The
        links are the campaign's, whatever the variant, so that a number means one page in all.

        Raises:
            BadCampaign: the campaign would have more than `MAX_LINKS`.
            RegistryFailed: the file can't be written.
        """
        wanted = dict.fromkeys(urls)
        with self._open() as database:
            known = _numbers(database, campaign)
        if register and not wanted.keys() <= known.keys():
            with self._writing() as database:
                known = _numbers(database, campaign)  # with what was registered meanwhile
                new = [url for url in wanted if url not in known]
                if len(known) + len(new) > MAX_LINKS:
                    raise BadCampaign("url", f"would be more than {MAX_LINKS} of one campaign")
                last = max(map(int, known.values()), default=0)
                for number, url in enumerate(new, last + 1):
                    known[url] = str(number)
                    database.execute(
                        "INSERT INTO links (name, number, url) VALUES (?, ?, ?)",
                        (campaign.name, number, url),
                    )
        return {url: known[url] for url in wanted if url in known}

    def all(self) -> Sequence[Listed]:
        """Return every campaign in the order in which they were added.

        Raises:
            RegistryFailed: the file can't be read.
        """
        with self._open() as database:
            rows = database.execute(
                "SELECT name, variant, site, added FROM campaigns ORDER BY id"
            ).fetchall()
            links: dict[str, dict[str, str]] = {}
            for name, number, url in database.execute(
                "SELECT name, number, url FROM links ORDER BY name, number"
            ):
                links.setdefault(name, {})[str(number)] = url
        return [
            Listed(Campaign(name, variant, SiteId(site)), added, links.get(name, {}))
            for name, variant, site, added in rows
        ]

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # A connection a call, because calls come from several threads.
        try:
            with contextlib.closing(connect(self._path)) as database:
                yield database
        except sqlite3.Error:
            raise RegistryFailed(f"{self._path}: can't be read or written") from None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            yield database  # closing without a commit takes everything back
            database.execute("COMMIT")


def _numbers(database: sqlite3.Connection, campaign: Campaign) -> dict[str, str]:
    rows = database.execute("SELECT url, number FROM links WHERE name = ?", (campaign.name,))
    return {url: str(number) for url, number in rows}


def _check_word(field: str, word: str) -> None:
    if not _WORD.fullmatch(word):
        raise BadCampaign(field, _WORD_WANTED)
    # It is counted as a visit's campaign too, where what looks like an identifier is masked.
    read, _ = read_query(f"c={word}", {Dimension.CAMPAIGN: "c"})
    if read.name != word:
        raise BadCampaign(field, "must hold nothing that looks like a number of a person")
