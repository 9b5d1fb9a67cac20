"""Whether every table that a tree names is a guarded view or a name that the query itself gave.

ClickHouse finds a name that WITH gave before it finds a table, but only where it can
be seen: in the query that gave it, after it, and below. Elsewhere the same name would
be a table's.
"""

from collections.abc import Collection

from clickhouse_http.question import Refusal
from collector.schema.tables import DATABASE
from collector.sql_guard.functions import ROWS_OUT_OF_NOTHING
from collector.sql_guard.nodes import (
    Node,
    below,
    children_of,
    denied,
    every,
    is_node,
    kind_of,
    parts_of,
)

_IN = frozenset(
    f"{where}{negated}{null}in{end}"
    for where in ("", "global")
    for negated in ("", "not")
    for null in ("", "null")
    for end in ("", "ignoreset")
)

Names = frozenset[str]

_VALUE = "value "  # before names of values, which IN takes and FROM does not


class Tables:
    """Checks names of tables.

    `asked` collects the views that a query names, `given` the names that WITH gave it and that it
    uses as tables.
    """

    def __init__(self, home: str, views: Collection[str], known: Collection[Node]) -> None:
        self._home = home
        self._views = views
        self._known = known
        self.asked: set[str] = set()
        self.given: set[str] = set()
        self._renamed: Names = frozenset()

    def check_all(self, tree: Node) -> None:
        """Check a whole query.

        Raises:
            Refusal: a table is no guarded view.
        """
        # The engine takes `IN c` for a table when `c` is an alias of the table's name.
        self._renamed = frozenset(
            str(node["alias"])
            for node in every(tree)
            if kind_of(node) == "Identifier" and "alias" in node
        )
        self.check(tree)

    def check(self, node: Node, seen: Names = frozenset()) -> None:
        """Check a node and all below it; `seen` are names that WITH gave above it.

        Raises:
            Refusal: a table is no guarded view.
        """
        kind = kind_of(node)
        if kind == "SelectWithUnionQuery":
            self._check_union(node, seen)
        elif kind == "SelectQuery":
            self._check_select(node, seen)
        elif kind == "Subquery" and any(child in self._known for child in children_of(node)):
            return
        elif kind == "TableExpression":
            self._check_source(node, seen)
        else:
            if kind == "Function":
                self._check_function(node, seen)
            elif kind == "Identifier":
                _check_column(node)
            self._check_below(node, seen)

    def _check_below(self, node: Node, seen: Names) -> None:
        for child in below(node):
            self.check(child, seen)

    def _check_union(self, node: Node, seen: Names) -> None:
        # What WITH gives in the first of several is known in the others too.
        selects = children_of(node.get("list_of_selects"))
        first = next((select for select in selects if kind_of(select) == "SelectQuery"), None)
        given = seen | _given(first) if first is not None and len(selects) > 1 else seen
        for position, select in enumerate(selects):
            self.check(select, given if position else seen)

    def _check_select(self, node: Node, seen: Names) -> None:
        for element in children_of(node.get("with")):
            if node.get("recursive_with") and kind_of(element) == "WithElement":
                self._check_recursive(element, seen)
            else:
                self.check(element, seen)
            seen |= _given_by(element)
        for key, value in node.items():
            if key != "with" and is_node(value):
                self.check(value, seen)

    def _check_recursive(self, element: Node, seen: Names) -> None:
        # It sees itself after its first SELECT; where it has no other, the name is a table's.
        subquery = element.get("subquery")
        for union in children_of(subquery) if is_node(subquery) else []:
            first, *others = children_of(union.get("list_of_selects"))
            self.check(first, seen)
            for other in others:
                self.check(other, seen | _given_by(element))

    def _check_source(self, node: Node, seen: Names) -> None:
        table = node.get("database_and_table_name")
        if is_node(table):
            self._check_table(parts_of(table), seen)
        function = node.get("table_function")
        if is_node(function):
            if str(function.get("name", "")).lower() not in ROWS_OUT_OF_NOTHING:
                raise denied("This table function is not answered")
            self._check_below(function, seen)
        for key, value in node.items():
            if is_node(value) and key not in {"database_and_table_name", "table_function"}:
                self.check(value, seen)

    def _check_table(self, parts: list[str], seen: Names) -> None:
        if len(parts) == 1 and parts[0] in seen:
            self.given.add(parts[0])
            return
        if parts[:-1] not in ([], [self._home]):
            raise denied("Only the guarded views are answered")
        if parts[-1] not in self._views:
            raise Refusal(60, "UNKNOWN_TABLE", "There is no guarded view of this name")
        self.asked.add(parts[-1])

    def _check_set(self, parts: list[str], seen: Names) -> None:
        if len(parts) == 1 and f"{_VALUE}{parts[0]}" in seen and parts[0] not in seen:
            if parts[0] in self._renamed:
                raise denied("IN takes no other name of a column or table here")
            self.given.add(parts[0])
        else:
            self._check_table(parts, seen)

    def _check_function(self, node: Node, seen: Names) -> None:
        name = str(node.get("name", "")).lower()
        arguments = children_of(node.get("arguments"))
        if name in _IN:
            for argument in arguments[1:]:
                if kind_of(argument) in {"Identifier", "TableIdentifier"}:
                    self._check_set(parts_of(argument), seen)
        elif name == "exists" and [kind_of(argument) for argument in arguments] != ["Subquery"]:
            raise denied("EXISTS takes a query here")


def _given(select: Node) -> Names:
    return frozenset[str]().union(*map(_given_by, children_of(select.get("with"))))


def _given_by(element: Node) -> Names:
    """Return the name that an element of WITH gives, marked where it is no table's."""
    if kind_of(element) == "WithElement":
        return frozenset({str(element.get("name"))})
    alias = element.get("alias")
    return frozenset({f"{_VALUE}{alias}"}) if alias else frozenset()


def _check_column(node: Node) -> None:
    parts = parts_of(node)
    if len(parts) > 1 and parts[0].lower() in {DATABASE, "system", "information_schema"}:
        raise denied("Only the guarded views are answered")
