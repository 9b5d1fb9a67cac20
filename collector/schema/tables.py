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

# A batch notes one token in each partition it touches. A collector sends batches one after the
# other, so its newest would do; the rest is room for others on the same server.
_DEDUPLICATION_WINDOW = 1_000

# A cell that was folded away or is over its time must not lie on in an old part: bytes gone
# after 2 s, by default after minutes (chDB 26.9). A part may go that soon because a merge is
# synced before it takes the place of others.
_PART_SETTINGS = (
    "old_parts_lifetime = 1, cleanup_delay_period = 1, cleanup_delay_period_random_add = 0,"
    " max_cleanup_delay_period = 1, min_rows_to_fsync_after_merge = 1,"
    " min_compressed_bytes_to_fsync_after_merge = 1"
)

_UNSIGNED = frozenset({"serves", "firsts"})


def cells_of(statistic: Statistic) -> str:
    """Return the name under which a statistic's cells stand.

    It holds the dimensions, and the event and property that alone are counted, as in
    ``scroll_depth(page,value)[engagement/depth]``: a policy that tells a statistic apart
    otherwise goes on under another name, and no old word shows where it was not counted.
    """
    of = f"[{'/'.join(filter(None, (statistic.event, statistic.property)))}]"
    return f"{statistic.name}({','.join(statistic.by)}){of if statistic.event else ''}"


def create_tables() -> tuple[str, ...]:
    """Return the statements that make the database, `cells` and `inbox` where missing.

    None of them harms another collector that inserts meanwhile.
    """
    columns = [
        f"{field.name} {_column_type(field.name, field.type)}" for field in fields(CountedHit)
    ]
    added = ", ".join(f"ADD COLUMN IF NOT EXISTS {column}" for column in columns)
    measures = ", ".join(f"{measure} Int64" for measure in MEASURES)
    return (
        f"CREATE DATABASE IF NOT EXISTS {DATABASE}",
        f"CREATE TABLE IF NOT EXISTS {DATABASE}.inbox ({', '.join(columns)}) ENGINE = Null",
        # One that an earlier version made; rows that it counted name their columns.
        f"ALTER TABLE {DATABASE}.inbox {added}",
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
            f" fsync_after_insert = 1, fsync_part_directory = 1, {_PART_SETTINGS}"
        ),
        # For a store that an earlier release made.
        f"ALTER TABLE {DATABASE}.cells MODIFY SETTING {_PART_SETTINGS}",
    )


def _column_type(name: str, kind: object) -> str:
    if name == "hour":
        return "DateTime('UTC')"
    if name in _UNSIGNED:
        return "UInt64"
    return "String" if kind is str else "Int64"
