"""What a hit has become once it is counted: the only thing that `store` takes.

A `CountedHit` holds coarse words and signed integers; no visitor key, no
address, no time finer than the hour.
"""

from enum import IntEnum

from msgspec import Struct, msgpack

COUNTED = "counted"
"""The `reason` under which a counted hit stands in the coverage statistic."""


class Tells(IntEnum):
    """What a row is of; the numbers stand in ``into_cells.sql`` too."""

    VIEW = 0
    """A page view, a visit, or a refusal."""
    EVENT = 6
    PROPERTY = 7
    MASK = 8
    MACHINE = 9
    GOAL = 10
    FUNNEL = 11
    """A step that a visit took."""
    MAIL = 12
    """A message that was opened, a link in it that was followed, or someone unsubscribed."""
    DELIVERED = 13
    """How many messages of a campaign were delivered, as the operator says."""


class CountedHit(Struct, frozen=True, gc=False, array_like=True):
    """What a hit adds to the counters of one hour, as integer deltas.

    Field order is the inbox table's column order. A hit in a visit that began in
    another hour, or with another country, language or screen, makes two of these:
    one for itself, with `hits` 1, and one for its visit, with `hits` 0. So does an
    event in an open visit, and each of its properties and each kind that was masked
    makes one more, with `hits` 0.
    """

    site: str
    door: str
    reason: str
    """`COUNTED` or a drop reason."""
    hits: int = 1
    serves: int = 0
    """Bit i is set when the hit may serve the policy's i-th purpose."""
    hour: int = 0
    """First second of the site's local hour; of its local day for a refused hit."""
    views: int = 0
    firsts: int = 0
    """Bit i is set when the visitor is new today to the plan's i-th combination."""
    visits: int = 0
    bounces: int = 0
    seconds: int = 0
    page: str = ""
    previous_page: str = ""
    entry_page: str = ""
    source: str = ""
    channel: str = ""
    referrer: str = ""
    campaign: str = ""
    campaign_source: str = ""
    campaign_medium: str = ""
    campaign_content: str = ""
    campaign_term: str = ""
    country: str = ""
    language: str = ""
    screen: str = ""
    device: str = ""
    browser: str = ""
    os: str = ""
    network: str = ""
    exit_from: str = ""
    """The page on which the visit no longer ends; empty when there is none."""
    exit_from_visitors: int = 0
    """-1 when no visit of the visitor's day ends on `exit_from` any more."""
    exit_to: str = ""
    """The page on which the visit ends now; empty when that did not change."""
    exit_to_visitors: int = 0
    """1 when no earlier visit of the visitor's day ended on `exit_to`."""
    tells: int = Tells.VIEW
    number: int = 0
    """How many of `subject` there were, where `tells` names something else than a view."""
    subject: str = ""
    """The event's name, the kind that was masked, the machine's family, the goal or funnel."""
    property: str = ""
    """The event's property, the machine's kind, or the funnel's step."""
    value: str = ""
    """The property's value."""


_encoder = msgpack.Encoder()

# MessagePack writes an array of 16 to 65,535 values as 0xdc and two bytes of length.
_ARRAY_HEADER_BYTES = 3


def encode_row(hit: CountedHit) -> bytes:
    """Return the hit as one row of ClickHouse's MsgPack format: its values without a frame."""
    return _encoder.encode(hit)[_ARRAY_HEADER_BYTES:]
