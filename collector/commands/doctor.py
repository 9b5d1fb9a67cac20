"""`discreet doctor --privacy`: check a data directory for what identifies, running or stopped."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from rich import progress as bars
from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.commands import CommandFailed
from collector.commands.store_place import store_of
from collector.data_dir import DataDir
from collector.doctor.dictionary import read_addresses
from collector.doctor.examination import Dictionary, examine
from collector.doctor.last_run import LastRun, keep_last_run
from collector.doctor.verdicts import Outcome, Verdict
from collector.process import guard_memory

_STYLES = {Outcome.HOLDS: "green", Outcome.DOES_NOT_HOLD: "bold red", Outcome.NOT_CHECKED: "yellow"}


def run(options: argparse.Namespace) -> int:
    """Print what became of each check and keep it; return 1 when one does not hold, else 0.

    Raises:
        CommandFailed: a file or the data directory can't be used.
    """
    guard_memory()  # it may be given addresses and agents
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    dictionary = _read_dictionary(options)
    logs = {str(path): path for path in options.log or ()}
    for path in logs.values():
        if not path.is_file():
            raise CommandFailed(f"{path}: is no file")
    console = Console(stderr=True)
    bar = bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    with bar:
        data = DataDir(options.data)
        place = store_of(options, data)
        verdicts = list(examine(data, dictionary, logs, _Bars(bar), place))
    _print(verdicts)
    try:
        keep_last_run(data.doctor, LastRun(int(time.time()), tuple(verdicts)))
    except OSError as error:
        told = f"{data.doctor}: {error.strerror}; the dashboard tells the run before"
        console.print(Text(told), soft_wrap=True)
    return int(any(verdict.outcome is Outcome.DOES_NOT_HOLD for verdict in verdicts))


class _Bars:
    """A bar for each long check."""

    def __init__(self, bar: bars.Progress) -> None:
        self._bar = bar

    def begin(self, what: str, total: int) -> Callable[[int], None]:
        task = self._bar.add_task(what, total=total)
        return lambda steps: self._bar.advance(task, steps)


def _read_dictionary(options: argparse.Namespace) -> Dictionary:
    try:
        addresses = read_addresses(_lines(options.addresses))
    except ValueError as error:
        raise CommandFailed(f"--addresses: {error}") from None
    return Dictionary(addresses, [line for line in _lines(options.agents) if line])


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return path.read_text("utf-8", "surrogateescape").splitlines()
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from None


def _print(verdicts: list[Verdict]) -> None:
    table = Table(show_lines=True)
    for column in ("check", "outcome", "because"):
        table.add_column(column, overflow="fold")
    for verdict in verdicts:
        outcome = Text(verdict.outcome, _STYLES[verdict.outcome])
        table.add_row(Text(verdict.check), outcome, Text(verdict.because))
    Console(highlight=False).print(table)
