"""Cut a question down to what some declared statistic answers, or say what would answer it."""

from msgspec.structs import replace

from dashboards.asking.answering import Answer, Asker
from dashboards.asking.metrics import Metric
from dashboards.asking.question import Question
from dashboards.asking.unanswerable import NotDeclared, Unanswerable
from dashboards.shown import Undeclared
from dashboards.words import Words


def fit(asker: Asker, question: Question) -> Question | None:
    """Return the question with as many of its metrics as are declared together; None of none.

    The first that is declared leads. Where filters leave no place for all dimensions, the first
    dimension is told alone.
    """
    if asker.declares(question):
        return question
    for narrowed in (question, replace(question, dimensions=question.dimensions[:1])):
        kept: tuple[Metric, ...] = ()
        for metric in narrowed.metrics:
            if asker.declares(_with(narrowed, (*kept, metric))):
                kept = (*kept, metric)
        if kept:
            return _with(narrowed, kept)
    return None


async def ask_fitting(
    asker: Asker, question: Question, words: Words
) -> tuple[Question, Answer] | Undeclared:
    """Answer a question as far as it is declared, else tell what the policy would have to say."""
    fitting = fit(asker, question)
    if fitting is None:
        return await tell_undeclared(asker, question, words)
    return fitting, await asker.answer(fitting)


async def tell_undeclared(asker: Asker, question: Question, words: Words) -> Undeclared:
    """Return the lines by which a question that has no answer would have one."""
    alone = replace(question, dimensions=question.dimensions[:1])
    for each in (question, alone):
        for metrics in (each.metrics, *((metric,) for metric in each.metrics)):
            try:
                await asker.answer(_with(each, metrics))
            except NotDeclared as missing:
                sentence = words(
                    "The policy does not count this together with these filters. With these lines"
                    " it would, from the day on which they are added:"
                )
                return Undeclared(sentence, missing.lines)
            except Unanswerable:
                continue
    return Undeclared(words("No policy could count this together with these filters."), "")


def _with(question: Question, metrics: tuple[Metric, ...]) -> Question:
    """Return the question with other metrics, ordered by what is left of its order."""
    told = {None, *metrics, *question.dimensions}
    order = tuple(each for each in question.order if each.by in told)
    return replace(question, metrics=metrics, order=order)
