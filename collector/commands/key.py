"""`discreet key`: make, list and remove keys of the API."""

import argparse
import time

from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.api_keys import ApiKeys, BadKey, KeyScope, KeysFailed
from collector.commands import CommandFailed
from collector.commands.ends import read_end, write_day, write_end
from collector.data_dir import DataDir


def run(options: argparse.Namespace) -> None:
    """Do with the keys of a data directory what `options.action` says.

    Raises:
        CommandFailed: there is no data, or the key can't be made or removed.
    """
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    try:
        keys = ApiKeys(DataDir(options.data).keys)
        if options.action == "add":
            scopes = {KeyScope(scope) for scope in options.scope}
            expires = read_end(options.expires)
            print(keys.add(options.name, scopes, int(time.time()), expires, options.site))
        elif options.action == "remove":
            keys.remove(options.name)
            print(f"removed {options.name}")
        else:
            Console(highlight=False).print(_table(keys))
    except (BadKey, KeysFailed) as error:
        raise CommandFailed(str(error)) from None


def _table(keys: ApiKeys) -> Table:
    now = int(time.time())
    table = Table()
    for column in ("name", "scopes", "sites", "made", "void from"):
        table.add_column(column, overflow="fold")
    for key in keys.all():
        end = write_end(key.expires, is_over=key.is_over(now))
        scopes, sites = " ".join(sorted(key.scopes)), " ".join(sorted(key.sites)) or "all"
        table.add_row(Text(key.name), scopes, Text(sites), write_day(key.made), end)
    return table
