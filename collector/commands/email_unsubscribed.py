"""`discreet email unsubscribed`: the references of who unsubscribed, for the mailer's own list."""

import argparse
import csv
import sys
from datetime import date

import msgspec

from collector.clock import read_date
from collector.commands import CommandFailed
from collector.commands.email_recipients import data_of, refusals_of
from collector.email.unsubscribe import RefusalsFailed


def run(options: argparse.Namespace) -> None:
    """Print reference and date of all who unsubscribed on a day (UTC) or later.

    Raises:
        CommandFailed: the day is none, or the file can't be read.
    """
    since = _read_day(options.since)
    try:
        found = refusals_of(data_of(options.data)).unsubscribed(since)
    except RefusalsFailed as error:
        raise CommandFailed(str(error)) from None
    rows = [{"reference": each.raw_reference, "date": each.day.isoformat()} for each in found]
    if options.format == "json":
        print(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return
    write = csv.writer(sys.stdout, lineterminator="\n").writerow
    write(("reference", "date"))
    for row in rows:
        write(row.values())


def _read_day(text: str) -> date:
    day = read_date(text)
    if day is None:
        raise CommandFailed("--since: must be a date such as 2026-11-01")
    return day
