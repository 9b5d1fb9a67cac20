"""What the doctor asks of a store, answered in the server's process or, when none runs, in its own.

A question goes in as the socket's values, an answer comes out as JSON. Stored words leave this way
without their counts, to whoever owns the data directory and could read its files.
"""

import ctypes
import logging
import os
import resource
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from anonymizer.hits import OTHER
from collector.query_socket import Values
from collector.schema.tables import DATABASE
from collector.store_facts import Ask

KIND = "doctor"
"""How the running server's socket is asked for these."""

PAGE_ROWS = 50_000
_PR_GET_DUMPABLE = 3  # Linux: sys/prctl.h
_START_FIELD = 19  # of /proc/PID/stat behind the name, proc(5)
_BYTES = ("String", "FixedString(", "AggregateFunction(")
# No row of theirs is on disk.
_IN_MEMORY = ("Null", "View", "MaterializedView", "Memory")


class Table(Struct, frozen=True):
    """A table or view of the store."""

    database: str
    name: str
    engine: str
    rows: int

    @property
    def keeps_rows(self) -> bool:
        """Tell whether its rows are on disk."""
        return self.engine not in _IN_MEMORY


class Column(Struct, frozen=True):
    """A column of a table or view."""

    database: str
    table: str
    name: str
    type: str


class Layout(Struct, frozen=True):
    """All that the store is made of."""

    tables: tuple[Table, ...]
    columns: tuple[Column, ...]


class Process(Struct, frozen=True):
    """What the server says of its own process."""

    pid: int
    started: str
    """In clock ticks since the machine's start: tells it from another process of this number."""
    core_bytes: int
    """The largest core dump; -1 for no limit."""
    dumpable: int
    """0 when no other process of the same user may read its memory; -1 where unknown."""
    access_log: bool


class _Question(Struct, frozen=True):
    read: Literal["layout", "values", "small", "process"]
    of: Literal["all", "own"] = "all"
    database: str = ""
    table: str = ""
    column: str = ""
    after: str = ""
    groups: str = "[]"


def tell(ask: Ask, values: Values) -> bytes:
    """Answer one question.

    Raises:
        StoreFailed: the store could not be read.
        ValidationError: there is no such question.
    """
    question = msgspec.convert(values, _Question)
    match question.read:
        case "layout":
            return msgspec.json.encode(_read_layout(ask, question.of))
        case "values":
            return msgspec.json.encode(_read_values(ask, question))
        case "small":
            return msgspec.json.encode(_count_small(ask, question.groups))
        case "process":
            return msgspec.json.encode(_read_process())


def _read_layout(ask: Ask, of: Literal["all", "own"]) -> Layout:
    looked_at = (
        "database NOT IN ('INFORMATION_SCHEMA', 'information_schema')"
        " AND (database != 'system' OR engine LIKE '%MergeTree')"
    )
    if of == "own":
        looked_at = f"database IN ('{DATABASE}', currentDatabase())"
    tables = ask(
        "SELECT database, name, engine, ifNull(total_rows, 0) FROM system.tables"
        f" WHERE {looked_at} ORDER BY database, name",
        {},
    )
    columns = ask(
        "SELECT database, table, name, type FROM system.columns WHERE (database, table) IN"
        f" (SELECT (database, name) FROM system.tables WHERE {looked_at})"
        " ORDER BY database, table, position",
        {},
    )
    return Layout(tuple(Table(*row) for row in tables), tuple(Column(*row) for row in columns))


def _read_values(ask: Ask, question: _Question) -> list[str]:
    """Return the next distinct values after one, in hexadecimal, in their order."""
    names = {"d": question.database, "t": question.table, "c": question.column}
    of_column = {"database": names["d"], "table": names["t"], "column": names["c"]}
    ((kind,),) = ask(
        "SELECT type FROM system.columns WHERE database = {database:String}"
        " AND table = {table:String} AND name = {column:String}",
        of_column,
    )
    bare = _bare(kind)
    text = "{c:Identifier}"
    if bare.startswith("Array("):
        text = f"toString(arrayJoin({text}))"
    elif not bare.startswith(_BYTES):
        text = f"toString({text})"
    rows = ask(
        f"SELECT DISTINCT hex(ifNull({text}, '')) AS value FROM {{d:Identifier}}.{{t:Identifier}}"
        f" WHERE value > {{after:String}} ORDER BY value LIMIT {PAGE_ROWS}",
        {**names, "after": question.after},
    )
    return [value for (value,) in rows]


def _bare(kind: str) -> str:
    for wrapper in ("LowCardinality(", "Nullable("):
        if kind.startswith(wrapper):
            kind = kind.removeprefix(wrapper).removesuffix(")")
    return kind


def _count_small(ask: Ask, groups: str) -> tuple[int, int]:
    """Return how many cells of past periods are told apart by a word, and how many are too small.

    `groups` is the policy's, as JSON: the name of a statistic's cells → its least group.
    """
    least = msgspec.json.decode(groups, type=dict[str, int])
    # A period of the site's own clock is over everywhere 14 hours after UTC's; then 48 hours.
    ((cells, small),) = ask(
        "SELECT count(), countIf(v < least) FROM ("
        "SELECT sum(visitors) AS v,"
        " transform(statistic, {names:Array(String)}, {sizes:Array(Int64)}, toInt64(0)) AS least"
        f" FROM {DATABASE}.cells WHERE k1 NOT IN ('', {{other:String}}) AND grain != 'month'"
        " AND period < now('UTC') - INTERVAL 86 HOUR"
        " GROUP BY statistic, site, period, grain, k1, k2, k3"
        " HAVING least > 1 AND (v != 0 OR sum(visits) != 0 OR sum(views) != 0))",
        {"names": list(least), "sizes": list(least.values()), "other": OTHER},
    )
    return cells, small


def _read_process() -> Process:
    core, _ = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        dumpable = ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):  # another system than Linux
        dumpable = -1
    access_log = logging.getLogger("uvicorn.access").hasHandlers()
    pid = os.getpid()
    return Process(pid, start_of(pid), core, dumpable, access_log)


def start_of(pid: int) -> str:
    """Return when a process began, as the kernel writes it; empty when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[_START_FIELD]
