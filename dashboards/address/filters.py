"""Filters as an address writes them: ``f=DIMENSION:OP:VALUE``, one parameter a value.

Values of the same dimension and operation are one condition: ``f=country:is:DE&f=country:is:FR``
wants either, ``f=page:is_not:/a&f=page:is_not:/b`` neither. Different conditions must all hold.
"""

from collections.abc import Iterable, Sequence

from anonymizer.policy import Dimension
from dashboards.asking.filters import MAX_WORD, Contains, Is, IsNot, Match
from dashboards.words import message

Condition = Is | IsNot | Contains

MAX_FILTERS = 30
"""Values of all conditions."""

OPERATIONS: dict[str, type[Condition]] = {"is": Is, "is_not": IsNot, "contains": Contains}

_PARTS = 3
_DIMENSIONS = frozenset(map(str, Dimension))


class FilterError(ValueError):
    """A filter that can't be; the message is one sentence and echoes no input."""


def read_filters(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Read all ``f`` of an address, in its order.

    Raises:
        FilterError: one has no such dimension or operation, or they are too many.
    """
    if len(texts) > MAX_FILTERS:
        raise FilterError(message("The address has too many filters."))
    found: tuple[Condition, ...] = ()
    for text in texts:
        parts = text.split(":", _PARTS - 1)
        if len(parts) < _PARTS:
            raise FilterError(message("A filter is not written as dimension, operation and value."))
        found = add_filter(found, read_filter(*parts))
    return found


def read_filter(dimension: str, operation: str, value: str) -> Condition:
    """Read one filter of one value; raises FilterError."""
    if dimension not in _DIMENSIONS:
        raise FilterError(message("A filter names a dimension that there is not."))
    if operation not in OPERATIONS:
        raise FilterError(message("A filter names an operation that there is not."))
    if len(value) > MAX_WORD or not is_plain(value):
        raise FilterError(message("The value of a filter is too long or holds control characters."))
    if not value and operation == "contains":
        raise FilterError(message("A filter lacks its value."))
    return OPERATIONS[operation](Dimension(dimension), (value,))


def add_filter(filters: Iterable[Condition], more: Condition) -> tuple[Condition, ...]:
    """Return filters with one more; its values join those of the same dimension and operation."""
    left: list[Condition] = []
    for each in filters:
        if type(each) is type(more) and each.dimension == more.dimension:
            values = tuple(dict.fromkeys((*each.values, *more.values)))
            left.append(type(each)(each.dimension, values))
            more = left[-1]
        else:
            left.append(each)
    return tuple(left) if any(each is more for each in left) else (*left, more)


def write_filters(filters: Iterable[Condition]) -> list[str]:
    """Return what reads back as these filters."""
    return [
        f"{each.dimension}:{operation_of(each)}:{value}"
        for each in filters
        for value in each.values
    ]


def operation_of(match: Match) -> str:
    """Return the name of a condition's operation."""
    return next(name for name, kind in OPERATIONS.items() if isinstance(match, kind))


def is_plain(text: str) -> bool:
    """Tell whether text has no control character and no half of a surrogate pair."""
    return not any(
        ord(sign) < 32 or ord(sign) == 127 or "\ud800" <= sign <= "\udfff" for sign in text
    )
