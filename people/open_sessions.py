"""Sessions that are open, known by a hash: what is not in the table opens nothing."""

import hashlib
from datetime import UTC, datetime

from msgspec import Struct

from people.user_file import UserFile
from people.users import USER_COLUMNS, User, user_of


class OpenSession(Struct, frozen=True):
    """A session that has not ended."""

    user: User
    is_whole: bool
    """False while the second factor is still asked for."""


class OpenSessions:
    """The open sessions of one file. Methods block for as long as SQLite takes.

    Every method raises UsersFailed where the file can't be read or written.
    """

    def __init__(self, file: UserFile) -> None:
        self._file = file

    def begin(self, raw_nonce: str, user: User, now: int, ends: int, *, is_whole: bool) -> bool:
        """Open a session until the Unix second `ends`; forget those whose time is over.

        Returns False where the user is gone or was changed since `user` was read.
        """
        with self._file.connect() as database:
            database.execute("DELETE FROM sessions WHERE ends <= ?", (now,))
            begun = database.execute(
                "INSERT INTO sessions (hash, name, ends, is_whole)"
                " SELECT ?, name, ?, ? FROM logins WHERE name = ? AND generation = ?",
                (_hash(raw_nonce), ends, is_whole, user.person.name, user.generation),
            ).rowcount
            if begun and is_whole:
                day = datetime.fromtimestamp(now, UTC).date().isoformat()
                database.execute(
                    "UPDATE logins SET last_login = ? WHERE name = ?", (day, user.person.name)
                )
        return begun == 1

    def find(self, raw_nonce: str, now: int) -> OpenSession | None:
        """Return the open session of a nonce, with its user as of now."""
        with self._file.connect() as database:
            row = database.execute(
                f"SELECT is_whole, {USER_COLUMNS} FROM sessions JOIN logins USING (name)"
                " WHERE hash = ? AND ends > ?",
                (_hash(raw_nonce), now),
            ).fetchone()
        return row and OpenSession(user_of(row[1:]), bool(row[0]))

    def end(self, raw_nonce: str) -> None:
        """End a session."""
        with self._file.connect() as database:
            database.execute("DELETE FROM sessions WHERE hash = ?", (_hash(raw_nonce),))


def _hash(raw_nonce: str) -> bytes:
    return hashlib.sha256(raw_nonce.encode(errors="surrogatepass")).digest()
