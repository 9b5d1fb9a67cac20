"""The arguments of `discreet key …`."""

import argparse
from collections.abc import Callable

from collector.api_keys import KeyScope
from collector.email_cli import Commands


def add_key(commands: Commands, add_data: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add `key` and its commands to the command line; `add_data` adds `--data`."""
    key = commands.add_parser("key", help="make and remove keys for the API under /api/v1")
    of_key = key.add_subparsers(required=True, metavar="command")
    command = of_key.add_parser("add", help="make a key and print it, this once")
    command.add_argument("name", help="what to call it, such as newsletter")
    command.add_argument(
        "--scope",
        action="append",
        required=True,
        choices=[str(scope) for scope in KeyScope],
        help="what it may be used for; may be given several times",
    )
    command.add_argument(
        "--expires", metavar="DATE", help="the first day on which it is void, UTC: 2027-01-01"
    )
    command.add_argument(
        "--site",
        action="append",
        default=[],
        metavar="DOMAIN",
        help="the one site to ask about or mark, with --scope query or annotate;"
        " may be given several times",
    )
    add_data(command)
    command.set_defaults(module="key", action="add")

    command = of_key.add_parser("list", help="show names, scopes and ends, never a key")
    add_data(command)
    command.set_defaults(module="key", action="list")

    command = of_key.add_parser("remove", help="make a key void at once")
    command.add_argument("name", help="the name it was given")
    add_data(command)
    command.set_defaults(module="key", action="remove")
