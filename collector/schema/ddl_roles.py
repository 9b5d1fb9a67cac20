"""Users, roles, grants, row policies, limits and quotas for a store on a ClickHouse server.

They give there what the embedded engine's door gives: an analyst reads the guarded views
and nothing beside them, within limits that only the operator changes. No statement holds
a password (docs/decisions/0020 says why a site has views of its own).
"""

from collections.abc import Iterable

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from collector.schema.ddl import DEFINER, SPREAD, Place, name, place_views, text
from collector.schema.tables import DATABASE
from collector.schema.views import create_views

ANALYST = "discreet_analyst"
COLLECTOR = "discreet_collector"

EVERY_SITE = "discreet_every_site"
"""The row policy of whoever is not bound to one site."""

# No password has this hash, and no host may log in.
_NOBODY = f"IDENTIFIED WITH sha256_hash BY '{'0' * 64}' HOST NONE"

# What a reader's connection to the embedded engine is held to, as far as it has the same bound
# (collector/reader.py). What is marked may be set lower, or up to MAX, under readonly = 1; it
# takes settings_constraints_replace_previous, which a server has by default.
_FREE = "CHANGEABLE_IN_READONLY"
_LIMITS = (
    "readonly = 1 CONST",
    "allow_ddl = 0 CONST",
    "allow_introspection_functions = 0 CONST",
    f"max_execution_time = 30 MIN 1 MAX 30 {_FREE}",
    "timeout_overflow_mode = 'throw' CONST",
    f"max_memory_usage = 1000000000 MIN 1 MAX 1000000000 {_FREE}",
    "max_memory_usage_for_user = 2000000000 CONST",
    "max_bytes_before_external_group_by = 0 CONST",
    "max_bytes_before_external_sort = 0 CONST",
    f"max_rows_to_read = 5000000000 MIN 1 MAX 5000000000 {_FREE}",
    "read_overflow_mode = 'throw' CONST",
    f"max_result_rows = 1000000 MIN 1 MAX 1000000 {_FREE}",
    f"max_result_bytes = 1000000000 MIN 1 MAX 1000000000 {_FREE}",
    "result_overflow_mode = 'throw' CONST",
    f"max_threads = 4 MIN 1 MAX 4 {_FREE}",
    "max_concurrent_queries_for_user = 8 CONST",
    "log_queries = 1 CONST",
    # Drivers set these; they change how an answer is written, not what is in it.
    f"max_block_size = 65409 MIN 1 MAX 1000000 {_FREE}",
    f"date_time_output_format = 'simple' {_FREE}",
    f"output_format_json_quote_64bit_integers = 0 {_FREE}",
    f"cancel_http_readonly_queries_on_client_close = 1 {_FREE}",
    f"http_headers_progress_interval_ms = 100 {_FREE}",
    f"send_progress_in_http_headers = 0 {_FREE}",
)
_QUOTA = "queries = 3600, errors = 600, execution_time = 1800"

# DDL on the objects of the store, and no others. A view is made anew as `DEFINER`.
_ON_STORE = (
    "SHOW, SELECT, INSERT, ALTER TABLE, ALTER VIEW, CREATE TABLE, CREATE VIEW, DROP TABLE,"
    " DROP VIEW, TRUNCATE, OPTIMIZE"
)
_ON_HOME = "SHOW, SELECT, CREATE VIEW, DROP VIEW"
_ENGINES = ("Null", "Memory", "MergeTree", "SummingMergeTree")
_SYSTEM_TABLES = (
    *("tables", "columns", "databases", "parts", "settings", "functions", "data_type_families"),
)


def create_definers(policy: Policy, *, spread: bool) -> tuple[str, ...]:
    """Return the statements that make the users as whom views read; run them first."""
    definers = (DEFINER, *map(definer_of, policy.sites))
    return (
        *(f"CREATE USER IF NOT EXISTS {name(user)} {_NOBODY}" for user in definers),
        *(f"GRANT SELECT ON {table} TO {_names(definers)}" for table in _tables(spread=spread)),
        # The materialized view works as its definer too.
        f"GRANT SELECT ON {DATABASE}.inbox, INSERT ON {DATABASE}.cells TO {DEFINER}",
    )


def create_site_views(policy: Policy, home: str, *, spread: bool) -> tuple[str, ...]:
    """Return the statements that make each site's own database of views, and its row policy.

    A filter of the reader's own may run before a row policy that stands on a view, and tell by
    an error what rows there are; it can't before one that stands on `cells`.
    """
    definers = tuple(map(definer_of, policy.sites))
    views = create_views(policy)
    tables = ", ".join(_tables(spread=spread))
    made = [
        (
            f"CREATE ROW POLICY OR REPLACE {EVERY_SITE} ON {tables} FOR SELECT USING 1"
            f" TO ALL EXCEPT {_names(definers)}"
        )
    ]
    for site in policy.sites:
        place = Place(home_of(site, home), definer_of(site), spread)
        made += [
            (
                f"CREATE ROW POLICY OR REPLACE {name(f'discreet_{site}')} ON {tables}"
                f" FOR SELECT USING site = {text(site)} TO {name(place.definer)}"
            ),
            f"CREATE DATABASE IF NOT EXISTS {name(place.home)}",
            *place_views(views, place),
        ]
    return tuple(made)


def create_roles(policy: Policy, home: str, *, spread: bool) -> tuple[str, ...]:
    """Return the statements that make roles with their rights, limits and quotas."""
    views = [statistic.name for statistic in policy.statistics]
    readers = {ANALYST: home} | {role_of(site): home_of(site, home) for site in policy.sites}
    made = [f"CREATE SETTINGS PROFILE OR REPLACE {ANALYST} SETTINGS {', '.join(_LIMITS)}"]
    for role, database in readers.items():
        granted = ", ".join(f"SELECT ON {name(database)}.{view}" for view in views)
        made += [
            f"CREATE ROLE IF NOT EXISTS {name(role)} SETTINGS PROFILE '{ANALYST}'",
            # Whatever it was given before, a view that is gone or a source, goes.
            f"REVOKE ALL ON *.* FROM {name(role)}",
            f"GRANT {granted} TO {name(role)}",
        ]
    made += [
        (
            f"CREATE QUOTA OR REPLACE {ANALYST} KEYED BY user_name"
            f" FOR INTERVAL 1 hour MAX {_QUOTA} TO {_names(readers)}"
        ),
        *_create_collector(home, spread=spread),
    ]
    return tuple(made)


def remaining_steps(policy: Policy, home: str) -> tuple[str, ...]:
    """Return as remarks the statements that the operator completes with passwords."""
    site = next(iter(policy.sites))
    return (
        "-- Left to you, with passwords of your own (clickhouse-client, not a shell's command",
        "-- line, which others can read):",
        (
            f"-- CREATE USER collector IDENTIFIED WITH sha256_password BY '…'"
            f" DEFAULT ROLE {COLLECTOR} DEFAULT DATABASE {name(home)};"
        ),
        (
            f"-- CREATE USER ada IDENTIFIED WITH sha256_password BY '…' DEFAULT ROLE {ANALYST}"
            f" DEFAULT DATABASE {name(home)} SETTINGS PROFILE '{ANALYST}';"
        ),
        (
            f"-- CREATE USER bob IDENTIFIED WITH sha256_password BY '…'"
            f" DEFAULT ROLE {name(role_of(site))} DEFAULT DATABASE {name(home_of(site, home))}"
            f" SETTINGS PROFILE '{ANALYST}';"
        ),
    )


def definer_of(site: SiteId) -> str:
    """Return the user as whom a site's own views read."""
    return f"{DEFINER}_{site}"


def role_of(site: SiteId) -> str:
    """Return the role of whoever may read this site alone."""
    return f"{ANALYST}_{site}"


def home_of(site: SiteId, home: str) -> str:
    """Return the database in which a site's own views stand."""
    return f"{home}_{site}"


def _create_collector(home: str, *, spread: bool) -> Iterable[str]:
    engines = _ENGINES if not spread else (*_ENGINES, "ReplicatedSummingMergeTree")
    # Confirmed once a majority of the shard's replicas has it: none is lost with a node.
    settings = " SETTINGS insert_quorum = 'auto'" if spread else ""
    return (
        f"CREATE ROLE IF NOT EXISTS {COLLECTOR}{settings}",
        f"REVOKE ALL ON *.* FROM {COLLECTOR}",
        f"GRANT {_ON_STORE} ON {DATABASE}.* TO {COLLECTOR}",
        f"GRANT {_ON_HOME} ON {name(home)}.* TO {COLLECTOR}",
        f"GRANT CREATE DATABASE ON {DATABASE}.* TO {COLLECTOR}",
        f"GRANT SET DEFINER ON {DEFINER} TO {COLLECTOR}",
        *(f"GRANT TABLE ENGINE ON {engine} TO {COLLECTOR}" for engine in engines),
        f"GRANT {', '.join(f'SELECT ON system.{of}' for of in _SYSTEM_TABLES)} TO {COLLECTOR}",
    )


def _tables(*, spread: bool) -> tuple[str, ...]:
    cells = f"{DATABASE}.cells"
    return (cells, f"{DATABASE}.{SPREAD}") if spread else (cells,)


def _names(words: Iterable[str]) -> str:
    return ", ".join(map(name, words))
