"""`discreet email withdraw`: recipients who are to be measured no more, in messages sent too."""

import argparse
from datetime import UTC, datetime

from collector.commands import CommandFailed
from collector.commands.email_recipients import data_of, read_references, refusals_of
from collector.email.unsubscribe import RefusalsFailed


def run(options: argparse.Namespace) -> None:
    """Note that recipients withdrew.

    Raises:
        CommandFailed: a reference can't be taken, or it could not be noted.
    """
    refusals = refusals_of(data_of(options.data))
    raw_references = read_references(options.reference, options.references)
    today = datetime.now(UTC).date()
    try:
        new = refusals.withdraw(raw_references, today)
    except RefusalsFailed as error:
        raise CommandFailed(str(error)) from None
    print(f"{len(raw_references):,} withdrawn, {new:,} of them new")
