"""The command line: `discreet serve | demo | import | query | policy`."""

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
  discreet policy check policy.toml
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 2 bad input."""
    options = parser().parse_args(arguments)
    try:
        # Loaded when asked for: what one command needs is memory that another has no use for.
        importlib.import_module(f"collector.commands.{options.module}").run(options)
    except PolicyFaults as faults:
        print(f"discreet: {options.policy}: the policy has faults:", file=sys.stderr)
        for fault in faults.faults:
            print(f"  {fault}", file=sys.stderr)
    except CommandFailed as failed:
        print(f"discreet: {failed}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    else:
        return 0
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

    policy = commands.add_parser("policy", help="check a policy file")
    of_policy = policy.add_subparsers(required=True, metavar="command")
    command = of_policy.add_parser("check", help="read a policy file and report every fault")
    command.add_argument("policy", type=Path, help="the policy file")
    command.set_defaults(module="check")
    return root


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
