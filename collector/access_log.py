"""Read a line of an Apache or nginx access log, in the combined or the common format."""

import re
from calendar import timegm

from msgspec import Struct

from anonymizer.hits import Door, DropReason, RawHit, SiteId

NOT_LOGGED = "(not logged)"
"""The user agent of a common log's lines, which hold none."""

# A request for one of these is no page view. Documented in docs/import.md.
STATIC_ENDINGS = frozenset(
    "7z atom avi avif bmp bz2 css csv doc docx eot epub exe flac gif gz ico iso jar jpeg jpg js"
    " json less m3u8 m4a m4v map mjs mov mp3 mp4 mpeg mpg msi odt ogg ogv opus otf pdf png ppt"
    " pptx rar rpm rss rtf scss svg svgz swf tar tgz tif tiff ts ttf txt wasm wav webm"
    " webmanifest webp wmv woff woff2 xls xlsx xml xz zip zst".split()
)

_QUOTED = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
_LINE = re.compile(
    rb"(\S+) \S+ [^\[]* ?\[([^\]]{20,40})\] "
    + _QUOTED
    + rb" (\d{3}) (?:\d+|-)(?: "
    + _QUOTED
    + rb" "
    + _QUOTED
    + rb")?"
)
_TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_MONTHS = {
    name: number
    for number, name in enumerate(
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1
    )
}


class LogLine(Struct, frozen=True, gc=False):
    """A line that could be read: a hit on a page, or why it is none."""

    time: int
    page: RawHit | DropReason


class LogReader:
    """Reads the lines of one site's log; remembers the last minute to save reading it again."""

    def __init__(self, site: SiteId) -> None:
        self._site = site
        self._minute = b""
        self._minute_time = 0

    def read_line(self, line: bytes) -> LogLine | None:
        """Return what a line says, or None when it can't be read."""
        found = _LINE.match(line)
        if found is None:
            return None
        raw_address, when, request, status, referrer, agent = found.groups()
        time = self._read_time(when)
        if time is None:
            return None
        words = request.split(b" ")
        if len(words) not in (2, 3):
            return None
        reason = _why_not_a_page(words[0], words[1], status)
        if reason is not None:
            return LogLine(time, reason)
        hit = RawHit(
            door=Door.LOG,
            site=self._site,
            time=time,
            raw_address=raw_address.decode("latin-1"),
            raw_agent=_text(agent) if agent is not None else NOT_LOGGED,
            raw_url=_text(words[1]),
            raw_referrer=_text(referrer) if referrer is not None else "",
        )
        return LogLine(time, hit)

    def _read_time(self, when: bytes) -> int | None:
        """Read ``17/May/2015:10:05:03 +0000``: day, clock and zone of Apache's %t."""
        minute, seconds = when[:17] + when[20:], when[18:20]
        if minute != self._minute:
            read = _TIME.fullmatch((when[:17] + when[20:]).decode("latin-1"))
            if read is None or read[2] not in _MONTHS:
                return None
            day, month, year, hour, of_hour, sign, zone_hours, zone_minutes = read.groups()
            shift = int(zone_hours) * 3_600 + int(zone_minutes) * 60
            time = timegm((int(year), _MONTHS[month], int(day), int(hour), int(of_hour), 0))
            self._minute = minute
            self._minute_time = time - shift if sign == "+" else time + shift
        return self._minute_time + int(seconds) if seconds.isdigit() else None


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


def _text(value: bytes) -> str:
    return "" if value == b"-" else value.decode("utf-8", "replace")
