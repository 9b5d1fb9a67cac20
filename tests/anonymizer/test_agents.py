import gc
import sys

import pytest
import user_agents
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.agents import MAX_AGENT_CHARACTERS, OTHER, Agent, Agents
from anonymizer.machines import OTHER_FAMILY, Machine, MachineKind
from collector.access_log import NOT_LOGGED
from collector.reference import load_agents

WIN = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
LINUX = "Mozilla/5.0 (X11; Linux x86_64"
KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"
PAD = "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X)"
APP = "/3.1 CFNetwork/1410 Darwin/22.6.0"
DROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8)"

KNOWN = {
    f"{WIN} {KIT} Chrome/120.0.0.0 Safari/537.36": (Agent("desktop", "Chrome 120", "Windows 10")),
    f"{LINUX}; rv:128.0) Gecko/20100101 Firefox/128.0": (Agent("desktop", "Firefox 128", "Linux")),
    f"{MAC} {SAFARI} Version/17.4 Safari/605.1.15": (Agent("desktop", "Safari 17", "Mac OS X 10")),
    f"{WIN} {KIT} Chrome/124.0.0.0 Safari/537.36 Edg/124.0.0.0": (
        Agent("desktop", "Edge 124", "Windows 10")
    ),
    f"{PHONE} {SAFARI} Version/17.5 Mobile/15E148 Safari/604.1": (
        Agent("mobile", "Mobile Safari 17", "iOS 17")
    ),
    f"{PAD} {SAFARI} Version/16.6 Mobile/15E148 Safari/604.1": (
        Agent("tablet", "Mobile Safari 16", "iOS 16")
    ),
    f"{DROID} {KIT} Chrome/125.0.0.0 Mobile Safari/537.36": (
        Agent("mobile", "Chrome Mobile 125", "Android 14")
    ),
    f"Mozilla/5.0 (Linux; Android 12; SM-X906C) {KIT} Chrome/80.0.3987.119 Safari/537.36": (
        Agent("tablet", "Chrome 80", "Android 12")
    ),
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": (
        Agent("other", OTHER, OTHER, Machine(MachineKind.CRAWLER, "Googlebot"))
    ),
    "curl/8.5.0": Agent("other", OTHER, OTHER, Machine(MachineKind.TOOL, "curl")),
}

MORE = [
    f"{WIN} {KIT} Chrome/49.0.2623.112 Safari/537.36",
    f"{WIN} {KIT} Chrome/109.0.0.0 Safari/537.36 OPR/95.0.0.0",
    f"{WIN} {KIT} Chrome/120.0.0.0 Safari/537.36 Vivaldi/6.5.3206.39",
    f"{WIN} {KIT} Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
    f"{WIN} {KIT} Chrome/118.0.0.0 YaBrowser/23.11.0.0 Safari/537.36",
    f"{WIN} {KIT} HeadlessChrome/120.0.0.0 Safari/537.36",
    f"{WIN[:-1]}; rv:115.0) Gecko/20100101 Firefox/115.0",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.0; Trident/5.0)",
    "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)",
    "Mozilla/4.0 (compatible; MSIE 5.5; Windows 98)",
    "Mozilla/5.0 (Windows NT 6.2; ARM; Trident/7.0; Touch; rv:11.0) like Gecko",
    "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10",
    f"{MAC} {KIT} Chrome/122.0.0.0 Safari/537.36",
    f"{MAC[:-1]}; rv:109.0) Gecko/20100101 Firefox/119.0",
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.73.11 (KHTML, like Gecko) "
        "Version/7.0.1 Safari/537.73.11"
    ),
    f"{LINUX}) {KIT} Chrome/121.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/113.0",
    (
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/120.0.0.0 Safari/537.36"
    ),
    "Mozilla/5.0 (X11; FreeBSD amd64; rv:120.0) Gecko/20100101 Firefox/120.0",
    "Mozilla/5.0 (compatible; Konqueror/4.5; Linux) KHTML/4.5.4 (like Gecko)",
    "Links (2.8; Linux 3.12 x86_64; GNU C 4.8; text)",
    "Lynx/2.8.8pre.4 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/2.12.23",
    f"{PHONE} {SAFARI} CriOS/124.0.6367.88 Mobile/15E148 Safari/604.1",
    f"{PHONE} {SAFARI} FxiOS/126.0 Mobile/15E148 Safari/605.1.15",
    f"{PHONE} {SAFARI} Mobile/15E148 [FBAN/FBIOS;FBAV/460.0.0.40.107;FBDV/iPhone14,5]",
    f"{PHONE} {SAFARI} Mobile/15E148 Instagram 330.0.3.29.91 (iPhone14,5; iOS 17_5)",
    f"{PAD} {SAFARI} CriOS/120.0.6099.119 Mobile/15E148 Safari/604.1",
    (
        "Mozilla/5.0 (iPod; U; CPU iPhone OS 4_3_3 like Mac OS X; en-us) AppleWebKit/533.17.9 "
        "(KHTML, like Gecko) Version/5.0.2 Mobile/8J2 Safari/6533.18.5"
    ),
    f"{DROID} {KIT} SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36",
    f"{DROID} {KIT} Version/4.0 Chrome/125.0.0.0 Mobile Safari/537.36",
    f"{DROID} {KIT} Chrome/123.0.0.0 Mobile Safari/537.36 EdgA/123.0.0.0",
    f"{DROID} {KIT} Chrome/122.0.0.0 Mobile Safari/537.36 OPR/81.1.0.0",
    "Mozilla/5.0 (Android 13; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0",
    "Mozilla/5.0 (Android 13; Tablet; rv:126.0) Gecko/126.0 Firefox/126.0",
    (
        "Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; Galaxy S II Build/GRJ22) AppleWebKit/534.30 "
        "(KHTML, like Gecko) Version/4.0 Mobile Safari/534.30"
    ),
    (
        "Mozilla/5.0 (Linux; Android 9; KFMAWI) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Silk/108.4.6 like Chrome/108.0.5359.220 Safari/537.36"
    ),
    "Mozilla/5.0 (Mobile; rv:26.0) Gecko/26.0 Firefox/26.0",
    (
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; ARM; "
        "Touch; NOKIA; Lumia 920)"
    ),
    (
        "Mozilla/5.0 (BB10; Touch) AppleWebKit/537.10+ (KHTML, like Gecko) Version/10.0.9.2372 "
        "Mobile Safari/537.10+"
    ),
    "BlackBerry9700/5.0.0.862 Profile/MIDP-2.1 Configuration/CLDC-1.1 VendorID/331",
    (
        "Mozilla/5.0 (SymbianOS/9.4; Series60/5.0 NokiaN97-1/20.0.019) AppleWebKit/525 "
        "(KHTML, like Gecko) BrowserNG/7.1.18124"
    ),
    (
        "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/4.0 Chrome/76.0.3809.146 TV Safari/537.36"
    ),
    "Mozilla/5.0 (PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/606.4 (KHTML, like Gecko)",
    "Mozilla/5.0 (PlayStation Vita 3.61) AppleWebKit/537.73 (KHTML, like Gecko) Silk/3.2",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (compatible; MJ12bot/v1.4.8; http://mj12bot.com/)",
    (
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
        "+https://openai.com/gptbot)"
    ),
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Twitterbot/1.0",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "ia_archiver (+http://www.alexa.com/site/help/webmasters; crawler@alexa.com)",
    "Googlebot-Image/1.0",
    "AdsBot-Google (+http://www.google.com/adsbot.html)",
    "python-requests/2.31.0",
    "Wget/1.21.3",
    "Go-http-client/1.1",
    "Java/1.8.0_361",
    "Apache-HttpClient/4.5.13 (Java/11.0.18)",
    "Tiny Tiny RSS/1.11 (http://tt-rss.org/)",
    "UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; rv:102.0) Gecko/20100101 Thunderbird/102.15.1",
    "something else entirely",
]


@pytest.fixture(scope="module")
def agents() -> Agents:
    return load_agents()


@pytest.mark.parametrize(("raw_agent", "agent"), list(KNOWN.items()))
def test_agent_is_made_coarse(agents: Agents, raw_agent: str, agent: Agent) -> None:
    assert agents.read_agent(raw_agent) == agent


@pytest.mark.parametrize("raw_agent", [*KNOWN, *MORE])
def test_classes_of_people_are_those_of_user_agents(agents: Agents, raw_agent: str) -> None:
    agent, expected = agents.read_agent(raw_agent), user_agents.parse(raw_agent)
    if agent.machine:
        assert (agent.device, agent.browser, agent.os) == ("other", OTHER, OTHER)
        return
    assert not expected.is_bot
    classes = (
        ("tablet", expected.is_tablet),
        ("mobile", expected.is_mobile),
        ("desktop", expected.is_pc),
    )
    assert agent.device == next((name for name, fits in classes if fits), "other")
    for word, product in ((agent.browser, expected.browser), (agent.os, expected.os)):
        version = str(product.version[0]) if product.version else ""
        assert word in {f"{product.family} {version}".strip(), product.family}


def test_bot_that_names_itself_late_is_a_bot_all_the_same(agents: Agents) -> None:
    # user_agents looks at 100 characters.
    raw_agent = f"{LINUX}) {KIT} Chrome/32.0.1700.107 Safari/537.36 slurp"
    assert agents.read_agent(raw_agent).bot
    assert not agents.read_agent(raw_agent.removesuffix(" slurp")).bot


@pytest.mark.parametrize(
    ("kind", "bot"), [(kind, kind is not MachineKind.MAIL_PROXY) for kind in MachineKind]
)
def test_every_machine_but_a_mail_proxy_is_a_bot(kind: MachineKind, bot: bool) -> None:
    assert Agent("other", OTHER, OTHER, Machine(kind, "x")).bot is bot


def test_person_is_no_bot() -> None:
    assert not Agent("other", OTHER, OTHER).bot


@pytest.mark.parametrize("raw_agent", ["", " ", "\t"])
def test_empty_agent_is_a_machine_of_unknown_kind(agents: Agents, raw_agent: str) -> None:
    nameless = Machine(MachineKind.UNKNOWN, OTHER_FAMILY)
    assert agents.read_agent(raw_agent) == Agent("other", OTHER, OTHER, nameless)


def test_line_of_a_log_without_agents_is_a_person(agents: Agents) -> None:
    assert not agents.read_agent(NOT_LOGGED).bot


@pytest.mark.parametrize(
    ("raw_agent", "secret"),
    [
        pytest.param(f"{LINUX}) Gecko/1 Firefox/4917012345678.0", "49170", id="long version"),
        pytest.param("Mozilla/5.0 (Windows NT 10.0) john@mail.example/1.0", "john", id="e-mail"),
        pytest.param("john.q.public-bot/1.0 (+mailto:john@mail.example)", "mail.", id="bot"),
        pytest.param("for4917012345678bot/1.0", "49170", id="number in a family"),
        pytest.param(f"d41d8cd98f00b204{APP}", "d41d8", id="hex for a family"),
        pytest.param(f"ada@home{APP}", "ada", id="odd character in a family"),
    ],
)
def test_text_of_its_own_does_not_pass(agents: Agents, raw_agent: str, secret: str) -> None:
    agent = agents.read_agent(raw_agent)
    assert secret not in repr(agent)


def test_name_of_an_app_stays(agents: Agents) -> None:
    assert agents.read_agent(f"Podcasts and more{APP}").browser == "Podcasts and more 3"


@given(st.text(max_size=300))
def test_every_text_gives_short_printable_words(agents: Agents, text: str) -> None:
    agent = agents.read_agent(text)
    assert agent.device in {"desktop", "mobile", "tablet", "other"}
    for word in (agent.browser, agent.os):
        assert word.isprintable()
        assert 0 < len(word) <= 50


def test_agent_is_read_up_to_a_bound(agents: Agents) -> None:
    firefox = next(iter(KNOWN))
    padded = firefox + " " * (MAX_AGENT_CHARACTERS - len(firefox))
    assert agents.read_agent(padded + "Googlebot/2.1") == KNOWN[firefox]
    assert agents.read_agent(padded[:-13] + "Googlebot/2.1").bot


def test_cache_is_bounded_and_keeps_what_is_used() -> None:
    agents = load_agents(100)
    often = agents.read_agent("often")
    for number in range(1000):
        agents.read_agent(f"seldom {number}")
        assert agents.read_agent("often") is often
        assert len(agents) <= 100


def test_cache_does_not_hold_the_agent() -> None:
    agents = load_agents()
    raw_agent = f"{WIN} a sentinel of its own"  # made here, so that no constant holds it
    agents.read_agent(raw_agent)
    gc.collect()
    # The local name and getrefcount's own argument.
    assert sys.getrefcount(raw_agent) == 2
    assert raw_agent not in repr(agents.__dict__)
