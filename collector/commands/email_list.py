"""`discreet email list`: campaigns and where their links lead."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.commands import CommandFailed
from collector.commands.email_place import campaigns_of
from collector.email.campaigns import Listed
from collector.email.listing import tell_campaigns
from collector.email.registry import RegistryFailed


def run(options: argparse.Namespace) -> None:
    """Print what is registered, as a table or as the API's JSON.

    Raises:
        CommandFailed: there is no data.
    """
    try:
        listed = campaigns_of(options).all()
    except RegistryFailed as error:
        raise CommandFailed(str(error)) from None
    if options.format == "json":
        print(tell_campaigns(listed).decode())
    elif not listed:
        print("no campaign is registered")
    else:
        Console(highlight=False).print(_table(listed))


def _table(listed: Sequence[Listed]) -> Table:
    table = Table()
    for column in ("code", "site", "added", "link", "leads to"):
        table.add_column(column, overflow="fold")
    for each in listed:
        added = datetime.fromtimestamp(each.added, UTC).date().isoformat()
        table.add_row(Text(each.campaign.code), Text(each.campaign.site), added, "", "")
        for number, url in each.links.items():
            table.add_row("", "", "", number, Text(url))
    return table
