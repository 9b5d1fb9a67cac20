"""Where the store is that a command works on: of a region, by `--store`, remembered, or inside."""

import argparse
from collections.abc import Mapping

from anonymizer.policy import Policy
from anonymizer.policy_faults import PolicyFaults
from collector.commands import CommandFailed, read_policy_file
from collector.data_dir import DataDir
from collector.regions import region_address, remember_regions
from collector.store_address import BadAddress, StoreAddress, StorePlace, find_store


def store_of(options: argparse.Namespace, data: DataDir) -> StorePlace:
    """Return where the store of a command's data directory is.

    Raises:
        CommandFailed: `--store`, `--region` or the password can't be read.
    """
    region = getattr(options, "region", None)
    try:
        if region is not None:
            policy = policy_of(data)
            if region not in policy.regions:
                raise CommandFailed("--region: the policy has no such region")
            return region_address(policy.regions[region], options.region_password_file)
        return find_store(data, options.store, options.store_password_file)
    except BadAddress as error:
        raise CommandFailed(str(error)) from None


def region_stores(
    policy: Policy, options: argparse.Namespace, data: DataDir
) -> Mapping[str, StoreAddress]:
    """Return where the stores of all regions are, and note it in the directory.

    Raises:
        BadAddress: an address, option or password can't be read, or hits wait for another store.
        SpoolFailed: a region's spool can't be read.
    """
    addresses = {
        name: region_address(region, options.region_password_file)
        for name, region in policy.regions.items()
    }
    remember_regions(data, addresses)
    return addresses


def policy_of(data: DataDir) -> Policy:
    """Return the policy last served on a data directory.

    Raises:
        CommandFailed: there is none, or it can't be read.
    """
    try:
        return read_policy_file(data.policy)[0]
    except PolicyFaults:
        raise CommandFailed(f"{data.policy}: has faults; serve a policy first") from None
