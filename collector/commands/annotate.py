"""`discreet annotate`: mark what was done to a site on its chart; list and delete marks."""

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.annotations import Annotation, Annotations, AnnotationsFailed, BadAnnotation
from collector.commands import CommandFailed, read_policy_of_sites
from collector.commands.local_trail import note_local
from collector.data_dir import DataDir
from people.trail import Did


def run(options: argparse.Namespace) -> None:
    """Write an annotation, or list or delete those of a site.

    Raises:
        CommandFailed: there is no data, or the annotation can't be made or found.
        PolicyFaults: the policy that names the sites has faults.
    """
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    policy = read_policy_of_sites(options)
    try:
        data = DataDir(options.data)
        _do(data, Annotations(data.annotations, policy), options)
    except BadAnnotation as error:
        option = {"site": "--site", "at": "--at", "number": "--delete"}.get(error.field, "text")
        raise CommandFailed(f"{option}: {error.wanted}") from None
    except AnnotationsFailed as error:
        raise CommandFailed(str(error)) from None


def _do(data: DataDir, annotations: Annotations, options: argparse.Namespace) -> None:
    wanted = (options.text is not None, options.list, options.delete is not None)
    if sum(wanted) != 1:
        raise CommandFailed("text: must be given, or --list, or --delete")
    if options.at is not None and options.text is None:
        raise CommandFailed("--at: goes with a text")
    if options.list:
        found = annotations.of_site(options.site, date(2000, 1, 1), date(2099, 12, 31))
        Console(highlight=False).print(_table(found))
    elif options.delete is not None:
        annotations.delete(options.site, options.delete)
        note_local(data, Did.UNANNOTATED, site=options.site, report=str(options.delete))
        print(f"deleted {options.delete}")
    else:
        now = datetime.now(UTC)
        made = annotations.add(options.site, options.at or "", options.text, now)
        note_local(data, Did.ANNOTATED, site=options.site, report=str(made.number))
        print(f"{made.number} at {_write(made)} of the site's clock")


def _table(found: Sequence[Annotation]) -> Table:
    table = Table()
    for column in ("number", "at", "text"):
        table.add_column(column, overflow="fold")
    for each in found:
        table.add_row(str(each.number), _write(each), Text(each.text))
    return table


def _write(each: Annotation) -> str:
    return each.moment.isoformat(" ", "minutes")
