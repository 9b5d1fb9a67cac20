"""The arguments of `discreet user …`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from collector.email_cli import Commands
from people.roles import Role


def add_user(commands: Commands, add_data: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add `user` and its commands to the command line; `add_data` adds `--data`."""
    user = commands.add_parser("user", help="say who may see the dashboard, and which sites of it")
    of_user = user.add_subparsers(required=True, metavar="command")

    command = of_user.add_parser("add", help="add a user and print the password, this once")
    _add_name(command)
    command.add_argument("--role", required=True, choices=list(map(str, Role)), help=_ROLES)
    _add_sites(command, "a site that may be seen (default: every site)")
    _add_password_file(command)
    add_data(command)
    command.set_defaults(module="user", action="add")

    command = of_user.add_parser(
        "list", help="show names, roles, sites, second factors and last days of login"
    )
    add_data(command)
    command.set_defaults(module="user", action="list")

    command = of_user.add_parser(
        "role", help="give a user another role or other sites; ends their sessions"
    )
    _add_name(command)
    command.add_argument("--role", choices=list(map(str, Role)), help=_ROLES)
    _add_sites(command, "a site that may be seen from now on, instead of those of before")
    command.add_argument("--all-sites", action="store_true", help="every site may be seen")
    add_data(command)
    command.set_defaults(module="user", action="role")

    command = of_user.add_parser(
        "password", help="give a user another password and print it; ends their sessions"
    )
    _add_name(command)
    _add_password_file(command)
    add_data(command)
    command.set_defaults(module="user", action="password")

    command = of_user.add_parser(
        "totp",
        help="give a user a second factor: print what a phone needs, ask for its code;"
        " ends their sessions",
    )
    _add_name(command)
    command.add_argument("--off", action="store_true", help="instead, take it away")
    add_data(command)
    command.set_defaults(module="user", action="totp")

    command = of_user.add_parser("remove", help="remove a user; ends their sessions")
    _add_name(command)
    add_data(command)
    command.set_defaults(module="user", action="remove")


_ROLES = (
    "owner: all; analyst: reports, exports, SQL; viewer: reports; auditor: reports, audit trail"
)


def _add_name(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", help="the name that the user logs in with")


def _add_sites(command: argparse.ArgumentParser, told: str) -> None:
    command.add_argument(
        "--site",
        action="append",
        default=[],
        metavar="DOMAIN",
        help=f"{told}; may be given several times",
    )
    command.add_argument(
        "--policy",
        type=Path,
        help="the policy file that names the sites; else the one last served from --data",
    )


def _add_password_file(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="a file whose first line is the password, which is then not printed",
    )
