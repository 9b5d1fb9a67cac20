"""docs/policy.md names all that the reader knows, and its examples are read."""

import re
from pathlib import Path

import pytest

from anonymizer.policy import Basis, ConsentMode, Dimension, Grain, VisitorAddress
from anonymizer.policy_file import read_policy
from anonymizer.policy_sections import DEFAULT_CAMPAIGN_PARAMETERS, KEYS
from anonymizer.policy_statistics import RESERVED_NAMES

ROOT = Path(__file__).parents[2]
DEFAULT = (ROOT / "anonymizer" / "default_policy.toml").read_text("utf-8")
PAGE = (ROOT / "docs" / "policy.md").read_text("utf-8")
MINIMAL, *FRAGMENTS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def section(table: str) -> str:
    found = re.search(rf"^## \[+{table}\]+\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize(
    ("table", "key"), [(table, key) for table, keys in KEYS.items() for key in keys]
)
def test_every_key_has_a_row_with_meaning_default_and_example(table: str, key: str) -> None:
    rows = re.findall(rf"^\| `{key}` \|(.*)\|$", section(table), re.MULTILINE)

    assert [all(map(str.strip, row.split(" | "))) for row in rows] == [True]
    assert [len(row.split(" | ")) for row in rows] == [3]


@pytest.mark.parametrize("table", KEYS)
def test_every_row_is_a_key_that_is_read(table: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\|.*\|.*\|$", section(table), re.MULTILINE)

    assert set(rows) == set(KEYS[table])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("site", [f'"{word}"' for word in ConsentMode]),
        ("purpose", [f'"{word}"' for word in Basis]),
        ("statistic", [f'"{word}"' for word in Grain]),
        ("statistic", list(Dimension)),
        ("statistic", list(RESERVED_NAMES)),
        ("network", [f'"{word}"' for word in VisitorAddress]),
    ],
    ids=["consent", "basis", "grain", "dimensions", "reserved", "visitor_address"],
)
def test_every_word_of_a_closed_list_is_named(table: str, words: list[str]) -> None:
    assert [word for word in words if f"`{word}`" not in section(table)] == []


def test_first_example_is_a_whole_policy() -> None:
    assert read_policy(MINIMAL, DEFAULT).sites


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_every_other_example_fits_beneath_it(fragment: str) -> None:
    assert read_policy(MINIMAL + fragment, DEFAULT).sites


def test_default_parameters_shown_are_those_in_force() -> None:
    lines = [f'{dimension} = "{name}"' for dimension, name in DEFAULT_CAMPAIGN_PARAMETERS.items()]

    assert "\n".join(lines) in section("paths")
