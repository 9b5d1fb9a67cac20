"""The longest files begin first."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import pytest_collection_modifyitems

ROOT = Path(__file__).parents[1]
FIRST = (ROOT / "tests/longest_first.txt").read_text().split()


def test_longest_files_are_there_and_named_once() -> None:
    assert [file for file in FIRST if not (ROOT / file).is_file()] == []
    assert len(set(FIRST)) == len(FIRST)


def test_longest_files_begin_first_and_no_file_is_torn(request: pytest.FixtureRequest) -> None:
    items = request.session.items.copy()
    items.reverse()

    pytest_collection_modifyitems(items)

    files = list(dict.fromkeys(item.nodeid.partition("::")[0] for item in items))
    first = [file for file in FIRST if file in files]
    assert files[: len(first)] == first
    runs = sum(before.path != after.path for before, after in pairwise(items))
    assert runs + 1 == len(files)
