"""Read what the two kinds of page show: figures, chart and short lists, or one list in full."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from anonymizer.policy import Grain as StatisticGrain
from anonymizer.policy import Policy
from dashboards import labels, queries
from dashboards.charts import Chart, describe_point, draw_chart
from dashboards.figures import (
    TITLES,
    Change,
    Figures,
    Measure,
    change,
    write_count,
    write_share,
    write_value,
)
from dashboards.panels import Panel, declared_groups
from dashboards.periods import Grain, Period, Span, describe_days
from dashboards.queries import Breakdown, Query, Refusals, Rows
from dashboards.selection import Selection

SHORT_ROWS = 10
PAGE_ROWS = 50


@dataclass(frozen=True, slots=True)
class Card:
    """A headline figure."""

    measure: Measure
    title: str
    text: str
    change: Change | None


@dataclass(frozen=True, slots=True)
class ListRow:
    """A row ready to be shown; `bar` is the width of its bar in percent."""

    label: str
    detail: str
    bar: float
    cells: tuple[str, ...]
    is_other: bool


@dataclass(frozen=True, slots=True)
class ListView:
    """A list ready to be shown, whole or in part."""

    id: str
    title: str
    heading: str
    columns: tuple[str, ...]
    rows: tuple[ListRow, ...]
    groups: int


@dataclass(frozen=True, slots=True)
class RefusedView:
    """What was refused, in words and row by row."""

    sentence: str
    rows: tuple[ListRow, ...]


@dataclass(frozen=True, slots=True)
class TrafficView:
    """The head of the page: figures, the chart, and its numbers as a table."""

    cards: tuple[Card, ...]
    compared_with: str
    chart: Chart
    columns: tuple[str, ...]
    table: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """A site's dashboard; what the policy does not declare is None or left out."""

    traffic: TrafficView | None
    groups: tuple[tuple[str, tuple[ListView, ...]], ...]
    refused: RefusedView | None
    counted_days: tuple[date, date] | None
    """The first and last day with a view, ever."""
    is_empty: bool
    """No hit ever came in."""


async def read_overview(query: Query, policy: Policy, selection: Selection) -> Overview:
    """Read all that the overview shows of one site and period."""
    site = str(selection.site.domain)
    has_traffic = _declares(policy, "traffic", StatisticGrain.HOUR)
    has_coverage = _declares(policy, "coverage", StatisticGrain.DAY)
    counted_days = await queries.traffic_days(query, site) if has_traffic else None
    refused = None
    arrived = counted_days is not None
    if has_coverage:
        refused = _refused(await queries.coverage(query, site, selection.period))
        arrived = arrived or await queries.coverage_any(query, site)
    return Overview(
        traffic=await _read_traffic(query, selection) if has_traffic else None,
        groups=await _read_groups(query, policy, selection),
        refused=refused,
        counted_days=counted_days,
        is_empty=(has_traffic or has_coverage) and not arrived,
    )


async def read_list(query: Query, panel: Panel, selection: Selection) -> ListView:
    """Read one page of a full list; its rows are empty when there is no such page."""
    rows = Rows(
        site=str(selection.site.domain),
        period=selection.period,
        limit=PAGE_ROWS,
        offset=PAGE_ROWS * (selection.page - 1),
    )
    return _list_view(panel, await panel.fetch(query, rows), panel.columns)


async def _read_groups(
    query: Query, policy: Policy, selection: Selection
) -> tuple[tuple[str, tuple[ListView, ...]], ...]:
    rows = Rows(str(selection.site.domain), selection.period, SHORT_ROWS)
    groups = []
    for title, panels in declared_groups(policy):
        lists = [_list_view(p, await p.fetch(query, rows), p.brief) for p in panels]
        # A site without campaigns is the common one; it need not see an empty card.
        if title != "Campaigns" or any(shown.rows for shown in lists):
            groups.append((title, tuple(lists)))
    return tuple(groups)


async def _read_traffic(query: Query, selection: Selection) -> TrafficView:
    site, period, now = str(selection.site.domain), selection.period, selection.now
    before_span = period.previous(now)
    total = await queries.traffic_total(query, site, period.span)
    before = await queries.traffic_total(query, site, before_span)
    by_bucket = await _read_buckets(query, site, period)
    measure = selection.measure
    buckets = [(start, by_bucket.get(start, Figures())) for start in period.buckets()]
    points = [(start, figures.value(measure)) for start, figures in buckets]
    return TrafficView(
        cards=tuple(
            Card(
                m,
                TITLES[m],
                write_value(m, total.value(m)),
                change(m, total.value(m), before.value(m)),
            )
            for m in Measure
        ),
        compared_with=_describe_span(before_span),
        chart=draw_chart(points, measure, period.grain, now),
        columns=tuple(TITLES.values()),
        table=tuple(
            (
                describe_point(start, period.grain),
                tuple(write_value(m, figures.value(m)) for m in TITLES),
            )
            for start, figures in buckets
            if start <= now
        ),
    )


async def _read_buckets(query: Query, site: str, period: Period) -> dict[datetime, Figures]:
    match period.grain:
        case Grain.HOUR:
            return await queries.traffic_by_hour(query, site, period.span)
        case Grain.DAY:
            return await queries.traffic_by_day(query, site, period.span)
        case Grain.MONTH:
            return await queries.traffic_by_month(query, site, period.span)


def _list_view(panel: Panel, breakdown: Breakdown, columns: tuple[Measure, ...]) -> ListView:
    leading = panel.columns[0]
    titles = tuple(TITLES[m] for m in columns)
    rows = tuple(
        ListRow(
            label=panel.name(row.label),
            detail=row.detail,
            bar=_bar(row.figures.value(leading) or 0, breakdown.largest),
            cells=tuple(write_value(m, row.figures.value(m)) for m in columns),
            is_other=row.label == labels.OTHER,
        )
        for row in breakdown.rows
    )
    return ListView(panel.id, panel.title, panel.heading, titles, rows, breakdown.groups)


def _refused(refusals: Refusals) -> RefusedView:
    """Say what share of the hits was refused, and why, the commonest reasons first."""
    refused = sum(hits for _, hits in refusals.refused)
    if not refusals.hits:
        return RefusedView("No hit came in during this period.", ())
    if not refused:
        return RefusedView(f"None of {write_count(refusals.hits)} hits was refused.", ())
    named = [
        f"{write_share(hits / refusals.hits)} {labels.reason(r)}" for r, hits in refusals.refused
    ]
    rest = sum(hits for _, hits in refusals.refused[3:])
    if rest:
        named[3:] = [f"{write_share(rest / refusals.hits)} other reasons"]
    sentence = (
        f"{write_share(refused / refusals.hits)} of {write_count(refusals.hits)} hits"
        f" were refused: {', '.join(named)}."
    )
    largest = refusals.refused[0][1]
    rows = tuple(
        ListRow(
            label=labels.capital(labels.reason(reason)),
            detail="",
            bar=_bar(hits, largest),
            cells=(write_count(hits), write_share(hits / refusals.hits)),
            is_other=False,
        )
        for reason, hits in refusals.refused
    )
    return RefusedView(sentence, rows)


def _bar(value: float, largest: float) -> float:
    return round(100 * min(1.0, max(0.0, value / largest)), 2) if largest > 0 else 0.0


def _describe_span(span: Span) -> str:
    last = span.end - timedelta(minutes=1)
    days = describe_days(span.start.date(), last.date())
    return days if (last.hour, last.minute) == (23, 59) else f"{days}, up to {last:%H:%M}"


def _declares(policy: Policy, name: str, grain: StatisticGrain) -> bool:
    return any(s.name == name and s.grain is grain for s in policy.statistics)
