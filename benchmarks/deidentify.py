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
from anonymizer.agents import Agents
from anonymizer.countries import read_zones
from anonymizer.deidentify import DaySalts, Tables, deidentify, read_language
from anonymizer.gate import Gate
from anonymizer.hits import Door, DropReason, LocalSeconds, RawHit, SiteId
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
from anonymizer.urls import coarsen_path, read_page
from anonymizer.visitor_key import keyed_hash, visitor_key

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

    agents = Agents()
    before = read_anonymous_kib()
    agents.read_agent(AGENT.format(1))
    rules_kib = read_anonymous_kib() - before

    tables = read_tables()
    salt = keyed_hash(bytes(range(32)))
    salts, grace = DaySalts(salt), DaySalts(salt, keyed_hash(bytes(32)))
    local = LocalSeconds(0)
    plain = make_hits()
    campaign = make_hits("?utm_source=news&utm_medium=email&utm_campaign=spring&id=3")
    decoded = make_hits(path="/caf%C3%A9/{}/0b0b3c1e-7f1f-4a55-8d51-2f54d1b2a3c4/")
    hostile = make_hits(path="/" + "a1-" * 1300 + "{}")
    segments = make_hits(path="/{}" + "/a1b2c3d4" * 450)
    escapes = make_hits(path="/{}" + "%2f%e2" * 670)

    def whole(hit: RawHit, salts: DaySalts = salts) -> None:
        agent = agents.read_agent(hit.raw_agent)
        signals = read_signals(hit, agent)
        if isinstance(GATE.judge(hit, signals, SITE), DropReason):
            raise TypeError("the hit was refused")
        deidentify(hit, agent, local, SITE, POLICY, salts, tables)

    linux = agents.read_agent(AGENT.format(1))
    signals = read_signals(plain[0], linux)
    parameters = POLICY.campaign_parameters
    own = (SITE.domain, SITE.domain)
    empty = Agents(2)
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
        ("read_signals", lambda h: read_signals(h, linux), plain),
        ("gate", lambda h: GATE.judge(h, signals, SITE), plain),
        ("read_page", lambda h: read_page(h.raw_url, SITE.domain, parameters), plain),
        ("read_page, 4 kB slug", lambda h: coarsen_path(h.raw_url), hostile[:500]),
        ("read_page, 450 segments", lambda h: coarsen_path(h.raw_url), segments[:500]),
        ("read_page, 1340 escapes", lambda h: coarsen_path(h.raw_url), escapes[:500]),
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
