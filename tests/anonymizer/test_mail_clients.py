"""Agents of mail programs, proxies and scanners, each with what it counts as.

Where a string is from is told beside it: [list] the machine list or its tests, [seen] logs that
others published, [memory] written down without a source.
"""

import pytest

from anonymizer.agents import Agents
from anonymizer.hits import Door, Mail, RawHit, SiteId
from anonymizer.mail_clients import MailKind, read_mail_kind
from collector.reference import load_agents

K = MailKind
KIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
WIN = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"
DROID = "Mozilla/5.0 (Linux; Android 14; {}; wv)"
TRIDENT = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0E"

OPENED = [
    # Mail Privacy Protection, whichever machine the person has [list].
    ("Apple's privacy proxy", "Mozilla/5.0", K.APPLE_PRIVACY),
    ("Gmail proxy", f"{WIN} Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", K.GMAIL_PROXY),
    (
        "Gmail proxy, for Android's Gmail too",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        K.GMAIL_PROXY,
    ),
    (
        "Gmail prefetch",  # [list]
        f"{WIN} {BLINK} Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
        K.GMAIL_PREFETCH,
    ),
    (
        "Yahoo proxy",  # [list]
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        K.YAHOO_PROXY,
    ),
    ("Fastmail proxy", "FastmailUA/1.0 (+https://www.fastmail.com)", K.OTHER_PROXY),  # [memory]
    (
        "Seznam proxy",
        "Mozilla/5.0 (compatible; SeznamEmailProxy/2.0.87)",
        K.OTHER_PROXY,
    ),  # [memory]
    ("Apple Mail, iOS, without protection", f"{PHONE} {KIT} Mobile/15E148", K.PERSON),  # [memory]
    ("Apple Mail, macOS, without protection", f"{MAC} {KIT}", K.PERSON),  # [memory]
    (
        "Outlook 2010",  # [seen]
        f"{TRIDENT}; Microsoft Outlook 14.0.7162; ms-office; MSOffice 14)",
        K.PERSON,
    ),
    (
        "Outlook 2016",  # [seen]
        (
            "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 10.0; WOW64; Trident/7.0;"
            " Microsoft Outlook 16.0.11328; ms-office; MSOffice 16)"
        ),
        K.PERSON,
    ),
    ("Outlook 365", "Mozilla/4.0 (compatible; ms-office; MSOffice 16)", K.PERSON),  # [seen]
    (
        "new Outlook, Windows",  # [memory]
        f"{WIN} {BLINK} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0 OneOutlook/1.2024.619.100",
        K.PERSON,
    ),
    (
        "Outlook, iOS",  # [memory]
        f"{PHONE} {KIT} Mobile/15E148 Outlook-iOS/729.0.0",
        K.PERSON,
    ),
    (
        "Outlook, Android",  # [memory]
        (
            f"{DROID.format('Pixel 8')} {BLINK} Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36"
            " Outlook-Android/4.2424.1"
        ),
        K.PERSON,
    ),
    (
        "Thunderbird",  # [seen]
        "Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Thunderbird/102.8.0",
        K.PERSON,
    ),
    (
        "Samsung Mail",  # [memory]
        f"{DROID.format('SM-S918B')} {BLINK} Version/4.0 Chrome/125.0.0.0 Mobile Safari/537.36",
        K.PERSON,
    ),
    (
        "K-9",  # [memory]
        f"{DROID.format('Pixel 6a')} {BLINK} Version/4.0 Chrome/120.0.6099.43 Mobile Safari/537.36",
        K.PERSON,
    ),
    ("GMX and web.de", f"{WIN} {BLINK} Chrome/126.0.0.0 Safari/537.36", K.PERSON),  # [memory]
    (
        "Proton without its proxy",  # [memory]
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        K.PERSON,
    ),
    (
        "QQ Mail, iOS",  # [memory]
        f"{PHONE} {KIT} Mobile/15E148 QQMail/6.5.5",
        K.PERSON,
    ),
    (
        "NetEase Mail Master",  # [memory]
        (
            f"{DROID.format('V2227A')} {BLINK} Version/4.0 Chrome/101.0.4951.61 Mobile"
            " Safari/537.36 MailMaster_Android/7.17"
        ),
        K.PERSON,
    ),
    ("Barracuda", "Barracuda Sentinel (EE)", K.SCANNER),  # [seen]
    ("Barracuda, another", "Mozilla/5.0 (compatible; BarracudaSentinel/1.0)", K.SCANNER),  # [seen]
    ("Mimecast", "Mimecast Ltd", K.SCANNER),  # [seen]
    ("IronPort", "Cisco IronPort Email Security", K.SCANNER),  # [seen]
    ("Proofpoint", "Mozilla/5.0 (compatible; Proofpoint URL Defense)", K.SCANNER),  # [memory]
    ("Safe Links", f"{WIN} {BLINK} SafeLinks Chrome/126.0", K.SCANNER),  # [memory]
    ("Bing's preview", f"{WIN} {BLINK} Chrome/80.0.1 Safari/537.36 BingPreview/1.0b", K.SCANNER),
    ("Slack", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", K.SCANNER),
    ("curl", "curl/8.5.0", K.SCANNER),
    ("a browser that a program drives", f"{MAC} {BLINK} HeadlessChrome/120.0.0.0", K.SCANNER),
    ("nobody", "", K.SCANNER),
]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
OFFICE = "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"


@pytest.fixture(scope="module")
def agents() -> Agents:
    return load_agents()


def kind_of(
    agents: Agents, raw_agent: str, link: str = "", head: bool = False, prefetch: str = ""
) -> MailKind:
    raw = RawHit(
        door=Door.EMAIL,
        site=SiteId("example.org"),
        time=0,
        raw_address="192.0.2.1",
        raw_agent=raw_agent,
        raw_url="/",
        prefetch=(prefetch,) if prefetch else (),
    )
    return read_mail_kind(raw, Mail("spring", "", link, head), agents.read_agent(raw_agent))


@pytest.mark.parametrize(
    ("raw_agent", "kind"), [pytest.param(*rest, id=name) for name, *rest in OPENED]
)
def test_agent_that_opens_a_message_counts_as(
    agents: Agents, raw_agent: str, kind: MailKind
) -> None:
    assert kind_of(agents, raw_agent) is kind


@pytest.mark.parametrize(
    ("raw_agent", "told", "kind"),
    [
        pytest.param(FIREFOX, {}, K.PERSON, id="a browser"),
        pytest.param(FIREFOX, {"head": True}, K.SCANNER, id="a browser that wants no body"),
        pytest.param(FIREFOX, {"prefetch": "prefetch;prerender"}, K.PREFETCH, id="ahead of time"),
        pytest.param(FIREFOX, {"prefetch": "navigate"}, K.PERSON, id="another purpose"),
        pytest.param(OFFICE, {}, K.PREFETCH, id="Office, before the browser"),
        pytest.param("Mozilla/5.0", {}, K.APPLE_PRIVACY, id="the bare agent"),
        pytest.param("Mozilla/5.0", {"head": True}, K.SCANNER, id="the bare agent, no body"),
        pytest.param("curl/8.5.0", {}, K.SCANNER, id="a tool"),
    ],
)
def test_who_follows_a_link_counts_as(
    agents: Agents, raw_agent: str, told: dict[str, object], kind: MailKind
) -> None:
    head, prefetch = bool(told.get("head")), str(told.get("prefetch", ""))
    assert kind_of(agents, raw_agent, "1", head, prefetch) is kind


def test_table_holds_every_kind_and_fifteen_programs_of_persons() -> None:
    assert {kind for _, _, kind in OPENED} == set(MailKind) - {K.PREFETCH}
    assert sum(kind is K.PERSON for _, _, kind in OPENED) >= 15
