"""Put a query's parameters into its tree, so that what is checked has them.

`{name:Identifier}` becomes a name, anything else a cast of a text. ClickHouse
would do it after the check.
"""

import re
from collections.abc import Mapping

from clickhouse_http.question import Refusal
from collector.sql_guard.nodes import Node, children_of, every, kind_of

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}


def put_parameters(tree: Node, given: Mapping[str, str]) -> None:
    """Replace every parameter in a tree; the tree is changed.

    `given` holds each value as `param_*` has it: in the form of tab-separated text.

    Raises:
        Refusal: a value is missing, or a name is none.
    """
    for node in list(every(tree)):
        if kind_of(node) in {"Identifier", "TableIdentifier"}:
            _put_names(node, given)
        elif kind_of(node) == "QueryParameter":
            _put_value(node, given)


def _put_names(node: Node, given: Mapping[str, str]) -> None:
    parameters = children_of(node)
    if not parameters:
        return
    written = node.get("name_parts")
    parts = [str(part) for part in written] if isinstance(written, list) else [""]
    waiting = iter(parameters)
    names = [part or _name(next(waiting, {}), given) for part in parts]
    node["name"] = ".".join(names)
    if len(names) > 1:
        node["name_parts"] = names
    del node["children"]


def _name(parameter: Node, given: Mapping[str, str]) -> str:
    if parameter.get("param_type") != "Identifier":
        raise _bad("A name is given as an Identifier")
    name = _value(parameter, given)
    if not _NAME.fullmatch(name):
        raise _bad("A parameter of the type Identifier is one plain name")
    return name


def _put_value(node: Node, given: Mapping[str, str]) -> None:
    kind = str(node.get("param_type", ""))
    if kind == "Identifier":
        name = _name(node, given)
        alias = node.get("alias")
        node.clear()
        node.update({"type": "Identifier", "name": name})
    else:
        text = _value(node, given)
        alias = node.get("alias")
        node.clear()
        if kind.startswith("Nullable(") and text == r"\N":
            node.update(_cast({"field_type": "Null", "value": None}, kind))
        elif "(" in kind.removeprefix("Nullable(").removesuffix(")"):
            node.update(_cast(_text(text), kind))
        else:
            plain = _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)
            node.update(_cast(_text(plain), kind))
    if alias is not None:
        node["alias"] = alias


def _value(parameter: Node, given: Mapping[str, str]) -> str:
    name = parameter.get("name")
    if not isinstance(name, str) or name not in given:
        raise Refusal(456, "UNKNOWN_QUERY_PARAMETER", "A parameter of the query has no value")
    return given[name]


def _text(value: str) -> Node:
    return {"field_type": "String", "value": value}


def _cast(value: Node, kind: str) -> Node:
    literal: Node = {"type": "Literal", "value": value}
    if kind == "String":
        return literal
    name: Node = {"type": "Literal", "value": _text(kind)}
    arguments: Node = {"type": "ExpressionList", "children": [literal, name]}
    return {"type": "Function", "name": "CAST", "arguments": arguments}


def _bad(message: str) -> Refusal:
    return Refusal(457, "BAD_QUERY_PARAMETER", message)
