"""Bars of parts: how a whole is made up, in percent, side by side without gaps or overlaps."""

from collections.abc import Sequence

from msgspec import Struct


class Part(Struct, frozen=True):
    """A part of a bar; `x` and `width` in percent of it."""

    kind: str
    """Names its colour in pictures.css."""
    x: float
    width: float
    title: str


def lay_parts(parts: Sequence[tuple[str, int, str]], whole: int | None = None) -> tuple[Part, ...]:
    """Lay kinds with their numbers and titles beside each other; those of nothing are left out.

    The whole is what they sum up to where none is given.
    """
    of = whole or sum(number for _, number, _ in parts)
    laid: list[Part] = []
    at = 0
    for kind, number, title in parts:
        if number > 0 and of > 0 and at < of:
            held = min(number, of - at)
            laid.append(Part(kind, percent(at, of), percent(held, of), title))
            at += held
    return tuple(laid)


def percent(number: float, of: float) -> float:
    """Return a share in percent, held within 0 and 100, for an attribute of SVG."""
    return round(100 * min(1.0, max(0.0, number / of)), 3) if of > 0 else 0.0
