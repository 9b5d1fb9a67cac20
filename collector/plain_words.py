"""A policy's purposes and statistics in a visitor's language, for `/opt-out` and `/privacy`."""

from collections.abc import Sequence

from anonymizer.policy import Dimension, Policy, Purpose, Statistic
from collector.plan import is_engagement
from collector.schema.views import measures_of
from collector.visitor_pages import Language


def tell_purpose(purpose: Purpose, language: Language) -> str:
    """Give a purpose's title in a language, or as the policy first writes it."""
    for tag, title in purpose.titles.items():
        if tag.split("-")[0].lower() == language.code:
            return title
    return purpose.title


def tell_dimensions(statistic: Statistic, language: Language) -> str:
    """Say what a statistic tells apart: ``page and country``; ``in total`` for nothing.

    Where one event alone is counted, that event goes before: ``“signup”: page``.
    """
    texts, words = language.texts["statistics"], language.texts["dimensions"]
    by = [words[dimension] for dimension in statistic.by]
    told = _join(by, language) if by else texts["in_total"]
    if not statistic.event:
        return told
    held = texts["of_property" if statistic.property else "of_event"]
    return held.format(event=statistic.event, property=statistic.property, dimensions=told)


def tell_measures(statistic: Statistic, language: Language) -> str:
    """Say what a statistic counts: ``visitors, visits and page views``."""
    words = language.texts["measures"]
    if is_engagement(statistic):
        return _join([words["visitors"], language.texts["statistics"]["engaged"]], language)
    return _join([words[measure] for measure in measures_of(statistic)], language)


def tell_dimension_notes(policy: Policy, language: Language) -> Sequence[tuple[str, str]]:
    """Explain every dimension that the policy's statistics use, as (word, what it holds)."""
    used = {dimension for statistic in policy.statistics for dimension in statistic.dimensions()}
    words, notes = language.texts["dimensions"], language.texts["dimension_notes"]
    return [(words[dimension], notes[dimension]) for dimension in Dimension if dimension in used]


def _join(words: Sequence[str], language: Language) -> str:
    texts = language.texts["statistics"]
    if len(words) == 1:
        return words[0]
    return texts["separator"].join(words[:-1]) + texts["last_separator"] + words[-1]
