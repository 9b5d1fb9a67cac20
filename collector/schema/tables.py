"""Tables and the one materialized view: hits pass through, cells stay.

`inbox` (Null engine) keeps no row; `into_cells` adds what passes to `cells`
under each declared statistic, but for the partitions that `done` names. All
live in a database of their own, apart from the guarded views that analysts read.
"""

from collections.abc import Iterable
from enum import IntEnum

from msgspec import Struct
from msgspec.structs import fields

from anonymizer.policy import Dimension, Grain, Policy, Statistic
from collector.counted import CountedHit
from collector.plan import Plan, counts_visits, is_coverage, is_exit

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

# A hit without these has no cell in a statistic that is told apart by them.
_OPTIONAL = frozenset(
    {
        Dimension.REFERRER,
        Dimension.CAMPAIGN,
        Dimension.CAMPAIGN_SOURCE,
        Dimension.CAMPAIGN_MEDIUM,
        Dimension.CAMPAIGN_CONTENT,
        Dimension.CAMPAIGN_TERM,
    }
)


class _Adds(IntEnum):
    """What a row adds to a cell."""

    HITS = 0
    VISITS = 1
    VIEWS = 2
    EXIT_FROM = 3
    EXIT_TO = 4
    BATCH = 5


class _Kind(Struct, frozen=True):
    """The cells of one statistic to which a row adds in one way."""

    statistic: str
    keep_days: int
    grain: Grain | None
    """None for a month."""
    adds: _Adds
    keys: tuple[str, ...] = ()
    purpose_bit: int = 0
    first_bit: int = 0
    wanted_keys: int = 0
    """Bit i is set for key i when a cell wants one of these; 0 when it wants none."""


def create_tables() -> tuple[str, ...]:
    """Return the statements that make the database, `inbox` and `cells` where missing."""
    columns = ", ".join(
        f"{field.name} {_column_type(field.name, field.type)}" for field in fields(CountedHit)
    )
    measures = ", ".join(f"{measure} Int64" for measure in MEASURES)
    return (
        f"CREATE DATABASE IF NOT EXISTS {DATABASE}",
        f"CREATE TABLE IF NOT EXISTS {DATABASE}.inbox ({columns}) ENGINE = Null",
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


def create_into_cells(policy: Policy, plan: Plan) -> str:
    """Return the statement that makes the view adding each row to its statistics' cells.

    Every row meets every kind of cell; those to which it adds nothing are left out
    before they are grouped. Arrays hold what differs by kind.
    """
    kinds = [kind for statistic in policy.statistics for kind in _kinds_of(statistic, plan)]
    kept = sorted({statistic.keep_days for statistic in policy.statistics})
    kinds += [_Kind(BATCH, keep_days, None, _Adds.BATCH) for keep_days in kept]
    numbers = range(1, len(kinds) + 1)
    keys = [(*kind.keys, "''", "''", "''")[:3] for kind in kinds]
    joined = ", ".join(
        f"{_array(values)} AS {name}"
        for name, values in (
            ("kind", numbers),
            ("k1", (of[0] for of in keys)),
            ("k2", (of[1] for of in keys)),
            ("k3", (of[2] for of in keys)),
        )
    )
    lengths = {Grain.HOUR: 0, Grain.DAY: 1, None: 2}
    rows = (
        "SELECT site AS of_site, hour, serves, firsts, views AS of_views, visits AS of_visits,"
        " bounces AS of_bounces, seconds AS of_seconds, hits AS of_hits, exit_from_visitors,"
        f" exit_to_visitors, kind, k1, k2, k3 FROM {DATABASE}.inbox ARRAY JOIN {joined}"
    )
    cells = (
        "SELECT of_site, kind, k1, k2, k3,"
        f" {_array(kind.adds.value for kind in kinds)}[kind] AS adds,"
        f" {_array(lengths[kind.grain] for kind in kinds)}[kind] AS length,"
        " multiIf(length = 0, hour, length = 1, toStartOfDay(hour),"
        " toDateTime(toStartOfMonth(hour), 'UTC')) AS period,"
        f" {_array(kind.wanted_keys for kind in kinds)}[kind] AS wanted,"
        f" bitTest(serves, {_array(kind.purpose_bit for kind in kinds)}[kind]) AS served,"
        f" bitTest(firsts, {_array(kind.first_bit for kind in kinds)}[kind]) AS first,"
        f" multiIf({_adds(_Adds.VISITS, _Adds.VIEWS)}, toInt64(first),"
        f" {_adds(_Adds.EXIT_FROM)}, exit_from_visitors,"
        f" {_adds(_Adds.EXIT_TO)}, exit_to_visitors, 0) AS cell_visitors,"
        f" multiIf({_adds(_Adds.VISITS)}, of_visits, {_adds(_Adds.EXIT_FROM)}, -1,"
        f" {_adds(_Adds.EXIT_TO)}, 1, 0) AS cell_visits,"
        f" if({_adds(_Adds.VISITS, _Adds.VIEWS)}, of_views, 0) AS cell_views,"
        f" if({_adds(_Adds.VISITS)}, of_bounces, 0) AS cell_bounces,"
        f" if({_adds(_Adds.VISITS)}, of_seconds, 0) AS cell_seconds,"
        f" if({_adds(_Adds.HITS)}, of_hits, 0) AS cell_hits FROM ({rows})"
        f" WHERE multiIf({_adds(_Adds.HITS)}, of_hits != 0, {_adds(_Adds.BATCH)}, 1,"
        f" {_adds(_Adds.VIEWS)}, served AND of_views != 0,"
        f" {_adds(_Adds.EXIT_FROM, _Adds.EXIT_TO)}, served AND k1 != '', served)"
        " AND (wanted = 0 OR bitTest(wanted, 0) AND k1 != ''"
        " OR bitTest(wanted, 1) AND k2 != '' OR bitTest(wanted, 2) AND k3 != '')"
    )
    sums = ", ".join(f"sum(cell_{measure}) AS {measure}" for measure in MEASURES[:-1])
    grains = (repr(kind.grain.value if kind.grain else "month") for kind in kinds)
    return (
        f"CREATE MATERIALIZED VIEW {DATABASE}.into_cells TO {DATABASE}.cells AS"
        f" SELECT {_array(repr(kind.statistic) for kind in kinds)}[kind] AS statistic,"
        f" {_array(kind.keep_days for kind in kinds)}[kind] AS keep_days,"
        f" {_array(grains)}[kind] AS grain,"
        f" if(statistic = '{BATCH}', '', of_site) AS site, period, k1, k2, k3, {sums},"
        f" if(statistic = '{BATCH}', 1, sum(cell_hits)) AS hits"
        f" FROM ({cells}) GROUP BY of_site, kind, period, k1, k2, k3"
        f" HAVING {PARTITION} NOT IN (SELECT partition FROM {DATABASE}.done)"
    )


def _column_type(name: str, kind: object) -> str:
    if name == "hour":
        return "DateTime('UTC')"
    if name in _UNSIGNED:
        return "UInt64"
    return "String" if kind is str else "Int64"


def _array(values: Iterable[object]) -> str:
    return f"[{', '.join(str(value) for value in values)}]"


def _adds(*what: _Adds) -> str:
    return f"adds IN ({', '.join(str(each.value) for each in what)})"


def _kinds_of(statistic: Statistic, plan: Plan) -> list[_Kind]:
    def kind(adds: _Adds, *keys: str, first_bit: int = 0, wanted_keys: int = 0) -> _Kind:
        return _Kind(
            statistic.name,
            statistic.keep_days,
            statistic.grain,
            adds,
            keys,
            plan.purpose_bit(statistic.purpose),
            first_bit,
            wanted_keys,
        )

    if is_coverage(statistic):
        return [kind(_Adds.HITS, "door", "reason")]
    if is_exit(statistic):
        return [kind(_Adds.EXIT_FROM, "exit_from"), kind(_Adds.EXIT_TO, "exit_to")]
    return [
        kind(
            _Adds.VISITS if counts_visits(statistic) else _Adds.VIEWS,
            *(dimension.value for dimension in statistic.by),
            first_bit=plan.combination_bit(statistic),
            wanted_keys=sum(1 << at for at, d in enumerate(statistic.by) if d in _OPTIONAL),
        )
    ]
