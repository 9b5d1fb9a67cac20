"""Read the overview: figures, chart, short lists, and what was refused."""

from datetime import date

from msgspec.structs import replace

from anonymizer.policy import Policy
from dashboards.address.periods import DAY, EARLIEST, Grain, Period, PeriodName, months_of
from dashboards.address.selection import Selection
from dashboards.asking.answering import Asker
from dashboards.asking.metrics import Metric
from dashboards.asking.question import Order, Question
from dashboards.overview.traffic import Annotations, read_traffic
from dashboards.reports.declared import reports_by_id, reports_of
from dashboards.reports.reading import read_short_list
from dashboards.reports.refused import read_refused
from dashboards.reports.report import ReportGroup
from dashboards.shown import GroupView, Link, Overview, Undeclared
from dashboards.words import Words

LATEST_DAYS = 28

_OFTEN_UNUSED = frozenset({"campaigns", "goals"})
"""Groups that many sites have nothing in; they are left out where they are empty."""


async def read_overview(
    asker: Asker,
    policy: Policy,
    selection: Selection,
    words: Words,
    annotations: Annotations = (),
) -> Overview:
    """Read all that the overview shows of one site, period and filters."""
    traffic = await read_traffic(asker, selection, words, annotations)
    read = [
        await _read_group(asker, group, selection, words)
        for group in reports_of(policy)
        if group.is_on_overview
    ]
    groups = tuple(group for group in read if group is not None)
    refused = None
    if "coverage" in reports_by_id(policy) and not selection.filters:
        refused = await read_refused(asker, selection, words)
    if isinstance(traffic, Undeclared):
        return Overview(None, traffic, groups, refused)
    if any(group.shown.lacks_days for group in groups):
        traffic = replace(traffic, notes=(*traffic.notes, _say_why_days_lack(selection, words)))
    overview = Overview(traffic, None, groups, refused)
    if not traffic.is_nothing or selection.filters:
        return overview
    return await _say_why_nothing(asker, overview, selection)


def _say_why_days_lack(selection: Selection, words: Words) -> str:
    cut = months_of(selection.period.span, selection.now.date()).cut
    return words(
        "These days cut {months}. Groups too small for a day are kept by month alone and are in no"
        " list here; below each stands how much that is. Choose whole months to see all of it.",
        months=words.together([words.month(month) for month in cut]),
    )


async def _read_group(
    asker: Asker, group: ReportGroup, selection: Selection, words: Words
) -> GroupView | None:
    ids = tuple(report.id for report in group.reports)
    chosen = [report for report in group.reports if report.id in selection.tabs]
    report = chosen[0] if chosen else group.reports[0]
    shown = await read_short_list(asker, report, selection, words)
    is_empty = not shown.rows and shown.undeclared is None
    if is_empty and not chosen and group.id in _OFTEN_UNUSED:
        return None
    return GroupView(
        id=group.id,
        title=words(group.title),
        tabs=tuple(
            Link(
                words(each.title),
                selection.at_tab(each.id, ids),
                each.id == report.id,
            )
            for each in group.reports
        ),
        shown=shown,
    )


async def _say_why_nothing(asker: Asker, overview: Overview, selection: Selection) -> Overview:
    """Tell whether anything was counted at another time, or came in at all."""
    ever = Period(PeriodName.CUSTOM, EARLIEST, selection.now.date())
    question = replace(
        _question(selection, ever, Metric.VIEWS),
        grain=Grain.DAY,
        order=(Order(None, descending=True),),
        limit=1,
    )
    found = (await asker.answer(question)).rows if asker.declares(question) else ()
    if found:
        last = date.fromisoformat(found[0].time)
        first = max(EARLIEST, last - (LATEST_DAYS - 1) * DAY)
        if last < selection.period.first:
            latest = selection.at_days(first.isoformat(), last.isoformat())
            return replace(overview, latest=latest)
        return overview
    hits = _question(selection, ever, Metric.HITS)
    has_come = asker.declares(hits) and bool((await asker.answer(hits)).totals[0])
    return replace(overview, is_empty=not has_come, is_uncounted=has_come)


def _question(selection: Selection, period: Period, metric: Metric) -> Question:
    return Question(
        site=selection.site,
        period=period,
        today=selection.now.date(),
        metrics=(metric,),
    )
