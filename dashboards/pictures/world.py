"""The shapes of countries, made by tools/refresh_map.py, as the map draws them."""

from functools import cache
from importlib import resources

from msgspec import Struct, json


class World(Struct, frozen=True):
    """SVG paths in a box of `width` and `height`, by ISO 3166-1 alpha-2 code."""

    width: int
    height: int
    land: str
    """What has no code of its own."""
    shapes: dict[str, str]
    dots: dict[str, tuple[int, int]]
    """Where countries lie that are too small to be seen, or have no shape at all."""

    @property
    def codes(self) -> frozenset[str]:
        """Return every country that can be drawn."""
        return frozenset((*self.shapes, *self.dots))


@cache
def read_world() -> World:
    """Read the shapes, once."""
    path = resources.files("dashboards.pictures").joinpath("world.json")
    return json.decode(path.read_bytes(), type=World)
