"""Read one report: ask its question, write its rows."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from anonymizer.policy import PROPERTY_DIMENSIONS, Dimension
from dashboards.address.filters import Condition
from dashboards.address.selection import Selection, Sort
from dashboards.asking.answering import Answer, Asker, Row, Unplaced
from dashboards.asking.choosing import counted_per
from dashboards.asking.filters import Is
from dashboards.asking.metrics import Metric
from dashboards.asking.question import Question
from dashboards.asking.views import Subject
from dashboards.overview.figures import TITLES, write_value
from dashboards.reports.declared import question_of
from dashboards.reports.fitting import ask_fitting
from dashboards.reports.labels import DIMENSIONS, OTHER, write_word
from dashboards.reports.report import Report
from dashboards.shown import Column, ListRow, ListView, Undeclared, Word
from dashboards.words import Words, message

SHORT_ROWS = 10
PAGE_ROWS = 50

_TOLD_OF_UNPLACED = {
    "views": (message("{count} view"), message("{count} views")),
    "visits": (message("{count} visit"), message("{count} visits")),
    "events": (message("{count} event"), message("{count} events")),
    "conversions": (message("{count} conversion"), message("{count} conversions")),
    "opens": (message("{count} open"), message("{count} opens")),
    "clicks": (message("{count} click"), message("{count} clicks")),
    "masked": (message("{count} masked word"), message("{count} masked words")),
    "hits": (message("{count} hit"), message("{count} hits")),
    "visitors": (message("{count} visitor"), message("{count} visitors")),
}
"""What is told of what has no single day: the first of these that there is any of."""

_FOLLOWED = frozenset({Subject.VISITS, Subject.EVENTS, Subject.GOALS})
"""Filters by words of these mean something on the overview."""


async def read_short_list(
    asker: Asker, report: Report, selection: Selection, words: Words
) -> ListView:
    """Read a report as the overview shows it: its first rows and its chief columns."""
    question = replace(question_of(report, selection, limit=SHORT_ROWS), metrics=report.brief)
    found = await ask_fitting(asker, question, words)
    if isinstance(found, Undeclared):
        return undeclared_list(report, selection, words, found)
    return list_view(report, selection, words, *found)


def undeclared_list(
    report: Report, selection: Selection, words: Words, undeclared: Undeclared | None
) -> ListView:
    """Return a list without rows, with the reason where it can't be shown under these filters.

    It leads to the same report without them.
    """
    return ListView(
        id=report.id,
        title=words(report.title),
        headings=(),
        columns=(),
        undeclared=undeclared,
        address=selection.without_filters().at_report(report.id) if undeclared else "",
    )


def list_view(
    report: Report,
    selection: Selection,
    words: Words,
    question: Question,
    answer: Answer,
    *,
    largest: float | None = None,
    first_rank: int = 1,
) -> ListView:
    """Write an answer to a report's question.

    `largest` is the number that fills a row's bar, else the largest of these rows.
    """
    leading = [row.metrics[0] or 0 for row in answer.rows]
    if largest is None:
        largest = max(leading, default=0)
    rows = tuple(
        _row(report, selection, words, question, row, largest, first_rank + index)
        for index, row in enumerate(answer.rows)
    )
    is_full = selection.report == report.id
    return ListView(
        id=report.id,
        title=words(report.title),
        headings=tuple(
            _column(words(heading), dimension, selection if is_full else None)
            for heading, dimension in zip(report.headings, question.dimensions, strict=False)
        ),
        columns=tuple(
            _column(words(TITLES[metric]), metric, selection if is_full else None)
            for metric in question.metrics
        ),
        rows=rows,
        groups=answer.groups,
        totals=tuple(
            write_value(words, metric, value)
            for metric, value in zip(question.metrics, answer.totals, strict=True)
        ),
        notes=tuple(notes_of(answer, question, words, has_totals=is_full)),
        lacks_days=answer.unplaced is not None,
        address=selection.at_report(report.id) if rows else "",
        has_ranks=is_full and selection.sort is None,
        has_totals=is_full,
    )


def notes_of(
    answer: Answer, question: Question, words: Words, *, has_totals: bool = False
) -> Iterable[str]:
    """Say what an answer's numbers lack, or count several times; its rows' or their totals too."""
    single = (each for each in question.filters if isinstance(each, Is) and len(each.values) == 1)
    held = {each.dimension for each in single}
    if answer.unplaced is not None:
        yield tell_unplaced(answer.unplaced, words)
    per = counted_per(answer.statistic, ()) if has_totals else answer.counted_per
    told = [each for each in per if each not in held]
    if told and "visitors" in question.measures:
        names = words.together([words(DIMENSIONS[each]) for each in told])
        yield words(
            "A visitor counts once under each of these, so that some count several times: {names}.",
            names=names,
        )


def tell_unplaced(unplaced: Unplaced, words: Words) -> str:
    """Say how much of the months that a period cuts belongs to no single day of them."""
    measure = next(name for name in _TOLD_OF_UNPLACED if unplaced.sums.get(name))
    number = unplaced.sums[measure]
    return words.count(
        "{what} of {months} belongs to no single day and can’t be shown here.",
        "{what} of {months} belong to no single day and can’t be shown here.",
        number,
        what=words.count(*_TOLD_OF_UNPLACED[measure], number),
        months=words.together([words.month(month) for month in unplaced.months]),
    )


def _row(
    report: Report,
    selection: Selection,
    words: Words,
    question: Question,
    row: Row,
    largest: float,
    rank: int,
) -> ListRow:
    return ListRow(
        words=tuple(
            Word(
                text=_write_word(report, words, dimension, word),
                address=_address(report, selection, question.dimensions, row, dimension),
                raw=word,
            )
            for dimension, word in zip(question.dimensions, row.words, strict=True)
        ),
        cells=tuple(
            write_value(words, metric, value)
            for metric, value in zip(question.metrics, row.metrics, strict=True)
        ),
        bar=_bar(row.metrics[0] or 0, largest),
        is_other=OTHER in row.words,
        rank=rank,
    )


def _write_word(report: Report, words: Words, dimension: Dimension, word: str) -> str:
    if dimension is report.dimensions[-1] and word in report.named:
        return words(report.named[word])
    return write_word(words, dimension, word)


def _address(
    report: Report,
    selection: Selection,
    dimensions: Sequence[Dimension],
    row: Row,
    dimension: Dimension,
) -> str:
    """Return where everything is filtered by a word of a row; empty where it is already."""
    told = dict(zip(dimensions, row.words, strict=True))
    if told[dimension] == OTHER:
        return ""
    conditions: list[Condition] = [Is(dimension, (told[dimension],))]
    if dimension in PROPERTY_DIMENSIONS:
        # A value tells nothing without its property, nor that without its event.
        beside = [Dimension.EVENT, Dimension.PROPERTY] if dimension is Dimension.VALUE else []
        beside = [Dimension.EVENT] if dimension is Dimension.PROPERTY else beside
        conditions = [
            *report.held,
            *(Is(each, (told[each],)) for each in beside if each in told),
            *conditions,
        ]
    elif dimension in (Dimension.STEP, Dimension.FUNNEL) and Dimension.STEP in told:
        conditions = [Is(each, (told[each],)) for each in (Dimension.FUNNEL, Dimension.STEP)]
    if set(conditions) <= {*selection.filters, *report.held}:
        return ""
    filtered = selection.with_filter(*conditions)
    return filtered.overview() if report.subject in _FOLLOWED else filtered.at_report(report.id)


def _column(title: str, by: Metric | Dimension, selection: Selection | None) -> Column:
    if selection is None:
        return Column(title, "")
    sort = selection.sort
    is_shown = sort is not None and sort.by == by
    descending = isinstance(by, Metric) if not is_shown else not (sort and sort.descending)
    order = "none"
    if is_shown and sort is not None:
        order = "descending" if sort.descending else "ascending"
    return Column(title, selection.at_sort(Sort(by, descending)), order)


def _bar(value: float, largest: float) -> float:
    return round(100 * min(1.0, max(0.0, value / largest)), 2) if largest > 0 else 0.0
