"""The arguments of `discreet report`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from collector.email_cli import Commands
from collector.mailed_reports.settings import Every

_EXAMPLES = """\
examples:
  discreet report --site example.org --period month --to march.html
  discreet report --site example.org --to - --lang zh
  discreet report --site example.org --mail ana@example.org --reports reports.toml
"""


def add_report(commands: Commands, *add_options: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add `report` to the command line; `add_options` add what says where the data lie."""
    command = commands.add_parser(
        "report",
        help="write the report of the last whole week or month, to a file or by e-mail",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    command.add_argument("--site", required=True, help="the domain of the site")
    command.add_argument(
        "--period",
        choices=list(map(str, Every)),
        default=str(Every.WEEK),
        help="what it is of: Monday to Sunday, or a month (default: week)",
    )
    command.add_argument(
        "--to", metavar="FILE", help="write it to FILE.html or FILE.txt; - prints the text"
    )
    command.add_argument(
        "--mail",
        nargs="+",
        action="extend",
        default=[],
        metavar="ADDRESS",
        help="send it, to each address by itself; needs --reports",
    )
    command.add_argument(
        "--reports",
        type=Path,
        metavar="FILE",
        help="the file of mailed reports, whose [smtp] says by which server --mail goes",
    )
    command.add_argument("--lang", default="en", help="its language: en or zh (default: en)")
    for add in add_options:
        add(command)
    command.set_defaults(module="report")
