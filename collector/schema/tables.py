"""Tables: hits pass through, cells stay.

`inbox` (Null engine) keeps no row; `cells` adds up what `into_cells` makes of
each row. All live in a database of their own, apart from the guarded views that
analysts read.
"""

from msgspec.structs import fields

from anonymizer.policy import Statistic
from collector.counted import CountedHit

DATABASE = "discreet"
MEASURES = ("visitors", "visits", "views", "bounces", "seconds", "hits")

BATCH = "(batch)"
"""The statistic under which each partition counts the batches it took in (docs/decisions/0004)."""

PARTITION = "toString((keep_days, toYYYYMM(period)))"
"""A cell's partition as text."""

# Batches are sent one after the other, so the newest token alone would do; the
# rest is room for several collectors on one server.
_DEDUPLICATION_WINDOW = 1_000

_UNSIGNED = frozenset({"serves", "firsts"})


def cells_of(statistic: Statistic) -> str:
    """Return the name under which a statistic's cells stand.

    It holds the dimensions: a policy that tells a statistic apart by others goes on
    under another name, and no old word shows in a column it was not counted for.
    """
    return f"{statistic.name}({','.join(statistic.by)})"


def create_tables() -> tuple[str, ...]:
    """Return the statements that make the database and `cells` where missing, and `inbox` anew."""
    columns = ", ".join(
        f"{field.name} {_column_type(field.name, field.type)}" for field in fields(CountedHit)
    )
    measures = ", ".join(f"{measure} Int64" for measure in MEASURES)
    return (
        f"CREATE DATABASE IF NOT EXISTS {DATABASE}",
        # It holds no row, so that another version's columns can just go.
        f"DROP TABLE IF EXISTS {DATABASE}.inbox SYNC",
        f"CREATE TABLE {DATABASE}.inbox ({columns}) ENGINE = Null",
        f"CREATE TABLE IF NOT EXISTS {DATABASE}.done (partition String) ENGINE = Memory",
        (
            f"CREATE TABLE IF NOT EXISTS {DATABASE}.cells ("
            " statistic LowCardinality(String), keep_days UInt16,"
            " grain Enum8('hour' = 1, 'day' = 2, 'month' = 3), site LowCardinality(String),"
            " period DateTime('UTC') COMMENT 'start of the period on the wall clock of the site',"
            f" k1 String, k2 String, k3 String, {measures})"
            f" ENGINE = SummingMergeTree(({', '.join(MEASURES)}))"
            " PARTITION BY (keep_days, toYYYYMM(period))"
            " ORDER BY (statistic, site, period, grain, k1, k2, k3)"
            f" SETTINGS non_replicated_deduplication_window = {_DEDUPLICATION_WINDOW},"
            " fsync_after_insert = 1, fsync_part_directory = 1"
        ),
    )


def _column_type(name: str, kind: object) -> str:
    if name == "hour":
        return "DateTime('UTC')"
    if name in _UNSIGNED:
        return "UInt64"
    return "String" if kind is str else "Int64"
