"""What a hit has become once it is counted: the only thing that `store` takes.

A `CountedHit` holds coarse words and signed integers; no visitor key, no
address, no time finer than the hour.
"""

from msgspec import Struct, msgpack

COUNTED = "counted"
"""The `reason` under which a counted hit stands in the coverage statistic."""


class CountedHit(Struct, frozen=True, gc=False, array_like=True):
    """One hit as integer deltas. Field order is the inbox table's column order."""

    site: str
    door: str
    reason: str
    """`COUNTED` or a drop reason."""
    hits: int = 1
    serves: int = 0
    """Bit i is set when the hit may serve the policy's i-th purpose."""

    # What stands in the period of the hit itself.
    hour: int = 0
    """First second of the site's local hour; of its local day for a refused hit."""
    views: int = 0
    firsts: int = 0
    """Bit i is set when the visitor is new today to the plan's i-th combination."""
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

    # What stands in the period in which the visit began.
    visit_hour: int = 0
    visits: int = 0
    bounces: int = 0
    seconds: int = 0
    visit_country: str = ""
    visit_language: str = ""
    visit_screen: str = ""
    exit_from: str = ""
    exits_from: int = 0
    exit_visitors_from: int = 0
    exit_to: str = ""
    exits_to: int = 0
    exit_visitors_to: int = 0


_encoder = msgpack.Encoder()

# MessagePack writes an array of 16 to 65,535 values as 0xdc and two bytes of length.
_ARRAY_HEADER_BYTES = 3


def encode_row(hit: CountedHit) -> bytes:
    """Return the hit as one row of ClickHouse's MsgPack format: its values without a frame."""
    return _encoder.encode(hit)[_ARRAY_HEADER_BYTES:]
