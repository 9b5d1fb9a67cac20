"""How the tests run in a mutation run; a plugin of pytest's that ``[tool.mutmut]`` loads.

A failing property is not made smaller, the quick tests come first, and what runs while a module
is imported or a module's fixture is set up counts as run by all tests that rest on it. Left to
itself mutmut tries a fault there on the one test that happened to run next.
"""

import json
import os
from collections import defaultdict
from collections.abc import Generator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

PACKAGE = Path("anonymizer")

_seconds: dict[str, float] = {}
_hits_of_fixture: defaultdict[str, set[str]] = defaultdict(set)
_hits_of_module: defaultdict[str, set[str]] = defaultdict(set)
_hits_of_import: set[str] = set()


def pytest_configure() -> None:
    """Read how long each test took, and import what is tested."""
    if os.environ.get("MUTANT_UNDER_TEST") == "stats":
        for name in _modules():
            import_module(name)
        _hits_of_import.update(_take_hits())
        return
    figures = Path("mutmut-stats.json")
    if figures.exists():
        _seconds.update(json.loads(figures.read_text("utf-8"))["duration_by_test"])


def pytest_collectstart() -> None:
    """Take the place of the profile that tests/conftest.py loads."""
    usual = settings.get_profile("discreet")
    phases = [phase for phase in usual.phases if phase in {Phase.explicit, Phase.generate}]
    settings.register_profile("mutation", usual, phases=phases, database=None)
    settings.load_profile("mutation")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Remember what a module of tests runs while it is imported."""
    report = yield
    _hits_of_module[collector.nodeid] |= _take_hits()
    return report


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
    """Remember what a fixture runs that several tests share."""
    if fixturedef.scope == "function":
        return (yield)
    before = _take_hits()
    result = yield
    _hits_of_fixture[fixturedef.argname] |= _take_hits()
    _hits().update(before)
    return result


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the quick tests first, and those whose time is unknown at once."""
    items.sort(key=lambda item: _seconds.get(item.nodeid, 0.0))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Add what was remembered to mutmut's record of which test runs what."""
    if os.environ.get("MUTANT_UNDER_TEST") != "stats":
        return
    tests_of = import_module("mutmut.state").state().tests_by_mangled_function_name
    for item in session.items:
        shared = set(_hits_of_module[item.nodeid.partition("::")[0]])
        for fixture in getattr(item, "fixturenames", ()):
            shared |= _hits_of_fixture[fixture]
        for function in shared:
            tests_of[function].add(item.nodeid)
    for function in _hits_of_import:
        module = function.rpartition(".")[0]
        for near in _importers(module):
            for other in [other for other in tests_of if other.rpartition(".")[0] == near]:
                tests_of[function] |= tests_of[other]


def _hits() -> set[str]:
    # mutmut is installed where mutations run alone, and has no door to this.
    hits: set[str] = vars(import_module("mutmut.state").state())["_stats"]
    return hits


def _take_hits() -> set[str]:
    taken = set(_hits())
    _hits().clear()
    return taken


def _modules() -> Iterator[str]:
    return (f"{PACKAGE.name}.{path.stem}" for path in sorted(PACKAGE.glob("[a-z]*.py")))


def _importers(module: str) -> Iterator[str]:
    """Give the module itself and those that import from it."""
    yield module
    for name in _modules():
        if f"from {module} import" in (PACKAGE / f"{name.partition('.')[2]}.py").read_text("utf-8"):
            yield name
