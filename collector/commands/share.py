"""`discreet share`: make, list and revoke links that show one site to whoever holds them."""

import argparse
import re
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.commands import CommandFailed, read_password, read_policy_of_sites
from collector.commands.ends import read_end, write_end
from collector.commands.local_trail import note_local
from collector.data_dir import DataDir
from people.people import People
from people.shares import BadShare, Shares
from people.trail import Did
from people.user_file import UsersFailed

_URL = re.compile(r"https?://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?/?")


def run(options: argparse.Namespace) -> None:
    """Do with the shares of a data directory what `options.action` says.

    Raises:
        CommandFailed: there is no data, or the share can't be made or found.
        PolicyFaults: the policy that names the sites has faults.
    """
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    data = DataDir(options.data)
    try:
        _ACTIONS[options.action](data, People.open(data.logins).shares, options)
    except BadShare as error:
        # Named as it is given: what a share calls an origin is the option --embed.
        raise CommandFailed(str(error).replace("origin:", "--embed:")) from None
    except UsersFailed as error:
        raise CommandFailed(str(error)) from None


def _add(data: DataDir, shares: Shares, options: argparse.Namespace) -> None:
    if options.site not in read_policy_of_sites(options).sites:
        raise CommandFailed("--site: is the domain of no site of the policy")
    url = _read_url(options.url)
    token = shares.add(
        options.name,
        options.site,
        int(time.time()),
        password=read_password(options.password_file),
        expires=read_end(options.expires),
        origins=set(options.embed),
        may_export=options.exports,
    )
    note_local(data, Did.SHARED, site=options.site, report=options.name)
    print(f"shared as {options.name}; the link is shown this once:")
    print(f"{url}/shared/{token}")


def _list(_: DataDir, shares: Shares, __: argparse.Namespace) -> None:
    now = int(time.time())
    table = Table()
    for column in ("name", "site", "asks and allows", "void from", "last look"):
        table.add_column(column, overflow="fold")
    for share in shares.all():
        told = ["password"] * share.has_password + ["exports"] * share.may_export
        table.add_row(
            Text(share.name),
            Text(share.site),
            Text("\n".join([*told, *share.origins]) or "-"),
            write_end(share.expires, is_over=share.is_over(now)),
            share.last_looked.isoformat() if share.last_looked else "-",
        )
    Console(highlight=False).print(table)


def _revoke(data: DataDir, shares: Shares, options: argparse.Namespace) -> None:
    share = shares.revoke(options.name)
    note_local(data, Did.REVOKED, site=share.site, report=share.name)
    print(f"revoked {options.name}")


_ACTIONS: dict[str, Callable[[DataDir, Shares, argparse.Namespace], None]] = {
    "add": _add,
    "list": _list,
    "revoke": _revoke,
}


def _read_url(text: str) -> str:
    if text and not _URL.fullmatch(text):
        raise CommandFailed("--url: must be an address such as https://stats.example.org")
    return text.rstrip("/")
