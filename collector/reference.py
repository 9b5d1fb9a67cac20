"""Load the reference data that de-identification works with; the only place that reads it."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import maxminddb

from anonymizer.agents import Agents
from anonymizer.countries import read_zones
from anonymizer.deidentify import Tables
from anonymizer.machines import Machines
from anonymizer.referrer_spam import SpamReferrers
from anonymizer.referrers import Sources, SpamHosts


class BadReference(Exception):
    """A reference file that the operator named can't be used."""


def default_policy() -> str:
    """Return the text of the shipped default policy."""
    return (files("anonymizer") / "default_policy.toml").read_text("utf-8")


def load_agents(cache_size: int = 4096) -> Agents:
    """Load the list of machines; return a memory of `cache_size` agents that reads by it."""
    return Agents(Machines.from_tsv(_data("machines.tsv")), cache_size)


def load_spam_hosts() -> SpamHosts:
    """Load the hosts that name themselves as referrers to be looked up."""
    return SpamHosts.from_text(_data("spam_hosts.txt"))


def load_tables(country_database: Path | None = None) -> Tables:
    """Load source lists, time zones, and the country database where one is given.

    Raises:
        BadReference: the country database can't be read.
    """
    zones = files("tzdata") / "zoneinfo"
    sources = Sources.from_tsv(_data("sources.tsv"))
    return Tables(
        sources=sources,
        zones=read_zones(
            (zones / "zone.tab").read_text("utf-8"), (zones / "tzdata.zi").read_text("utf-8")
        ),
        country_of_network=_country_lookup(country_database) if country_database else None,
        spam=SpamReferrers(load_spam_hosts(), sources),
    )


def _data(name: str) -> str:
    return (files("anonymizer") / "data" / name).read_text("utf-8")


def _country_lookup(path: Path) -> Callable[[str], str | None]:
    try:
        database = maxminddb.open_database(path)
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise BadReference(f"{path} is no readable country database (mmdb)") from error

    def country_of(network: str) -> str | None:
        # The network's own first address: the lookup never sees more than was kept.
        try:
            found = database.get(network.partition("/")[0])
        except ValueError:  # an IPv6 network in a database of IPv4 alone, or no network at all
            return None
        if not isinstance(found, dict):
            return None
        country = found.get("country")
        code = country.get("iso_code") if isinstance(country, dict) else found.get("country_code")
        return code if isinstance(code, str) else None

    return country_of
