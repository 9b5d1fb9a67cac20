"""How far down pages are read: the share of views that reached each quarter."""

from collections.abc import Mapping

from msgspec import Struct

from anonymizer.policy import DEPTH, ENGAGEMENT, Dimension
from dashboards.address.selection import Selection
from dashboards.asking.answering import Asker
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import NOTHING, write_share
from dashboards.pictures.asked import (
    answer_of,
    at_word,
    notes_of,
    number_of,
    of_event,
    question,
    told,
    total_of,
    values_of,
)
from dashboards.pictures.picture import Picture
from dashboards.pictures.shares import percent
from dashboards.words import Words

MOST_PAGES = 50


class Reached(Struct, frozen=True):
    """What share of a page's views reached a depth."""

    text: str
    """Of how many views, in percent; a dash where it is too few to be told."""
    share: float
    """In percent, for the bar."""


class Page(Struct, frozen=True):
    """A page with how far it is read."""

    text: str
    address: str
    views: str
    reached: tuple[Reached, ...]
    """One for each of the picture's depths."""


class Depth(Struct, frozen=True):
    """How far down pages are read."""

    depths: tuple[str, ...]
    """Such as ``25%``."""
    whole: Page
    pages: tuple[Page, ...]
    notes: tuple[str, ...]


async def read_depth(asker: Asker, selection: Selection, words: Words) -> Picture | None:
    """Ask how often each depth was reached, in all and by page, and how often pages were seen."""
    held = of_event(ENGAGEMENT, DEPTH)
    in_all = await answer_of(
        asker, question(selection, (Metric.EVENTS,), (Dimension.VALUE,), *held)
    )
    seen = await answer_of(
        asker, question(selection, (Metric.VIEWS,), (Dimension.PAGE,), tells_unplaced=True)
    )
    if seen is None or in_all is None:
        return None
    views = {row.words[0]: number_of(row) for row in told(seen)}
    values = await values_of(asker, selection, held, list(views)[:MOST_PAGES])
    whole = _read_depths({row.words[0]: number_of(row) for row in told(in_all)})
    if not whole:
        return None
    reached = {page: _read_depths(counted) for page, counted in values.items()}
    depths = sorted(whole.keys() | {depth for each in reached.values() for depth in each})
    drawn = Depth(
        depths=tuple(words.share(depth / 100) for depth in depths),
        whole=_page(words, words("All pages"), "", total_of(seen), whole, depths),
        pages=tuple(
            _page(words, page, at_word(selection, Dimension.PAGE, page), views[page], each, depths)
            for page, each in reached.items()
        ),
        notes=notes_of(words, seen, in_all),
    )
    return Picture("depth.html", drawn, replaces_list=True)


def _read_depths(counted: Mapping[str, int]) -> dict[int, int]:
    return {int(word): number for word, number in counted.items() if word.isdecimal()}


def _page(
    words: Words,
    text: str,
    address: str,
    views: int,
    reached: Mapping[int, int],
    depths: list[int],
) -> Page:
    return Page(
        text=text,
        address=address,
        views=words.number(views),
        reached=tuple(
            Reached(
                write_share(words, min(1.0, reached[depth] / views)), percent(reached[depth], views)
            )
            if views > 0 and depth in reached
            else Reached(NOTHING, 0)
            for depth in depths
        ),
    )
