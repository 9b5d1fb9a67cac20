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
from dashboards.periods import Grain, Months, Period, Span, describe_days, months_of
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
    note: str
    """What of a month that the period cuts is not in the list; empty when there is nothing."""


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
    note: str
    """As that of a list."""


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
    note: str
    """Says that lists lack something; empty when none does."""


async def read_overview(query: Query, policy: Policy, selection: Selection) -> Overview:
    """Read all that the overview shows of one site and period."""
    site = str(selection.site.domain)
    has_traffic = _declares(policy, "traffic", StatisticGrain.HOUR)
    has_coverage = _declares(policy, "coverage", StatisticGrain.DAY)
    counted_days = None
    if has_traffic:
        whole = _whole(policy, "traffic", Months())
        counted_days = await queries.traffic_days(query, site, whole)
    refused = None
    arrived = counted_days is not None
    if has_coverage:
        refused = _refused(await queries.coverage(query, site, selection.period))
        arrived = arrived or await queries.coverage_any(query, site)
    traffic = await _read_traffic(query, policy, selection) if has_traffic else None
    groups = await _read_groups(query, policy, selection)
    lacking = any(shown.note for _, lists in groups for shown in lists)
    return Overview(
        traffic=traffic,
        groups=groups,
        refused=refused,
        counted_days=counted_days,
        is_empty=(has_traffic or has_coverage) and not arrived,
        note=_describe_cut(_months(selection)) if lacking else "",
    )


async def read_list(query: Query, policy: Policy, panel: Panel, selection: Selection) -> ListView:
    """Read one page of a full list; its rows are empty when there is no such page."""
    rows = Rows(
        site=str(selection.site.domain),
        period=selection.period,
        limit=PAGE_ROWS,
        offset=PAGE_ROWS * (selection.page - 1),
        whole=_whole(policy, panel.statistic, _months(selection)),
    )
    note = await _read_note(query, policy, panel, selection)
    return _list_view(panel, await panel.fetch(query, rows), panel.columns, note)


async def _read_groups(
    query: Query, policy: Policy, selection: Selection
) -> tuple[tuple[str, tuple[ListView, ...]], ...]:
    groups = []
    notes: dict[str, str] = {}
    for title, panels in declared_groups(policy):
        lists = []
        for panel in panels:
            whole = _whole(policy, panel.statistic, _months(selection))
            rows = Rows(str(selection.site.domain), selection.period, SHORT_ROWS, whole=whole)
            if panel.statistic not in notes:  # three lists are of one statistic
                notes[panel.statistic] = await _read_note(query, policy, panel, selection)
            found = await panel.fetch(query, rows)
            lists.append(_list_view(panel, found, panel.brief, notes[panel.statistic]))
        # A site without campaigns is the common one; it need not see an empty card.
        if title != "Campaigns" or any(shown.rows for shown in lists):
            groups.append((title, tuple(lists)))
    return tuple(groups)


async def _read_note(query: Query, policy: Policy, panel: Panel, selection: Selection) -> str:
    measure = Measure.VIEWS if Measure.VIEWS in panel.columns else Measure.VISITS
    return await _read_dayless(query, policy, panel.statistic, measure, selection)


async def _read_dayless(
    query: Query, policy: Policy, statistic: str, measure: Measure, selection: Selection
) -> str:
    """Say how much of the months that the period cuts belongs to no single day of them."""
    months = _months(selection)
    if not months.cut or _whole(policy, statistic, months) is None:
        return ""
    number = await queries.no_single_day(
        query,
        str(selection.site.domain),
        statistic,
        measure.value,
        months.cut,
        next(s.grain.value for s in policy.statistics if s.name == statistic),
    )
    if number <= 0:
        return ""
    unit = TITLES[measure].lower() if number > 1 else TITLES[measure].lower().removesuffix("s")
    belong = "belong" if number > 1 else "belongs"
    return (
        f"{write_count(number)} {unit} of {_name_months(months.cut)} {belong} to no single day"
        " and can’t be shown here."
    )


def _describe_cut(months: Months) -> str:
    return (
        f"These days cut {_name_months(months.cut)}. Groups too small for a day are kept by month"
        " alone and are in no list here; below each stands how much that is. Choose whole months"
        " to see all of it."
    )


def _name_months(months: tuple[date, ...]) -> str:
    return " and ".join(f"{month:%B %Y}" for month in months)


def _months(selection: Selection) -> Months:
    return months_of(selection.period.span, selection.now.date())


def _whole(policy: Policy, statistic: str, months: Months) -> queries.Whole:
    """Return the whole months, or None for a statistic whose view does not tell the month."""
    is_guarded = any(s.name == statistic and s.min_group > 1 for s in policy.statistics)
    return months.whole if is_guarded else None


async def _read_traffic(query: Query, policy: Policy, selection: Selection) -> TrafficView:
    site, period, now = str(selection.site.domain), selection.period, selection.now
    before_span = period.previous(now)
    whole = _whole(policy, "traffic", _months(selection))
    whole_before = _whole(policy, "traffic", months_of(before_span, now.date()))
    total = await queries.traffic_total(query, site, period.span, whole)
    before = await queries.traffic_total(query, site, before_span, whole_before)
    by_bucket = await _read_buckets(query, site, period, whole)
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
        note=await _read_dayless(query, policy, "traffic", Measure.VIEWS, selection),
    )


async def _read_buckets(
    query: Query, site: str, period: Period, whole: queries.Whole
) -> dict[datetime, Figures]:
    no_months = None if whole is None else ()  # they are of no bar that is shorter
    match period.grain:
        case Grain.HOUR:
            return await queries.traffic_by_hour(query, site, period.span, no_months)
        case Grain.DAY:
            return await queries.traffic_by_day(query, site, period.span, no_months)
        case Grain.MONTH:
            return await queries.traffic_by_month(query, site, period.span, whole)


def _list_view(
    panel: Panel, breakdown: Breakdown, columns: tuple[Measure, ...], note: str
) -> ListView:
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
    return ListView(panel.id, panel.title, panel.heading, titles, rows, breakdown.groups, note)


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
