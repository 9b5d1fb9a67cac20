"""What `/api/v1/query` takes and answers; docs/api.md and the OpenAPI document follow."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from anonymizer.policy import Dimension
from dashboards.address.periods import Grain, PeriodName
from dashboards.asking.filters import MAX_CONDITIONS, Filter
from dashboards.asking.metrics import Metric, Number
from dashboards.asking.question import TIME

MAX_LIMIT = 1_000
MAX_OFFSET = 1_000_000

Day = Annotated[
    str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", extra_json_schema={"format": "date"})
]


class Sorting(Struct, frozen=True, forbid_unknown_fields=True):
    """What rows are ordered by."""

    by: Annotated[str, Meta(extra_json_schema={"enum": [*Metric, *Dimension, TIME]})]
    """A metric or dimension of the question, or the time."""
    descending: bool = False


class QueryV1(
    Struct, frozen=True, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}
):
    """A question about one site."""

    site: Annotated[str, Meta(min_length=1, max_length=253)]
    """Its domain, as the policy writes it."""
    metrics: Annotated[tuple[Metric, ...], Meta(min_length=1, max_length=len(Metric))]
    dimensions: Annotated[tuple[Dimension, ...], Meta(max_length=len(Dimension))] = ()
    """What rows are told apart by."""
    filters: Annotated[tuple[Filter, ...], Meta(max_length=MAX_CONDITIONS)] = ()
    """All of them hold."""
    period: PeriodName | None = None
    """The last 28 days where neither this nor days are given."""
    first: Day | None = None
    last: Day | None = None
    grain: Grain | None = None
    """Tells rows apart by time as well."""
    compare: Literal["previous", "year"] | None = None
    """Asks the same of as many days just before, or of the same days a year before."""
    order: Annotated[tuple[Sorting, ...], Meta(max_length=5)] = ()
    """By time, else by the first metric, what is hidden last."""
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = 100
    offset: Annotated[int, Meta(ge=0, le=MAX_OFFSET)] = 0


class RowV1(Struct, frozen=True):
    """One group; rates and shares are of 0 to 1."""

    time: str | None
    """``2026-03-01``, or ``2026-03-01 12:00`` of an hour, on the site's wall clock."""
    dimensions: dict[str, str]
    metrics: dict[str, Number]


class UnplacedV1(Struct, frozen=True):
    """What rows and totals lack, for it belongs to months and to no single day of them."""

    months: tuple[str, ...]
    """By their first days."""
    sums: dict[str, int]


class PartV1(Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """The rows of one stretch of days."""

    first: str
    last: str
    rows: tuple[RowV1, ...]
    groups: int
    """How many rows there are in all."""
    totals: dict[str, Number]
    unplaced: UnplacedV1 | None


class MetaV1(Struct, frozen=True):
    """Where the numbers come from."""

    site: str
    statistic: str
    """The statistic of the policy that answered."""
    min_group: int
    """Visitors that a group counts at least; smaller ones are together under ``(other)``."""
    counted_per: tuple[str, ...]
    """Dimensions under each word of which a visitor counts once, and so perhaps several times."""
    goes_on: bool
    """Whether the days hold today: what they are compared with are whole days."""


class AnswerV1(PartV1, frozen=True, rename={"first": "from", "last": "to"}, kw_only=True):
    """A question's answer."""

    meta: MetaV1
    compared: PartV1 | None
