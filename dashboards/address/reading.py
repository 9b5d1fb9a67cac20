"""Read what an address of the dashboard asks for."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from msgspec.structs import replace

from anonymizer.policy import Dimension, Policy, Site
from dashboards.address.filters import (
    MAX_FILTERS,
    Condition,
    FilterError,
    is_plain,
    read_filter,
    read_filters,
)
from dashboards.address.periods import (
    Compare,
    Grain,
    Period,
    PeriodError,
    PeriodName,
    custom_period,
    named_period,
)
from dashboards.address.selection import (
    DEFAULT_PERIOD,
    MAX_PAGE,
    MAX_SEARCH,
    MAX_TABS,
    PATH,
    Selection,
    SelectionError,
    Sort,
)
from dashboards.asking.filters import Is
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import HEADLINES
from dashboards.reports.labels import CODED, word_called, words_named
from dashboards.reports.report import Report
from dashboards.words import LANGUAGES, Words, message, words_in

SEVERAL = frozenset({"f", "tab"})
"""Parameters that an address may have several of."""
ADDED = ("dimension", "op", "value")
"""What the form for one more filter sends; addresses that are written have none of these."""
ONCE = frozenset(
    {
        "site", "period", "from", "to", "compare", "grain", "measure",
        "report", "page", "sort", "search", "lang", *ADDED,
    }
)  # fmt: skip

_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,4}")
_Choice = TypeVar("_Choice", bound=StrEnum)


def read_selection(
    parameters: Sequence[tuple[str, str]],
    policy: Policy,
    reports: Mapping[str, Report],
    now: datetime,
    *,
    words: Words | None = None,
    path: str = PATH,
) -> Selection:
    """Read the parameters of an address; `now` carries a zone, `reports` are by their id.

    `words` are those of the reader, whose names for words the filter form takes.

    Raises:
        SelectionError: a parameter is unknown, given twice or out of bounds.
    """
    values = {name: value for name, value in parameters if name not in SEVERAL}
    if len(values) != sum(name not in SEVERAL for name, _ in parameters):
        raise SelectionError(message("The address gives a parameter twice."))
    if not values.keys() <= ONCE:
        raise SelectionError(
            message("The address has a parameter that the dashboard does not know.")
        )
    words = words or words_in("en")
    site = _read_site(values.get("site"), policy)
    local_now = now.astimezone(site.zone).replace(tzinfo=None)
    report = _read_report(values, reports)
    lang = _read_language(values.get("lang"))
    selection = Selection(
        site=site,
        period=_read_period(values, local_now),
        now=local_now,
        compare=_read_choice(Compare, values.get("compare", Compare.PREVIOUS)),
        asked_grain=_read_choice(Grain, values["grain"]) if "grain" in values else None,
        measure=_read_measure(values.get("measure", Metric.VISITORS)),
        report=report.id if report else "",
        tabs=_read_tabs([value for name, value in parameters if name == "tab"], reports),
        page=_read_page(values, report),
        sort=_read_sort(values, report),
        search=_read_search(values, report),
        lang=lang,
        language=lang or words.language,
        path=path,
    )
    return _with_filters(
        selection, [value for name, value in parameters if name == "f"], values, words
    )


def _with_filters(
    selection: Selection, texts: Sequence[str], values: Mapping[str, str], words: Words
) -> Selection:
    dimension, operation, value = (values.get(name, "") for name in ADDED)
    if not values.keys().isdisjoint(ADDED) and not value:
        raise SelectionError(message("A filter lacks its value."))
    try:
        filters = read_filters(texts)
        added = [_read_added(words, dimension, operation, value)] if value else []
    except FilterError as error:
        raise SelectionError(str(error)) from None
    return (
        replace(selection, filters=filters).with_filter(*added)
        if added
        else replace(selection, filters=filters)
    )


def _read_added(words: Words, dimension: str, operation: str, value: str) -> Condition:
    """Read the form's filter, whose value may be a name: ``Germany`` stands for ``DE``.

    A part is looked for in names, too, where a dimension's words are codes that nobody sees.
    """
    found = read_filter(dimension, operation, value.strip())
    if operation == "contains":
        is_coded = found.dimension in CODED
        named = words_named(words, found.dimension, value.strip()) if is_coded else ()
        return Is(found.dimension, named) if 0 < len(named) <= MAX_FILTERS else found
    return read_filter(dimension, operation, word_called(words, found.dimension, value.strip()))


def _read_site(domain: str | None, policy: Policy) -> Site:
    sites = list(policy.sites.values())
    if domain is None:
        return sites[0]
    for site in sites:
        if site.domain == domain:
            return site
    raise SelectionError(message("The policy has no such site."))


def _read_period(values: Mapping[str, str], now: datetime) -> Period:
    has_days = "from" in values or "to" in values
    default = PeriodName.CUSTOM if has_days else DEFAULT_PERIOD
    name = _read_choice(PeriodName, values.get("period", default))
    if has_days and name is not PeriodName.CUSTOM:
        raise SelectionError(message("Only a custom period takes a first and a last day."))
    try:
        if name is PeriodName.CUSTOM:
            return custom_period(values.get("from", ""), values.get("to", ""), now.date())
        return named_period(name, now.date())
    except PeriodError as error:
        raise SelectionError(str(error)) from None


def _read_report(values: Mapping[str, str], reports: Mapping[str, Report]) -> Report | None:
    if "report" not in values:
        return None
    if values["report"] not in reports:
        raise SelectionError(message("There is no such report."))
    return reports[values["report"]]


def _read_page(values: Mapping[str, str], report: Report | None) -> int:
    page = values.get("page", "1")
    if (
        not _PAGE_NUMBER.fullmatch(page)
        or int(page) > MAX_PAGE
        or ("page" in values and not report)
    ):
        raise SelectionError(message("There is no such page of the list."))
    return int(page)


def _read_sort(values: Mapping[str, str], report: Report | None) -> Sort | None:
    if "sort" not in values:
        return None
    name = values["sort"].removeprefix("-")
    choices: tuple[Metric | Dimension, ...] = (
        (*report.metrics, *report.dimensions) if report else ()
    )
    for by in choices:
        if name == by:
            return Sort(by, descending=values["sort"].startswith("-"))
    raise SelectionError(message("The report can't be sorted by this."))


def _read_search(values: Mapping[str, str], report: Report | None) -> str:
    search = values.get("search", "")
    if search and report is None:
        raise SelectionError(message("Only a report can be searched."))
    if len(search) > MAX_SEARCH or not is_plain(search):
        raise SelectionError(
            message("What is searched for is too long or holds control characters.")
        )
    return search


def _read_tabs(tabs: Sequence[str], reports: Mapping[str, Report]) -> tuple[str, ...]:
    if len(tabs) > MAX_TABS or len(set(tabs)) < len(tabs) or not reports.keys() >= set(tabs):
        raise SelectionError(message("There is no such report."))
    return tuple(tabs)


def _read_measure(value: str) -> Metric:
    measure = _read_choice(Metric, value)
    if measure not in HEADLINES:
        raise SelectionError(message("There is no such figure to be drawn."))
    return measure


def _read_language(tag: str | None) -> str:
    if tag is not None and tag not in LANGUAGES:
        raise SelectionError(message("There is no such language here."))
    return tag or ""


_NO_SUCH = {
    PeriodName: message("There is no such period."),
    Compare: message("There is no such period to compare with."),
    Grain: message("There is no such length of a bar."),
    Metric: message("There is no such figure to be drawn."),
}


def _read_choice(choices: type[_Choice], value: str) -> _Choice:
    try:
        return choices(value)
    except ValueError:
        raise SelectionError(_NO_SUCH[choices]) from None
