"""Import an access log through the same stages as live hits, in the log's own time.

The log is cut into pieces; each piece goes into the spool in one step with a
mark of everything read so far, so a log that is imported again, also one that
has grown since, counts once.
"""

import gzip
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BufferedReader
from itertools import chain

from anonymizer.hits import Door, DropReason, LocalSeconds, SiteId
from anonymizer.urls import BadUrl
from collector.access_log import LogReader
from collector.clock import DAY_SECONDS
from collector.counted import COUNTED, CountedHit, encode_row
from collector.counters import count_refused
from collector.pipeline import Pipeline
from collector.regions import HOME, Regions
from collector.spool import Spool

# Where pieces end is part of what a mark says: with another size, logs imported before count anew.
PIECE_BYTES = 4 * 1024 * 1024

# Request line, referrer and agent of 8,190 bytes each (Apache's LimitRequestLine and
# LimitRequestFieldSize), each written as \xHH, stay below this.
MAX_LINE_BYTES = 128 * 1024

SHOWN_UNREADABLE = 5

# Lines may come out of order by a day before their visitors are forgotten.
_SLACK_SECONDS = DAY_SECONDS

# A mark is a slow hash (about 20 ms), so that the one address of a one-line log
# can't be found by trying all of IPv4: 2^32 tries take 2.7 years of one core.
_SCRYPT_COST = 2**13

_GZIP = b"\x1f\x8b"  # RFC 1952 section 2.3.1
_CHECKED_BYTES = 1024 * 1024


class BadLog(Exception):
    """The log's bytes can't be had: the file is damaged or its disk is."""


class Report:
    """What an import did, line by line."""

    def __init__(self) -> None:
        self.lines = 0
        self.counted = 0
        self.refused: Counter[str] = Counter()
        self.unreadable = 0
        self.first_unreadable: list[int] = []
        self.imported_before = 0
        self.overdue = 0
        """Counted hits that are older than anything is kept."""


class _Piece:
    """Rows of one piece of the log, and its part of the report."""

    def __init__(self) -> None:
        self.lines = 0
        self.counted: list[tuple[str, list[CountedHit]]] = []
        """What lines left, by region."""
        self.refused: Counter[tuple[DropReason, LocalSeconds]] = Counter()
        self.unreadable: list[int] = []
        self.oldest: int | None = None


class LogImport:
    """The import of one log into one site. Run it once."""

    def __init__(
        self,
        site: SiteId,
        pipeline: Pipeline,
        spool: Spool,
        on_piece: Callable[[Report], None],
        piece_bytes: int = PIECE_BYTES,
        regions: Mapping[str, Spool] | None = None,
        kept_from: int = 0,
    ) -> None:
        """Prepare an import; `on_piece` is called after each piece with the report so far.

        `spool` is the home's and has a mark of every piece; `regions` are the others. Nothing
        is kept of hits from before `kept_from`, in local seconds, once retention has run.
        """
        self._kept_from = kept_from
        self._elsewhere = regions or {}
        self._home = Regions(pipeline.policy).of_site(site)
        self._site = site
        self._pipeline = pipeline
        self._spool = spool
        self._on_piece = on_piece
        self._piece_bytes = piece_bytes
        self._reader = LogReader(site)
        self._known = spool.imported(site)
        self._known_ends = sorted({position for position, _ in self._known}, reverse=True)
        self._digest = hashlib.sha256()
        self._position = 0
        self._piece = _Piece()
        self._report = Report()

    def run(self, lines: Iterable[bytes]) -> Report:
        """Take the log's lines, each with its newline, through the line and into the spool.

        A last line without newline counts when it is whole; else it is unreadable, and
        the import of the log that has grown takes it.

        Raises:
            BadLog: the lines end early; the pieces before count.
            SpoolFailed: the disk is full or broken; run the import again later.
        """
        piece_end = self._piece_bytes
        unfinished = False
        for line in lines:
            known = self._known_end_within(line)
            if known is not None:
                # An earlier import ended here, maybe before the line's newline was written.
                length, mark = known
                self._take(line[:length])
                self._advance(line[:length])
                self._finish_piece(mark)
                self._advance(line[length:])
            elif self._reader.is_whole(line):
                self._take(line)
                self._advance(line)
            else:
                unfinished = True
                break
            if self._position >= piece_end:
                if self._piece.lines:
                    self._finish_piece(_mark(self._digest, self._site))
                piece_end = self._position - self._position % self._piece_bytes + self._piece_bytes
        if self._piece.lines:
            self._finish_piece(_mark(self._digest, self._site))
        if unfinished:
            self._report.lines += 1
            self._note_unreadable([self._report.lines])
        return self._report

    def _known_end_within(self, line: bytes) -> tuple[int, bytes] | None:
        """Return how much of the line an earlier import of this log ended with, and its mark."""
        end = self._position + len(line)
        while self._known_ends and self._known_ends[-1] <= end:
            known_end = self._known_ends.pop()
            head = line[: max(0, known_end - self._position)]
            # Other logs ended at other lengths. A mark is slow to make, so it is made only
            # where an import can have ended.
            if head and self._reader.is_whole(head):
                digest = self._digest.copy()
                digest.update(head)
                mark = _mark(digest, self._site)
                if (known_end, mark) in self._known:
                    return len(head), mark
        return None

    def _advance(self, line: bytes) -> None:
        self._position += len(line)
        self._digest.update(line)

    def _take(self, line: bytes) -> None:
        piece = self._piece
        piece.lines += 1
        read = self._reader.read_line(line)
        if read is None:
            piece.unreadable.append(self._report.lines + piece.lines)
            return
        if piece.oldest is None or read.time < piece.oldest:
            piece.oldest = read.time
        if isinstance(read.page, DropReason):
            local = self._pipeline.local(self._site, read.time)
            piece.refused[read.page, LocalSeconds(local - local % DAY_SECONDS)] += 1
            return
        try:
            piece.counted += self._pipeline.take_apart((read.page,))
        except BadUrl:
            piece.unreadable.append(self._report.lines + piece.lines)

    def _finish_piece(self, mark: bytes) -> None:
        piece, self._piece = self._piece, _Piece()
        report = self._report
        report.lines += piece.lines
        if (self._position, mark) in self._known:
            report.imported_before += piece.lines
        else:
            # Pieces of one log end at the same places in every import, so none of the
            # later ones can be known either.
            self._known_ends.clear()
            refused = [
                count_refused(self._site, Door.LOG, reason, day, hits)
                for (reason, day), hits in piece.refused.items()
            ]
            hits_by_region: dict[str, list[CountedHit]] = {self._home: refused}
            for region, hits in piece.counted:
                hits_by_region.setdefault(region, []).extend(hits)
            self._write(hits_by_region, mark)
            for hit in chain.from_iterable(hits_by_region.values()):
                if hit.reason == COUNTED:
                    report.counted += hit.hits
                    report.overdue += hit.hits if hit.hour < self._kept_from else 0
                else:
                    report.refused[hit.reason] += hit.hits
            self._note_unreadable(piece.unreadable)
        # Told by the oldest line: one with a date far ahead must not end the days of the others.
        if piece.oldest is not None:
            self._pipeline.forget_ended_days(piece.oldest, _SLACK_SECONDS)
        self._on_piece(report)

    def _write(self, hits_by_region: Mapping[str, Sequence[CountedHit]], mark: bytes) -> None:
        """Write a piece into each region's spool; the home's comes last, so its mark says all.

        A kill in between leaves marks elsewhere, so that no region counts the piece again.
        """
        at = self._position, mark
        for region, hits in hits_by_region.items():
            if region != HOME and hits and at not in self._elsewhere[region].imported(self._site):
                rows = map(encode_row, hits)
                self._elsewhere[region].append_import(rows, self._site, *at)
        self._spool.append_import(map(encode_row, hits_by_region.get(HOME, ())), self._site, *at)

    def _note_unreadable(self, numbers: list[int]) -> None:
        report = self._report
        report.unreadable += len(numbers)
        room = SHOWN_UNREADABLE - len(report.first_unreadable)
        report.first_unreadable += numbers[:room]


def _mark(digest: "hashlib._Hash", site: SiteId) -> bytes:
    return hashlib.scrypt(
        digest.digest(),
        salt=b"discreet import " + site.encode(),
        n=_SCRYPT_COST,
        r=8,
        p=1,
        dklen=16,
    )


def read_log(file: BufferedReader) -> Iterator[bytes]:
    """Yield the log's lines, unpacked when it is gzip; a longer one is cut to `MAX_LINE_BYTES`.

    Raises:
        BadLog: the file is damaged or can't be read; of a file no line was yielded then,
            of a stream the lines before the damage were.
    """
    try:
        log = _unpacked(file) if file.peek(2).startswith(_GZIP) else file
        while line := log.readline(MAX_LINE_BYTES):
            if len(line) < MAX_LINE_BYTES or line.endswith(b"\n"):
                yield line
                continue
            while (rest := log.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            # With a newline, so that it reads the same once the log has grown.
            yield line[:-1] + b"\n"
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise BadLog("the .gz file is damaged or ends early") from None
    except OSError as error:
        raise BadLog(str(error.strerror)) from None


def _unpacked(file: BufferedReader) -> gzip.GzipFile:
    # What damage lets through looks like lines until the checksum at the end, so a file is
    # read to its end first (1 µs a line).
    if file.seekable():
        log = gzip.GzipFile(fileobj=file)
        while log.read(_CHECKED_BYTES):
            pass
        file.seek(0)
    return gzip.GzipFile(fileobj=file)
