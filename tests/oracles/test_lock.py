"""IAB's libraries are pinned by hash, name no place they came from, and are the ones installed."""

import json
import re
from pathlib import Path

HERE = Path(__file__).parent
LOCK = (HERE / "package-lock.json").read_text()


def test_lock_names_no_address() -> None:
    assert re.findall(r".*(?:://|\bresolved\b|[a-z]\.(?:org|com|net|io)\b).*", LOCK) == []


def test_lock_pins_every_package_by_hash() -> None:
    packages = json.loads(LOCK)["packages"]
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    pinned = {name.removeprefix("node_modules/"): about for name, about in packages.items() if name}

    assert {name: about["version"] for name, about in pinned.items()} == wanted
    assert all(about["integrity"].startswith("sha512-") for about in pinned.values())


def test_installed_libraries_are_those_of_the_lock() -> None:
    installed = {
        name: json.loads((HERE / "node_modules" / name / "package.json").read_text())["version"]
        for name in ("@iabgpp/cmpapi", "@iabtcf/core")
    }

    assert installed == json.loads((HERE / "package.json").read_text())["dependencies"]
