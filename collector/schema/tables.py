"""Tables and the one materialized view: hits pass through, cells stay.

`inbox` (Null engine) keeps no row; `into_cells` adds what passes to `cells`
under each declared statistic. All three live in a database of their own, apart
from the guarded views that analysts read.
"""

from msgspec.structs import fields

from anonymizer.policy import Dimension, Grain, Policy, Statistic
from collector.counted import COUNTED, CountedHit
from collector.plan import Plan, counts_visits, is_coverage, is_exit

DATABASE = "discreet"
MEASURES = ("visitors", "visits", "views", "bounces", "seconds", "hits")

BATCH = "(batch)"
"""The statistic under which each partition counts the batches it took in (docs/decisions/0004)."""

# Batches are sent one after the other, so the newest token alone would do; the
# rest is room for several collectors on one server.
_DEDUPLICATION_WINDOW = 1_000

_UNSIGNED = {"serves": "UInt64", "firsts": "UInt64"}
_LOCAL_TIMES = {"hour", "visit_hour"}
_LOW_CARDINALITY = {"site", "door", "reason"}

# A hit without these has no cell in a statistic that is told apart by them alone.
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
_OF_THE_VISIT = {
    Dimension.COUNTRY: "visit_country",
    Dimension.LANGUAGE: "visit_language",
    Dimension.SCREEN: "visit_screen",
}


def create_tables() -> tuple[str, ...]:
    """Return the statements that make the database, `inbox` and `cells` where missing."""
    columns = ", ".join(f"{field.name} {_column_type(field.name, field.type)}" for field in fields(CountedHit))
    measures = ", ".join(f"{measure} Int64" for measure in MEASURES)
    return (
        f"CREATE DATABASE IF NOT EXISTS {DATABASE}",
        f"CREATE TABLE IF NOT EXISTS {DATABASE}.inbox ({columns}) ENGINE = Null",
        f"CREATE TABLE IF NOT EXISTS {DATABASE}.cells ("
        " statistic LowCardinality(String), keep_days UInt16,"
        " grain Enum8('hour' = 1, 'day' = 2, 'month' = 3), site LowCardinality(String),"
        " period DateTime('UTC') COMMENT 'start of the period on the wall clock of the site',"
        f" k1 String, k2 String, k3 String, {measures})"
        f" ENGINE = SummingMergeTree(({', '.join(MEASURES)}))"
        " PARTITION BY (keep_days, toYYYYMM(period))"
        " ORDER BY (statistic, site, period, grain, k1, k2, k3)"
        f" SETTINGS non_replicated_deduplication_window = {_DEDUPLICATION_WINDOW},"
        " fsync_after_insert = 1, fsync_part_directory = 1",
    )


def create_into_cells(policy: Policy, plan: Plan) -> str:
    """Return the statement that makes the view adding each hit to its statistics' cells."""
    groups = [_coverage_cells(policy), *_counted_cells(policy, plan), _batch_cells(policy)]
    names = ("statistic", "keep_days", "grain", "site", "period", "k1", "k2", "k3")
    keys = ", ".join(f"tupleElement(cell, {n}) AS {name}" for n, name in enumerate(names, 1))
    first = len(names) + 1
    sums = [
        f"sum(tupleElement(cell, {n})) AS {measure}" for n, measure in enumerate(MEASURES[:-1], first)
    ]
    hits = f"sum(tupleElement(cell, {first + len(MEASURES) - 1}))"
    sums.append(f"if(statistic = '{BATCH}', 1, {hits}) AS hits")
    return (
        f"CREATE MATERIALIZED VIEW {DATABASE}.into_cells TO {DATABASE}.cells AS"
        f" SELECT {keys}, {', '.join(sums)}"
        f" FROM (SELECT arrayJoin(arrayConcat({', '.join(groups)})) AS cell FROM {DATABASE}.inbox)"
        f" GROUP BY {', '.join(names)}"
    )


def _column_type(name: str, kind: object) -> str:
    if name in _LOCAL_TIMES:
        return "DateTime('UTC')"
    if name in _UNSIGNED:
        return _UNSIGNED[name]
    if name in _LOW_CARDINALITY:
        return "LowCardinality(String)"
    return "String" if kind is str else "Int64"


def _cell(statistic: Statistic, hour: str, keys: tuple[str, ...], **measures: str) -> str:
    period = hour if statistic.grain is Grain.HOUR else f"toStartOfDay({hour})"
    return _tuple(statistic.name, statistic.keep_days, statistic.grain.value, "site", period, keys, measures)


def _tuple(
    name: str, keep_days: int, grain: str, site: str, period: str, keys: tuple[str, ...],
    measures: dict[str, str],
) -> str:
    padded = (*keys, "''", "''", "''")[:3]
    values = (f"toInt64({measures.get(measure, '0')})" for measure in MEASURES)
    return (
        f"('{name}', toUInt16({keep_days}), '{grain}', toString({site}), {period},"
        f" {', '.join(f'toString({key})' for key in padded)}, {', '.join(values)})"
    )


def _coverage_cells(policy: Policy) -> str:
    cells = (
        _cell(statistic, "hour", ("door", "reason"), hits="hits")
        for statistic in policy.statistics
        if is_coverage(statistic)
    )
    return f"[{', '.join(cells)}]"


def _batch_cells(policy: Policy) -> str:
    """One marker a hit for each partition that the hit may touch."""
    kept = sorted({statistic.keep_days for statistic in policy.statistics})
    here = ", ".join(
        _tuple(BATCH, days, "month", "''", "toDateTime(toStartOfMonth(hour), 'UTC')", (), {})
        for days in kept
    )
    before = ", ".join(
        _tuple(BATCH, days, "month", "''", "toDateTime(toStartOfMonth(visit_hour), 'UTC')", (), {})
        for days in kept
    )
    crosses = "views != 0 AND toYYYYMM(visit_hour) != toYYYYMM(hour)"
    return f"[{here}], if({crosses}, [{before}], [])"


def _counted_cells(policy: Policy, plan: Plan) -> list[str]:
    groups: dict[str, list[str]] = {}
    for statistic in policy.statistics:
        if is_coverage(statistic):
            continue
        served = f"reason = '{COUNTED}' AND bitTest(serves, {plan.purpose_bit(statistic.purpose)})"
        optional = [d.value for d in statistic.by if d in _OPTIONAL]
        if optional:
            told = " OR ".join(f"{name} != ''" for name in optional)
            served += f" AND ({told})"
        for condition, cell in _cells_of(statistic, plan):
            groups.setdefault(f"{served}{condition}", []).append(cell)
    return [f"if({condition}, [{', '.join(cells)}], [])" for condition, cells in groups.items()]


def _cells_of(statistic: Statistic, plan: Plan) -> list[tuple[str, str]]:
    """Return the cells of one hit, each with the condition that there is something to add."""
    if is_exit(statistic):
        moved = dict(visitors="exit_visitors_from", visits="exits_from")
        ended = dict(visitors="exit_visitors_to", visits="exits_to")
        return [
            (" AND exits_from != 0", _cell(statistic, "visit_hour", ("exit_from",), **moved)),
            (" AND exits_to != 0", _cell(statistic, "visit_hour", ("exit_to",), **ended)),
        ]
    new = f"bitTest(firsts, {plan.combination_bit(statistic)})"
    keys = tuple(d.value for d in statistic.by)
    cells = [("", _cell(statistic, "hour", keys, visitors=new, views="views"))]
    if counts_visits(statistic):
        keys = tuple(_OF_THE_VISIT.get(d, d.value) for d in statistic.by)
        of_visit = dict(visits="visits", bounces="bounces", seconds="seconds")
        changed = " AND (visits != 0 OR bounces != 0 OR seconds != 0)"
        cells.append((changed, _cell(statistic, "visit_hour", keys, **of_visit)))
    return cells
