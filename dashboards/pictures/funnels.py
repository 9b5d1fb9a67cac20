"""Funnels: how many visits took each step, and how many of them were lost before the next."""

import re

from msgspec import Struct

from anonymizer.policy import Dimension, Funnel
from dashboards.address.selection import Selection
from dashboards.asking.answering import Asker
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import NOTHING, write_share
from dashboards.pictures.asked import answer_of, chosen, notes_of, number_of, question, told
from dashboards.pictures.picture import Picture
from dashboards.pictures.shares import percent
from dashboards.words import Words

_STEP = re.compile(r"([0-9]{1,4}) (.*)", re.DOTALL)


class Step(Struct, frozen=True):
    """A step of a funnel."""

    number: int
    text: str
    visits: str
    """A dash of a step that too few took to be told, or nobody."""
    of_first: str
    """A dash where one of both is not told."""
    went_on: str
    """The share of the step before; empty where one of both is not told, and of the first."""
    lost: str
    """How many of the step before did not take this one; empty where `went_on` is."""
    width: float
    """In percent of the first step."""
    width_before: float


class Drawn(Struct, frozen=True):
    """A funnel."""

    name: str
    steps: tuple[Step, ...]
    summary: str


class Funnels(Struct, frozen=True):
    """All funnels of a site."""

    funnels: tuple[Drawn, ...]
    notes: tuple[str, ...]


async def read_funnels(asker: Asker, selection: Selection, words: Words) -> Picture | None:
    """Ask how many visits took each step of each funnel."""
    answer = await answer_of(
        asker, question(selection, (Metric.VISITS,), (Dimension.FUNNEL, Dimension.STEP))
    )
    visits: dict[str, dict[int, tuple[str, int]]] = {}
    for row in told(answer):
        found = _STEP.fullmatch(row.words[1])
        if found and number_of(row):
            steps = visits.setdefault(row.words[0], {})
            steps[int(found[1])] = (found[2], number_of(row))
    wanted = chosen(selection, Dimension.FUNNEL)
    declared = {
        name: funnel
        for name, funnel in asker.policy.funnels.items()
        if funnel.site in ("", selection.site.domain) and name in visits
    }
    drawn = tuple(
        draw_funnel(words, name, _steps(visits[name], declared.get(name)))
        for name in dict.fromkeys((*declared, *sorted(visits)))
        if wanted in (None, name)
    )
    return Picture("funnels.html", Funnels(drawn, notes_of(words, answer))) if drawn else None


def _steps(visits: dict[int, tuple[str, int]], declared: Funnel | None) -> list[tuple[str, int]]:
    """Return texts and visits of all steps, those that nobody was counted at, too."""
    names = dict(enumerate(declared.steps if declared else (), 1))
    last = max((*names, *visits))
    return [
        visits.get(number, (names.get(number, str(number)), 0)) for number in range(1, last + 1)
    ]


def draw_funnel(words: Words, name: str, steps: list[tuple[str, int]]) -> Drawn:
    """Draw one funnel; steps of no visits are those that are not told.

    A step is held within the one before: groups too small to be shown can be lacking in one of
    them alone.
    """
    drawn: list[Step] = []
    first = steps[0][1]
    widest = first or max(visits for _, visits in steps)
    before = widest
    told_before = 0
    for number, (text, visits) in enumerate(steps, 1):
        held = min(visits, before)
        goes_on = bool(visits and told_before)
        drawn.append(
            Step(
                number=number,
                text=text,
                visits=words.number(visits) if visits else NOTHING,
                of_first=write_share(words, min(1.0, visits / first))
                if visits and first
                else NOTHING,
                went_on=write_share(words, held / before) if goes_on else "",
                lost=words.number(before - held) if goes_on else "",
                width=percent(held, widest),
                width_before=percent(before, widest),
            )
        )
        before = held or before
        told_before = visits
    last = steps[-1][1]
    return Drawn(
        name=name,
        steps=tuple(drawn),
        summary=words(
            "Funnel {name}: {share} of {count} visits that took the first step took the last.",
            name=name,
            share=write_share(words, min(1.0, last / first)) if first and last else NOTHING,
            count=words.number(first) if first else NOTHING,
        ),
    )
