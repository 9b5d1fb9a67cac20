"""The arguments of `discreet email …`, one function a subject."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
AddOption = Callable[[argparse.ArgumentParser], None]


def add_email(commands: Commands, add_data: AddOption, add_store: AddOption) -> None:
    """Add `email` and its commands to the command line; `add_data` adds `--data`, and so on."""
    email = commands.add_parser("email", help="register campaigns and links, rewrite messages")
    of_email = email.add_subparsers(required=True, metavar="command")
    _add_registry(of_email, add_data)
    _add_render(of_email, add_data)
    _add_counts(of_email, add_data)
    _add_recipients(of_email, add_data, add_store)


def add_campaign(command: argparse.ArgumentParser) -> None:
    """Add the options that name a registered campaign."""
    command.add_argument("--campaign", required=True, metavar="NAME", help="the campaign's name")
    command.add_argument("--variant", default="", metavar="V", help="the variant of it, if any")


def _add_registry(of_email: Commands, add_data: AddOption) -> None:
    campaign = of_email.add_parser("campaign", help="register a campaign")
    of_campaign = campaign.add_subparsers(required=True, metavar="command")
    command = of_campaign.add_parser("add", help="register a campaign, or a variant of one")
    command.add_argument("name", help="letters, digits, hyphens and underscores; 40 at most")
    command.add_argument("--site", required=True, help="the domain of the site it is for")
    command.add_argument("--variant", default="", metavar="V", help="a variant of it, such as A")
    add_data(command)
    command.set_defaults(module="email_campaign")

    link = of_email.add_parser("link", help="register where a link leads")
    of_link = link.add_subparsers(required=True, metavar="command")
    command = of_link.add_parser("add", help="register a page that messages may link to")
    command.add_argument("url", help="an http or https address")
    add_campaign(command)
    add_data(command)
    command.set_defaults(module="email_link")

    command = of_email.add_parser("list", help="show campaigns and links")
    command.add_argument(
        "--format", choices=("text", "json"), default="text", help="text or json (default: text)"
    )
    add_data(command)
    command.set_defaults(module="email_list")


def _add_render(of_email: Commands, add_data: AddOption) -> None:
    command = of_email.add_parser(
        "render", help="put the pixel and counted links into messages, and say what was done"
    )
    command.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="an HTML file, or a message as .eml"
    )
    command.add_argument(
        "--all",
        type=Path,
        metavar="DIR",
        dest="folder",
        help="every .html, .htm and .eml file of this folder and those in it",
    )
    add_campaign(command)
    command.add_argument(
        "--url", required=True, help="where recipients reach Discreet, https://stats.example.org"
    )
    command.add_argument(
        "--only-registered", action="store_true", help="leave links that are not registered yet"
    )
    command.add_argument(
        "--text", action="store_true", help="replace the links of plain text parts as well"
    )
    command.add_argument(
        "-o",
        dest="out",
        type=Path,
        metavar="OUT",
        help="the file to write, of several messages the folder; else standard output",
    )
    add_data(command)
    command.set_defaults(module="email_render")


def _add_counts(of_email: Commands, add_data: AddOption) -> None:
    command = of_email.add_parser("delivered", help="tell how many messages were delivered")
    command.add_argument("name", help="the campaign's name")
    command.add_argument("delivered", metavar="N", help="how many; it adds to what was told before")
    command.add_argument("--variant", default="", metavar="V", help="the variant of it, if any")
    command.add_argument(
        "--day", default="", metavar="YYYY-MM-DD", help="the site's day (default: today)"
    )
    add_data(command)
    command.set_defaults(module="email_delivered")

    command = of_email.add_parser("rates", help="show how many opened and followed links")
    command.add_argument("name", nargs="?", default="", help="one campaign (default: all)")
    command.add_argument("--region", metavar="NAME", help="ask the store of this region")
    add_data(command)
    command.set_defaults(
        module="email_rates", store=None, store_password_file=None, region_password_file=[]
    )


def _add_recipients(of_email: Commands, add_data: AddOption, add_store: AddOption) -> None:
    command = of_email.add_parser(
        "token", help="make personal tokens for recipients whose consent stands"
    )
    add_campaign(command)
    command.add_argument(
        "--recipients",
        type=Path,
        required=True,
        metavar="FILE",
        help="a reference of the mailer's own and the id of a receipt on each line; - reads"
        " standard input",
    )
    add_data(command)
    add_store(command)
    command.set_defaults(module="email_token")

    command = of_email.add_parser(
        "headers", help="print the header fields by which recipients unsubscribe (RFC 8058)"
    )
    add_campaign(command)
    _add_references(command)
    command.add_argument(
        "--url", required=True, help="where recipients reach Discreet, https://stats.example.org"
    )
    add_data(command)
    command.set_defaults(module="email_headers")

    command = of_email.add_parser("unsubscribed", help="list who unsubscribed, by reference")
    command.add_argument(
        "--since", required=True, metavar="DAY", help="the first day, YYYY-MM-DD in UTC"
    )
    command.add_argument(
        "--format", choices=("csv", "json"), default="csv", help="csv or json (default: csv)"
    )
    add_data(command)
    command.set_defaults(module="email_unsubscribed")

    command = of_email.add_parser(
        "withdraw", help="measure recipients no more, in messages that were sent too"
    )
    _add_references(command)
    add_data(command)
    command.set_defaults(module="email_withdraw")

    command = of_email.add_parser(
        "new-key", help="make new tokens under a new key; the key before it still holds"
    )
    add_data(command)
    command.set_defaults(module="email_key")


def _add_references(command: argparse.ArgumentParser) -> None:
    command.add_argument("--reference", metavar="R", help="the mailer's reference to a recipient")
    command.add_argument(
        "--references",
        type=Path,
        metavar="FILE",
        help="a file with one on each line; - reads standard input",
    )
