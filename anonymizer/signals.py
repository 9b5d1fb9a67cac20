"""What a hit says about its visitor's wishes.

A `RawHit`, its agent and its site come in; `Signals` goes out. A malformed value
never weighs less than a well-formed refusal.
"""

from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from anonymizer.agents import Agent
from anonymizer.consents import UNTOLD, Consent, ConsentReader
from anonymizer.deidentify import path_rules
from anonymizer.hits import RawHit, SiteId
from anonymizer.paths import PathRules
from anonymizer.policy import Site
from anonymizer.referrer_spam import SpamReferrers
from anonymizer.urls import read_page

# Sec-Purpose: prefetch, prefetch;prerender (Fetch); Purpose and X-Purpose: prefetch, preview,
# instant (Safari, older Chrome); X-Moz: prefetch (older Firefox).
_UNSEEN_LOADS = ("prefetch", "prerender", "preview", "instant")


class Signals(Struct, frozen=True, gc=False):
    """What the gate needs to know of one hit."""

    dnt: bool = False
    gpc: bool = False
    opted_out: bool = False
    child: bool = False
    prefetch: bool = False
    bot: bool = False
    spam: bool = False
    consent: Consent = UNTOLD


def read_signals(
    raw: RawHit,
    agent: Agent,
    site: Site,
    consents: ConsentReader,
    spam: SpamReferrers | None = None,
) -> Signals:
    """Read the refusals, the consent and the machine marks of `raw`.

    Without `spam` no referrer is taken for it. Raises BadUrl when the site has pages for
    children and the hit's URL tells no page.
    """
    consent = UNTOLD if raw.consent is None else consents.read(raw.consent)
    return Signals(
        bool(raw.dnt) and refuses_tracking(raw.dnt),
        bool(raw.gpc) and refuses_sale(raw.gpc),
        raw.opted_out,
        site.child_directed
        or raw.child
        or consent.child
        or (bool(site.child_paths) and _is_for_children(raw.raw_url, site)),
        bool(raw.prefetch) and was_unseen(raw.prefetch),
        agent.bot,
        spam is not None and bool(raw.raw_referrer) and spam.names(raw.raw_referrer),
        consent,
    )


def refuses_tracking(lines: tuple[str, ...]) -> bool:
    """Tell whether these DNT header lines refuse."""
    # W3C TPE section 5: only the first character counts. Its grammar allows no comma in an
    # extension, so a comma means lines that a proxy joined. What begins with neither 0 nor 1 is
    # outside the grammar and can't be read as a permission.
    return not all(member.strip().startswith("0") for line in lines for member in line.split(","))


def refuses_sale(lines: tuple[str, ...]) -> bool:
    """Tell whether these Sec-GPC header lines refuse."""
    # GPC: any line that is exactly "1" counts, and no other value does. The specification is
    # silent on lines joined by a proxy ("0,1"); each member is read as the line it was.
    return any(member.strip() == "1" for line in lines for member in line.split(","))


def was_unseen(lines: tuple[str, ...]) -> bool:
    """Tell whether these header lines say that nobody sees what is loaded."""
    return any(word in line.lower() for line in lines for word in _UNSEEN_LOADS)


def _is_for_children(raw_url: str, site: Site) -> bool:
    # Read as it is counted, so that no other spelling of the path gets past; but not by the
    # templates, which may put one name in the place of many.
    rules = replace(path_rules(site), templates=())
    page = f"{read_page(raw_url, site.domain, rules, {}).page}/".lower()
    return page.startswith(_child_starts(site.domain, rules, site.child_paths))


@lru_cache(256)
def _child_starts(
    domain: SiteId, rules: PathRules, child_paths: tuple[str, ...]
) -> tuple[str, ...]:
    pages = (read_page(path, domain, rules, {}).page for path in child_paths)
    return tuple(f"{page.rstrip('/')}/".lower() for page in pages)
