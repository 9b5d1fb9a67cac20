"""Small charts without words: values in, the paths of a line and of the area below it out."""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 100
HEIGHT = 24
_MARGIN = 1.5  # half of the line's width, and a little air


class Sparkline(NamedTuple):
    """Paths in a box of WIDTH × HEIGHT that is stretched to its place."""

    line: str
    area: str


def draw_sparkline(values: Sequence[float | None]) -> Sparkline | None:
    """Draw values in order of time; None where no two of them are told, for there is no line.

    The lowest end of the scale is nothing, so that heights can be compared. What is None at the end
    is yet to come and left out; elsewhere it counts as nothing.
    """
    told = list(values)
    while told and told[-1] is None:
        told.pop()
    if len(told) < 2:
        return None
    most = max((value or 0 for value in told), default=0)
    step = WIDTH / (len(values) - 1)
    reach = HEIGHT - 2 * _MARGIN
    corners = "L".join(
        f"{_short(index * step)} {_short(HEIGHT - _MARGIN - reach * _share(value, most))}"
        for index, value in enumerate(told)
    )
    end = _short((len(told) - 1) * step)
    return Sparkline(f"M{corners}", f"M{corners}V{HEIGHT}H0Z" if end else "")


def _share(value: float | None, most: float) -> float:
    return min(1.0, max(0.0, (value or 0) / most)) if most > 0 else 0.0


def _short(number: float) -> str:
    return f"{round(number, 1):g}"
