"""How much of what was counted is told under no word, or no day, for its group is too small.

What views say of themselves: several of them in one SELECT, for a question by `asking` would be
three for each view.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from string import Template

from msgspec import Struct

from anonymizer.policy import Statistic
from dashboards.address.periods import Period
from dashboards.asking.answering import Query
from dashboards.asking.views import ColumnsOf, View, view_of
from dashboards.reports.labels import OTHER

_VIEWS = 8
"""How many views are asked at once: what takes a tenth of a second."""


class Withheld(Struct, frozen=True):
    """What is withheld of one statistic, in visitors."""

    counted: int
    """Of the days asked for, and of their months what belongs to no single day."""
    hidden: int
    """Those of them who stand in `OTHER`."""
    dayless: int
    """Those of them who belong to no single day."""


async def read_withheld(
    query: Query, site: str, period: Period, statistics: Iterable[Statistic], columns_of: ColumnsOf
) -> dict[str, Withheld]:
    """Ask the views that withhold anything; return what by the statistic's name.

    A view takes 11 ms for 28 days of a site with 47,000 visitors a year, those of the shipped
    policy 0.7 s together; other readers' questions come in between.
    """
    views = [view_of(each, columns_of) for each in statistics]
    withholding = [view for view in views if view.tells_month and "visitors" in view.measures]
    found: dict[str, Withheld] = {}
    for first in range(0, len(withholding), _VIEWS):
        asked = withholding[first : first + _VIEWS]
        rows = await query(_sql(asked), _values(asked, site, period))
        for number, *sums in rows:
            found[asked[number].statistic.name] = Withheld(*map(int, sums))
    return found


def _sql(views: Sequence[View]) -> str:
    return "\nUNION ALL\n".join(
        _template().substitute(
            number=str(number),
            period=view.period,
            hidden=f"{view.columns[view.statistic.by[0]]} = {{other:String}}"
            if view.statistic.by
            else "false",
        )
        for number, view in enumerate(views)
    )


def _values(views: Sequence[View], site: str, period: Period) -> dict[str, object]:
    names = {f"view_{number}": view.statistic.name for number, view in enumerate(views)}
    days = {"first": period.first.isoformat(), "last": period.last.isoformat()}
    return {**names, **days, "site": site, "other": OTHER}


@cache
def _template() -> Template:
    return Template(
        resources.files("dashboards").joinpath("privacy", "withheld.sql").read_text("utf-8")
    )
