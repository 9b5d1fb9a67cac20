"""Whether a hit may be counted, and for which purposes.

Signals and the site's policy come in; purposes or one reason to refuse go out.
Every door passes here, server logs too.
"""

from anonymizer.hits import DropReason, RawHit
from anonymizer.policy import Basis, ConsentMode, Policy, PurposeId, Site
from anonymizer.signals import Signals

PAGE_VIEW = "pageview"
"""The one event that needs no declaration."""


class Gate:
    """The gate under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._exempt = frozenset(
            purpose.id for purpose in policy.purposes if purpose.basis is Basis.EXEMPT
        )

    def judge(self, raw: RawHit, signals: Signals, site: Site) -> frozenset[PurposeId] | DropReason:
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
        return self._exempt or DropReason.NO_CONSENT
