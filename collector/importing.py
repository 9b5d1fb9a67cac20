"""Import an access log through the same stages as live hits, in the log's own time.

The log is cut into pieces; each piece goes into the spool in one step with a
mark of everything read so far, so a log that is imported again, also one that
has grown since, counts once.
"""

import gzip
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from io import BufferedReader
from typing import BinaryIO

from anonymizer.hits import Door, DropReason, LocalSeconds, SiteId
from anonymizer.urls import BadUrl
from collector.access_log import LogReader
from collector.clock import DAY_SECONDS
from collector.counted import COUNTED, CountedHit, encode_row
from collector.counters import count_refused
from collector.pipeline import Pipeline
from collector.spool import Spool

PIECE_BYTES = 4 * 1024 * 1024
SHOWN_UNREADABLE = 5

# Lines may come out of order by a day before their visitors are forgotten.
_SLACK_SECONDS = DAY_SECONDS

# A mark is a slow hash (about 20 ms), so that the one address of a one-line log
# can't be found by trying all of IPv4: 2^32 tries take 2.7 years of one core.
_SCRYPT_COST = 2**13


class Report:
    """What an import did, line by line."""

    def __init__(self) -> None:
        self.lines = 0
        self.counted = 0
        self.refused: Counter[str] = Counter()
        self.unreadable = 0
        self.first_unreadable: list[int] = []
        self.imported_before = 0


class _Piece:
    """Rows of one piece of the log, and its part of the report."""

    def __init__(self) -> None:
        self.lines = 0
        self.counted: list[CountedHit] = []
        self.refused: Counter[tuple[DropReason, LocalSeconds]] = Counter()
        self.unreadable: list[int] = []


class LogImport:
    """The import of one log into one site."""

    def __init__(
        self,
        site: SiteId,
        pipeline: Pipeline,
        spool: Spool,
        on_piece: Callable[[Report], None],
    ) -> None:
        """Prepare an import; `on_piece` is called after each piece with the report so far."""
        self._site = site
        self._pipeline = pipeline
        self._spool = spool
        self._on_piece = on_piece
        self._reader = LogReader(site)
        self._known = spool.imported(site)
        self._positions = sorted({position for position, _ in self._known}, reverse=True)
        self._digest = hashlib.sha256()
        self._newest = 0
        self._piece = _Piece()
        self._report = Report()

    def run(self, lines: Iterable[bytes]) -> Report:
        """Take the log's lines through the line and into the spool.

        Raises:
            SpoolFailed: the disk is full or broken; run the import again later.
        """
        position = 0
        piece_end = PIECE_BYTES
        for line in lines:
            start, position = position, position + len(line)
            while self._positions and self._positions[-1] < position:
                # An earlier import ended within this line, before it was complete.
                so_far = self._digest.copy()
                at = self._positions.pop()
                so_far.update(line[: at - start])
                self._finish_piece_if_known(at, so_far.digest())
            self._digest.update(line)
            self._take(line)
            ended_here = bool(self._positions) and self._positions[-1] == position
            if ended_here:
                self._positions.pop()
            if ended_here or position >= piece_end:
                self._finish_piece(position, _mark(self._digest.digest(), self._site))
            if position >= piece_end:
                piece_end = position - position % PIECE_BYTES + PIECE_BYTES
        if self._piece.lines:
            self._finish_piece(position, _mark(self._digest.digest(), self._site))
        return self._report

    def _take(self, line: bytes) -> None:
        piece = self._piece
        piece.lines += 1
        read = self._reader.read_line(line)
        if read is None:
            piece.unreadable.append(self._report.lines + piece.lines)
            return
        self._newest = max(self._newest, read.time)
        if isinstance(read.page, DropReason):
            local = self._pipeline.local(self._site, read.time)
            piece.refused[read.page, LocalSeconds(local - local % DAY_SECONDS)] += 1
            return
        try:
            piece.counted += self._pipeline.count((read.page,))
        except BadUrl:
            piece.unreadable.append(self._report.lines + piece.lines)

    def _finish_piece_if_known(self, position: int, digest: bytes) -> None:
        mark = _mark(digest, self._site)
        if (position, mark) in self._known:
            self._finish_piece(position, mark)

    def _finish_piece(self, position: int, mark: bytes) -> None:
        piece, self._piece = self._piece, _Piece()
        report = self._report
        report.lines += piece.lines
        if (position, mark) in self._known:
            report.imported_before += piece.lines
        else:
            refused = [
                count_refused(self._site, Door.LOG, reason, day, hits)
                for (reason, day), hits in piece.refused.items()
            ]
            rows = [encode_row(hit) for hit in (*piece.counted, *refused)]
            self._spool.append_import(rows, self._site, position, mark)
            for hit in (*piece.counted, *refused):
                if hit.reason == COUNTED:
                    report.counted += hit.hits
                else:
                    report.refused[hit.reason] += hit.hits
            report.unreadable += len(piece.unreadable)
            room = SHOWN_UNREADABLE - len(report.first_unreadable)
            report.first_unreadable += piece.unreadable[:room]
        self._pipeline.forget_ended_days(self._newest, _SLACK_SECONDS)
        self._on_piece(report)


def _mark(digest: bytes, site: SiteId) -> bytes:
    return hashlib.scrypt(
        digest, salt=b"discreet import " + site.encode(), n=_SCRYPT_COST, r=8, p=1, dklen=16
    )


def read_log(file: BinaryIO) -> Iterable[bytes]:
    """Return the log's lines, unpacked when the file is gzip (RFC 1952, by its first two bytes)."""
    beginning = file.peek(2)[:2] if isinstance(file, BufferedReader) else b""
    return gzip.open(file) if beginning == b"\x1f\x8b" else file
