"""`discreet share`: make, list and revoke links that show one site to whoever holds them."""

import argparse
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.clock import read_date
from collector.commands import CommandFailed, read_password, read_policy_of_sites
from collector.data_dir import DataDir
from people.people import People
from people.shares import BadShare, Share, Shares
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
    try:
        _ACTIONS[options.action](People.open(DataDir(options.data).logins).shares, options)
    except BadShare as error:
        # Named as it is given: what a share calls an origin is the option --embed.
        raise CommandFailed(str(error).replace("origin:", "--embed:")) from None
    except UsersFailed as error:
        raise CommandFailed(str(error)) from None


def _add(shares: Shares, options: argparse.Namespace) -> None:
    if options.site not in read_policy_of_sites(options).sites:
        raise CommandFailed("--site: is the domain of no site of the policy")
    url = _read_url(options.url)
    token = shares.add(
        options.name,
        options.site,
        int(time.time()),
        password=read_password(options.password_file),
        expires=_read_expiry(options.expires),
        origins=set(options.embed),
        may_export=options.exports,
    )
    print(f"shared as {options.name}; the link is shown this once:")
    print(f"{url}/shared/{token}")


def _list(shares: Shares, _: argparse.Namespace) -> None:
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
            _end_of(share, now),
            share.last_looked.isoformat() if share.last_looked else "-",
        )
    Console(highlight=False).print(table)


def _revoke(shares: Shares, options: argparse.Namespace) -> None:
    shares.revoke(options.name)
    print(f"revoked {options.name}")


_ACTIONS: dict[str, Callable[[Shares, argparse.Namespace], None]] = {
    "add": _add,
    "list": _list,
    "revoke": _revoke,
}


def _read_url(text: str) -> str:
    if text and not _URL.fullmatch(text):
        raise CommandFailed("--url: must be an address such as https://stats.example.org")
    return text.rstrip("/")


def _read_expiry(text: str | None) -> int | None:
    if text is None:
        return None
    day = read_date(text)
    if day is None:
        raise CommandFailed("--expires: must be a day such as 2027-01-01")
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _end_of(share: Share, now: int) -> str:
    if share.expires is None:
        return "-"
    return _day(share.expires) + (" (void)" if share.is_over(now) else "")


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
