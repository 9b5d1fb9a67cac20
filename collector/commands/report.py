"""`discreet report`: a week or a month of a site as a file or by e-mail, also beside a server."""

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from anonymizer.policy_faults import PolicyFaults
from collector.app import REPORT_LANGUAGES, App
from collector.commands import CommandFailed, read_policy_file
from collector.commands.reports_place import read_mailing
from collector.commands.serve import CANT_START
from collector.commands.store_place import policy_of, region_stores, store_of
from collector.data_dir import DataDir
from collector.mailed_reports.desk import KIND, ReportText
from collector.mailed_reports.letters import write_letter
from collector.mailed_reports.reports_file import is_address
from collector.mailed_reports.settings import Mailing
from collector.mailed_reports.smtp import NotTaken, send
from collector.query_socket import NoServer, Refused, ask
from collector.reference import load_tables

_SUFFIXES = (".html", ".txt")


def run(options: argparse.Namespace) -> None:
    """Write the report that the options ask for.

    Raises:
        CommandFailed: there is no data, an option is wrong, or the report didn't arrive.
    """
    _check_targets(options)
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    data = DataDir(options.data)
    mailing = None
    if options.reports is not None:
        mailing = read_mailing(options.reports, policy_of(data), REPORT_LANGUAGES)
    values = {
        "site": options.site,
        "period": options.period,
        "language": options.lang,
        "dashboard": mailing.dashboard if mailing else "",
    }
    report = msgspec.json.decode(_ask(data, options, values), type=ReportText)
    if options.to is not None:
        _write(report, options.to)
    if mailing is not None and options.mail:
        _mail(report, mailing, options.mail, options.lang)


def _check_targets(options: argparse.Namespace) -> None:
    if options.to is None and not options.mail:
        raise CommandFailed("give --to FILE, --mail ADDRESS, or both")
    if options.to not in (None, "-") and Path(options.to).suffix not in _SUFFIXES:
        raise CommandFailed("--to: must end in .html or .txt, or be -")
    if options.lang not in REPORT_LANGUAGES:
        raise CommandFailed(f"--lang: must be {' or '.join(REPORT_LANGUAGES)}")
    if options.mail and options.reports is None:
        raise CommandFailed("--mail: needs --reports, whose [smtp] says by which server")
    if not all(map(is_address, options.mail)):
        raise CommandFailed("--mail: must be addresses in ASCII, such as ana@example.org")


def _ask(data: DataDir, options: argparse.Namespace, values: Mapping[str, str]) -> bytes:
    try:
        return ask(data.query_socket, KIND, values)
    except Refused as refused:
        raise CommandFailed(str(refused)) from None
    except NoServer:
        return _ask_directory(data, options, values)


def _ask_directory(data: DataDir, options: argparse.Namespace, values: Mapping[str, str]) -> bytes:
    try:
        data.lock()
        policy, text = read_policy_file(data.policy)
        app = App(
            policy,
            text,
            data,
            load_tables(None),
            store=store_of(options, data),
            regions=region_stores(policy, options, data),
        )
        return asyncio.run(app.answer_report(values))
    except PolicyFaults:
        raise CommandFailed(f"{data.policy}: has faults; serve a policy first") from None
    except (*CANT_START, Refused) as error:
        raise CommandFailed(str(error)) from None


def _write(report: ReportText, to: str) -> None:
    if to == "-":
        sys.stdout.write(report.text)
        return
    path = Path(to)
    try:
        path.write_text(report.html if path.suffix == ".html" else report.text, "utf-8")
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from None
    print(f"wrote {report.days} to {path}")


def _mail(report: ReportText, mailing: Mailing, to: list[str], language: str) -> None:
    failed = []
    for number, recipient in enumerate(to, 1):
        name = secrets.token_hex(16)  # asked for again, it is another message
        letter = write_letter(
            report, mailing.smtp.sender, recipient, language, name, int(time.time())
        )
        try:
            send(letter, recipient, mailing.smtp)
        except NotTaken as error:
            failed.append(f"--mail: address {number}: the mail server: {error}")
    if failed:
        raise CommandFailed("; ".join(failed))
    print(f"sent {report.days} to {len(to)} address{'es' if len(to) > 1 else ''}")
