"""The map: how many visitors come from where, in five shades."""

import math

from msgspec import Struct

from anonymizer.policy import Dimension
from dashboards.address.selection import Selection
from dashboards.asking.answering import Asker
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import write_share
from dashboards.pictures.asked import answer_of, number_of, question, told, total_of
from dashboards.pictures.picture import Picture
from dashboards.pictures.world import World, read_world
from dashboards.reports.labels import write_word
from dashboards.words import Words

SHADES = 5
NAMED = 3
"""Countries that the text in place of the map names."""


class Country(Struct, frozen=True):
    """A country with visitors."""

    shade: int
    """From 1, the fewest, to SHADES."""
    title: str
    path: str
    """Empty of one that is a dot alone."""
    dot: tuple[int, int] | None


class Shade(Struct, frozen=True):
    """What a shade stands for."""

    shade: int
    text: str


class Map(Struct, frozen=True):
    """The map."""

    width: int
    height: int
    land: str
    """All that has no visitors, in one path."""
    countries: tuple[Country, ...]
    """The most visitors first, so that the dots of few lie above."""
    shades: tuple[Shade, ...]
    summary: str


async def read_countries(asker: Asker, selection: Selection, words: Words) -> Picture | None:
    """Ask how many visitors come from each country, and draw them."""
    asked = question(selection, (Metric.VISITORS,), (Dimension.COUNTRY,))
    answer = await answer_of(asker, asked)
    visitors = {row.words[0]: number for row in told(answer) if (number := number_of(row))}
    world = read_world()
    if answer is None or not visitors.keys() & world.codes:
        return None
    everyone = max(total_of(answer), sum(visitors.values()))
    return Picture("map.html", draw_map(world, visitors, everyone, words))


def draw_map(world: World, visitors: dict[str, int], everyone: int, words: Words) -> Map:
    """Shade countries by their visitors; `everyone` counts those from elsewhere, too."""
    placed = sorted(
        ((number, code) for code, number in visitors.items() if code in world.codes), reverse=True
    )
    most = placed[0][0]
    titles = {
        code: words(
            "{country}: {visitors} ({share})",
            country=write_word(words, Dimension.COUNTRY, code),
            visitors=words.count("{count} visitor", "{count} visitors", number),
            share=write_share(words, number / everyone),
        )
        for number, code in placed
    }
    shaded = {code for _, code in placed}
    land = world.land + "".join(path for code, path in world.shapes.items() if code not in shaded)
    return Map(
        width=world.width,
        height=world.height,
        land=land,
        countries=tuple(
            Country(
                shade_of(number, most),
                titles[code],
                world.shapes.get(code, ""),
                world.dots.get(code),
            )
            for number, code in placed
        ),
        shades=tuple(Shade(shade, _range(words, shade, most)) for shade in _told_shades(most)),
        summary=words.count(
            "Map of the world: visitors from {count} country. {named}",
            "Map of the world: visitors from {count} countries, the most from {named}",
            len(placed),
            named=words.listed(titles[code] for _, code in placed[:NAMED]),
        ),
    )


def shade_of(number: int, most: int) -> int:
    """Return the shade of a number of visitors: of equal steps of its square root."""
    return min(SHADES, max(1, math.ceil(SHADES * math.sqrt(number / most) - 1e-9)))


def _bounds(shade: int, most: int) -> tuple[int, int]:
    """Return the least and the largest number that have a shade."""
    first = math.floor(most * ((shade - 1) / SHADES) ** 2 + 1e-9) + 1
    return first, math.floor(most * (shade / SHADES) ** 2 + 1e-9)


def _told_shades(most: int) -> list[int]:
    return [
        shade
        for shade in range(1, SHADES + 1)
        if _bounds(shade, most)[0] <= _bounds(shade, most)[1]
    ]


def _range(words: Words, shade: int, most: int) -> str:
    first, last = _bounds(shade, most)
    if first == last:
        return words.number(first)
    return f"{words.number(first)}–{words.number(last)}"
