"""How long pages are looked at: the time engaged for each of a page's visitors."""

from msgspec import Struct

from anonymizer.policy import ENGAGEMENT, Dimension
from dashboards.address.selection import Selection
from dashboards.asking.answering import Asker
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import write_duration
from dashboards.pictures.asked import (
    answer_of,
    at_word,
    notes_of,
    number_of,
    of_event,
    question,
    told,
)
from dashboards.pictures.picture import Picture
from dashboards.pictures.shares import percent
from dashboards.words import Words

MOST_PAGES = 12


class Page(Struct, frozen=True):
    """A page and how long each of its visitors looked at it."""

    text: str
    address: str
    visitors: str
    average: str
    width: float
    """In percent of the longest."""


class Engaged(Struct, frozen=True):
    """The pages with the most visitors."""

    average: str
    """Of all pages that are told, for a page and a visitor."""
    pages: tuple[Page, ...]
    notes: tuple[str, ...]


async def read_engaged(asker: Asker, selection: Selection, words: Words) -> Picture | None:
    """Ask for how long each page was looked at, and by how many visitors."""
    answer = await answer_of(
        asker,
        question(
            selection,
            (Metric.VISITORS, Metric.SECONDS),
            (Dimension.PAGE,),
            *of_event(ENGAGEMENT),
        ),
    )
    pages = [
        (row.words[0], number_of(row), number_of(row, 1)) for row in told(answer) if number_of(row)
    ]
    if not pages:
        return None
    shown = pages[:MOST_PAGES]
    longest = max(seconds / visitors for _, visitors, seconds in shown)
    everyone = sum(visitors for _, visitors, _ in pages)
    drawn = Engaged(
        average=write_duration(sum(seconds for *_, seconds in pages) / everyone),
        pages=tuple(
            Page(
                text=page,
                address=at_word(selection, Dimension.PAGE, page),
                visitors=words.number(visitors),
                average=write_duration(seconds / visitors),
                width=percent(seconds / visitors, longest),
            )
            for page, visitors, seconds in shown
        ),
        notes=notes_of(words, answer),
    )
    return Picture("engaged.html", drawn)
