"""The rules of `[tag]`: each fault by its line and key."""

import pytest

from anonymizer.policy_file import read_policy
from collector.reference import default_policy
from tests.anonymizer.policy_texts import MINIMAL, lines_of

HEAD = MINIMAL + "\n[tag]\n"


@pytest.mark.parametrize(
    ("line", "modules"),
    [
        ('modules = ["vitals", "links"]', ("vitals", "links")),
        ("modules = []", ()),
        ("", ()),
    ],
    ids=["some", "none", "untold"],
)
def test_modules_are_read_in_their_order(line: str, modules: tuple[str, ...]) -> None:
    assert read_policy(HEAD + line, default_policy()).tag_modules == modules


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ('modules = ["links", "hush"]', "modules", "must be of clicks, downloads"),
        ('modules = ["links", "links"]', "modules", "each module once"),
        ('modules = "links"', "modules", "a list"),
        ("modules = [1]", "modules", "a list"),
        ('modules = ["Links"]', "modules", "must be of"),
        ("module = []", "module", "not a known key"),
    ],
    ids=["unknown", "twice", "text", "number", "capital", "key"],
)
def test_fault_is_told_by_key_and_line(line: str, key: str, says: str) -> None:
    (fault,) = lines_of(HEAD + line, default_policy())
    assert fault.startswith(f"line 13: tag.{key}: ")
    assert says in fault
    assert "hush" not in fault
