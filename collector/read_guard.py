"""What an analyst's query may touch: the guarded views and nothing beside them.

Decided on ClickHouse's own reading of the query, never on its text. The engine
in the process knows no users or rights, so this and the reader's `readonly`
setting are what keeps a query to the views.
"""

import re

from msgspec import Struct

from collector.schema.tables import DATABASE

_ROOTS = ("SelectWithUnionQuery", "SelectIntersectExceptQuery", "DescribeQuery", "ShowTables")

# Table functions that make rows out of nothing; every other one reads something.
_TABLE_FUNCTIONS = frozenset({"numbers", "values", "generate_series", "generateSeries"})

# Functions that read files or tables by name, or hold the engine up.
_FUNCTIONS = re.compile(
    r"file|dict\w*|joinGet\w*|hasColumnInTable|sleep\w*|catboostEvaluate|evalMLMethod"
)
# What stands at depth 1 only when the query says it.
_CLAUSES = {"Literal": "INTO OUTFILE", "Set": "SETTINGS"}
_NODE = re.compile(r"^( *)(\w+)(?: (\S+))?")


class OutsideTheViews(Exception):
    """A query that asks for more than the guarded views; the text says what."""


class _Node(Struct, frozen=True):
    depth: int
    kind: str
    name: str


def refuse_what_is_no_view(tree: str, home: str) -> None:
    """Check a query's syntax tree, as ``EXPLAIN AST`` prints it.

    `home` is the database in which the views stand.

    Raises:
        OutsideTheViews: the query is no plain question, or names something else.
    """
    root, *nodes = map(_read_node, tree.splitlines())
    if root.kind not in _ROOTS:
        raise OutsideTheViews("only SELECT, DESCRIBE and SHOW TABLES are answered")
    table_depth = None
    for node in nodes:
        if node.depth == 1 and node.kind in _CLAUSES:
            raise OutsideTheViews(f"{_CLAUSES[node.kind]} is not answered")
        if node.kind == "TableExpression":
            table_depth = node.depth
        elif table_depth is not None and node.depth <= table_depth:
            table_depth = None
        is_table = table_depth is not None and node.depth == table_depth + 1
        if node.kind == "Function":
            _check_function(node.name, is_table=is_table)
        elif node.kind in {"Identifier", "TableIdentifier"}:
            _check_name(node, home)


def _read_node(line: str) -> _Node:
    found = _NODE.match(line)
    if found is None:
        raise OutsideTheViews("the query is not understood")
    return _Node(len(found[1]), found[2], found[3] or "")


def _check_function(name: str, *, is_table: bool) -> None:
    if is_table and name not in _TABLE_FUNCTIONS:
        raise OutsideTheViews("the query uses a table function")
    if _FUNCTIONS.fullmatch(name):
        raise OutsideTheViews("the query uses a function that reads outside the views")


def _check_name(node: _Node, home: str) -> None:
    first, dot, _ = node.name.partition(".")
    # A column may be named by its table, so there the first part is no database.
    elsewhere = first != home if node.kind == "TableIdentifier" else first in {DATABASE, "system"}
    if dot and elsewhere:
        raise OutsideTheViews("the query names a table that is no view")
