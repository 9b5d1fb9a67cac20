"""The guarded views: one a statistic, with named columns; the only door out.

A cell that counts fewer visitors than its statistic's `min_group` is shown as
`OTHER`, so every total still adds up.
"""

from anonymizer.hits import OTHER
from anonymizer.policy import Dimension, Grain, Policy, Statistic
from collector.plan import (
    counts_views,
    counts_visits,
    is_coverage,
    is_exit,
    is_machines,
    is_masks,
)
from collector.schema.tables import DATABASE, MEASURES, cells_of

SHOWN_MEASURES = (*MEASURES, "events", "masked")
"""Every name of a measure in the views."""

_COLUMNS = {"events": "hits", "masked": "hits"}
_ALONE = {Dimension.ENTRY_PAGE: "page", Dimension.EXIT_PAGE: "page"}


def create_views(policy: Policy) -> tuple[str, ...]:
    """Return the statements that make or replace each statistic's view."""
    return tuple(_create_view(statistic) for statistic in policy.statistics)


def columns_of(statistic: Statistic) -> tuple[str, ...]:
    """Return the column names of a statistic's view, in order."""
    return ("site", statistic.grain.value, *_names(statistic), *measures_of(statistic))


def measures_of(statistic: Statistic) -> tuple[str, ...]:
    """Return the measures that have a meaning in a statistic's cells."""
    if is_coverage(statistic) or is_machines(statistic):
        return ("hits",)
    if is_exit(statistic):
        return ("visitors", "visits")
    if not counts_views(statistic):
        return ("visitors", "masked" if is_masks(statistic) else "events")
    if not counts_visits(statistic):
        return ("visitors", "views")
    return ("visitors", "visits", "views", "bounces", "seconds")


def column_of(measure: str) -> str:
    """Return the column of the cells that a view's measure sums."""
    return _COLUMNS.get(measure, measure)


def _names(statistic: Statistic) -> tuple[str, ...]:
    return tuple(_ALONE.get(dimension, dimension.value) for dimension in statistic.by)


def _create_view(statistic: Statistic) -> str:
    measures = measures_of(statistic)
    names = _names(statistic)
    keys = tuple(f"k{number}" for number in range(1, len(names) + 1))
    inner = ", ".join(("site", "period", *keys))
    totals = ", ".join(f"sum({column_of(measure)}) AS cell_{measure}" for measure in measures)
    cells = (
        f"SELECT {inner}, {totals} FROM {DATABASE}.cells"
        f" WHERE statistic = '{cells_of(statistic)}' AND grain = '{statistic.grain.value}'"
        f" GROUP BY {inner} HAVING ({' OR '.join(f'cell_{m} != 0' for m in measures)})"
    )
    period = "period" if statistic.grain is Grain.HOUR else "toDate(period)"
    guarded = statistic.min_group > 1 and not is_coverage(statistic)
    # Of machines no visitors are known: their hits stand in for them.
    big_enough = f"cell_{measures[0]} >= {statistic.min_group}"
    if guarded and not keys:
        cells += f" AND {big_enough}"
    shown = (f"if({big_enough}, {key}, '{OTHER}')" if guarded else key for key in keys)
    columns = ", ".join(
        (
            "toString(site) AS site",
            f"{period} AS {statistic.grain.value}",
            *(f"{key} AS {name}" for key, name in zip(shown, names, strict=True)),
            *(f"sum(cell_{measure}) AS {measure}" for measure in measures),
        )
    )
    group = ", ".join(("site", statistic.grain.value, *names))
    select = f"SELECT {columns} FROM ({cells}) GROUP BY {group}"
    return f"CREATE OR REPLACE VIEW {statistic.name} AS {select}"
