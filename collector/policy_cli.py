"""The arguments of `discreet policy …`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from collector.email_cli import Commands


def add_policy(commands: Commands, add_store: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add `policy` and its commands to the command line; `add_store` adds `--store`."""
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
    add_store(command)
    command.set_defaults(module="policy_report")
    _add_ddl(of_policy.add_parser("ddl", help="print a policy's store as ClickHouse statements"))


def _add_ddl(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, help="the policy file, or an archived .json")
    command.add_argument(
        "--database", metavar="NAME", help="where the views stand (default: the client's own)"
    )
    command.add_argument(
        "--roles",
        action="store_true",
        help="with users, roles, grants, row policies by site, limits and quotas; no passwords",
    )
    command.add_argument(
        "--cluster", metavar="NAME", help="for every node of this cluster, cells replicated"
    )
    command.add_argument(
        "--plan",
        action="store_true",
        help="instead, show what the next start under this policy would change on a store",
    )
    command.add_argument("--data", type=Path, help="with --plan: the data directory of the store")
    command.add_argument(
        "--store", metavar="ADDRESS", help="with --plan: clickhouse://USER@HOST:PORT/DATABASE"
    )
    command.add_argument(
        "--store-password-file",
        type=Path,
        metavar="FILE",
        help="a file whose first line is the password; else DISCREET_STORE_PASSWORD",
    )
    command.set_defaults(module="policy_ddl")
