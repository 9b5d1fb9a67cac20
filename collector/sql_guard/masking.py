"""What the audit log keeps of a query: its shape, and words that the policy and the engine know.

Literals, aliases, names that WITH gave, comments and unknown names can hold anything,
a person's name among it. Each becomes `_`.
"""

from collections.abc import Collection

from collector.sql_guard.nodes import Node, is_node, kind_of

HIDDEN = "_"

# The values under these keys are words of the parser, or functions that were checked.
_PARSERS_OWN = frozenset(
    {
        *(
            "type",
            "union_mode",
            "list_of_modes",
            "kind",
            "strictness",
            "locality",
            "nulls_action",
            "frame_type",
        ),
        *("frame_begin_type", "frame_end_type", "func_name"),
    }
)
_GONE = frozenset({"alias", "cte_name", "settings", "settings_ast", "format_ast", "column_aliases"})


def masked(tree: Node, known: Collection[str]) -> Node:
    """Return a copy of a checked tree that holds nothing but words in `known`."""
    kind = kind_of(tree)
    if kind == "Literal":
        return {"type": "Identifier", "name": HIDDEN}
    if kind in {"Identifier", "TableIdentifier"}:
        return _masked_name(tree, kind, known)
    copy: Node = {}
    for key, value in tree.items():
        if key in _GONE:
            continue
        if key in _PARSERS_OWN or (kind == "Function" and key == "name"):
            copy[key] = value
        elif isinstance(value, list):
            copy[key] = [_masked_value(item, known) for item in value]
        else:
            copy[key] = _masked_value(value, known)
    return copy


def _masked_value(value: object, known: Collection[str]) -> object:
    if is_node(value):
        return masked(value, known)
    return value if not isinstance(value, str) or value in known else HIDDEN


def _masked_name(node: Node, kind: str, known: Collection[str]) -> Node:
    written = node.get("name_parts")
    parts = written if isinstance(written, list) else [node.get("name")]
    shown = [part if part in known else HIDDEN for part in parts]
    name: Node = {"type": kind, "name": ".".join(map(str, shown))}
    if len(shown) > 1:
        name["name_parts"] = shown
    return name
