from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from anonymizer.agents import Agent
from anonymizer.deidentify import DaySalts, Tables, coarsen_width, deidentify, read_language
from anonymizer.hits import (
    DIRECT,
    UNKNOWN,
    Campaign,
    CleanHit,
    Door,
    LocalSeconds,
    RawHit,
    SiteId,
)
from anonymizer.policy import (
    ConsentMode,
    Dimension,
    Event,
    Policy,
    Property,
    Site,
    VisitorAddress,
)
from anonymizer.referrers import Sources
from anonymizer.urls import BadUrl
from anonymizer.visitor_key import keyed_hash, visitor_key
from collector.reference import load_agents

AGENTS = load_agents()
FIREFOX = Agent("desktop", "Firefox 128", "Linux")
RAW_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SALT, EARLIER = keyed_hash(bytes(32)), keyed_hash(bytes(range(32)))
SITE = Site(SiteId("example.org"), ZoneInfo("Europe/Berlin"), ConsentMode.EXEMPT)
POLICY = Policy(
    id="p",
    version="1",
    effective="",
    controller="c",
    contact="c",
    languages=("en",),
    sites={SITE.domain: SITE},
    purposes=(),
    statistics=(),
    campaign_parameters={
        Dimension.CAMPAIGN: "utm_campaign",
        Dimension.CAMPAIGN_SOURCE: "utm_source",
        Dimension.CAMPAIGN_MEDIUM: "utm_medium",
    },
    visitor_address=VisitorAddress.FULL,
)
TABLES = Tables(
    Sources([("search", "Google", "google.*")]), {"Europe/Berlin": "DE", "Asia/Calcutta": "IN"}
)
HIT = RawHit(
    door=Door.PIXEL,
    site=SITE.domain,
    time=1_700_000_000,
    raw_address="192.0.2.77",
    raw_agent=RAW_AGENT,
    raw_url="https://u:p@example.org/a/john@mail.example/?utm_campaign=spring&token=t0k3n#frag",
    raw_referrer="https://www.google.de/search?q=john",
    raw_languages="de-AT,de;q=0.9",
    raw_time_zone="Europe/Berlin",
    screen_width=1280,
)


def clean(
    raw: RawHit,
    tables: Tables = TABLES,
    *,
    before: bool = False,
    site: Site = SITE,
    agent: Agent = FIREFOX,
    policy: Policy = POLICY,
) -> CleanHit:
    salts = DaySalts(SALT, EARLIER if before else None)
    return deidentify(raw, agent, LocalSeconds(123), site, policy, salts, tables)


def texts_of(hit: CleanHit) -> list[str]:
    """Return every text in `hit`, of the campaign too."""
    fields = msgspec.structs.asdict(hit)
    values = [*fields.values(), *msgspec.structs.astuple(hit.campaign)]
    return [value for value in values if isinstance(value, str)]


def test_every_field_is_made_coarse() -> None:
    key = visitor_key(SALT, SITE.domain, HIT.raw_address, RAW_AGENT, VisitorAddress.FULL)
    assert clean(HIT) == CleanHit(
        door=Door.PIXEL,
        site=SITE.domain,
        time=1_700_000_000,
        local=LocalSeconds(123),
        page="/a/:email",
        source="Google",
        channel="search",
        referrer="google.de",
        campaign=Campaign(name="spring"),
        country="DE",
        language="de",
        screen="laptop",
        device="desktop",
        browser="Firefox 128",
        os="Linux",
        network="192.0.2.0/24",
        visitor=key,
        visitor_before=None,
        masks=("email",),
    )


def test_bare_hit_says_so_in_every_field() -> None:
    bare = RawHit(
        door=Door.LOG, site=SITE.domain, time=0, raw_address="", raw_agent="", raw_url="/"
    )
    hit = clean(bare)
    assert (hit.page, hit.source, hit.channel, hit.referrer) == ("/", DIRECT, "direct", "")
    assert (hit.country, hit.language, hit.screen, hit.network) == (UNKNOWN,) * 4
    assert hit.campaign == Campaign()


def test_page_view_has_no_event_and_no_properties() -> None:
    assert (clean(HIT).event, clean(HIT).properties) == ("", ())


def test_declared_event_comes_with_its_declared_properties() -> None:
    plan, query = Property("plan", values=("pro",)), Property("query", text=True)
    policy = replace(POLICY, events={"signup": Event("signup", (plan, query))})
    told = (("plan", "pro"), ("query", "ask ada@mail.example"), ("token", "t0k3n"))
    hit = clean(replace(HIT, name="signup", raw_properties=told), policy=policy)
    assert (hit.event, hit.properties) == ("signup", (("plan", "pro"), ("query", "ask :email")))
    assert hit.masks == ("email", "email")  # one of the page, one of the text
    other = clean(replace(HIT, name="login", raw_properties=told), policy=policy)
    assert (other.event, other.properties) == ("", ())


def test_click_id_makes_the_channel_paid() -> None:
    url = "https://example.org/?gclid=t0k3n"
    assert clean(replace(HIT, raw_url=url)).channel == "paid"


def test_app_that_the_sources_name_is_the_source() -> None:
    tables = Tables(Sources([("email", "Mail", "org.example.mail")]), {})
    hit = clean(replace(HIT, raw_referrer="android-app://org.example.mail/"), tables)
    assert (hit.source, hit.channel, hit.referrer) == ("Mail", "email", "org.example.mail")


def test_path_is_read_on_the_domain_of_the_site() -> None:
    raw = replace(HIT, raw_url="/a", raw_referrer="https://example.org/b")
    assert (clean(raw).page, clean(raw).source) == ("/a", DIRECT)


@pytest.mark.parametrize(
    ("rules", "raw_url", "page"),
    [
        pytest.param({}, "/User/Jane/#/a", "/User/Jane", id="none"),
        pytest.param({"lower_case_paths": True}, "/User/Jane", "/user/jane", id="lower case"),
        pytest.param({"path_templates": ("/User/:id",)}, "/User/Jane", "/User/:id", id="template"),
        pytest.param({"hash_routing": True}, "/User/#/a", "/a", id="fragment"),
    ],
)
def test_page_is_read_by_the_rules_of_its_site(
    rules: dict[str, object], raw_url: str, page: str
) -> None:
    tables = Tables(Sources([]), {})
    assert clean(replace(HIT, raw_url=raw_url), tables, site=replace(SITE, **rules)).page == page
    # What is remembered of another site's pages is not taken for this one's.
    elsewhere = Site(SiteId("example.com"), SITE.zone, SITE.consent)
    there = clean(replace(HIT, raw_url=raw_url), tables, site=elsewhere)
    assert there.page == raw_url.partition("#")[0].rstrip("/")


def test_page_read_lately_is_remembered() -> None:
    tables = Tables(Sources([]), {})
    one, other = clean(HIT, tables), clean(HIT, tables)
    assert one.campaign is other.campaign
    assert len(tables.pages) == 1


@pytest.mark.parametrize(
    ("raw_address", "network"), [("192.0.2.77", "192.0.0.0/16"), ("2001:db8:1::7", "2001:db8::/32")]
)
def test_network_is_as_wide_as_the_policy_says(raw_address: str, network: str) -> None:
    wide = replace(POLICY, v4_bits=16, v6_bits=32, visitor_address=VisitorAddress.TRUNCATED)
    raw = replace(HIT, raw_address=raw_address)
    assert clean(raw, policy=wide).network == network
    assert clean(raw, policy=wide).visitor == visitor_key(
        SALT, SITE.domain, raw_address, RAW_AGENT, VisitorAddress.TRUNCATED, 16, 32
    )


def test_own_page_as_referrer_is_no_source() -> None:
    raw = msgspec.structs.replace(HIT, raw_referrer="https://www.example.org/before")
    assert (clean(raw).referrer, clean(raw).source) == ("", DIRECT)


def test_earlier_salt_gives_a_second_key() -> None:
    hit = clean(HIT, before=True)
    assert hit.visitor == clean(HIT).visitor
    assert hit.visitor_before == visitor_key(
        EARLIER, SITE.domain, HIT.raw_address, RAW_AGENT, VisitorAddress.FULL
    )
    assert hit.visitor_before != hit.visitor


def test_country_is_looked_up_for_the_network_only() -> None:
    asked: list[str] = []

    def country_of_network(network: str) -> str | None:
        asked.append(network)
        return "AT"

    tables = Tables(TABLES.sources, TABLES.zones, country_of_network)
    without_zone = msgspec.structs.replace(HIT, raw_time_zone="Etc/Unheard-of")
    assert clean(without_zone, tables).country == "AT"
    assert asked == ["192.0.2.0/24"]
    assert clean(HIT, tables).country == "DE"
    assert clean(msgspec.structs.replace(without_zone, raw_address="?"), tables).country == UNKNOWN
    assert asked == ["192.0.2.0/24"]


@pytest.mark.parametrize("answer", [None, "", "Austria", "??"])
def test_answer_that_is_no_country_is_unknown(answer: str | None) -> None:
    tables = Tables(TABLES.sources, {}, lambda _network: answer)
    assert clean(HIT, tables).country == UNKNOWN


def test_bad_url_stops_the_hit() -> None:
    with pytest.raises(BadUrl):
        clean(msgspec.structs.replace(HIT, raw_url="javascript:1"))


@pytest.mark.parametrize(
    ("raw_languages", "language"),
    [
        ("", UNKNOWN),
        ("de", "de"),
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("EN-us", "en"),
        ("gsw-CH", "gsw"),
        ("zh-Hant-TW;q=0.9", "zh"),
        ("en;q=0.5,fr;q=0.9,de;q=0.9", "fr"),
        ("en;q=0.9,de;q=1", "de"),
        ("en;q=1.5,de;q=0.1", "de"),
        ("en;level=1,de;q=0.9", "en"),
        ("en;q=1,de;level=1", "en"),
        ("en;q=0.5=1,de;q=0.3", "de"),
        ("cree,de;q=0.1", "de"),
        ("en;q=0.5,fr", "fr"),
        ("en;q=0,fr;q=0.1", "fr"),
        ("en;q=0", UNKNOWN),
        ("*", UNKNOWN),
        ("*,de;q=0.5", "de"),
        ("en;q=x,de;q=0.1", "de"),
        ("en;q=nan,de;q=0.1", "de"),
        ("en;q=9,de;q=0.1", "de"),
        ("english", UNKNOWN),
        ("x", UNKNOWN),
        ("d1,12", UNKNOWN),
        (" , ;;, fr ", "fr"),
        ("日本", UNKNOWN),
        ("x," * 10_000 + "de", UNKNOWN),
    ],
)
def test_language_is_the_most_wanted_primary_tag(raw_languages: str, language: str) -> None:
    assert read_language(raw_languages) == language


@pytest.mark.parametrize(
    ("css_pixels", "screen"),
    [
        (-5, UNKNOWN),
        (0, UNKNOWN),
        (1, "phone"),
        (575, "phone"),
        (576, "tablet"),
        (991, "tablet"),
        (992, "laptop"),
        (1439, "laptop"),
        (1440, "desktop"),
        (10**9, "desktop"),
    ],
)
def test_width_tells_the_screen_class(css_pixels: int, screen: str) -> None:
    assert coarsen_width(css_pixels) == screen


# A network's first address is what the network is named by.
addresses = st.ip_addresses().map(str).filter(lambda a: not a.endswith((".0", "::")))
words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=12)


@given(addresses, words)
def test_no_field_holds_what_came_in(raw_address: str, word: str) -> None:
    secret = f"{word}Q7"
    raw = msgspec.structs.replace(
        HIT,
        raw_address=raw_address,
        raw_agent=f"{RAW_AGENT} {secret}",
        raw_url=f"https://{secret}:{secret}@example.org/{raw_address}/{secret}%40mail.example/"
        f"?utm_source={secret}@mail.example&utm_medium={raw_address}&x={secret}#{secret}",
        raw_referrer=f"https://{secret}@[{raw_address}]/{secret}?{secret}#{secret}"
        if ":" in raw_address
        else f"https://{secret}@{raw_address}/{secret}?{secret}#{secret}",
        raw_languages=f"{secret},de;q=0.5",
        raw_time_zone=f"Europe/{secret}",
    )
    found = clean(raw, before=True, agent=AGENTS.read_agent(raw.raw_agent))
    for text in texts_of(found):
        assert secret.lower() not in text.lower()
        assert raw_address not in text
    assert len(found.visitor) == len(found.visitor_before or b"") == 16


@given(addresses, words)
def test_hit_is_the_same_under_one_salt_and_another_elsewhere(
    raw_address: str, raw_agent: str
) -> None:
    raw = msgspec.structs.replace(HIT, raw_address=raw_address, raw_agent=raw_agent)
    elsewhere = SiteId("example.com")
    there = msgspec.structs.replace(raw, site=elsewhere)
    other_site = Site(elsewhere, SITE.zone, SITE.consent)
    assert clean(raw) == clean(raw)
    assert clean(raw).visitor != clean(there, site=other_site).visitor
    assert clean(raw).visitor != clean(raw, before=True).visitor_before
