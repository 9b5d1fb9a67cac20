"""What may be known: the policy as typed values.

`policy_file` makes these from ``policy.toml``; gate, counters, tables, views
and the published notice are all derived from them and from nothing else.
"""

from enum import StrEnum
from typing import NewType
from zoneinfo import ZoneInfo

from msgspec import Struct

from anonymizer.hits import SiteId

PurposeId = NewType("PurposeId", str)

MAX_DIMENSIONS = 3  # DESIGN: a statistic is `by` up to three dimensions


class Dimension(StrEnum):
    """Everything a statistic may be told apart by; nothing else is ever stored."""

    PAGE = "page"
    PREVIOUS_PAGE = "previous_page"
    ENTRY_PAGE = "entry_page"
    EXIT_PAGE = "exit_page"
    SOURCE = "source"
    CHANNEL = "channel"
    REFERRER = "referrer"
    CAMPAIGN = "campaign"
    CAMPAIGN_SOURCE = "campaign_source"
    CAMPAIGN_MEDIUM = "campaign_medium"
    CAMPAIGN_CONTENT = "campaign_content"
    CAMPAIGN_TERM = "campaign_term"
    COUNTRY = "country"
    LANGUAGE = "language"
    SCREEN = "screen"
    DEVICE = "device"
    BROWSER = "browser"
    OS = "os"
    NETWORK = "network"
    DOOR = "door"
    REASON = "reason"


class Grain(StrEnum):
    """The length of a statistic's periods."""

    HOUR = "hour"
    DAY = "day"


class Basis(StrEnum):
    """On what ground a purpose is served."""

    EXEMPT = "exempt"
    CONSENT = "consent"


class ConsentMode(StrEnum):
    """What a site asks of its visitors before it counts them."""

    EXEMPT = "exempt"
    OPT_IN = "opt-in"
    OPT_OUT = "opt-out"


class VisitorAddress(StrEnum):
    """What part of the address goes into the visitor key."""

    FULL = "full"
    TRUNCATED = "truncated"


class Site(Struct, frozen=True):
    """One site that the policy covers."""

    domain: SiteId
    zone: ZoneInfo
    consent: ConsentMode


class Purpose(Struct, frozen=True):
    """What a statistic is kept for, and where the published policy permits it."""

    id: PurposeId
    title: str
    clause: str
    basis: Basis
    keep_days: int


class Statistic(Struct, frozen=True):
    """One declared statistic: a set of counters told apart by its dimensions."""

    name: str
    purpose: PurposeId
    by: tuple[Dimension, ...]
    grain: Grain
    min_group: int
    """Visitors that a cell must count to be shown on its own."""
    keep_days: int


class Policy(Struct, frozen=True):
    """A whole policy, checked: every purpose named by a statistic exists in it."""

    id: str
    version: str
    effective: str
    """ISO date, or empty when the policy gives none."""
    controller: str
    contact: str
    languages: tuple[str, ...]
    sites: dict[SiteId, Site]
    purposes: tuple[Purpose, ...]
    statistics: tuple[Statistic, ...]
    campaign_parameters: dict[Dimension, str]
    """Campaign dimension → the query parameter it is read from; no other is read."""
    visitor_address: VisitorAddress
