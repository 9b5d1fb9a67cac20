"""The rules of a statistic that is held to one event, or to one property of it."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from anonymizer.policy import MAX_DIMENSIONS, Dimension, Event
from anonymizer.policy_tables import Table

FILTER_KEYS = ("event", "property")

_BESIDE_EVENT = (
    Dimension.PAGE,
    Dimension.ENTRY_PAGE,
    Dimension.SOURCE,
    Dimension.CHANNEL,
    Dimension.REFERRER,
    Dimension.CAMPAIGN,
    Dimension.CAMPAIGN_SOURCE,
    Dimension.CAMPAIGN_MEDIUM,
    Dimension.CAMPAIGN_CONTENT,
    Dimension.CAMPAIGN_TERM,
    Dimension.COUNTRY,
    Dimension.LANGUAGE,
    Dimension.SCREEN,
    Dimension.DEVICE,
    Dimension.BROWSER,
    Dimension.OS,
    Dimension.NETWORK,
)
# A value is told apart by few words beside it: each is one more way to know whose it is.
_BESIDE_PROPERTY = (
    Dimension.VALUE,
    Dimension.PAGE,
    Dimension.ENTRY_PAGE,
    Dimension.SOURCE,
    Dimension.CHANNEL,
    Dimension.CAMPAIGN,
    Dimension.COUNTRY,
    Dimension.LANGUAGE,
    Dimension.DEVICE,
    Dimension.BROWSER,
    Dimension.OS,
    Dimension.SCREEN,
)


class Filter(Struct, frozen=True):
    """What alone is counted; empty names hold a statistic to nothing."""

    event: str = ""
    property: str = ""

    def faults_of(self, by: tuple[Dimension, ...]) -> Iterator[str]:
        """Yield what is wrong with the dimensions of a statistic that is held so."""
        if len(by) > MAX_DIMENSIONS:
            yield f"must name at most {MAX_DIMENSIONS} dimensions"
        if len(set(by)) < len(by):
            yield "must name each dimension once"
        allowed, key = (_BESIDE_PROPERTY, "property") if self.property else (_BESIDE_EVENT, "event")
        if not set(by) <= set(allowed):
            yield f"must name {', '.join(allowed)} only beside the key {key}"
        if {Dimension.ENTRY_PAGE, Dimension.PAGE} <= set(by):
            yield "must not name entry_page beside page"


def read_filter(table: Table, events: Mapping[str, Event]) -> Filter:
    """Read ``event`` and ``property`` of a ``[[statistic]]``, the events of the policy being known.

    What is inherited is not refused: the file may declare the event with other properties, of
    which such a statistic counts none.
    """
    event = table.read_optional("event")
    name = table.read_optional("property")
    if "property" in table and "event" not in table:
        table.refuse("property", "must stand beside event")
    elif event and event not in events:
        table.refuse("event", "must be the name of an [[event]]")
    elif event and name and not table.given.keys().isdisjoint(FILTER_KEYS):
        properties = {of.name for of in events[event].properties}
        if name not in properties:
            table.refuse("property", "must be the name of a property of that event")
    return Filter(event, name)
