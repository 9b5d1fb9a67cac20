"""`discreet import` as its user meets it: a real process, the real engine, a real log."""

import gzip
import os
import pty
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
import user_agents

from tests.collector.hits import make_policy
from tests.collector.log_lines import REAL_LOG, SAMPLE, log_line
from tests.running import POLICY, discreet, refusal_of, stored_cells

REAL_LINES = 10_000
VIEWS = tuple(statistic.name for statistic in make_policy().statistics)


class Directory:
    """A data directory that logs are imported into."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.policy = folder / "policy.toml"
        self.policy.write_text(POLICY)

    def arguments(self, log: Path | str) -> tuple[str | Path, ...]:
        """Return the command line of an import."""
        options = ("--site", "example.org", "--policy", self.policy, "--data", self.data)
        return ("import", log, *options)

    def take(self, log: Path | str, stdin: bytes = b"") -> str:
        """Import a log and return the report."""
        done = discreet(*self.arguments(log), stdin=stdin)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode()

    def query(self, sql: str) -> list[list[str]]:
        """Return the rows that `discreet query` prints."""
        done = discreet("query", "--data", self.data, sql)
        assert (done.returncode, done.stderr) == (0, b"")
        return [line.split("\t") for line in done.stdout.decode().splitlines()]

    def views(self) -> list[list[str]]:
        """Return every row of every view."""
        rows = " UNION ALL ".join(
            f"SELECT '{view}' AS view, toString(tuple(*)) AS cells FROM {view}" for view in VIEWS
        )
        return self.query(f"SELECT * FROM ({rows}) ORDER BY view, cells")


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path)


@pytest.fixture(scope="module")
def sample_views(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Return every view after one import of the sample."""
    directory = Directory(tmp_path_factory.mktemp("sample"))
    directory.take(SAMPLE)
    return directory.views()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Directory, str]:
    """Import the real log once; return the directory and the report."""
    directory = Directory(tmp_path_factory.mktemp("real"))
    return directory, directory.take(REAL_LOG)


def figures(report: str) -> dict[str, int]:
    """Return the numbers of a report by their words."""
    found = re.findall(r"^ *([a-z_ ]+?) +([\d,]+)(?:   .*)?$", report, re.MULTILINE)
    return {words: int(number.replace(",", "")) for words, number in found}


# The real log, against a count made apart from the product's code


# Machines among the log's 558 agents that user_agents doesn't call bots, found by reading them.
MORE_BOTS = (
    "360Spider", "Spinn3r", "slurp", "Chef Client", "CommaFeed", "Digg Feed Fetcher", "Embedly",
    "FeedBurner", "Feedbin", "Feedfetcher-Google", "Feedly", "FlipboardProxy", "FlipboardRSS",
    "Google Desktop", "HTTP_Request2", "Indy Library", "LWP::Simple", "Link Validator",
    "PhantomJS", "SimplePie", "SiteExplorer", "Tiny Tiny RSS", "UniversalFeedParser", "Wget",
    "binlar", "curl/", "distilator", "libfetch", "python-requests", "theoldreader",
)  # fmt: skip


@cache
def is_bot(agent: str) -> bool:
    return (
        agent in ("", "-", "Mozilla/5.0", "Ruby")
        or user_agents.parse(agent).is_bot
        or any(name in agent for name in MORE_BOTS)
    )


def plain_page(target: str) -> str:
    # No page of this log holds an identifier: its long numbers are dates, which stay.
    return "/" + "/".join(name for name in target.partition("?")[0].split("/") if name)


def plain_count(log: str) -> tuple[Counter[str], Counter[str]]:
    """Count the pages and the fates of a combined log's lines, by splitting at quotes."""
    documented = (Path(__file__).parents[2] / "docs/import.md").read_text()
    words = documented.partition("<!-- static endings -->")[2].partition("<!-- end -->")[0]
    endings = tuple(f".{word}" for word in words.split())
    pages: Counter[str] = Counter()
    fates: Counter[str] = Counter()
    for line in log.splitlines():
        parts = line.split('"')
        if len(parts) != 7:
            fates["unreadable"] += 1
            continue
        method, target, _ = parts[1].split(" ")
        status = parts[2].split()[0]
        if method != "GET":
            fates["not_get"] += 1
        elif not status.startswith("2") and status != "304":
            fates["not_successful"] += 1
        elif target.partition("?")[0].rpartition("/")[2].lower().endswith(endings):
            fates["static_file"] += 1
        elif is_bot(parts[5]):
            fates["bot"] += 1
        else:
            fates["counted"] += 1
            pages[plain_page(target)] += 1
    return pages, fates


def test_every_line_of_the_real_log_is_counted_refused_or_unreadable(
    real: tuple[Directory, str],
) -> None:
    directory, report = real

    coverage = {
        reason: int(hits)
        for reason, hits in directory.query(
            "SELECT reason, sum(hits) FROM coverage WHERE door = 'log' GROUP BY reason"
        )
    }
    said = figures(report)
    assert sum(coverage.values()) + said["unreadable"] == REAL_LINES == said["lines read"]
    assert directory.query("SELECT sum(views) FROM traffic") == [[str(coverage["counted"])]]
    assert said["counted"] == coverage.pop("counted")
    assert said["refused"] == sum(coverage.values())
    assert {reason: said[reason] for reason in coverage} == coverage


def test_fates_of_the_real_lines_equal_an_independent_count(real: tuple[Directory, str]) -> None:
    directory, report = real
    _, fates = plain_count(REAL_LOG.read_text())

    coverage = directory.query("SELECT reason, sum(hits) FROM coverage GROUP BY reason")
    assert {reason: int(hits) for reason, hits in coverage} | {"unreadable": 1} == fates
    assert "unreadable                 1   (line 8899)" in report


def test_pages_of_the_real_log_equal_an_independent_count(real: tuple[Directory, str]) -> None:
    directory, _ = real
    pages, _ = plain_count(REAL_LOG.read_text())

    views = directory.query("SELECT page, sum(views) FROM pages GROUP BY page")
    assert {page: int(count) for page, count in views} == pages


def test_hours_of_the_real_log_equal_those_of_its_lines(real: tuple[Directory, str]) -> None:
    directory, _ = real
    log = REAL_LOG.read_text().splitlines(keepends=True)
    hours: Counter[str] = Counter()
    for line in log:
        if plain_count(line)[1]["counted"]:
            logged = datetime.strptime(line.partition("[")[2][:20], "%d/%b/%Y:%H:%M:%S")
            hours[f"{logged + timedelta(hours=2):%Y-%m-%d %H:00:00}"] += 1  # Berlin, in May

    views = directory.query("SELECT hour, sum(views) FROM traffic GROUP BY hour")
    assert {hour: int(count) for hour, count in views} == hours


def test_nothing_of_the_real_visitors_is_in_the_data_directory(
    real: tuple[Directory, str],
) -> None:
    directory, _ = real
    secrets = set()
    for line in REAL_LOG.read_text().splitlines():
        parts = line.split('"')
        address, agent = line.split(" ")[0], parts[5]
        # Networks are kept as 192.0.2.0/24, so that an address ending in .0 is its network's name.
        if not address.endswith(".0"):
            secrets.add(address)
        # Shorter ones are names such as "Feedly"; every real browser's is longer.
        if len(agent) > 20:
            secrets |= {agent, agent[:60]}
        for url in (parts[1].split(" ")[1], parts[3]):
            query = url.partition("?")[2]
            if len(query) > 12:
                secrets.add(query)
    assert len(secrets) > 2_500
    patterns = [form for text in secrets for form in _forms(text.encode())]

    # In files the engine's compression may hide a text, so its tables are read as well.
    told = stored_cells(directory.data)
    assert told.count(b"\n") > 1_000
    kept = [file.read_bytes() for file in directory.data.rglob("*") if file.is_file()]
    assert len(kept) > 20
    for content in (told, *kept):
        assert [pattern for pattern in patterns if pattern in content] == []


def _forms(text: bytes) -> Iterator[bytes]:
    yield text
    yield text.hex().encode()
    yield text.hex().upper().encode()


# Once


def test_real_log_imported_again_counts_once(real: tuple[Directory, str]) -> None:
    directory, _ = real
    once = directory.views()

    report = figures(directory.take(REAL_LOG))

    assert directory.views() == once
    assert (report["imported before"], report["counted"]) == (REAL_LINES, 0)


@pytest.mark.parametrize(
    "length",
    [
        pytest.param(SAMPLE.stat().st_size // 2, id="in the middle of a line"),
        pytest.param(SAMPLE.read_bytes().index(b"07/May/2024:00:05"), id="at midnight, in a line"),
        pytest.param(SAMPLE.read_bytes().index(b'"\n192.0.2.77') + 1, id="before a newline"),
        pytest.param(SAMPLE.read_bytes().index(b"\n192.0.2.77") + 1, id="after a newline"),
    ],
)
def test_log_that_has_grown_equals_one_import(
    directory: Directory, tmp_path: Path, sample_views: list[list[str]], length: int
) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(SAMPLE.read_bytes()[:length])
    directory.take(log)
    log.write_bytes(SAMPLE.read_bytes())

    report = figures(directory.take(log))

    assert report["imported before"] >= 11
    assert directory.views() == sample_views


def test_gz_and_standard_input_equal_the_plain_file(
    directory: Directory, tmp_path: Path, sample_views: list[list[str]]
) -> None:
    packed = tmp_path / "access.log.gz"
    packed.write_bytes(gzip.compress(SAMPLE.read_bytes()))

    report = directory.take(packed)
    assert directory.views() == sample_views
    assert figures(report)["counted"] == 14

    for stdin in (SAMPLE.read_bytes(), packed.read_bytes()):
        assert figures(directory.take("-", stdin))["imported before"] == 27
    assert directory.views() == sample_views


def shifted(days: int) -> bytes:
    """Return the real log, `days` days later."""
    log = REAL_LOG.read_bytes()
    for day in (17, 18, 19, 20):
        date = datetime(2015, 5, day, tzinfo=UTC)
        log = log.replace(f"{date:%d/%b/%Y}".encode(), f"<{day}>".encode())
    for day in (17, 18, 19, 20):
        date = datetime(2015, 5, day, tzinfo=UTC) + timedelta(days=days)
        log = log.replace(f"<{day}>".encode(), f"{date:%d/%b/%Y}".encode())
    return log


def marks(directory: Directory) -> int:
    """Return how many pieces the running import has put into its spool."""
    spool = directory.data / "spool.sqlite"
    if not spool.exists():
        return 0
    with closing(sqlite3.connect(f"file:{spool}?mode=ro", uri=True)) as database:
        try:
            return int(database.execute("SELECT count(*) FROM imported").fetchone()[0])
        except sqlite3.OperationalError:  # the table is not made yet
            return 0


def test_killed_import_run_again_equals_one_import(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b"".join(shifted(4 * turn) for turn in range(8)))
    (tmp_path / "killed").mkdir()
    killed = Directory(tmp_path / "killed")
    (tmp_path / "clean").mkdir()
    clean = Directory(tmp_path / "clean")

    for pieces in (1, 3):
        process = subprocess.Popen(
            [sys.executable, "-m", "collector.cli", *map(str, killed.arguments(log))],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while marks(killed) < pieces and process.poll() is None and time.monotonic() < deadline:
            os.sched_yield()
        process.kill()
        assert process.wait() == -9
        assert pieces <= marks(killed) < 5
    killed.take(log)
    clean.take(log)

    assert killed.views() == clean.views()
    assert clean.query("SELECT sum(hits) FROM coverage") == [[str(8 * (REAL_LINES - 1))]]


def test_log_of_ten_years_can_be_imported(directory: Directory) -> None:
    log = b"".join(
        log_line("/", datetime(2010, 1, 1, 12, tzinfo=UTC) + timedelta(days=30 * month))
        for month in range(120)
    )

    report = figures(directory.take("-", log))

    assert report["counted"] == 120
    assert directory.query("SELECT sum(views), sum(visitors) FROM traffic") == [["120", "120"]]


# What the user reads


def test_report_tells_what_became_of_the_lines(directory: Directory) -> None:
    report = directory.take(SAMPLE)

    body, _, last = report.rstrip("\n").rpartition("\n")
    assert body.splitlines() == [
        "lines read                27",
        "counted                   14",
        "  over_time               14   (older than keep_days: retention removes them)",
        "refused                    9",
        "  static_file              4",
        "  not_get                  2",
        "  not_successful           2",
        "  bot                      1",
        "unreadable                 4   (line 10, 14, 15, 27)",
    ]
    assert re.fullmatch(r"lines per second +[\d,]+", last)


def test_long_list_of_unreadable_lines_is_cut(directory: Directory) -> None:
    report = directory.take("-", log_line() + b"?\n" * 9)

    assert "unreadable                 9   (line 2, 3, 4, 5, 6, …)\n" in report


def test_empty_log_is_no_error(directory: Directory) -> None:
    assert figures(directory.take("-", b""))["lines read"] == 0


def test_site_may_be_written_in_capitals(directory: Directory) -> None:
    options = ("--policy", directory.policy, "--data", directory.data)

    assert discreet("import", SAMPLE, "--site", "EXAMPLE.ORG", *options).returncode == 0


def test_import_without_a_policy_says_which_it_takes_and_remembers_it(tmp_path: Path) -> None:
    command = ("import", SAMPLE, "--site", "shop.example", "--data", tmp_path / "data")

    first, second = discreet(*command), discreet(*command)

    assert first.returncode == second.returncode == 0
    assert b"the shipped default counts shop.example in UTC" in first.stderr
    assert second.stderr == b""
    assert figures(second.stdout.decode())["imported before"] == 27


def test_progress_is_shown_on_a_terminal(directory: Directory) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "collector.cli", *map(str, directory.arguments(SAMPLE))],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # EIO: the process closed its side
        pass
    os.close(ours)
    report, _ = process.communicate()

    assert process.returncode == 0
    assert "importing" in shown.decode()
    assert "100%" in shown.decode()
    assert "27 lines" in shown.decode()
    assert b"\x1b" not in report


# Bad input


def damaged_gz(folder: Path) -> Path:
    log = folder / "damaged.gz"
    log.write_bytes(gzip.compress(SAMPLE.read_bytes())[:-9])
    return log


@pytest.mark.parametrize(
    ("log", "message"),
    [
        pytest.param("missing.log", "missing.log: No such file or directory", id="missing"),
        pytest.param(".", ": Is a directory", id="directory"),
        pytest.param(
            "damaged.gz", "damaged.gz: the .gz file is damaged or ends early", id="damaged .gz"
        ),
    ],
)
def test_log_that_cannot_be_read_is_told_in_one_line(
    directory: Directory, tmp_path: Path, log: str, message: str
) -> None:
    damaged_gz(tmp_path)

    assert refusal_of(*directory.arguments(tmp_path / log)).endswith(message)


def test_damaged_gz_on_standard_input_is_told_in_one_line(
    directory: Directory, tmp_path: Path
) -> None:
    refusal = refusal_of(*directory.arguments("-"), stdin=damaged_gz(tmp_path).read_bytes())

    assert refusal == "-: the .gz file is damaged or ends early"


def test_missing_log_leaves_no_data_directory(directory: Directory, tmp_path: Path) -> None:
    discreet(*directory.arguments(tmp_path / "missing.log"))

    assert not directory.data.exists()


# Root may read everything while it has these two (capability.h: DAC_OVERRIDE, DAC_READ_SEARCH).
_WITHOUT_ROOTS_RIGHTS = """
import ctypes, os, sys
for capability in (1, 2):
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "collector.cli", *sys.argv[1:]])
"""


def test_log_without_permission_is_told_in_one_line(directory: Directory, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(SAMPLE.read_bytes())
    log.chmod(0)

    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_ROOTS_RIGHTS, *map(str, directory.arguments(log))],
        capture_output=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.decode() == f"discreet: {log}: Permission denied\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("--site", "other.example"), "has no such site", id="unknown site"),
        pytest.param(("--site", ""), "has no such site", id="empty site"),
        pytest.param(("--policy", "/nowhere.toml"), "No such file", id="no policy file"),
        pytest.param(("--data", "/proc/nowhere"), "No such file", id="data directory"),
        pytest.param(("--countries", "/nowhere.mmdb"), "nowhere.mmdb", id="no country file"),
    ],
)
def test_bad_option_is_told_in_one_line(
    directory: Directory, options: tuple[str, str], message: str
) -> None:
    assert message in refusal_of(*directory.arguments(SAMPLE), *options)


def test_site_that_is_no_host_name_is_told_in_one_line(tmp_path: Path) -> None:
    refusal = refusal_of("import", SAMPLE, "--site", 'a"\n[[site]]', "--data", tmp_path / "data")

    assert refusal == "--site: must be a host name in ASCII"
