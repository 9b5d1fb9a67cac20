"""The trail of what people did, kept in the audit log's files, and read from them a page at a time.

Blocks. A day's file is read twice for a page and never held: 100 MB take some seconds.
"""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct

from collector.audit import AuditLog
from people.trail import Act, Did

_FILE = re.compile(r"\d{4}-\d\d-\d\d\.jsonl")


class _Line(Struct, frozen=True):
    """What is shown of a line, whichever kind it is."""

    time: float
    user: str
    did: Did = Did.ASKED
    site: str = ""
    report: str = ""
    period: str = ""
    whom: str = ""
    views: tuple[str, ...] = ()
    refused: str = ""


class AuditTrail:
    """The lines of the log `log` in `folder`. Threads may share it."""

    def __init__(self, log: AuditLog, folder: Path) -> None:
        self._log = log
        self._folder = folder
        self._one_at_a_time = threading.Lock()
        self._decode = msgspec.json.Decoder(_Line).decode

    def note(self, act: Act) -> None:
        """Write a line.

        Raises:
            AuditFailed: it could not be written, so that nothing is to be shown.
        """
        self._log.write(act)

    def days(self) -> Sequence[date]:
        """Return the days (UTC) that lines are kept of, the newest first."""
        names = (path.name for path in self._folder.iterdir())
        kept = (name.partition(".")[0] for name in names if _FILE.fullmatch(name))
        return sorted(map(date.fromisoformat, kept), reverse=True)

    def read(
        self, day: date, is_shown: Callable[[Act], bool], page: int, page_rows: int
    ) -> tuple[Sequence[Act], int]:
        """Return a page of a day's shown lines, the newest first, and how many there are."""
        with self._one_at_a_time:
            shown = sum(1 for _ in self._acts(day, is_shown))
            last = shown - page_rows * (page - 1)
            first = max(0, last - page_rows)
            acts = [
                act
                for number, act in enumerate(self._acts(day, is_shown))
                if first <= number < last
            ]
        return acts[::-1], shown

    def _acts(self, day: date, is_shown: Callable[[Act], bool]) -> Iterator[Act]:
        try:
            with (self._folder / f"{day.isoformat()}.jsonl").open("rb") as file:
                for line in file:
                    act = self._read(line)
                    if act is not None and is_shown(act):
                        yield act
        except FileNotFoundError:
            return

    def _read(self, line: bytes) -> Act | None:
        try:
            read = self._decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):  # cut off by a full disk
            return None
        report = read.report
        if read.did is Did.ASKED:
            report = ", ".join(read.views) + (f" (refused: {read.refused})" if read.refused else "")
        return Act(
            read.time, read.user, read.did, read.site, report.strip(), read.period, read.whom
        )
