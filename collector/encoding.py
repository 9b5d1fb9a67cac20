"""Columns of values → a SELECT that makes rows of them, for ClickHouse to write in its formats."""

from collections.abc import Sequence

Columns = Sequence[tuple[str, str, Sequence[str | int | float | None]]]
"""Names, ClickHouse's types, and values: of each column as many."""


def select_columns(columns: Columns) -> tuple[str, dict[str, object]]:
    """Return the SELECT and the values that it binds; names are written as they stand."""
    told = ", ".join(f"row.{number} AS {name}" for number, (name, _, _) in enumerate(columns, 1))
    bound = ", ".join(f"{{c{n}:Array({kind})}}" for n, (_, kind, _) in enumerate(columns))
    sql = f"SELECT {told} FROM (SELECT arrayJoin(arrayZip({bound})) AS row)"
    # A tuple would be bound as a tuple.
    return sql, {f"c{n}": list(values) for n, (_, _, values) in enumerate(columns)}
