"""What of an audit trail is a change of who may see what, and a trail that can't be written."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from people.trail import Did

_LOOKS = {Did.LOOKED, Did.EXPORTED, Did.ASKED, Did.ASKED_API}
_LOGINS = {Did.LOGGED_IN, Did.LOGGED_OUT, Did.FAILED}


def changes_in(data: Path) -> list[tuple[str, str, str, str, str]]:
    """Return who did what to which site, under which name, and to whom; the oldest first."""
    lines = [
        json.loads(line)
        for path in sorted((data / "audit").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    changes = [line for line in lines if line.get("did", Did.ASKED) not in _LOOKS | _LOGINS]
    fields = ("user", "did", "site", "report", "whom")
    return [tuple(line.get(field, "") for field in fields) for line in changes]


@contextlib.contextmanager
def unwritable_audit(data: Path) -> Iterator[None]:
    """Put a folder in place of today's file, for tests may run as root."""
    path = data / "audit" / f"{datetime.now(UTC):%Y-%m-%d}.jsonl"
    path.parent.mkdir(exist_ok=True)
    aside = path.with_suffix(".aside")
    if path.exists():
        path.rename(aside)
    path.mkdir()
    try:
        yield
    finally:
        path.rmdir()
        if aside.exists():
            aside.rename(path)
