"""Read a line of an Apache or nginx access log, in the combined or the common format.

Bytes of one line come in; a hit on a page, the reason why it is none, or nothing
go out. No line, whatever it holds, raises.
"""

import re
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from anonymizer.hits import Door, DropReason, RawHit, SiteId

NOT_LOGGED = "(not logged)"
"""The user agent of a common log's lines, which hold none."""

# A request for one of these is no page view. Documented in docs/import.md.
_STATIC = """
7z atom avi avif bmp bz2 css csv doc docx eot epub exe flac gif gz ico iso jar jpeg jpg js json less
m3u8 m4a m4v map mjs mov mp3 mp4 mpeg mpg msi odt ogg ogv opus otf pdf png ppt pptx rar rpm rss rtf
scss svg svgz swf tar tgz tif tiff ts ttf txt wasm wav webm webmanifest webp wmv woff woff2 xls xlsx
xml xz zip zst
"""
STATIC_ENDINGS = frozenset(_STATIC.split())

# Apache's %h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i", nginx's `combined`; more may
# follow. The second field has no dot and no colon, so that a line which begins with the virtual
# host or with a list of addresses isn't read one field too early. The hole that logrotate's
# copytruncate can leave before a line reads as zeros. Each run is possessive: a line that doesn't
# fit costs time in proportion to its length.
_QUOTED = rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_LINE = re.compile(
    rb"\0*+(?P<address>[^\s\"\x00-\x1f]++) [^\s.:\"]++ [^\[]*+\["
    rb"(?P<minute>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d):(?P<second>[0-5]\d|60) (?P<zone>[+-]\d{4})\] "
    rb"\"(?P<method>[A-Za-z0-9!#$%&'*+.^_`|~-]++) (?P<target>[^\s\"\\]*+(?:\\.[^\s\"\\]*+)*+)"
    rb"(?: HTTP/\d[.\d]*+)?\" (?P<status>\d{3}) (?:\d++|-)"
    rb"(?: " + _QUOTED + rb" " + _QUOTED + rb"|(?! \"))"
)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
# The format is of 1993; ClickHouse's DateTime ends in 2106.
_YEARS = range(1993, 2100)

_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_CONTROLS = {b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


class LogLine(Struct, frozen=True, gc=False):
    """A line that could be read: a hit on a page, or why it is none."""

    time: int
    """Unix seconds."""
    page: RawHit | DropReason


class LogReader:
    """Reads the lines of one site's log, in their order."""

    def __init__(self, site: SiteId) -> None:
        self._site = site
        # A log has many lines a minute: the last one's start saves reading it again (1 µs a line).
        self._minute = b""
        self._zone = b""
        self._minute_start: int | None = None
        self._names_agents = True

    def read_line(self, line: bytes) -> LogLine | None:
        """Return what a line says, or None when it can't be read."""
        found = _LINE.match(line)
        if found is None:
            return None
        raw_address, minute, second, zone, method, target, status, referrer, agent = found.groups()
        if minute != self._minute or zone != self._zone:
            self._minute, self._zone = minute, zone
            self._minute_start = _read_minute(minute, zone)
        if self._minute_start is None:
            return None
        self._names_agents = agent is not None
        time = self._minute_start + int(second)
        reason = _why_not_a_page(method, target, status)
        if reason is not None:
            return LogLine(time, reason)
        hit = RawHit(
            door=Door.LOG,
            site=self._site,
            time=time,
            raw_address=raw_address.decode("latin-1"),
            raw_agent=_read_text(agent) if agent is not None else NOT_LOGGED,
            raw_url=_read_text(target),
            raw_referrer=_read_text(referrer) if referrer is not None else "",
        )
        return LogLine(time, hit)

    def is_whole(self, line: bytes) -> bool:
        """Tell whether a line says all it ever will, though its newline may not be written yet.

        A combined line that was cut before its agent reads like a common one, so one
        without agent and newline counts as whole only after a line that named no agent either.
        """
        if line.endswith(b"\n"):
            return True
        found = _LINE.match(line)
        return found is not None and (found[found.re.groups] is not None or not self._names_agents)


def _read_minute(minute: bytes, zone: bytes) -> int | None:
    """Read ``17/May/2015:10:05`` and ``+0200`` to Unix seconds."""
    month, year = _MONTHS.get(minute[3:6].decode()), int(minute[7:11])
    hours, minutes = int(zone[1:3]), int(zone[3:5])
    if month is None or year not in _YEARS or hours >= 24 or minutes >= 60:
        return None
    try:
        on_wall = datetime(
            year, month, int(minute[:2]), int(minute[12:14]), int(minute[15:17]), tzinfo=UTC
        )
    except ValueError:
        return None
    shift = timedelta(hours=hours, minutes=minutes)
    return int((on_wall - shift if zone[:1] == b"+" else on_wall + shift).timestamp())


def _why_not_a_page(method: bytes, target: bytes, status: bytes) -> DropReason | None:
    if method != b"GET":
        return DropReason.NOT_GET
    # 304 is a page view too: the browser shows what it kept.
    if status[:1] != b"2" and status != b"304":
        return DropReason.NOT_SUCCESSFUL
    last = target.partition(b"?")[0].rpartition(b"/")[2]
    _, dot, ending = last.rpartition(b".")
    if dot and ending.lower().decode("latin-1") in STATIC_ENDINGS:
        return DropReason.STATIC_FILE
    return None


def _read_text(value: bytes) -> str:
    """Undo the escapes of Apache (ap_escape_logitem) and nginx; ``-`` stands for nothing."""
    if value == b"-":
        return ""
    if b"\\" in value:
        value = _ESCAPE.sub(_read_escape, value)
    return value.decode("utf-8", "replace")


def _read_escape(escape: re.Match[bytes]) -> bytes:
    octet, letter = escape.groups()
    if octet is not None:
        return bytes.fromhex(octet.decode())
    return _CONTROLS.get(letter, letter)
