"""What the store itself says of what it keeps, read back from its own catalogue and cells."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from collector.schema.tables import BATCH, DATABASE

KIND = "store_facts"
"""How the running server's socket is asked for these."""

Ask = Callable[[str, Mapping[str, object]], Sequence[Sequence[Any]]]
"""A query with its parameters → its rows; `collector.reader.Reader.query` is one."""


class Column(Struct, frozen=True):
    """A column of a table that keeps rows on disk."""

    table: str
    name: str
    type: str


class Kept(Struct, frozen=True):
    """The cells that are kept equally long."""

    keep_days: int
    cells: int
    oldest: date
    """The day, in the site's own time, in which the oldest of their periods begins."""
    overdue: int
    """Those whose period began more than `keep_days` ago, less two days for time zones."""


class Receipts(Struct, frozen=True):
    """The receipts of consent."""

    rows: int
    overdue: int
    """Those that were to be kept until before yesterday."""


class StoreFacts(Struct, frozen=True):
    """What was found, at one moment."""

    columns: tuple[Column, ...]
    deletes_by_age: tuple[str, ...]
    """Tables that ClickHouse itself deletes old rows of (TTL)."""
    statistics: tuple[str, ...]
    """What cells stand under, as `collector.schema.tables.cells_of` names it."""
    kept: tuple[Kept, ...]
    lone_cells: int
    """Cells told apart by a word, of periods that began four days ago or before, that count
    one visitor: by then no such cell should be left (48 hours after a period of a day)."""
    old_cells: int
    """All such cells, of one visitor or more."""
    networks: int
    """Cells that name a network."""
    fine_networks: int
    """Those of them whose network is neither a /24 nor a /48, nor a wider one."""
    receipts: Receipts | None
    """None when the store has no table for them."""


_COUNTS = f"{DATABASE}.cells WHERE statistic != {{batch:String}}"
_OLD_CELLS = (
    f"SELECT count(), countIf(visitors = 1) FROM {_COUNTS} AND k1 != '' AND grain != 'month'"
    " AND period < now('UTC') - INTERVAL 4 DAY AND visitors != 0"
)
# The name of a statistic's cells holds its dimensions, in the order of its keys.
_WIDE = r"^([0-9.]+/(24|16|8)|[0-9a-f:]+/(48|32|16))$"
_NETWORKS = (
    "WITH splitByChar(',', extract(statistic, '\\\\((.*)\\\\)')) AS dimensions"
    " SELECT count(), countIf(NOT match(pair.2, {wide:String})) FROM (SELECT arrayJoin("
    "arrayZip(dimensions, arraySlice([k1, k2, k3], 1, length(dimensions)))) AS pair"
    f" FROM {_COUNTS}) WHERE pair.1 = 'network' AND NOT match(pair.2, '^\\\\(.*\\\\)$')"
)


def read_store_facts(ask: Ask) -> StoreFacts:
    """Ask the store about itself.

    Raises:
        StoreFailed: it could not be read, or no policy was ever applied to it.
    """
    of_database = {"database": DATABASE}
    of_cells = {"batch": BATCH}
    columns = ask(
        "SELECT table, name, type FROM system.columns WHERE database = {database:String}"
        " AND table IN (SELECT name FROM system.tables WHERE database = {database:String}"
        " AND engine NOT IN ('Null', 'Memory') AND engine NOT LIKE '%View')"
        " ORDER BY table, position",
        of_database,
    )
    deleting = ask(
        "SELECT name FROM system.tables WHERE database = {database:String}"
        " AND match(engine_full, '\\\\bTTL\\\\b') ORDER BY name",
        of_database,
    )
    kept = ask(
        "SELECT keep_days, count(), toDate(min(period)),"
        " countIf(period < now('UTC') - toIntervalDay(keep_days + 2))"
        f" FROM {_COUNTS} GROUP BY keep_days ORDER BY keep_days",
        of_cells,
    )
    statistics = ask(f"SELECT DISTINCT statistic FROM {_COUNTS} ORDER BY statistic", of_cells)
    ((old_cells, lone_cells),) = ask(_OLD_CELLS, of_cells)
    ((networks, fine_networks),) = ask(_NETWORKS, {**of_cells, "wide": _WIDE})
    has_receipts = any(table == "receipts" for table, _, _ in columns)
    return StoreFacts(
        columns=tuple(Column(*row) for row in columns),
        deletes_by_age=tuple(name for (name,) in deleting),
        statistics=tuple(name for (name,) in statistics),
        kept=tuple(Kept(*row) for row in kept),
        lone_cells=lone_cells,
        old_cells=old_cells,
        networks=networks,
        fine_networks=fine_networks,
        receipts=_read_receipts(ask) if has_receipts else None,
    )


def _read_receipts(ask: Ask) -> Receipts:
    ((rows, overdue),) = ask(
        f"SELECT count(), countIf(keep_until < toDate(now('UTC')) - 1) FROM {DATABASE}.receipts",
        {},
    )
    return Receipts(rows, overdue)
