"""`discreet retention run | status`: what leaves the store when, whether the server runs or not."""

import argparse
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from clickhouse_connect.driver.client import Client
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from anonymizer.policy_file import PolicyFaults
from collector.backup.dump import drop_snapshot
from collector.commands import CommandFailed, read_policy_file
from collector.commands.progress import show_progress
from collector.commands.store_place import store_of
from collector.data_dir import DataDir, DataDirInUse
from collector.query_socket import NoServer, Refused, ask
from collector.regions import HOME, retention_notes, spool_of
from collector.retention.desk import PROGRESS, RUN, STATUS, Progress
from collector.retention.job import Report, run_retention
from collector.retention.last_run import keep_last_run, read_last_run
from collector.retention.status import Status, read_status
from collector.spool import Spool, SpoolFailed, drain
from collector.store import Store, StoreFailed
from collector.store_address import StoreAddress, StorePlace, open_client

_POLL_SECONDS = 0.2


def run(options: argparse.Namespace) -> None:
    """Run retention now, or show what is kept how long, as `options.action` says.

    Raises:
        CommandFailed: there is no data, or the run could not be finished.
    """
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    data = DataDir(options.data)
    try:
        if options.action == "run":
            _print_report(_run(data, store_of(options, data), options.region or HOME))
        else:
            _print_status(_status(data, store_of(options, data), options.region or HOME))
    except Refused as refused:
        raise CommandFailed(str(refused)) from None
    except (DataDirInUse, SpoolFailed, StoreFailed) as error:
        raise CommandFailed(str(error)) from None
    except OSError as error:
        raise CommandFailed(f"{options.data}: {error.strerror}") from None


def _run(data: DataDir, place: StorePlace, region: str) -> Report:
    with show_progress("retention") as show:
        try:
            with _polling(data, region, show):
                return msgspec.json.decode(
                    ask(data.query_socket, RUN, {"region": region}), type=Report
                )
        except NoServer:
            with _opened(data, place, region) as (client, policy):
                report, last = run_retention(
                    client,
                    policy,
                    int(time.time()),
                    read_last_run(retention_notes(data, region)),
                    shared=isinstance(place, StoreAddress),
                    step=show,
                )
                keep_last_run(retention_notes(data, region), last)
                return report


def _status(data: DataDir, place: StorePlace, region: str) -> Status:
    try:
        return msgspec.json.decode(ask(data.query_socket, STATUS, {"region": region}), type=Status)
    except NoServer:
        with _opened(data, place, region) as (client, policy):
            return read_status(
                client, policy, int(time.time()), read_last_run(retention_notes(data, region))
            )


@contextlib.contextmanager
def _polling(data: DataDir, region: str, show: Callable[[int, int], None]) -> Iterator[None]:
    """Show how far the server's run has come."""
    ended = threading.Event()

    def poll() -> None:
        while not ended.wait(_POLL_SECONDS):
            try:
                answer = ask(data.query_socket, PROGRESS, {"region": region})
            except (NoServer, Refused):
                return
            progress = msgspec.json.decode(answer, type=Progress)
            if progress.of:
                show(progress.done, progress.of)

    polling = threading.Thread(target=poll)
    polling.start()
    try:
        yield
    finally:
        ended.set()
        polling.join()


@contextlib.contextmanager
def _opened(data: DataDir, place: StorePlace, region: str) -> Iterator[tuple[Client, Policy]]:
    """Open a stopped data directory and send what waits to its store."""
    data.lock()
    if not data.policy.exists():
        raise CommandFailed(f"{data.path}: nothing was counted here yet")
    try:
        policy, _ = read_policy_file(data.policy)
    except PolicyFaults:
        raise CommandFailed(f"{data.policy}: has faults; start the server once") from None
    with (
        contextlib.closing(Store(open_client(place))) as store,
        contextlib.closing(open_client(place)) as client,
    ):
        if store.is_new():
            raise CommandFailed(f"{data.path}: nothing was counted here yet")
        if isinstance(place, Path):  # the directory is locked, so no backup reads it
            drop_snapshot(client)
        with contextlib.closing(Spool(spool_of(data, region))) as spool:
            drain(spool, store)
        yield client, policy


def _print_report(report: Report) -> None:
    moved = {
        name: tally
        for name, tally in sorted(report.statistics.items())
        if tally.to_month or tally.to_other or tally.dropped
    }
    table = _table("statistic", "to the month", "to (other)", "dropped")
    for name, tally in moved.items():
        table.add_row(name, *map(_number, (tally.to_month, tally.to_other, tally.dropped)))
    if moved:
        Console(highlight=False).print(table)
    print(
        f"{report.unsettled:,} of {report.partitions:,} partitions had changed,"
        f" {report.partitions_dropped:,} were dropped whole"
    )
    if not moved:
        print("no cell had to move or to go")
    _print_not_folded(report.not_folded)


def _print_status(status: Status) -> None:
    table = _table("statistic", "days kept", "oldest", "goes from", "waiting", "overdue")
    for name, kept in status.statistics.items():
        table.add_row(
            Text(name if kept.declared else f"{name} (not declared)"),
            _number(kept.keep_days),
            kept.oldest,
            kept.next_goes,
            _number(kept.waiting),
            _number(kept.overdue),
        )
    Console(highlight=False).print(table)
    print(f"last run: {_moment(status.last_run)}")
    print("waiting: cells of closed periods with too few visitors, folded by the next run")
    _print_not_folded(status.not_folded)


def _print_not_folded(sites: Mapping[SiteId, Sequence[int]]) -> None:
    for site, months in sorted(sites.items()):
        told = ", ".join(f"{month // 100}-{month % 100:02}" for month in months)
        print(f"NOT FOLDED: small groups of {site} in {told}; the server's log names the fault")


def _table(first: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE)
    table.add_column(first, overflow="fold")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _number(number: int) -> str:
    return f"{number:,}"


def _moment(seconds: int | None) -> str:
    return "none yet" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%F %H:%M} UTC"
