from itertools import product
from zoneinfo import ZoneInfo

import pytest

from anonymizer.gate import Gate
from anonymizer.hits import Door, DropReason, RawHit, SiteId
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

SITE_ID = SiteId("example.org")
COUNTING = Purpose(PurposeId("counting"), "", "", Basis.EXEMPT, 30)
DIAGNOSIS = Purpose(PurposeId("diagnosis"), "", "", Basis.EXEMPT, 7)
MARKETING = Purpose(PurposeId("marketing"), "", "", Basis.CONSENT, 30)
QUIET = Signals(dnt=False, gpc=False, prefetch=False, bot=False)


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


def make_hit(door: Door = Door.EVENT, name: str = "pageview") -> RawHit:
    return RawHit(
        door=door,
        site=SITE_ID,
        time=0,
        raw_address="192.0.2.1",
        raw_agent="",
        raw_url="/",
        name=name,
    )


@pytest.mark.parametrize("door", list(Door))
@pytest.mark.parametrize(
    ("signals", "reason"),
    [
        pytest.param(Signals(True, False, False, False), DropReason.OPTED_OUT_DNT, id="dnt"),
        pytest.param(Signals(False, True, False, False), DropReason.OPTED_OUT_GPC, id="gpc"),
        pytest.param(Signals(False, False, True, False), DropReason.PREFETCH, id="prefetch"),
        pytest.param(Signals(False, False, False, True), DropReason.BOT, id="bot"),
        pytest.param(Signals(True, True, True, True), DropReason.OPTED_OUT_GPC, id="gpc first"),
        pytest.param(Signals(True, False, True, True), DropReason.OPTED_OUT_DNT, id="then dnt"),
        pytest.param(Signals(False, False, True, True), DropReason.PREFETCH, id="then prefetch"),
    ],
)
def test_signal_drops_hit_at_every_door(door: Door, signals: Signals, reason: DropReason) -> None:
    assert Gate(make_policy(COUNTING)).judge(make_hit(door), signals, make_site()) is reason


@pytest.mark.parametrize("consent", list(ConsentMode))
def test_no_consent_mode_overrides_a_refusal(consent: ConsentMode) -> None:
    for dnt, gpc in product((False, True), repeat=2):
        if dnt or gpc:
            signals = Signals(dnt, gpc, False, False)
            served = Gate(make_policy(COUNTING)).judge(make_hit(), signals, make_site(consent))
            assert isinstance(served, DropReason)


@pytest.mark.parametrize("door", list(Door))
def test_quiet_hit_serves_exempt_purposes_only(door: Door) -> None:
    policy = make_policy(COUNTING, MARKETING, DIAGNOSIS)
    assert Gate(policy).judge(make_hit(door), QUIET, make_site()) == frozenset(
        {COUNTING.id, DIAGNOSIS.id}
    )


def test_opt_out_site_counts_those_who_did_not_refuse() -> None:
    policy = make_policy(COUNTING)
    assert Gate(policy).judge(make_hit(), QUIET, make_site(ConsentMode.OPT_OUT)) == frozenset(
        {COUNTING.id}
    )


def test_opt_in_site_counts_nobody_without_consent() -> None:
    site = make_site(ConsentMode.OPT_IN)
    assert Gate(make_policy(COUNTING)).judge(make_hit(), QUIET, site) is DropReason.NO_CONSENT


def test_policy_without_exempt_purpose_counts_nobody() -> None:
    assert (
        Gate(make_policy(MARKETING)).judge(make_hit(), QUIET, make_site()) is DropReason.NO_CONSENT
    )


@pytest.mark.parametrize("name", ["signup", "", "PageView", "pageview "])
def test_undeclared_event_is_dropped(name: str) -> None:
    served = Gate(make_policy(COUNTING)).judge(make_hit(name=name), QUIET, make_site())
    assert served is DropReason.UNDECLARED_EVENT
