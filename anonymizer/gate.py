"""Whether a hit may be counted, and for which purposes.

Signals and the site's policy come in; purposes or one reason to refuse go out.
Every door passes here, server logs too. docs/reference/gate.md shows every combination.
"""

from anonymizer.consents import Told
from anonymizer.hits import DropReason
from anonymizer.policy import Basis, ConsentMode, Policy, PurposeId, Site
from anonymizer.signals import Signals

PAGE_VIEW = "pageview"
"""The one event that needs no declaration."""

_WITHOUT_CONSENT = {
    Told.VOID: DropReason.CONSENT_VOID,
    Told.NOTHING: DropReason.NO_CONSENT,
    Told.ANSWER: DropReason.CONSENT_REFUSED,
}


class Gate:
    """The gate under one policy."""

    def __init__(self, policy: Policy) -> None:
        every = self._every = frozenset(purpose.id for purpose in policy.purposes)
        exempt = frozenset(
            purpose.id for purpose in policy.purposes if purpose.basis is Basis.EXEMPT
        )
        # What a site serves of those who said nothing.
        self._events = frozenset({PAGE_VIEW, *policy.events})
        self._unasked = {
            ConsentMode.EXEMPT: exempt,
            ConsentMode.OPT_IN: frozenset[PurposeId](),
            ConsentMode.OPT_OUT: every,
        }

    def judge(self, event: str, signals: Signals, site: Site) -> frozenset[PurposeId] | DropReason:
        """Return the purposes that a hit may serve, never none, or why it is refused.

        The visitor's refusals come first, so that they are counted as such even for machines,
        and no consent outweighs them.
        """
        if signals.gpc:
            return DropReason.OPTED_OUT_GPC
        if signals.dnt:
            return DropReason.OPTED_OUT_DNT
        if signals.opted_out:
            return DropReason.OPTED_OUT
        if signals.consent.opted_out:
            return DropReason.OPTED_OUT_GPP
        if signals.child:
            return DropReason.CHILD
        if signals.consent.told is Told.UNREADABLE:
            return DropReason.UNREADABLE_SIGNAL
        if signals.prefetch:
            return DropReason.PREFETCH
        if signals.bot:
            return DropReason.BOT
        if signals.spam:
            return DropReason.REFERRER_SPAM
        if event not in self._events:
            return DropReason.UNDECLARED_EVENT
        return self._permitted(signals, site) or _WITHOUT_CONSENT[signals.consent.told]

    def _permitted(self, signals: Signals, site: Site) -> frozenset[PurposeId]:
        consent = signals.consent
        unasked = self._unasked[site.consent]
        if consent.told is not Told.ANSWER:
            return unasked
        # Who answered is asked for every purpose: what needs no consent may still be refused.
        return (self._every & consent.granted) | (unasked & consent.by_interest)
