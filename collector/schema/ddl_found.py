"""What a store says of itself: which policy it counts under, and what it holds.

The materialized view's comment tells the declared statistics, for a cell tells neither its
group size nor its purpose. It is written last, so a migration that was cut short is seen.
"""

from datetime import date

import msgspec
from msgspec import Struct

from anonymizer.policy import Dimension, Grain, PurposeId, Statistic
from collector.schema.ddl import Ask, Place, read_place, text
from collector.schema.tables import BATCH, DATABASE, MEASURES, cells_of

NEXT = "cells_next"
"""The table that takes the place of `cells` when measures are added."""

_SUMMED = "extract(engine_full, 'SummingMergeTree\\\\(.*?\\\\(([^)]*)\\\\)')"
_INTO_CELLS = f"database = '{DATABASE}' AND name = 'into_cells'"


class Counters(Struct, frozen=True):
    """The cells of one name and kind."""

    name: str
    """As `cells_of` makes it."""
    grain: str
    """``month`` for what belongs to no single day."""
    keep_days: int
    cells: int
    first: date
    """When the oldest of their periods begins, on the wall clock of its site."""
    last: date


class Found(Struct, frozen=True):
    """What a store holds, at one moment."""

    statistics: tuple[Statistic, ...]
    """What it counts. Of a store of release 0.1, what its cells tell: no purpose, group size 0."""
    counters: tuple[Counters, ...]
    views: tuple[str, ...]
    """The guarded views that stand, by name."""
    into_cells: str
    """The materialized view's query; empty when no policy was ever applied."""
    unsummed: tuple[str, ...]
    """Measures that `cells` does not add up, in a store of an earlier release."""
    replicated: bool
    swapped: bool = False
    """Whether `NEXT` is there: what was in `cells` before measures were added, or a part of it."""
    place: Place = Place()


def read_found(ask: Ask, *, count: bool = True) -> Found:
    """Ask a store for what it holds; it may be one that nothing was ever applied to.

    To `count` its counters reads a column of every cell; without it there are none.
    """
    shown = ask(f"SELECT as_select, comment FROM system.tables WHERE {_INTO_CELLS}")
    summed = ask(
        f"SELECT {_SUMMED}, engine_full LIKE 'Replicated%' FROM system.tables"
        f" WHERE database = '{DATABASE}' AND name = 'cells'"
    )
    counters = _read_counters(ask) if summed and count else ()
    views = ask(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
        # On a server others' views may stand beside ours.
        f" AND position(as_select, '{DATABASE}.') != 0 ORDER BY name"
    )
    ((swapped,),) = ask(
        f"SELECT count() FROM system.tables WHERE database = '{DATABASE}' AND name = '{NEXT}'"
    )
    into_cells, comment = shown[0] if shown else ("", "")
    measures = summed[0][0].split(", ") if summed else MEASURES
    return Found(
        statistics=_read_declared(comment) or _told_by(counters),
        counters=counters,
        views=tuple(view for (view,) in views),
        into_cells=into_cells,
        unsummed=tuple(measure for measure in MEASURES if measure not in measures),
        replicated=bool(summed and summed[0][1]),
        swapped=bool(swapped),
        place=read_place(ask),
    )


def declare(statistics: tuple[Statistic, ...]) -> str:
    """Return the statement that writes down what the store counts."""
    told = msgspec.json.encode(statistics).decode()
    return f"ALTER TABLE {DATABASE}.into_cells MODIFY COMMENT {text(told)}"


def _read_declared(comment: str) -> tuple[Statistic, ...]:
    try:
        return msgspec.json.decode(comment, type=tuple[Statistic, ...])
    except msgspec.MsgspecError:
        return ()


def _read_counters(ask: Ask) -> tuple[Counters, ...]:
    rows = ask(
        "SELECT statistic, toString(grain), keep_days, count(), toDate(min(period)),"
        f" toDate(max(period)) FROM {DATABASE}.cells WHERE statistic != '{BATCH}'"
        " GROUP BY statistic, grain, keep_days ORDER BY statistic, grain, keep_days"
    )
    return tuple(Counters(*row) for row in rows)


def _told_by(counters: tuple[Counters, ...]) -> tuple[Statistic, ...]:
    told = {}
    for of in counters:
        name, _, by = of.name.removesuffix(")").partition("(")
        words = [word for word in by.split(",") if word]
        if of.grain in set(Grain) and set(words) <= set(Dimension):
            dimensions = tuple(map(Dimension, words))
            told[name] = Statistic(
                name, PurposeId(""), dimensions, Grain(of.grain), 0, of.keep_days
            )
    return tuple(told.values())


def counted_as(statistic: Statistic, counters: tuple[Counters, ...]) -> tuple[Counters, ...]:
    """Return the counters that a statistic's view shows or, of its own name, would show."""
    return tuple(of for of in counters if of.name == cells_of(statistic))
