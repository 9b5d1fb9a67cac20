"""What a policy would change on a store, in words and in statements, and nothing done.

`Store.apply` does it at the next start. It runs forward only: no statement of it deletes a
counter (docs/decisions/0019).
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from anonymizer.policy import Policy, Statistic
from collector.plan import Plan
from collector.schema.ddl import place_views
from collector.schema.ddl_found import NEXT, Counters, Found, counted_as, declare
from collector.schema.into_cells import create_into_cells, meaning_of
from collector.schema.tables import DATABASE, MEASURES, cells_of, create_tables
from collector.schema.views import create_views

_CREATE_CELLS = f"CREATE TABLE IF NOT EXISTS {DATABASE}.cells "


class CantMigrate(Exception):
    """A store that the collector can't bring to this release by itself; the text says why."""


def describe(found: Found, policy: Policy) -> tuple[str, ...]:
    """Return the lines that tell what becomes of each statistic, or of its counters."""
    old = {statistic.name: statistic for statistic in found.statistics}
    new = {statistic.name: statistic for statistic in policy.statistics}
    lines: list[str] = []
    for statistic in policy.statistics:
        if statistic.name not in old:
            lines += _added(statistic, found.counters)
        else:
            lines += _altered(old[statistic.name], statistic, found.counters)
    for statistic in found.statistics:
        if statistic.name not in new:
            lines.append(f"- {_shape(statistic)}")
            lines.append("    its view goes")
            lines += _hidden(counted_as(statistic, found.counters))
    return tuple(lines) or ("No statistic changes.",)


def migration(found: Found, policy: Policy, plan: Plan) -> tuple[str, ...]:
    """Return the statements that bring a store to a policy; none where nothing would change.

    Raises:
        CantMigrate: a replicated table lacks measures.
        TooManyCombinations: the statistics need more than the counters can tell apart.
    """
    meaning = meaning_of(policy, plan)
    if not found.into_cells:
        tables = (*upgrade_cells(found), *create_tables(), create_into_cells(policy, plan))
    elif meaning.name in found.into_cells:
        tables = upgrade_cells(found)
    else:
        alter = f"ALTER TABLE {DATABASE}.into_cells MODIFY QUERY {meaning.select}"
        tables = (*upgrade_cells(found), *create_tables(), alter)
    same = set(found.statistics) if tables == () else set()
    wanted = {statistic.name for statistic in policy.statistics}
    placed = place_views(create_views(policy), found.place)
    return (
        *tables,
        *(drop_view(view) for view in found.views if view not in wanted),
        *(
            statement
            for statistic, statement in zip(policy.statistics, placed, strict=True)
            if statistic not in same or statistic.name not in found.views
        ),
        *(() if found.statistics == policy.statistics else (declare(policy.statistics),)),
    )


def drop_view(view: str) -> str:
    """Return the statement that takes away the view of a statistic that is no longer declared."""
    return f"DROP VIEW IF EXISTS `{view}` SYNC"


def upgrade_cells(found: Found) -> tuple[str, ...]:
    """Return the statements that make `cells` add up measures that it lacks.

    The list of what a SummingMergeTree adds up can't be altered. So a new table takes the
    parts of the old one, as hard links, and then its place, in one step. Cut short anywhere,
    they are run again from the first. No insert may run meanwhile.

    Raises:
        CantMigrate: the table is replicated, so that no node can do it alone.
    """
    drop = f"DROP TABLE IF EXISTS {DATABASE}.{NEXT} SYNC"
    if not found.unsummed:
        return (drop,) if found.swapped else ()
    if found.replicated:
        raise CantMigrate(
            f"{DATABASE}.cells is replicated and lacks {', '.join(found.unsummed)}:"
            " see docs/clickhouse-server.md, Releases"
        )
    (create,) = (each for each in create_tables() if each.startswith(_CREATE_CELLS))
    columns = ", ".join(f"ADD COLUMN IF NOT EXISTS {measure} Int64" for measure in MEASURES)
    return (
        drop,
        f"ALTER TABLE {DATABASE}.cells {columns}",
        create.replace(_CREATE_CELLS, f"CREATE TABLE {DATABASE}.{NEXT} "),
        f"ALTER TABLE {DATABASE}.{NEXT} ATTACH PARTITION ALL FROM {DATABASE}.cells",
        f"EXCHANGE TABLES {DATABASE}.{NEXT} AND {DATABASE}.cells",
        drop,
    )


def _added(statistic: Statistic, counters: tuple[Counters, ...]) -> Iterator[str]:
    yield f"+ {_shape(statistic)}"
    yield "    counts from the next start on; of before nothing can be had"
    earlier = counted_as(statistic, counters)
    if earlier:
        yield f"    {_told(earlier)}, of an earlier policy, show again"


def _altered(old: Statistic, new: Statistic, counters: tuple[Counters, ...]) -> Iterator[str]:
    if cells_of(old) != cells_of(new):
        yield f"~ {new.name}: by {_words(old)} → {_words(new)}"
        yield "    goes on from nothing, under other cells; of before nothing can be had"
        yield from _hidden(counted_as(old, counters))
    if old.grain is not new.grain:
        yield f"~ {new.name}: grain {old.grain} → {new.grain}"
        yield f"    its view shows what is counted by {new.grain} from the next start on"
        kept = [of for of in counted_as(old, counters) if of.grain == old.grain]
        yield from _hidden(kept if cells_of(old) == cells_of(new) else ())
    if old.min_group and old.min_group != new.min_group:
        yield f"~ {new.name}: min_group {old.min_group} → {new.min_group}"
        if new.min_group > old.min_group:
            yield "    its view hides smaller groups at once, the next nightly run folds them away"
        elif new.min_group == 1:
            yield "    what was put together already stays out of sight until its days end"
        else:
            yield "    what was put together already stays so"
    if old.keep_days != new.keep_days:
        yield f"~ {new.name}: keep_days {old.keep_days} → {new.keep_days}"
        if new.keep_days < old.keep_days:
            yield "    older counters go with the next nightly run"
        else:
            yield f"    what was counted until now keeps its {old.keep_days} days"
    if old.purpose and old.purpose != new.purpose:
        yield f"~ {new.name}: purpose {old.purpose} → {new.purpose}"
        yield "    hits count by what they permit for the new purpose; its counters stay"


def _hidden(counters: Iterable[Counters]) -> Iterator[str]:
    counters = tuple(counters)
    if counters:
        end = max(of.last + timedelta(of.keep_days) for of in counters)
        yield f"    {_told(counters)} stay out of sight until their days end, the last on {end}"


def _told(counters: tuple[Counters, ...]) -> str:
    cells = sum(of.cells for of in counters)
    first, last = min(of.first for of in counters), max(of.last for of in counters)
    return f"{cells:,} counters from {first} to {last}"


def _shape(statistic: Statistic) -> str:
    return (
        f"{statistic.name}: by {_words(statistic)}, grain {statistic.grain},"
        f" min_group {statistic.min_group or 'unknown'}, keep_days {statistic.keep_days},"
        f" purpose {statistic.purpose or 'unknown'}"
    )


def _words(statistic: Statistic) -> str:
    held = ": ".join(filter(None, (statistic.event, statistic.property)))
    return f"[{', '.join(statistic.by)}]" + (f" of {held}" if held else "")
