"""The arguments of `discreet share …` and `discreet annotate`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from collector.email_cli import Commands

_AddData = Callable[[argparse.ArgumentParser], None]


def add_share(commands: Commands, add_data: _AddData) -> None:
    """Add `share` and its commands to the command line; `add_data` adds `--data`."""
    share = commands.add_parser("share", help="let whoever holds a link see one site")
    of_share = share.add_subparsers(required=True, metavar="command")

    command = of_share.add_parser("add", help="make a link and print it, this once")
    command.add_argument("name", help="what to call it, such as press; the audit trail names it")
    _add_site(command, "the one site that is shown")
    command.add_argument(
        "--url",
        default="",
        metavar="URL",
        help="where the dashboard is, to print the whole link: https://stats.example.org",
    )
    command.add_argument(
        "--expires", metavar="DATE", help="the first day on which it is void, UTC: 2027-01-01"
    )
    command.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="a file whose first line is a password that is asked for as well",
    )
    command.add_argument(
        "--embed",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a site that may show it in a frame, such as https://www.example.org;"
        " may be given several times",
    )
    command.add_argument("--exports", action="store_true", help="reports may be exported as well")
    add_data(command)
    command.set_defaults(module="share", action="add")

    command = of_share.add_parser("list", help="show names, sites and ends, never a link")
    add_data(command)
    command.set_defaults(module="share", action="list")

    command = of_share.add_parser("revoke", help="make a link void at once")
    command.add_argument("name", help="the name it was given")
    add_data(command)
    command.set_defaults(module="share", action="revoke")


def add_annotate(commands: Commands, add_data: _AddData) -> None:
    """Add `annotate` to the command line; `add_data` adds `--data`."""
    command = commands.add_parser("annotate", help="mark what was done to a site on its chart")
    command.add_argument("text", nargs="?", help="what was done, in 200 characters at most")
    _add_site(command, "the site it was done to")
    command.add_argument(
        "--at",
        metavar="TIME",
        help="when, by the site's clock: 2026-03-01T12:00; or by another: 2026-03-01T11:00Z"
        " (default: now)",
    )
    command.add_argument("--list", action="store_true", help="instead, show those of the site")
    command.add_argument("--delete", type=int, metavar="NUMBER", help="instead, delete one")
    add_data(command)
    command.set_defaults(module="annotate")


def _add_site(command: argparse.ArgumentParser, told: str) -> None:
    command.add_argument("--site", required=True, metavar="DOMAIN", help=told)
    command.add_argument(
        "--policy",
        type=Path,
        help="the policy file that names the sites; else the one last served from --data",
    )
