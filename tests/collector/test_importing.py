"""A log counts once, in its own time, however often and in however many parts it is imported."""

import gzip
import io
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import convert, msgpack
from msgspec.structs import fields

from anonymizer.hits import SiteId
from collector.clock import DAY_SECONDS
from collector.counted import COUNTED, CountedHit
from collector.importing import MAX_LINE_BYTES, BadLog, LogImport, Report, read_log
from collector.pipeline import Pipeline
from collector.plan import make_plan
from collector.reference import load_agents, load_tables
from collector.regions import HOME
from collector.spool import Spool
from tests.collector.hits import SITE, FillInTurn, make_policy
from tests.collector.log_lines import SAMPLE, log_line

TABLES = load_tables(None)
AGENTS = load_agents()
FIELDS = len(fields(CountedHit))
SMALL_PIECE = 1_000  # bytes: a handful of lines
NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)
LOG = SAMPLE.read_bytes()


class Killed(Exception):
    """The import's process ended here."""


class Importer:
    """Imports logs into one spool, each as a run of the command would."""

    def __init__(self, folder: Path, zone: str = "Europe/Berlin") -> None:
        self.path = folder / "spool.sqlite"
        self._policy = make_policy(zone)

    def run(
        self,
        log: bytes,
        *,
        piece_bytes: int = SMALL_PIECE,
        on_piece: Callable[[Report], None] = lambda _report: None,
        site: SiteId = SITE,
    ) -> Report:
        """Import a log's bytes."""
        pipeline = Pipeline(self._policy, make_plan(self._policy), AGENTS, TABLES, FillInTurn())
        with closing(Spool(self.path)) as spool:
            lines = read_log(io.BufferedReader(io.BytesIO(log)))
            return LogImport(site, pipeline, spool, on_piece, piece_bytes).run(lines)

    def rows(self) -> list[CountedHit]:
        """Return what waits for the store, in order."""
        with closing(sqlite3.connect(self.path)) as spool:
            groups = spool.execute("SELECT hits, rows FROM groups ORDER BY id").fetchall()
        rows: list[CountedHit] = []
        for count, encoded in groups:
            # The rows' values one after the other, as one MessagePack array (array 32).
            values = msgpack.decode(b"\xdd" + (count * FIELDS).to_bytes(4, "big") + encoded)
            firsts = range(0, len(values), FIELDS)
            rows += [convert(values[first : first + FIELDS], CountedHit) for first in firsts]
        return rows

    def counted(self) -> list[CountedHit]:
        """Return the rows of page views, without those that add to an earlier hour's visit."""
        return [row for row in self.rows() if row.reason == COUNTED and row.hits]

    def sums(self) -> Counter[object]:
        """Return what the store would add up: no order, and refusals of a day in one number."""
        sums: Counter[object] = Counter()
        for row in self.rows():
            if row.reason == COUNTED:
                sums[row] += 1
            else:
                sums[row.site, row.door, row.reason, row.hour] += row.hits
        return sums

    def marks(self) -> set[tuple[int, bytes]]:
        """Return how far imports came."""
        with closing(Spool(self.path)) as spool:
            return spool.imported(SITE)


@pytest.fixture
def importer(tmp_path: Path) -> Importer:
    return Importer(tmp_path)


@cache
def sums_of_one_import(log: bytes) -> Counter[object]:
    """Return what one import of the whole log adds."""
    with TemporaryDirectory() as folder:
        whole = Importer(Path(folder))
        whole.run(log)
        return whole.sums()


def local(hit: CountedHit) -> datetime:
    return datetime.fromtimestamp(hit.hour, UTC).replace(tzinfo=None)


# Once


def test_report_says_what_became_of_each_line(importer: Importer) -> None:
    report = importer.run(LOG)

    assert report.lines == len(LOG.splitlines())
    assert report.refused == {
        "static_file": 4,
        "not_get": 2,
        "not_successful": 2,
        "bot": 1,
    }
    assert (report.unreadable, report.first_unreadable) == (4, [10, 14, 15, 27])
    assert report.counted == len(importer.counted()) == 14
    assert report.imported_before == 0


def test_log_imported_again_counts_once(importer: Importer) -> None:
    importer.run(LOG)
    once, marks = importer.sums(), importer.marks()

    report = importer.run(LOG)

    assert importer.sums() == once
    assert importer.marks() == marks
    assert (report.lines, report.imported_before, report.counted) == (27, 27, 0)


def test_log_counts_once_for_each_site(importer: Importer) -> None:
    importer.run(LOG)

    report = importer.run(LOG, site=SiteId("other.example"))

    assert (report.imported_before, report.counted) == (0, 14)


@settings(max_examples=25)
@given(st.lists(st.integers(0, len(LOG)), max_size=3).map(sorted))
def test_log_that_grows_between_imports_equals_one_import(lengths: list[int]) -> None:
    with TemporaryDirectory() as folder:
        grown = Importer(Path(folder))
        for length in lengths:
            grown.run(LOG[:length])
        report = grown.run(LOG)

        assert grown.sums() == sums_of_one_import(LOG)
        assert report.lines == 27


AFTER_AGENT = len(log_line("/1")) + len(log_line("/2")) - 1


@pytest.mark.parametrize(
    ("length", "before"),
    [
        pytest.param(AFTER_AGENT + 1, 2, id="after a newline"),
        pytest.param(AFTER_AGENT, 2, id="before a newline"),
        pytest.param(AFTER_AGENT - 1, 1, id="before the closing quote"),
        pytest.param(AFTER_AGENT - len(" " + '"-" ""') - 70, 1, id="after the size"),
        pytest.param(len(log_line("/1")) + 1, 1, id="after one byte of a line"),
        pytest.param(len(log_line("/1")) - 1, 1, id="before the first newline"),
        pytest.param(30, 0, id="in the first line"),
    ],
)
def test_log_cut_anywhere_and_completed_counts_each_line_once(
    importer: Importer, length: int, before: int
) -> None:
    log = log_line("/1") + log_line("/2") + log_line("/3")

    first = importer.run(log[:length])
    second = importer.run(log)

    assert (first.counted, second.imported_before) == (before, before)
    assert [hit.page for hit in importer.counted()] == ["/1", "/2", "/3"]
    assert importer.sums() == sums_of_one_import(log)
    assert len(log) in {position for position, _ in importer.marks()}


def test_unfinished_last_line_is_told_as_unreadable_each_time(importer: Importer) -> None:
    log = log_line("/1") + log_line("/2")[:-30]

    reports = [importer.run(log), importer.run(log)]

    assert [report.first_unreadable for report in reports] == [[2], [2]]
    assert [report.imported_before for report in reports] == [0, 1]
    assert [report.lines for report in reports] == [2, 2]


@pytest.mark.parametrize("last", [1, 2, 3, 4])
def test_import_that_was_killed_and_run_again_equals_one_import(
    importer: Importer, last: int
) -> None:
    def kill(report: Report) -> None:
        pieces.append(report.lines)
        if len(pieces) == last:
            raise Killed

    pieces: list[int] = []
    with pytest.raises(Killed):
        importer.run(LOG, on_piece=kill)
    report = importer.run(LOG)

    assert report.imported_before == pieces[-1]
    assert importer.sums() == sums_of_one_import(LOG)


def test_visit_that_two_imports_share_stays_one(importer: Importer) -> None:
    first = log_line("/1", NOON)
    importer.run(first)
    importer.run(first + log_line("/2", NOON + timedelta(minutes=5)))

    hits = importer.rows()
    assert [hit.page for hit in hits if hit.hits] == ["/1", "/2"]
    assert sum(hit.visits for hit in hits) == 1
    assert sum(hit.bounces for hit in hits) == 0
    assert sum(hit.seconds for hit in hits) == 300


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(LOG[:-200] + LOG[-200:].replace(b"common", b"c0mmon"), id="same length"),
        pytest.param(LOG + log_line(), id="longer"),
        pytest.param(b"".join(LOG.splitlines(keepends=True)[:-1]) + log_line(), id="another end"),
    ],
)
def test_different_log_with_the_same_beginning_counts_from_where_it_differs(
    importer: Importer, other: bytes
) -> None:
    importer.run(LOG, piece_bytes=10**6)

    report = importer.run(other, piece_bytes=10**6)

    assert report.lines == report.imported_before + report.counted + report.refused.total() + (
        report.unreadable
    )
    assert report.counted >= 1


def test_log_that_differs_in_one_address_is_another_log(importer: Importer) -> None:
    importer.run(log_line(address="192.0.2.1"))

    assert importer.run(log_line(address="192.0.2.2")).counted == 1


def test_pieces_that_two_logs_share_count_once(importer: Importer) -> None:
    beginning = b"".join(log_line(f"/{n}") for n in range(20))
    importer.run(beginning + log_line("/old"))

    report = importer.run(beginning + log_line("/new"))

    assert 0 < report.imported_before < 21
    assert report.counted == 21 - report.imported_before


def test_other_imports_add_no_marks_to_a_log(importer: Importer, tmp_path: Path) -> None:
    for count in range(1, 6):
        importer.run(b"".join(log_line(f"/{count}/{n}") for n in range(count)))
    before = importer.marks()

    importer.run(LOG)

    (tmp_path / "alone").mkdir()
    lone = Importer(tmp_path / "alone")
    lone.run(LOG)
    assert importer.marks() - before == lone.marks()


# In the log's own time


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        ("Europe/Berlin", datetime(2024, 5, 7, 0)),
        ("UTC", datetime(2024, 5, 6, 22)),
        ("America/Los_Angeles", datetime(2024, 5, 6, 15)),
        ("Asia/Kolkata", datetime(2024, 5, 7, 4)),
    ],
)
@pytest.mark.parametrize("offset", [0, -7, 2], ids=["+0000", "-0700", "+0200"])
def test_line_counts_in_the_hour_of_the_sites_clock(
    tmp_path: Path, zone: str, hour: datetime, offset: int
) -> None:
    importer = Importer(tmp_path, zone)
    time = datetime(2024, 5, 6, 22, 59, 59, tzinfo=UTC)

    importer.run(log_line("/a", time.astimezone(timezone(timedelta(hours=offset)))))
    importer.run(log_line("/a.css", time))

    counted, refused = importer.rows()
    assert local(counted) == hour
    assert local(refused) == hour.replace(hour=0)


def test_visit_across_midnight_is_one_visit_of_one_visitor_of_the_first_day(
    importer: Importer,
) -> None:
    midnight = datetime(2024, 5, 6, 22, tzinfo=UTC)  # 00:00 of 7 May in Berlin
    log = b"".join(
        log_line(f"/{minute}", midnight + timedelta(minutes=minute)) for minute in (-20, -5, 10, 25)
    )

    importer.run(log, piece_bytes=1)

    rows = importer.rows()
    visits = {local(row): row.visits for row in rows if row.visits}
    assert visits == {datetime(2024, 5, 6, 23): 1}
    assert {local(row) for row in rows if row.seconds or row.bounces} == {*visits}
    assert sum(row.seconds for row in rows) == 45 * 60
    assert sum(row.firsts & 1 for row in rows) == 1
    assert [local(hit).day for hit in importer.counted()] == [6, 6, 7, 7]


def test_visitor_of_yesterday_who_comes_again_today_is_new(importer: Importer) -> None:
    importer.run(log_line("/", NOON) + log_line("/", NOON + timedelta(days=1)))

    hits = importer.counted()
    assert [(hit.visits, hit.firsts & 1) for hit in hits] == [(1, 1), (1, 1)]


def test_lines_out_of_order_are_of_the_same_visit(importer: Importer) -> None:
    minutes = (0, 2, 1, 4, 3)

    importer.run(
        b"".join(log_line(f"/{minute}", NOON + timedelta(minutes=minute)) for minute in minutes),
        piece_bytes=1,
    )

    hits = importer.rows()
    assert sum(hit.visits for hit in hits) == 1
    assert sum(hit.firsts & 1 for hit in hits) == 1
    assert sum(hit.seconds for hit in hits) == 4 * 60


def test_lines_a_day_out_of_order_find_their_visitors(importer: Importer) -> None:
    times = (NOON, NOON + timedelta(hours=23), NOON + timedelta(minutes=1))

    importer.run(b"".join(log_line("/", time) for time in times), piece_bytes=1)

    assert sum(hit.firsts & 1 for hit in importer.counted()) == 2


def test_line_with_a_date_far_ahead_does_not_make_visitors_new(importer: Importer) -> None:
    ahead = NOON.replace(year=2098)
    times = (NOON, ahead, NOON + timedelta(minutes=1), NOON + timedelta(minutes=2))

    importer.run(b"".join(log_line("/", time) for time in times), piece_bytes=400)

    days = Counter(local(hit).year for hit in importer.counted() if hit.firsts & 1)
    assert days == {2024: 1, 2098: 1}


def test_days_that_are_over_leave_the_memory(importer: Importer) -> None:
    policy = make_policy()
    pipeline = Pipeline(policy, make_plan(policy), AGENTS, TABLES, FillInTurn())
    log = [log_line("/", NOON + timedelta(days=day)) for day in range(10)]
    in_memory: list[int] = []

    with closing(Spool(importer.path)) as spool:
        LogImport(
            SITE,
            pipeline,
            spool,
            lambda _report: in_memory.append(len(list(pipeline._lines[HOME].memory.days()))),
            piece_bytes=1,
        ).run(log)

    assert max(in_memory) == 2


# Bytes


@settings(max_examples=40)
@given(st.lists(st.one_of(st.binary(max_size=300), st.sampled_from(LOG.splitlines())), max_size=8))
def test_every_line_of_arbitrary_bytes_is_accounted_for(parts: list[bytes]) -> None:
    log = b"\n".join(parts)
    with TemporaryDirectory() as folder:
        report = Importer(Path(folder)).run(log, piece_bytes=10**6)

    if not log.startswith(b"\x1f\x8b"):
        assert report.lines == len(log.split(b"\n")) - (log[-1:] in (b"\n", b""))
    assert report.lines == report.counted + report.refused.total() + report.unreadable


def test_page_that_no_url_can_be_made_of_is_unreadable(importer: Importer) -> None:
    log = log_line("/ok") + log_line("about:blank") + log_line("/" + "x" * 5_000)

    report = importer.run(log)

    assert (report.counted, report.unreadable, report.first_unreadable) == (1, 2, [2, 3])


def test_only_the_first_unreadable_lines_are_numbered(importer: Importer) -> None:
    report = importer.run(b"\n" * 5_000)

    assert (report.unreadable, report.first_unreadable) == (5_000, [1, 2, 3, 4, 5])


def test_compressed_log_is_the_same_log(importer: Importer) -> None:
    importer.run(LOG)

    assert importer.run(gzip.compress(LOG)).imported_before == 27


def test_parts_compressed_one_by_one_are_one_log(importer: Importer) -> None:
    importer.run(LOG)

    assert importer.run(gzip.compress(LOG[:777]) + gzip.compress(LOG[777:])).imported_before == 27


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda packed: packed[:-20], id="cut"),
        pytest.param(lambda packed: packed[:300] + bytes(50) + packed[350:], id="overwritten"),
        pytest.param(lambda packed: packed[:-8] + bytes(8), id="wrong checksum"),
        pytest.param(lambda packed: packed + b"rest", id="more after its end"),
        pytest.param(lambda packed: packed[:2], id="beginning alone"),
    ],
)
def test_damaged_gz_counts_nothing_and_once_when_mended(
    importer: Importer, damage: Callable[[bytes], bytes]
) -> None:
    packed = gzip.compress(LOG)

    with pytest.raises(BadLog, match=r"the \.gz file is damaged"):
        importer.run(damage(packed))

    assert importer.rows() == []
    assert importer.run(packed).counted == 14


@pytest.mark.parametrize("length", [MAX_LINE_BYTES - 1, MAX_LINE_BYTES, MAX_LINE_BYTES * 8 + 5])
def test_line_that_is_too_long_is_one_line(importer: Importer, length: int) -> None:
    log = log_line("/1") + b"x" * length + b"\n" + log_line("/2")

    report = importer.run(log)

    assert (report.lines, report.counted, report.first_unreadable) == (3, 2, [2])
    assert importer.run(log).imported_before == 3


def test_line_that_grew_too_long_counts_once(importer: Importer) -> None:
    line = log_line("/1")[:-1] + b" " * MAX_LINE_BYTES * 2

    first = importer.run(line)
    second = importer.run(line + b"\n" + log_line("/2"))

    assert (first.counted, second.imported_before, second.counted) == (1, 1, 1)


def test_marks_hold_no_plain_hash_of_the_log(importer: Importer) -> None:
    """A fast hash of a one-line log would give its address to whoever tries all of IPv4."""
    importer.run(log_line())

    ((position, mark),) = importer.marks()
    assert position == len(log_line())
    assert len(mark) == 16


def test_pieces_follow_one_another_without_gap(importer: Importer) -> None:
    lines: list[int] = [0]
    importer.run(LOG, on_piece=lambda report: lines.append(report.lines))

    assert lines[-1] == 27
    assert all(before < after for before, after in pairwise(lines))
    assert all(row.hour % DAY_SECONDS == 0 for row in importer.rows() if row.reason != COUNTED)
