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
DEFAULT_MAX_VALUES = 10_000
DEFAULT_TEXT_VALUES = 200

ENGAGEMENT = "engagement"
"""The event that tells how long a page was looked at, and how far down."""
DEPTH = "depth"
"""Its one property: how far down, in percent."""


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
    EVENT = "event"
    PROPERTY = "property"
    VALUE = "value"
    BOT_KIND = "bot_kind"
    BOT = "bot"
    MASK = "mask"
    GOAL = "goal"
    FUNNEL = "funnel"
    STEP = "step"
    VARIANT = "variant"
    MAIL_KIND = "mail_kind"
    LINK = "link"


MACHINE_DIMENSIONS = frozenset({Dimension.BOT_KIND, Dimension.BOT})
PROPERTY_DIMENSIONS = frozenset({Dimension.EVENT, Dimension.PROPERTY, Dimension.VALUE})
FUNNEL_DIMENSIONS = frozenset({Dimension.FUNNEL, Dimension.STEP})
MAIL_DIMENSIONS = frozenset({Dimension.VARIANT, Dimension.MAIL_KIND, Dimension.LINK})


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


class Property(Struct, frozen=True):
    """What may come with an event, and which words it may become: one of five ways."""

    name: str
    values: tuple[str, ...] = ()
    """The only words told apart."""
    steps: tuple[int, ...] = ()
    """Rising bounds; a number counts as the step that it lies in."""
    reached: tuple[int, ...] = ()
    """Rising bounds; a number counts once per view of a page under each that it reaches."""
    grid: tuple[int, ...] = ()
    """Columns and rows; what happened in a cell counts under ``column.row``."""
    text: bool = False
    """Whether it is free text, counted without what identifies."""
    max_values: int = DEFAULT_TEXT_VALUES
    """How many different free texts are told apart on a site's day."""


class Event(Struct, frozen=True):
    """Something that visitors do besides viewing pages."""

    name: str
    properties: tuple[Property, ...] = ()
    interactive: bool = True
    """Whether a visitor did it: such an event ends a bounce and prolongs the visit."""


class Goal(Struct, frozen=True):
    """What visitors are hoped to come to: a page, or an event."""

    name: str
    event: str = ""
    property: str = ""
    """The event's property that must hold `value`; empty when any such event will do."""
    value: str = ""
    page: str = ""
    """A pattern such as ``/order/*/done``, where there is no event."""
    site: SiteId = SiteId("")
    """The one site on which it is reached; empty for every site."""


class Funnel(Struct, frozen=True):
    """Steps that a visit takes in their order, whatever else it does in between."""

    name: str
    steps: tuple[str, ...]
    """Each the name of a goal, or a page's pattern, which starts with a slash."""
    site: SiteId = SiteId("")
    """The one site on which it is counted; empty for every site."""


class Site(Struct, frozen=True):
    """One site that the policy covers."""

    domain: SiteId
    zone: ZoneInfo
    consent: ConsentMode
    jurisdiction: str = ""
    """Under whose law its visitors' consent is asked, as a receipt names it."""
    child_directed: bool = False
    child_paths: tuple[str, ...] = ()
    """Path beginnings, such as ``/kids``, of pages that are meant for children."""
    lower_case_paths: bool = False
    """Whether its server takes ``/About`` and ``/about`` for the same page."""
    path_templates: tuple[str, ...] = ()
    """Such as ``/user/:id/*``; the first that fits a path stands for it."""
    hash_routing: bool = False
    """Whether ``#/a`` tells a page."""


class Region(Struct, frozen=True):
    """Where the counters of some sites, or of visitors in some countries, lie apart from others."""

    name: str
    store: str
    """The ClickHouse server's address, without a password."""
    stored_in: tuple[str, ...]
    """The countries where they lie."""
    sites: tuple[SiteId, ...] = ()
    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2, of visitors of sites that no region names."""


class Purpose(Struct, frozen=True):
    """What a statistic is kept for, and where the published policy permits it."""

    id: PurposeId
    title: str
    clause: str
    basis: Basis
    keep_days: int
    tcf: tuple[int, ...] = (9,)
    """The IAB TCF purposes that a consent string must all permit; none: it can permit nothing."""
    titles: dict[str, str] = {}
    """The title in other languages, by language tag."""


class Statistic(Struct, frozen=True):
    """One declared statistic: a set of counters told apart by its dimensions."""

    name: str
    purpose: PurposeId
    by: tuple[Dimension, ...]
    grain: Grain
    min_group: int
    """Visitors that a cell must count to be shown on its own."""
    keep_days: int
    event: str = ""
    """The one event that is counted; empty when views are, or whatever `by` tells of."""
    property: str = ""
    """The one property of `event` that is counted."""

    def dimensions(self) -> tuple[Dimension, ...]:
        """Return all that its rows tell: what it is held to, then what it is told apart by."""
        held = (Dimension.EVENT,) if self.event else ()
        return (*held, *((Dimension.PROPERTY,) if self.property else ()), *self.by)


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
    v4_bits: int = 24
    """How many leading bits of an IPv4 address are kept, wherever it is truncated."""
    v6_bits: int = 48
    """The same of an IPv6 address."""
    tcf_vendor: int | None = None
    """The controller's id on IAB's vendor list; without one the publisher's segment decides."""
    address: str = ""
    """The controller's postal address."""
    representative: str = ""
    """GDPR Art. 27, where the controller has one."""
    protection_officer: str = ""
    """The data protection officer or department, with how to reach them."""
    authority: str = ""
    """The authority to complain to."""
    high_risk: bool = False
    """Whether an impact assessment found a high risk."""
    stored_in: tuple[str, ...] = ()
    """The countries where the counters lie."""
    recipients: tuple[str, ...] = ()
    """Who else is given counters."""
    regions: dict[str, Region] = {}
    """What lies apart, by the region's name."""
    events: dict[str, Event] = {}
    """Everything that is counted besides page views, by name."""
    max_values: int = DEFAULT_MAX_VALUES
    """How many values of a dimension that come from outside are told apart on a site's day."""
    tag_modules: tuple[str, ...] = ()
    """The tag's modules on pages that name none of their own."""
    goals: dict[str, Goal] = {}
    """What visitors are hoped to come to, by name."""
    funnels: dict[str, Funnel] = {}
    """Ways on which they come there, by name."""
