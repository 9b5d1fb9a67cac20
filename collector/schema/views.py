"""The guarded views: one a statistic, with named columns; the only door out.

A cell that counts fewer visitors than its statistic's `min_group` is shown as
`OTHER`, so every total still adds up. What retention moved to the month is shown
with its month and no day, and under its words once the month is over. Of a statistic
of one event, what stands under `OTHER` is not shown before, and never by its day.
"""

from anonymizer.hits import OTHER
from anonymizer.policy import Dimension, Grain, Policy, Statistic
from collector.plan import (
    counts_views,
    counts_visits,
    is_coverage,
    is_delivered,
    is_engagement,
    is_exit,
    is_funnels,
    is_goals,
    is_machines,
    is_mail,
    is_masks,
)
from collector.retention.cells import is_guarded
from collector.schema.mail_views import (
    MAIL_COLUMNS,
    MAIL_MEASURES,
    create_mail_view,
    mail_measures,
)
from collector.schema.tables import DATABASE, MEASURES, cells_of

MONTH = "month"
"""The column of a guarded view that tells the month, as its first day."""

SHOWN_MEASURES = (*MEASURES, "events", "masked", "conversions", *MAIL_MEASURES)
"""Every name of a measure in the views."""

# A month that goes on grows night by night by what was hidden of a day: shown under its words,
# whoever reads every night would have the day's number (docs/decisions/0015). Two days, for the
# last one of the westernmost zone is folded within 26 h of its end.
_GROWS = "grain = 'month' AND addMonths(period, 1) + toIntervalDay(2) > now()"

# All that is counted of one event may itself be a hidden cell of another statistic, and `OTHER`
# would tell it, in the night after its day by what it grew by.
_GOES_ON = "addMonths(toStartOfMonth(period), 1) + toIntervalDay(2) > now()"

_COLUMNS = {"events": "hits", "masked": "hits", "conversions": "hits", **MAIL_COLUMNS}
_ALONE = {Dimension.ENTRY_PAGE: "page", Dimension.EXIT_PAGE: "page"}


def create_views(policy: Policy) -> tuple[str, ...]:
    """Return the statements that make or replace each statistic's view."""
    return tuple(
        create_mail_view(statistic, policy, columns_of(statistic), _GROWS)
        if is_mail(statistic) and not is_delivered(statistic)
        else _create_view(statistic)
        for statistic in policy.statistics
    )


def columns_of(statistic: Statistic) -> tuple[str, ...]:
    """Return the column names of a statistic's view, in order."""
    month = (MONTH,) if is_guarded(statistic) else ()
    return ("site", statistic.grain.value, *month, *_names(statistic), *measures_of(statistic))


def measures_of(statistic: Statistic) -> tuple[str, ...]:
    """Return the measures that have a meaning in a statistic's cells."""
    if is_coverage(statistic) or is_machines(statistic):
        return ("hits",)
    if is_exit(statistic) or is_funnels(statistic):
        return ("visitors", "visits")
    if is_mail(statistic):
        return mail_measures(statistic)
    if is_goals(statistic):
        return ("visitors", "conversions")
    if is_engagement(statistic):
        return ("visitors", "seconds")
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
    grain = statistic.grain.value
    period = "period" if statistic.grain is Grain.HOUR else "toDate(period)"
    # Of machines no visitors are known: their hits stand in for them.
    small = f"cell_{measures[0]} < {statistic.min_group}"
    grains = f"'{grain}'"
    periods = {grain: period}
    waits = ""
    if is_guarded(statistic):
        # Without a word to hide, the day is hidden.
        dayless = f"grain = 'month' OR {small}"
        if statistic.event:
            waits = f" WHERE NOT (({dayless}) AND {_GOES_ON})"
        elif keys:
            dayless = "grain = 'month'"
        grains += ", 'month'"
        periods = {
            grain: f"if({dayless}, NULL, {period})",
            # Of the period alone, so that a query that names months reads no others.
            MONTH: "toDate(toStartOfMonth(period))",
        }
    if statistic.min_group > 1 and not is_coverage(statistic):
        unshown = f"{small} OR {_GROWS}" if is_guarded(statistic) else small
        shown = [f"if({unshown}, '{OTHER}', {key})" for key in keys]
    else:
        shown = list(keys)
    inner = ", ".join(("site", "grain", "period", *keys))
    totals = ", ".join(f"sum({column_of(measure)}) AS cell_{measure}" for measure in measures)
    cells = (
        f"SELECT {inner}, {totals} FROM {DATABASE}.cells"
        f" WHERE statistic = '{cells_of(statistic)}' AND grain IN ({grains})"
        f" GROUP BY {inner} HAVING ({' OR '.join(f'cell_{m} != 0' for m in measures)})"
    )
    columns = ", ".join(
        (
            "toString(site) AS site",
            *(f"{of} AS {name}" for name, of in periods.items()),
            *(f"{key} AS {name}" for key, name in zip(shown, names, strict=True)),
            *(f"sum(cell_{measure}) AS {measure}" for measure in measures),
        )
    )
    group = ", ".join(("site", *periods, *names))
    select = f"SELECT {columns} FROM ({cells}){waits} GROUP BY {group}"
    return f"CREATE OR REPLACE VIEW {statistic.name} AS {select}"
