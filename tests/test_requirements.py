"""The locks are whole, name no place they came from, and stand in docs/licences.md."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = ["run", "test"]
LEFT_OUT = {
    "run": {"chdb → pandas", "chdb → pyarrow", "chdb-core → pandas", "chdb-core → pyarrow"},
    "test": {"chdb → pyarrow", "chdb-core → pyarrow"},
}


def read_lock(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.txt").read_text()


def pins(lock: str) -> list[Requirement]:
    """Return the packages of a lock that this Python and machine would install."""
    lines = re.findall(r"^(\S+==[^\\\n]+)", read_lock(lock), re.MULTILINE)
    return [pin for pin in map(Requirement, lines) if pin.marker is None or pin.marker.evaluate()]


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_every_package_its_packages_ask_for_but_those_left_out(lock: str) -> None:
    locked = {canonicalize_name(pin.name): pin for pin in pins(lock)}
    extras = {"ua-parser": "regex"}  # named so in pyproject.toml

    missing = {
        f"{name} → {canonicalize_name(wanted.name)}"
        for name in locked
        for wanted in map(Requirement, metadata.requires(name) or [])
        if wanted.marker is None or wanted.marker.evaluate({"extra": extras.get(name, "")})
        if canonicalize_name(wanted.name) not in locked
    }

    assert missing == LEFT_OUT[lock]


@pytest.mark.parametrize("lock", LOCKS)
def test_installed_versions_are_those_of_the_lock(lock: str) -> None:
    installed = {pin: metadata.version(pin.name) for pin in pins(lock)}

    assert {
        str(pin): version
        for pin, version in installed.items()
        if not pin.specifier.contains(version)
    } == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_address_and_no_folder(lock: str) -> None:
    assert re.findall(r".*(?:://|--(?!hash=)|@ ).*", read_lock(lock)) == []


def test_test_lock_holds_the_run_lock() -> None:
    run, test = ({(pin.name, str(pin.specifier)) for pin in pins(lock)} for lock in LOCKS)

    assert run <= test


def test_licences_page_lists_every_locked_package_in_its_version() -> None:
    page = (ROOT / "docs" / "licences.md").read_text()
    row = r"^\| (\S+) \| (\d\S*) \| [^|]+ \| (?:run|test) \|$"
    listed = re.findall(row, page, re.MULTILINE)
    locked = re.findall(r"^([a-z0-9-]+)==([^ ;]+)", read_lock("test"), re.MULTILINE)

    assert listed == sorted(locked)
