"""SHOW, DESCRIBE and EXISTS → the SELECT that answers the same from what analysts may see."""

import re

from clickhouse_http.question import Refusal
from collector.sql_guard.nodes import Node, children_of, denied, every, is_node, kind_of, parts_of

# Of the engine's own spelling of a statement, which `formatQuerySingleLine` gives.
_DESCRIBE = re.compile(r"DESCRIBE TABLE (?P<of>.+)", re.DOTALL)
_EXISTS = re.compile(r"EXISTS (?P<kind>DATABASE|TABLE|VIEW) (?P<of>.+)", re.DOTALL)

_BACKSLASH = "\\"


def source_of_describe(written: str) -> str | None:
    """Return the query whose columns a DESCRIBE asks for; None when it is none."""
    found = _DESCRIBE.fullmatch(written)
    return f"SELECT * FROM {found['of']}" if found else None


def source_of_exists(written: str) -> tuple[str, str] | None:
    """Return the kind of thing an EXISTS asks for, and a query that names it as a table."""
    found = _EXISTS.fullmatch(written)
    return (found["kind"], f"SELECT * FROM {found['of']}") if found else None


def select_for_show(node: Node, home: str) -> str:
    """Return the query that answers SHOW TABLES or SHOW DATABASES.

    Raises:
        Refusal: it asks for another database.
    """
    if node.get("databases"):
        return f"SELECT name FROM system.databases{_like(node, 'WHERE')} ORDER BY name"
    source = node.get("from")
    if is_node(source) and parts_of(source) != [home]:
        raise denied("Only the guarded views are answered")
    columns = "name, engine AS table_type" if node.get("full") else "name"
    limit = node.get("limit_length")
    value = limit.get("value") if is_node(limit) else None
    rows = value.get("value") if is_node(value) else None
    bound = f" LIMIT {rows}" if isinstance(rows, int) else ""
    return f"SELECT {columns} FROM system.tables{_like(node, 'WHERE')} ORDER BY name{bound}"


def _like(node: Node, word: str) -> str:
    pattern = node.get("like")
    if not isinstance(pattern, str) or not pattern:
        return ""
    operator = "ILIKE" if node.get("case_insensitive_like") else "LIKE"
    negated = "NOT " if node.get("not_like") else ""
    quoted = pattern.replace(_BACKSLASH, _BACKSLASH * 2).replace("'", _BACKSLASH + "'")
    return f" {word} name {negated}{operator} '{quoted}'"


def not_answered() -> Refusal:
    """Say that a statement is none of those that are answered."""
    return denied("Only SELECT, DESCRIBE, EXISTS, SHOW TABLES and SHOW DATABASES are answered")


def name_asked_for(tree: Node) -> list[str]:
    """Return the parts of the one table that the query of `source_of_exists` names."""
    names = [parts_of(node) for node in every(tree) if kind_of(node) == "TableIdentifier"]
    return names[0] if len(names) == 1 else [""]


def take_format(tree: Node) -> str:
    """Take the FORMAT clause out of a query and return the format; empty when there is none."""
    clause = tree.pop("format_ast", None)
    return str(clause.get("name", "")) if is_node(clause) else ""


def take_settings(tree: Node) -> list[Node]:
    """Take the SETTINGS clauses out of a query and return them.

    Raises:
        Refusal: one stands in a subquery, where it would hold for that part alone.
    """
    selects = children_of(tree.get("list_of_selects"))
    places = [(tree, "settings_ast"), *((select, "settings") for select in selects)]
    taken = [place.pop(key) for place, key in places if key in place]
    if any("settings" in node or "settings_ast" in node for node in every(tree)):
        raise denied("SETTINGS stands at the end of the query only")
    return [clause for clause in taken if is_node(clause)]
