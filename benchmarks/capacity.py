"""Measure what a node stores and works for a day's hits, and reckon larger days from it.

Usage: python -m benchmarks.capacity [--day HITS ...] [--sites N] [--pages N]

Loads days of different size (10,000, 100,000 and 400,000 hits) into an embedded engine, as rows
of `CountedHit` that benchmarks/crowd.py puts together, in batches as the spool sends them. Then
it times inserts of other sizes. Printed are rows by statistic and day, bytes, the cost of an
insert and of merges, and from them, with the arithmetic, days of 1 M, 100 M and 1 B hits. About
a minute on two cores that nothing else uses.
"""

import argparse
import math
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from msgspec import Struct
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from anonymizer.policy import Policy
from benchmarks.crowd import BATCH_HITS, Crowd, Shape
from collector.plan import make_plan
from collector.schema.tables import BATCH, cells_of
from collector.store import Store, open_engine
from collector.writer import FLUSH_SECONDS

DAYS = (10_000, 100_000, 400_000)
RECKONED = (1_000_000, 100_000_000, 1_000_000_000)
INSERTS = (10, 100, 1_000, 5_000, BATCH_HITS)
REPEATS = 5
DAY_SECONDS = 86_400
PEAK = 3  # the busiest second of a day against its mean

_ROWS_IN, _PARTS_IN = "MergeTreeDataWriterRows", "MergeTreeDataWriterBlocks"

Ask = Callable[[str], Sequence[Sequence[Any]]]


class Insert(Struct, frozen=True):
    """What inserts of one size take, each."""

    hits: int
    wall_seconds: float
    cpu_seconds: float
    cells: float
    """Rows that it adds before any merge."""
    parts: float


class Measured(Struct, frozen=True):
    """What was found, of days of these sizes."""

    days: Sequence[int]
    rows: dict[str, list[int]]
    """Statistic → rows on each day, once merged."""
    bytes_a_row: float
    merged: float
    """Rows that merges wrote, for each that inserts wrote."""
    merge_seconds: float
    """Of a merging thread, for a million rows that inserts wrote."""
    load_cpu_seconds: float
    """For all hits of all days, with what merges ran beside."""
    inserts: list[Insert]


def measure(folder: Path, shape: Shape, days: Sequence[int]) -> Measured:
    """Load days of these sizes into a new store and look at it."""
    crowd = Crowd(shape)
    client = open_engine(folder / "clickhouse")
    store = Store(client)
    store.apply(crowd.policy, make_plan(crowd.policy))

    def ask(sql: str) -> Sequence[Sequence[Any]]:
        return client.query(sql).result_rows

    began = _cpu_seconds()
    with Progress(transient=True) as progress:
        bar = progress.add_task("hits", total=sum(days))
        for day, hits in enumerate(days):
            for number, (count, rows) in enumerate(crowd.day(day, hits)):
                store.insert(f"{day}-{number}", rows)
                progress.advance(bar, count)
        load = _cpu_seconds() - began
        progress.update(bar, description="merges", total=None)
        client.command("OPTIMIZE TABLE discreet.cells FINAL")
        inserted, merged = _event(ask, _ROWS_IN), _event(ask, "MergeWrittenRows")
        merging = _event(ask, "MergeExecuteMilliseconds") / 1_000
        ((size, count),) = ask(
            "SELECT sum(bytes_on_disk), sum(rows) FROM system.parts"
            " WHERE database = 'discreet' AND table = 'cells' AND active"
        )
        rows_a_day = _rows_a_day(ask, len(days))
        progress.update(bar, description="inserts")
        inserts = list(_inserts(store, crowd, len(days), ask))
    store.close()
    return Measured(
        days=days,
        rows=rows_a_day,
        bytes_a_row=size / count,
        merged=merged / inserted,
        merge_seconds=merging / inserted * 1e6,
        load_cpu_seconds=load,
        inserts=inserts,
    )


def _rows_a_day(ask: Ask, days: int) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for statistic, day, count in ask(
        "SELECT statistic, dateDiff('day', min(toDate(period)) OVER (), toDate(period)) AS day,"
        " count() FROM discreet.cells"
        f" WHERE statistic != '{BATCH}' GROUP BY statistic, toDate(period) ORDER BY statistic, day"
    ):
        rows.setdefault(str(statistic), [0] * days)[int(day)] = int(count)
    return rows


def _inserts(store: Store, crowd: Crowd, day: int, ask: Ask) -> Iterator[Insert]:
    for size in INSERTS:
        batches = [rows for count, rows in crowd.day(day, size * 24 * 20, size) if count == size]
        walls, processors = [], []
        cells, parts = _event(ask, _ROWS_IN), _event(ask, _PARTS_IN)
        for number, rows in enumerate(batches[:REPEATS]):
            wall, processor = time.perf_counter(), _cpu_seconds()
            store.insert(f"{size}-{number}", rows)
            walls.append(time.perf_counter() - wall)
            processors.append(_cpu_seconds() - processor)
        yield Insert(
            size,
            median(walls),
            median(processors),
            (_event(ask, _ROWS_IN) - cells) / REPEATS,
            (_event(ask, _PARTS_IN) - parts) / REPEATS,
        )


def _event(ask: Ask, name: str) -> int:
    found = ask(f"SELECT value FROM system.events WHERE event = '{name}'")
    return int(found[0][0]) if found else 0


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Law(Struct, frozen=True):
    """Rows on a day of so many hits: `rows` at `hits`, growing by the power `exponent`."""

    hits: int
    rows: int
    exponent: float

    def at(self, hits: int) -> float:
        """Return the rows on a day of `hits` hits."""
        return float(self.rows * (hits / self.hits) ** self.exponent)


def law_of(days: Sequence[int], rows: Sequence[int]) -> Law:
    """Return the law that the two largest days give.

    The power falls as days grow, for words run out; so a larger day is reckoned too large.
    """
    before, last = rows[-2:]
    if not before or last <= before:
        return Law(days[-1], last, 0.0)
    exponent = math.log(last / before) / math.log(days[-1] / days[-2])
    return Law(days[-1], last, min(1.0, exponent))


def report(found: Measured, policy: Policy) -> None:
    """Print what was measured, then what follows from it."""
    console = Console(width=100, highlight=False)
    laws = {name: law_of(found.days, rows) for name, rows in found.rows.items()}
    console.print(_rows_table(found, laws))
    hits = sum(found.days)
    print(
        f"{found.bytes_a_row:.1f} bytes a row, merged;"
        f" {found.load_cpu_seconds / hits * 1e6:.0f} processor seconds a million hits,"
        f" merges beside included;\n{found.merged:.2f} rows merged for each inserted,"
        f" {found.merge_seconds:.2f} s of a merging thread a million rows inserted\n"
    )
    console.print(_inserts_table(found.inserts))
    each, more = _cost(found.inserts)
    print(f"processor seconds of an insert = {each:.3f} + {more * 1e6:.1f} for each million hits\n")
    for day in RECKONED:
        print(_reckoned(day, found, laws, policy))


def _cost(inserts: Sequence[Insert]) -> tuple[float, float]:
    """Return seconds of an insert, and of each of its hits, that fit what was measured."""
    more, each = np.polyfit(
        [insert.hits for insert in inserts], [insert.cpu_seconds for insert in inserts], 1
    )
    return max(0.0, float(each)), float(more)


def _reckoned(day: int, found: Measured, laws: dict[str, Law], policy: Policy) -> str:
    kept = {cells_of(statistic): statistic.keep_days for statistic in policy.statistics}
    rows = sum(law.at(day) for law in laws.values())
    held = sum(law.at(day) * kept[name] for name, law in laws.items())
    mean = day / DAY_SECONDS
    inserts = max(1.0 / FLUSH_SECONDS, mean * PEAK / BATCH_HITS)
    last = found.inserts[-1]
    each, more = _cost(found.inserts)
    merging = last.cells / last.hits * found.merge_seconds
    work = inserts * DAY_SECONDS * each + day / 1e6 * (more * 1e6 + merging)
    size = found.bytes_a_row
    return (
        f"{day:,} hits a day = {mean:,.0f} a second, {mean * PEAK:,.0f} in the busiest\n"
        f"  rows     sum over statistics of rows × (hits / {found.days[-1]:,})^power"
        f" = {rows / 1e6:,.2f} M a day\n"
        f"  disk     {rows / 1e6:,.2f} M × {size:.1f} B = {rows * size / 1e6:,.0f} MB a day"
        f" = {rows * size / day:,.1f} MB a million hits\n"
        f"           each statistic for its keep_days: {held / 1e6:,.0f} M rows"
        f" = {held * size / 1e9:,.1f} GB\n"
        f"  inserts  {inserts:.2f} a second of up to {BATCH_HITS:,} hits"
        f" × {last.parts:.0f} partitions = {inserts * last.parts:.1f} parts a second\n"
        f"  work     {inserts * DAY_SECONDS:,.0f} inserts × {each:.3f} s + {day / 1e6:,.0f} M hits"
        f" × ({more * 1e6:.1f} s + {merging:.1f} s of merges)\n"
        f"           = {work / 3_600:,.1f} processor hours a day"
        f" = {work / DAY_SECONDS:.2f} cores, {work / DAY_SECONDS * PEAK:.2f} when busiest\n"
    )


def _rows_table(found: Measured, laws: dict[str, Law]) -> Table:
    table = Table(title="Rows a day, by its hits", title_justify="left")
    table.add_column("statistic")
    for day in found.days:
        table.add_column(f"{day:,}", justify="right")
    table.add_column("power", justify="right")
    order = sorted(found.rows, key=lambda name: -found.rows[name][-1])
    for name in order:
        rows = (f"{count:,}" for count in found.rows[name])
        table.add_row(name.partition("(")[0], *rows, f"{laws[name].exponent:.2f}")
    totals = [sum(of[day] for of in found.rows.values()) for day in range(len(found.days))]
    table.add_row("together", *(f"{total:,}" for total in totals), "", style="bold")
    return table


def _inserts_table(inserts: Sequence[Insert]) -> Table:
    table = Table(title=f"An insert, median of {REPEATS}", title_justify="left")
    for column in ("hits", "ms", "processor ms", "cells", "cells a hit", "parts"):
        table.add_column(column, justify="right")
    for of in inserts:
        table.add_row(
            f"{of.hits:,}",
            f"{of.wall_seconds * 1e3:.0f}",
            f"{of.cpu_seconds * 1e3:.0f}",
            f"{of.cells:,.0f}",
            f"{of.cells / of.hits:.1f}",
            f"{of.parts:.0f}",
        )
    return table


def main() -> None:
    """Measure, print, and leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--day", type=int, nargs="+", default=DAYS, help="hits of each day, from few to many"
    )
    parser.add_argument("--sites", type=int, default=Shape().sites)
    parser.add_argument("--pages", type=int, default=Shape().pages, help="on each site")
    options = parser.parse_args()
    if len(options.day) < 2 or sorted(set(options.day)) != list(options.day):
        parser.error("--day: give two sizes or more, each larger than the one before")
    shape = Shape(sites=options.sites, pages=options.pages)
    began = time.monotonic()
    with TemporaryDirectory() as name:
        report(measure(Path(name), shape, options.day), Crowd(shape).policy)
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
