"""The rules of an ``[[event]]`` and its properties: a closed list of what may come with it."""

import re
from itertools import pairwise

from anonymizer.gate import PAGE_VIEW
from anonymizer.policy import DEFAULT_MAX_VALUES, DEFAULT_TEXT_VALUES, Event, Property
from anonymizer.policy_sections import KEYS
from anonymizer.policy_tables import Table

MAX_PROPERTIES = 30
MAX_STEPS = 20
HIGHEST_STEP = 10**12
HIGHEST_MAX_VALUES = 1_000_000

_NAME = re.compile(r"(?=.{1,60}\Z)[^\W_](?:[\w .:-]*[\w.:-])?")
_NAME_WANTED = (
    "at most 60 letters, digits, spaces and . _ : -, a letter or digit first, no space last"
)
_WAYS = ("values", "steps", "text")
_NAMELESS = Property("")


def read_event(table: Table) -> Event:
    """Read one ``[[event]]`` with its ``[[event.property]]``."""
    table.refuse_unknown(KEYS["event"])
    name = table.read_text("name", _NAME, _NAME_WANTED)
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
    return Event(name, tuple(properties))


def read_max_values(table: Table) -> int:
    """Read ``[limits]``."""
    table.refuse_unknown(KEYS["limits"])
    return table.read_whole("max_values", DEFAULT_MAX_VALUES, HIGHEST_MAX_VALUES)


def _read_property(table: Table) -> Property:
    table.refuse_unknown(KEYS["event.property"])
    name = table.read_text("name", _NAME, _NAME_WANTED)
    is_text = table.read_switch("text")
    ways = [way for way in _WAYS if way in table and table.values[way] is not False]
    if len(ways) != 1:
        found = f"not {' and '.join(ways)}" if ways else "and has none"
        table.refuse("name", f"must have one of values, steps and text = true, {found}")
        return _NAMELESS
    if "max_values" in table and not is_text:
        table.refuse("max_values", "must stand beside text = true only")
    return Property(
        name=name,
        values=_read_values(table) if "values" in table else (),
        steps=_read_steps(table) if "steps" in table else (),
        text=is_text,
        max_values=table.read_whole("max_values", DEFAULT_TEXT_VALUES, HIGHEST_MAX_VALUES),
    )


def _read_values(table: Table) -> tuple[str, ...]:
    values = table.read_texts("values")
    if len(set(values)) < len(values) or table.values["values"] == []:
        table.refuse("values", "must be different strings, at least one")
    return values


def _read_steps(table: Table) -> tuple[int, ...]:
    steps = table.values["steps"]
    if (
        isinstance(steps, list)
        and 1 <= len(steps) <= MAX_STEPS
        and all(type(step) is int and 0 <= step <= HIGHEST_STEP for step in steps)
        and all(lower < higher for lower, higher in pairwise(steps))
    ):
        return tuple(steps)
    table.refuse(
        "steps",
        f"must be 1 to {MAX_STEPS} whole numbers from 0 to {HIGHEST_STEP}, each above the last",
    )
    return ()
