"""The page docs/reference/gate.md: what the gate says to every combination of signals.

Each cell is asked of `anonymizer.gate.Gate`; nothing in the table is written by hand.
"""

from collections.abc import Iterator
from itertools import product
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from anonymizer.consents import UNTOLD, Consent, Told
from anonymizer.gate import PAGE_VIEW, Gate
from anonymizer.hits import DropReason, SiteId
from anonymizer.policy import (
    Basis,
    ConsentMode,
    Policy,
    Purpose,
    PurposeId,
    Site,
    VisitorAddress,
)
from anonymizer.signals import Signals

PURPOSES = {basis: Purpose(PurposeId(basis.value), basis.value, "-", basis, 30) for basis in Basis}
_BOTH = frozenset(purpose.id for purpose in PURPOSES.values())

SAID: dict[str, Consent] = {
    "nothing": UNTOLD,
    "consent": Consent(Told.ANSWER, _BOTH, _BOTH),
    "no objection to a legitimate interest": Consent(Told.ANSWER, frozenset(), _BOTH),
    "refusal": Consent(Told.ANSWER),
    "consent to an older policy": Consent(Told.VOID),
}
"""What consent signals may say of a purpose, once they are read."""

REFUSALS: dict[str, Signals] = {
    "`Sec-GPC` is `1`": Signals(gpc=True),
    "`DNT` is there and does not begin with `0`": Signals(dnt=True),
    "the opt-out cookie is there": Signals(opted_out=True),
    "a GPP section holds an opt-out": Signals(consent=replace(UNTOLD, opted_out=True)),
    "the site, the page or a GPP section says child": Signals(child=True),
    "a consent signal can't be read": Signals(consent=Consent(Told.UNREADABLE)),
    "the page was loaded ahead": Signals(prefetch=True),
    "the user agent is a machine's": Signals(bot=True),
    "the referrer's host is on the list of referrer spam": Signals(spam=True),
}
"""What refuses a hit for every purpose, in the order in which the gate looks."""


def judge(signals: Signals, mode: ConsentMode, event: str = PAGE_VIEW) -> dict[Basis, str]:
    """Return what the gate says for a purpose of each basis: ``counts`` or the reason."""
    said = {}
    for basis, purpose in PURPOSES.items():
        # One purpose at a time, so that the reason shows.
        served = Gate(_policy(purpose)).judge(event, signals, _site(mode))
        said[basis] = f"`{served}`" if isinstance(served, DropReason) else "counts"
    return said


def gate_page(written_by: str) -> str:
    """Return the page."""
    return "\n".join((*_head(written_by), *_refusals(), "", *_consents(), ""))


def _head(written_by: str) -> Iterator[str]:
    yield from ("# The gate", "", written_by, "")
    yield "Every hit passes here, by whatever door it came. A hit may serve several purposes; each"
    yield "statistic counts it only when the hit may serve the statistic's purpose. A hit that may"
    yield "serve none leaves +1 in `coverage` under the reason given here, and nothing else."
    yield ""


def _refusals() -> Iterator[str]:
    yield "## What refuses every purpose"
    yield ""
    yield "In this order, whatever the site's `consent` mode is and whatever consent was given."
    yield ""
    yield "| signal | reason |"
    yield "|---|---|"
    for words, signals in REFUSALS.items():
        reasons = {
            said
            for mode, consent in product(ConsentMode, SAID.values())
            for said in judge(_with_consent(signals, consent), mode).values()
        }
        yield f"| {words} | {', '.join(sorted(reasons))} |"
    undeclared = judge(Signals(), ConsentMode.OPT_OUT, "undeclared")[Basis.EXEMPT]
    yield f"| the event is not declared | {undeclared} |"


def _consents() -> Iterator[str]:
    yield "## What consent decides"
    yield ""
    yield "For hits that none of the above refuses. The mode is the site's `consent`, the basis the"
    yield "purpose's. Where several signals speak, a purpose has consent when all of them give it."
    yield ""
    yield "| mode | basis | " + " | ".join(SAID) + " |"
    yield "|---|---|" + "---|" * len(SAID)
    for mode, basis in product(ConsentMode, Basis):
        said = [judge(Signals(consent=consent), mode)[basis] for consent in SAID.values()]
        yield f"| {mode} | {basis} | " + " | ".join(said) + " |"


def _with_consent(signals: Signals, consent: Consent) -> Signals:
    if signals.consent.told is Told.UNREADABLE:
        return signals
    return replace(signals, consent=replace(consent, opted_out=signals.consent.opted_out))


def _site(mode: ConsentMode) -> Site:
    return Site(SiteId("example.org"), ZoneInfo("UTC"), mode)


def _policy(purpose: Purpose) -> Policy:
    return Policy(
        id="gate",
        version="1",
        effective="",
        controller="none",
        contact="none",
        languages=("en",),
        sites={},
        purposes=(purpose,),
        statistics=(),
        campaign_parameters={},
        visitor_address=VisitorAddress.FULL,
    )
