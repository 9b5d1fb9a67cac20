"""The shipped default as a table: a change of it shows as a difference here.

``UPDATE_GOLDEN=1 pytest tests/anonymizer/test_default_policy.py`` writes the table anew.
"""

import os
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import pytest

from anonymizer.policy import Basis, Policy
from anonymizer.policy_file import read_policy
from anonymizer.policy_sections import DEFAULT_CAMPAIGN_PARAMETERS

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "testdata" / "default_policy.txt"
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


@pytest.fixture(name="policy")
def default_policy() -> Policy:
    return read_policy(MINIMAL, (ROOT / "anonymizer" / "default_policy.toml").read_text("utf-8"))


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(line.rstrip() + "\n" for line in lines)


def as_table(policy: Policy) -> str:
    purposes = [("purpose", "basis", "keep_days", "title", "clause")]
    purposes += [(p.id, p.basis, str(p.keep_days), p.title, p.clause) for p in policy.purposes]
    statistics = [("statistic", "purpose", "grain", "min_group", "keep_days", "by")]
    statistics += [
        (s.name, s.purpose, s.grain, str(s.min_group), str(s.keep_days), " × ".join(s.by) or "-")
        for s in policy.statistics
    ]
    parameters = [("dimension", "query parameter"), *policy.campaign_parameters.items()]
    return "\n".join([aligned(purposes), aligned(statistics), aligned(parameters)])


def test_default_policy_is_the_table_agreed_on(policy: Policy) -> None:
    table = as_table(policy)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(table, "utf-8")

    assert table == GOLDEN.read_text("utf-8")


def test_default_policy_reads_the_parameters_that_hold_without_it(policy: Policy) -> None:
    assert policy.campaign_parameters == DEFAULT_CAMPAIGN_PARAMETERS


def test_default_purposes_need_no_consent_and_cite_both_policies(policy: Policy) -> None:
    assert {p.basis for p in policy.purposes} == {Basis.EXEMPT}
    assert all("imoa" in p.clause and "ferronex" in p.clause for p in policy.purposes)


def test_default_purposes_are_all_served(policy: Policy) -> None:
    assert {p.id for p in policy.purposes} == {s.purpose for s in policy.statistics}
