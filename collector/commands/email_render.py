"""`discreet email render`: put the pixel and counted links into messages, and say what was done."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct
from rich.console import Console

from collector.commands import CommandFailed
from collector.commands.email_place import campaigns_of
from collector.commands.email_render_report import Report
from collector.commands.progress import show_progress
from collector.email.campaigns import BadCampaign
from collector.email.registry import RegistryFailed
from collector.email.render import Addresses, BadOrigin, Number, read_origin
from collector.email.render_message import RenderedMessage, render_message, render_page
from collector.email.render_parts import UnreadablePart

_MESSAGE = ".eml"
_SUFFIXES = frozenset({".html", ".htm", _MESSAGE})


class _Job(Struct, frozen=True):
    source: Path
    target: Path | None
    """None is standard output."""


def run(options: argparse.Namespace) -> None:
    """Write the messages anew and print a report; the ones given stay as they are.

    Raises:
        CommandFailed: there is no such campaign, or a file can't be read or written.
    """
    jobs = _read_jobs(options)
    campaigns = campaigns_of(options)
    try:
        campaign = campaigns.find(options.campaign, options.variant)
        addresses = Addresses(read_origin(options.url), campaign)
        number = partial(campaigns.number, campaign, register=not options.only_registered)
        report = Report(str(jobs[0].source) if len(jobs) == 1 else "")
        for job, message in _render_all(jobs, addresses, number, with_text=options.text):
            _write(job, message.raw)
            report.add(message)
    except BadOrigin as error:
        raise CommandFailed(f"--url: {error}") from None
    except (BadCampaign, RegistryFailed) as error:
        raise CommandFailed(str(error)) from None
    is_written = jobs[0].target is not None
    report.print(Console(stderr=not is_written, highlight=False))


def _render_all(
    jobs: Sequence[_Job], addresses: Addresses, number: Number, *, with_text: bool
) -> Iterator[tuple[_Job, RenderedMessage]]:
    with show_progress("rendering") as show:
        for done, job in enumerate(jobs, 1):
            try:
                raw = job.source.read_bytes()
                if job.source.suffix.lower() == _MESSAGE:
                    message = render_message(raw, addresses, number, with_text=with_text)
                else:
                    message = render_page(raw, addresses, number)
            except OSError as error:
                raise CommandFailed(f"{job.source}: {error.strerror}") from None
            except UnreadablePart as error:
                raise CommandFailed(f"{job.source}: {error}") from None
            yield job, message
            show(done, len(jobs))


def _write(job: _Job, raw: bytes) -> None:
    if job.target is None:
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        return
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        job.target.write_bytes(raw)
    except OSError as error:
        raise CommandFailed(f"{job.target}: {error.strerror}") from None


def _read_jobs(options: argparse.Namespace) -> Sequence[_Job]:
    if bool(options.files) == (options.folder is not None):
        raise CommandFailed("FILE: give one or more, or a folder by --all")
    if len(options.files) == 1:
        jobs = [_Job(options.files[0], options.out)]
    elif options.out is None:
        raise CommandFailed("-o: must be the folder to write several messages to")
    elif options.folder is None:
        jobs = [_Job(source, options.out / source.name) for source in options.files]
    else:
        sources = _messages_in(options.folder, options.out)
        jobs = [_Job(each, options.out / each.relative_to(options.folder)) for each in sources]
    targets = {job.target for job in jobs}
    if len(targets) < len(jobs):
        raise CommandFailed("FILE: two of the messages have the same name")
    # So that rendering again, for another variant, finds the message as it was.
    if any(job.target is not None and job.target.resolve() == job.source.resolve() for job in jobs):
        raise CommandFailed("-o: must not be the message itself")
    return jobs


def _messages_in(folder: Path, out: Path) -> Sequence[Path]:
    if not folder.is_dir():
        raise CommandFailed(f"{folder}: is no folder")
    written = out.resolve()
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in _SUFFIXES
        and path.is_file()
        and (written == folder.resolve() or not path.resolve().is_relative_to(written))
    )
    if not found:
        raise CommandFailed(f"{folder}: holds no .html, .htm or .eml file")
    return found
