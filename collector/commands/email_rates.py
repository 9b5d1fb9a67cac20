"""`discreet email rates`: what the guarded views tell of campaigns, as shares of what went out."""

import argparse

from rich.console import Console
from rich.table import Table

from collector.commands import CommandFailed
from collector.commands.query import ask_views
from collector.commands.store_place import policy_of
from collector.data_dir import DataDir
from collector.email.rates import SQL, Opened, Rates, read_rates

_WIDTH = 160  # of a pipe, where there is no terminal


def run(options: argparse.Namespace) -> None:
    """Print a line for each variant of the campaigns.

    Raises:
        CommandFailed: there is no data, or nothing of that name.
    """
    rows = _ask(options)
    policy = policy_of(DataDir(options.data))
    groups = [each.min_group for each in policy.statistics if each.name == "email"]
    rates = read_rates(rows, max(groups, default=1), options.name)
    if not rates:
        raise CommandFailed(
            "there is nothing to show: until discreet email delivered tells enough recipients,"
            " no view shows a campaign"
        )
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH
    console.print(_table(rates))
    console.print(
        "opened: from persons alone to persons and every open through a proxy; of what was"
        " delivered. Scanners are left out, and so is what too few opened on a day."
    )


def _ask(options: argparse.Namespace) -> list[Opened]:
    rows = (line.split("\t") for line in ask_views(options, SQL, "TSV").decode().splitlines())
    return [
        Opened(campaign, variant, kind, *map(int, numbers))
        for campaign, variant, kind, *numbers in rows
    ]


def _table(rates: list[Rates]) -> Table:
    table = Table("campaign", "variant")
    for name in ("delivered", "persons", "by proxy", "opened", "clicks", "clicked"):
        table.add_column(name, justify="right")
    for each in rates:
        table.add_row(
            each.campaign,
            each.variant,
            f"{each.delivered:,}" if each.delivered else "not told",
            f"{each.persons:,}",
            f"{each.proxied:,}",
            _range(each),
            f"{each.clicks:,}",
            _percent(each.clicked),
        )
    return table


def _range(rates: Rates) -> str:
    least, most = _percent(rates.least_opened), _percent(rates.most_opened)
    return least if least == most else f"{least} to {most}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
