from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from anonymizer.agents import Agent
from anonymizer.consents import UNTOLD, ConsentReader, Told
from anonymizer.hits import Door, RawConsent, RawHit, SiteId
from anonymizer.machines import Machine, MachineKind
from anonymizer.policy import ConsentMode, Site
from anonymizer.referrer_spam import SpamReferrers
from anonymizer.referrers import Sources, SpamHosts
from anonymizer.signals import Signals, read_signals
from tests.collector.hits import make_policy

SITE = Site(SiteId("example.org"), ZoneInfo("UTC"), ConsentMode.EXEMPT)
KIDS = replace(SITE, child_paths=("/kids",))
POLICY = make_policy()

BROWSER = Agent("desktop", "Firefox 128", "Linux")
BOT = Agent("other", "Other", "Other", Machine(MachineKind.CRAWLER, "Googlebot"))


def read(
    *,
    dnt: tuple[str, ...] = (),
    gpc: tuple[str, ...] = (),
    prefetch: tuple[str, ...] = (),
    agent: Agent = BROWSER,
    url: str = "/",
    site: Site = SITE,
    child: bool = False,
    opted_out: bool = False,
    consent: RawConsent | None = None,
) -> Signals:
    raw = RawHit(
        door=Door.EVENT,
        site=SiteId("example.org"),
        time=0,
        raw_address="192.0.2.1",
        raw_agent="",
        raw_url=url,
        dnt=dnt,
        gpc=gpc,
        prefetch=prefetch,
        opted_out=opted_out,
        child=child,
        consent=consent,
    )
    return read_signals(raw, agent, site, ConsentReader(POLICY, frozenset({"1"})))


@pytest.mark.parametrize(
    ("lines", "refuses"),
    [
        pytest.param((), False, id="absent"),
        pytest.param(("1",), True, id="one"),
        pytest.param(("0",), False, id="zero"),
        pytest.param(("1xyz",), True, id="extension after one"),
        pytest.param(("0xyz1",), False, id="one in the extension of zero"),
        pytest.param(("",), True, id="empty can't be read"),
        pytest.param(("yes",), True, id="word can't be read"),
        pytest.param(("2",), True, id="two can't be read"),
        pytest.param((" 1",), True, id="leading space"),
        pytest.param(("0", "1"), True, id="two lines, one refuses"),
        pytest.param(("0", "0"), False, id="two lines, none refuses"),
        pytest.param(("0, 1",), True, id="joined lines, one refuses"),
        pytest.param(("null",), True, id="script's null can't be read"),
        pytest.param(("0;x",), False, id="zero with an extension"),
    ],
)
def test_dnt_is_read_by_first_character_of_any_line(lines: tuple[str, ...], refuses: bool) -> None:
    assert read(dnt=lines).dnt is refuses


@pytest.mark.parametrize(
    ("lines", "refuses"),
    [
        pytest.param((), False, id="absent"),
        pytest.param(("1",), True, id="one"),
        pytest.param(("0",), False, id="zero"),
        pytest.param(("true",), False, id="true"),
        pytest.param(("1x",), False, id="no extension"),
        pytest.param(("11",), False, id="eleven"),
        pytest.param(("",), False, id="empty"),
        pytest.param(("1 ",), True, id="trailing space, which HTTP strips"),
        pytest.param(("1,1",), True, id="equal lines joined"),
        pytest.param(("0, 1",), True, id="joined lines, one refuses"),
        pytest.param(("0,0",), False, id="joined lines, none refuses"),
        pytest.param(("0", "1"), True, id="two lines, one refuses"),
        pytest.param(("0", "true"), False, id="two lines, none refuses"),
    ],
)
def test_gpc_is_exactly_one_in_any_line(lines: tuple[str, ...], refuses: bool) -> None:
    assert read(gpc=lines).gpc is refuses


@pytest.mark.parametrize(
    ("lines", "unseen"),
    [
        pytest.param((), False, id="absent"),
        pytest.param(("prefetch",), True, id="Sec-Purpose"),
        pytest.param(("prefetch;prerender",), True, id="Chrome prerender"),
        pytest.param(("prefetch;anonymous-client-ip",), True, id="with a parameter"),
        pytest.param(("Prefetch",), True, id="upper case"),
        pytest.param(("preview",), True, id="Safari top sites"),
        pytest.param(("instant",), True, id="omnibox"),
        pytest.param(("", "prefetch"), True, id="second header"),
        pytest.param(("",), False, id="empty"),
        pytest.param(("fetch",), False, id="plain fetch"),
    ],
)
def test_prefetch_is_read_from_purpose_headers(lines: tuple[str, ...], unseen: bool) -> None:
    assert read(prefetch=lines).prefetch is unseen


def test_bot_comes_from_agent() -> None:
    assert read(agent=BOT) == Signals(bot=True)
    assert read(agent=BROWSER) == Signals()


def test_referrer_spam_is_read_where_a_list_is_given() -> None:
    raw = RawHit(
        Door.EVENT, SITE.domain, 0, "192.0.2.1", "", "/", raw_referrer="https://spam.example/"
    )
    listed = SpamReferrers(SpamHosts(["spam.example"]), Sources([]))
    innocent = replace(raw, raw_referrer="https://blog.example/")

    assert read_signals(raw, BROWSER, SITE, ConsentReader(POLICY, frozenset({"1"})), listed).spam
    assert not read_signals(
        innocent, BROWSER, SITE, ConsentReader(POLICY, frozenset({"1"})), listed
    ).spam
    assert not read_signals(raw, BROWSER, SITE, ConsentReader(POLICY, frozenset({"1"}))).spam


def test_opt_out_cookie_is_a_signal() -> None:
    assert read(opted_out=True) == Signals(opted_out=True)


@pytest.mark.parametrize(
    ("site", "url", "told", "child"),
    [
        pytest.param(KIDS, "/", False, False, id="another page of a site with children's pages"),
        pytest.param(KIDS, "/kids", False, True, id="the page itself"),
        pytest.param(KIDS, "/kids/games?x=1#y", False, True, id="below it"),
        pytest.param(KIDS, "/kidskin-gloves", False, False, id="a word that begins alike"),
        pytest.param(KIDS, "//kids//games", False, True, id="doubled slashes"),
        pytest.param(KIDS, "/KIDS/games", False, True, id="upper case"),
        pytest.param(KIDS, "/%6bids/games", False, True, id="percent form"),
        pytest.param(KIDS, "/a/../kids/games", False, True, id="dot segments"),
        pytest.param(KIDS, "https://example.org/kids/", False, True, id="absolute"),
        pytest.param(SITE, "/kids", False, False, id="a site that declares none"),
        pytest.param(SITE, "/", True, True, id="the page says so"),
        pytest.param(replace(SITE, child_directed=True), "/", False, True, id="the whole site"),
        pytest.param(
            replace(KIDS, path_templates=("/:section/*",)), "/kids/a", False, True, id="template"
        ),
        pytest.param(
            replace(KIDS, path_templates=("/:section/*",)),
            "/press/a",
            False,
            False,
            id="another page of the same template",
        ),
        pytest.param(
            replace(KIDS, hash_routing=True), "/#/kids/a", False, True, id="page in the fragment"
        ),
        pytest.param(KIDS, "/#/kids/a", False, False, id="fragment that tells no page"),
        pytest.param(
            replace(SITE, child_paths=("/class/20260001",)),
            "/class/20260001/a",
            False,
            True,
            id="path with a number that is masked",
        ),
        pytest.param(
            replace(SITE, child_paths=("/für-kinder",)),
            "/f%C3%BCr-kinder/a",
            False,
            True,
            id="path with percent forms",
        ),
    ],
)
def test_child_is_read_from_site_page_and_hit(
    site: Site, url: str, told: bool, child: bool
) -> None:
    assert read(site=site, url=url, child=told).child is child


def test_consent_is_read_when_told() -> None:
    told = read(consent=RawConsent(own="1,audience")).consent

    assert told.told is Told.ANSWER
    assert told.granted == {"audience"}
    assert read().consent is UNTOLD
