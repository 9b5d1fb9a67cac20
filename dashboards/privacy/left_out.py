"""What is in no number, and how much of it: hits that were refused, texts that were masked."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from anonymizer.policy import Dimension
from dashboards.address.selection import Selection
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.metrics import Metric
from dashboards.asking.question import Question
from dashboards.asking.unanswerable import NotDeclared
from dashboards.overview.figures import write_share
from dashboards.reports.labels import write_word
from dashboards.shown import Undeclared
from dashboards.words import Words, message

COUNTED = "counted"
"""The reason under which counted hits stand."""

_MOST_ROWS = 1_000  # there are fewer doors times reasons, and kinds of masks


class Part(Struct, frozen=True):
    """A row of a table of parts."""

    label: str
    cells: tuple[str, ...]
    bar: float
    """The width of its bar in percent."""


class Refusals(Struct, frozen=True):
    """Hits that were refused."""

    share: str
    """Of all hits; empty where there were none."""
    sentence: str
    by_reason: tuple[Part, ...]
    """Cells: hits, share of all hits."""
    by_door: tuple[Part, ...]
    """Cells: hits, refused, share of the door's hits."""


class Masked(Struct, frozen=True):
    """What scrubbing removed."""

    sentence: str
    by_kind: tuple[Part, ...]
    """Cells: how often, visitors."""
    note: str


async def read_refusals(asker: Asker, selection: Selection, words: Words) -> Refusals | Undeclared:
    """Return what was refused, or which lines of a policy would count it."""
    answer = await _ask(asker, selection, words, (Metric.HITS,), (Dimension.DOOR, Dimension.REASON))
    if isinstance(answer, Undeclared):
        return answer
    of_reason: Counter[str] = Counter()
    of_door: Counter[str] = Counter()
    refused_at: Counter[str] = Counter()
    for row in answer.rows:
        (door, reason), hits = row.words, int(row.metrics[0] or 0)
        of_reason[reason] += hits
        of_door[door] += hits
        refused_at[door] += hits if reason != COUNTED else 0
    hits = of_reason.total()
    refused = hits - of_reason.pop(COUNTED, 0)
    return Refusals(
        share=write_share(words, refused / hits) if hits else "",
        sentence=_tell_refused(words, hits, refused),
        by_reason=tuple(
            Part(
                write_word(words, Dimension.REASON, reason),
                (words.number(number), write_share(words, number / hits)),
                100 * number / hits,
            )
            for reason, number in _largest_first(of_reason)
        ),
        by_door=tuple(
            Part(
                write_word(words, Dimension.DOOR, door),
                (
                    words.number(number),
                    words.number(refused_at[door]),
                    write_share(words, refused_at[door] / number),
                ),
                100 * number / hits,
            )
            for door, number in _largest_first(of_door)
        ),
    )


async def read_masked(asker: Asker, selection: Selection, words: Words) -> Masked | Undeclared:
    """Return what was masked, or which lines of a policy would count it."""
    metrics = (Metric.MASKED, Metric.VISITORS)
    answer = await _ask(asker, selection, words, metrics, (Dimension.MASK,))
    if isinstance(answer, Undeclared):
        return answer
    most = max((int(row.metrics[0] or 0) for row in answer.rows), default=0)
    masked = int(answer.totals[0] or 0)
    lacking = 0 if answer.unplaced is None else answer.unplaced.sums.get("masked", 0)
    return Masked(
        sentence=words.count(
            "{count} text looked like an identifier and was masked before it was counted.",
            "{count} texts looked like identifiers and were masked before they were counted.",
            masked,
        ),
        by_kind=tuple(
            Part(
                write_word(words, Dimension.MASK, row.words[0]),
                tuple(words.number(number or 0) for number in row.metrics),
                100 * int(row.metrics[0] or 0) / most,
            )
            for row in answer.rows
            if most
        ),
        note=words.count(
            "{count} more belongs to these months and to no single day of them.",
            "{count} more belong to these months and to no single day of them.",
            lacking,
        )
        if lacking
        else "",
    )


async def _ask(
    asker: Asker,
    selection: Selection,
    words: Words,
    metrics: tuple[Metric, ...],
    dimensions: tuple[Dimension, ...],
) -> Answer | Undeclared:
    question = Question(
        site=selection.site,
        period=selection.period,
        today=selection.now.date(),
        metrics=metrics,
        dimensions=dimensions,
        limit=_MOST_ROWS,
    )
    try:
        return await asker.answer(question)
    except NotDeclared as missing:
        sentence = words(message("The policy does not declare that this is counted."))
        return Undeclared(sentence, missing.lines)


def _tell_refused(words: Words, hits: int, refused: int) -> str:
    if not hits:
        return words("No hit came in.")
    return words.count(
        "{refused} of {count} hit was refused: {share}. It left one number and nothing else.",
        "{refused} of {count} hits were refused: {share}. Each left one number and nothing else.",
        hits,
        refused=words.number(refused),
        share=write_share(words, refused / hits),
    )


def _largest_first(numbers: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    found = [(name, number) for name, number in numbers.items() if number > 0]
    return sorted(found, key=lambda each: (-each[1], each[0]))
