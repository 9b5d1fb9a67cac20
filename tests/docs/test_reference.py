"""docs/reference says what the code says; a change of the one without the other is told."""

from pathlib import Path

import pytest

from anonymizer.hits import DropReason
from tools.reference import FOLDER, MEANINGS, PAGES, stale


@pytest.mark.parametrize("name", PAGES)
def test_page_says_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), "python tools/reference.py"


def test_every_refusal_has_a_meaning() -> None:
    assert set(MEANINGS) == set(DropReason)


def test_page_that_was_changed_by_hand_or_removed_is_named(tmp_path: Path) -> None:
    for name, page in PAGES.items():
        (tmp_path / name).write_text(page(), "utf-8")
    assert stale(tmp_path) == []

    (tmp_path / "views.md").write_text("# Views\n", "utf-8")
    (tmp_path / "cli.md").unlink()

    assert stale(tmp_path) == ["views.md", "cli.md"]
