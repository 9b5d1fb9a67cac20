"""Read which hits of a period were refused, and why."""

from collections.abc import Sequence

from anonymizer.policy import Dimension
from dashboards.address.selection import Selection
from dashboards.asking.answering import Asker
from dashboards.asking.metrics import Metric
from dashboards.asking.question import Question
from dashboards.overview.figures import write_share
from dashboards.reports.labels import REASONS, write_word
from dashboards.shown import Column, ListRow, ListView, RefusedView, Word
from dashboards.words import Words

COUNTED = "counted"
"""Stands for the reason of hits that were not refused."""

_TOLD = 3


async def read_refused(asker: Asker, selection: Selection, words: Words) -> RefusedView:
    """Read the refused hits of the selection's days, whatever its filters."""
    answer = await asker.answer(
        Question(
            site=selection.site,
            period=selection.period,
            today=selection.now.date(),
            metrics=(Metric.HITS,),
            dimensions=(Dimension.REASON,),
        )
    )
    hits = int(answer.totals[0] or 0)
    refused = [
        (row.words[0], int(row.metrics[0] or 0)) for row in answer.rows if row.words[0] != COUNTED
    ]
    if not hits:
        return RefusedView(words("No hit came in during this period."), None)
    if not refused:
        sentence = words.count(
            "The one hit was not refused.", "None of {count} hits was refused.", hits
        )
        return RefusedView(sentence, None)
    sentence = words.count(
        "{share} of {count} hit was refused: {reasons}.",
        "{share} of {count} hits were refused: {reasons}.",
        hits,
        share=write_share(words, sum(number for _, number in refused) / hits),
        reasons=_tell_reasons(refused, hits, words),
    )
    return RefusedView(sentence, _list(refused, hits, selection, words))


def _tell_reasons(refused: Sequence[tuple[str, int]], hits: int, words: Words) -> str:
    """Name the commonest reasons with their shares of all hits, the others together."""

    def told(number: int, reason: str) -> str:
        return words("{share} {reason}", share=write_share(words, number / hits), reason=reason)

    named = [told(number, words(REASONS.get(reason, reason))) for reason, number in refused[:_TOLD]]
    rest = sum(number for _, number in refused[_TOLD:])
    return words.together([*named, *([told(rest, words("other reasons"))] if rest else ())])


def _list(
    refused: Sequence[tuple[str, int]], hits: int, selection: Selection, words: Words
) -> ListView:
    return ListView(
        id="coverage",
        title=words("Hits refused"),
        headings=(Column(words("Reason"), ""),),
        columns=(Column(words("Hits"), ""), Column(words("Share of all"), "")),
        rows=tuple(
            ListRow(
                words=(Word(write_word(words, Dimension.REASON, reason), "", reason),),
                cells=(words.number(number), write_share(words, number / hits)),
                bar=round(100 * number / refused[0][1], 2),
            )
            for reason, number in refused
        ),
        groups=len(refused),
        address=selection.at_report("coverage"),
    )
