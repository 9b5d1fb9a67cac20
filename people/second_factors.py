"""Second factors: codes by time, none of which counts twice, and recovery codes, used once each."""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Sequence

from msgspec import Struct

from people.totp import SECRET_BYTES, enrolment_uri, find_step, from_letters, in_letters
from people.user_file import UserFile
from people.users import UnknownUser, change_user

RECOVERY_CODES = 8
_RECOVERY_BYTES = 10  # 80 bits: nothing to try, so that one SHA-256 keeps them

_TOTP = re.compile(r"[0-9]{6}")
_LEFT_OUT = str.maketrans("", "", " -\t\r\n")


class Enrolment(Struct, frozen=True):
    """What a user writes down; the recovery codes can't be had again."""

    uri: str
    raw_secret: str
    """For typing in, in base32."""
    raw_recovery_codes: Sequence[str]


class SecondFactors:
    """The second factors of one file. Methods block for as long as SQLite takes.

    Every method raises UsersFailed where the file can't be read or written.
    """

    def __init__(
        self, file: UserFile, random_bytes: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._file = file
        self._random_bytes = random_bytes

    def offer(self, name: str) -> Enrolment:
        """Make a second factor for a user; nothing is kept of it before `enrol`.

        Raises:
            UnknownUser: there is no such user.
        """
        with self._file.connect() as database:
            if not database.execute("SELECT 1 FROM logins WHERE name = ?", (name,)).fetchone():
                raise UnknownUser
        raw_secret = self._random_bytes(SECRET_BYTES)
        codes = [self._new_recovery_code() for _ in range(RECOVERY_CODES)]
        return Enrolment(enrolment_uri(raw_secret, name), in_letters(raw_secret), codes)

    def enrol(self, name: str, offered: Enrolment, raw_code: str, now: int) -> bool:
        """Put an offered second factor in force, if a code shows that the user's phone has it.

        It voids the old one and ends the user's sessions; the code is used by it. Else nothing
        changes, and False is returned.

        Raises:
            UnknownUser: there is no such user.
        """
        raw_secret = from_letters(offered.raw_secret)
        raw_code = raw_code.translate(_LEFT_OUT)
        step = find_step(raw_secret, raw_code, now) if _TOTP.fullmatch(raw_code) else None
        if step is None:
            return False
        with self._file.connect() as database:
            change_user(database, name, "totp_secret = ?, totp_step = ?", (raw_secret, step))
            database.execute("DELETE FROM recovery_codes WHERE name = ?", (name,))
            database.executemany(
                "INSERT INTO recovery_codes (name, hash) VALUES (?, ?)",
                [(name, _hash(code)) for code in offered.raw_recovery_codes],
            )
        return True

    def drop(self, name: str) -> None:
        """Let a user log in by password alone, and end their sessions.

        Raises:
            UnknownUser: there is no such user.
        """
        with self._file.connect() as database:
            change_user(database, name, "totp_secret = x'', totp_step = 0", ())
            database.execute("DELETE FROM recovery_codes WHERE name = ?", (name,))

    def accept(self, name: str, raw_code: str, now: int) -> bool:
        """Tell whether a code of the user is valid at the Unix second `now`, and void it."""
        raw_code = raw_code.translate(_LEFT_OUT).lower()
        if _TOTP.fullmatch(raw_code):
            return self._accept_totp(name, raw_code, now)
        with self._file.connect() as database:
            used = database.execute(
                "DELETE FROM recovery_codes WHERE name = ? AND hash = ?", (name, _hash(raw_code))
            ).rowcount
        return used == 1

    def _accept_totp(self, name: str, raw_code: str, now: int) -> bool:
        with self._file.connect() as database:
            row = database.execute(
                "SELECT totp_secret FROM logins WHERE name = ? AND totp_secret != x''", (name,)
            ).fetchone()
            step = row and find_step(row[0], raw_code, now)
            if step is None:
                return False
            # RFC 6238 section 5.2: a code, or one before it, is not taken again. In one statement,
            # so that of two at once one alone is.
            used = database.execute(
                "UPDATE logins SET totp_step = ? WHERE name = ? AND totp_step < ?",
                (step, name, step),
            ).rowcount
        return used == 1

    def _new_recovery_code(self) -> str:
        letters = base64.b32encode(self._random_bytes(_RECOVERY_BYTES)).decode().lower()
        return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def _hash(raw_code: str) -> bytes:
    written = raw_code.translate(_LEFT_OUT).encode(errors="surrogatepass")
    return hashlib.sha256(written).digest()
