"""Where a visit came from: referrer host, source and channel.

A raw referrer and the campaign parameters come in; a host or a stand-in, a
source name and a channel go out. Path and query of a referrer end here.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

import can_ada

from anonymizer.hits import DIRECT, Campaign
from anonymizer.scrub import scrub

ADDRESS_HOST = "(address)"
"""Stands for a referrer whose host is an IP address: that may be a person's."""

APP_HOST = "(app)"
"""Stands for an Android app that the list of sources doesn't name."""

MAX_REFERRER_CHARACTERS = 4096
_LONGEST_HOST = 253  # RFC 1035 section 2.3.4
_MAX_HOSTS = 4096

_ANDROID = "android-app://"
_GOOGLE_APP = "com.google.android."

# Endings that a listed name such as google.* is taken to stand under; a bare "any ending" would
# hand a known source's name to whoever registers google.example.
_ONE_LABEL_ENDING = re.compile(r"(?:[a-z]{2}|com|net|org|info|cat)\Z")
_TWO_LABEL_ENDING = re.compile(r"(?:com?|net|org)\.[a-z]{2}\Z")

# A label that may be a customer's number, a token or an address: long, with a digit in it.
_TELLING_LABEL = re.compile(r"(?:\A|\.)(?=[a-z-]*\d)[a-z0-9-]{7,}\.")

_PAID_MEDIUMS = frozenset({"cpc", "ppc", "cpm", "cpa", "cpv"})
_EMAIL_MEDIUMS = frozenset({"email", "e-mail", "e_mail", "newsletter"})


class Sources:
    """Known referrer hosts: which source each stands for, and on which channel."""

    def __init__(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Take rows of (channel, source, host).

        A host is a name, a ``.name`` that stands for itself and all below it, or a ``name.*``
        that stands for itself under any country's ending.
        """
        self._exact: dict[str, tuple[str, str]] = {}
        self._below: dict[str, tuple[str, str]] = {}
        self._stems: dict[str, tuple[str, str]] = {}
        for channel, source, host in rows:
            if host.startswith("."):
                self._below[host[1:]] = (source, channel)
            elif host.endswith(".*"):
                self._stems[host[:-2]] = (source, channel)
            else:
                self._exact[host] = (source, channel)
        # Per instance, so that it dies with the list that it was filled from.
        self._find_cached = lru_cache(_MAX_HOSTS)(self._find)

    @classmethod
    def from_tsv(cls, text: str) -> "Sources":
        """Read ``sources.tsv``: channel, source and host, tab-separated; ``#`` starts a comment.

        Raises ValueError naming the line that has not three columns.
        """
        rows: list[tuple[str, str, str]] = []
        for number, line in enumerate(text.splitlines(), 1):
            if not line or line.startswith("#"):
                continue
            columns = line.split("\t")
            if len(columns) != 3:
                raise ValueError(f"sources: line {number} has not three columns")
            rows.append((columns[0], columns[1], columns[2]))
        return cls(rows)

    def source_of(self, host: str) -> tuple[str, str]:
        """Return (source, channel) for a host without ``www.``; an unknown one is its own source.

        One dictionary look-up per label.
        """
        return self._find_cached(host) or (host, "referral")

    def knows(self, host: str) -> bool:
        """Tell whether the list names `host`."""
        return self._find_cached(host) is not None

    def _find(self, host: str) -> tuple[str, str] | None:
        found = self._exact.get(host)
        if found:
            return found
        rest = host
        while rest:
            found = self._below.get(rest)
            if found:
                return found
            rest = rest.partition(".")[2]
        stem, _, ending = host.rpartition(".")
        if stem in self._stems and _ONE_LABEL_ENDING.match(ending):
            return self._stems[stem]
        shorter, _, second = stem.rpartition(".")
        if shorter in self._stems and _TWO_LABEL_ENDING.match(f"{second}.{ending}"):
            return self._stems[shorter]
        return None


class SpamHosts:
    """Hosts that send hits for no other end than to be looked up among the referrers."""

    def __init__(self, hosts: Iterable[str]) -> None:
        """Take names, each of which stands for itself and all below it."""
        self._hosts = frozenset(hosts)

    @classmethod
    def from_text(cls, text: str) -> "SpamHosts":
        """Read ``spam_hosts.txt``: a name a line; ``#`` starts a comment."""
        return cls(line for line in text.splitlines() if line and not line.startswith("#"))

    def is_spam(self, host: str) -> bool:
        """Tell whether `host`, as `read_referrer` gives it, is listed or stands below one that is.

        One look-up per label.
        """
        rest = host
        while rest:
            if rest in self._hosts:
                return True
            rest = rest.partition(".")[2]
        return False

    def __len__(self) -> int:
        return len(self._hosts)


def read_referrer(raw_referrer: str, own_hosts: tuple[str, ...], sources: Sources) -> str:
    """Return the referrer's host without ``www.``, or ``""`` when it tells no other site.

    What stands before a label that looks like an identifier goes with it, down to the last two.
    `own_hosts` are the site's own, without port. A host that is an IP address gives
    `ADDRESS_HOST`, an app that `sources` doesn't name `APP_HOST`.
    """
    if not raw_referrer:
        return ""
    if raw_referrer.startswith(_ANDROID):
        return _read_app(raw_referrer, sources)
    try:
        url = can_ada.parse(raw_referrer[:MAX_REFERRER_CHARACTERS])
    except (ValueError, TypeError):  # TypeError: text with a lone surrogate
        return ""
    if url.protocol not in ("https:", "http:"):
        return ""
    host = drop_www(url.hostname)
    if host in own_hosts or f"www.{host}" in own_hosts:
        return ""
    return _coarsen_host(host)


def drop_www(host: str) -> str:
    """Return `host` without a leading ``www.`` and without a root dot."""
    return host.removeprefix("www.").removesuffix(".")


def traffic_source(
    host: str, campaign: Campaign, sources: Sources, paid_click: bool = False
) -> tuple[str, str]:
    """Return (source, channel) from the referrer's host, the campaign and a click's mark.

    A referrer names the source even beside a campaign; a medium that says paid or e-mail
    overrides its channel. `paid_click` tells that an advertisement's click id was in the URL:
    the channel is paid, wherever the click came from.
    """
    source, channel = _source_of(host, campaign, sources)
    return source, "paid" if paid_click else channel


def _source_of(host: str, campaign: Campaign, sources: Sources) -> tuple[str, str]:
    medium = campaign.medium
    if host:
        source, channel = sources.source_of(host)
        return source, (_channel_of(medium) or channel) if medium else channel
    if campaign.source:
        channel = _channel_of(medium)
        if not channel:
            channel = "social" if medium.lower().startswith("social") else "campaign"
        return campaign.source, channel
    return DIRECT, _channel_of(medium) or "direct"


def _channel_of(medium: str) -> str:
    word = medium.lower()
    if word in _PAID_MEDIUMS or word.startswith("paid"):
        return "paid"
    return "email" if word in _EMAIL_MEDIUMS else ""


def _read_app(raw_referrer: str, sources: Sources) -> str:
    package = raw_referrer[len(_ANDROID) :][:_LONGEST_HOST].partition("/")[0]
    if sources.knows(package):
        return package
    return "google.com" if package.startswith(_GOOGLE_APP) else APP_HOST


def _coarsen_host(host: str) -> str:
    # WHATWG URL section 3.5: a host whose last label is a number is an IPv4 address.
    if host.startswith("[") or host.rpartition(".")[2].isdigit():
        return ADDRESS_HOST
    if len(host) > _LONGEST_HOST:
        return ""
    if not _TELLING_LABEL.search(host):
        return host
    labels = host.split(".")
    kept = labels[-2:]  # a domain that anyone may register is public
    for label in reversed(labels[:-2]):
        if scrub(label, []) != label:
            break
        kept.insert(0, label)
    return ".".join(kept)
