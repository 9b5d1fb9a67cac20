"""What the counters of many hits weigh and how soon they answer: `python -m benchmarks.store`.

The hits of 200 sites over a year (benchmarks/crowd.py) go through the inbox, each month followed
by the retention that a server runs by night. Beside the counters stands a table of raw events in
the same engine, filled by the same rows: one row a hit, with the id of a visitor and of a visit,
its columns, codecs and order those of Plausible's `events_v2` as far as the rows have them.
Printed are the bytes per million hits of both, and how long the dashboard's own queries take for
the busiest site, beside the same questions asked of the raw events. Seconds of filling are of
processors, those of the engine's threads and merges with them, so that other work beside matters
little.

    python -m benchmarks.store                      2,000,000 hits
    python -m benchmarks.store --hits 100000000 --data DIR   fills DIR, or asks what it holds
"""

import argparse
import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from benchmarks.crowd import Crowd, Shape
from collector.plan import make_plan
from collector.reader import Reader
from collector.retention.job import run_retention
from collector.retention.last_run import LastRun
from collector.schema.views import columns_of
from collector.store import Store, open_engine
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

_RAW = (
    "CREATE DATABASE IF NOT EXISTS raw",
    "CREATE TABLE IF NOT EXISTS raw.inbox AS discreet.inbox ENGINE = Null",
    """CREATE TABLE IF NOT EXISTS raw.events (
        timestamp DateTime('UTC') CODEC(Delta(4), LZ4), name LowCardinality(String),
        site_id UInt64, user_id UInt64, session_id UInt64, hostname String CODEC(ZSTD(3)),
        pathname String CODEC(ZSTD(3)), referrer String CODEC(ZSTD(3)),
        referrer_source String CODEC(ZSTD(3)), country_code LowCardinality(FixedString(2)),
        screen_size LowCardinality(String), operating_system LowCardinality(String),
        browser LowCardinality(String), utm_medium String CODEC(ZSTD(3)),
        utm_source String CODEC(ZSTD(3)), utm_campaign String CODEC(ZSTD(3))
    ) ENGINE = MergeTree PARTITION BY toYYYYMM(timestamp)
    ORDER BY (site_id, toDate(timestamp), user_id, timestamp)""",
    # Rows hold no id, so what a visitor's rows have in common stands for one.
    """CREATE MATERIALIZED VIEW IF NOT EXISTS raw.into_events TO raw.events AS SELECT
        hour + rand() % 3600 AS timestamp, 'pageview' AS name,
        toUInt64(extract(site, '[0-9]+')) AS site_id,
        cityHash64(site, toDate(hour), network, browser, os, country) AS user_id,
        cityHash64(user_id, hour, entry_page, source) AS session_id, site AS hostname,
        page AS pathname, if(referrer = '', '', concat('https://', referrer, '/')) AS referrer,
        if(source = '(direct)', '', source) AS referrer_source, country AS country_code,
        screen AS screen_size, os AS operating_system, browser, campaign_medium AS utm_medium,
        campaign_source AS utm_source, campaign AS utm_campaign
    FROM raw.inbox WHERE views > 0""",
)
_RAW_WHERE = (
    "FROM raw.events WHERE site_id = 0"
    " AND timestamp >= {start:DateTime('UTC')} AND timestamp < {end:DateTime('UTC')}"
)
_RAW_QUERIES = {
    "traffic_total": f"SELECT uniq(user_id), uniq(session_id), count() {_RAW_WHERE}",
    "traffic_by_day": (
        f"SELECT toDate(timestamp) AS day, uniq(user_id), count() {_RAW_WHERE} GROUP BY day"
    ),
}
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
_RAW_LISTS = {
    "pages": "pathname",
    "sources": "referrer_source",
    "countries": "country_code",
    "devices": "screen_size",
}


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
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        return run(options.data or Path(passing), options.hits)


def run(folder: Path, hits: int) -> int:
    """Fill the store in `folder` with `hits` hits where it is new, and report on it."""
    crowd = Crowd(Shape(days=DAYS, first_day=FIRST_DAY.isoformat()))
    path = folder / "clickhouse"
    is_new = not path.exists()
    client = open_engine(path)
    if is_new:
        fill(client, crowd, hits)
    weigh(client)
    answers = asyncio.run(ask_all(Reader.embedded(path), client, crowd.policy))
    return report(answers)


def fill(client: Client, crowd: Crowd, hits: int) -> None:
    """Send a year's hits through both inboxes, day by day, and fold each month when it is over."""
    store = Store(client)
    store.apply(crowd.policy, make_plan(crowd.policy))
    for statement in _RAW:
        client.command(statement)
    last: LastRun | None = None
    counted = kept = folded = 0.0
    began = time.perf_counter()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ) as progress:
        bar = progress.add_task("hits", total=hits)
        for number in range(DAYS):
            day = FIRST_DAY + timedelta(days=number)
            of_day = hits * (number + 1) // DAYS - hits * number // DAYS
            rows = b"".join(part for _, part in crowd.day(number, of_day))
            started = time.process_time()
            store.insert(day.isoformat(), rows)
            counted += time.process_time() - started
            started = time.process_time()
            client.raw_insert("raw.inbox", insert_block=rows, fmt="MsgPack")
            kept += time.process_time() - started
            progress.advance(bar, of_day)
            if (day + timedelta(days=1)).day == 1:
                progress.update(bar, description=f"retention of {day:%B}")
                started = time.process_time()
                _, last = run_retention(client, crowd.policy, _after(day), last)
                folded += time.process_time() - started
                progress.update(bar, description="hits")
        progress.update(bar, description="merges")
        client.command("OPTIMIZE TABLE raw.events FINAL")
    took = time.perf_counter() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{hits:,} hits: {counted:,.0f} s into the counters ({counted / hits * 1e6:.1f} µs a hit),"
        f" {folded:,.0f} s of retention ({folded / hits * 1e6:.1f} µs a hit), {kept:,.0f} s into"
        f" raw events; {took:,.0f} s by the clock, {most:,.0f} MB of memory at most\n"
    )


def _after(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + 2 * 86_400


def weigh(client: Client) -> None:
    """Print rows and bytes of counters and raw events."""
    table = Table("", "rows", "MB", "MB a million hits", title="At rest, a year")
    found = {
        str(name): (int(rows), int(size))
        for name, rows, size in client.query(
            "SELECT concat(database, '.', table), sum(rows), sum(bytes_on_disk) FROM system.parts"
            " WHERE active AND (database, table) IN (('discreet', 'cells'), ('raw', 'events'))"
            " GROUP BY 1"
        ).result_rows
    }
    ((hits,),) = client.query("SELECT sum(hits) FROM coverage WHERE reason = 'counted'").result_rows
    for name, title in (("discreet.cells", "counters"), ("raw.events", "raw events")):
        rows, size = found[name]
        table.add_row(title, f"{rows:,}", f"{size / 1e6:,.0f}", f"{size / int(hits):.2f}")
    Console(width=100, highlight=False).print(table)
    ratio = found["discreet.cells"][1] / found["raw.events"][1]
    print(f"counters take {ratio:.2f} of the bytes of raw events; {int(hits):,} hits counted\n")


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
            raw = _raw_query(name)
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


def _raw_query(name: str) -> str:
    if name in _RAW_LISTS:
        column = _RAW_LISTS[name]
        return (
            f"SELECT {column}, uniq(user_id) AS visitors, count() {_RAW_WHERE}"
            f" GROUP BY {column} ORDER BY visitors DESC LIMIT 10"
        )
    return _RAW_QUERIES.get(name, "")


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
