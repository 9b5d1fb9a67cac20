"""What docs/tag-modules.md says of the modules, held against their sources and the policy."""

import gzip
import re
import tomllib
from pathlib import Path

import pytest

from anonymizer.policy_tag import TAG_MODULES
from collector.reference import default_policy
from collector.tag_scripts import read_modules

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "tag-modules.md").read_text()
SOURCES = ROOT / "collector" / "tag" / "modules"
EVENTS = {
    event["name"]: {one["name"] for one in event.get("property", ())}
    for event in tomllib.loads(default_policy())["event"]
}
_ROW = re.compile(r"^\| \[(\w+)\]\(#\1\) \| (\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
ROWS = {
    name: (int(size), re.findall(r"`(.+?)`", events), properties)
    for name, size, events, properties in _ROW.findall(DOCS)
}
_ATTRIBUTE = re.compile(r"\bdata-[a-z-]+|\.discreet([A-Z][a-z]+)|\bdiscreet([A-Z][a-z]+):")


def size_of(*names: str) -> int:
    script = read_modules(names)
    assert script
    return len(gzip.compress(script, 9, mtime=0))


def test_every_module_is_documented() -> None:
    assert ROWS.keys() == set(TAG_MODULES)
    assert {path.stem for path in SOURCES.iterdir()} == set(TAG_MODULES)
    assert [f"## {name}\n" in DOCS for name in ROWS] == [True] * len(ROWS)


@pytest.mark.parametrize("name", TAG_MODULES)
def test_bytes_of_a_module_are_as_documented(name: str) -> None:
    # zlib's own versions differ by a few bytes.
    assert abs(ROWS[name][0] - size_of(name)) <= 5


def test_bytes_of_all_modules_are_as_documented() -> None:
    told = re.search(r"Together they are (\d+)", DOCS)
    assert told
    assert abs(int(told[1]) - size_of(*TAG_MODULES)) <= 15


@pytest.mark.parametrize("name", TAG_MODULES)
def test_module_sends_the_documented_events_of_the_policy(name: str) -> None:
    source = (SOURCES / f"{name}.js").read_text()
    sent = set(re.findall(r'discreet\("(.+?)"', source))
    _, events, properties = ROWS[name]

    assert set(events) == sent
    for event, told in zip(events, properties.split(";"), strict=True):
        assert set(re.findall(r"`(.+?)`", told)) == EVENTS[event]


@pytest.mark.parametrize("name", TAG_MODULES)
def test_every_attribute_of_a_module_is_documented(name: str) -> None:
    source = (SOURCES / f"{name}.js").read_text()
    section = DOCS.split(f"\n## {name}\n")[1].split("\n## ")[0]
    read = {
        found[0]
        if found[0].startswith("data-")
        else f"data-discreet-{(found[1] or found[2]).lower()}"
        for found in _ATTRIBUTE.finditer(source)
    }

    assert [attribute for attribute in sorted(read) if attribute not in section] == []


@pytest.mark.parametrize("name", TAG_MODULES)
def test_module_touches_neither_storage_nor_values(name: str) -> None:
    source = (SOURCES / f"{name}.js").read_text()

    assert not re.search(
        r"cookie|[sS]torage|indexedDB|caches|\.value\b|\bfetch\(|sendBeacon", source
    )
