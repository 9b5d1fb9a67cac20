"""Which region of `[residency]` a hit belongs to, and what of it lies where.

Takes a site and, once the hit is de-identified, its country; gives a region's name. Stores,
spools, visit memories and threads of regions are apart (docs/decisions/0022).
"""

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from anonymizer.hits import SiteId
from anonymizer.policy import Policy, Region
from collector.data_dir import DataDir
from collector.spool import Spool
from collector.store_address import BadAddress, StoreAddress, read_address, read_password

HOME = ""
"""The name of what no region claims."""

PASSWORD_VARIABLE = "DISCREET_REGION_PASSWORD_{}"  # noqa: S105  # a variable's name

_SPOOL = re.compile(r"spool-(?P<region>[a-z][a-z0-9-]*)\.sqlite")


class Regions:
    """The rules by which hits go to regions."""

    def __init__(self, policy: Policy) -> None:
        regions = policy.regions.values()
        self._by_site = {site: region.name for region in regions for site in region.sites}
        self._by_country = {
            country: region.name for region in regions for country in region.countries
        }
        self.names = (HOME, *policy.regions)

    def of_site(self, site: SiteId) -> str:
        """Return the region of a site, and of its hits of which no country is known."""
        return self._by_site.get(site, HOME)

    def of_hit(self, site: SiteId, country: str) -> str:
        """Return the region of a hit; that of its site goes before that of its country."""
        return self._by_site.get(site) or self._by_country.get(country, HOME)


def spool_of(data: DataDir, region: str) -> Path:
    """Return the file in which rows of a region wait for its store."""
    return data.path / f"spool-{region}.sqlite" if region else data.spool


def retention_notes(data: DataDir, region: str) -> Path:
    """Return the file that tells when retention last ran in a region."""
    return data.path / f"retention-{region}.json" if region else data.retention


def remember_regions(data: DataDir, addresses: Mapping[str, StoreAddress]) -> None:
    """Note where each region's store is; refuse to leave a store for which hits wait.

    Raises:
        BadAddress: a region went, or its store changed, while its hits wait here.
        SpoolFailed: a region's spool can't be read.
    """
    left = [name for name in _regions_here(data) if name not in addresses]
    for name in left:
        if not _is_empty(data, name):
            raise BadAddress(f"region {name}: hits wait for it; start once more with it first")
    for name, address in addresses.items():
        note = data.path / f"store-{name}.address"
        before = note.read_text("utf-8").strip() if note.exists() else str(address)
        if before != str(address) and not _is_empty(data, name):
            raise BadAddress(
                f"region {name}: hits wait for the store used before; start with that one first"
            )
        note.write_text(f"{address}\n", "utf-8")


def _regions_here(data: DataDir) -> list[str]:
    found = (_SPOOL.fullmatch(path.name) for path in sorted(data.path.glob("spool-*.sqlite")))
    return [name["region"] for name in found if name]


def _is_empty(data: DataDir, region: str) -> bool:
    if not spool_of(data, region).exists():
        return True
    with contextlib.closing(Spool(spool_of(data, region))) as spool:
        # By what was decided here another region's spool knows that what it holds counts.
        return spool.is_empty() and not spool.held() and not spool.decided()


def region_address(
    region: Region, files: Sequence[str], environment: Mapping[str, str] = os.environ
) -> StoreAddress:
    """Return a region's store with the password for it.

    `files` are what `--region-password-file` was given: ``NAME=FILE`` each. Without one of the
    region's name its environment variable tells the password.

    Raises:
        BadAddress: the address, an option or a file can't be read.
    """
    given = dict(_read_option(each) for each in files)
    if region.name in given:
        password = read_password(given[region.name])
    else:
        variable = PASSWORD_VARIABLE.format(region.name.upper().replace("-", "_"))
        password = environment.get(variable, "")
    return read_address(region.store, password)


def _read_option(text: str) -> tuple[str, Path]:
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise BadAddress("--region-password-file: must be NAME=FILE")
    return name, Path(file)
