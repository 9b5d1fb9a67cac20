"""Which reports a policy allows, and what each asks.

`ALL_REPORTS` of `all_reports` is the catalogue. A report's id is what ``report=`` says in an
address and what a picture of it is found by.
"""

from functools import cache

from msgspec.structs import replace

from anonymizer.policy import Dimension, Policy, Statistic
from dashboards.address.periods import Grain, Period
from dashboards.address.selection import Selection
from dashboards.asking.filters import MAX_VALUES, Contains, Filter, Is, Or, dimensions_of
from dashboards.asking.question import Order, Question
from dashboards.asking.views import Subject, subjects_of
from dashboards.reports.all_reports import ALL_REPORTS
from dashboards.reports.labels import words_named
from dashboards.reports.report import Report, ReportGroup
from dashboards.words import words_in


def reports_of(policy: Policy) -> tuple[ReportGroup, ...]:
    """Return the groups with the reports that a policy allows, without those that keep none.

    Goals and funnels are there where there are any; everything else where it is declared.
    """
    return _reports_of(policy.statistics, bool(policy.goals), bool(policy.funnels))


def reports_by_id(policy: Policy) -> dict[str, Report]:
    """Return every report that a policy allows."""
    return {report.id: report for group in reports_of(policy) for report in group.reports}


@cache
def _reports_of(
    statistics: tuple[Statistic, ...], has_goals: bool, has_funnels: bool
) -> tuple[ReportGroup, ...]:
    configured = {"": True, "goals": has_goals, "funnels": has_funnels}
    kept = (
        replace(
            group,
            reports=tuple(
                report
                for report in group.reports
                if configured[report.is_only_of]
                and any(_tells(statistic, report) for statistic in statistics)
            ),
        )
        for group in ALL_REPORTS
    )
    return tuple(group for group in kept if group.reports)


def question_of(
    report: Report,
    selection: Selection,
    *,
    limit: int,
    offset: int = 0,
    period: Period | None = None,
    grain: Grain | None = None,
) -> Question:
    """Return what a report asks: of the selection's period, filters, search and order.

    `period` and `grain` ask for another period, or for rows by time.
    """
    order: tuple[Order, ...] = ()
    if selection.sort and selection.report == report.id:
        order = (Order(selection.sort.by, selection.sort.descending),)
    named = dimensions_of(selection.filters)
    return Question(
        site=selection.site,
        period=period or selection.period,
        today=selection.now.date(),
        metrics=report.metrics,
        dimensions=report.dimensions,
        filters=(
            *report.held,
            *(each for each in report.among if each.dimension not in named),
            *(each for each in selection.filters if each not in report.held),
            *_search(report, selection),
        ),
        grain=grain,
        order=order,
        limit=limit,
        offset=offset,
    )


def _search(report: Report, selection: Selection) -> tuple[Filter, ...]:
    """Look for a part in the words as they stand or in their names.

    Words are compared letter by letter, so that usual ways to write the part are tried.
    """
    part = selection.search
    if not part or selection.report != report.id:
        return ()
    first = report.dimensions[0]
    written = (part, part.lower(), part.upper(), part.title(), part.capitalize())
    found = Contains(first, tuple(dict.fromkeys(written)))
    named = words_named(words_in(selection.language), first, part)
    return (Or((found, Is(first, named[:MAX_VALUES]))),) if named else (found,)


def _tells(statistic: Statistic, report: Report) -> bool:
    subject = next(iter(subjects_of(statistic.dimensions())), Subject.VISITS)
    if subject is not report.subject or not set(report.dimensions) <= set(statistic.by):
        return False
    held = {Dimension.EVENT: statistic.event, Dimension.PROPERTY: statistic.property}
    wanted = {each.dimension: each.values[0] for each in report.held}
    return all(
        dimension in statistic.by or held.get(dimension) == word
        for dimension, word in wanted.items()
    ) and all(not word or wanted.get(dimension) == word for dimension, word in held.items())
