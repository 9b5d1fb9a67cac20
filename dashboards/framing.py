"""What the frame around every page shows: sites, periods, reports, filters, who is reading."""

from anonymizer.policy import MACHINE_DIMENSIONS, Dimension, Policy
from dashboards.address import periods
from dashboards.address.filters import OPERATIONS
from dashboards.address.selection import Selection
from dashboards.exports import export_links
from dashboards.overview import figures
from dashboards.places import places_of
from dashboards.readers import Reader
from dashboards.reports.declared import reports_by_id, reports_of
from dashboards.reports.labels import DIMENSIONS, write_condition
from dashboards.reports.labels import OPERATIONS as OPERATION_TITLES
from dashboards.shown import Chip, FilterBar, Link, ReportLinks
from dashboards.words import Words
from people.roles import Right

_NOT_FILTERED = frozenset({Dimension.PROPERTY, Dimension.VALUE, Dimension.STEP, Dimension.FUNNEL})
"""Dimensions whose words tell nothing alone: rows link to them, the form leaves them out."""

_OF_REPORTS_ALONE = MACHINE_DIMENSIONS | {
    Dimension.MASK,
    Dimension.DOOR,
    Dimension.REASON,
    Dimension.VARIANT,
    Dimension.MAIL_KIND,
    Dimension.LINK,
}
"""Dimensions that no other report follows."""


def frame_of(reader: Reader, selection: Selection) -> dict[str, object]:
    """Return what the templates of pages about a selection take besides their own values."""
    words = reader.words
    shown = selection.period
    return {
        "selection": selection,
        "days": words.days(shown.first, shown.last),
        "sites": [str(domain) for domain in reader.policy.sites],
        "period_title": words(periods.TITLES[shown.name]),
        "periods": tuple(
            Link(words(title), selection.at_period(name), name is shown.name)
            for name, title in periods.TITLES.items()
            if name is not periods.PeriodName.CUSTOM
        ),
        "comparisons": tuple(
            Link(words(title), selection.at_compare(compare), compare is selection.compare)
            for compare, title in periods.COMPARE_TITLES.items()
        ),
        "navigation": report_links(reader.policy, words, selection),
        "filter_bar": filter_bar_of(reader.policy, words, selection),
        "measure_titles": {metric: words(figures.TITLES[metric]) for metric in figures.HEADLINES},
        "earliest": periods.EARLIEST.isoformat(),
        "token": reader.token,
        "name": reader.person.name,
        "is_guest": reader.is_guest,
        "places": places_of(reader, selection),
        "exports": export_links(selection) if reader.person.may(Right.EXPORTS) else (),
    }


def report_links(policy: Policy, words: Words, selection: Selection) -> tuple[ReportLinks, ...]:
    """Return the navigation: every report that the policy allows, by its group."""
    return tuple(
        ReportLinks(
            title=words(group.title),
            links=tuple(
                Link(
                    words(report.title),
                    selection.at_report(report.id),
                    report.id == selection.report,
                )
                for report in group.reports
            ),
        )
        for group in reports_of(policy)
    )


def filter_bar_of(policy: Policy, words: Words, selection: Selection) -> FilterBar:
    """Return the filters in words, and what the form for one more offers."""
    told = {dimension for statistic in policy.statistics for dimension in statistic.by}
    report = reports_by_id(policy).get(selection.report)
    told -= _OF_REPORTS_ALONE - set(report.dimensions if report else ())
    return FilterBar(
        chips=tuple(
            Chip(write_condition(words, each), selection.without_filter(each).address())
            for each in selection.filters
        ),
        remove_all=selection.without_filters().address(),
        fields=tuple(selection.fields("page")),
        dimensions=tuple(
            (dimension, words(title))
            for dimension, title in DIMENSIONS.items()
            if dimension in told and dimension not in _NOT_FILTERED
        ),
        operations=tuple((name, words(OPERATION_TITLES[name])) for name in OPERATIONS),
    )
