"""Rows of goals that a hit reaches, and of the steps that its visit takes in funnels.

A clean hit and its visitor come in, rows and an advanced visitor come out
(docs/decisions/0024).
"""

from msgspec.structs import replace

from anonymizer.hits import CleanHit
from anonymizer.policy import Dimension
from collector.asked import Asked, Asking
from collector.clock import hour_start
from collector.counted import COUNTED, CountedHit, Tells
from collector.plan import Plan, Served
from collector.visits import Visitor
from collector.words import words_in_visit, words_of_all


def step_word(number: int, step: str) -> str:
    """Return how a funnel's step is told, from 1 on: ``1 /pricing``, so that views sort by it."""
    return f"{number} {step}"


class GoalCounter:
    """Counts goals and steps of funnels for visitors that hits were counted against."""

    def __init__(self, plan: Plan) -> None:
        self._goals = plan.goals
        self._funnels = plan.funnels
        self._asking = Asking(plan)

    def count(
        self, hit: CleanHit, visitor: Visitor, opening: CleanHit | None, served: Served
    ) -> list[CountedHit]:
        """Return what a hit that reaches goals or steps adds.

        `opening` is the hit that began the open visit; None when there is none.
        """
        rows = []
        asked = self._asking.of(Tells.GOAL, served.bits)
        if asked is not None:
            words = words_in_visit(hit, opening)
            rows += [
                self._goal(goal, hit, visitor, words, served.bits, asked)
                for goal in hit.goals
                if goal in self._goals
            ]
        asked = self._asking.of(Tells.FUNNEL, served.bits)
        # Without a visit there is nothing whose steps could follow on each other.
        if asked is not None and opening is not None:
            rows += self._steps(hit, visitor, opening, served.bits, asked)
        return rows

    def _goal(
        self,
        goal: str,
        hit: CleanHit,
        visitor: Visitor,
        words: dict[Dimension, str],
        serves: int,
        asked: Asked,
    ) -> CountedHit:
        words[Dimension.GOAL] = goal
        row = _row(hit, hit, visitor, words, serves, asked)
        return replace(row, tells=Tells.GOAL.value, number=1, subject=goal)

    def _steps(
        self, hit: CleanHit, visitor: Visitor, opening: CleanHit, serves: int, asked: Asked
    ) -> list[CountedHit]:
        """Take the next step of each funnel that the hit is one of."""
        rows = []
        for funnel in self._funnels.get(hit.site, ()):
            taken = visitor.steps.get(funnel.name, 0) if visitor.steps else 0
            if taken == len(funnel.steps) or funnel.steps[taken] not in hit.goals:
                continue
            if visitor.steps is None:
                visitor.steps = {}
            visitor.steps[funnel.name] = taken + 1
            # All of a visit's steps have its words and its hour, so that each step's
            # visits are among those of the step before, in every cell and period.
            words = words_of_all(opening, opening, hit)
            words[Dimension.FUNNEL] = funnel.name
            words[Dimension.STEP] = step_word(taken + 1, funnel.steps[taken])
            row = _row(hit, opening, visitor, words, serves, asked)
            rows.append(
                replace(
                    row,
                    visits=1,
                    tells=Tells.FUNNEL.value,
                    subject=funnel.name,
                    property=words[Dimension.STEP],
                )
            )
        return rows


def _row(
    hit: CleanHit,
    timed: CleanHit,
    visitor: Visitor,
    words: dict[Dimension, str],
    serves: int,
    asked: Asked,
) -> CountedHit:
    """Return a row of a hit in the hour of `timed`, with the words that are asked for."""
    row = CountedHit(
        site=hit.site,
        door=hit.door.value,
        reason=COUNTED,
        hits=0,
        serves=serves,
        hour=hour_start(timed.local),
        firsts=visitor.firsts(asked.combinations, words),
    )
    return replace(row, **asked.fields(words))
