"""The command line: `discreet serve | demo | import | query | rights | policy | doctor | …`."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from anonymizer.policy_file import PolicyFaults
from collector.commands import CommandFailed
from collector.email_cli import add_email
from collector.key_cli import add_key
from collector.policy_cli import add_policy
from collector.report_cli import add_report
from collector.sharing_cli import add_annotate, add_share
from collector.user_cli import add_user

_EXAMPLES = """\
examples:
  discreet demo
      serve a demo site, its tag and the dashboard on http://127.0.0.1:8000
  discreet serve --policy policy.toml --data /var/lib/discreet --host 0.0.0.0 --port 8000
  discreet import access.log.gz --site example.org --data /var/lib/discreet
  discreet query --data /var/lib/discreet 'SELECT page, sum(views) AS v FROM pages GROUP BY page'
  discreet rights export - --data /var/lib/discreet < receipt.txt
  discreet tag --policy policy.toml --url https://stats.example.org
  discreet policy check policy.toml
  discreet policy diff old.toml new.toml
  discreet policy report --policy policy.toml --data /var/lib/discreet
  discreet policy ddl policy.toml --roles --database statistics | clickhouse-client --multiquery
  discreet email campaign add spring --site example.org --data /var/lib/discreet
  discreet email render spring.html --campaign spring --url https://stats.example.org -o out.html
  discreet user add ana --role analyst --site example.org --data /var/lib/discreet
  discreet share add press --site example.org --expires 2027-01-01 --data /var/lib/discreet
  discreet annotate --site example.org --data /var/lib/discreet 'new search on every page'
  discreet report --site example.org --period week --to week.html --data /var/lib/discreet
  discreet backup /backups/monday --data /var/lib/discreet
  discreet restore /backups/monday --data /var/lib/discreet-new
  discreet retention status --data /var/lib/discreet
  discreet doctor --privacy --data /var/lib/discreet
"""

_TAG_EXAMPLES = """\
examples:
  discreet tag --policy policy.toml
  discreet tag --policy policy.toml --site example.org --url https://stats.example.org
      the tag; one version of it with its SRI value; with a banner; the noscript pixel; by npm
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
    _add_store_options(command)
    _add_region_passwords(command)
    command.set_defaults(module="import_file")

    command = commands.add_parser("query", help="ask the guarded views in ClickHouse SQL")
    command.add_argument("sql", help="one read-only query")
    command.add_argument(
        "--format", default="TSV", help="any ClickHouse output format (default: TSV)"
    )
    _add_data_option(command)
    _add_store_options(command)
    _add_region_options(command)
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
        _add_store_options(command)
        command.set_defaults(module="rights", action=name)

    add_email(commands, _add_data_option, _add_store_options)
    add_key(commands, _add_data_option)
    add_user(commands, _add_data_option)
    add_report(commands, _add_data_option, _add_store_options, _add_region_passwords)
    add_share(commands, _add_data_option)
    add_annotate(commands, _add_data_option)
    _add_tag(commands)
    add_policy(commands, _add_store_options)
    _add_upkeep(commands)
    _add_doctor(commands.add_parser("doctor", help="check a data directory, running or stopped"))
    _add_engine(
        commands.add_parser(
            "engine",
            help="serve the embedded engine by ClickHouse's HTTP protocol, for writing too",
        )
    )
    return root


def _add_upkeep(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    _add_retention(commands)
    _add_backup(commands)


def _add_retention(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    retention = commands.add_parser(
        "retention", help="fold small groups and drop what is over its time"
    )
    of_retention = retention.add_subparsers(required=True, metavar="command")
    for name, does in (
        ("run", "do now what the server does every night"),
        ("status", "show what is kept how long, what goes when, what waits"),
    ):
        command = of_retention.add_parser(name, help=does)
        _add_data_option(command)
        _add_store_options(command)
        _add_region_options(command)
        command.set_defaults(module="retention", action=name)


def _add_backup(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("backup", help="back up a data directory, running or stopped")
    command.add_argument("to", type=Path, metavar="TO", help="the new folder to write")
    command.add_argument(
        "--engine-backup",
        metavar="PLACE",
        help="let ClickHouse put the cells where its configuration permits, such as"
        " Disk('backups','one'); TO then holds the rest",
    )
    command.add_argument(
        "--with-logins",
        action="store_true",
        help="also users with password hashes and second factors, shared links and API keys",
    )
    _add_data_option(command)
    _add_store_options(command)
    _add_region_options(command)
    command.set_defaults(module="backup")

    command = commands.add_parser("restore", help="make a new data directory of a backup")
    command.add_argument("backup", type=Path, metavar="FROM", help="the backup's folder")
    command.add_argument(
        "--policy",
        type=Path,
        help="the policy in force now: what it keeps for a shorter time than the backup's own"
        " does comes back no longer",
    )
    _add_data_option(command)
    _add_store_options(command)
    _add_region_options(command)
    command.set_defaults(module="restore")


def _add_tag(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "tag",
        help="print the elements that a site's pages carry, ready to paste",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_TAG_EXAMPLES,
    )
    command.add_argument("--policy", type=Path, required=True, help="the policy file")
    command.add_argument("--site", help="the domain of one site (default: every site)")
    command.add_argument(
        "--url",
        default="https://stats.example.org",
        help="where visitors reach the collector (default: https://stats.example.org)",
    )
    command.set_defaults(module="tag")


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
    _add_store_options(command)
    command.set_defaults(module="doctor")


def _add_engine(command: argparse.ArgumentParser) -> None:
    _add_data_option(command)
    command.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; any but loopback asks for a password (default: 127.0.0.1)",
    )
    command.add_argument(
        "--port",
        type=int,
        default=8123,
        help="port to listen on; 0 takes a free one (default: 8123)",
    )
    command.add_argument(
        "--user", default="default", help="the name of the one user (default: default)"
    )
    command.add_argument(
        "--password-file", type=Path, metavar="FILE", help="a file whose first line is the password"
    )
    command.set_defaults(module="engine")


def _add_server_options(command: argparse.ArgumentParser) -> None:
    _add_data_option(command)
    _add_store_options(command)
    _add_region_passwords(command)
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
    command.add_argument(
        "--unsubscribe-webhook",
        metavar="URL",
        help="the mailer's https address that is told who unsubscribes from e-mail",
    )
    command.add_argument(
        "--unsubscribe-webhook-key-file",
        type=Path,
        metavar="FILE",
        help="a file whose first line is the key that signs what the webhook is told: whsec_…",
    )
    command.add_argument(
        "--reports",
        type=Path,
        metavar="FILE",
        help="a TOML file that says which reports go out by e-mail, to whom, when and by which"
        " server",
    )
    _add_countries_option(command)


def _add_data_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data", type=Path, default=Path("data"), help="data directory (default: ./data)"
    )


def _add_store_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--store",
        metavar="ADDRESS",
        help="a ClickHouse server instead of the engine in the data directory:"
        " clickhouse://USER@HOST:PORT/DATABASE?secure=1; remembered by serve and import",
    )
    command.add_argument(
        "--store-password-file",
        type=Path,
        metavar="FILE",
        help="a file whose first line is the server's password; else DISCREET_STORE_PASSWORD",
    )


def _add_region_passwords(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--region-password-file",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a file whose first line is the password of a region's store; may be given several"
        " times; else DISCREET_REGION_PASSWORD_NAME",
    )


def _add_region_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--region", metavar="NAME", help="the store of this region of the policy's [residency]"
    )
    _add_region_passwords(command)


def _add_countries_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--countries",
        type=Path,
        metavar="MMDB",
        help="country database for hits without a time zone; asked with the truncated address",
    )


if __name__ == "__main__":
    sys.exit(main())
