"""Whether a hit may be counted, and for which purposes.

Signals and the site's policy come in; purposes or one reason to refuse go out.
Every door passes here, server logs too.
"""

from anonymizer.hits import DropReason, RawHit
from anonymizer.policy import Basis, ConsentMode, Policy, Purpose, PurposeId, Site
from anonymizer.signals import Signals

PAGE_VIEW = "pageview"
"""The one event that needs no declaration."""

# Keyed by identity because hashing a policy's purposes costs more than making the set; an entry
# holds its purposes, so that their id cannot pass to others while it stands.
_by_purposes: dict[int, tuple[tuple[Purpose, ...], frozenset[PurposeId]]] = {}
_MAX_POLICIES = 16


def gate(
    raw: RawHit, signals: Signals, site: Site, policy: Policy
) -> frozenset[PurposeId] | DropReason:
    """Return the purposes that `raw` may serve, never none, or the reason why it is refused.

    A refusal by signal comes first, so that it is counted as such even for machines.
    """
    if signals.gpc:
        return DropReason.OPTED_OUT_GPC
    if signals.dnt:
        return DropReason.OPTED_OUT_DNT
    if signals.prefetch:
        return DropReason.PREFETCH
    if signals.bot:
        return DropReason.BOT
    if raw.name != PAGE_VIEW:
        return DropReason.UNDECLARED_EVENT
    # A hit carries no consent yet, so a site that asks for it first serves nothing.
    if site.consent is ConsentMode.OPT_IN:
        return DropReason.NO_CONSENT
    return _exempt_purposes(policy.purposes) or DropReason.NO_CONSENT


def _exempt_purposes(purposes: tuple[Purpose, ...]) -> frozenset[PurposeId]:
    known = _by_purposes.get(id(purposes))
    if known is not None:
        return known[1]
    if len(_by_purposes) >= _MAX_POLICIES:
        _by_purposes.clear()
    served = frozenset(purpose.id for purpose in purposes if purpose.basis is Basis.EXEMPT)
    _by_purposes[id(purposes)] = (purposes, served)
    return served
