"""Pages beside the numbers that a reader may see."""

from urllib.parse import urlencode

from dashboards.address.selection import PATH, Selection
from dashboards.annotations_page import ANNOTATIONS
from dashboards.people_page import PEOPLE
from dashboards.readers import Reader
from dashboards.sharing.owners_page import SHARES
from dashboards.shown import Link
from dashboards.trail_page import TRAIL
from dashboards.words import message
from people.roles import Right

_PLACES = (
    (SHARES, message("Shared links"), Right.SHARES),
    (PEOPLE, message("People"), Right.PEOPLE),
    (TRAIL, message("Audit trail"), Right.AUDIT),
)


def places_of(reader: Reader, selection: Selection) -> tuple[Link, ...]:
    """Return the other pages; none for who holds a shared link."""
    if reader.is_guest:
        return ()
    words, may = reader.words, reader.person.may
    days = [field for field in selection.fields() if field[0] in {"site", "period", "from", "to"}]
    places = [Link(words("Privacy"), f"{PATH}/privacy?{urlencode(days)}")]
    if may(Right.ANNOTATIONS):
        places.append(Link(words("Annotations"), f"{ANNOTATIONS}?{urlencode(days[:1])}"))
    places += [Link(words(title), path) for path, title, right in _PLACES if may(right)]
    return tuple(places)
