"""How long it takes to count who is on a site now: `python -m benchmarks.live`.

The visit memory holds one site's day; its visitors came evenly over it, so that those of the last
five minutes are 1 of 288. Counting looks at each of them, once a minute while somebody watches.
Printed is the median of 21 counts, and that of a day whose visitors are all there now.

    python -m benchmarks.live                       100,000 visitors
"""

import argparse
import statistics
import sys
import time

from anonymizer.hits import LocalSeconds, SiteId, VisitorKey
from anonymizer.policy import PurposeId
from collector.live import WINDOW_SECONDS
from collector.plan import Served
from collector.salts import fill_from_kernel
from collector.visits import VisitMemory, Visitor

SITE = SiteId("example.org")
PURPOSE = PurposeId("audience")
DAY_SECONDS = 86_400
NOON = LocalSeconds(20_000 * DAY_SECONDS + DAY_SECONDS // 2)
BOUND = 20.0  # milliseconds, in which no hit is answered
REPEATS = 21


def main() -> int:
    """Fill a memory, count, print what came out; 1 when the bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--visitors", type=int, default=100_000)
    visitors: int = parser.parse_args().visitors
    memory = VisitMemory(fill_from_kernel)
    memory.salts(SITE, NOON)
    (day,) = memory._days.values()  # noqa: SLF001  # hits would take their own time
    served = Served(frozenset({PURPOSE}), 1, {})
    for number in range(visitors):
        visitor = Visitor()
        visitor.last_seen = 1 + number * DAY_SECONDS // visitors
        visitor.served = served
        day.visitors[VisitorKey(number.to_bytes(16))] = visitor
    slowest = 0.0
    for name, seconds in (("the last five minutes", WINDOW_SECONDS), ("the day", DAY_SECONDS)):
        there, milliseconds = _time(memory, DAY_SECONDS - seconds + 1)
        slowest = max(slowest, milliseconds)
        print(f"{visitors:,} visitors, {there:,} of {name}: {milliseconds:.1f} ms")
    return int(slowest > BOUND)


def _time(memory: VisitMemory, since: int) -> tuple[int, float]:
    taken = []
    there = 0
    for _ in range(REPEATS):
        started = time.perf_counter()
        there = memory.count_present(SITE, since, PURPOSE)
        taken.append(time.perf_counter() - started)
    return there, statistics.median(taken) * 1_000


if __name__ == "__main__":
    sys.exit(main())
