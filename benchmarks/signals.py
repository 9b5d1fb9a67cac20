"""Measure what reading the signals adds to a hit.

Usage: python -m benchmarks.signals [--repeats N]

Prints microseconds a hit for signals and gate together, the median of the repeats with
their range: for hits that say nothing, that refuse, and that carry consent texts seen
before or never. Exits with 1 when a hit without texts takes more than 5 µs.
"""

import argparse
import gc
import sys
import time
from collections.abc import Sequence
from statistics import median

from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from anonymizer.consents import ConsentReader
from anonymizer.gate import Gate
from anonymizer.hits import RawConsent, RawHit
from anonymizer.signals import read_signals
from benchmarks.deidentify import POLICY, SITE, make_hits
from collector.reference import load_agents
from tests.anonymizer.consent_strings import GPP_OPT_OUT, tc_string

BOUND_MICROSECONDS = 5.0
GATE = Gate(POLICY)


def measure(hits: Sequence[RawHit], repeats: int) -> list[float]:
    """Return microseconds a hit, one figure a repeat; each begins with nothing remembered."""
    agent = load_agents().read_agent(hits[0].raw_agent)
    taken = []
    for _ in range(repeats):
        consents = ConsentReader(POLICY, frozenset({"1"}))
        gc.collect()
        started = time.perf_counter_ns()
        for hit in hits:
            GATE.judge(hit.name, read_signals(hit, agent, SITE, consents), SITE)
        taken.append((time.perf_counter_ns() - started) / 1_000 / len(hits))
    return taken


def main() -> int:
    """Print the table and hold the bound."""
    options = argparse.ArgumentParser(description="Measure what reading the signals costs.")
    options.add_argument("--repeats", type=int, default=9)
    repeats = options.parse_args().repeats
    quiet = make_hits()
    texts = [
        tc_string([bit for bit in range(1, 14) if n >> bit - 1 & 1]) for n in range(len(quiet))
    ]
    without_texts = {
        "says nothing": quiet,
        "DNT: 0, Sec-GPC absent": [replace(hit, dnt=("0",)) for hit in quiet],
        "DNT: 1 and Sec-GPC: 1": [replace(hit, dnt=("1",), gpc=("1",)) for hit in quiet],
        "opt-out cookie": [replace(hit, opted_out=True) for hit in quiet],
    }
    with_texts = {
        "Discreet's own consent": [_with(hit, RawConsent(own="1,purpose-1")) for hit in quiet],
        "TC string, seen before": [_with(hit, RawConsent(raw_tc=texts[0])) for hit in quiet],
        "TC string, each another": [
            _with(hit, RawConsent(raw_tc=text)) for hit, text in zip(quiet, texts, strict=True)
        ],
        "GPP string, seen before": [_with(hit, RawConsent(raw_gpp=GPP_OPT_OUT)) for hit in quiet],
    }
    table = Table("hit", "µs", "from", "to", title=f"signals and gate, {len(quiet)} hits")
    slowest = 0.0
    for name, hits in {**without_texts, **with_texts}.items():
        taken = measure(hits, repeats)
        table.add_row(name, *(f"{t:.2f}" for t in (median(taken), min(taken), max(taken))))
        if name in without_texts:
            slowest = max(slowest, median(taken))
    Console().print(table)
    held = slowest <= BOUND_MICROSECONDS
    print(f"bound without texts: {BOUND_MICROSECONDS} µs {'holds' if held else 'does not hold'}")
    return 0 if held else 1


def _with(hit: RawHit, consent: RawConsent) -> RawHit:
    return replace(hit, consent=consent)


if __name__ == "__main__":
    sys.exit(main())
