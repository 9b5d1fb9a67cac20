"""Make anonymizer/data/machines.tsv from a list of crawlers' agents and the rows below.

Usage: python -m tools.refresh_machines crawler-user-agents.json [--people FILE]

The JSON is that of github.com/monperrus/crawler-user-agents (MIT); its package on PyPI holds it.
FILE holds agents of people, one a line. Agents that the list gives and the table doesn't know, and
people that it takes for machines, are printed, and nothing is written.
"""

import argparse
import re
import sys
from pathlib import Path

from msgspec import Struct, json

from anonymizer.machines import OTHER_FAMILY, Machine, MachineKind, Machines

OUT = Path(__file__).parent.parent / "anonymizer" / "data" / "machines.tsv"

KINDS = {
    "academic": MachineKind.CRAWLER,
    "advertising": MachineKind.CRAWLER,
    "archiver": MachineKind.CRAWLER,
    "browser-automation": MachineKind.HEADLESS,
    "feed-reader": MachineKind.CRAWLER,
    "http-library": MachineKind.TOOL,
    "monitoring": MachineKind.MONITORING,
    "scanner": MachineKind.CRAWLER,
    "search-engine": MachineKind.CRAWLER,
    "seo": MachineKind.CRAWLER,
    "social-preview": MachineKind.PREVIEW,
}
AI = "ai-crawler"
"""The tag that counts before any other that an entry has."""

# What uses a tool or a browser without a window and gives a name of its own is known by that name.
LAST = (MachineKind.HEADLESS, MachineKind.TOOL)

# These match browsers and apps of people.
LEFT_OUT = frozenset(
    {
        r"AP3A\.240617\.008",  # a build of Android 15
        "Butterfly",  # below; a telephone
        r"Code\/1\.",  # an editor's window
        "Fluid",  # a browser of one site
        "MetaIAB Facebook",  # Facebook's browser
        "NewsBlur",  # below; an app too
        "Podimo",  # below; an app too
        "Sonic",  # below; screens of ViewSonic
        "Sogou",  # below; a browser too
    }
)

# Names that can't be read from a pattern, and the usual way of writing some.
FAMILIES = {
    r"(^| )PTST\/": "PTST",
    r"(^| )sentry\/": "Sentry",
    "(sistrix|SISTRIX) [cC]rawler": "SISTRIX Crawler",
    "007ac9 Crawler": "SISTRIX Crawler",
    ";Owler": "Owler",
    "Slurp": "Yahoo Slurp",
    "WeSEE:Search": "WeSEE",
    "Y!J": "Yahoo Japan",
    r"collection@infegy\.com": "Infegy",
    r"developers\.google\.com\/\+\/web\/snippet": "Google snippet",
    r"https:\/\/developers\.cloudflare\.com\/security-center\/": "Cloudflare Security Center",
    r"loc\.gov\/programs\/web-archiving": "Library Of Congress Web Archiving",
    r"pinterest\.com\/bot": "Pinterestbot",
    r"scraping@nytimes\.com": "New York Times Newsgathering",
    r"yandex\.com\/bots": "YandexBot",
}

# Before the list: what it has under another kind, writes too narrowly, or has not.
OWN = (
    # https://support.google.com/mail/answer/145919; help.yahoo.com/kb/SLN28749.html
    ("mail_proxy", "GoogleImageProxy", r"\bGoogleImageProxy\b"),
    ("mail_proxy", "YahooMailProxy", r"\bYahooMailProxy\b"),
    ("mail_proxy", "FastmailUA", r"^FastmailUA/"),
    ("mail_proxy", "Rambler", r"^RamblerMail/\S+ \(incompatible; ImageProxy/"),
    ("mail_proxy", "Seznam", r"\bSeznamEmailProxy/"),
    ("mail_proxy", "Ukr.net", r"\bmail\.ukr\.net proxy\b"),
    ("mail_proxy", "Shortwave", r"^Shortwave Image Fetcher\b"),
    # Apple's Mail Privacy Protection loads a message's images when it comes in, Gmail while the
    # inbox is open.
    ("mail_prefetch", "Apple Mail", r"^Mozilla/5\.0$"),
    (
        "mail_prefetch",
        "Gmail",
        r" Chrome/42\.0\.2311\.135 Safari/537\.36 Edge/12\.246 Mozilla/5\.0$",
    ),
    ("ai_crawler", "aiHitBot", r"\baiHitBot\b"),
    ("ai_crawler", "Amazonbot", r"\bAmazonbot\b"),
    ("ai_crawler", "Andibot", r"\bAndibot\b"),
    ("ai_crawler", "Applebot", r"\bApplebot\b"),
    ("ai_crawler", "bedrockbot", r"\bbedrockbot\b"),
    ("ai_crawler", "Character-AI", r"\bCharacter-AI\b"),
    ("ai_crawler", "ClaudeBot", r"(?i)\bclaudebot\b|\bAnthropic-Claude\b"),
    ("ai_crawler", "Claude-Web", r"(?i)\bclaude-web\b"),
    ("ai_crawler", "Cohere-Command", r"\bCohere-Command\b"),
    ("ai_crawler", "Cotoyogi", r"\bCotoyogi\b"),
    ("ai_crawler", "DeepSeekBot", r"(?i)\bdeepseekbot\b"),
    ("ai_crawler", "Diffbot", r"\bDiffbot\b"),
    ("ai_crawler", "Google-Agent", r"\bGoogle-Agent\b"),
    ("ai_crawler", "Google-NotebookLM", r"\bGoogle-(NotebookLM|GeminiNotebook)\b"),
    ("ai_crawler", "GoogleOther", r"\bGoogleOther\b"),
    ("ai_crawler", "ImagesiftBot", r"\bImagesiftBot\b"),
    ("ai_crawler", "Kimi", r"\bKimi(Bot|-SearchBot|-User)\b"),
    ("ai_crawler", "LinerBot", r"\bLinerBot\b"),
    ("ai_crawler", "Manus-User", r"\bManus-User\b"),
    ("ai_crawler", "meta-externalfetcher", r"\bmeta-externalfetcher\b"),
    ("ai_crawler", "meta-externalagent", r"\bmeta-externalagent\b"),
    ("ai_crawler", "MistralAI-Index", r"\bMistralAI-Index\b"),
    ("ai_crawler", "NovaAct", r"\bNova ?Act\b"),
    ("ai_crawler", "omgili", r"\bomgili(bot)?\b"),
    ("ai_crawler", "PanguBot", r"\bPanguBot\b"),
    ("ai_crawler", "PerplexityBot", r"\bPerplexityBot\b"),
    ("ai_crawler", "Perplexity-User", r"\bPerplexity-?User\b"),
    ("ai_crawler", "PetalBot", r"\bPetalBot\b"),
    ("ai_crawler", "SBIntuitionsBot", r"\bSBIntuitionsBot\b"),
    ("ai_crawler", "Timpibot", r"\bTimpibot\b"),
    ("ai_crawler", "Webzio", r"(?i)\bwebzio\b"),
    ("ai_crawler", "xAI-Bot", r"\bxAI-Bot\b"),
    ("ai_crawler", "YouBot", r"\bYouBot\b"),
    ("preview", "KakaoTalk", r"\bkakaotalk-scrap\b"),
    ("preview", "LINE", r"\bline-poker\b"),
    ("preview", "Bluesky", r"\bBluesky Cardyb\b"),
    ("preview", "Rocket.Chat", r"^Rocket\.Chat/"),
    ("preview", "Zulip", r"\bZulipURLPreview\b"),
    ("monitoring", "Amazon Route 53", r"\bAmazon-Route53-Health-Check-Service\b"),
    ("monitoring", "Catchpoint", r"\bCatchpoint\b"),
    ("monitoring", "Consul", r"^Consul Health Check\b"),
    ("monitoring", "Dotcom-Monitor", r"\bDMBrowser\b"),
    ("monitoring", "ELB-HealthChecker", r"^ELB-HealthChecker/"),
    ("monitoring", "GoogleHC", r"^GoogleHC/"),
    ("monitoring", "kube-probe", r"^kube-probe/"),
    ("monitoring", "Prometheus", r"^Prometheus/"),
    ("monitoring", "StatusCake", r"\bStatusCake\b"),
    ("crawler", "360Spider", r"\b360Spider\b"),
    ("crawler", "Butterfly", r"\bcompatible; Butterfly/"),
    ("crawler", "Google Favicon", r"(?i)\bgoogle favicon\b"),
    ("crawler", "Googlebot", r"\bGooglebot\b"),
    ("crawler", "NewsBlur", r"^NewsBlur .*Fetcher\b"),
    ("crawler", "Podimo", r"^Podimo/\S+ \(\+"),
    ("crawler", "RankSonic", r"\bRankSonic"),
    ("crawler", "Sonic", r"\bcompatible; Sonic/"),
    ("crawler", "Sogou", r"(?i)\bsogou( \w+)? ?spider\b"),
    ("crawler", "Spinn3r", r"\bSpinn3r\b"),
    ("crawler", "YandexBot", r"\bYandexBot\b"),
    ("crawler", "Yahoo Slurp", r"(?i)\bslurp\b"),
    ("headless", "Cypress", r"\bCypress/"),
    ("headless", "HtmlUnit", r"\bHtmlUnit\b"),
    ("headless", "jsdom", r"\bjsdom/"),
    ("headless", "Lightpanda", r"\bLightpanda/"),
    ("headless", "Nightmare", r"\bNightmare/"),
    ("headless", "Puppeteer", r"(?i)\bpuppeteer\b"),
    ("headless", "SlimerJS", r"\bSlimerJS\b"),
    ("headless", "wkhtmltopdf", r"\bwkhtmlto(pdf|image)\b"),
    ("tool", "ApacheBench", r"^ApacheBench/"),
    ("tool", "Apache HttpClient", r"\bApache-Http(Async)?Client\b"),
    ("tool", "Apache JMeter", r"\bJMeter\b"),
    ("tool", "aria2", r"^aria2/"),
    ("tool", "Artillery", r"^Artillery\b"),
    ("tool", "Bun", r"^Bun/"),
    ("tool", "curl", r"(?i)^(lib)?curl\b"),
    ("tool", "Dart", r"^Dart/.*\(dart:io\)"),
    ("tool", "Deno", r"^Deno/"),
    ("tool", "Faraday", r"^Faraday\b"),
    ("tool", "fasthttp", r"^fasthttp\b"),
    ("tool", "FeedParser", r"\bUniversalFeedParser/|^feedparser/"),
    ("tool", "got", r"^got(/| \()"),
    ("tool", "Guzzle", r"\bGuzzle(Http)?/"),
    ("tool", "hey", r"^hey/"),
    ("tool", "http.rb", r"\bhttp\.rb/"),
    ("tool", "insomnia", r"^insomnia/"),
    ("tool", "Jakarta HttpClient", r"\bJakarta Commons-HttpClient/"),
    ("tool", "Java", r"^Java(-http-client)?/"),
    ("tool", "k6", r"^(Grafana )?k6/"),
    ("tool", "lftp", r"^lftp/"),
    ("tool", "libwww-perl", r"\b(libwww-perl|LWP::Simple)\b"),
    ("tool", "Node.js", r"^(node|undici|node-superagent/.*)$"),
    ("tool", "okhttp", r"^okhttp/"),
    ("tool", "Postman", r"^PostmanRuntime/"),
    ("tool", "PowerShell", r"\b(Windows)?PowerShell/"),
    ("tool", "PycURL", r"\bPycURL/"),
    ("tool", "Python", r"^Python(/| |-)"),
    ("tool", "ReactorNetty", r"^ReactorNetty/"),
    ("tool", "reqwest", r"^reqwest/"),
    ("tool", "rest-client", r"\brest-client/"),
    ("tool", "Ruby", r"^Ruby$"),
    ("tool", "Siege", r"(?i)\bsiege/"),
    ("tool", "Typhoeus", r"^Typhoeus\b"),
    ("tool", "ureq", r"^ureq/"),
    ("tool", "urlgrabber", r"^urlgrabber/"),
    ("tool", "Vegeta", r"^Vegeta\b"),
    ("tool", "Wget", r"(?i)\bwget/"),
    ("tool", "WinHTTP", r"\bWinHttp(\.WinHttpRequest\b|$)"),
    ("tool", "xh", r"^xh/"),
    # What only machines say of themselves, whoever they are: 0 of 34,505 agents of browsers in the
    # fixtures of the package device-detector 6.5.1 have one of these marks.
    ("monitoring", "other", r"(?i)\b\w*(monitor(ing)?|prober?|synthetics?|uptime)\b"),
    ("preview", "other", r"(?i)preview\b"),
    ("crawler", "other", r"[a-z]Bots?\b|(?i:[_-]bots?\b|bots?/|^\w*bot( \(|$)|^robots?$)"),
    ("crawler", "other", r"(?i)crawl|harvest|scrap(er|ing)\b|scan(ner|ning)?\b"),
    ("crawler", "other", r"(?i)[a-z]spider\b|spider[/);]"),
    ("crawler", "other", r"(?i)(check(er|ing)?|fetch(er)?|grabber|inspect(or|ion)?|recon)\b"),
    ("crawler", "other", r"(?i)(finder|lookup|parser|validator)\b|audit|research|survey"),
    ("crawler", "other", r"\bGoogle-[A-Z]|(?i:cloudflare)|jndi:"),
    ("crawler", "other", r"\+ ?(https?://|www\.)"),
    ("crawler", "other", r"\(compatible; [A-Za-z][\w .-]*/?v?[\d.]*;? ?\+?https?://"),
    ("crawler", "other", r"^[A-Za-z][\w-]*/v?[\d.]+ ?\(?\+?https?://"),
    ("crawler", "other", r"^Mozilla/[45]\.0 \(compatible(; [A-Za-z][\w .-]*/v?[\d.]+)?\)$"),
)

# A name with one of these in it is no name of a browser.
MACHINE_WORDS = re.compile(
    "agent|archiv|bot|check|crawl|feed|fetch|http|index|monitor|preview|proxy|scan|scrap|search"
    "|spider|synthetic|uptime|validator",
    re.IGNORECASE,
)


class Entry(Struct):
    """One pattern of the list."""

    pattern: str
    instances: list[str]
    tags: list[str]
    addition_date: str = ""


def narrow(entry: Entry) -> str:
    """Return the pattern bound to whole words, or to the start, where its agents all fit that.

    A short word in the middle of an agent may be a telephone's name.
    """
    pattern, agents = entry.pattern, entry.instances
    if not agents or pattern.startswith("^"):
        return pattern
    if "|" in pattern:
        pattern = f"(?:{pattern})"
    at_start = all(re.match(pattern, agent) for agent in agents)
    if at_start and AI not in entry.tags and not MACHINE_WORDS.search(pattern):
        return f"^{pattern}"
    for narrower in (rf"\b{pattern}\b", rf"\b{pattern}", rf"{pattern}\b"):
        if all(re.search(narrower, agent) for agent in agents):
            return narrower
    return pattern


def read_family(pattern: str) -> str:
    """Return the name in a pattern."""
    if pattern in FAMILIES:
        return FAMILIES[pattern]
    name = re.sub(r"\[\\s\\S\]\*", " ", pattern).partition("|")[0]
    name = re.sub(r"\[(\w)\w\]", lambda found: found[1].upper(), name).partition("(")[0]
    return re.sub(r"\\(.)", r"\1", name).strip("^$ /;()-.\\")


def kind_of(entry: Entry) -> MachineKind:
    """Return the kind that an entry's tags tell."""
    return MachineKind.AI_CRAWLER if AI in entry.tags else KINDS[entry.tags[0]]


def make_rows(entries: list[Entry]) -> list[tuple[MachineKind, str, str]]:
    """Return (kind, family, pattern), the first to fit being the one that counts."""
    rows = [(MachineKind(kind), family, pattern) for kind, family, pattern in OWN]
    rows += [
        (kind_of(entry), read_family(entry.pattern), narrow(entry))
        for entry in entries
        if entry.pattern not in LEFT_OUT
    ]
    return sorted(rows, key=_place)


def _place(row: tuple[MachineKind, str, str]) -> int:
    kind, family, _ = row
    if family == OTHER_FAMILY:
        return 3
    return LAST.index(kind) + 1 if kind in LAST else 0


def main() -> None:
    """Read the list and write the table, unless it errs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("list", type=Path)
    parser.add_argument("--people", type=Path)
    arguments = parser.parse_args()
    entries = json.decode(arguments.list.read_bytes(), type=list[Entry])
    people = arguments.people.read_text("utf-8").splitlines() if arguments.people else []
    lines = [
        "# kind, family, pattern (Rust regex, searched for; the first that fits counts)",
        "# From github.com/monperrus/crawler-user-agents (MIT, machines.LICENSE.txt) as of "
        + max(entry.addition_date for entry in entries)
        + ",",
        "# with rows of this project's own, by tools/refresh_machines.py; change it there.",
        *("\t".join(row) for row in make_rows(entries)),
    ]
    text = "\n".join(lines) + "\n"
    machines = Machines.from_tsv(text)
    missed = [
        agent
        for entry in entries
        if entry.pattern not in LEFT_OUT
        for agent in entry.instances
        if machines.find(agent) is None
    ]
    taken: list[tuple[Machine, str]] = [
        (found, agent) for agent in people if (found := machines.find(agent))
    ]
    for what in (*missed, *taken):
        print(what, file=sys.stderr)
    if missed or taken:
        sys.exit(f"{len(missed)} agents missed, {len(taken)} people taken for machines")
    OUT.write_text(text, encoding="utf-8")
    print(f"{len(machines)} patterns in {OUT}; {len(people)} agents of people left alone")


if __name__ == "__main__":
    main()
