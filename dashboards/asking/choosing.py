"""Which declared statistic answers a question."""

from collections.abc import Iterable, Sequence

from anonymizer.policy import PROPERTY_DIMENSIONS, Dimension, Statistic
from dashboards.address.periods import Grain
from dashboards.asking.filters import Filter, Is, conjuncts_of, dimensions_of
from dashboards.asking.question import Question
from dashboards.asking.views import Subject, View

# Nobody changes these within a day, so that no visitor counts under two of them.
_OF_KEY = frozenset({Dimension.DEVICE, Dimension.BROWSER, Dimension.OS, Dimension.NETWORK})

# One subject each, told by several words.
_ONE_SUBJECT = (
    frozenset({Dimension.DEVICE, Dimension.BROWSER, Dimension.OS}),
    frozenset({Dimension.CAMPAIGN, Dimension.CAMPAIGN_SOURCE, Dimension.CAMPAIGN_MEDIUM}),
)

_CAMPAIGN = frozenset(
    {
        Dimension.CAMPAIGN,
        Dimension.CAMPAIGN_SOURCE,
        Dimension.CAMPAIGN_MEDIUM,
        Dimension.CAMPAIGN_CONTENT,
        Dimension.CAMPAIGN_TERM,
    }
)

# Not every visit has one, and those that have none are in no row: they are no part of the whole.
_PARTS_OF_VISITS = (frozenset({Dimension.REFERRER}), _CAMPAIGN)
# An event is counted under each of its properties, and a link's clicks are those of persons.
_PARTS = (PROPERTY_DIMENSIONS - {Dimension.EVENT}, frozenset({Dimension.LINK}))


def choose_view(question: Question, views: Sequence[View]) -> View | None:
    """Return the view that answers with the fewest dimensions beyond those asked, or None.

    Each dimension more makes smaller groups, of which more are hidden.
    """
    fitting = [view for view in views if fits(view, question)]
    return min(fitting, key=lambda view: _cost(view, question), default=None)


def fits(view: View, question: Question) -> bool:
    """Tell whether a view's rows hold all that a question needs, and of all that it is about."""
    used = question.used
    parts = _PARTS if view.subject is Subject.MAIL else (*_PARTS, *_PARTS_OF_VISITS)
    return (
        view.subject is question.subject
        and question.measures <= view.measures
        and (question.grain is not Grain.HOUR or view.is_by_hour)
        and _is_held_alike(view, question)
        and all(part.isdisjoint(view.tells) or not part.isdisjoint(used) for part in parts)
    )


def left_to_filter(view: View, filters: Sequence[Filter]) -> tuple[Filter, ...]:
    """Return the conditions that a view does not fulfil by what it is held to."""
    held = _held_by(view.statistic)
    return tuple(each for each in conjuncts_of(filters) if each not in held)


def counted_per(statistic: Statistic, dimensions: Iterable[Dimension]) -> tuple[Dimension, ...]:
    """Return the dimensions, beyond those of a row, under each of which a visitor counts once."""
    told = (*dimensions, *_OF_KEY)
    return tuple(dimension for dimension in statistic.by if dimension not in told)


def _is_held_alike(view: View, question: Question) -> bool:
    asked = {*question.dimensions, *dimensions_of(left_to_filter(view, question.filters))}
    held = _held_by(view.statistic)
    return asked <= view.columns.keys() and held <= set(conjuncts_of(question.filters))


def _held_by(statistic: Statistic) -> set[Filter]:
    words = ((Dimension.EVENT, statistic.event), (Dimension.PROPERTY, statistic.property))
    return {Is(dimension, (word,)) for dimension, word in words if word}


def _cost(view: View, question: Question) -> tuple[int, int, int]:
    used = question.used
    same = used.union(*(words for words in _ONE_SUBJECT if not used.isdisjoint(words)))
    beyond = set(view.statistic.by) - same
    return (len(beyond), len(view.statistic.by), view.statistic.min_group)
