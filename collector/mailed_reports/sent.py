"""What went out: one mark for each recipient of each report, kept over restarts.

A mark is on disk before a message is handed over, and again once the server has taken it. What
may still go wrong, and what then:

- The first can't be written: nothing is sent, and the next look tries again.
- The process dies between the two: the message may or may not be out. It is sent again, as SMTP
  asks of whoever missed the server's answer (RFC 5321 section 4.2.5, RFC 1047), under the
  same Message-ID, by which mail servers and readers know it for the same.
- The second can't be written: this process remembers by itself that it is out.
- The file is lost: reports begin with the next that falls due, as on a first start.
- The clock was ahead: what went out then holds back none of the reports in between.
"""

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from collector.mailed_reports.due import Days
from collector.mailed_reports.settings import Scheduled

FIRST_WAIT_SECONDS = 60
LONGEST_WAIT_SECONDS = 3600

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


class MarksFailed(Exception):
    """The file of marks can't be read or written."""


class Mark(Struct, frozen=True, omit_defaults=True):
    """How far the report of some days came with one recipient."""

    days: Days
    is_out: bool = False
    tries: int = 0
    again: int = 0
    """The Unix second before which it isn't tried again."""
    ahead: Days | None = None
    """The days of one that went out while the clock was ahead."""


Marks = dict[str, Mark]


def key_of(report: Scheduled, recipient: str) -> str:
    """Return what a mark stands under; of the address it has a hash alone."""
    told = f"{report.site.domain}\n{report.every}\n{recipient.lower()}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def wait_seconds(tries: int) -> int:
    """Return how long to wait after so many tries that failed."""
    return min(FIRST_WAIT_SECONDS << min(tries - 1, 10), LONGEST_WAIT_SECONDS)


def has_waited(again: int, now: int) -> bool:
    """Tell whether it is time to try again; a clock put back makes no wait longer."""
    return not now < again <= now + LONGEST_WAIT_SECONDS


class Sent:
    """The marks in one file. Use it from one thread at a time; methods block for the disk."""

    def __init__(self, path: Path) -> None:
        """Read the file; none is as good as an empty one.

        Raises:
            MarksFailed: it is there and can't be read.
        """
        self._path = path
        try:
            self._marks = msgspec.json.decode(path.read_bytes(), type=Marks)
        except FileNotFoundError:
            self._marks = Marks()
        except (OSError, UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
            told = "can't be read; without it, reports begin with the next that falls due"
            raise MarksFailed(f"{path}: {told}") from None

    def forget_others(self, keys: Collection[str]) -> None:
        """Forget what stands under other keys; the file has it until the next mark."""
        self._marks = {key: mark for key, mark in self._marks.items() if key in keys}

    def is_wanted(self, key: str, days: Days, now: int) -> bool:
        """Tell whether the report of some days is to be tried now.

        Of a recipient who is new, and where the clock was ahead, what was due before is taken
        for sent.

        Raises:
            MarksFailed: that can't be written down.
        """
        mark = self._marks.get(key)
        if mark is None:
            self._keep(key, Mark(days, is_out=True))
            return False
        if days < mark.days:
            ahead = mark.days if mark.is_out else mark.ahead
            self._keep(key, Mark(days, is_out=True, ahead=ahead))
            return False
        if mark.days == days:
            return not mark.is_out and has_waited(mark.again, now)
        return days != mark.ahead

    def note_try(self, key: str, days: Days, now: int) -> int:
        """Write down that it is tried now, and return for which time.

        Raises:
            MarksFailed: it can't be written, so that nothing is to be sent.
        """
        mark = self._marks.get(key)
        tries = 1 + (mark.tries if mark is not None and mark.days == days else 0)
        ahead = mark.ahead if mark is not None else None
        self._keep(key, Mark(days, tries=tries, again=now + wait_seconds(tries), ahead=ahead))
        return tries

    def note_out(self, key: str) -> None:
        """Write down that the server has taken what was tried.

        Raises:
            MarksFailed: it can't be written; it holds all the same while this process runs.
        """
        self._keep(key, replace(self._marks[key], is_out=True), anyway=True)

    def _keep(self, key: str, mark: Mark, *, anyway: bool = False) -> None:
        marks = {**self._marks, key: mark}
        if anyway:
            self._marks = marks
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            with os.fdopen(os.open(part, _FLAGS, 0o600), "wb") as file:
                file.write(msgspec.json.encode(marks))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            raise MarksFailed(f"{self._path}: {error.strerror}") from None
        self._marks = marks
