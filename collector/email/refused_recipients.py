"""Who unsubscribed or withdrew, in memory, as the doors ask at every token."""

import contextlib
import logging
import sqlite3
from pathlib import Path

from collector.email.keys import EmailKeys, KeyFile
from collector.email.unsubscribe import RefusalsFailed, connect, open_reference

log = logging.getLogger("discreet")

# Both on the event loop.
_WAIT_SECONDS = 0.05
_READ_AT_ONCE = 200
"""In 4 ms; a list of 100,000 takes 2 s."""


class RefusedRecipients:
    """All who refused, in memory by handle, as of every question. Use it from one thread.

    A long list is read in turns, a turn at each question; the first is read when this is made.
    """

    def __init__(self, path: Path, keys: KeyFile) -> None:
        """Take a file that `Refusals` has prepared.

        Raises:
            RefusalsFailed: it can't be read.
        """
        self._keys_file = keys
        self._keys: EmailKeys | None = None
        self._handles: set[bytes] = set()
        self._last = 0
        self._version = -1
        self._is_readable = True
        try:
            self._database = connect(path, _WAIT_SECONDS)
        except sqlite3.Error:
            raise RefusalsFailed(f"{path}: can't be read") from None
        with contextlib.suppress(sqlite3.Error, RefusalsFailed):  # said at the first question
            while not self._refresh():
                pass

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def has(self, recipient: bytes) -> bool:
        """Tell whether a recipient refused; so does each while the file isn't read to its end."""
        try:
            is_whole = self._refresh()
        except (sqlite3.Error, RefusalsFailed):
            if self._is_readable:
                log.warning("the file of e-mail recipients can't be read; none of them is measured")
            self._is_readable = False
            self._version = -1
            return True
        self._is_readable = True
        return not is_whole or recipient in self._handles

    def _refresh(self) -> bool:
        """Read some of what is new, and tell whether that was all of it."""
        keys = self._keys_file.keys
        if keys is not self._keys:
            self._keys, self._last, self._version = keys, 0, -1
            self._handles.clear()
        (version,) = self._database.execute("PRAGMA data_version").fetchone()
        if version == self._version or keys is None:
            return True
        rows = self._database.execute(
            "SELECT id, sealed FROM refused WHERE id > ? ORDER BY id LIMIT ?",
            (self._last, _READ_AT_ONCE),
        ).fetchall()
        for row, sealed in rows:
            raw_reference = open_reference(keys, sealed)
            self._handles.update(keys.handle(number, raw_reference) for number in keys.numbers)
            self._last = row
        if len(rows) == _READ_AT_ONCE:
            return False
        self._version = version
        return True
