"""Where on a page pointers move or press, by the cells of a grid laid over it."""

import math
import re

from msgspec import Struct

from anonymizer.policy import Dimension, Policy
from dashboards.address.selection import Selection
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.filters import Is
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import write_share
from dashboards.pictures.asked import (
    among,
    answer_of,
    at_word,
    chosen,
    notes_of,
    number_of,
    of_event,
    question,
    told,
)
from dashboards.pictures.picture import Picture, ReadPicture
from dashboards.pictures.transitions import Choice
from dashboards.words import Words, message

EVENT = "Pointer"
SHADES = 5
MOST_CELLS = 1000
NAMED = 20
CHOICES = 30

_CELL = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})")
_OTHER = {"pressed": "moved", "moved": "pressed"}
_TITLES = {
    "pressed": message("Where this page is pressed"),
    "moved": message("Where pointers move on this page"),
}


class Cell(Struct, frozen=True):
    """A cell in which something happened."""

    column: int
    row: int
    shade: int
    title: str
    number: str
    share: str


class Grid(Struct, frozen=True):
    """The cells of one page and one way to use a pointer."""

    title: str
    columns: int
    rows: int
    cells: tuple[Cell, ...]
    """The most used first."""
    summary: str


class Pointers(Struct, frozen=True):
    """What is shown of one page."""

    page: str
    grids: tuple[Grid, ...]
    choices: tuple[Choice, ...]
    named: int
    """How many cells the table names at most."""
    notes: tuple[str, ...]


def reader_of(name: str) -> ReadPicture:
    """Return what reads the grid of ``pressed`` or ``moved``, and the other beside it."""

    async def read(asker: Asker, selection: Selection, words: Words) -> Picture | None:
        others = tuple(each for each in selection.filters if each.dimension is not Dimension.PAGE)
        pages = await answer_of(
            asker,
            question(
                selection,
                (Metric.EVENTS,),
                (Dimension.PAGE,),
                *of_event(EVENT, name),
                filters=among(selection, Dimension.PAGE),
                limit=CHOICES,
            ),
        )
        names = [row.words[0] for row in told(pages)]
        page = chosen(selection, Dimension.PAGE) or next(iter(names), None)
        if page is None:
            return None
        grids, answers = [], []
        for each in (name, _OTHER[name]):
            answer = await answer_of(
                asker,
                question(
                    selection,
                    (Metric.EVENTS,),
                    (Dimension.VALUE,),
                    *of_event(EVENT, each),
                    Is(Dimension.PAGE, (page,)),
                    filters=others,
                    limit=MOST_CELLS,
                    tells_unplaced=each == name,
                ),
            )
            answers.append(answer)
            grid = draw_grid(words, _TITLES[each], answer, _size_of(asker.policy, each))
            if grid is not None:
                grids.append(grid)
        if not grids:
            return None
        drawn = Pointers(
            page=page,
            grids=tuple(grids),
            choices=tuple(
                Choice(each, at_word(selection, Dimension.PAGE, each), each == page)
                for each in dict.fromkeys((*names, page))
            ),
            named=NAMED,
            notes=notes_of(words, *answers),
        )
        return Picture("pointers.html", drawn, replaces_list=True)

    return read


def _size_of(policy: Policy, name: str) -> tuple[int, ...]:
    """Return the columns and rows that a policy lays over a page; nothing of no grid."""
    event = policy.events.get(EVENT)
    return next((each.grid for each in event.properties if each.name == name), ()) if event else ()


def draw_grid(
    words: Words, title: str, answer: Answer | None, size: tuple[int, ...]
) -> Grid | None:
    """Shade the cells of an answer by value; None where it tells none.

    The frame has `size` columns and rows; cells of a finer grid before make it larger.
    """
    counted = [
        (number_of(row), int(found[1]), int(found[2]))
        for row in told(answer)
        if (found := _CELL.fullmatch(row.words[0])) and number_of(row)
    ]
    if not counted:
        return None
    counted.sort(key=lambda each: (-each[0], each[2], each[1]))
    most, whole = counted[0][0], sum(number for number, *_ in counted)
    cells = tuple(
        Cell(
            column=column,
            row=row,
            shade=max(1, math.ceil(SHADES * math.sqrt(number / most) - 1e-9)),
            title=words(
                "Column {column}, row {row}: {number}",
                column=words.number(column + 1),
                row=words.number(row + 1),
                number=words.number(number),
            ),
            number=words.number(number),
            share=write_share(words, number / whole),
        )
        for number, column, row in counted
    )
    return Grid(
        title=words(title),
        columns=max((*size[:1], *(cell.column + 1 for cell in cells))),
        rows=max((*size[1:], *(cell.row + 1 for cell in cells))),
        cells=cells,
        summary=words.count(
            "Grid over the page, used in {count} cell: {title}",
            "Grid over the page, used in {count} cells. The most in {title}",
            len(cells),
            title=cells[0].title,
        ),
    )
