"""`discreet email new-key`: new tokens are made under a new key; the one before still holds."""

import argparse

from collector.commands import CommandFailed
from collector.commands.email_recipients import data_of, refusals_of
from collector.email.keys import KeyFailed
from collector.email.unsubscribe import RefusalsFailed


def run(options: argparse.Namespace) -> None:
    """Change the key of e-mail.

    Raises:
        CommandFailed: it could not be done.
    """
    try:
        refusals_of(data_of(options.data)).change_key()
    except (KeyFailed, RefusalsFailed) as error:
        raise CommandFailed(str(error)) from None
    print("new tokens are made under a new key; those of the key before it still hold")
    print("tokens of any key before that unsubscribe nobody any more")
