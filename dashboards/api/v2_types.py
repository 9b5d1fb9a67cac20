"""The shape of Plausible's Stats API v2, as its documentation gives it, for what exists here.

Source: https://plausible.io/docs/stats-api
"""

from typing import Annotated, Any

from msgspec import Meta, Struct

from dashboards.api.v2_names import (
    DAYS,
    DIMENSIONS,
    EVENTS,
    GRAINS,
    METRICS,
    MODIFIERS,
    MONTHS,
    OPERATORS,
    PROPERTY,
    TIME,
    YEAR,
)
from dashboards.asking.filters import MAX_VALUES, MAX_WORD
from dashboards.asking.metrics import Number

MAX_LIMIT = 10_000

_PROPERTY = {"type": "string", "pattern": f"^{PROPERTY}.", "maxLength": 200}
_TOLD = {"anyOf": [{"enum": [*DIMENSIONS]}, _PROPERTY]}
_TOLD_OR_TIME = {"anyOf": [{"enum": [*DIMENSIONS, TIME, *GRAINS]}, _PROPERTY]}
_CONDITION = {
    "type": "array",
    "prefixItems": [
        {"enum": [*OPERATORS]},
        _TOLD,
        {
            "type": "array",
            "items": {"type": ["string", "integer"], "maxLength": MAX_WORD},
            "minItems": 1,
            "maxItems": MAX_VALUES,
        },
        {"const": MODIFIERS},
    ],
    "minItems": 3,
    "maxItems": 4,
}
_TREE = {
    "anyOf": [
        _CONDITION,
        {
            "type": "array",
            "prefixItems": [
                {"enum": ["and", "or"]},
                {"type": "array", "items": _CONDITION, "minItems": 1},
            ],
            "minItems": 2,
            "maxItems": 2,
        },
        {
            "type": "array",
            "prefixItems": [{"const": "not"}, _CONDITION],
            "minItems": 2,
            "maxItems": 2,
        },
    ],
    "description": "Where a condition stands within and, or, not, another of these may stand.",
}

_Metric = Annotated[str, Meta(max_length=200, extra_json_schema={"enum": [*METRICS, EVENTS]})]
_Dimension = Annotated[str, Meta(max_length=200, extra_json_schema=_TOLD_OR_TIME)]
_Days = Annotated[str, Meta(max_length=200, extra_json_schema={"enum": [*DAYS, *MONTHS, YEAR]})]
_Day = Annotated[str, Meta(max_length=200, extra_json_schema={"format": "date"})]
_Way = Annotated[str, Meta(max_length=200, extra_json_schema={"enum": ["asc", "desc"]})]
_Name = Annotated[str, Meta(max_length=200)]
# Nested arrays of an operator and what it is about; read by hand, since no type tells them.
_Tree = Annotated[Any, Meta(extra_json_schema=_TREE)]


class Include(Struct, frozen=True, forbid_unknown_fields=True):
    """What is told besides."""

    imports: bool = False
    """Taken and of no effect: imported logs are counted as hits are."""
    time_labels: bool = False
    total_rows: bool = False


class Pagination(Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = MAX_LIMIT
    offset: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class QueryV2(Struct, frozen=True, forbid_unknown_fields=True):
    """A question in Plausible's words."""

    site_id: Annotated[str, Meta(min_length=1, max_length=253)]
    metrics: Annotated[tuple[_Metric, ...], Meta(min_length=1, max_length=20)]
    # Not `tuple[_Day, _Day]`: msgspec 0.22.0 crashes where one is part of a union.
    date_range: _Days | Annotated[tuple[_Day, ...], Meta(min_length=2, max_length=2)]
    dimensions: Annotated[tuple[_Dimension, ...], Meta(max_length=20)] = ()
    filters: Annotated[tuple[_Tree, ...], Meta(max_length=50)] = ()
    order_by: Annotated[tuple[tuple[_Name, _Way], ...], Meta(max_length=5)] = ()
    include: Include = Include()
    pagination: Pagination = Pagination()


class ResultV2(Struct, frozen=True):
    """One group."""

    metrics: tuple[Number, ...]
    dimensions: tuple[str, ...]


class UnplacedV2(Struct, frozen=True):
    """What the results lack, for it belongs to months and to no single day of them."""

    months: tuple[str, ...]
    sums: dict[str, int]


class DiscreetV2(Struct, frozen=True):
    """Where the numbers come from; no part of Plausible's shape."""

    statistic: str
    min_group: int
    counted_per: tuple[str, ...]
    unplaced: UnplacedV2 | None


class MetaV2(Struct, frozen=True, omit_defaults=True):
    """What was asked for by `include`."""

    discreet: DiscreetV2
    imports_included: bool | None = None
    time_labels: tuple[str, ...] | None = None
    total_rows: int | None = None


class AskedV2(Struct, frozen=True):
    """The question as it was understood."""

    site_id: str
    metrics: tuple[str, ...]
    date_range: tuple[str, str]
    dimensions: tuple[str, ...]
    filters: tuple[Any, ...]
    order_by: tuple[tuple[str, str], ...]
    include: Include
    pagination: Pagination


class AnswerV2(Struct, frozen=True):
    """A question's answer in Plausible's shape."""

    results: tuple[ResultV2, ...]
    meta: MetaV2
    query: AskedV2
