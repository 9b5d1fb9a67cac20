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
from anonymizer.scrub import MAX_TEXT_CHARACTERS, scrub_text

MAX_TEXT_VALUE_CHARACTERS = 60
MAX_ADDRESS_CHARACTERS = 200  # of a link or a file: 60 end in its folder
MOST_IN_A_CELL = 100
"""How often, at most, something happened in one cell of a grid in one hit."""

_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
# An address up to its query: one word with a dot or a slash in it. The scheme tells nothing.
_ADDRESS = re.compile(
    r"(?:(?i:https?):)?(?://)?(?P<address>(?=[^\s?#]*[./])[^\s?#]+)(?:[?#].*|\Z)", re.DOTALL
)
_CELL = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})(?:\*([0-9]{1,4}))?")
_LONGEST_CELL = 13  # with the space behind it


def read_properties(
    event: Event, raw_properties: Sequence[tuple[str, Scalar]]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the event's declared properties, each with its word, and the kinds masked in texts.

    A value of another type than declared is left out. Those that count anything but the event
    itself are read by `read_activity`.
    """
    if not raw_properties or not event.properties:
        return (), ()
    given = dict(raw_properties)
    found: list[tuple[str, str]] = []
    masks: list[str] = []
    for declared in event.properties:
        if declared.name in given and not (declared.reached or declared.grid):
            word = _read_value(declared, given[declared.name], masks)
            if word:
                found.append((declared.name, word))
    return tuple(found), tuple(masks)


def read_activity(
    event: Event, raw_properties: Sequence[tuple[str, Scalar]]
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str, int], ...]]:
    """Return the bounds that numbers reach, and the cells of grids with how often.

    A number of another type is left out, and so is each piece of a grid that tells no cell of it.
    """
    given = dict(raw_properties)
    reached: list[tuple[str, str]] = []
    cells: list[tuple[str, str, int]] = []
    for declared in event.properties:
        raw_value = given.get(declared.name)
        if raw_value is None:
            continue
        if declared.reached:
            number = _read_number(raw_value)
            if number is not None:
                reached += [(declared.name, str(at)) for at in declared.reached if at <= number]
        elif declared.grid and isinstance(raw_value, str):
            counts = _read_grid(raw_value, *declared.grid)
            cells += [(declared.name, cell, number) for cell, number in counts.items()]
    return tuple(reached), tuple(cells)


def read_text(raw_text: str) -> tuple[str, tuple[str, ...]]:
    """Return a free text as it counts, and the kinds masked in it; an address has no query."""
    address = _ADDRESS.fullmatch(raw_text.strip()[:MAX_TEXT_CHARACTERS])
    if address is None:
        return scrub_text(raw_text, MAX_TEXT_VALUE_CHARACTERS)
    return scrub_text(address["address"], MAX_ADDRESS_CHARACTERS)


def _read_grid(raw_cells: str, columns: int, rows: int) -> dict[str, int]:
    most = columns * rows * _LONGEST_CELL
    if len(raw_cells) > most:
        raw_cells = raw_cells[:most].rpartition(" ")[0]  # a cell that is cut tells of another
    counts: dict[str, int] = {}
    for raw_cell in raw_cells.split():
        told = _CELL.fullmatch(raw_cell)
        if told is None:
            continue
        column, row = int(told[1]), int(told[2])
        number = int(told[3] or 1)
        if column < columns and row < rows and number:
            cell = f"{column}.{row}"
            counts[cell] = min(counts.get(cell, 0) + number, MOST_IN_A_CELL)
    return counts


def _read_value(declared: Property, raw_value: Scalar, masks: list[str]) -> str:
    if declared.text:
        if not isinstance(raw_value, str):
            return ""
        text, masked = read_text(raw_value)
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
    if isinstance(raw_value, bool) or (isinstance(raw_value, float) and not isfinite(raw_value)):
        return None
    return raw_value  # a whole number of any length


def _as_json(raw_value: Scalar) -> str:
    if isinstance(raw_value, bool):
        return "true" if raw_value else "false"
    return raw_value if isinstance(raw_value, str) else str(raw_value)
