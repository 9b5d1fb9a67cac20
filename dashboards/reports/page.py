"""Read a report's own page: a stretch of its rows, with their course and how they changed."""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from anonymizer.policy import Policy
from dashboards.address.periods import DAY, Grain, Period, PeriodName, buckets_of, has_like_of_last
from dashboards.address.selection import Selection, SelectionError, Sort
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.filters import Is
from dashboards.asking.metrics import Number
from dashboards.asking.question import Question
from dashboards.overview.figures import SHARES, change
from dashboards.pictures.gallery import PICTURES
from dashboards.reports.declared import question_of, reports_by_id
from dashboards.reports.fitting import ask_fitting
from dashboards.reports.reading import PAGE_ROWS, list_view, undeclared_list
from dashboards.reports.report import Report
from dashboards.shown import ListView, Paging, ReportView, Undeclared
from dashboards.words import Words, message

MAX_POINTS = 120
"""Days of a row that are drawn by day; more are drawn by month."""
MAX_TIMES = 100_000

NO_PAGES = Paging(1, 1, "", "")


async def read_report(
    asker: Asker, policy: Policy, selection: Selection, words: Words
) -> ReportView:
    """Read the page of the report that a selection names.

    Raises:
        SelectionError: there is no such page of its rows.
    """
    report = reports_by_id(policy)[selection.report]
    read_picture = PICTURES.get(report.id)
    picture = await read_picture(asker, selection, words) if read_picture else None
    if picture is not None and picture.replaces_list and not _asks_for_rows(selection):
        shown = undeclared_list(report, selection, words, None)
        rows_at = selection.at_sort(Sort(report.metrics[0]))
        return ReportView(shown, NO_PAGES, "", (), "", picture, rows_at)
    rows = await _read_rows(asker, report, selection, words)
    return replace(rows, picture=picture)


def _asks_for_rows(selection: Selection) -> bool:
    return bool(selection.search or selection.sort or selection.page > 1)


async def _read_rows(
    asker: Asker, report: Report, selection: Selection, words: Words
) -> ReportView:
    offset = PAGE_ROWS * (selection.page - 1)
    question = question_of(report, selection, limit=PAGE_ROWS, offset=offset)
    found = await ask_fitting(asker, question, words)
    if isinstance(found, Undeclared):
        shown = undeclared_list(report, selection, words, found)
        return ReportView(shown, NO_PAGES, selection.search, (), "")
    question, answer = found
    if selection.page > 1 and not answer.rows:
        raise SelectionError(message("There is no such page of the list."))
    shown = list_view(
        report,
        selection,
        words,
        question,
        answer,
        largest=await _largest(asker, question, answer),
        first_rank=offset + 1,
    )
    shown, compared = await _with_courses(asker, question, answer, shown, selection, words)
    return ReportView(
        list=_without_open_step(shown, selection),
        paging=_paging(selection, answer.groups),
        search=selection.search,
        notes=shown.notes,
        compared=compared,
    )


def _paging(selection: Selection, groups: int) -> Paging:
    pages = max(1, -(-groups // PAGE_ROWS))

    def at(page: int) -> str:
        return selection.at_report(selection.report, page) if 0 < page <= pages else ""

    return Paging(selection.page, pages, at(selection.page - 1), at(selection.page + 1))


async def _largest(asker: Asker, question: Question, answer: Answer) -> float | None:
    """Return the number that fills a bar on every page: that of the first row of all."""
    if not question.offset:
        return None
    first = await asker.answer(replace(question, limit=1, offset=0, order=()))
    return max((row.metrics[0] or 0 for row in (*first.rows, *answer.rows)), default=0)


def _without_open_step(shown: ListView, selection: Selection) -> ListView:
    """Take the step that goes on from the rows' courses, which would read as a fall."""
    if not selection.period.is_open(selection.now):
        return shown
    rows = tuple(replace(row, points=row.points[:-1]) for row in shown.rows)
    return replace(shown, rows=rows)


async def _with_courses(
    asker: Asker,
    question: Question,
    answer: Answer,
    shown: ListView,
    selection: Selection,
    words: Words,
) -> tuple[ListView, str]:
    """Add what the rows' first column did over time, and how it changed against before.

    Returns a sentence on what is compared, too, which is empty where nothing is. A day that goes
    on is left out, for the day that it would be compared with is whole.
    """
    period = selection.period
    if not answer.rows or period.days == 1:
        return shown, ""
    grain = Grain.DAY if period.days <= MAX_POINTS else Grain.MONTH
    of_rows = _of_rows(question, answer)
    courses = _by_time(await asker.answer(replace(of_rows, grain=grain)))
    starts = [start for start in buckets_of(period, grain) if start <= selection.now]
    nothing: Mapping[datetime, Number] = {}
    rows = [
        replace(row, points=tuple(courses.get(found.words, nothing).get(at, 0) for at in starts))
        for row, found in zip(shown.rows, answer.rows, strict=True)
    ]
    shown = replace(shown, rows=tuple(rows), has_points=len(starts) > 1)
    compared = selection.compared
    if compared is None or question.metrics[0] in SHARES:
        return shown, ""
    leaves_out_today = period.is_open(selection.now)
    today: Mapping[tuple[str, ...], Number] = {}
    if leaves_out_today:
        last = Period(PeriodName.CUSTOM, period.last, period.last)
        today = _by_words(await asker.answer(replace(of_rows, period=last)))
        if has_like_of_last(period, compared):
            compared = Period(PeriodName.CUSTOM, compared.first, compared.last - DAY)
    numbers = _by_words(await asker.answer(replace(of_rows, period=compared)))
    changed = [
        replace(
            row,
            change=change(
                words,
                question.metrics[0],
                (found.metrics[0] or 0) - (today.get(found.words) or 0),
                numbers.get(found.words),
            ),
        )
        for row, found in zip(shown.rows, answer.rows, strict=True)
    ]
    if all(row.change is None for row in changed):
        return shown, ""
    days = words.days(compared.first, compared.last)
    sentence = words("Changes are against {days}.", days=days)
    if leaves_out_today:
        sentence = words("Changes are against {days}; today is left out of them.", days=days)
    return replace(shown, rows=tuple(changed), has_changes=True), sentence


def _of_rows(question: Question, answer: Answer) -> Question:
    """Return what asks for the first metric of these rows alone."""
    # By each dimension's words: one alone has as many rows beside these as there are words.
    words = (
        tuple(dict.fromkeys(told)) for told in zip(*(r.words for r in answer.rows), strict=True)
    )
    of_rows = (Is(*told) for told in zip(question.dimensions, words, strict=True))
    return replace(
        question,
        metrics=question.metrics[:1],
        filters=(*question.filters, *of_rows),
        order=(),
        limit=MAX_TIMES,
        offset=0,
        tells_unplaced=False,
    )


def _by_words(answer: Answer) -> dict[tuple[str, ...], Number]:
    return {row.words: row.metrics[0] for row in answer.rows}


def _by_time(answer: Answer) -> dict[tuple[str, ...], dict[datetime, Number]]:
    courses: dict[tuple[str, ...], dict[datetime, Number]] = {}
    for row in answer.rows:
        courses.setdefault(row.words, {})[datetime.fromisoformat(row.time)] = row.metrics[0]
    return courses
