"""Which functions may be used: a list of names, made by looking at each one the engine has."""

from functools import cache
from importlib.resources import files

# Written by the parser, no functions of the engine's list.
_SYNTAX = frozenset({"lambda", "untuple", "exists", "grouping"})

# Each makes another aggregate function of one.
_COMBINATORS = (
    *("If", "Array", "Map", "Distinct", "OrDefault", "OrNull", "Null", "ForEach", "Resample"),
    *("ArgMin", "ArgMax", "State", "SimpleState", "Merge", "MergeState", "Tuple"),
)
_MOST_COMBINATORS = 5

ROWS_OUT_OF_NOTHING = frozenset(
    {"numbers", "zeros", "generate_series", "generateseries", "values", "sqlstandardvalues"}
)
"""Table functions that read nothing, in small letters."""


def may_be_used(name: str) -> bool:
    """Tell whether a function, or an aggregate with combinators, may be used."""
    lower = name.lower()  # the engine takes some names in any case
    if lower in _SYNTAX or lower in names_in("functions"):
        return True
    return _is_aggregate(name)


def _is_aggregate(name: str) -> bool:
    for _ in range(_MOST_COMBINATORS):
        if name.lower() in names_in("aggregates"):
            return True
        shorter = next((name.removesuffix(end) for end in _COMBINATORS if name.endswith(end)), "")
        if not shorter:
            return False
        name = shorter
    return name.lower() in names_in("aggregates")


@cache
def names_in(list_name: str) -> frozenset[str]:
    """Return the names of one list in small letters."""
    text = (files(__package__) / f"{list_name}.txt").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(name.lower() for line in lines for name in line.split())
