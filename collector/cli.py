"""The command line: `discreet serve | demo | import | query | rights | policy | doctor`."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from anonymizer.policy_file import PolicyFaults
from collector.commands import CommandFailed

_EXAMPLES = """\
examples:
  discreet demo
      serve a demo site, its tag and the dashboard on http://127.0.0.1:8000
  discreet serve --policy policy.toml --data /var/lib/discreet --host 0.0.0.0 --port 8000
  discreet import access.log.gz --site example.org --data /var/lib/discreet
  discreet query --data /var/lib/discreet 'SELECT page, sum(views) AS v FROM pages GROUP BY page'
  discreet rights export - --data /var/lib/discreet < receipt.txt
  discreet policy check policy.toml
  discreet policy diff old.toml new.toml
  discreet policy report --policy policy.toml --data /var/lib/discreet
  discreet doctor --privacy --data /var/lib/discreet
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 a check failed, 2 bad input."""
    options = parser().parse_args(arguments)
    try:
        # Loaded when asked for: what one command needs is memory that another has no use for.
        code = importlib.import_module(f"collector.commands.{options.module}").run(options)
    except PolicyFaults as faults:
        print(f"discreet: {options.policy}: the policy has faults:", file=sys.stderr)
        for fault in faults.faults:
            print(f"  {fault}", file=sys.stderr)
    except CommandFailed as failed:
        print(f"discreet: {failed}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    else:
        return code or 0
    return 2


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    root = argparse.ArgumentParser(
        prog="discreet",
        description="Count visits without knowing visitors.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"discreet {version('discreet')}")
    commands = root.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("serve", help="take hits and show the dashboard")
    command.add_argument("--policy", type=Path, required=True, help="the policy file")
    _add_server_options(command)
    command.set_defaults(module="serve")

    command = commands.add_parser("demo", help="serve a demo site with its tag and dashboard")
    _add_server_options(command)
    command.set_defaults(module="demo", policy=Path("the demo's policy"))

    command = commands.add_parser("import", help="import an Apache or nginx access log")
    command.add_argument(
        "file", help="a log in the common or combined format, plain or .gz; - reads standard input"
    )
    command.add_argument("--site", required=True, help="the domain of the site the log is of")
    command.add_argument(
        "--policy", type=Path, help="the policy file; else the one last served from --data"
    )
    _add_data_option(command)
    _add_countries_option(command)
    command.set_defaults(module="import_file")

    command = commands.add_parser("query", help="ask the guarded views in ClickHouse SQL")
    command.add_argument("sql", help="one read-only query")
    command.add_argument(
        "--format", default="TSV", help="any ClickHouse output format (default: TSV)"
    )
    _add_data_option(command)
    command.set_defaults(module="query")

    rights = commands.add_parser("rights", help="do what the holder of a receipt asks for")
    of_rights = rights.add_subparsers(required=True, metavar="command")
    for name, does in (
        ("find", "show what is held under a receipt's id"),
        ("export", "print a receipt as JSON"),
        ("erase", "delete a receipt; no byte of it is left 10 s later"),
    ):
        command = of_rights.add_parser(name, help=does)
        command.add_argument(
            "receipt", help="the receipt's id; - reads it from standard input, out of sight"
        )
        _add_data_option(command)
        command.set_defaults(module="rights", action=name)

    policy = commands.add_parser(
        "policy", help="check, show and compare policy files, report on one"
    )
    of_policy = policy.add_subparsers(required=True, metavar="command")
    command = of_policy.add_parser("check", help="read a policy file and report every fault")
    command.add_argument("policy", type=Path, help="the policy file")
    command.set_defaults(module="check")

    command = of_policy.add_parser("show", help="show a policy with all that it inherits")
    command.add_argument("file", type=Path, help="the policy file, or an archived .json")
    command.set_defaults(module="policy_show")

    command = of_policy.add_parser(
        "diff", help="name each change between two policies, and say whether consent is void"
    )
    command.add_argument("old", type=Path, help="the policy before: a file, or an archived .json")
    command.add_argument("new", type=Path, help="the policy after, likewise")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(module="policy_diff")

    command = of_policy.add_parser(
        "report", help="write the record of processing and check CNIL's criteria"
    )
    command.add_argument("--policy", type=Path, required=True, help="the policy file")
    command.add_argument(
        "--data", type=Path, help="a data directory, running or stopped, to check the store of"
    )
    command.add_argument(
        "--format",
        choices=("text", "markdown"),
        default="text",
        help="text or markdown (default: text)",
    )
    command.set_defaults(module="policy_report")
    _add_doctor(commands.add_parser("doctor", help="check a data directory, running or stopped"))
    return root


def _add_doctor(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--privacy", action="store_true", required=True, help="for anything that identifies"
    )
    command.add_argument(
        "--addresses",
        type=Path,
        metavar="FILE",
        help="addresses to guess with, one a line, such as from a proxy's log; else those of the"
        " networks in the store",
    )
    command.add_argument(
        "--agents", type=Path, metavar="FILE", help="user agents to guess with, one a line"
    )
    command.add_argument(
        "--log", type=Path, action="append", metavar="FILE", help="a log to search as well"
    )
    _add_data_option(command)
    command.set_defaults(module="doctor")


def _add_server_options(command: argparse.ArgumentParser) -> None:
    _add_data_option(command)
    command.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)"
    )
    command.add_argument(
        "--port",
        type=int,
        default=8000,
        help="port to listen on; 0 takes a free one (default: 8000)",
    )
    command.add_argument(
        "--trusted-proxy",
        action="append",
        metavar="CIDR",
        help="a proxy whose Forwarded or X-Forwarded-For is believed; may be given several times",
    )
    _add_countries_option(command)


def _add_data_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data", type=Path, default=Path("data"), help="data directory (default: ./data)"
    )


def _add_countries_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--countries",
        type=Path,
        metavar="MMDB",
        help="country database for hits without a time zone; asked with the truncated address",
    )


if __name__ == "__main__":
    sys.exit(main())
