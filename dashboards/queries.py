"""The named queries on the guarded views, one file of ``views/`` each; the only way to the store.

Values reach ClickHouse as bound parameters only: no function here writes one into SQL.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib import resources
from typing import Any

from dashboards.figures import Figures
from dashboards.periods import Period, Span

Query = Callable[[str, Mapping[str, object]], Awaitable[Sequence[Sequence[Any]]]]
"""SQL with ClickHouse ``{name:Type}`` parameters in, rows out; read only."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of a list are wanted."""

    site: str
    period: Period
    limit: int
    offset: int = 0

    def parameters(self) -> dict[str, object]:
        """Give the values to bind."""
        return {
            "site": self.site,
            "first": self.period.first.isoformat(),
            "last": self.period.last.isoformat(),
            "limit": self.limit,
            "offset": self.offset,
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


async def traffic_total(query: Query, site: str, span: Span) -> Figures:
    """Sum the traffic of a stretch of time."""
    rows = await query(_sql("traffic_total"), _within(site, span))
    return Figures(*rows[0]) if rows else Figures()


async def traffic_by_hour(query: Query, site: str, span: Span) -> dict[datetime, Figures]:
    """Sum the traffic of each hour of the one day that `span` holds."""
    rows = await query(_sql("traffic_by_hour"), _within(site, span))
    return {span.start.replace(hour=row[0]): Figures(*row[1:]) for row in rows}


async def traffic_by_day(query: Query, site: str, span: Span) -> dict[datetime, Figures]:
    """Sum the traffic of each day that has any."""
    rows = await query(_sql("traffic_by_day"), _within(site, span))
    return {datetime.combine(row[0], time()): Figures(*row[1:]) for row in rows}


async def traffic_by_month(query: Query, site: str, span: Span) -> dict[datetime, Figures]:
    """Sum the traffic of each month that has any, within the span."""
    rows = await query(_sql("traffic_by_month"), _within(site, span))
    return {datetime.combine(row[0], time()): Figures(*row[1:]) for row in rows}


async def traffic_days(query: Query, site: str) -> tuple[date, date] | None:
    """Tell the first and the last day with a view; None when the site has none."""
    rows = await query(_sql("traffic_days"), {"site": site})
    return (rows[0][0], rows[0][1]) if rows else None


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
    return _breakdown(await query(_sql("pages"), rows.parameters()))


async def entry_pages(query: Query, rows: Rows) -> Breakdown:
    """List the pages that visits began on."""
    return _breakdown(await query(_sql("entry_pages"), rows.parameters()))


async def exit_pages(query: Query, rows: Rows) -> Breakdown:
    """List the pages that visits ended on."""
    return _breakdown(await query(_sql("exit_pages"), rows.parameters()))


async def sources(query: Query, rows: Rows) -> Breakdown:
    """List where visits came from."""
    return _breakdown(await query(_sql("sources"), rows.parameters()))


async def channels(query: Query, rows: Rows) -> Breakdown:
    """List the kinds of sources."""
    return _breakdown(await query(_sql("channels"), rows.parameters()))


async def referrers(query: Query, rows: Rows) -> Breakdown:
    """List referring hosts."""
    return _breakdown(await query(_sql("referrers"), rows.parameters()))


async def campaigns(query: Query, rows: Rows) -> Breakdown:
    """List campaigns, told apart by their source and medium."""
    return _breakdown(await query(_sql("campaigns"), rows.parameters()))


async def countries(query: Query, rows: Rows) -> Breakdown:
    """List countries by their ISO 3166-1 code."""
    return _breakdown(await query(_sql("countries"), rows.parameters()))


async def languages(query: Query, rows: Rows) -> Breakdown:
    """List languages by their ISO 639 tag."""
    return _breakdown(await query(_sql("languages"), rows.parameters()))


async def screens(query: Query, rows: Rows) -> Breakdown:
    """List screen classes."""
    return _breakdown(await query(_sql("screens"), rows.parameters()))


async def devices(query: Query, rows: Rows) -> Breakdown:
    """List kinds of devices."""
    return _breakdown(await query(_sql("devices"), rows.parameters()))


async def browsers(query: Query, rows: Rows) -> Breakdown:
    """List browsers with their major version."""
    return _breakdown(await query(_sql("browsers"), rows.parameters()))


async def systems(query: Query, rows: Rows) -> Breakdown:
    """List operating systems."""
    return _breakdown(await query(_sql("systems"), rows.parameters()))


def _breakdown(rows: Sequence[Sequence[Any]]) -> Breakdown:
    return Breakdown(
        rows=tuple(Row(label, detail, Figures(*sums)) for label, detail, *sums, _, _ in rows),
        groups=rows[0][-2] if rows else 0,
        largest=rows[0][-1] if rows else 0,
    )


def _within(site: str, span: Span) -> dict[str, object]:
    # Text, for the client would shift a datetime by the machine's own zone.
    return {
        "site": site,
        "start": span.start.isoformat(" ", "seconds"),
        "end": span.end.isoformat(" ", "seconds"),
    }


@cache
def _sql(name: str) -> str:
    return resources.files("dashboards").joinpath("views", f"{name}.sql").read_text("utf-8")
