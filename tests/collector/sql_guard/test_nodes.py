"""What a later ClickHouse may bring into a syntax tree is refused until somebody looked at it."""

import pytest

from clickhouse_http.question import Refusal
from collector.sql_guard.masking import masked
from collector.sql_guard.nodes import Node, check_kinds


def select(**keys: object) -> Node:
    one: Node = {"type": "SelectQuery", **keys}
    selects: Node = {"type": "ExpressionList", "children": [one]}
    return {"type": "SelectWithUnionQuery", "list_of_selects": selects}


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param({"type": "NewStatement"}, id="statement"),
        pytest.param(select(where={"type": "NewOperator"}), id="operator"),
        pytest.param(select(new_clause={"type": "Literal"}), id="clause"),
        pytest.param(select(new_flag=True), id="flag"),
        pytest.param(select(select={"type": "ExpressionList", "into": "x"}), id="text"),
    ],
)
def test_unknown_part_is_refused(tree: Node) -> None:
    with pytest.raises(Refusal):
        check_kinds(tree)


def test_known_parts_and_flags_that_are_off_are_let_through() -> None:
    check_kinds(select(where={"type": "Literal", "value": {"field_type": "Bool"}}, new_flag=False))


def test_shape_holds_no_value_and_no_name_that_nobody_knows() -> None:
    tree = select(
        select={
            "type": "ExpressionList",
            "children": [
                {
                    "type": "Literal",
                    "value": {"field_type": "String", "value": "s1"},
                    "alias": "s2",
                },
                {"type": "Identifier", "name": "s3.page", "name_parts": ["s3", "page"]},
                {"type": "Function", "name": "sum", "alias": "s4", "window_name": "s5"},
                {"type": "ColumnsRegexpMatcher", "pattern": "s6"},
                {"type": "WithElement", "name": "s7", "list": ["s8"]},
            ],
        },
        settings={"type": "SetQuery", "changes": [{"name": "s9", "value": {"value": "s9"}}]},
    )

    shape = repr(masked(tree, {"page"}))

    assert not [secret for secret in (f"s{n}" for n in range(1, 10)) if f"'{secret}" in shape]
    assert "page" in shape
    assert "sum" in shape
