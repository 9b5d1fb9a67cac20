"""A seeded crowd for the store's benchmarks: what sites' hits leave, as the store takes it.

These are rows of `CountedHit` in ClickHouse's MsgPack format, put together from parts that are
written once: some 370,000 a second on one of two busy cores. They are what the counters would
make of visitors who come once a day, in the order of time, but for three things: a visit stays
in the hour in which it began, no hit carries an event, and a page counts as seen again only
where it follows itself.

Sites, pages, networks and the rest are drawn by Zipf's law: the n-th of them has a share in
proportion to 1/n.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain

import numpy as np
from msgspec import Struct, msgpack
from numpy.typing import NDArray

from anonymizer.hits import DIRECT, UNKNOWN, Door, DropReason, SiteId
from anonymizer.policy import Policy
from anonymizer.policy_file import read_policy
from collector.counted import COUNTED, CountedHit, Tells, encode_row
from collector.counters import ENTRY
from collector.plan import PAGE_DIMENSIONS, make_plan, tells_of
from collector.reference import default_policy

Numbers = NDArray[np.int64]
Law = NDArray[np.float64]
"""Share of the first n of something, for every n."""

BATCH_HITS = 20_000
"""As many as the spool sends in one batch."""

_HEAD = """\
[policy]
id = "crowd"
version = "1"
controller = "Example"
contact = "privacy@example.org"
extends = "default"
"""
_DAY = 86_400
_SLOWEST = 120  # seconds between two views of a visit, at most

# A working day: few in the night, most at noon and in the evening.
_HOURS = np.array([2, 1, 1, 1, 1, 2, 3, 5, 6, 6, 6, 7, 7, 6, 6, 6, 6, 6, 7, 8, 8, 7, 5, 3], float)
_REASONS = (DropReason.BOT, DropReason.OPTED_OUT_GPC, DropReason.OPTED_OUT_DNT)
_BOTS = (("crawler", "Googlebot"), ("crawler", "bingbot"), ("ai", "GPTBot"), ("monitor", "Pingdom"))

_encoded = msgpack.Encoder().encode


class Shape(Struct, frozen=True):
    """How many of everything there are."""

    sites: int = 200
    pages: int = 5_000
    """On each site."""
    days: int = 30
    seed: int = 7
    first_day: str = "2026-01-01"
    views_a_visit: float = 3.0
    refused: float = 0.1
    """Share of hits that leave a +1 and nothing else."""
    countries: int = 60
    referrers: int = 300
    campaigns: int = 40
    profiles: int = 600
    """Combinations of language, screen, device, browser and system."""
    networks: int = 20_000


class Crowd:
    """Hits of one shape; the same seed gives the same ones."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.policy = policy_of(shape)
        self._tables = _Tables(shape, self.policy)
        self._first = int(datetime.fromisoformat(shape.first_day).replace(tzinfo=UTC).timestamp())

    def batches(self, hits: int, batch_hits: int = BATCH_HITS) -> Iterator[tuple[int, bytes]]:
        """Yield `hits` hits, spread evenly over the days, as batches in the order of time."""
        for day in range(self.shape.days):
            of_day = hits * (day + 1) // self.shape.days - hits * day // self.shape.days
            yield from self.day(day, of_day, batch_hits)

    def day(self, day: int, hits: int, batch_hits: int = BATCH_HITS) -> Iterator[tuple[int, bytes]]:
        """Yield the hits of one day as pairs of their number and their rows."""
        random = np.random.default_rng([self.shape.seed, day])
        start = self._first + day * _DAY
        ends = np.floor(np.cumsum(_HOURS) / _HOURS.sum() * hits).astype(int)
        for hour, of_hour in enumerate(np.diff(ends, prepend=0).tolist()):
            for first in range(0, of_hour, batch_hits):
                count = min(batch_hits, of_hour - first)
                yield count, self._rows(random, count, start, start + hour * 3_600)

    def _rows(self, random: np.random.Generator, hits: int, day: int, hour: int) -> bytes:
        refused = int(random.binomial(hits, self.shape.refused))
        parts = self._tables.views(random, hits - refused, hour)
        return b"".join((*parts, *self._tables.refusals(random, refused, day)))


def policy_of(shape: Shape) -> Policy:
    """Return the shipped default policy for the crowd's sites."""
    return read_policy(policy_text(shape), default_policy())


def policy_text(shape: Shape) -> str:
    """Return the same as a file has it."""
    sites = "".join(f'[[site]]\ndomain = "{site}"\ntimezone = "UTC"\n' for site in _sites(shape))
    return _HEAD + sites


class _Tables:
    """Every part of a row, written once, and how often each is drawn."""

    def __init__(self, shape: Shape, policy: Policy) -> None:
        self._shape = shape
        plan = make_plan(policy)
        serves = plan.serves(frozenset(plan.purposes))
        of_views = [
            (1 << bit, not PAGE_DIMENSIONS.isdisjoint(combination))
            for bit, combination in enumerate(plan.combinations)
            if tells_of(combination) is Tells.VIEW
        ]
        self._firsts_of_visit = sum(bit for bit, _ in of_views)
        self._firsts_of_page = sum(bit for bit, moves in of_views if moves)
        self._sites = _sites(shape)
        self._heads = [_part(site, Door.EVENT.value, COUNTED, 1, serves) for site in self._sites]
        self._deltas = self._make_deltas()
        pages = [f"/section-{number % 40}/page-{number}" for number in range(shape.pages)]
        self._pages = [*map(_part, pages), _part(ENTRY)]
        self._exits_from = [*(_part(page, -1) for page in pages), _part("", 0)]
        tail = _part(Tells.VIEW.value, 0, "", "", "")
        self._exits_to = [*(_part(page, 1) + tail for page in pages), _part("", 0) + tail]
        self._ways = [*_ways(shape)]
        self._people = [*_people(shape)]
        self._networks = [_part(_network(number)) for number in range(shape.networks)]
        self._by_site, self._by_page = _zipf(shape.sites), _zipf(shape.pages)
        self._by_person, self._by_network = _zipf(len(self._people)), _zipf(shape.networks)
        # Half come by themselves, the rest by Zipf.
        by_way = np.concatenate([[0.0], _zipf(len(self._ways) - 1)])
        self._by_way = 0.5 + 0.5 * by_way

    def views(self, random: np.random.Generator, hits: int, hour: int) -> Iterator[bytes]:
        """Yield the parts of the rows of `hits` views, visit by visit."""
        if not hits:
            return
        lengths = _lengths(random, hits, self._shape.views_a_visit)
        visits = len(lengths)

        def of_visit(law: Law) -> Numbers:
            return np.repeat(_draw(random, law, visits), lengths)

        begins = np.zeros(hits, bool)
        begins[np.cumsum(lengths) - lengths] = True
        second = np.zeros(hits, bool)
        second[1:] = begins[:-1]
        second &= ~begins
        page = _draw(random, self._by_page, hits)
        before = np.roll(page, 1)
        entry = np.repeat(page[begins], lengths)
        moved = begins | (page != before)
        nowhere = self._shape.pages
        seconds = random.integers(1, _SLOWEST + 1, hits)
        delta = np.where(begins, 0, (1 + 2 * second + moved) * (_SLOWEST + 1) + seconds)
        columns = (
            _picked(self._heads, of_visit(self._by_site)),
            [_part(hour)] * hits,
            _picked(self._deltas, delta),
            _picked(self._pages, page),
            _picked(self._pages, np.where(begins, nowhere, before)),
            _picked(self._pages, entry),
            _picked(self._ways, of_visit(self._by_way)),
            _picked(self._people, of_visit(self._by_person)),
            _picked(self._networks, of_visit(self._by_network)),
            _picked(self._exits_from, np.where(begins | ~moved, nowhere, before)),
            _picked(self._exits_to, np.where(moved, page, nowhere)),
        )
        yield from chain.from_iterable(zip(*columns, strict=True))

    def refusals(self, random: np.random.Generator, hits: int, day: int) -> Iterator[bytes]:
        """Yield the rows of refused hits, half of them machines'."""
        sites = _draw(random, self._by_site, hits).tolist()
        reasons = random.integers(0, 2 * len(_REASONS), hits).tolist()
        bots = random.integers(0, len(_BOTS), hits).tolist()
        for site, number, bot in zip(sites, reasons, bots, strict=True):
            reason = _REASONS[max(number - len(_REASONS), 0)]
            hit = CountedHit(self._sites[site], Door.EVENT.value, reason.value, hour=day)
            if reason is DropReason.BOT:
                kind, family = _BOTS[bot]
                hit = CountedHit(
                    *(hit.site, hit.door, hit.reason),
                    hour=day,
                    tells=Tells.MACHINE.value,
                    number=1,
                    subject=family,
                    property=kind,
                )
            yield encode_row(hit)

    def _make_deltas(self) -> list[bytes]:
        """Return views, firsts, visits, bounces and seconds of every kind of view."""
        begins = _part(1, self._firsts_of_visit, 1, 1, 0)
        made = [begins] * (_SLOWEST + 1)
        for second in (0, 1):
            for moved in (0, 1):
                firsts = self._firsts_of_page if moved else 0
                made += [_part(1, firsts, 0, -second, seconds) for seconds in range(_SLOWEST + 1)]
        return made


def _sites(shape: Shape) -> list[SiteId]:
    return [SiteId(f"site-{number}.example") for number in range(shape.sites)]


def _ways(shape: Shape) -> Iterator[bytes]:
    """Yield source, channel, referrer and the campaign's five words; by itself comes first."""
    nothing = [""] * 5
    yield _part(DIRECT, "direct", "", *nothing)
    for number in range(shape.referrers):
        host = f"referrer-{number}.example"
        yield _part(host, ("search", "social", "referral")[number % 3], host, *nothing)
    for number in range(shape.campaigns):
        words = (f"campaign-{number}", f"list-{number % 5}", "email", f"variant-{number % 3}", "")
        yield _part(f"list-{number % 5}", "email", "", *words)


def _people(shape: Shape) -> Iterator[bytes]:
    """Yield country, language, screen, device, browser and system."""
    for number in range(shape.profiles):
        country = f"{chr(65 + number % shape.countries // 26)}{chr(65 + number % 26)}"
        phone = number % 5 > 1
        yield _part(
            country,
            ("en", "de", "fr", "es", "zh", UNKNOWN)[number * 7 % 6],
            "phone" if phone else ("laptop", "desktop", UNKNOWN)[number % 3],
            "mobile" if phone else "desktop",
            f"{('Chrome', 'Safari', 'Firefox', 'Edge')[number * 3 % 4]} {120 + number % 10}",
            f"{('Android', 'iOS')[number % 2]} {10 + number % 7}" if phone else "Windows 10",
        )


def _network(number: int) -> str:
    return f"{1 + number // 65_536 % 223}.{number // 256 % 256}.{number % 256}.0/24"


def _lengths(random: np.random.Generator, hits: int, mean: float) -> Numbers:
    """Return how many views each visit has, `hits` together; half a mean of three has one."""
    lengths = random.geometric(1 / mean, max(1, round(hits * 1.5 / mean) + 20))
    total = np.cumsum(lengths)
    cut = int(np.searchsorted(total, hits))
    kept = lengths[: cut + 1].astype(np.int64)
    kept[-1] -= total[cut] - hits
    return kept


def _zipf(count: int) -> Law:
    return np.cumsum(1.0 / np.arange(1, count + 1)) / np.sum(1.0 / np.arange(1, count + 1))


def _draw(random: np.random.Generator, law: Law, count: int) -> Numbers:
    # The sum may end a hair below 1.
    drawn = np.searchsorted(law, random.random(count))
    return np.minimum(drawn, len(law) - 1).astype(np.int64)


def _picked(table: Sequence[bytes], numbers: Numbers) -> list[bytes]:
    return list(map(table.__getitem__, numbers.tolist()))


def _part(*values: str | int) -> bytes:
    return b"".join(map(_encoded, values))
