"""An event's properties, read by the policy's closed list.

Names and values as a page sent them come in; words that the policy declares go out. What it
doesn't declare leaves no trace.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from math import floor, isfinite

from anonymizer.hits import OTHER, Scalar
from anonymizer.policy import Event, Property
from anonymizer.scrub import scrub_text

MAX_TEXT_VALUE_CHARACTERS = 60

_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")


def read_properties(
    event: Event, raw_properties: Sequence[tuple[str, Scalar]]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the event's declared properties, each with its word, and the kinds masked in texts.

    A value of another type than declared is left out.
    """
    if not raw_properties or not event.properties:
        return (), ()
    given = dict(raw_properties)
    found: list[tuple[str, str]] = []
    masks: list[str] = []
    for declared in event.properties:
        if declared.name in given:
            word = _read_value(declared, given[declared.name], masks)
            if word:
                found.append((declared.name, word))
    return tuple(found), tuple(masks)


def _read_value(declared: Property, raw_value: Scalar, masks: list[str]) -> str:
    if declared.text:
        if not isinstance(raw_value, str):
            return ""
        text, masked = scrub_text(raw_value, MAX_TEXT_VALUE_CHARACTERS)
        masks.extend(masked)
        return text
    if declared.steps:
        number = _read_number(raw_value)
        return "" if number is None else step_of(number, declared.steps)
    text = _as_json(raw_value)
    return text if text in declared.values else OTHER


def step_of(number: float, steps: Sequence[int]) -> str:
    """Return the step that a number lies in: of 10 and 100 ``<10``, ``10–99`` or ``≥100``."""
    at = bisect_right(steps, floor(number))
    if at == 0:
        return f"<{steps[0]}"
    if at == len(steps):
        return f"≥{steps[-1]}"
    first, last = steps[at - 1], steps[at] - 1
    return str(first) if first == last else f"{first}–{last}"  # a range's dash


def _read_number(raw_value: Scalar) -> float | None:
    # Attributes of HTML, from which tags read properties, hold text alone.
    if isinstance(raw_value, str):
        return float(raw_value) if _NUMBER.fullmatch(raw_value) else None
    if isinstance(raw_value, bool) or not isfinite(raw_value):
        return None
    return raw_value


def _as_json(raw_value: Scalar) -> str:
    if isinstance(raw_value, bool):
        return "true" if raw_value else "false"
    return raw_value if isinstance(raw_value, str) else str(raw_value)
