"""Every report over the true views, beside sums of the same cells made in plain Python."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

import pytest

from anonymizer.policy import Dimension
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import write_value
from dashboards.reports.all_reports import ALL_REPORTS
from dashboards.reports.declared import reports_by_id
from dashboards.reports.event_reports import TAG_EVENTS
from dashboards.reports.labels import write_word
from dashboards.reports.report import Report
from dashboards.words import words_in
from tests.dashboards.cells import POLICY, Cells, Counted, Pages, Sums, counted_cells
from tests.dashboards.rows import rows_of, totals_of

ENGLISH = words_in("en")
REPORTS = [report for group in ALL_REPORTS for report in group.reports]
CELLS = Cells()

STATISTICS = {
    "browsers": "devices",
    "systems": "devices",
    "ai_crawlers": "bots",
    "tag_events": "events",
}
"""The statistic behind a report, where it has another name."""

FIRST, LAST = date(2025, 9, 1), date(2025, 10, 31)
DAYS = f"from={FIRST}&to={LAST}"


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    with counted_cells(tmp_path_factory.mktemp("cells"), CELLS) as counted:
        yield counted


@pytest.fixture(scope="module")
def pages(counted: Counted) -> Pages:
    return Pages(counted)


def test_default_policy_has_every_report() -> None:
    assert [*reports_by_id(POLICY)] == [report.id for report in REPORTS]


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.id)
def test_rows_and_their_line_are_the_sums_of_the_cells(pages: Pages, report: Report) -> None:
    address = f"report={report.id}&{DAYS}&sort=-{report.metrics[0]}"

    page = pages.html(address)

    sums = sums_of(report, FIRST, LAST)
    shown = rows_of(page, report.id)
    assert shown
    assert {row.words: row.numbers for row in shown} == {
        written(report, words): numbers(report, found) for words, found in sums.items()
    }
    assert totals_of(page, report.id) == numbers(report, added(sums.values()))


def written(report: Report, words: tuple[str, ...]) -> tuple[str, ...]:
    named = zip(report.dimensions, words, strict=True)
    return tuple(write_word(ENGLISH, dimension, word) for dimension, word in named)


def sums_of(report: Report, first: date, last: date) -> dict[tuple[str, ...], Sums]:
    found = CELLS.shown(STATISTICS.get(report.id, report.id), first, last, report.dimensions)
    if report.id == "ai_crawlers":
        cells = CELLS.shown("bots", first, last, (Dimension.BOT_KIND, Dimension.BOT))
        return {(bot,): sums for (kind, bot), sums in cells.items() if kind == "ai_crawler"}
    if report.id in ("events", "event_properties"):
        return {words: sums for words, sums in found.items() if words[0] not in TAG_EVENTS}
    if report.id == "tag_events":
        return {words: sums for words, sums in found.items() if words[0] in TAG_EVENTS}
    if report.id == "email":
        told = (Dimension.CAMPAIGN, Dimension.VARIANT)
        for words, sums in CELLS.shown("email_delivered", first, last, told).items():
            found[(*words, "(delivered)")] = defaultdict(int, sums)
    return found


def added(rows: Iterable[Sums]) -> Sums:
    total: Sums = defaultdict(int)
    for sums in rows:
        for measure, number in sums.items():
            total[measure] += number
    return total


def numbers(report: Report, sums: Sums) -> tuple[str, ...]:
    return tuple(write_value(ENGLISH, metric, number_of(metric, sums)) for metric in report.metrics)


def number_of(metric: Metric, sums: Sums) -> float:
    match metric:
        case Metric.BOUNCE_RATE:
            return sums["bounces"] / sums["visits"]
        case Metric.VISIT_DURATION:
            return sums["seconds"] / sums["visits"]
        case Metric.CONVERSION_RATE:
            traffic = CELLS.shown("traffic", FIRST, LAST, ())[()]
            return sums["visitors"] / traffic["visitors"]
    return sums[metric.value]
