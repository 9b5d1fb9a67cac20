"""The shipped default as a table: a change of it shows as a difference here.

``UPDATE_GOLDEN=1 pytest tests/anonymizer/test_default_policy.py`` writes the table anew.
"""

import os
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import pytest

from anonymizer.policy import Basis, Policy, Property
from anonymizer.policy_file import read_policy
from anonymizer.policy_sections import DEFAULT_CAMPAIGN_PARAMETERS
from tests.anonymizer.policy_texts import MINIMAL

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "testdata" / "default_policy.txt"


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
    statistics = [("statistic", "purpose", "grain", "min_group", "keep_days", "by", "of")]
    statistics += [
        (
            *(s.name, s.purpose, s.grain, str(s.min_group), str(s.keep_days)),
            " × ".join(s.by) or "-",
            ": ".join(filter(None, (s.event, s.property))),
        )
        for s in policy.statistics
    ]
    events = [("event", "interactive", "property", "read as")]
    for event in policy.events.values():
        events.append((event.name, "yes" if event.interactive else "no", "", ""))
        events += [("", "", of.name, read_as(of)) for of in event.properties]
    parameters = [("dimension", "query parameter"), *policy.campaign_parameters.items()]
    tables: tuple[Sequence[tuple[str, ...]], ...] = (purposes, events, statistics, parameters)
    return "\n".join(map(aligned, tables))


def read_as(of: Property) -> str:
    words = " ".join(map(str, of.values or of.steps or of.reached or of.grid))
    kinds = {"steps": of.steps, "reached": of.reached, "grid": of.grid, "values": of.values}
    if of.text:
        return f"text, {of.max_values} a day"
    return f"{next(kind for kind, found in kinds.items() if found)} {words}"


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


def test_default_statistics_of_one_event_find_its_property(policy: Policy) -> None:
    for each in policy.statistics:
        if each.event:
            properties = {of.name for of in policy.events[each.event].properties}
            assert {each.property} - {""} <= properties


# https://web.dev/articles/defining-core-web-vitals-thresholds, and those of the library itself.
@pytest.mark.parametrize(
    ("vital", "good", "poor"),
    [
        ("lcp", 2_500, 4_000),
        ("inp", 200, 500),
        ("cls", 100, 250),
        ("fcp", 1_800, 3_000),
        ("ttfb", 800, 1_800),
    ],
)
def test_vitals_have_bounds_between_good_middling_and_poor(
    policy: Policy, vital: str, good: int, poor: int
) -> None:
    (of,) = [of for of in policy.events["Web Vitals"].properties if of.name == vital]

    assert {good, poor} <= set(of.steps)


def test_default_purposes_are_all_served(policy: Policy) -> None:
    assert {p.id for p in policy.purposes} == {s.purpose for s in policy.statistics}
