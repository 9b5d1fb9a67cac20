"""Make dashboards/pictures/world.json, the shapes of the map, from an atlas of Natural Earth's.

Usage: python -m tools.refresh_map countries-50m.json

The file is that of the npm package world-atlas: TopoJSON of Natural Earth's countries, which are in
the public domain. Shapes are projected, thinned out and rounded, so that neighbours keep one
border. Every country that a time zone stands for gets a shape, a dot, or both.
"""

import argparse
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path

from babel.core import get_global
from msgspec import Struct, json

from anonymizer.countries import read_zones

OUT = Path(__file__).parent.parent / "dashboards" / "pictures" / "world.json"

WIDTH = 2000
MIDDLE = 11.0
"""The meridian in the middle, in degrees: the edges go through the Bering Strait then."""
NORTH, SOUTH = 83.7, -56.0
"""Degrees; Antarctica is left out and stands as a dot at the lower edge."""
LEAST_CORNER = 2.0
"""The area, in square units, that a corner must span to stay."""
LEAST_ISLAND = 8.0
"""The area, in square units, of an island that is drawn where it isn't all of its country."""
LEAST_SHAPE = 90.0
"""The area below which a country gets a dot beside its shape: 5 by 5 pixels at 1000 pixels."""

ANTARCTICA = "AQ"

# Parts of a country that have a code of their own: whose shape they are in, west, south, east,
# north of a box around them, and whose they are.
PARTS = (
    ("FR", -56.0, 1.0, -50.0, 7.0, "GF"),
    ("FR", -62.5, 15.5, -60.9, 17.0, "GP"),
    ("FR", -62.5, 14.0, -60.5, 15.0, "MQ"),
    ("FR", 54.0, -22.0, 57.0, -20.0, "RE"),
    ("FR", 44.0, -14.0, 46.0, -12.0, "YT"),
    ("NL", -70.0, 11.0, -62.0, 19.0, "BQ"),
    ("NO", -10.0, 70.5, 40.0, 82.0, "SJ"),
)
_SVALBARD = 74.0  # south of it the box holds Norway's own islands

Point = tuple[float, float]


class Transform(Struct):
    """How whole numbers of a TopoJSON file become degrees."""

    scale: tuple[float, float]
    translate: tuple[float, float]


class Polygon(Struct, tag="Polygon"):
    """A country in one piece: rings of numbers of arcs, inverted where they run backwards."""

    arcs: list[list[int]]
    id: str = ""
    """Its ISO 3166-1 numeric code."""


class MultiPolygon(Struct, tag="MultiPolygon"):
    """A country in several pieces."""

    arcs: list[list[list[int]]]
    id: str = ""


class Collection(Struct):
    """Countries."""

    geometries: list[Polygon | MultiPolygon]


class Objects(Struct):
    """What the file holds of which we take the countries."""

    countries: Collection


class Atlas(Struct):
    """A TopoJSON file."""

    transform: Transform
    objects: Objects
    arcs: list[list[tuple[int, int]]]


def main() -> int:
    """Write the map; returns the exit code."""
    parser = argparse.ArgumentParser(description="Make dashboards/pictures/world.json.")
    parser.add_argument("atlas", type=Path)
    atlas = json.decode(parser.parse_args().atlas.read_bytes(), type=Atlas)
    land, shapes = _shapes(atlas)
    places = _places()
    dots = {
        code: [round(x), round(y)]
        for code, (x, y) in sorted(places.items())
        if sum(map(_area, shapes.get(code, []))) < LEAST_SHAPE
    }
    world = {
        "width": WIDTH,
        "height": math.ceil(project(0, SOUTH)[1]),
        "land": _path(land),
        "shapes": {code: _path(rings) for code, rings in sorted(shapes.items())},
        "dots": dots,
    }
    OUT.write_bytes(json.format(json.encode(world), indent=0))
    print(f"{OUT}: {OUT.stat().st_size:,} bytes, {len(shapes)} shapes, {len(dots)} dots")
    return 0


def project(longitude: float, latitude: float) -> Point:
    """Return where a place lies, in units from the upper left; `longitude` is from the middle.

    The projection is Equal Earth (Šavrič, Patterson, Jenny 2018, equations 1 to 3), which shows
    areas as large as they are.
    """
    x, y = _equal_earth(longitude, latitude)
    widest, top = _equal_earth(180, 0)[0], _equal_earth(0, NORTH)[1]
    scale = WIDTH / (2 * widest)
    return (x + widest) * scale, (top - y) * scale


def _equal_earth(longitude: float, latitude: float) -> Point:
    a = (1.340264, -0.081106, 0.000893, 0.003796)
    angle = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(latitude)))
    squared = angle * angle
    sixth = squared**3
    below = a[0] + 3 * a[1] * squared + sixth * (7 * a[2] + 9 * a[3] * squared)
    x = 2 * math.sqrt(3) / 3 * math.radians(longitude) * math.cos(angle) / below
    y = angle * (a[0] + a[1] * squared + sixth * (a[2] + a[3] * squared))
    return x, y


def _shapes(atlas: Atlas) -> tuple[list[list[Point]], dict[str, list[list[Point]]]]:
    """Return the rings of what has no code, and those of each country by its code."""
    degrees = list(_decode(atlas))
    arcs = [_thin(arc) for arc in degrees]
    land: list[list[Point]] = []
    found: dict[str, list[list[Point]]] = {}
    codes = {number: names[0] for number, names in get_global("territory_aliases").items()}
    for country in atlas.objects.countries.geometries:
        whose = codes.get(country.id, "")
        if whose == ANTARCTICA:
            continue
        for ring in _rings(country):
            corner = degrees[ring[0] if ring[0] >= 0 else ~ring[0]][0]
            code = _part(whose, corner[0] + MIDDLE, corner[1])
            for part in _cut(_join(arcs, ring)):
                if len(part) > 2:
                    points = [project(*point) for point in part]
                    (found.setdefault(code, []) if code else land).append(points)
    return (
        [ring for ring in land if _area(ring) >= LEAST_ISLAND],
        {code: kept for code, rings in found.items() if (kept := _largest(rings))},
    )


def _largest(rings: list[list[Point]]) -> list[list[Point]]:
    largest = max(rings, key=_area)
    return [ring for ring in rings if ring is largest or _area(ring) >= LEAST_ISLAND]


def _part(whose: str, longitude: float, latitude: float) -> str:
    for country, west, south, east, north, part in PARTS:
        is_within = west <= longitude <= east and south <= latitude <= north
        if whose == country and is_within and (part != "SJ" or latitude >= _SVALBARD):
            return part
    return whose


def _decode(atlas: Atlas) -> Iterator[list[Point]]:
    """Yield each arc in degrees from the middle: TopoJSON writes steps on a grid."""
    (scale_x, scale_y), (from_x, from_y) = atlas.transform.scale, atlas.transform.translate
    for arc in atlas.arcs:
        x = y = 0
        points = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            points.append((_from_middle(x * scale_x + from_x), y * scale_y + from_y))
        yield points


def _from_middle(longitude: float) -> float:
    return (longitude - MIDDLE + 180) % 360 - 180


def _cut(ring: Sequence[Point]) -> Iterator[list[Point]]:
    """Yield what a ring is on the map: itself, or its parts on both sides of the edge."""
    unrolled: list[Point] = []
    for longitude, latitude in ring[:-1]:
        before = unrolled[-1][0] if unrolled else longitude
        turns = round((before - longitude) / 360)
        unrolled.append((longitude + 360 * turns, latitude))
    for shift in (-360, 0, 360):
        part = [(longitude + shift, latitude) for longitude, latitude in unrolled]
        for edge, side in ((180.0, 1), (-180.0, -1)):
            part = list(_clip(part, edge, side))
        yield part


def _clip(ring: Sequence[Point], edge: float, side: int) -> Iterator[Point]:
    """Yield the part of a ring on one side of a meridian (Sutherland, Hodgman 1974)."""
    for at, (longitude, latitude) in enumerate(ring):
        before = ring[at - 1]
        if (before[0] * side <= edge * side) != (longitude * side <= edge * side):
            share = (edge - before[0]) / (longitude - before[0])
            yield edge, before[1] + share * (latitude - before[1])
        if longitude * side <= edge * side:
            yield longitude, latitude


def _rings(country: Polygon | MultiPolygon) -> Iterator[list[int]]:
    polygons = [country.arcs] if isinstance(country, Polygon) else country.arcs
    for polygon in polygons:
        yield from polygon


def _join(arcs: Sequence[Sequence[Point]], ring: Iterable[int]) -> list[Point]:
    points: list[Point] = []
    for number in ring:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        points += arc[1:] if points else arc
    return points


def _thin(arc: Sequence[Point]) -> list[Point]:
    """Leave out the corners that span the least area (Visvalingam, Whyatt 1993), never the ends."""
    kept = list(arc)
    corners = [project(*point) for point in arc]
    fewest = 4 if kept[0] == kept[-1] else 2
    while len(kept) > fewest:
        spans = [_area(corners[at - 1 : at + 2]) for at in range(1, len(corners) - 1)]
        least = min(spans)
        if least >= LEAST_CORNER:
            break
        at = spans.index(least) + 1
        del kept[at], corners[at]
    return kept


def _area(ring: Sequence[Point]) -> float:
    crossed = sum(
        ring[at - 1][0] * ring[at][1] - ring[at][0] * ring[at - 1][1] for at in range(len(ring))
    )
    return abs(crossed) / 2


def _path(rings: Iterable[Sequence[Point]]) -> str:
    """Write rings as an SVG path: an absolute corner, then whole steps from it."""
    written = []
    for ring in rings:
        corners = [(round(x), round(y)) for x, y in ring]
        steps = [f"{to[0] - at[0]} {to[1] - at[1]}" for at, to in pairwise(corners) if to != at]
        if steps:
            written.append(f"M{corners[0][0]} {corners[0][1]}l{' '.join(steps)}z")
    return "".join(written).replace(" -", "-")


def _places() -> dict[str, Point]:
    """Return where a country's first time zone lies, for each country that has one."""
    zones = resources.files("tzdata").joinpath("zoneinfo")
    tab = zones.joinpath("zone.tab").read_text("utf-8")
    links = zones.joinpath("tzdata.zi").read_text("utf-8")
    codes = set(read_zones(tab, links).values())
    found: dict[str, Point] = {}
    for line in tab.splitlines():
        if line and not line.startswith("#"):
            code, where = line.split("\t")[:2]
            if code in codes and code not in found:
                cut = max(where.rfind("+"), where.rfind("-"))
                latitude = SOUTH + 1 if code == ANTARCTICA else _degrees(where[:cut])
                longitude = 0.0 if code == ANTARCTICA else _from_middle(_degrees(where[cut:]))
                found[code] = project(longitude, latitude)
    return found


def _degrees(text: str) -> float:
    """Read ``+DDMM``, ``+DDMMSS``, ``+DDDMM`` or ``+DDDMMSS``, as zone.tab writes them."""
    digits = text[1:]
    whole = 3 if len(digits) in (5, 7) else 2
    parts = [digits[:whole], digits[whole : whole + 2], digits[whole + 2 :] or "0"]
    degrees = sum(int(part) / 60.0**power for power, part in enumerate(parts))
    return -degrees if text[0] == "-" else degrees


if __name__ == "__main__":
    sys.exit(main())
