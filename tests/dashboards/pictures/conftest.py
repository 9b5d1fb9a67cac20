"""Days that were counted, kept for the tests of one module."""

from collections.abc import Iterator

import pytest

from tests.dashboards.pictures.days import Asked, Days, make_policy


@pytest.fixture(scope="module")
def days() -> Days:
    return Days(make_policy())


@pytest.fixture(scope="module")
def asked(days: Days, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    # Closed with the module: a process has room for one engine, and others want theirs.
    kept = days.keep(tmp_path_factory.mktemp("pictures"))
    yield Asked(kept)
    kept.close()
