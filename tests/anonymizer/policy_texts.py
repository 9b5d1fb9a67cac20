"""Small policies, table by table, and the faults of faulty ones."""

import pytest

from anonymizer.policy_file import Fault, PolicyFaults, read_policy

HEAD = """\
[policy]
id = "whole"
version = "1"
controller = "Example Ltd"
contact = "privacy@example.org"
"""
SITE = '[[site]]\ndomain = "example.org"\ntimezone = "UTC"\n'
PURPOSE = '[[purpose]]\nid = "shop"\ntitle = "t"\nclause = "c"\nbasis = "exempt"\n'
COVERAGE = '[[statistic]]\nname = "coverage"\npurpose = "shop"\nby = ["door", "reason"]\n'
ALONE = HEAD + SITE + PURPOSE + COVERAGE
"""A policy that inherits nothing; its last table is the statistic."""
OWN = ALONE + '[[statistic]]\nname = "own"\npurpose = "shop"\n'
MINIMAL = """\
[policy]
id = "example"
version = "1"
controller = "Example Ltd"
contact = "privacy@example.org"
extends = "default"

[[site]]
domain = "example.org"
timezone = "Europe/Berlin"
"""
"""A policy that inherits all."""


def faults_of(text: str, default: str = "") -> tuple[Fault, ...]:
    """Return the faults of a policy, which must have some."""
    with pytest.raises(PolicyFaults) as raised:
        read_policy(text, default)
    assert str(raised.value) == "\n".join(map(str, raised.value.faults))
    return raised.value.faults


def lines_of(text: str, default: str = "") -> list[str]:
    """Return its faults as an operator reads them."""
    return [str(fault) for fault in faults_of(text, default)]
