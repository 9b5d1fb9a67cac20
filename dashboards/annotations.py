"""Marks on the chart: what was done to a site and when. The composer says where they are kept."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from anyio import to_thread
from msgspec import Struct

from dashboards.address.periods import Period
from dashboards.words import Words, message

MAX_DRAWN = 40
"""On a chart; of more, the first stand there as one."""


class Annotation(Struct, frozen=True):
    """A mark ready to be shown."""

    moment: datetime
    """On the site's wall clock, without a zone."""
    text: str
    number: int = 0
    """What it is deleted by; 0 of one that stands there by itself."""


class Mark(Protocol):
    """A mark as it is kept."""

    @property
    def moment(self) -> datetime:
        """Tell when, on the site's wall clock, without a zone."""

    @property
    def text(self) -> str:
        """Tell what was done; of a campaign its name."""

    @property
    def number(self) -> int:
        """Tell what it is deleted by; 0 of one that was not made by hand."""

    @property
    def is_campaign(self) -> bool:
        """Tell whether it is where an e-mail campaign began."""


class Marks(Protocol):
    """Keeps marks. Methods block; a ValueError's text begins with the name of the wrong field."""

    def of_site(self, site: str, first: date, last: date) -> tuple[Sequence[Mark], Sequence[str]]:
        """Return those of a site's days, both included, in order of time; and what can't be read.

        That is named by keys of `UNREAD`.
        """

    def add(self, site: str, at: str, text: str) -> Mark:
        """Keep a mark and return it; raises ValueError for an `at` or `text` that can't be."""

    def delete(self, site: str, number: int) -> None:
        """Delete a mark of a site; raises ValueError where it has none of that number."""


FAULTS = {
    "at": message("The time must be of this century and written as 2026-03-01T12:00."),
    "text": message("The text must be one line of 1 to 200 letters, digits and signs."),
    "number": message("There is no such annotation any more."),
    "site": message("There is no such site, or it has too many annotations."),
}
"""What is told of a ValueError, by field."""


UNREAD = {
    "annotations": message("Annotations can’t be read at the moment and are missing here."),
    "campaigns": message(
        "When e-mail campaigns began can’t be read at the moment and is missing here."
    ),
}
"""What is told of marks that can't be read."""


async def read_annotations(
    marks: Marks, site: str, period: Period, words: Words
) -> tuple[tuple[Annotation, ...], tuple[str, ...]]:
    """Return the marks of a site's period as a reader sees them, and what they lack in words."""
    found, unread = await to_thread.run_sync(marks.of_site, site, period.first, period.last)
    lacking = tuple(words(UNREAD[kind]) for kind in unread)
    written = [write_mark(words, mark) for mark in found]
    if len(written) <= MAX_DRAWN:
        return tuple(written), lacking
    *earlier, last = written[: 1 - MAX_DRAWN]
    told = words("{number} earlier annotations", number=words.number(len(earlier) + 1))
    return (Annotation(last.moment, told), *written[1 - MAX_DRAWN :]), lacking


def write_mark(words: Words, mark: Mark) -> Annotation:
    """Write a mark in a reader's language."""
    text = words("E-mail campaign {name}", name=mark.text) if mark.is_campaign else mark.text
    return Annotation(mark.moment, text, mark.number)
