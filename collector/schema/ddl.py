"""The statements that make a store on a ClickHouse server, in the order to run them in.

They are those that the collector runs itself on an engine of its own; here they say
besides in which database the views stand, as whom they read, and on which cluster.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from anonymizer.policy import Policy
from collector.plan import Plan
from collector.schema.into_cells import create_into_cells
from collector.schema.tables import DATABASE, create_tables
from collector.schema.views import create_views

DEFINER = "discreet_views"
"""The user as whom the views read, where there are roles; nobody can log in as it."""

SPREAD = "all_cells"
"""On a cluster, the Distributed table over the `cells` of every shard."""

# The words that open a statement, with the name of what it makes or alters.
_NAME = r"(?:`(?:[^`\\]|\\.)*`|[^\s`])+"
_HEAD = re.compile(
    r"(?:CREATE (?:DATABASE|TABLE|MATERIALIZED VIEW|USER|ROLE) IF NOT EXISTS"
    r"|CREATE (?:ROW POLICY|SETTINGS PROFILE|QUOTA) OR REPLACE"
    rf"|CREATE OR REPLACE VIEW|ALTER TABLE) {_NAME}|GRANT|REVOKE"
)
_VIEW = re.compile(r"CREATE OR REPLACE VIEW (\w+) AS ")

Ask = Callable[[str], Sequence[Sequence[Any]]]
"""A query → its rows."""


class Place(Struct, frozen=True):
    """How a store lies on its server."""

    home: str = ""
    """The database in which the views stand; empty: the connection's own."""
    definer: str = ""
    """The user as whom the views read; empty: as whoever asks."""
    spread: bool = False
    """Whether the views read every shard of a cluster."""


def create_store(policy: Policy, plan: Plan, place: Place = Place()) -> tuple[str, ...]:  # noqa: B008  # frozen
    """Return the statements that make a new store: database, tables, then views.

    Raises:
        TooManyCombinations: the statistics need more than the counters can tell apart.
    """
    into_cells = create_into_cells(policy, plan)
    if place.definer:
        into_cells = _once(
            into_cells,
            f" TO {DATABASE}.cells AS",
            f" TO {DATABASE}.cells DEFINER = {place.definer} SQL SECURITY DEFINER AS",
        )
    home = (f"CREATE DATABASE IF NOT EXISTS {name(place.home)}",) if place.home else ()
    return (*create_tables(), into_cells, *home, *place_views(create_views(policy), place))


def place_views(views: Sequence[str], place: Place) -> tuple[str, ...]:
    """Return the statements of `create_views`, made for a place."""
    return tuple(_place_view(statement, place) for statement in views)


def read_place(ask: Ask) -> Place:
    """Read back how the store lies on which views may be made anew by the collector itself."""
    ((defined, spread),) = ask(
        "SELECT countIf(database = currentDatabase() AND engine = 'View'"
        f" AND position(create_table_query, 'DEFINER = {DEFINER} ') != 0),"
        f" countIf(database = '{DATABASE}' AND name = '{SPREAD}' AND engine = 'Distributed')"
        " FROM system.tables"
    )
    return Place(definer=DEFINER if defined else "", spread=bool(spread))


def on_cluster(statements: Sequence[str], cluster: str) -> tuple[str, ...]:
    """Return statements so that every node of a cluster runs them."""
    return tuple(_on_cluster(each, f" ON CLUSTER {name(cluster)}") for each in statements)


def name(word: str) -> str:
    """Return a word as a name in SQL."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", word):
        return word
    return f"`{_escaped(word, '`')}`"


def text(word: str) -> str:
    """Return a word as a text in SQL."""
    return f"'{_escaped(word, chr(39))}'"


def _escaped(word: str, quote: str) -> str:
    return word.replace("\\", "\\\\").replace(quote, f"\\{quote}")


def _place_view(statement: str, place: Place) -> str:
    found = _VIEW.match(statement)
    if found is None:
        raise ValueError("create_views must open with CREATE OR REPLACE VIEW name AS")
    home = f"{name(place.home)}." if place.home else ""
    security = f" DEFINER = {name(place.definer)} SQL SECURITY DEFINER" if place.definer else ""
    select = statement[found.end() :]
    if place.spread:
        select = _once(select, f" {DATABASE}.cells ", f" {DATABASE}.{SPREAD} ")
    return f"CREATE OR REPLACE VIEW {home}{found[1]}{security} AS {select}"


def _on_cluster(statement: str, clause: str) -> str:
    head = _HEAD.match(statement)
    if head is None:
        raise ValueError("a statement opens with words that ON CLUSTER is not known to follow")
    return f"{head[0]}{clause}{statement[head.end() :]}"


def _once(statement: str, old: str, new: str) -> str:
    if statement.count(old) != 1:
        raise ValueError(f"a statement must hold {old.strip()} once")
    return statement.replace(old, new)
