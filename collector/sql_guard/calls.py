"""Whether every function that a tree calls may be used, and what the server says of itself."""

from collections.abc import Collection

from collector.sql_guard.functions import may_be_used
from collector.sql_guard.nodes import (
    Node,
    children_of,
    denied,
    every,
    is_node,
    kind_of,
    parts_of,
)

SERVER_NAME = "discreet"

_NAMES_OF_SERVER = frozenset({"displayname", "hostname", "fullhostname", "fqdn"})
_NAMES_OF_USER = frozenset({"currentuser", "current_user", "user", "session_user"})

# Their last argument names a type. States of aggregates are read as they come, so that none may
# be made of a text.
_TO_A_TYPE = frozenset(
    {
        *("cast", "accuratecast", "accuratecastornull", "accuratecastordefault", "reinterpret"),
        *("jsonextract", "jsonextractcaseinsensitive", "dynamicelement"),
    }
)
_STATE = "aggregatefunction"


def put_own_answers(tree: Node, user: str) -> None:
    """Replace calls that ask for the name of the server or of the user; the tree is changed."""
    for node in every(tree):
        if kind_of(node) != "Function" or children_of(node.get("arguments")):
            continue
        name = str(node.get("name", ""))
        if name.lower() in _NAMES_OF_SERVER:
            _answer(node, name, SERVER_NAME)
        elif name.lower() in _NAMES_OF_USER:
            _answer(node, name, user)


def _answer(node: Node, name: str, answer: str) -> None:
    alias = node.get("alias", f"{name}()")
    node.clear()
    value = {"field_type": "String", "value": answer}
    node.update({"type": "Literal", "value": value, "alias": alias})


def check_calls(tree: Node, not_answered: Collection[str]) -> None:
    """Check every function in a tree; table functions are checked with the tables.

    `not_answered` are the engine's functions that may not be used, in small letters: as an
    argument their bare name is a lambda.

    Raises:
        Refusal: one may not be used.
    """
    of_tables = {
        id(node["table_function"])
        for node in every(tree)
        if kind_of(node) == "TableExpression" and "table_function" in node
    }
    for node in every(tree):
        kind = kind_of(node)
        if kind == "ColumnsApplyTransformer" and "func_name" in node:
            _check_name(str(node["func_name"]))
        elif kind == "QueryParameter":
            raise denied("A parameter can't stand here")
        elif kind == "Function":
            name = str(node.get("name", ""))
            if id(node) in of_tables:
                _check_structure(name.lower(), node)
            else:
                arguments = children_of(node.get("arguments"))
                _check_name(name)
                _check_arguments(name.lower(), arguments)
                _check_lambdas(arguments, not_answered)


def _check_name(name: str) -> None:
    if not may_be_used(name):
        raise denied("The query uses a function that is not answered")


def _check_arguments(name: str, arguments: list[Node]) -> None:
    if name in _TO_A_TYPE and arguments:
        _check_type(arguments[-1])
    if name == "arrayreduce" and arguments:
        _check_name(_text_of(arguments[0]).partition("(")[0].strip())


def _check_lambdas(arguments: list[Node], not_answered: Collection[str]) -> None:
    for argument in arguments:
        if kind_of(argument) == "Identifier" and parts_of(argument)[-1].lower() in not_answered:
            raise denied("The query names a function that is not answered")


def _check_structure(name: str, node: Node) -> None:
    arguments = children_of(node.get("arguments"))
    if name == "values" and arguments and kind_of(arguments[0]) == "Function":
        if arguments[0].get("name") != "tuple":
            raise denied("VALUES takes its columns as a plain text")
    elif name == "values" and arguments and _STATE in _lower_text_of(arguments[0]):
        raise denied("States of aggregates can't be made of a text")


def _check_type(argument: Node) -> None:
    if _STATE in _text_of(argument).lower():
        raise denied("States of aggregates can't be made of a text")


def _lower_text_of(node: Node) -> str:
    value = node.get("value")
    text = value.get("value") if is_node(value) else None
    return text.lower() if isinstance(text, str) else ""


def _text_of(node: Node) -> str:
    value = node.get("value")
    text = value.get("value") if is_node(value) else None
    if not isinstance(text, str):
        raise denied("A type's or a function's name is a plain text")
    return text
