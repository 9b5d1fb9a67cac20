"""The rules of ``[residency]``: where counters lie, and which sites or countries lie elsewhere."""

import re
from collections.abc import Collection, Iterable

from msgspec import Struct

from anonymizer.hits import SiteId
from anonymizer.policy import Region
from anonymizer.policy_sections import KEYS
from anonymizer.policy_tables import Table

# `collector.store_address` reads it; the password stands elsewhere.
_STORE = re.compile(
    r"clickhouse://([A-Za-z0-9._%~-]+@)?([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])"
    r"(:[1-9][0-9]{0,4})?(/[A-Za-z_][A-Za-z0-9_]{0,63})?(\?secure=[01])?"
)
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_COUNTRY = re.compile(r"[A-Z]{2}")  # ISO 3166-1 alpha-2


class Residency(Struct, frozen=True):
    """The ``[residency]`` table."""

    stored_in: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    regions: dict[str, Region] = {}


def read_residency(table: Table, sites: Collection[SiteId]) -> Residency:
    """Read ``[residency]`` of a policy for `sites`."""
    table.refuse_unknown(KEYS["residency"])
    return Residency(
        table.read_texts("stored_in"), table.read_texts("recipients"), _read_regions(table, sites)
    )


def _read_regions(table: Table, sites: Collection[SiteId]) -> dict[str, Region]:
    tables = table.read_table("regions")
    if tables is None:
        return {}
    regions: dict[str, Region] = {}
    for name in tables.given:
        if not _NAME.fullmatch(name):
            tables.refuse(name, "must be named by at most 40 of a-z, 0-9 and -, a-z first")
        of_region = tables.read_table(name)
        if of_region is not None:
            regions[name] = _read_region(name, of_region, sites, regions.values())
    return regions


def _read_region(
    name: str, table: Table, sites: Collection[SiteId], before: Iterable[Region]
) -> Region:
    table.refuse_unknown(KEYS["residency.regions"])
    region = Region(
        name=name,
        store=table.read_text("store", _STORE, "clickhouse://USER@HOST:PORT/DATABASE, no password"),
        stored_in=table.read_texts("stored_in"),
        sites=tuple(SiteId(site.lower()) for site in table.read_texts("sites")),
        countries=table.read_texts("countries", _COUNTRY, 'two capital letters such as "CN"'),
    )
    if "stored_in" not in table or not table.values["stored_in"]:
        table.refuse("stored_in", "is missing: visitors are told where their counters lie")
    if "sites" not in table and "countries" not in table:
        table.refuse("sites", "is missing, and so is countries: nothing would be stored there")
    if not set(region.sites) <= set(sites):
        table.refuse("sites", "must be domains of [[site]] tables of this policy")
    for other in before:
        if set(region.sites) & set(other.sites):
            table.refuse("sites", "must be in one region alone")
        if set(region.countries) & set(other.countries):
            table.refuse("countries", "must be in one region alone")
        if region.store and region.store == other.store:
            table.refuse("store", "must not be another region's: they are kept apart")
    return region
