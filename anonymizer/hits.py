"""The vocabulary of the way of a hit: one type per privacy state.

`RawHit` holds what a visitor's machine sent and is the only type with
identifiers in it (every such field starts with ``raw_``). `CleanHit` holds
coarse fields and an opaque visitor key. What `collector.counters` makes of it
holds integers and coarse words alone.
"""

from enum import StrEnum
from typing import NewType

from msgspec import Struct

SiteId = NewType("SiteId", str)
"""A site's domain as its policy writes it, in lower case."""

VisitorKey = NewType("VisitorKey", bytes)
"""16 bytes that stand for one visitor on one site and one local day; never stored."""

LocalSeconds = NewType("LocalSeconds", int)
"""A site's wall clock as seconds since 1970-01-01 00:00 on that same clock."""

UNKNOWN = "(unknown)"
"""Stands in a dimension whose value the hit did not tell."""

DIRECT = "(direct)"
"""The source of a visit that came from nowhere the browser would name."""

OTHER = "(other)"
"""Stands for values that are not told apart: too many of them, too few visitors, not declared."""

Scalar = str | int | float | bool
"""What a property of an event may hold as it comes in."""


class Door(StrEnum):
    """The way a hit came in."""

    EVENT = "event"
    PIXEL = "pixel"
    LOG = "log"
    EMAIL = "email"


class DropReason(StrEnum):
    """Why a hit was refused; the closed list that the `coverage` view shows."""

    OPTED_OUT_DNT = "opted_out_dnt"
    OPTED_OUT_GPC = "opted_out_gpc"
    OPTED_OUT = "opted_out"
    OPTED_OUT_GPP = "opted_out_gpp"
    CHILD = "child"
    UNREADABLE_SIGNAL = "unreadable_signal"
    CONSENT_REFUSED = "consent_refused"
    CONSENT_VOID = "consent_void"
    NO_CONSENT = "no_consent"
    PREFETCH = "prefetch"
    BOT = "bot"
    REFERRER_SPAM = "referrer_spam"
    UNDECLARED_EVENT = "undeclared_event"
    NOT_GET = "not_get"
    NOT_SUCCESSFUL = "not_successful"
    STATIC_FILE = "static_file"


class RawConsent(Struct, frozen=True, gc=False):
    """What was sent of a visitor's consent, unread; a field is None when it was not sent."""

    own: str | None = None
    """Discreet's own: ``no``, or a policy version and purposes such as ``3,audience,campaigns``."""
    gdpr: str | None = None
    raw_tc: str | None = None
    """An IAB TC string."""
    raw_gpp: str | None = None
    """An IAB GPP string."""
    analytics_storage: str | None = None
    """Google Consent Mode's word for it; whatever isn't ``granted`` refuses."""


class Mail(Struct, frozen=True, gc=False):
    """What is asked for at the e-mail door: a campaign's picture, or one of its links."""

    campaign: str
    """As the operator registered it, and so are `variant` and `link`."""
    variant: str = ""
    link: str = ""
    """The link's number; empty for the picture."""
    head: bool = False
    """Whether no body was asked for."""
    recipient: bool = False
    """Whether it came with the token of a recipient who agreed to be measured."""
    first: bool = False
    """Whether that token's message was not opened before."""


class RawHit(Struct, frozen=True, gc=False):
    """A hit as received. Identifiers exist here and nowhere after `deidentify`."""

    door: Door
    site: SiteId
    time: int
    """Unix seconds at which the hit happened."""
    raw_address: str
    raw_agent: str
    raw_url: str
    """Absolute URL, or a path that starts with a slash."""
    raw_referrer: str = ""
    raw_languages: str = ""
    """The Accept-Language header."""
    raw_time_zone: str = ""
    """IANA zone name as the browser tells it."""
    name: str = "pageview"
    """Event name; read against the policy, never stored when undeclared."""
    screen_width: int = 0
    """CSS pixels; 0 when untold."""
    dnt: tuple[str, ...] = ()
    """Every DNT header line, in order."""
    gpc: tuple[str, ...] = ()
    """Every Sec-GPC header line, in order."""
    prefetch: tuple[str, ...] = ()
    """Every Sec-Purpose, Purpose, X-Purpose and X-Moz header line, in order."""
    opted_out: bool = False
    """Whether the opt-out cookie came with it."""
    child: bool = False
    """Whether the page says that it is for a child."""
    consent: RawConsent | None = None
    """None when nothing was said of consent."""
    raw_properties: tuple[tuple[str, Scalar], ...] = ()
    """What was sent beside an event, unread: names and values as the page chose them."""
    mail: Mail | None = None
    """None at every door but that of e-mail."""
    interactive: bool = True
    """False when the page says that nobody did it."""
    engaged_ms: int = 0
    """How long the page was looked at, as an engagement hit tells it."""


class Campaign(Struct, frozen=True, gc=False):
    """The campaign parameters that the policy declares; empty where untold."""

    name: str = ""
    source: str = ""
    medium: str = ""
    content: str = ""
    term: str = ""


class CleanHit(Struct, frozen=True, gc=False):
    """A hit after `deidentify`: coarse fields and an opaque visitor key."""

    door: Door
    site: SiteId
    time: int
    """Unix seconds; used to order a visit, never stored."""
    local: LocalSeconds
    page: str
    source: str
    channel: str
    referrer: str
    """The referrer's host without ``www.``; empty when there is none or it is the site itself."""
    campaign: Campaign
    country: str
    """ISO 3166-1 alpha-2, or `UNKNOWN`."""
    language: str
    """ISO 639 primary tag, or `UNKNOWN`."""
    screen: str
    """Screen class, or `UNKNOWN`."""
    device: str
    browser: str
    """Family and major version, such as ``Firefox 128``."""
    os: str
    """Family and major version, such as ``Windows 10``."""
    network: str
    """The truncated address with its prefix length, such as ``192.0.2.0/24``."""
    visitor: VisitorKey
    visitor_before: VisitorKey | None = None
    """The same visitor under the previous day's salt, within the grace after midnight."""
    event: str = ""
    """The declared event's name; empty for a page view."""
    properties: tuple[tuple[str, str], ...] = ()
    """The event's declared properties that came with it, each with the word it counts as."""
    masks: tuple[str, ...] = ()
    """The kind of each identifier that was masked in the page and in text properties."""
    goals: tuple[str, ...] = ()
    """The goals that it reaches and the patterns of funnels that its page fits."""
    interactive: bool = True
    """False for an event that is none of the visitor's doing."""
    engaged_ms: int = 0
    """How long the page was looked at, of an engagement hit."""
    reached: tuple[tuple[str, str], ...] = ()
    """The event's properties of rising bounds, each with each bound that its number reaches."""
    grid: tuple[tuple[str, str, int], ...] = ()
    """Its properties of a grid, each with each cell and how often something happened there."""


class CleanMail(Struct, frozen=True, gc=False):
    """A hit at the e-mail door without identifiers: registered words, and an opaque visitor key."""

    door: Door
    site: SiteId
    time: int
    """Unix seconds; tells what came at once, never stored."""
    local: LocalSeconds
    mail: Mail
    kind: str
    """Who it is of, a word of `anonymizer.mail_clients`."""
    country: str
    """As of a `CleanHit`; where the counters lie may depend on it."""
    visitor: VisitorKey
