"""The checks that read the store: its tables, every value, the small groups.

Tells of the store come in, verdicts go out; no value that is found is in them.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network

import msgspec
from msgspec import Struct

from collector.doctor.dictionary import Suspects
from collector.doctor.patterns import kinds_in_text
from collector.doctor.telling import PAGE_ROWS, Column, Layout, Table
from collector.doctor.verdicts import Verdict, judge
from collector.schema.tables import DATABASE, MEASURES

Tell = Callable[[Mapping[str, str]], bytes]
"""A question of `telling` → its answer."""

# What the store is allowed to keep. A table or a column that comes to be kept is written here by
# hand: it is a decision, and nothing derives it.
_WORD = "LowCardinality(String)"
_MADE: Mapping[str, Mapping[str, str]] = {
    "cells": {
        "statistic": _WORD,
        "keep_days": "UInt16",
        "grain": "Enum8('hour' = 1, 'day' = 2, 'month' = 3)",
        "site": _WORD,
        "period": "DateTime('UTC')",
        **dict.fromkeys(("k1", "k2", "k3"), "String"),
        **dict.fromkeys(MEASURES, "Int64"),
    },
    "receipts": {
        "id_hash": "FixedString(32)",
        "state": "Enum8('given' = 1, 'refused' = 2, 'withdrawn' = 3)",
        "hour": "DateTime('UTC')",
        "keep_until": "Date",
        "purposes": "Array(LowCardinality(String))",
        **dict.fromkeys(("site", "version", "language", "jurisdiction", "schema"), _WORD),
    },
}
_PASSING = frozenset({"inbox", "done", "erasing", "into_cells"})
_STATES = re.compile(r"AggregateFunction\(")
_ID_TYPES = re.compile(r"\b(?:UUID|IPv4|IPv6)\b")
_ID_NAMES = re.compile(
    r"(?:^|_)(?:u?id|uuid|guid|ip|addr|address|agent|ua|visitor|session|cookie|client|user|e?mail"
    r"|phone|token|salt|key|hash|fingerprint)(?:_|$)",
    re.IGNORECASE,
)
_NETWORK_V4 = re.compile(rb"(?:\d{1,3}\.){3}0/(?:24|16|8)")
_NETWORK_V6 = re.compile(rb"[0-9a-f:]{2,39}/(?:48|32|16)")


class Words(Struct):
    """What reading every value of the store brought."""

    suspects: Suspects
    faults: Counter[tuple[str, str]]
    """How many values of a column look like a kind of identifier."""
    networks: set[IPv4Network]
    wide_networks: int = 0
    """Networks of IPv6, whose addresses are too many to be guessed."""
    columns: int = 0
    values: int = 0


def read_layout(tell: Tell, *, is_shared: bool) -> Layout:
    """Ask for tables and columns; of a shared server those in Discreet's own databases."""
    of = "own" if is_shared else "all"
    return msgspec.json.decode(tell({"read": "layout", "of": of}), type=Layout)


def check_tables(layout: Layout, statistics: frozenset[str] | None) -> Verdict:
    """Check that only tables are there that Discreet makes.

    `statistics` are the policy's, each of which may have a view; None when it isn't known.
    """
    faults = [
        f"{table.database}.{table.name} is no table of Discreet ({table.engine})"
        for table in layout.tables
        if not _is_made(table, statistics)
    ]
    kept = [table.name for table in layout.tables if table.keeps_rows]
    return judge(
        "only tables that Discreet makes", faults, f"tables that keep rows: {', '.join(kept)}"
    )


def check_columns(layout: Layout) -> Verdict:
    """Check that no column can hold what identifies, or a sketch of visitors."""
    keeping = {(table.database, table.name) for table in layout.tables if table.keeps_rows}
    kept = [column for column in layout.columns if (column.database, column.table) in keeping]
    faults = [
        f"{column.database}.{column.table}.{column.name} {fault}"
        for column in layout.columns
        if (fault := _fault_of(column, is_kept=column in kept))
    ]
    return judge(
        "no column for an identifier or for a sketch of visitors",
        faults,
        f"names and types of {len(kept)} columns",
    )


def read_words(tell: Tell, layout: Layout, advance: Callable[[int], None]) -> Words:
    """Read every distinct value that the store keeps; `advance` is told of rows."""
    words = Words(Suspects(), Counter(), set())
    for table in layout.tables:
        if not table.keeps_rows:
            continue
        of_table = [
            c for c in layout.columns if (c.database, c.table) == (table.database, table.name)
        ]
        for column in of_table:
            words.columns += 1
            where = f"{table.database}.{table.name}.{column.name}"
            for value in _values(tell, column):
                words.values += 1
                words.suspects.add(value, where)
                if "String" in column.type or not _is_own(column):
                    _look_at(value, where, column, words)
            advance(table.rows)
    return words


def check_words(words: Words) -> Verdict:
    """Check that no value looks like an identifier."""
    faults = [
        f"{number} values of {where} look like {kind}"
        for (where, kind), number in sorted(words.faults.items())
    ]
    looked_at = f"{words.values} distinct values of {words.columns} columns"
    return judge("no stored value looks like an identifier", faults, looked_at)


def check_small_groups(tell: Tell, least: Mapping[str, int]) -> Verdict:
    """Check that no cell of a past period counts fewer visitors than its statistic's group."""
    groups = msgspec.json.encode(least).decode()
    answer = tell({"read": "small", "groups": groups})
    cells, small = msgspec.json.decode(answer, type=tuple[int, int])
    faults = [f"{small} of {cells} cells; views don't show them"] if small else []
    return judge(
        "no small group is kept of a past period",
        faults,
        f"{cells} cells of statistics with a group size",
    )


def _is_made(table: Table, statistics: frozenset[str] | None) -> bool:
    if table.database == DATABASE:
        return table.name in (_PASSING if not table.keeps_rows else _MADE)
    return table.engine == "View" and (statistics is None or table.name in statistics)


def _is_own(column: Column) -> bool:
    made = _MADE.get(column.table, {}) if column.database == DATABASE else {}
    return made.get(column.name) == column.type


def _fault_of(column: Column, *, is_kept: bool) -> str:
    if _STATES.search(column.type):
        return f"holds an aggregate state ({column.type})"
    if _ID_TYPES.search(column.type):
        return f"is of a type for identifiers ({column.type})"
    if not is_kept or _is_own(column):
        return ""
    if _ID_NAMES.search(column.name):
        return "is named for an identifier"
    return "is no column of Discreet"


def _values(tell: Tell, column: Column) -> Iterator[bytes]:
    of_column = {"database": column.database, "table": column.table, "column": column.name}
    after = ""
    while True:
        answer = tell({"read": "values", **of_column, "after": after})
        page = msgspec.json.decode(answer, type=list[str])
        yield from map(bytes.fromhex, page)
        if len(page) < PAGE_ROWS:
            return
        after = page[-1]


def _look_at(value: bytes, where: str, column: Column, words: Words) -> None:
    if _NETWORK_V4.fullmatch(value):
        words.networks.add(IPv4Network(value.decode(), strict=False))
    elif _NETWORK_V6.fullmatch(value):
        words.wide_networks += 1
    elif column.name != "id_hash" or not _is_own(column):
        for kind in kinds_in_text(value.decode("utf-8", "replace")):
            words.faults[where, kind] += 1
