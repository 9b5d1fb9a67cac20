"""The guarded views of e-mail, which hold one thing more than others.

While it isn't told that a campaign was delivered to `min_group` recipients, nothing of it is
shown, not even under `OTHER`: opens of a message that few got are those of single people, from
however many machines they look (docs/decisions/0026).
"""

from collections.abc import Sequence

from anonymizer.hits import OTHER
from anonymizer.policy import Dimension, Policy, Statistic
from collector.plan import is_delivered
from collector.retention.cells import is_guarded
from collector.schema.tables import DATABASE, cells_of

MAIL_COLUMNS = {
    "delivered": "hits",
    "opens": "views",
    "clicks": "hits",
    "unique_opens": "bounces",
    "unsubscribed": "seconds",
}
"""The column of the cells in which each measure of e-mail stands; deliveries have own cells."""

MAIL_MEASURES = tuple(MAIL_COLUMNS)

DELIVERED = "(delivered)"
"""Stands for the kind of mail program where a row tells what was delivered."""

UNSUBSCRIBED = "(unsubscribed)"
"""Stands for it where a row counts recipients who unsubscribed."""


def mail_measures(statistic: Statistic) -> tuple[str, ...]:
    """Return the measures that have a meaning in a statistic of e-mail."""
    if is_delivered(statistic):
        return ("delivered",)
    if Dimension.MAIL_KIND in statistic.by:
        return ("visitors", *MAIL_MEASURES)
    return ("visitors", "clicks")


def create_mail_view(
    statistic: Statistic, policy: Policy, columns: Sequence[str], grows: str
) -> str:
    """Return the statement that makes or replaces the view of opens or clicks.

    `columns` are the view's, in order; `grows` is the condition of a month that goes on.
    """
    measures = mail_measures(statistic)
    keys = [f"key_{number}" for number in range(1, len(statistic.by) + 1)]
    guarded = is_guarded(statistic)
    any_number = " OR ".join(f"cell_{measure} != 0" for measure in measures)
    shown, wanted = keys, f"({any_number})"
    if guarded:
        size = statistic.min_group
        small = f"cell_visitors < {size} OR {grows}"
        if "delivered" in measures:
            small = f"cell_delivered = 0 AND ({small})"
        shown = [f"if({small}, '{OTHER}', {key})" for key in keys]
        # What retention folded to `OTHER` is of no campaign any more, and so of nobody knows how
        # many recipients.
        wanted += f" AND recipients >= {size}"
    site, *periods_and_names = columns[: -len(measures)]
    periods = periods_and_names[: -len(keys)]
    day = "if(grain = 'month', NULL, toDate(period))" if guarded else "toDate(period)"
    of_period = [day, "toDate(toStartOfMonth(period))"]
    values = ["toString(site)", *of_period[: len(periods)], *shown]
    values += [f"sum(cell_{measure})" for measure in measures]
    listed = ", ".join(f"{value} AS {name}" for value, name in zip(values, columns, strict=True))
    group = ", ".join((site, *periods_and_names))
    cells = _cells(statistic, policy, keys, guarded=guarded)
    return (
        f"CREATE OR REPLACE VIEW {statistic.name} AS"
        f" SELECT {listed} FROM ({cells}) WHERE {wanted} GROUP BY {group}"
    )


def _cells(statistic: Statistic, policy: Policy, keys: Sequence[str], *, guarded: bool) -> str:
    """Select a statistic's cells, and deliveries lined up with them, from one table read once."""
    deliveries = next(filter(is_delivered, policy.statistics), None)
    own = f"statistic = '{cells_of(statistic)}'"
    told = f"statistic = '{cells_of(deliveries)}'" if deliveries else "0"
    words = ", ".join(
        f"if({told}, {_word_of_delivery(dimension, deliveries)}, k{number}) AS key_{number}"
        for number, dimension in enumerate(statistic.by, 1)
    )
    sums = ", ".join(
        f"sumIf({MAIL_COLUMNS.get(measure, measure)},"
        f" {told if measure == 'delivered' else own}) AS cell_{measure}"
        for measure in mail_measures(statistic)
    )
    of_campaign = ", ".join(
        key
        for key, dimension in zip(keys, statistic.by, strict=True)
        if deliveries and dimension in deliveries.by
    )
    grains = "('day', 'month')" if guarded else "('day')"
    recipients = ", ".join(filter(None, ("site", of_campaign)))
    return (
        f"SELECT *, sum(sent) OVER (PARTITION BY {recipients}) AS recipients FROM ("
        f"SELECT site, grain, period, {words}, {sums}, sumIf(hits, {told}) AS sent"
        f" FROM {DATABASE}.cells WHERE grain IN {grains} AND ({own} OR {told})"
        f" GROUP BY site, grain, period, {', '.join(keys)})"
    )


def _word_of_delivery(dimension: Dimension, deliveries: Statistic | None) -> str:
    """Return what stands for a dimension where a delivery is told."""
    if deliveries is not None and dimension in deliveries.by:
        return f"k{deliveries.by.index(dimension) + 1}"
    return f"'{DELIVERED}'"
