"""The example policies of docs/examples are read, and each purpose cites its own document."""

from pathlib import Path

import pytest

from anonymizer.policy import Basis, Policy
from anonymizer.policy_file import read_policy

ROOT = Path(__file__).parents[2]
DEFAULT = (ROOT / "anonymizer" / "default_policy.toml").read_text("utf-8")
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.toml"))


def policy_of(example: Path) -> Policy:
    return read_policy(example.read_text("utf-8"), DEFAULT)


def test_both_published_policies_have_an_example() -> None:
    assert [example.stem for example in EXAMPLES] == ["ferronex", "imoa"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_example_is_read_and_serves_every_purpose(example: Path) -> None:
    policy = policy_of(example)

    assert policy.id == example.stem
    assert {each.id for each in policy.purposes} == {each.purpose for each in policy.statistics}
    assert policy.languages == ("en", "zh")
    assert all("zh" in purpose.titles for purpose in policy.purposes)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_clause_is_one_of_its_own_document(example: Path) -> None:
    # The default's clauses name both documents; an example states each anew.
    assert not any(
        name in purpose.clause
        for purpose in policy_of(example).purposes
        for name in ("imoa", "ferronex")
    )


def test_what_can_be_withdrawn_asks_first() -> None:
    ferronex = policy_of(EXAMPLES[0])

    assert [each.id for each in ferronex.purposes if each.basis is Basis.CONSENT] == ["campaigns"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_example_hides_single_visitors_but_in_totals(example: Path) -> None:
    told_apart = [
        each
        for each in policy_of(example).statistics
        # What was delivered is told by the operator, of no visitor.
        if each.by and each.purpose != "accountability" and each.name != "email_delivered"
    ]

    assert min(each.min_group for each in told_apart) == 3
