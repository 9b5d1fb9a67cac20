"""The registry of e-mail that a command works on, whether the server runs or not."""

import argparse

from collector.commands import CommandFailed
from collector.commands.email_recipients import data_of
from collector.commands.store_place import policy_of
from collector.email.campaigns import Campaigns
from collector.email.registry import RegistryFailed


def campaigns_of(options: argparse.Namespace) -> Campaigns:
    """Return the campaigns of a command's data directory.

    Raises:
        CommandFailed: no policy was served on it, or the registry can't be used.
    """
    data = data_of(options.data)
    try:
        return Campaigns(data.email, policy_of(data))
    except RegistryFailed as error:
        raise CommandFailed(str(error)) from None
