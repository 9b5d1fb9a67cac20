"""The parts of a syntax tree that may be asked, and how to walk one.

A tree is what ClickHouse's `parseQueryToJSON` gives: objects with a `type` and
further keys. A type or a key that is not in the list is refused, so that a clause
of a later ClickHouse is refused until somebody has looked at it.
"""

from collections.abc import Iterator, Mapping
from typing import TypeGuard

from clickhouse_http.question import Refusal

Node = dict[str, object]

_FRAME = {
    f"frame_{end}_{what}" for end in ("begin", "end") for what in ("type", "offset", "preceding")
}

_KEYS: Mapping[str, frozenset[str]] = {
    kind: frozenset(keys)
    for kind, keys in {
        "SelectWithUnionQuery": {
            *("union_mode", "list_of_modes", "list_of_selects", "format_ast", "settings_ast"),
        },
        "SelectQuery": {
            *("recursive_with", "with", "cte_aliases", "distinct", "select", "tables"),
            *("prewhere", "where", "group_by", "group_by_all", "group_by_with_totals"),
            *("group_by_with_rollup", "group_by_with_cube", "group_by_with_grouping_sets"),
            *("having", "window", "qualify", "order_by", "order_by_all", "interpolate"),
            *("limit_by_offset", "limit_by_length", "limit_by", "limit_by_all"),
            *("limit_offset", "limit_length", "limit_with_ties", "settings"),
        },
        "Subquery": {"children", "alias", "cte_name"},
        "WithElement": {"name", "subquery", "is_materialized", "aliases"},
        "ExpressionList": {"children"},
        "TablesInSelectQuery": {"children"},
        "TablesInSelectQueryElement": {"table_expression", "table_join", "array_join"},
        "TableExpression": {
            *("database_and_table_name", "table_function", "subquery", "column_aliases"),
            "final",
        },
        "TableIdentifier": {"name", "name_parts", "alias", "children"},
        "TableJoin": {"kind", "strictness", "locality", "using_expression_list", "on_expression"},
        "ArrayJoin": {"kind", "expression_list"},
        "Function": {
            *("name", "arguments", "parameters", "alias", "is_operator", "is_lambda_function"),
            *("is_compound_name", "is_window_function", "kind", "nulls_action"),
            *("window_name", "window_definition"),
        },
        "Identifier": {"name", "name_parts", "alias", "children"},
        "QueryParameter": {"name", "param_type", "alias"},
        "Literal": {"value", "alias"},
        "Asterisk": {"transformers", "expression"},
        "QualifiedAsterisk": {"qualifier", "transformers"},
        "ColumnsListMatcher": {"column_list", "transformers", "expression"},
        "ColumnsRegexpMatcher": {"pattern", "transformers", "expression"},
        "QualifiedColumnsListMatcher": {"qualifier", "column_list", "transformers"},
        "QualifiedColumnsRegexpMatcher": {"qualifier", "pattern", "transformers"},
        "ColumnsTransformerList": {"children"},
        "ColumnsApplyTransformer": {"func_name", "parameters", "lambda", "lambda_arg"},
        "ColumnsExceptTransformer": {"children", "pattern", "is_strict"},
        "ColumnsReplaceTransformer": {"children", "is_strict"},
        "ColumnsReplaceTransformerReplacement": {"name", "children"},
        "OrderByElement": {
            *("direction", "nulls_direction", "nulls_direction_was_explicitly_specified"),
            *("expression", "collation", "with_fill", "fill_from", "fill_to", "fill_step"),
            "fill_staleness",
        },
        "InterpolateElement": {"column", "expr"},
        "WindowListElement": {"name", "definition"},
        "WindowDefinition": {
            *("parent_window_name", "partition_by", "order_by", "frame_is_default", "frame_type"),
            *_FRAME,
        },
        "SetQuery": {"changes", "is_standalone"},
        "ShowTablesQuery": {
            *("databases", "from", "like", "not_like", "case_insensitive_like", "full"),
            *("limit_length", "format_ast"),
        },
    }.items()
}


def is_node(value: object) -> TypeGuard[Node]:
    """Tell whether a value of a tree is a node or another object of it."""
    return isinstance(value, dict)


def kind_of(value: object) -> str:
    """Return a node's type; empty for anything else."""
    return str(value.get("type", "")) if is_node(value) else ""


def children_of(value: object) -> list[Node]:
    """Return the nodes in a list node, also when there is none."""
    items = value.get("children") if is_node(value) else None
    return [item for item in items if is_node(item)] if isinstance(items, list) else []


def parts_of(node: Node) -> list[str]:
    """Return the parts of a name: database, table, column, as far as it has them."""
    parts = node.get("name_parts")
    return [str(part) for part in parts] if isinstance(parts, list) else [str(node.get("name", ""))]


def below(node: Node) -> Iterator[Node]:
    """Yield the nodes right below a node."""
    for key, value in node.items():
        if key == "value" and node.get("type") == "Literal":
            continue
        for item in value if isinstance(value, list) else (value,):
            if is_node(item):
                yield item


def every(node: Node) -> Iterator[Node]:
    """Yield a node and all nodes in it, parents first."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(below(found))


def check_kinds(tree: Node) -> None:
    """Check that nothing in a tree is of a kind or has a clause that nobody has looked at.

    Raises:
        Refusal: something is.
    """
    for node in every(tree):
        kind = kind_of(node)
        if "sample_size" in node:  # the engine would read all of a view and say nothing
            raise Refusal(
                141,
                "SAMPLING_NOT_SUPPORTED",
                "Views have no SAMPLE; cityHash64(page) % 10 = 0 does",
            )
        if not kind:  # a setting's name and value
            continue
        keys = _KEYS.get(kind)
        if keys is None:
            raise denied(f"This kind of statement or clause is not answered: {_plain(kind)}")
        for key, value in node.items():
            if key != "type" and key not in keys and value not in (False, None):
                raise denied(f"This clause is not answered: {_plain(key)}")


def denied(message: str) -> Refusal:
    """Say that a query asks for more than it may."""
    return Refusal(497, "ACCESS_DENIED", message)


def _plain(word: str) -> str:
    return word if word.isidentifier() else "?"
