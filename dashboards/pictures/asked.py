"""What pictures ask: questions of the selection, each answered, or left out where none can be."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from anonymizer.policy import Dimension
from dashboards.address.filters import Condition
from dashboards.address.selection import Selection
from dashboards.asking.answering import Answer, Asker, Row
from dashboards.asking.filters import Filter, Is
from dashboards.asking.metrics import Metric
from dashboards.asking.question import Order, Question
from dashboards.reports.labels import OTHER
from dashboards.reports.reading import tell_unplaced
from dashboards.words import Words

MAX_VALUES = 10_000
"""Of all pages that are asked for together: 50 pages of 200; of ways through one page, all."""


def of_event(event: str, name: str = "") -> tuple[Condition, ...]:
    """Return the filters of a statistic of one event, or of one of its properties."""
    held = (Is(Dimension.EVENT, (event,)),)
    return (*held, Is(Dimension.PROPERTY, (name,))) if name else held


def question(
    selection: Selection,
    metrics: Sequence[Metric],
    by: Sequence[Dimension],
    *held: Filter,
    filters: Sequence[Condition] | None = None,
    limit: int = 1000,
    tells_unplaced: bool = False,
) -> Question:
    """Return a question about the selection's days, its filters and those held besides.

    `filters` stand in place of the selection's. Pictures beside a list need not tell what has no
    single day, for the list does.
    """
    kept = selection.filters if filters is None else filters
    return Question(
        site=selection.site,
        period=selection.period,
        today=selection.now.date(),
        metrics=tuple(metrics),
        dimensions=tuple(by),
        filters=(*held, *(each for each in kept if each not in held)),
        limit=limit,
        tells_unplaced=tells_unplaced,
    )


async def answer_of(asker: Asker, asked: Question) -> Answer | None:
    """Return the answer; None where no statistic that is declared could give one."""
    return await asker.answer(asked) if asker.declares(asked) else None


async def answer_by_page(
    asker: Asker,
    selection: Selection,
    held: Sequence[Condition],
    most: int,
    *,
    tells_unplaced: bool = False,
) -> tuple[Answer | None, dict[str, dict[str, int]]]:
    """Ask for an event by page, and for the values of the pages that have the most of it.

    Returns the answer by page, and how often each value was counted on each of `most` pages.
    """
    asked = question(
        selection, (Metric.EVENTS,), (Dimension.PAGE,), *held, tells_unplaced=tells_unplaced
    )
    # By number alone: the row of small groups, else behind all others, is among the first 1000.
    pages = await answer_of(asker, replace(asked, order=(Order(Metric.EVENTS, True),)))
    names = [row.words[0] for row in told(pages) if number_of(row)][:most]
    return pages, await values_of(asker, selection, held, names)


async def values_of(
    asker: Asker, selection: Selection, held: Sequence[Condition], pages: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Ask how often each value was counted on each of some pages; those with none are left out.

    All values of a page are asked for, however many pages there are: percentiles need them.
    """
    if not pages:
        return {}
    answer = await answer_of(
        asker,
        question(
            selection,
            (Metric.EVENTS,),
            (Dimension.PAGE, Dimension.VALUE),
            *held,
            Is(Dimension.PAGE, tuple(pages)),
            limit=MAX_VALUES,
        ),
    )
    found: dict[str, dict[str, int]] = {page: {} for page in pages}
    for row in told(answer):
        if number_of(row):
            found[row.words[0]][row.words[1]] = number_of(row)
    return {page: numbers for page, numbers in found.items() if numbers}


def hidden_of(answer: Answer) -> int:
    """Return how much of the first metric lies in groups too small to be told."""
    return sum(number_of(row) for row in answer.rows if OTHER in row.words)


def told(answer: Answer | None) -> Iterator[Row]:
    """Yield the rows that tell their words: those of small groups together are of none."""
    for row in answer.rows if answer else ():
        if OTHER not in row.words:
            yield row


def number_of(row: Row, at: int = 0) -> int:
    """Return a metric that is a count; never less than nothing."""
    return max(0, round(row.metrics[at] or 0))


def total_of(answer: Answer, at: int = 0) -> int:
    """Return a metric of all rows together that is a count; those of small groups are in it."""
    return max(0, round(answer.totals[at] or 0))


def notes_of(words: Words, *answers: Answer | None) -> tuple[str, ...]:
    """Say what a picture of these answers lacks."""
    found = [each for each in answers if each]
    notes = [tell_unplaced(each.unplaced, words) for each in found if each.unplaced]
    least = min((each.statistic.min_group for each in found), default=1)
    if least > 1:
        notes.append(
            words(
                "Only groups of at least {count} visitors on a day are in this picture, so that"
                " shares of what few did come out too low.",
                count=words.number(least),
            )
        )
    return tuple(notes)


def chosen(selection: Selection, *dimensions: Dimension) -> str | None:
    """Return the one word that a filter holds one of these dimensions to; None of no such."""
    for each in selection.filters:
        if each.dimension in dimensions and isinstance(each, Is) and len(each.values) == 1:
            return each.values[0]
    return None


def among(selection: Selection, *dimensions: Dimension) -> tuple[Condition, ...]:
    """Return the selection's filters but those that hold one of these dimensions to one word."""
    return tuple(
        each
        for each in selection.filters
        if not (each.dimension in dimensions and isinstance(each, Is) and len(each.values) == 1)
    )


def without(selection: Selection, *dimensions: Dimension) -> tuple[Condition, ...]:
    """Return the selection's filters but those that hold these dimensions to some words."""
    return tuple(
        each
        for each in selection.filters
        if not (each.dimension in dimensions and isinstance(each, Is))
    )


def at_word(selection: Selection, dimension: Dimension, word: str, *instead: Dimension) -> str:
    """Return the address of the same report held to one word, of `instead` to none any more."""
    held = [each for each in selection.filters if each.dimension in (dimension, *instead)]
    left = selection.without_filter(*(each for each in held if isinstance(each, Is)))
    return left.with_filter(Is(dimension, (word,))).address()
