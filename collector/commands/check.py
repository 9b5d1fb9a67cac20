"""`discreet policy check`: read a policy file and report every fault."""

import argparse

from collector.commands import read_policy_file


def run(options: argparse.Namespace) -> None:
    """Say what a faultless policy declares.

    Raises:
        CommandFailed: there is no readable file.
        PolicyFaults: the policy has faults.
    """
    policy, _ = read_policy_file(options.policy)
    print(
        f"{policy.id} {policy.version}: {len(policy.sites)} sites,"
        f" {len(policy.purposes)} purposes, {len(policy.statistics)} statistics; no faults"
    )
