"""The rules of an ``[[event]]`` and its properties: a closed list of what may come with it."""

import re
from itertools import pairwise

from anonymizer.gate import PAGE_VIEW
from anonymizer.policy import (
    DEFAULT_MAX_VALUES,
    DEFAULT_TEXT_VALUES,
    DEPTH,
    ENGAGEMENT,
    Event,
    Property,
)
from anonymizer.policy_sections import KEYS
from anonymizer.policy_tables import Table

MAX_PROPERTIES = 30
MAX_STEPS = 20
HIGHEST_STEP = 10**12
MAX_CELLS = 400  # of a grid: 20 × 20 tells a column of a page from the next, and no word in it
HIGHEST_MAX_VALUES = 1_000_000

NAME = re.compile(r"(?=.{1,60}\Z)[^\W_](?:[\w .:-]*[\w.:-])?")
NAME_WANTED = (
    "at most 60 letters, digits, spaces and . _ : -, a letter or digit first, no space last"
)
_WAYS = ("values", "steps", "reached", "grid", "text")
_NAMELESS = Property("")


def read_event(table: Table) -> Event:
    """Read one ``[[event]]`` with its ``[[event.property]]``."""
    table.refuse_unknown(KEYS["event"])
    name = table.read_text("name", NAME, NAME_WANTED)
    if name == PAGE_VIEW:
        table.refuse("name", f"must not be {PAGE_VIEW}: page views are counted without")
    tables = table.read_tables("property")
    if len(tables) > MAX_PROPERTIES:
        table.refuse("property", f"must not be given more than {MAX_PROPERTIES} times")
    lines: dict[str, int] = {}
    properties = []
    for of in tables:
        found = _read_property(of)
        if found.name in lines:
            of.refuse("name", f"must be unique: line {lines[found.name]} gives it already")
        elif found.name:
            lines[found.name] = of.line("name")
        properties.append(found)
    interactive = table.read_switch("interactive") if "interactive" in table else True
    event = Event(name, tuple(properties), interactive)
    if name == ENGAGEMENT:
        _check_engagement(table, event)
    return event


def read_max_values(table: Table) -> int:
    """Read ``[limits]``."""
    table.refuse_unknown(KEYS["limits"])
    return table.read_whole("max_values", DEFAULT_MAX_VALUES, HIGHEST_MAX_VALUES)


def _check_engagement(table: Table, event: Event) -> None:
    """Hold engagement to what an engagement hit tells: one number of percent, and no act."""
    if event.interactive:
        table.refuse("interactive", f"must be false in {ENGAGEMENT}: it is told of every page")
    if any(of.name != DEPTH or not of.reached for of in event.properties):
        table.refuse("property", f'must be none or "{DEPTH}" by reached in {ENGAGEMENT}')


def _read_property(table: Table) -> Property:
    table.refuse_unknown(KEYS["event.property"])
    name = table.read_text("name", NAME, NAME_WANTED)
    is_text = table.read_switch("text")
    ways = [way for way in _WAYS if way in table and table.values[way] is not False]
    if len(ways) != 1:
        found = f"not {' and '.join(ways)}" if ways else "and has none"
        wanted = "values, steps, reached, grid and text = true"
        table.refuse("name", f"must have one of {wanted}, {found}")
        return _NAMELESS
    if "max_values" in table and not is_text:
        table.refuse("max_values", "must stand beside text = true only")
    return Property(
        name=name,
        values=_read_values(table) if "values" in table else (),
        steps=_read_steps(table, "steps") if "steps" in table else (),
        reached=_read_steps(table, "reached") if "reached" in table else (),
        grid=_read_grid(table) if "grid" in table else (),
        text=is_text,
        max_values=table.read_whole("max_values", DEFAULT_TEXT_VALUES, HIGHEST_MAX_VALUES),
    )


def _read_values(table: Table) -> tuple[str, ...]:
    values = table.read_texts("values")
    if len(set(values)) < len(values) or table.values["values"] == []:
        table.refuse("values", "must be different strings, at least one")
    return values


def _read_steps(table: Table, key: str) -> tuple[int, ...]:
    steps = table.values[key]
    if (
        isinstance(steps, list)
        and 1 <= len(steps) <= MAX_STEPS
        and all(type(step) is int and 0 <= step <= HIGHEST_STEP for step in steps)
        and all(lower < higher for lower, higher in pairwise(steps))
    ):
        return tuple(steps)
    table.refuse(
        key,
        f"must be 1 to {MAX_STEPS} whole numbers from 0 to {HIGHEST_STEP}, each above the last",
    )
    return ()


def _read_grid(table: Table) -> tuple[int, ...]:
    grid = table.values["grid"]
    if (
        isinstance(grid, list)
        and len(grid) == 2  # columns and rows
        and all(type(size) is int and size > 0 for size in grid)
        and grid[0] * grid[1] <= MAX_CELLS
    ):
        return tuple(grid)
    table.refuse("grid", f"must be columns and rows, whole numbers of {MAX_CELLS} cells at most")
    return ()
