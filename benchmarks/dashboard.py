"""How light and how quick the dashboard is with a year of data: `python -m benchmarks.dashboard`.

The hits of 40 sites over the year up to yesterday (benchmarks/crowd.py) go into a store, which a
`discreet serve` of its own then shows. The busiest site's overview is opened by Chromium with
nothing in its cache and its CPU at a fourth of its speed (`Emulation.setCPUThrottlingRate`).
Printed are the bytes that came over the wire, headers too, and the time from the click until the
page is painted and can be used: `DOMContentLoaded` is over when its script, which is deferred, has
run. Then each report's question is asked of the engine, over 28 days and over a year. All are
medians; exit code 1 when one is over its bound. The crowd sends no events: reports of them are
asked, and answered by nothing.
"""

import argparse
import asyncio
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct
from playwright.sync_api import BrowserContext, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.crowd import Crowd, Shape, policy_text
from collector.plan import make_plan
from collector.reader import Reader
from collector.schema.views import columns_of
from collector.store import Store, open_engine
from dashboards.address.periods import PeriodName, named_period
from dashboards.address.selection import Selection
from dashboards.asking.answering import Asker
from dashboards.reports.declared import question_of, reports_by_id
from dashboards.reports.reading import PAGE_ROWS
from tests.browsing import CHROMIUM_FLAGS
from tests.running import Server

MAX_BYTES = 150_000
MAX_READY_MS = 1_000.0
MAX_QUERY_MS = 100.0

DAYS = 365
ROUNDS = 7
_SLOWER = 4
_ADDRESSES = {
    "28 days": "",
    "12 months": "?period=12m",
    "12 months by day": "?period=12m&grain=day",
}
_PERIODS = (PeriodName.DAYS_28, PeriodName.MONTHS_12)

_READY = """() => {
  const [{ domContentLoadedEventEnd, responseStart }] = performance.getEntriesByType("navigation");
  const [{ startTime }] = performance.getEntriesByName("first-contentful-paint");
  return [Math.max(domContentLoadedEventEnd, startTime), responseStart];
}"""

_PAINTED = """() => performance.getEntriesByName("first-contentful-paint").length"""


class Load(Struct, frozen=True):
    """One first load of a page; times in milliseconds from the click."""

    size: int
    ready: float
    answered: float


class Asked(Struct, frozen=True):
    """A report's question over two periods, in milliseconds."""

    report: str
    times: tuple[float, ...]


def main() -> int:
    """Fill, look, ask, print; 1 when a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--hits", type=int, default=1_000_000, help="of all sites in the year")
    options = parser.parse_args()
    first = datetime.now(UTC).date() - timedelta(days=DAYS)
    crowd = Crowd(Shape(sites=40, days=DAYS, first_day=first.isoformat()))
    with tempfile.TemporaryDirectory() as passing:
        server = Server(Path(passing), policy_text(crowd.shape))
        fill(server.data / "clickhouse", crowd, options.hits)
        with server:
            loads = look(server)
        asked = list(ask(server.data / "clickhouse", crowd))
    return report(loads, asked)


def fill(path: Path, crowd: Crowd, hits: int) -> None:
    """Count the crowd's hits into a new store."""
    path.mkdir(parents=True)
    store = Store.embedded(path)
    store.apply(crowd.policy, make_plan(crowd.policy))
    for day in range(DAYS):
        of_day = hits * (day + 1) // DAYS - hits * day // DAYS
        store.insert(str(day), b"".join(rows for _, rows in crowd.day(day, of_day)))
    engine = open_engine(path)
    # As retention leaves past months: one part of each.
    engine.command("OPTIMIZE TABLE discreet.cells FINAL")
    engine.close()
    store.close()


def look(server: Server) -> dict[str, list[Load]]:
    """Open each address anew, several times over."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or playwright.chromium.executable_path,
            args=list(CHROMIUM_FLAGS),
        )
        context = browser.new_context(viewport={"width": 390, "height": 844})
        page = context.new_page()
        page.goto(f"{server.url}/dashboard")
        [(name, password)] = re.findall(r"login +(\S+) +password (\S+)", server.output)
        page.fill("#name", name)
        page.fill("#password", password)
        with page.expect_navigation():
            page.click("button")
        page.close()
        loads = {
            name: [load(context, f"{server.url}/dashboard{query}") for _ in range(ROUNDS)]
            for name, query in _ADDRESSES.items()
        }
        browser.close()
        return loads


def load(context: BrowserContext, address: str) -> Load:
    """Open a page with an empty cache on a slow CPU."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    sizes: list[int] = []
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    session.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
    page.goto(address, wait_until="networkidle")
    # Nothing left to load is not yet painted: on a busy machine by seconds.
    page.wait_for_function(_PAINTED, polling=100)
    ready, answered = page.evaluate(_READY)
    # Seen once, and not again in 160 loads: a page closed while it was slowed down, and no answer
    # to the session of the next one.
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    session.detach()
    page.close()
    return Load(round(sum(sizes)), ready, answered)


def ask(path: Path, crowd: Crowd) -> Iterator[Asked]:
    """Time the question of each report of the busiest site."""
    reader = Reader.embedded(path)

    async def query(sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        return reader.query(sql, parameters)

    asker = Asker(query, crowd.policy, columns_of, lambda _: ())
    now = datetime.now(UTC).replace(tzinfo=None)
    site = next(iter(crowd.policy.sites.values()))

    async def median_of(name: PeriodName, report_id: str) -> float:
        selection = Selection(site=site, period=named_period(name, now.date()), now=now)
        question = question_of(reports[report_id], selection, limit=PAGE_ROWS)
        times = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            await asker.answer(question)
            times.append(time.perf_counter() - started)
        return statistics.median(times) * 1e3

    reports = reports_by_id(crowd.policy)
    for each in reports:
        yield Asked(each, tuple(asyncio.run(median_of(name, each)) for name in _PERIODS))
    reader.close()


def report(loads: Mapping[str, Sequence[Load]], asked: Sequence[Asked]) -> int:
    """Print medians; 1 when one is over its bound."""
    console = Console(width=100, highlight=False)
    table = Table("overview of", "kB", "answered, ms", "ready, ms", title="First load")
    is_over = False
    for name, found in loads.items():
        size = statistics.median(each.size for each in found)
        ready = statistics.median(each.ready for each in found)
        answered = statistics.median(each.answered for each in found)
        is_over |= size > MAX_BYTES or ready > MAX_READY_MS
        table.add_row(name, f"{size / 1000:.1f}", f"{answered:.0f}", f"{ready:.0f}")
    console.print(table)
    console.print(
        f"bounds {MAX_BYTES / 1000:.0f} kB, {MAX_READY_MS:.0f} ms at {_SLOWER}× slowdown\n"
    )
    table = Table("report", *(f"{name.value}, ms" for name in _PERIODS), title="Questions")
    for each in asked:
        table.add_row(each.report, *(f"{one:.1f}" for one in each.times))
        is_over |= max(each.times) > MAX_QUERY_MS
    console.print(table)
    console.print(f"bound {MAX_QUERY_MS:.0f} ms")
    return int(is_over)


if __name__ == "__main__":
    sys.exit(main())
