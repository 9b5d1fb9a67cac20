"""The gate, walked whole: every combination of signals, consent, site mode and basis."""

from itertools import product
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from anonymizer.consents import UNTOLD, Consent, Told
from anonymizer.gate import Gate
from anonymizer.hits import DropReason, SiteId
from anonymizer.policy import (
    Basis,
    ConsentMode,
    Event,
    Policy,
    Purpose,
    PurposeId,
    Site,
    VisitorAddress,
)
from anonymizer.signals import Signals

SITE_ID = SiteId("example.org")
COUNTING = Purpose(PurposeId("counting"), "", "", Basis.EXEMPT, 30)
MARKETING = Purpose(PurposeId("marketing"), "", "", Basis.CONSENT, 30)
PURPOSES = (COUNTING, MARKETING)

# What a visitor may have said of one purpose, and where that purpose is then served.
UNASKED = {"nothing", "void"}
SERVED_WHEN = {
    (ConsentMode.EXEMPT, Basis.EXEMPT): UNASKED | {"consent", "interest"},
    (ConsentMode.EXEMPT, Basis.CONSENT): {"consent"},
    (ConsentMode.OPT_IN, Basis.EXEMPT): {"consent"},
    (ConsentMode.OPT_IN, Basis.CONSENT): {"consent"},
    (ConsentMode.OPT_OUT, Basis.EXEMPT): UNASKED | {"consent", "interest"},
    (ConsentMode.OPT_OUT, Basis.CONSENT): UNASKED | {"consent", "interest"},
}
WORDS_OF_ALL = ("nothing", "void", "unreadable")
WORDS_OF_ONE = ("consent", "interest", "refused")
# Each purpose may be answered differently; what is said of consent as a whole holds for both.
SAID = [
    *((word, word) for word in WORDS_OF_ALL),
    *product(WORDS_OF_ONE, repeat=2),
]


def make_site(consent: ConsentMode = ConsentMode.EXEMPT) -> Site:
    return Site(SITE_ID, ZoneInfo("UTC"), consent)


def make_policy(*purposes: Purpose) -> Policy:
    return Policy(
        id="p",
        version="1",
        effective="",
        controller="c",
        contact="c",
        languages=("en",),
        sites={},
        purposes=purposes,
        statistics=(),
        campaign_parameters={},
        visitor_address=VisitorAddress.FULL,
    )


def make_consent(said: tuple[str, str], *, opted_out: bool) -> Consent:
    told = {"nothing": Told.NOTHING, "void": Told.VOID, "unreadable": Told.UNREADABLE}
    answered = list(zip(PURPOSES, said, strict=True))
    return Consent(
        told.get(said[0], Told.ANSWER),
        frozenset(purpose.id for purpose, word in answered if word == "consent"),
        frozenset(purpose.id for purpose, word in answered if word in ("consent", "interest")),
        opted_out,
    )


def expected(
    signals: Signals, said: tuple[str, str], mode: ConsentMode, event: str
) -> frozenset[PurposeId] | DropReason:
    refusals = [
        (signals.gpc, DropReason.OPTED_OUT_GPC),
        (signals.dnt, DropReason.OPTED_OUT_DNT),
        (signals.opted_out, DropReason.OPTED_OUT),
        (signals.consent.opted_out, DropReason.OPTED_OUT_GPP),
        (signals.child, DropReason.CHILD),
        ("unreadable" in said, DropReason.UNREADABLE_SIGNAL),
        (signals.prefetch, DropReason.PREFETCH),
        (signals.bot, DropReason.BOT),
        (signals.spam, DropReason.REFERRER_SPAM),
        (event == "signup", DropReason.UNDECLARED_EVENT),
    ]
    for refuses, reason in refusals:
        if refuses:
            return reason
    served = frozenset(
        purpose.id
        for purpose, word in zip(PURPOSES, said, strict=True)
        if word in SERVED_WHEN[mode, purpose.basis]
    )
    reasons = {"nothing": DropReason.NO_CONSENT, "void": DropReason.CONSENT_VOID}
    return served or reasons.get(said[0], DropReason.CONSENT_REFUSED)


@pytest.mark.parametrize("mode", list(ConsentMode))
@pytest.mark.parametrize("said", SAID, ids=" and ".join)
def test_every_combination_is_judged_as_the_table_says(
    mode: ConsentMode, said: tuple[str, str]
) -> None:
    gate = Gate(make_policy(*PURPOSES))
    site = make_site(mode)
    for dnt, gpc, opted_out, gpp, child, prefetch, bot, spam in product((False, True), repeat=8):
        consent = make_consent(said, opted_out=gpp)
        signals = Signals(dnt, gpc, opted_out, child, prefetch, bot, spam, consent)
        for event in ("pageview", "signup"):
            assert gate.judge(event, signals, site) == expected(signals, said, mode, event)


@pytest.mark.parametrize("mode", list(ConsentMode))
@pytest.mark.parametrize("signal", ["dnt", "gpc", "opted_out"])
def test_no_consent_outweighs_a_refusal(mode: ConsentMode, signal: str) -> None:
    every = frozenset(purpose.id for purpose in PURPOSES)
    signals = Signals(**{signal: True}, consent=Consent(Told.ANSWER, every, every))

    assert isinstance(
        Gate(make_policy(*PURPOSES)).judge("pageview", signals, make_site(mode)), DropReason
    )


def test_purpose_that_the_policy_lost_is_not_served() -> None:
    consented = frozenset({PurposeId("profiling")})
    signals = Signals(consent=Consent(Told.ANSWER, consented, consented))

    served = Gate(make_policy(COUNTING)).judge("pageview", signals, make_site())

    assert served is DropReason.CONSENT_REFUSED


def test_policy_without_exempt_purpose_counts_nobody_unasked() -> None:
    served = Gate(make_policy(MARKETING)).judge("pageview", Signals(), make_site())

    assert served is DropReason.NO_CONSENT


def test_declared_event_is_judged_as_a_page_view() -> None:
    gate = Gate(structs.replace(make_policy(COUNTING), events={"signup": Event("signup")}))

    assert gate.judge("signup", Signals(), make_site()) == frozenset({COUNTING.id})
    assert gate.judge("pageview", Signals(), make_site()) == frozenset({COUNTING.id})
    assert gate.judge("Signup", Signals(), make_site()) is DropReason.UNDECLARED_EVENT
    assert gate.judge("signup", Signals(bot=True), make_site()) is DropReason.BOT


@pytest.mark.parametrize("name", ["signup", "", "PageView", "pageview "])
def test_undeclared_event_is_dropped(name: str) -> None:
    served = Gate(make_policy(COUNTING)).judge(name, Signals(consent=UNTOLD), make_site())

    assert served is DropReason.UNDECLARED_EVENT
