"""Measure what one hit costs from signals to de-identification.

Usage: python -m benchmarks.deidentify [--repeats N]

Warm means caches hot: agents and referrer hosts seen before, every URL and address another. Prints
microseconds per call, the median of the repeats, with their range.
"""

import argparse
import gc
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from anonymizer.addresses import coarsen_address
from anonymizer.consents import ConsentReader
from anonymizer.countries import read_zones
from anonymizer.deidentify import DaySalts, Tables, deidentify, read_language
from anonymizer.gate import Gate
from anonymizer.hits import Door, DropReason, LocalSeconds, RawHit, SiteId
from anonymizer.paths import PathRules
from anonymizer.policy import (
    Basis,
    ConsentMode,
    Dimension,
    Policy,
    Purpose,
    PurposeId,
    Site,
    VisitorAddress,
)
from anonymizer.referrers import Sources, read_referrer
from anonymizer.signals import read_signals
from anonymizer.urls import read_page
from anonymizer.visitor_key import keyed_hash, visitor_key
from collector.reference import load_agents

HITS = 5000
SITE = Site(SiteId("example.org"), ZoneInfo("Europe/Berlin"), ConsentMode.EXEMPT)
POLICY = Policy(
    id="bench",
    version="1",
    effective="",
    controller="",
    contact="",
    languages=("en",),
    sites={SITE.domain: SITE},
    purposes=tuple(Purpose(PurposeId(f"purpose-{n}"), "", "", Basis.EXEMPT, 30) for n in range(4)),
    statistics=(),
    campaign_parameters={
        Dimension.CAMPAIGN: "utm_campaign",
        Dimension.CAMPAIGN_SOURCE: "utm_source",
        Dimension.CAMPAIGN_MEDIUM: "utm_medium",
        Dimension.CAMPAIGN_CONTENT: "utm_content",
        Dimension.CAMPAIGN_TERM: "utm_term",
    },
    visitor_address=VisitorAddress.FULL,
)
GATE = Gate(POLICY)
NO_RULES = PathRules()
TEMPLATES = PathRules(templates=(*(f"/section-{n}/:id/*" for n in range(49)), "/user/:id/*"))
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{}.0.0.0 Safari/537.36"
)
REFERRERS = ("https://www.google.de/", "", "https://t.co/abc", "https://blog{}.example.net/post")


def make_hits(query: str = "", path: str = "/blog/post-{}/how-to-read-it") -> list[RawHit]:
    """Return hits with distinct URLs and addresses and few agents."""
    return [
        RawHit(
            door=Door.EVENT,
            site=SITE.domain,
            time=1_700_000_000 + n,
            raw_address=f"198.51.{n % 250}.{n // 250}",
            raw_agent=AGENT.format(80 + n % 50),
            raw_url=f"https://example.org{path.format(n)}{query}",
            raw_referrer=REFERRERS[n % 4].format(n % 300),
            raw_languages="de-DE,de;q=0.9,en;q=0.8",
            raw_time_zone="Europe/Berlin",
            screen_width=1440,
        )
        for n in range(HITS)
    ]


def hostile_hits() -> list[tuple[str, list[RawHit]]]:
    """Return 4 kB URLs of the shapes that cost most, of some 250 that were tried."""
    shapes = {
        "slugs": "aB1-" * 74 + "/",
        "number groups": "12-34-56.78+" * 24 + "/",
        "hex": "a1b2c3d4e5f6a7b8/",
        "e-mails": "x@x.xx/",
        "escaped at signs": "%2540a.bc/",
        "escapes": "%2525",
        "address starts": "1.2.3.",
        "colons": "a:1:",
    }
    hit = make_hits()[0]
    return [
        (name, [replace(hit, raw_url=("/" + unit * 4096)[:4096])] * 100)
        for name, unit in shapes.items()
    ]


def measure(
    act: Callable[[RawHit], object], inputs: list[RawHit], repeats: int
) -> tuple[float, float, float]:
    """Return microseconds per call: median, least and most of `repeats` runs over `inputs`."""
    for hit in inputs:
        act(hit)
    times = []
    for _ in range(repeats):
        gc.collect()
        start = time.perf_counter_ns()
        for hit in inputs:
            act(hit)
        times.append((time.perf_counter_ns() - start) / 1000 / len(inputs))
    return median(times), min(times), max(times)


def read_tables() -> Tables:
    """Return the shipped sources and tzdata's zones."""
    zoneinfo = files("tzdata") / "zoneinfo"
    return Tables(
        Sources.from_tsv(
            (files("anonymizer") / "data" / "sources.tsv").read_text(encoding="utf-8")
        ),
        read_zones(
            (zoneinfo / "zone.tab").read_text(encoding="utf-8"),
            (zoneinfo / "tzdata.zi").read_text(encoding="utf-8"),
        ),
    )


def read_anonymous_kib() -> int:
    """Return this process's anonymous memory (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("RssAnon:")[2].split()[0])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats: int = parser.parse_args().repeats

    agents = load_agents()
    before = read_anonymous_kib()
    agents.read_agent(AGENT.format(1))
    rules_kib = read_anonymous_kib() - before

    tables = read_tables()
    consents = ConsentReader(POLICY, frozenset({"1"}))
    salt = keyed_hash(bytes(range(32)))
    salts, grace = DaySalts(salt), DaySalts(salt, keyed_hash(bytes(32)))
    local = LocalSeconds(0)
    plain = make_hits()
    campaign = make_hits("?utm_source=news&utm_medium=email&utm_campaign=spring&id=3")
    decoded = make_hits(path="/caf%C3%A9/{}/0b0b3c1e-7f1f-4a55-8d51-2f54d1b2a3c4/")
    tagged = make_hits("?utm_source=news&utm_medium=email&utm_campaign=spring&gclid=a&id=3")
    upper = make_hits(path="/Products/{}/Air-Jordan-1-Retro_OG")
    escaped = make_hits(path="/{}/%E6%97%A5%E6%9C%AC%E8%AA%9E%E3%81%AE%E3%83%9A%E3%83%BC%E3%82%B8")
    masked = make_hits(path="/user/{}-jane@mail.example/order-12345678-thanks/a1b2c3d4e5f6a7b8")
    shaped = make_hits(path="/user/{}/orders/open")

    def read_url(hit: RawHit, rules: PathRules = NO_RULES) -> None:
        read_page(hit.raw_url, SITE.domain, rules, POLICY.campaign_parameters)

    def whole(hit: RawHit, salts: DaySalts = salts) -> None:
        agent = agents.read_agent(hit.raw_agent)
        signals = read_signals(hit, agent, SITE, consents, tables.spam)
        if isinstance(GATE.judge(hit.name, signals, SITE), DropReason):
            raise TypeError("the hit was refused")
        deidentify(hit, agent, local, SITE, POLICY, salts, tables)

    linux = agents.read_agent(AGENT.format(1))
    signals = read_signals(plain[0], linux, SITE, consents, tables.spam)
    own = (SITE.domain, SITE.domain)
    empty = load_agents(2)
    long_agents = [replace(h, raw_agent=f"{n} " + "a1/" * 2700) for n, h in enumerate(plain[:200])]
    # Of two places in the cache one is taken each time, so that every agent is a new one.
    steps: list[tuple[str, Callable[[RawHit], object], list[RawHit]]] = [
        ("signals + gate + deidentify, warm", whole, plain),
        ("the same, five campaign parameters", whole, campaign),
        ("the same, percent forms and a UUID in the path", whole, decoded),
        ("the same, in the grace after midnight", lambda h: whole(h, grace), plain),
        ("read_agent, seen before", lambda h: agents.read_agent(h.raw_agent), plain),
        ("read_agent, cold", lambda h: empty.read_agent(h.raw_agent), plain[:1000]),
        ("read_agent, cold, 8 kB", lambda h: empty.read_agent(h.raw_agent), long_agents),
        ("read_signals", lambda h: read_signals(h, linux, SITE, consents, tables.spam), plain),
        ("gate", lambda h: GATE.judge(h.name, signals, SITE), plain),
        ("read_page", read_url, plain),
        ("read_page, campaign and click id", read_url, tagged),
        ("read_page, upper case", read_url, upper),
        ("read_page, percent forms", read_url, escaped),
        ("read_page, e-mail, number and hex", read_url, masked),
        ("read_page, last of 50 templates", lambda h: read_url(h, TEMPLATES), shaped),
        *((f"read_page, 4 kB of {name}", read_url, hits) for name, hits in hostile_hits()),
        (
            "read_referrer + source",
            lambda h: tables.sources.source_of(read_referrer(h.raw_referrer, own, tables.sources)),
            plain,
        ),
        ("coarsen_address", lambda h: coarsen_address(h.raw_address), plain),
        ("read_language", lambda h: read_language(h.raw_languages), plain),
        (
            "visitor_key",
            lambda h: visitor_key(salt, h.site, h.raw_address, h.raw_agent, VisitorAddress.FULL),
            plain,
        ),
    ]
    table = Table("step", "µs", "least", "most")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, act, inputs in steps:
        table.add_row(name, *(f"{figure:.2f}" for figure in measure(act, inputs, repeats)))
    console = Console()
    console.print(table)
    console.print(f"ua-parser's rules: {rules_kib / 1024:.1f} MB of anonymous memory")


if __name__ == "__main__":
    main()
