"""The named queries on the guarded views, one file of ``views/`` each; the only way to the store.

Values reach ClickHouse as bound parameters only: no function here writes one into SQL. What a
file's ``$`` names stand for depends on whether its view tells the month of what belongs to no
single day of it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib import resources
from string import Template
from typing import Any

from dashboards.asking.within import BY_MONTH, PLAIN, Whole, within_days, within_hours
from dashboards.periods import Period, Span

Query = Callable[[str, Mapping[str, object]], Awaitable[Sequence[Sequence[Any]]]]
"""SQL with ClickHouse ``{name:Type}`` parameters in, rows out; read only."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The five sums of a row; `seconds` is the time of all its visits together."""

    visitors: int = 0
    visits: int = 0
    views: int = 0
    bounces: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of a list are wanted."""

    site: str
    period: Period
    limit: int
    offset: int = 0
    whole: Whole = None

    def parameters(self) -> dict[str, object]:
        """Give the values to bind."""
        return {
            "site": self.site,
            "limit": self.limit,
            "offset": self.offset,
            **within_days(self.period, self.whole)[1],
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One group of a list; `detail` tells apart what the label alone does not."""

    label: str
    detail: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A stretch of a list, with the size of the whole."""

    rows: tuple[Row, ...]
    groups: int
    largest: int
    """The greatest count of the ordering measure among all groups."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Hits of a period: how many came, and how many were refused for each reason."""

    hits: int
    refused: tuple[tuple[str, int], ...]


async def traffic_total(query: Query, site: str, span: Span, whole: Whole = None) -> Figures:
    """Sum the traffic of a stretch of time."""
    rows = await query(_sql("traffic_total", whole), _within(site, span, whole))
    return Figures(*rows[0]) if rows else Figures()


async def traffic_by_hour(
    query: Query, site: str, span: Span, whole: Whole = None
) -> dict[datetime, Figures]:
    """Sum the traffic of each hour of the one day that `span` holds."""
    rows = await query(_sql("traffic_by_hour", whole), _within(site, span, whole))
    return {span.start.replace(hour=row[0]): Figures(*row[1:]) for row in rows}


async def traffic_by_day(
    query: Query, site: str, span: Span, whole: Whole = None
) -> dict[datetime, Figures]:
    """Sum the traffic of each day that has any."""
    rows = await query(_sql("traffic_by_day", whole), _within(site, span, whole))
    return {datetime.combine(row[0], time()): Figures(*row[1:]) for row in rows}


async def traffic_by_month(
    query: Query, site: str, span: Span, whole: Whole = None
) -> dict[datetime, Figures]:
    """Sum the traffic of each month that has any, within the span."""
    rows = await query(_sql("traffic_by_month", whole), _within(site, span, whole))
    return {datetime.combine(row[0], time()): Figures(*row[1:]) for row in rows}


async def traffic_days(query: Query, site: str, whole: Whole = None) -> tuple[date, date] | None:
    """Tell the first and the last day with a view; None when the site has none.

    What belongs to no single day counts as of the first of its month.
    """
    rows = await query(_sql("traffic_days", whole), {"site": site})
    return (rows[0][0], rows[0][1]) if rows else None


async def no_single_day(
    query: Query, site: str, view: str, measure: str, cut: tuple[date, ...], period: str = "day"
) -> int:
    """Sum what belongs to no single day of one or two months. Names are those of the policy."""
    parameters = {
        "site": site,
        "view": view,
        "measure": measure,
        "period": period,
        "first": cut[0].isoformat(),
        "last": cut[-1].isoformat(),
    }
    ((number,),) = await query(_sql("no_single_day"), parameters)
    return int(number)


async def coverage(query: Query, site: str, period: Period) -> Refusals:
    """Count the hits of a period and, by reason, those that were refused."""
    parameters = {
        "site": site,
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
    }
    rows = await query(_sql("coverage"), parameters)
    return Refusals(
        hits=sum(hits for _, hits in rows),
        refused=tuple((reason, hits) for reason, hits in rows if reason != "counted"),
    )


async def coverage_any(query: Query, site: str) -> bool:
    """Tell whether any hit of the site was ever counted or refused."""
    return bool(await query(_sql("coverage_any"), {"site": site}))


async def pages(query: Query, rows: Rows) -> Breakdown:
    """List pages by visitors."""
    return await _list(query, "pages", rows)


async def entry_pages(query: Query, rows: Rows) -> Breakdown:
    """List the pages that visits began on."""
    return await _list(query, "entry_pages", rows)


async def exit_pages(query: Query, rows: Rows) -> Breakdown:
    """List the pages that visits ended on."""
    return await _list(query, "exit_pages", rows)


async def sources(query: Query, rows: Rows) -> Breakdown:
    """List where visits came from."""
    return await _list(query, "sources", rows)


async def channels(query: Query, rows: Rows) -> Breakdown:
    """List the kinds of sources."""
    return await _list(query, "channels", rows)


async def referrers(query: Query, rows: Rows) -> Breakdown:
    """List referring hosts."""
    return await _list(query, "referrers", rows)


async def campaigns(query: Query, rows: Rows) -> Breakdown:
    """List campaigns, told apart by their source and medium."""
    return await _list(query, "campaigns", rows)


async def countries(query: Query, rows: Rows) -> Breakdown:
    """List countries by their ISO 3166-1 code."""
    return await _list(query, "countries", rows)


async def languages(query: Query, rows: Rows) -> Breakdown:
    """List languages by their ISO 639 tag."""
    return await _list(query, "languages", rows)


async def screens(query: Query, rows: Rows) -> Breakdown:
    """List screen classes."""
    return await _list(query, "screens", rows)


async def devices(query: Query, rows: Rows) -> Breakdown:
    """List kinds of devices."""
    return await _list(query, "devices", rows)


async def browsers(query: Query, rows: Rows) -> Breakdown:
    """List browsers with their major version."""
    return await _list(query, "browsers", rows)


async def systems(query: Query, rows: Rows) -> Breakdown:
    """List operating systems."""
    return await _list(query, "systems", rows)


async def _list(query: Query, name: str, rows: Rows) -> Breakdown:
    return _breakdown(await query(_sql(name, rows.whole), rows.parameters()))


def _breakdown(rows: Sequence[Sequence[Any]]) -> Breakdown:
    return Breakdown(
        rows=tuple(Row(label, detail, Figures(*sums)) for label, detail, *sums, _, _ in rows),
        groups=rows[0][-2] if rows else 0,
        largest=rows[0][-1] if rows else 0,
    )


def _within(site: str, span: Span, whole: Whole) -> dict[str, object]:
    return {"site": site, **within_hours(span, whole)[1]}


@cache
def _template(name: str) -> Template:
    return Template(
        resources.files("dashboards").joinpath("views", f"{name}.sql").read_text("utf-8")
    )


def _sql(name: str, whole: Whole = None) -> str:
    return _template(name).substitute(PLAIN if whole is None else BY_MONTH)
