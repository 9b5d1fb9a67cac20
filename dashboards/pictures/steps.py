"""What a histogram of steps tells of the values behind it: percentiles, and shares by rating.

A number was counted as the step that it lies in, as `anonymizer.events.step_of` writes it, and
is not known any closer. A percentile therefore lies in a step for certain; where in the step is
estimated, as if its values were spread over it evenly.
"""

import math
import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

_STEP = re.compile(
    r"<(?P<below>-?[0-9]+)|≥(?P<above>-?[0-9]+)|(?P<first>-?[0-9]+)(?:–(?P<last>-?[0-9]+))?"
)


class Step(Struct, frozen=True):
    """How many values lie from `low` up to, not including, `high`."""

    low: int
    high: int | None
    """None of the last step, which has no end."""
    number: int


class Estimate(Struct, frozen=True):
    """A percentile: it lies from `low` up to `high`, and is about `value`."""

    value: float
    """Of the last step its lower end, beyond which nothing is known."""
    low: int
    high: int | None


class Limits(Struct, frozen=True):
    """Up to where values are good, and from where on they are poor."""

    good: int
    poor: int


class Shares(Struct, frozen=True):
    """The shares of values, of 0 to 1 in all, that are good, poor and in between."""

    good: float
    middling: float
    poor: float


def read_steps(counted: Iterable[tuple[str, int]]) -> tuple[Step, ...]:
    """Return the steps that words stand for, the lowest first; words that are none are left out.

    The lowest begins at 0 where it has no beginning of its own: what is measured is no less.
    """
    found: dict[tuple[int, int | None], int] = {}
    for word, number in counted:
        bounds = _bounds(word)
        if bounds is not None and number > 0:
            found[bounds] = found.get(bounds, 0) + number
    ordered = sorted(found, key=lambda bounds: (bounds[0], bounds[1] or math.inf))
    return tuple(Step(low, high, found[low, high]) for low, high in ordered)


def count_of(steps: Sequence[Step]) -> int:
    """Return how many values there are in all."""
    return sum(step.number for step in steps)


def percentile(steps: Sequence[Step], share: float) -> Estimate | None:
    """Estimate the least value that at least `share` of all values don't exceed.

    None where not even one value is to be expected beyond it: of fewer than 20 values, the 95th
    percentile is nothing but the largest.
    """
    count = count_of(steps)
    if count * (1 - share) < 1 - 1e-9:
        return None
    rank = max(1, math.ceil(share * count - 1e-9))
    below = 0
    for step in steps:
        if rank <= below + step.number:
            return _within(step, (rank - below) / (step.number + 1))
        below += step.number
    return None


def share_by_rating(steps: Sequence[Step], limits: Limits) -> Shares | None:
    """Return the shares of good, middling and poor values; None of no value.

    Exact but for values that are just a limit, where limits are bounds of steps; a step with a
    limit inside counts as where its lower end is.
    """
    count = count_of(steps)
    if not count:
        return None
    good = sum(step.number for step in steps if step.low < limits.good)
    poor = sum(step.number for step in steps if step.low >= limits.poor)
    return Shares(good / count, (count - good - poor) / count, poor / count)


def _bounds(word: str) -> tuple[int, int | None] | None:
    told = _STEP.fullmatch(word)
    if told is None:
        return None
    if told["below"] is not None:
        high = int(told["below"])
        return min(0, high - 1), high
    if told["above"] is not None:
        return int(told["above"]), None
    first = int(told["first"])
    last = first if told["last"] is None else int(told["last"])
    return (first, last + 1) if first <= last else None


def _within(step: Step, share: float) -> Estimate:
    if step.high is None:
        return Estimate(float(step.low), step.low, None)
    return Estimate(step.low + share * (step.high - step.low), step.low, step.high)
