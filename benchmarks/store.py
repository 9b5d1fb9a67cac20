"""What the counters of many hits weigh and how soon they answer: `python -m benchmarks.store`.

The hits of 200 sites over a year (benchmarks/crowd.py) go through the inbox, and each month that is
over through the retention that a server runs by night (benchmarks/filling.py). Beside the counters
stands a table of raw events in the same engine, filled by the same rows (benchmarks/raw_events.py).
Printed are the bytes per million hits of both, and how long the dashboard's own queries take for
the busiest site, beside the same questions asked of the raw events. Seconds of filling are of
processors, those of the engine's threads and merges with them, so that other work beside matters
little.

    python -m benchmarks.store                               2,000,000 hits
    python -m benchmarks.store --hits 100000000 --data DIR   fills DIR, or asks what it holds

A run with `--data` that was stopped, or killed, goes on where it stood when it is called again.
"""

import argparse
import asyncio
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from benchmarks.crowd import Crowd, Shape
from benchmarks.filled import WrongFolder, read_filled
from benchmarks.filling import fill
from benchmarks.raw_events import raw_query
from collector.reader import Reader
from collector.schema.views import columns_of
from collector.store import StoreFailed, open_engine
from dashboards.address.periods import Grain, Period, PeriodName
from dashboards.address.selection import Selection
from dashboards.asking.answering import Asker
from dashboards.asking.metrics import Metric
from dashboards.asking.question import Question
from dashboards.reports.declared import question_of, reports_by_id

FIRST_DAY = date(2025, 1, 1)
DAYS = 365
SITE = "site-0.example"  # the busiest, with a sixth of all hits
REPEATS = 7
BOUNDS = {30: 50.0, 365: 150.0}  # milliseconds, by days

_FIGURES = (
    Metric.VISITORS,
    Metric.VISITS,
    Metric.VIEWS,
    Metric.BOUNCE_RATE,
    Metric.VISIT_DURATION,
    Metric.VIEWS_PER_VISIT,
)
_REPORTS = (
    "pages",
    "entry_pages",
    "exit_pages",
    "sources",
    "channels",
    "referrers",
    "campaigns",
    "countries",
    "languages",
    "devices",
    "browsers",
    "systems",
    "screens",
    "coverage",
)


class Took(Struct, frozen=True, order=True):
    """Milliseconds by the clock, and of processors, which other work beside changes less."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:.1f} / {self.processor:.1f}"


class Answered(Struct, frozen=True):
    """One query's median, and that of the same question asked of the raw events."""

    days: int
    name: str
    took: Took
    raw: Took | None


def main() -> int:
    """Fill the store, ask it, print what came out; 1 when a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--hits", type=int, default=2_000_000, help="all of a year")
    parser.add_argument("--data", type=Path, help="where the engine's files stay")
    parser.add_argument("--hours", type=float, default=math.inf, help="then stop filling")
    parser.add_argument("--load-first", action="store_true", help="fold once all is loaded")
    parser.add_argument("--as-it-stands", action="store_true", help="ask it before it is whole")
    options = parser.parse_args()
    crowd = Crowd(Shape(days=DAYS, first_day=FIRST_DAY.isoformat()))
    until = time.monotonic() + options.hours * 3_600
    with tempfile.TemporaryDirectory() as passing:
        folder = options.data or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            filled = read_filled(folder, options.hits)
            if not (filled.is_whole or options.as_it_stands):
                fill(folder, crowd, filled, until=until, load_first=options.load_first)
            print(f"{filled.told()}\n")
            if filled.is_whole or options.as_it_stands:
                return run(folder, crowd.policy, filled.folded)
        except (WrongFolder, StoreFailed) as error:
            parser.error(str(error))
        except KeyboardInterrupt:
            return 130
    print("not whole yet: call it again with the same --hits and --data")
    return 0


def run(folder: Path, policy: Policy, folded: int) -> int:
    """Report on the store in `folder`."""
    path = folder / "clickhouse"
    client = open_engine(path)
    weigh(client, folded)
    return report(asyncio.run(ask_all(Reader.embedded(path), client, policy)))


def weigh(client: Client, folded: int) -> None:
    """Print rows and bytes of counters and raw events by month, the first `folded` of them folded.

    A month that is not folded weighs several times as much.
    """
    hits = {
        str(month): int(of_month)
        for month, of_month in client.query(
            "SELECT toString(toYYYYMM(day)) AS month, sum(hits) FROM coverage"
            " WHERE reason = 'counted' GROUP BY month ORDER BY month"
        ).result_rows
    }
    found = {
        (str(name), str(month)): (int(rows), int(size))
        for name, month, rows, size in client.query(
            "SELECT table, right(partition_id, 6) AS month, sum(rows), sum(bytes_on_disk)"
            " FROM system.parts WHERE active"
            " AND (database, table) IN (('discreet', 'cells'), ('raw', 'events'))"
            " GROUP BY table, month"
        ).result_rows
    }
    table = Table(
        *("", "hits", "counters", "MB", "a million", "raw events", "MB", "a million", "ratio"),
        title="At rest: rows, MB, MB a million hits; a ratio is of bytes",
    )
    for number, month in enumerate(hits):
        title = month if number < folded else f"{month}, not folded"
        table.add_row(title, *_weights(hits, found, [month]), end_section=number + 1 == len(hits))
    table.add_row("together", *_weights(hits, found, list(hits)))
    Console(width=110, highlight=False).print(table)


def _weights(
    hits: Mapping[str, int],
    found: Mapping[tuple[str, str], tuple[int, int]],
    months: Sequence[str],
) -> Iterator[str]:
    of_months = sum(hits[month] for month in months)
    yield f"{of_months:,}"
    sizes = []
    for name in ("cells", "events"):
        parts = [found.get((name, month), (0, 0)) for month in months]
        rows, size = (sum(of) for of in zip(*parts, strict=True))
        sizes.append(size)
        yield from (f"{rows:,}", f"{size / 1e6:,.0f}", f"{size / of_months:.2f}")
    yield f"{sizes[0] / sizes[1]:.2f}"


async def ask_all(reader: Reader, client: Client, policy: Policy) -> list[Answered]:
    """Time each of the dashboard's queries over 30 days and a year, and those of raw events."""

    async def query(sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        return reader.query(sql, parameters)

    asker = Asker(query, policy, columns_of, lambda _: ())
    end = FIRST_DAY + timedelta(days=DAYS - 1)
    answered = []
    for days in BOUNDS:
        period = Period(PeriodName.CUSTOM, end - timedelta(days=days - 1), end)
        for name, question in _asked(period, policy).items():
            took = await _median_of(partial(asker.answer, question))
            raw = raw_query(name)
            took_raw = None
            if raw:
                bound = {
                    "start": period.span.start.isoformat(" "),
                    "end": period.span.end.isoformat(" "),
                }

                async def ask_raw(sql: str = raw, bound: Mapping[str, str] = bound) -> object:
                    return client.query(sql, parameters=dict(bound)).result_rows

                took_raw = await _median_of(ask_raw)
            answered.append(Answered(days, name, took, took_raw))
    return answered


def _asked(period: Period, policy: Policy) -> dict[str, Question]:
    """Return what the dashboard asks of the busiest site, by the names of its reports."""
    now = period.span.end - timedelta(hours=1)
    selection = Selection(site=policy.sites[SiteId(SITE)], period=period, now=now)
    reports = reports_by_id(policy)
    total = Question(selection.site, period, now.date(), _FIGURES)
    return {
        "traffic_total": total,
        "traffic_by_day": replace(total, grain=Grain.DAY, limit=DAYS),
        **{name: question_of(reports[name], selection, limit=10) for name in _REPORTS},
    }


async def _median_of(ask: Callable[[], Awaitable[object]]) -> Took:
    clock, processor = [], []
    for _ in range(REPEATS):
        started = time.perf_counter(), time.process_time()
        await ask()
        clock.append(time.perf_counter() - started[0])
        processor.append(time.process_time() - started[1])
    return Took(statistics.median(clock) * 1e3, statistics.median(processor) * 1e3)


def report(answers: Sequence[Answered]) -> int:
    """Print the medians; 1 when the median query of a range is slower than its bound."""
    table = Table(
        *("days", "query", "ms", "raw events, ms", "times as much"),
        title=f"{SITE}, medians, by the clock / of processors",
    )
    for each in answers:
        table.add_row(
            str(each.days),
            each.name,
            str(each.took),
            "" if each.raw is None else str(each.raw),
            "" if each.raw is None else f"{each.took.processor / each.raw.processor:.1f}",
        )
    Console(width=100, highlight=False).print(table)
    missed = 0
    for days, bound in BOUNDS.items():
        took = [each.took for each in answers if each.days == days]
        median = statistics.median(each.clock for each in took)
        processor = statistics.median(each.processor for each in took)
        missed |= median > bound
        print(
            f"{days} days: median {median:.1f} ms (bound {bound:.0f}), {processor:.1f} ms of"
            f" processors; slowest {max(took).clock:.1f} ms"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
