"""One site's month of cells as the choice of hidden ones takes it, read from lines of JSON."""

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct
from msgspec.json import Decoder

from anonymizer.hits import SiteId
from anonymizer.policy import Statistic
from collector.plan import is_coverage, is_machines
from collector.retention.cells import Keys, Numbers, Spot
from collector.schema.tables import cells_of

Labels = dict[int, dict[Keys, Numbers]]
"""Cells of one place by the days for which they are kept."""

Held = dict[Spot, Labels]

Standing = tuple[Spot, Labels]


class SiteCells(Struct, frozen=True):
    """What stands in one site's month, but for what is neither closed nor held to a size."""

    site: SiteId
    held: Held
    strays: list[Standing]
    """Cells of a grain that was given up."""


class _Line(Struct, frozen=True, array_like=True):
    """The cells of one place, kept equally long, column by column."""

    site: str
    stored: str
    grain: str
    period: int
    keep_days: int
    words: tuple[list[str], list[str], list[str]]
    measures: tuple[list[int], list[int], list[int], list[int], list[int], list[int]]


def names_read(statistics: Collection[Statistic]) -> dict[str, Statistic]:
    """Return the statistics that the choice needs to know, by the name under which cells stand."""
    return {
        cells_of(each): each for each in statistics if not (is_coverage(each) or is_machines(each))
    }


def read_site_cells(
    lines: bytes, sites: Collection[SiteId], statistics: Collection[Statistic]
) -> dict[SiteId, SiteCells]:
    """Return each site's cells; `lines` are as `collector.retention.held` reads them.

    Raises:
        msgspec.MsgspecError: it holds something else.
    """
    named = names_read(statistics)
    found = {site: SiteCells(site, {}, []) for site in sites}
    # Days have most keys and numbers in common: each is held once.
    words: dict[str, str] = {}
    keys_seen: dict[Keys, Keys] = {}
    numbers_seen: dict[Numbers, Numbers] = {}
    for line in _lines(lines):
        statistic = named[line.stored]
        of_words = [map(words.setdefault, of, of) for of in line.words[: len(statistic.by)]]
        keys = list(zip(*of_words, strict=True)) if of_words else [()]
        numbers: list[Numbers] = list(zip(*line.measures, strict=True))
        cells = dict(
            zip(
                map(keys_seen.setdefault, keys, keys),
                map(numbers_seen.setdefault, numbers, numbers),
                strict=True,
            )
        )
        of_site = found[SiteId(line.site)]
        spot = statistic.name, None if line.grain == "month" else line.period
        if line.grain in ("month", statistic.grain.value):
            of_site.held.setdefault(spot, {})[line.keep_days] = cells
        else:
            of_site.strays.append((spot, {line.keep_days: cells}))
    return found


def _lines(lines: bytes) -> Iterator[_Line]:
    decoder = Decoder(_Line)
    view = memoryview(lines)
    start = 0
    while (end := lines.find(b"\n", start)) >= 0:
        yield decoder.decode(view[start:end])
        start = end + 1


def count_small(cells: SiteCells, sizes: Mapping[str, int]) -> Iterator[tuple[int, str, int]]:
    """Yield how many cells of periods are too small to stay, by label and statistic's name."""
    counts: dict[tuple[int, str], int] = {}
    for (name, period), labels in (*cells.held.items(), *cells.strays):
        size = sizes.get(name, 0)
        if period is None or not size:
            continue
        for keep_days, of in labels.items():
            small = sum(numbers[0] < size for numbers in of.values())
            counts[keep_days, name] = counts.get((keep_days, name), 0) + small
    for (keep_days, name), small in counts.items():
        if small:
            yield keep_days, name, small
