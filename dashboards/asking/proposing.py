"""What the policy would have to declare so that a question is answered."""

import re
from collections.abc import Iterator, Sequence

from anonymizer.policy import Dimension, Grain, Policy, PurposeId, Statistic
from dashboards.address.periods import Grain as TimeGrain
from dashboards.asking.choosing import fits
from dashboards.asking.filters import Is, conjuncts_of
from dashboards.asking.question import Question
from dashboards.asking.unanswerable import Unanswerable
from dashboards.asking.views import ColumnsOf, Subject, view_of

MAX_NAME = 40

_TOLD_BY = {Subject.EVENTS: Dimension.EVENT, Subject.GOALS: Dimension.GOAL}
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


def propose(question: Question, policy: Policy, columns_of: ColumnsOf) -> str:
    """Return the ``[[statistic]]`` that would answer a question, as lines for the policy.

    Raises:
        Unanswerable: its metrics are not counted of what it names, whatever is declared.
    """
    by = tuple(sorted(question.used, key=list(Dimension).index))
    for event, name, told in _shapes(question, policy, by):
        statistic = Statistic(
            name=_free_name(policy, event, name, told),
            purpose=_purpose_for(policy, told),
            by=told,
            grain=Grain.HOUR if question.grain is TimeGrain.HOUR else Grain.DAY,
            min_group=3,
            keep_days=1,
            event=event,
            property=name,
        )
        if fits(view_of(statistic, columns_of), question):
            return _write(statistic)
    raise Unanswerable("metrics", "must be counted for these dimensions and filters; some are not")


def _shapes(
    question: Question, policy: Policy, by: tuple[Dimension, ...]
) -> Iterator[tuple[str, str, tuple[Dimension, ...]]]:
    """Yield event, property and dimensions that a statistic might have, the narrowest first."""
    events = [event for event in policy.events if _holds(question, Dimension.EVENT, event)]
    for event in events:
        told = tuple(dimension for dimension in by if dimension is not Dimension.EVENT)
        for each in policy.events[event].properties:
            if _holds(question, Dimension.PROPERTY, each.name):
                yield event, each.name, tuple(d for d in told if d is not Dimension.PROPERTY)
        yield event, "", told
    yield "", "", by
    if question.subject in _TOLD_BY:  # of whatever event or goal
        yield "", "", (_TOLD_BY[question.subject], *by)


def _holds(question: Question, dimension: Dimension, word: str) -> bool:
    return Is(dimension, (word,)) in conjuncts_of(question.filters)


def _purpose_for(policy: Policy, by: Sequence[Dimension]) -> PurposeId:
    """Return the narrowest of the purposes that these dimensions are counted for by themselves."""
    counted_for = [each.purpose for each in policy.statistics]
    simplest = sorted(policy.statistics, key=lambda each: len(each.by))
    found = [
        next((each.purpose for each in simplest if dimension in each.by), counted_for[0])
        for dimension in by
    ]
    return min(found or counted_for[:1], key=counted_for.count)


def _free_name(policy: Policy, event: str, name: str, by: Sequence[Dimension]) -> str:
    first, *others = filter(None, (event, name, *map(str, by), "" if by or event else "all"))
    told = "_".join((first, "by", *others)) if others else first
    parts = _NOT_IN_NAMES.split(told.lower())
    whole = re.sub("^[0-9]", "n", "_".join(filter(None, parts)))[:MAX_NAME].strip("_") or "asked"
    taken = {each.name for each in policy.statistics}
    tries = (f"{whole[: MAX_NAME - 3]}_{number}" for number in range(2, 100))
    return whole if whole not in taken else next(each for each in tries if each not in taken)


def _write(statistic: Statistic) -> str:
    """Write the lines of a policy; what they leave out is what the policy sets by itself."""
    quoted = ", ".join(f'"{dimension}"' for dimension in statistic.by)
    lines = [
        "[[statistic]]",
        f'name = "{statistic.name}"',
        f'purpose = "{statistic.purpose}"',
        *([f"event = {_text(statistic.event)}"] if statistic.event else ()),
        *([f"property = {_text(statistic.property)}"] if statistic.property else ()),
        f"by = [{quoted}]",
        f'grain = "{statistic.grain}"',
    ]
    return "".join(f"{line}\n" for line in lines)


def _text(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
