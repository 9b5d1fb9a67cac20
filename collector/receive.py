"""Receive: turn bytes, headers and a peer address into raw hits.

What can't be read becomes one `BadRequest` that names the field and repeats
nothing of what was sent.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from anonymizer.gate import PAGE_VIEW
from anonymizer.hits import Door, RawConsent, RawHit, Scalar, SiteId
from anonymizer.policy import DEPTH, ENGAGEMENT, Site
from collector.sender import Sender

MAX_BODY_BYTES = 512 * 1024  # 100 hits of a 4 kB URL each, with room
MAX_HITS = 100
MAX_URL_CHARACTERS = 4_096
MAX_NAME_CHARACTERS = 120  # as in Plausible's public event API
MAX_PROPERTIES = 30  # as there
MAX_ENGAGED_MS = 30 * 60 * 1_000  # nobody reads longer without a view, as VISIT_IDLE_SECONDS has it
_NO_DEPTH = 255  # what Plausible's trackers send where a page can't be scrolled
_MAX_REFERRER_CHARACTERS = 2_000  # only the host is read; what follows may be cut
_MAX_ZONE_CHARACTERS = 64  # the longest name in the tz database has 32


class BadRequest(Exception):
    """A request that can't be read: HTTP status, the field at fault, and what is wanted there."""

    def __init__(self, field: str, wanted: str, status: int = 400) -> None:
        super().__init__(f"{field}: {wanted}")
        self.field = field
        self.wanted = wanted
        self.status = status


_NOTHING = msgspec.Raw()


class _Event(Struct, gc=False):
    """The event API's keys, short and long; a key that stands twice is read in its short form."""

    n: str | None = None
    u: str | None = None
    d: str | None = None
    r: str | None = None
    w: int | float | None = None
    tz: str | None = None
    c: str | None = None
    cm: str | None = None
    k: bool | int | str | None = None
    gdpr: int | str | None = None
    gdpr_consent: str | None = None
    gpp: str | None = None
    gcs: str | None = None
    consent: str | None = None
    analytics_storage: str | None = None
    child: bool | int | str | None = None
    version: str | int | float | None = None
    purposes: str | list[str] | None = None
    i: bool | int | None = None
    interactive: bool | int | None = None
    e: int | float | None = None
    sd: int | float | None = None
    p: msgspec.Raw = _NOTHING
    props: msgspec.Raw = _NOTHING
    m: msgspec.Raw = _NOTHING
    name: str | None = None
    url: str | None = None
    domain: str | None = None
    referrer: str | None = None


_LONG_NAMES = {
    "n": "name",
    "u": "url",
    "d": "domain",
    "r": "referrer",
    "c": "consent",
    "cm": "analytics_storage",
    "k": "child",
    "i": "interactive",
}
_WANTED = {
    "w": "must be a number",
    "k": "must be true, false or text",
    "child": "must be true, false or text",
    "version": "must be text or a number",
    "purposes": "must be text or a list of texts",
    "i": "must be true or false",
    "interactive": "must be true or false",
    "e": "must be a number of milliseconds",
    "sd": "must be a number of percent",
    "gdpr": "must be 0 or 1",
}
_decode_one = msgspec.json.Decoder(_Event).decode
_decode_several = msgspec.json.Decoder(list[_Event]).decode
_decode_properties = msgspec.json.Decoder(dict[str, object] | str).decode
_PATH = re.compile(
    r"`\$(?:\[(?P<position>\.\.\.|\d+)\])?(?:\.(?P<key>[a-z_]+))?(?:\[(?:\.\.\.|\d+)\])?`"
)
_GRANTED_GCS = re.compile(r"G1[01-]1")
_NOTHING_TOLD = (None,) * 5
_OfEvent = tuple[tuple[tuple[str, Scalar], ...], None, bool, int]
_OF_A_VIEW: _OfEvent = ((), None, True, 0)
_CONTRADICTION = "?"
"""Stands for a signal that no reader takes for a permission."""


def receive_events(
    body: bytes, sender: Sender, time: int, sites: Mapping[SiteId, Site]
) -> list[RawHit]:
    """Read the event API's body: one JSON object or an array of up to `MAX_HITS`.

    Raises:
        BadRequest: something in the body can't be read; then no hit of it is taken.
    """
    several = body.lstrip()[:1] == b"["
    try:
        events = _decode_several(body) if several else [_decode_one(body)]
    except msgspec.ValidationError as error:
        raise _wrong_type(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("body", "must be JSON in UTF-8") from None
    if not 1 <= len(events) <= MAX_HITS:
        raise BadRequest("body", f"must hold 1 to {MAX_HITS} hits")
    return [
        _read_event(event, f"[{position}]." if several else "", sender, time, sites)
        for position, event in enumerate(events)
    ]


def receive_pixel(query: bytes, sender: Sender, time: int, sites: Mapping[SiteId, Site]) -> RawHit:
    """Read the pixel's query: `d` site, `u` page (else the Referer header), `r` referrer.

    Raises:
        BadRequest: a parameter is missing or can't be read.
    """
    try:
        values = parse_qs(
            query.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="strict"
        )
    except ValueError:
        raise BadRequest("query", "must be percent-encoded UTF-8, 50 parameters at most") from None
    event = _Event(
        n="pageview",
        d=_only(values, "d", "domain"),
        u=_only(values, "u", "url") or sender.raw_referer or None,
        r=_only(values, "r", "referrer"),
        c=_told(values, "c", "consent"),
        cm=_told(values, "cm", "analytics_storage"),
        k=_told(values, "k", "child") not in (None, "0", "false"),
        gdpr=_told(values, "gdpr"),
        gdpr_consent=_told(values, "gdpr_consent"),
        gpp=_told(values, "gpp"),
        gcs=_told(values, "gcs"),
    )
    return _read_event(event, "", sender, time, sites, door=Door.PIXEL)


def _only(values: Mapping[str, Sequence[str]], short: str, long: str) -> str | None:
    return next(filter(None, (*values.get(short, ()), *values.get(long, ()))), None)


def _told(values: Mapping[str, Sequence[str]], *names: str) -> str | None:
    """Return a signal's value; one that is said twice in two ways is none that can be read."""
    found = {value for name in names for value in values.get(name, ())}
    return found.pop() if len(found) == 1 else _CONTRADICTION if found else None


def _read_consent(event: _Event) -> RawConsent | None:
    own = _first_told(event.c, event.consent)
    if event.purposes is not None:
        own = _first_told(own, _as_own(event.version, event.purposes))
    storage = _first_told(event.cm, event.analytics_storage)
    if storage is None and event.gcs is not None:
        # G1 and a digit each for advertising and analytics; 1 is granted.
        storage = "granted" if _GRANTED_GCS.fullmatch(event.gcs) else "denied"
    told = (own, event.gdpr, event.gdpr_consent, event.gpp, storage)
    if told == _NOTHING_TOLD:
        return None
    gdpr = None if event.gdpr is None else str(event.gdpr)
    return RawConsent(own, gdpr, event.gdpr_consent, event.gpp, storage)


def _as_own(version: float | str | None, purposes: str | list[str]) -> str:
    """Write what `window.discreet.told` holds as `RawConsent.own` has it."""
    granted = purposes if isinstance(purposes, str) else ",".join(purposes)
    return f"{'' if version is None else version},{granted}"


def _first_told(short: str | None, long: str | None) -> str | None:
    if short is None or long is None or short == long:
        return long if short is None else short
    return _CONTRADICTION


def _read_event(
    event: _Event,
    at: str,
    sender: Sender,
    time: int,
    sites: Mapping[SiteId, Site],
    door: Door = Door.EVENT,
) -> RawHit:
    name = event.n or event.name
    raw_url = event.u or event.url
    domain = event.d or event.domain
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise BadRequest(f"{at}name (n)", f"must be text of 1 to {MAX_NAME_CHARACTERS} characters")
    if not domain:
        raise BadRequest(f"{at}domain (d)", "must be the domain of a site")
    if not raw_url or len(raw_url) > MAX_URL_CHARACTERS:
        raise BadRequest(f"{at}url (u)", f"must be text of 1 to {MAX_URL_CHARACTERS} characters")
    site = SiteId(domain.lower())
    if site not in sites:
        raise BadRequest(f"{at}domain (d)", "is no site of this collector")
    width = event.w or 0
    # By position, in the order of the fields: keywords cost 0.4 µs more per hit.
    return RawHit(
        door,
        site,
        time,
        sender.raw_address,
        sender.raw_agent,
        raw_url,
        (event.r or event.referrer or "")[:_MAX_REFERRER_CHARACTERS],
        sender.raw_languages,
        (event.tz or "")[:_MAX_ZONE_CHARACTERS],
        name,
        int(width) if 0 < width < 100_000 else 0,
        sender.dnt,
        sender.gpc,
        sender.prefetch,
        sender.opted_out,
        (event.k is not None or event.child is not None) and _is_child(event),
        _read_consent(event),
        *(_OF_A_VIEW if name == PAGE_VIEW else _read_of_event(name, event)),
    )


def _is_child(event: _Event) -> bool:
    # An attribute without a value, such as data-child, comes as the empty text.
    return any(told not in (None, 0, "0", "false") for told in (event.k, event.child))


def _read_of_event(name: str, event: _Event) -> _OfEvent:
    """Return what `RawHit` has from `raw_properties` on, for what is no page view."""
    interactive = 0 not in (event.i, event.interactive)  # nor False, which equals it
    if name != ENGAGEMENT:
        properties = _read_properties(event.p or event.props or event.m)
        return (properties, None, interactive, 0)
    # Trackers send the view's own properties with it, which were never read.
    depth = () if event.sd is None or not 0 <= event.sd < _NO_DEPTH else ((DEPTH, event.sd),)
    engaged = min(max(event.e or 0, 0), MAX_ENGAGED_MS)
    return (depth, None, interactive, int(engaged))


def _read_properties(written: msgspec.Raw) -> tuple[tuple[str, Scalar], ...]:
    """Return the first properties that hold one value; written is an object, or JSON text of it.

    What is neither holds no property: no policy could have declared it.
    """
    if not written:
        return ()
    try:
        found = _decode_properties(written)
        if isinstance(found, str):
            found = _decode_properties(found)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ()
    if isinstance(found, str):
        return ()
    return tuple(
        (name, value)
        for name, value in islice(found.items(), MAX_PROPERTIES)
        if isinstance(value, Scalar)
    )


def _wrong_type(message: str) -> BadRequest:
    """Name the field from msgspec's message, which holds paths and types but no values."""
    found = _PATH.search(message)
    key = found["key"] if found else None
    if key is None:
        return BadRequest("body", "must be a JSON object or an array of them")
    long_name = _LONG_NAMES.get(key)
    field = f"{long_name} ({key})" if long_name else key
    at = f"[{found['position']}]." if found and found["position"] else ""
    return BadRequest(f"{at}{field}", _WANTED.get(key, "must be text"))
