"""The one materialized view, made from ``into_cells.sql`` and the policy.

It adds a row of the inbox to the cells of every declared statistic that it
serves, but for the partitions that its insert says hold it already.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from hashlib import blake2b
from importlib.resources import files
from string import Template

from msgspec import Struct
from msgspec.structs import fields

from anonymizer.policy import Dimension, Policy, Statistic
from collector.counted import CountedHit, Tells
from collector.plan import (
    Plan,
    counts_visits,
    is_coverage,
    is_delivered,
    is_engagement,
    is_exit,
    is_machines,
    tells_of,
)
from collector.schema.tables import BATCH, DATABASE, cells_of

# A hit without these has no cell in a statistic that is told apart by them.
_OPTIONAL = frozenset(
    {
        Dimension.REFERRER,
        Dimension.CAMPAIGN,
        Dimension.CAMPAIGN_SOURCE,
        Dimension.CAMPAIGN_MEDIUM,
        Dimension.CAMPAIGN_CONTENT,
        Dimension.CAMPAIGN_TERM,
    }
)
# The same of e-mail, whose campaign is always told.
_OF_MAIL = frozenset({Dimension.MAIL_KIND, Dimension.LINK})

# What an insert tells of itself, in words; see ``into_cells.sql``.
_TOLD = "splitByChar(' ', getSetting('log_comment'))"

# The inbox's columns in which a dimension stands that has none of its own name.
_COLUMNS = {
    Dimension.EVENT: "subject",
    Dimension.MASK: "subject",
    Dimension.BOT: "subject",
    Dimension.BOT_KIND: "property",
    Dimension.GOAL: "subject",
    Dimension.FUNNEL: "subject",
    Dimension.STEP: "property",
    Dimension.MAIL_KIND: "subject",
    Dimension.VARIANT: "property",
    Dimension.LINK: "value",
}


class _Adds(IntEnum):
    """What a row adds to a cell; the numbers stand in ``into_cells.sql``."""

    HITS = 0
    VISITS = 1
    VIEWS = 2
    EXIT_FROM = 3
    EXIT_TO = 4
    BATCH = 5
    EVENTS = Tells.EVENT
    PROPERTIES = Tells.PROPERTY
    MASKS = Tells.MASK
    MACHINES = Tells.MACHINE
    GOALS = Tells.GOAL
    STEPS = Tells.FUNNEL
    MAIL = Tells.MAIL
    DELIVERED = Tells.DELIVERED
    ENGAGED = 14


_TELLS = {
    **dict.fromkeys((_Adds.VISITS, _Adds.VIEWS, _Adds.EXIT_FROM, _Adds.EXIT_TO), Tells.VIEW),
    _Adds.ENGAGED: Tells.EVENT,
}
"""The rows that add to a cell, where they are not those of its own number."""


class _Kind(Struct, frozen=True):
    """The cells of one statistic to which a row adds in one way."""

    statistic: str
    keep_days: int
    grain: str
    adds: _Adds
    keys: tuple[str, ...] = ()
    purpose_bit: int = 0
    first_bit: int = 0
    wanted_keys: int = 0
    """Bit i is set for key i when a cell wants one of these; 0 when it wants none."""
    event: str = ""
    """The one event whose rows add to the cell; empty where rows of any do."""
    of_property: str = ""
    """The one property of that event."""


class Meaning(Struct, frozen=True):
    """What rows mean that were counted under one policy: how cells are made of them."""

    name: str
    """A digest of the query. The view takes the rows of inserts alone that tell its own."""
    columns: tuple[str, ...]
    """The columns of the inbox, in the order of a row's values."""
    select: str
    """The view's query."""


def create_into_cells(policy: Policy, plan: Plan) -> str:
    """Return the statement that makes the view where there is none."""
    return create_view_of(meaning_of(policy, plan))


def create_view_of(meaning: Meaning) -> str:
    """Return the statement that makes the view where there is none."""
    return (
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {DATABASE}.into_cells"
        f" TO {DATABASE}.cells AS\n{meaning.select}"
    )


def meaning_of(policy: Policy, plan: Plan) -> Meaning:
    """Return what rows mean that are counted under a policy."""
    kinds = [kind for statistic in policy.statistics for kind in _kinds_of(statistic, plan)]
    kept = sorted({statistic.keep_days for statistic in policy.statistics})
    kinds += [_Kind(BATCH, keep_days, "month", _Adds.BATCH, (f"{_TOLD}[1]",)) for keep_days in kept]
    numbers = {tells: _numbers_of(tells, kinds) for tells in Tells}
    keys = [(*kind.keys, "''", "''", "''")[:3] for kind in kinds]
    statement = (files("collector.schema") / "into_cells.sql").read_text("utf-8")
    template = Template(statement).safe_substitute(
        told=_TOLD,
        kinds=_by_row({tells: [str(n) for n in of] for tells, of in numbers.items()}),
        keys_1=_by_row({tells: [keys[n - 1][0] for n in of] for tells, of in numbers.items()}),
        keys_2=_by_row({tells: [keys[n - 1][1] for n in of] for tells, of in numbers.items()}),
        keys_3=_by_row({tells: [keys[n - 1][2] for n in of] for tells, of in numbers.items()}),
        statistics=_array(f"'{kind.statistic}'" for kind in kinds),
        keep_days=_array(kind.keep_days for kind in kinds),
        grains=_array(f"'{kind.grain}'" for kind in kinds),
        adds=_array(kind.adds.value for kind in kinds),
        wanted_keys=_array(kind.wanted_keys for kind in kinds),
        purpose_bits=_array(kind.purpose_bit for kind in kinds),
        first_bits=_array(kind.first_bit for kind in kinds),
        events=_array(f"'{kind.event}'" for kind in kinds),
        properties=_array(f"'{kind.of_property}'" for kind in kinds),
    )
    columns = tuple(field.name for field in fields(CountedHit))
    name = blake2b(f"{columns} {template}".encode(), digest_size=8).hexdigest()
    return Meaning(name, columns, Template(template).substitute(name=name))


def _numbers_of(tells: Tells, kinds: Sequence[_Kind]) -> list[int]:
    """List the kinds of cells that a row may add to: those of what it tells, hits and batches."""
    return [
        number
        for number, kind in enumerate(kinds, 1)
        if kind.adds in (_Adds.HITS, _Adds.BATCH) or _TELLS.get(kind.adds, kind.adds) == tells
    ]


def _by_row(arrays: dict[Tells, list[str]]) -> str:
    """Choose an array by what a row tells, so that it meets no kind of cell in vain."""
    *others, last = arrays.items()
    chosen = "".join(f"tells = {tells.value}, {_array(of)}, " for tells, of in others)
    return f"multiIf({chosen}{_array(last[1])})"


def _array(values: Iterable[object]) -> str:
    return f"[{', '.join(str(value) for value in values)}]"


def _kinds_of(statistic: Statistic, plan: Plan) -> list[_Kind]:
    def kind(adds: _Adds, *keys: str, first_bit: int = 0, wanted_keys: int = 0) -> _Kind:
        return _Kind(
            cells_of(statistic),
            statistic.keep_days,
            statistic.grain.value,
            adds,
            keys,
            plan.purpose_bit(statistic.purpose),
            first_bit,
            wanted_keys,
            statistic.event,
            statistic.property,
        )

    keys = tuple(_COLUMNS.get(dimension, dimension.value) for dimension in statistic.by)
    if is_coverage(statistic):
        return [kind(_Adds.HITS, "door", "reason")]
    if is_machines(statistic):
        return [kind(_Adds.MACHINES, *keys)]
    if is_delivered(statistic):
        return [kind(_Adds.DELIVERED, *keys)]
    if is_exit(statistic):
        return [kind(_Adds.EXIT_FROM, "exit_from"), kind(_Adds.EXIT_TO, "exit_to")]
    tells = tells_of(statistic.dimensions())
    if is_engagement(statistic):
        adds = _Adds.ENGAGED
    elif tells is not Tells.VIEW:
        adds = _Adds(tells)
    else:
        adds = _Adds.VISITS if counts_visits(statistic) else _Adds.VIEWS
    optional = _OF_MAIL if tells is Tells.MAIL else _OPTIONAL
    return [
        kind(
            adds,
            *keys,
            first_bit=plan.combination_bit(statistic),
            wanted_keys=sum(1 << at for at, d in enumerate(statistic.by) if d in optional),
        )
    ]
