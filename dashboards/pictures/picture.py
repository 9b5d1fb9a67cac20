"""What a picture is, and how a report reads its own."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from dashboards.address.selection import Selection
from dashboards.asking.answering import Asker
from dashboards.words import Words


class Picture(Struct, frozen=True):
    """A picture ready to be shown."""

    template: str
    """The file in ``templates/pictures``."""
    drawn: object
    """What the template writes, under the name ``drawn``."""
    replaces_list: bool = False
    """Whether the picture has tables that say all that the report's list would."""


ReadPicture = Callable[[Asker, Selection, Words], Awaitable[Picture | None]]
"""Asks three questions at most; None where nothing was counted or nothing is declared."""
