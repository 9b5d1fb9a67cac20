"""The flow: where views of one page came from, and where they went on to."""

from collections.abc import Iterable

from msgspec import Struct

from anonymizer.policy import Dimension
from dashboards.address.selection import Selection
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.filters import Is, Or
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import write_share
from dashboards.pictures.asked import (
    MAX_VALUES,
    among,
    answer_of,
    at_word,
    chosen,
    notes_of,
    number_of,
    question,
    told,
    total_of,
    without,
)
from dashboards.pictures.bands import Bands, lay_bands
from dashboards.pictures.picture import Picture
from dashboards.pictures.shares import percent
from dashboards.reports.labels import write_word
from dashboards.words import Words

ENTRY = "(entry)"
"""What stands before a visit's first page."""
MOST_ROWS = 8
CHOICES = 30

_PAGES = (Dimension.PREVIOUS_PAGE, Dimension.PAGE)


class Way(Struct, frozen=True):
    """A page on one side of the flow, or all that are not named there."""

    text: str
    number: str
    share: str
    width: float
    """Of a bar, in percent of the largest on both sides."""
    address: str
    """The flow of that page; empty where there is none."""


class Choice(Struct, frozen=True):
    """A page whose flow can be looked at."""

    text: str
    address: str
    is_shown: bool


class Flow(Struct, frozen=True):
    """The flow through one page."""

    page: str
    before: tuple[Way, ...]
    after: tuple[Way, ...]
    bands: Bands
    choices: tuple[Choice, ...]
    summary: str
    notes: tuple[str, ...]


async def read_transitions(asker: Asker, selection: Selection, words: Words) -> Picture | None:
    """Ask which pages there are, what came before and after the chosen one, and who left there.

    The page is that of a filter, else of those that the filters leave the one with the most views.
    """
    others = without(selection, *_PAGES)
    pages = await answer_of(
        asker,
        question(
            selection,
            (Metric.VIEWS,),
            (Dimension.PAGE,),
            filters=among(selection, *_PAGES),
            limit=CHOICES,
        ),
    )
    names = [row.words[0] for row in told(pages)]
    page = chosen(selection, *_PAGES)
    if page == ENTRY:  # is no page, and a row of the list leads there
        page = chosen(selection, Dimension.PAGE)
    page = page or next(iter(names), None)
    if page is None:
        return None
    either = Or(tuple(Is(dimension, (page,)) for dimension in _PAGES))
    ways = await answer_of(
        asker,
        question(selection, (Metric.VIEWS,), _PAGES, either, filters=others, limit=MAX_VALUES),
    )
    exits = await answer_of(
        asker,
        question(
            selection,
            (Metric.VISITS,),
            (),
            Is(Dimension.EXIT_PAGE, (page,)),
            filters=others,
        ),
    )
    before, after = _sides(ways, page)
    if not before and not after:
        return None
    left = total_of(exits) if exits else 0
    choices = tuple(
        Choice(
            name, at_word(selection, Dimension.PAGE, name, Dimension.PREVIOUS_PAGE), name == page
        )
        for name in dict.fromkeys((*names, page))
    )
    drawn = _draw(
        selection, words, page, before, after, left, choices, notes_of(words, ways, exits)
    )
    return Picture("flow.html", drawn)


def _sides(ways: Answer | None, page: str) -> tuple[dict[str, int], dict[str, int]]:
    before: dict[str, int] = {}
    after: dict[str, int] = {}
    for row in told(ways):
        if row.words[1] == page:
            before[row.words[0]] = number_of(row)
        if row.words[0] == page:
            after[row.words[1]] = number_of(row)
    return before, after


def _draw(
    selection: Selection,
    words: Words,
    page: str,
    before: dict[str, int],
    after: dict[str, int],
    left: int,
    choices: tuple[Choice, ...],
    notes: tuple[str, ...],
) -> Flow:
    came = _rows(before.items(), 0, words)
    went = _rows(after.items(), left, words)
    most = max(number for _, _, number in (*came, *went))
    sides = []
    for rows in (came, went):
        whole = sum(number for _, _, number in rows)
        sides.append(
            tuple(
                Way(
                    text=words("The same page again") if name == page else text,
                    number=words.number(number),
                    share=write_share(words, number / whole),
                    width=percent(number, most),
                    address=at_word(selection, Dimension.PAGE, name, Dimension.PREVIOUS_PAGE)
                    if name not in (None, page)
                    else "",
                )
                for name, text, number in rows
            )
        )
    return Flow(
        page=page,
        before=sides[0],
        after=sides[1],
        bands=lay_bands([number for *_, number in came], [number for *_, number in went]),
        choices=choices,
        summary=_summarize(words, page, *sides),
        notes=notes,
    )


_Row = tuple[str | None, str, int]


def _rows(numbers: Iterable[tuple[str, int]], left: int, words: Words) -> list[_Row]:
    """Return pages, texts and numbers of a side, the largest first; those left over in one."""
    ordered = sorted(numbers, key=lambda each: (-each[1], each[0]))
    apart: list[_Row] = [
        (None, write_word(words, Dimension.PREVIOUS_PAGE, name), number)
        for name, number in ordered
        if name == ENTRY
    ]
    if left:
        apart.append((None, words("Left the site"), left))
    pages: list[_Row] = [
        (name, write_word(words, Dimension.PAGE, name), number)
        for name, number in ordered
        if name != ENTRY and number
    ]
    room = MOST_ROWS - len(apart)
    if len(pages) > room:
        rest = pages[room - 1 :]
        number = sum(number for *_, number in rest)
        text = words.count("{count} other page", "{count} other pages", len(rest))
        pages = [*pages[: room - 1], (None, text, number)]
    named = sorted((*apart, *pages), key=lambda each: -each[2])
    return [each for each in named if each[2] > 0]


def _summarize(words: Words, page: str, before: tuple[Way, ...], after: tuple[Way, ...]) -> str:
    parts = []
    if before:
        parts.append(
            words(
                "Most views of {page} came from: {text} ({share}).",
                page=page,
                text=before[0].text,
                share=before[0].share,
            )
        )
    if after:
        parts.append(
            words("Most went on to: {text} ({share}).", text=after[0].text, share=after[0].share)
        )
    return " ".join(parts)
