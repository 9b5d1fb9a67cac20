"""`discreet policy ddl`: a policy's store as ClickHouse statements, or what would change on one."""

import argparse
import re
from collections.abc import Iterable

from anonymizer.policy import Policy
from anonymizer.policy_file import PolicyFaults
from collector.commands import CommandFailed, read_policy_file, read_policy_or_archived
from collector.data_dir import DataDir, DataDirInUse
from collector.plan import Plan, TooManyCombinations, make_plan
from collector.schema.ddl import DEFINER, Place, create_store, on_cluster
from collector.schema.ddl_cluster import create_cluster
from collector.schema.ddl_found import Found, read_found
from collector.schema.ddl_plan import CantMigrate, describe, migration
from collector.schema.ddl_roles import (
    create_definers,
    create_roles,
    create_site_views,
    remaining_steps,
)
from collector.schema.into_cells import meaning_of
from collector.schema.tables import DATABASE
from collector.store import StoreFailed, failures
from collector.store_address import (
    BadAddress,
    StoreAddress,
    StorePlace,
    find_store,
    open_client,
    read_address,
    read_password,
)

_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TAKEN = frozenset({DATABASE, "system", "information_schema"})
# As ClickHouse's configuration names it: an XML element.
_CLUSTER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def run(options: argparse.Namespace) -> None:
    """Print statements ready for `clickhouse-client --multiquery`, or the plan.

    Raises:
        CommandFailed: the file, the store or the options can't be used.
    """
    _check(options)
    policy = read_policy_or_archived(options.file)
    try:
        plan = make_plan(policy)
        if options.plan:
            _print_plan(options, policy, plan)
        else:
            _print_statements(options, policy, plan)
    except (BadAddress, CantMigrate, StoreFailed, TooManyCombinations) as error:
        raise CommandFailed(str(error)) from None


def _check(options: argparse.Namespace) -> None:
    if options.plan:
        if options.roles or options.cluster is not None or options.database is not None:
            raise CommandFailed(
                "--plan shows what a start does: --roles, --cluster and --database don't go with it"
            )
        if (options.data is None) == (options.store is None):
            raise CommandFailed("--plan needs --data or --store, one of them")
    elif options.data is not None or options.store is not None:
        raise CommandFailed("--data and --store go with --plan")
    if options.store_password_file is not None and not options.plan:
        raise CommandFailed("--store-password-file goes with --plan")
    if options.database is not None and (
        not _DATABASE.fullmatch(options.database) or options.database.lower() in _TAKEN
    ):
        raise CommandFailed(
            f"--database: must be letters, digits and _, and none of {', '.join(sorted(_TAKEN))}"
        )
    if options.cluster is not None and not _CLUSTER.fullmatch(options.cluster):
        raise CommandFailed("--cluster: must be a cluster's name: letters, digits, _, - and .")


def _print_statements(options: argparse.Namespace, policy: Policy, plan: Plan) -> None:
    cluster = options.cluster or ""
    spread = bool(cluster)
    # Rights and other nodes need a name; the rest may go where the client is.
    home = options.database or ("default" if options.roles or cluster else "")
    place = Place(home, DEFINER if options.roles else "", spread)
    made = (
        create_cluster(policy, plan, place, cluster)
        if cluster
        else create_store(policy, plan, place)
    )
    if options.roles:
        before = create_definers(policy, spread=spread)
        after = (
            *create_site_views(policy, home, spread=spread),
            *create_roles(policy, home, spread=spread),
        )
        if cluster:
            before, after = on_cluster(before, cluster), on_cluster(after, cluster)
        made = (*before, *made, *after)
    _print_script(made)
    if options.roles:
        print("\n".join(remaining_steps(policy, home)))


def _print_plan(options: argparse.Namespace, policy: Policy, plan: Plan) -> None:
    where, found, counted = _look(options)
    print(f"{where}, brought to version {policy.version} of {policy.id}:")
    if not counted:
        print("(The server is running, so its counters are not told.)")
    print("\n".join(describe(found, policy)))
    statements = migration(found, policy, plan)
    if statements:
        print("\nStatements that the next start would run:\n")
        _print_script(statements)
    if found.place.definer:
        print("\nThe store has roles: run `discreet policy ddl --roles` after the change as well.")
    print("\nNothing was changed.")


def _look(options: argparse.Namespace) -> tuple[str, Found, bool]:
    """Return what the store is called, what it holds, and whether its counters are told."""
    if options.store is not None:
        address = read_address(options.store, read_password(options.store_password_file))
        return f"The store at {address}", _ask(address), True
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    data = DataDir(options.data)
    where = f"The store in {options.data}"
    place = find_store(data, None, options.store_password_file)
    if isinstance(place, StoreAddress):
        return f"The store at {place}", _ask(place), True
    try:
        data.lock()
    except DataDirInUse:
        return where, _follows(data), False
    try:
        if not data.store.exists():
            raise CommandFailed(f"{data.path}: there is no store in it")
        return where, _ask(place), True
    finally:
        data.unlock()


def _ask(place: StorePlace) -> Found:
    client = open_client(place)
    try:
        with failures("the store can't be read"):
            return read_found(lambda sql: client.query(sql).result_rows)
    finally:
        client.close()


def _follows(data: DataDir) -> Found:
    """Return what a running server counts: it started under the copy of its policy."""
    try:
        policy, _ = read_policy_file(data.policy)
    except PolicyFaults:
        raise CommandFailed(
            f"{data.policy}: the policy has faults; stop the server first"
        ) from None
    return Found(
        statistics=policy.statistics,
        counters=(),
        views=tuple(statistic.name for statistic in policy.statistics),
        into_cells=meaning_of(policy, make_plan(policy)).select,
        unsummed=(),
        replicated=False,
    )


def _print_script(statements: Iterable[str]) -> None:
    for statement in statements:
        print(f"{statement.strip()};")
