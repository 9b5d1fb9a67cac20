"""`discreet import`: an access log through the same stages as live hits."""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from anonymizer.policy_file import PolicyFaults, read_policy
from collector.clock import DAY_SECONDS
from collector.commands import CommandFailed, read_policy_file
from collector.commands.store_place import region_stores, store_of
from collector.data_dir import DataDir, DataDirInUse
from collector.importing import BadLog, LogImport, Report, read_log
from collector.pipeline import Pipeline
from collector.plan import TooManyCombinations, make_plan
from collector.policy_archive import BadArchive, ChangedWithoutVersion, PolicyArchive
from collector.process import guard_memory
from collector.reference import BadReference, default_policy, load_agents, load_tables
from collector.regions import spool_of
from collector.salts import fill_from_kernel
from collector.schema.into_cells import meaning_of
from collector.spool import Spool, SpoolFailed, drain
from collector.store import Store, StoreFailed
from collector.store_address import (
    BadAddress,
    StoreAddress,
    StorePlace,
    open_client,
    remember_store,
)

_CANT_IMPORT = (
    BadAddress,
    BadArchive,
    BadReference,
    ChangedWithoutVersion,
    DataDirInUse,
    SpoolFailed,
    StoreFailed,
    TooManyCombinations,
)


def run(options: argparse.Namespace) -> None:
    """Import `options.file` into `options.site` and report what became of its lines.

    Raises:
        CommandFailed: a file, the site or the data directory can't be used.
        PolicyFaults: the policy has faults.
    """
    guard_memory()  # it holds addresses and salts
    site = SiteId(options.site.lower())
    try:
        with _opened(options.file) as file:
            data = DataDir(options.data)
            data.lock()
            policy, text = _policy_of(options.policy, data, site)
            if site not in policy.sites:
                raise CommandFailed(f"--site: the policy {policy.id} has no such site")
            if options.policy is not None:
                # Kept once it is served: an import tells no visitor anything.
                PolicyArchive(data.policies).check(policy)
            store = store_of(options, data)
            remember_store(data, store)
            regions = region_stores(policy, options, data)
            report, seconds = _import(
                file, site, policy, text, data, store, regions, options.countries
            )
    except BadLog as error:
        raise CommandFailed(f"{options.file}: {error}") from None
    except _CANT_IMPORT as error:
        raise CommandFailed(str(error)) from None
    except OSError as error:
        raise CommandFailed(f"{options.data}: {error.strerror}") from None
    _print_report(report, seconds)


def _policy_of(path: Path | None, data: DataDir, site: SiteId) -> tuple[Policy, str]:
    if path is not None:
        return read_policy_file(path)
    if data.policy.exists():
        try:
            return read_policy_file(data.policy)
        except PolicyFaults:
            raise CommandFailed(f"{data.policy}: has faults; give --policy") from None
    text = (
        '[policy]\nid = "import"\nversion = "1"\ncontroller = "not told"\ncontact = "not told"\n'
        f'extends = "default"\n\n[[site]]\ndomain = "{site}"\ntimezone = "UTC"\n'
    )
    try:
        policy = read_policy(text, default_policy())
    except PolicyFaults:
        raise CommandFailed("--site: must be a host name in ASCII") from None
    print(
        f"discreet: {data.path} has no policy yet; the shipped default counts {site} in UTC"
        " (give --policy for another)",
        file=sys.stderr,
    )
    return policy, text


def _opened(name: str) -> contextlib.AbstractContextManager[BufferedReader]:
    if name == "-":
        return contextlib.nullcontext(cast(BufferedReader, sys.stdin.buffer))
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise CommandFailed(f"{name}: {error.strerror}") from None


def _import(
    file: BufferedReader,
    site: SiteId,
    policy: Policy,
    text: str,
    data: DataDir,
    place: StorePlace,
    regions: Mapping[str, StoreAddress],
    countries: Path | None,
) -> tuple[Report, float]:
    tables = load_tables(countries)
    plan = make_plan(policy)
    with (
        contextlib.closing(Spool(data.spool)) as spool,
        contextlib.closing(Store(open_client(place))) as store,
        contextlib.ExitStack() as stack,
    ):
        if not store.is_new():
            drain(spool, store)
        store.apply(policy, plan)
        spool.count_under(meaning_of(policy, plan))
        data.policy.write_text(text, "utf-8")
        pipeline = Pipeline(policy, plan, load_agents(), tables, fill_from_kernel)
        elsewhere: dict[str, Spool] = {}
        for name in regions:
            elsewhere[name] = stack.enter_context(contextlib.closing(Spool(spool_of(data, name))))
            elsewhere[name].count_under(meaning_of(policy, plan))
        with _progress(file) as show:

            def on_piece(report: Report) -> None:
                drain(spool, store)
                show(report)

            began = time.perf_counter()
            longest = max(statistic.keep_days for statistic in policy.statistics)
            log = LogImport(
                site,
                pipeline,
                spool,
                on_piece,
                regions=elsewhere,
                kept_from=int(time.time()) - longest * DAY_SECONDS,
            )
            report = log.run(read_log(file))
        for name, address in regions.items():
            _send_to_region(name, address, elsewhere[name], policy)
        return report, time.perf_counter() - began


def _send_to_region(name: str, address: StoreAddress, spool: Spool, policy: Policy) -> None:
    """Send a region what is its own; while its store is away it waits for the server's start."""
    try:
        with contextlib.closing(Store(open_client(address))) as store:
            store.apply(policy, make_plan(policy))
            drain(spool, store)
    except StoreFailed as error:
        print(f"discreet: region {name}: {error}; what is its own waits here", file=sys.stderr)


@contextlib.contextmanager
def _progress(file: BufferedReader) -> Iterator[Callable[[Report], None]]:
    size = os.fstat(file.fileno()).st_size if file.seekable() else None
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("importing"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[lines]:,} lines"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("importing", total=size, lines=0)

        def show(report: Report) -> None:
            bar.update(task, completed=file.tell() if size else 0, lines=report.lines)

        yield show


def _print_report(report: Report, seconds: float) -> None:
    print(f"lines read      {report.lines:>12,}")
    print(f"counted         {report.counted:>12,}")
    if report.overdue:
        why = "(older than keep_days: retention removes them)"
        print(f"  over_time     {report.overdue:>12,}   {why}")
    print(f"refused         {report.refused.total():>12,}")
    for reason, hits in report.refused.most_common():
        print(f"  {reason:<14}{hits:>12,}")
    print(f"unreadable      {report.unreadable:>12,}{_where(report)}")
    if report.imported_before:
        print(f"imported before {report.imported_before:>12,}")
    print(f"lines per second{report.lines / max(seconds, 1e-6):>12,.0f}")


def _where(report: Report) -> str:
    if not report.first_unreadable:
        return ""
    numbers = ", ".join(str(number) for number in report.first_unreadable)
    more = ", …" if report.unreadable > len(report.first_unreadable) else ""
    return f"   (line {numbers}{more})"
