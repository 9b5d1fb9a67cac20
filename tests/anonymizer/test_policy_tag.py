"""The rules of `[tag]`: each fault by its line and key."""

import pytest

from anonymizer.policy_file import PolicyFaults, read_policy
from collector.reference import default_policy

HEAD = """\
[policy]
id = "test"
version = "1"
controller = "Example"
contact = "privacy@example.org"
extends = "default"

[[site]]
domain = "example.org"
timezone = "Europe/Berlin"

[tag]
"""


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
    with pytest.raises(PolicyFaults) as faults:
        read_policy(HEAD + line, default_policy())

    (fault,) = map(str, faults.value.faults)
    assert fault.startswith(f"line 13: tag.{key}: ")
    assert says in fault
    assert "hush" not in fault
