"""What is told of each page by a closed list or by names: ways to leave it, clicks on elements."""

from msgspec import Struct

from anonymizer.policy import Dimension
from dashboards.address.selection import Selection
from dashboards.asking.answering import Asker
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import write_share
from dashboards.pictures.asked import (
    answer_by_page,
    answer_of,
    at_word,
    hidden_of,
    notes_of,
    number_of,
    of_event,
    question,
    told,
)
from dashboards.pictures.picture import Picture
from dashboards.pictures.shares import Part, lay_parts, percent
from dashboards.reports.labels import WAYS
from dashboards.words import Words

MOST_PAGES = 20
MOST_ELEMENTS = 10
CLICKED_PAGES = 12


class Way(Struct, frozen=True):
    """One kind of leaving, for the legend and the table's head."""

    kind: str
    text: str


class Left(Struct, frozen=True):
    """How a page, or all of them, are left."""

    text: str
    address: str
    count: str
    parts: tuple[Part, ...]
    shares: tuple[str, ...]
    """One for each of the picture's ways."""
    described: str


class Leaving(Struct, frozen=True):
    """How pages are left."""

    ways: tuple[Way, ...]
    whole: Left
    pages: tuple[Left, ...]
    notes: tuple[str, ...]


class Element(Struct, frozen=True):
    """Something on a page that is clicked."""

    text: str
    number: str
    share: str
    width: float


class Clicked(Struct, frozen=True):
    """A page's elements."""

    page: str
    address: str
    count: str
    elements: tuple[Element, ...]
    more: str
    """How many are left out; empty of none."""


class Clicks(Struct, frozen=True):
    """Elements by page."""

    pages: tuple[Clicked, ...]
    more: str
    notes: tuple[str, ...]


async def read_leaving(asker: Asker, selection: Selection, words: Words) -> Picture | None:
    """Ask how pages are left, in all and one by one."""
    held = of_event("Page Left", "how")
    by_page, pages = await answer_by_page(asker, selection, held, MOST_PAGES)
    in_all = await answer_of(
        asker, question(selection, (Metric.EVENTS,), (Dimension.VALUE,), *held)
    )
    whole = {row.words[0]: number_of(row) for row in told(in_all)}
    ways = tuple(
        Way(kind, words(text))
        for kind, text in WAYS.items()
        if any(kind in numbers for numbers in (whole, *pages.values()))
    )
    drawn = Leaving(
        ways=ways,
        whole=_left(words, words("All pages"), "", whole, ways),
        pages=tuple(
            _left(words, page, at_word(selection, Dimension.PAGE, page), numbers, ways)
            for page, numbers in pages.items()
        ),
        notes=notes_of(words, by_page, in_all),
    )
    return Picture("leaving.html", drawn) if ways else None


async def read_clicks(asker: Asker, selection: Selection, words: Words) -> Picture | None:
    """Ask which elements of which pages are clicked."""
    by_page, clicked = await answer_by_page(
        asker, selection, of_event("Click", "element"), CLICKED_PAGES
    )
    if by_page is None or not clicked:
        return None
    pages = []
    for page, numbers in clicked.items():
        whole, most = sum(numbers.values()), max(numbers.values())
        elements = sorted(numbers.items(), key=lambda each: (-each[1], each[0]))
        left = len(elements) - MOST_ELEMENTS
        pages.append(
            Clicked(
                page=page,
                address=at_word(selection, Dimension.PAGE, page),
                count=words.count("{count} click", "{count} clicks", whole),
                elements=tuple(
                    Element(
                        element,
                        words.number(number),
                        write_share(words, number / whole),
                        percent(number, most),
                    )
                    for element, number in elements[:MOST_ELEMENTS]
                ),
                more=words.count("{count} more", "{count} more", left) if left > 0 else "",
            )
        )
    left = by_page.groups - (hidden_of(by_page) > 0) - len(clicked)
    more = words.count("{count} more page", "{count} more pages", left) if left > 0 else ""
    return Picture("clicks.html", Clicks(tuple(pages), more, notes_of(words, by_page)))


def _left(
    words: Words, text: str, address: str, numbers: dict[str, int], ways: tuple[Way, ...]
) -> Left:
    told_ways = [(way, numbers.get(way.kind, 0)) for way in ways]
    whole = sum(number for _, number in told_ways)
    shares = tuple(write_share(words, number / whole if whole else 0) for _, number in told_ways)
    titles = [
        words.pair(way.text, share) for (way, _), share in zip(told_ways, shares, strict=True)
    ]
    parts = [
        (way.kind, number, title) for (way, number), title in zip(told_ways, titles, strict=True)
    ]
    return Left(
        text=text,
        address=address,
        count=words.number(whole),
        parts=lay_parts(parts),
        shares=shares,
        described=words.listed(titles),
    )
