"""Which rows a question is about: conditions on words of dimensions, and, or, not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Union

from msgspec import Meta, Struct

from anonymizer.policy import Dimension
from dashboards.asking.unanswerable import Unanswerable

OTHER = "(other)"
"""Stands for words that too few visitors share; its row comes last."""
MAX_DEPTH = 5
MAX_CONDITIONS = 50
MAX_VALUES = 200
"""Words of one condition."""
MAX_ALL_VALUES = 500
"""Words of all conditions of a question."""
MAX_WORD = 2_000

Word = Annotated[str, Meta(max_length=MAX_WORD)]
Part = Annotated[str, Meta(min_length=1, max_length=MAX_WORD)]


class Match(Struct, frozen=True, tag_field="op", forbid_unknown_fields=True):
    """What a dimension's word must be."""

    dimension: Dimension


class Is(Match, frozen=True, tag="is"):
    """The word is one of these."""

    values: Annotated[tuple[Word, ...], Meta(min_length=1, max_length=MAX_VALUES)]


class IsNot(Match, frozen=True, tag="is_not"):
    """The word is none of these."""

    values: Annotated[tuple[Word, ...], Meta(min_length=1, max_length=MAX_VALUES)]


class Contains(Match, frozen=True, tag="contains"):
    """The word has one of these in it; upper and lower case differ.

    `OTHER` has none: what stands under it may have been any words.
    """

    values: Annotated[tuple[Part, ...], Meta(min_length=1, max_length=MAX_VALUES)]


class And(Struct, frozen=True, tag_field="op", tag="and", forbid_unknown_fields=True):
    """All of these hold."""

    filters: Annotated[tuple["Filter", ...], Meta(min_length=1, max_length=MAX_CONDITIONS)]


class Or(Struct, frozen=True, tag_field="op", tag="or", forbid_unknown_fields=True):
    """One of these holds, or several do."""

    filters: Annotated[tuple["Filter", ...], Meta(min_length=1, max_length=MAX_CONDITIONS)]


class Not(Struct, frozen=True, tag_field="op", tag="not", forbid_unknown_fields=True):
    """This does not hold."""

    filter: "Filter"


Filter = Union[Is, IsNot, Contains, And, Or, Not]  # noqa: UP007  # names of classes to come


def check_filters(filters: Sequence[Filter]) -> None:
    """Hold filters to their bounds.

    Raises:
        Unanswerable: they are nested too deep, too many, or name too many words.
    """
    found = list(_matches(filters, 1))
    if len(found) > MAX_CONDITIONS:
        raise Unanswerable("filters", f"must be at most {MAX_CONDITIONS} conditions")
    if sum(len(match.values) for match in found) > MAX_ALL_VALUES:
        raise Unanswerable("filters", f"must name at most {MAX_ALL_VALUES} values in all")
    if any("\0" in word for match in found for word in match.values):
        raise Unanswerable("filters", "must name values without the character U+0000")


def dimensions_of(filters: Sequence[Filter]) -> frozenset[Dimension]:
    """Return every dimension that filters name."""
    return frozenset(match.dimension for match in _matches(filters, 1))


def conjuncts_of(filters: Sequence[Filter]) -> Iterator[Filter]:
    """Yield the conditions that must all hold, whatever ``and`` they stand in."""
    for each in filters:
        if isinstance(each, And):
            yield from conjuncts_of(each.filters)
        else:
            yield each


def without(filters: Sequence[Filter], dimensions: frozenset[Dimension]) -> tuple[Filter, ...]:
    """Return filters without what they say of some dimensions.

    Raises:
        Unanswerable: it stands within ``or`` or ``not``, beside other dimensions.
    """
    left: list[Filter] = []
    for each in conjuncts_of(filters):
        named = dimensions_of([each])
        if not named & dimensions:
            left.append(each)
        elif named - dimensions:
            names = " or ".join(sorted(named & dimensions))
            raise Unanswerable("filters", f"must not name {names} beside others within or, not")
    return tuple(left)


def condition_of(
    filters: Sequence[Filter], columns: Mapping[Dimension, str], bound: dict[str, object]
) -> str:
    """Return SQL that holds for the rows wanted; the words are put into `bound`."""
    return " AND ".join(_write(each, columns, bound) for each in filters) or "1"


def _write(each: Filter, columns: Mapping[Dimension, str], bound: dict[str, object]) -> str:
    match each:
        case And(filters=inner):
            return f"({' AND '.join(_write(one, columns, bound) for one in inner)})"
        case Or(filters=inner):
            return f"({' OR '.join(_write(one, columns, bound) for one in inner)})"
        case Not(filter=one):
            return f"NOT ({_write(one, columns, bound)})"
        case Is() | IsNot() | Contains():
            name = f"words_{len(bound)}"
            bound[name] = list(each.values)
            words, column = f"{{{name}:Array(String)}}", columns[each.dimension]
            if isinstance(each, Contains):
                found = f"arrayExists(part -> position({column}, part) > 0, {words})"
                return f"({column} != '{OTHER}' AND {found})"
            return f"{'NOT ' if isinstance(each, IsNot) else ''}has({words}, {column})"


def _matches(filters: Sequence[Filter], depth: int) -> Iterator[Is | IsNot | Contains]:
    if depth > MAX_DEPTH:
        raise Unanswerable("filters", f"must be nested at most {MAX_DEPTH} deep")
    for each in filters:
        match each:
            case And() | Or():
                yield from _matches(each.filters, depth + 1)
            case Not():
                yield from _matches([each.filter], depth + 1)
            case Is() | IsNot() | Contains():
                yield each
