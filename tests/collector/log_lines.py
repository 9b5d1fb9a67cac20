"""Lines of access logs for tests, and where the real log lies."""

from datetime import UTC, datetime
from pathlib import Path

from tests.running import FIREFOX

REAL_LOG = Path(__file__).parents[2].parent / "shared/data/access-combined-10k.log"
"""10,000 lines of a real site, May 2015. Its tests fail where it is missing."""

SAMPLE = Path(__file__).parent / "testdata/access-sample.log"
"""Made up: three local days in May 2024, every line by hand."""


def log_line(
    page: str = "/a",
    time: datetime = datetime(2024, 5, 6, 12, tzinfo=UTC),
    *,
    address: str = "192.0.2.1",
    status: int = 200,
    method: str = "GET",
    referrer: str = "-",
    agent: str = FIREFOX,
) -> bytes:
    """Return a line of the combined format, with its newline; its zone is that of `time`."""
    return (
        f"{address} - - [{time:%d/%b/%Y:%H:%M:%S %z}]"
        f' "{method} {page} HTTP/1.1" {status} 512 "{referrer}" "{agent}"\n'
    ).encode()
