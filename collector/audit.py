"""The audit log: one JSON line for each query of analysts and each act of readers, in files by day.

A query's line holds no literal, alias, comment, parameter or header of the query: what is
not a word of ClickHouse or of the policy is `_` in it.
"""

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from people.trail import Act

LOCAL_USER = "(local)"
"""Who asks or changes something by the command line: whoever owns the data directory."""

KEEP_DAYS = 90
MAX_BYTES = 512_000_000
"""Of all files together; beyond it the oldest go first, but never today's."""

MAX_DAY_BYTES = 256_000_000
"""Of one day's file, some 800,000 queries; then none is answered until tomorrow (UTC)."""

_FILE = re.compile(r"\d{4}-\d\d-\d\d\.jsonl")


class Entry(Struct, frozen=True, omit_defaults=True):
    """What is written down of one query."""

    time: float
    """Unix seconds."""

    user: str
    views: tuple[str, ...]
    query: str
    """Its shape; empty when it was refused before it was understood."""

    milliseconds: int
    rows: int | None
    bytes: int
    refused: str = ""
    """ClickHouse's error code and name."""


class AuditFailed(Exception):
    """A line could not be written, so that its query is not answered."""


class AuditLog:
    """Writes to one file a day in `folder`, which is made with mode 0700. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            _give_to_owner_of(folder.parent, folder)
        self._lock = threading.Lock()
        self._today = ""

    def write(self, entry: Entry | Act) -> None:
        """Append a line.

        Raises:
            AuditFailed: it could not be written.
        """
        day = datetime.fromtimestamp(entry.time, UTC)
        shown = msgspec.structs.replace(entry, time=round(entry.time, 3))
        line = msgspec.json.encode(shown) + b"\n"
        try:
            with self._lock:
                if self._today != f"{day:%Y-%m-%d}":
                    self._today = f"{day:%Y-%m-%d}"
                    self._drop_old(f"{day - timedelta(days=KEEP_DAYS):%Y-%m-%d}")
                self._append(line)
        except OSError:
            raise AuditFailed("the audit log can't be written") from None

    def _append(self, line: bytes) -> None:
        # Root writes here too: no link may lead it, or whom the file is given to, elsewhere.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        path = self._folder / f"{self._today}.jsonl"
        file = os.open(path, flags, 0o600)
        try:
            if not os.fstat(file).st_size:
                _give_to_owner_of(self._folder, file)
            if os.fstat(file).st_size + len(line) > MAX_DAY_BYTES:
                raise AuditFailed("the audit log of today is full")
            os.write(file, line)
        finally:
            os.close(file)

    def _drop_old(self, first_kept: str) -> None:
        left = MAX_BYTES
        for path in self._newest_first():
            left -= path.stat().st_size
            if path.stem != self._today and (path.stem < first_kept or left < 0):
                path.unlink()

    def _newest_first(self) -> Iterator[Path]:
        files = (path for path in self._folder.iterdir() if _FILE.fullmatch(path.name))
        yield from sorted(files, reverse=True)


def _give_to_owner_of(folder: Path, made: int | Path) -> None:
    # Commands may be run by root: the server could not go on in a file of root's.
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        with contextlib.suppress(PermissionError):  # a root without rights, as in containers
            if isinstance(made, int):
                os.fchown(made, owner.st_uid, owner.st_gid)
            else:
                os.lchown(made, owner.st_uid, owner.st_gid)
