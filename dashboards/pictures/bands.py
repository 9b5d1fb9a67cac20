"""The geometry of bands that flow into one bar from both sides."""

from collections.abc import Sequence

from msgspec import Struct

ROW = 44
"""Pixels from one row of a list to the next; the rows stand beside the drawing."""
GAP = 8
"""Pixels between the bands of two rows at least."""
WIDTH = 200
MIDDLE = (96, 104)
"""Where the bar begins and ends."""
MIN_BAND = 1.5
"""Pixels; what is little beside much must not vanish."""


class Bands(Struct, frozen=True):
    """SVG paths in a box of WIDTH by `height`, one for each row of both lists."""

    height: int
    left: tuple[str, ...]
    right: tuple[str, ...]
    bar: tuple[float, float]
    """Upper edge and height of the bar in the middle."""


def lay_bands(left: Sequence[int], right: Sequence[int]) -> Bands:
    """Lay a band for each number, as thick as it is large; the largest fills its row.

    Lists of different lengths are both centred.
    """
    rows = max(len(left), len(right), 1)
    height = rows * ROW
    scale = (ROW - GAP) / max((*left, *right, 1))
    thick_left, thick_right = (
        [max(MIN_BAND, number * scale) for number in side] for side in (left, right)
    )
    bar = max(sum(thick_left), sum(thick_right), MIN_BAND)
    return Bands(
        height=height,
        left=_side(thick_left, height, 0, MIDDLE[0]),
        right=_side(thick_right, height, WIDTH, MIDDLE[1]),
        bar=(round((height - bar) / 2, 2), round(bar, 2)),
    )


def _side(thick: Sequence[float], height: int, outer: int, inner: int) -> tuple[str, ...]:
    """Return the bands of a side, from the rows at `outer` to the bar at `inner`."""
    paths = []
    at_bar = (height - sum(thick)) / 2
    first_row = (height - len(thick) * ROW) / 2
    middle = (outer + inner) / 2
    for number, band in enumerate(thick):
        at_row = first_row + ROW * (number + 0.5) - band / 2
        paths.append(
            f"M{outer} {at_row:.2f}"
            f"C{middle:g} {at_row:.2f} {middle:g} {at_bar:.2f} {inner} {at_bar:.2f}"
            f"V{at_bar + band:.2f}"
            f"C{middle:g} {at_bar + band:.2f} {middle:g} {at_row + band:.2f}"
            f" {outer} {at_row + band:.2f}Z"
        )
        at_bar += band
    return tuple(paths)
