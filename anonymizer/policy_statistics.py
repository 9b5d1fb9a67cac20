"""The rules of a single statistic: what may be counted together, and from how many visitors on."""

import re
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from anonymizer.policy import (
    FUNNEL_DIMENSIONS,
    MACHINE_DIMENSIONS,
    MAIL_DIMENSIONS,
    MAX_DIMENSIONS,
    PROPERTY_DIMENSIONS,
    Dimension,
    Event,
    Grain,
    Purpose,
    PurposeId,
    Statistic,
)
from anonymizer.policy_filters import FILTER_KEYS, Filter, read_filter
from anonymizer.policy_sections import KEYS
from anonymizer.policy_tables import Table

COVERAGE = "coverage"
"""The statistic that every policy has: hits by door and reason, refused ones included."""

RESERVED_NAMES = ("cells", "inbox", "system", "default")  # tables and databases of the store

_NAME = re.compile(
    rf"(?!(?:{'|'.join(RESERVED_NAMES)})\Z)(?=.{{1,40}}\Z)[a-z][a-z0-9]*(_[a-z0-9]+)*"
)
_NAME_WANTED = f"a snake_case name of at most 40 characters, none of {', '.join(RESERVED_NAMES)}"
_COVERAGE_BY = (Dimension.DOOR, Dimension.REASON)
_OF_MAIL = MAIL_DIMENSIONS | {Dimension.CAMPAIGN}
_DELIVERED = {Dimension.CAMPAIGN, Dimension.VARIANT}
_OF_ONE_HIT = {Dimension.PAGE, Dimension.PREVIOUS_PAGE, Dimension.EVENT, Dimension.GOAL}


def read_statistic(
    table: Table, purposes: Mapping[PurposeId, Purpose], events: Mapping[str, Event]
) -> Statistic:
    """Read one ``[[statistic]]``, the purposes and events of the whole policy being known."""
    table.refuse_unknown(KEYS["statistic"])
    name = table.read_text("name", _NAME, _NAME_WANTED)
    purpose = purposes.get(PurposeId(table.read_text("purpose")))
    if purpose is None and isinstance(table.values.get("purpose"), str):
        table.refuse("purpose", "must be the id of a [[purpose]]")
    held = read_filter(table, events)
    by = _read_dimensions(table, name, held)
    grain = table.read_word("grain", Grain, default=Grain.DAY)
    if name == COVERAGE:
        _check_coverage(table, by, grain)
    if by and set(by) <= MACHINE_DIMENSIONS:
        _check_machines(table, grain)
    if by and not MAIL_DIMENSIONS.isdisjoint(by) and grain is not Grain.DAY:
        table.refuse("grain", 'must be "day" for e-mail')
    statistic = Statistic(
        name=name,
        purpose=purpose.id if purpose else PurposeId(""),
        by=by or (),
        grain=grain,
        min_group=1,
        keep_days=_read_keep_days(table, purpose),
        event=held.event,
        property=held.property,
    )
    return replace(statistic, min_group=_read_min_group(table, statistic))


def counts_refusals(statistic: Statistic) -> bool:
    """Tell whether a statistic counts hits that serve no purpose: those refused."""
    by = frozenset(statistic.by)
    return statistic.name == COVERAGE or (bool(by) and by <= MACHINE_DIMENSIONS)


def default_min_group(name: str, by: tuple[Dimension, ...]) -> int:
    """Return the group size of a statistic that states none: the finer, the larger.

    Source: the shipped group sizes of docs/policy.md.
    """
    if name == COVERAGE or MACHINE_DIMENSIONS.issuperset(by):  # totals, too
        return 1
    if set(by) == _DELIVERED:  # told by the operator
        return 1
    if Dimension.NETWORK in by:
        return 20
    return 3 if len(by) == 1 else 5


def _read_dimensions(table: Table, name: str, held: Filter) -> tuple[Dimension, ...] | None:
    """Read ``by``; None when it is faulty."""
    words = table.read_strings("by")
    if words is None:
        return None if "by" in table else ()
    if not set(words) <= set(Dimension):
        table.refuse("by", f"must name dimensions only; known are {', '.join(Dimension)}")
        return None
    by = tuple(Dimension(word) for word in words)
    if held.event and name == COVERAGE:
        table.refuse("event", "must not stand in coverage")
    for message in held.faults_of(by) if held.event else _combination_faults(by, name):
        table.refuse("by", message)
    return by


def _combination_faults(by: tuple[Dimension, ...], name: str) -> Iterator[str]:
    if len(by) > MAX_DIMENSIONS:
        yield f"must name at most {MAX_DIMENSIONS} dimensions"
    if len(set(by)) < len(by):
        yield "must name each dimension once"
    if not set(by).isdisjoint(_COVERAGE_BY) and name != COVERAGE:
        yield "must not name door or reason: they belong to coverage alone"
    # A view has no view before it unless the page it went to is told as well.
    if Dimension.PREVIOUS_PAGE in by and Dimension.PAGE not in by:
        yield "must name page beside previous_page"
    if Dimension.PREVIOUS_PAGE in by and Dimension.EVENT in by:
        yield "must not name previous_page beside event"
    # Entry and exit are one page a visit, page and previous_page are many.
    if Dimension.ENTRY_PAGE in by and not {Dimension.PAGE, Dimension.PREVIOUS_PAGE}.isdisjoint(by):
        yield "must not name entry_page beside page or previous_page"
    # The exit moves with each view, and with it would every dimension beside it.
    if Dimension.EXIT_PAGE in by and len(by) > 1:
        yield "must name exit_page alone"
    yield from _subject_faults(frozenset(by))
    yield from _goal_faults(frozenset(by))
    yield from _mail_faults(frozenset(by))


def _subject_faults(by: frozenset[Dimension]) -> Iterator[str]:
    """Hold what is no view of a page to what is known of it."""
    if by & MACHINE_DIMENSIONS and not by <= MACHINE_DIMENSIONS:
        yield "must name nothing beside bot and bot_kind: a refused hit tells no more"
    if Dimension.MASK in by and len(by) > 1:
        yield "must name mask alone"
    if Dimension.VALUE in by and Dimension.PROPERTY not in by:
        yield "must name property beside value"
    if Dimension.PROPERTY in by and not {Dimension.EVENT} < by <= PROPERTY_DIMENSIONS:
        yield "must name event beside property, and no other than value"


def _goal_faults(by: frozenset[Dimension]) -> Iterator[str]:
    """Hold goals to what is known of them, and steps to what stays the same for a whole visit."""
    if Dimension.GOAL in by and by & {Dimension.EVENT, Dimension.PREVIOUS_PAGE}:
        yield "must not name event or previous_page beside goal"
    if by & FUNNEL_DIMENSIONS and not by >= FUNNEL_DIMENSIONS:
        yield "must name funnel and step beside each other"
    if by & FUNNEL_DIMENSIONS and by & _OF_ONE_HIT:
        yield "must not name page, previous_page, event or goal beside funnel: steps are of a visit"


def _mail_faults(by: frozenset[Dimension]) -> Iterator[str]:
    """Hold e-mail to what is known at its door, and to its campaign, whose recipients count."""
    if by & MAIL_DIMENSIONS and not {Dimension.CAMPAIGN} < by <= _OF_MAIL:
        yield "must name campaign beside variant, mail_kind or link, and no other"
    if {Dimension.MAIL_KIND, Dimension.LINK} <= by:
        yield "must not name mail_kind beside link: a link counts clicks of persons alone"


def _check_coverage(table: Table, by: tuple[Dimension, ...] | None, grain: Grain) -> None:
    """Hold a refused hit to its one +1 by site, day, door and reason (law 3)."""
    if by is not None and by != _COVERAGE_BY:
        table.refuse("by", 'must be ["door", "reason"] in coverage')
    if grain is not Grain.DAY:
        table.refuse("grain", 'must be "day" in coverage')


def _check_machines(table: Table, grain: Grain) -> None:
    """Hold machines, which are refused hits, to their day."""
    if grain is not Grain.DAY:
        table.refuse("grain", 'must be "day" for bots: a refused hit tells no hour')


def _read_min_group(table: Table, statistic: Statistic) -> int:
    # One event's cells are cells of all events too, so that they are as fine as by its name.
    by_shape = default_min_group(statistic.name, statistic.dimensions())
    min_group = table.read_whole("min_group", by_shape)
    # An inherited size was meant for the inherited dimensions.
    finer = not table.given.keys().isdisjoint(("by", *FILTER_KEYS))
    if finer and "min_group" not in table.given:
        return max(min_group, by_shape)
    return min_group


def _read_keep_days(table: Table, purpose: Purpose | None) -> int:
    if purpose is None:
        return table.read_whole("keep_days", 1)
    keep_days = table.read_whole("keep_days", purpose.keep_days)
    if keep_days > purpose.keep_days and "keep_days" in table.given:
        table.refuse("keep_days", f"must not exceed its purpose's {purpose.keep_days} days")
    # The default may inherit a purpose that this file keeps for a shorter time.
    return min(keep_days, purpose.keep_days)
