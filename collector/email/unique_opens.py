"""Which personal tokens were opened: random numbers by campaign, and nothing of a recipient.

Only who has a message can tell which number is its recipient's: no reference, no receipt and no
order in which tokens were made leads to a number (docs/decisions/0027).
"""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from collector.email.tokens import NUMBER_BYTES, Token
from collector.receipts import VALIDITY

_WAIT_SECONDS = 5.0
_TABLES = """
CREATE TABLE IF NOT EXISTS life (life BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS campaigns (campaign BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS opened (
    campaign BLOB NOT NULL, number BLOB NOT NULL, PRIMARY KEY (campaign, number)
) STRICT, WITHOUT ROWID;
"""


class OpensFailed(Exception):
    """The file of opened tokens can't be read or written."""


class UniqueOpens:
    """The file at `path`, made where missing. Use it from one thread at a time.

    A file that is lost or left behind by a restored backup takes its tokens' unique opens along:
    the new one has another life, and none of them counts again.
    """

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            OpensFailed: it can't be used.
        """
        with _failures():
            # Created here, for SQLite would follow the umask and may leave it open to a group.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self._database = sqlite3.connect(
                path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                self._database.execute(f"PRAGMA {pragma}")
            self._database.executescript(_TABLES)
            with self._writing():
                self._database.execute(
                    "INSERT INTO life SELECT ? WHERE NOT EXISTS (SELECT 1 FROM life)",
                    (secrets.token_bytes(NUMBER_BYTES),),
                )
            (self.life,) = self._database.execute("SELECT life FROM life").fetchone()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def note_made(self, campaign: bytes, today: date) -> None:
        """Note that tokens of a campaign were made, so that it is known when all have ended.

        Raises:
            OpensFailed: it could not be noted.
        """
        until = (today + VALIDITY + timedelta(days=1)).toordinal()
        with _failures(), self._writing():
            self._database.execute(
                "INSERT INTO campaigns VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
                (campaign, until),
            )

    def first(self, tokens: Sequence[Token]) -> Sequence[bool]:
        """Tell for each token whether it was not opened before; it is on disk now that it was.

        Raises:
            OpensFailed: nothing was written.
        """
        with _failures(), self._writing():
            return [token.life == self.life and self._add(token) for token in tokens]

    def take_back(self, token: Token) -> None:
        """Forget that a token was opened, because its open was not counted.

        Raises:
            OpensFailed: it could not be forgotten.
        """
        with _failures(), self._writing():
            self._database.execute(
                "DELETE FROM opened WHERE campaign = ? AND number = ?",
                (token.campaign, token.number),
            )

    def drop_ended(self, today: date) -> None:
        """Drop the numbers of campaigns whose last consent has ended.

        Raises:
            OpensFailed: some are still there.
        """
        ended = "SELECT campaign FROM campaigns WHERE until < ?"
        with _failures(), self._writing():
            day = (today.toordinal(),)
            self._database.execute(f"DELETE FROM opened WHERE campaign IN ({ended})", day)
            self._database.execute("DELETE FROM campaigns WHERE until < ?", day)

    def _add(self, token: Token) -> bool:
        added = self._database.execute(
            "INSERT OR IGNORE INTO opened VALUES (?, ?)", (token.campaign, token.number)
        )
        return added.rowcount == 1

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error):
        raise OpensFailed("the file of opened e-mail can't be read or written") from None
