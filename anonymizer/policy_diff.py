"""What changed from one policy to the next, and whether consent must be asked anew.

Two policies come in, every difference between them goes out, each weighed by the
list of major changes in imoa's policy (9.1 to 9.6). Order of tables is no difference.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from anonymizer.policy import Policy, Property, Purpose, Site, Statistic
from anonymizer.policy_weighing import (
    EVENT_FIELDS,
    FUNNEL_FIELDS,
    GOAL_FIELDS,
    POLICY_FIELDS,
    PROPERTY_FIELDS,
    PURPOSE_FIELDS,
    REGION_FIELDS,
    SITE_FIELDS,
    STATISTIC_FIELDS,
    Clause,
    Table,
    Weigh,
)


class Part(StrEnum):
    """What part of a policy a change is in, as its file heads it."""

    POLICY = "policy"
    SITE = "site"
    PURPOSE = "purpose"
    STATISTIC = "statistic"
    EVENT = "event"
    PROPERTY = "event.property"
    GOAL = "goal"
    FUNNEL = "funnel"
    REGION = "residency.regions"


class Change(Struct, frozen=True):
    """One difference; `str` tells it in the words of the policy file."""

    part: Part
    name: str
    """The table's own, such as a site's domain or ``signup: plan`` for a property of an event;
    empty for the policy."""
    key: str
    """The key in the file; empty when the whole table came or went."""
    old: str
    """The value before, as the file would have it; empty for none."""
    new: str
    clause: Clause | None = None
    """None when consent given before goes on."""

    @property
    def major(self) -> bool:
        """Whether consent given before is void after it."""
        return self.clause is not None

    def __str__(self) -> str:
        """Render as ``statistic pages: min_group: 3 → 1 (major, imoa 9.1)``."""
        subject = f"{self.part} {self.name}".strip()
        where = f"{subject}: {self.key}" if self.key else subject
        weight = f"major, imoa {self.clause}" if self.clause else "not major"
        return f"{where}: {_shown(self.old)} → {_shown(self.new)} ({weight})"


def compare(old: Policy, new: Policy) -> tuple[Change, ...]:
    """Return every difference in meaning, those of the policy first, then table by table.

    A purpose, an event, a goal, a funnel or a statistic that comes is major, and a region that
    comes or goes: counters lie elsewhere then. A site that comes is not: its visitors were never
    asked, and consent given on another site was never theirs.
    """
    new_use, elsewhere = Clause.PROCESSING, Clause.CROSS_BORDER
    regions = old.regions, new.regions
    return (
        *_fields(Part.POLICY, "", old, new, POLICY_FIELDS),
        *_tables(Part.REGION, *regions, REGION_FIELDS, elsewhere, elsewhere),
        *_tables(Part.SITE, _sites(old), _sites(new), SITE_FIELDS, None),
        *_tables(Part.PURPOSE, _purposes(old), _purposes(new), PURPOSE_FIELDS, new_use),
        *_tables(Part.EVENT, old.events, new.events, EVENT_FIELDS, new_use),
        *_tables(Part.PROPERTY, _properties(old), _properties(new), PROPERTY_FIELDS, new_use),
        *_tables(Part.GOAL, old.goals, new.goals, GOAL_FIELDS, new_use),
        *_tables(Part.FUNNEL, old.funnels, new.funnels, FUNNEL_FIELDS, new_use),
        *_tables(Part.STATISTIC, _statistics(old), _statistics(new), STATISTIC_FIELDS, new_use),
    )


def _sites(policy: Policy) -> dict[str, Site]:
    return dict(policy.sites.items())


def _purposes(policy: Policy) -> dict[str, Purpose]:
    return {purpose.id: purpose for purpose in policy.purposes}


def _statistics(policy: Policy) -> dict[str, Statistic]:
    return {statistic.name: statistic for statistic in policy.statistics}


def _properties(policy: Policy) -> dict[str, Property]:
    return {
        f"{event.name}: {of.name}": of
        for event in policy.events.values()
        for of in event.properties
    }


def _tables(
    part: Part,
    old: Mapping[str, Table],
    new: Mapping[str, Table],
    weighed: Mapping[str, tuple[str, Weigh[Table]]],
    comes: Clause | None,
    goes: Clause | None = None,
) -> Iterator[Change]:
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            yield Change(part, name, "", _summary(old[name], weighed), "", goes)
        elif name not in old:
            yield Change(part, name, "", "", _summary(new[name], weighed), comes)
        else:
            yield from _fields(part, name, old[name], new[name], weighed)


def _fields(
    part: Part,
    name: str,
    old: Table,
    new: Table,
    weighed: Mapping[str, tuple[str, Weigh[Table]]],
) -> Iterator[Change]:
    for field, (key, weigh) in weighed.items():
        before, after = _plain(getattr(old, field)), _plain(getattr(new, field))
        if before != after:
            yield Change(part, name, key, _words(before), _words(after), weigh(old, new))


def _summary(table: Table, weighed: Mapping[str, tuple[str, Weigh[Table]]]) -> str:
    values = {key: _words(_plain(getattr(table, field))) for field, (key, _) in weighed.items()}
    naming, *rest = values.items()
    return ", ".join(f"{key} = {value}" for key, value in rest or [naming] if value)


def _plain(value: object) -> object:
    # Two objects of one zone need not be equal.
    return value.key if isinstance(value, ZoneInfo) else value


def _words(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]" if value else ""
    if isinstance(value, dict):
        return ", ".join(f"{key} = {item}" for key, item in value.items())
    return str(value)


def _shown(value: str) -> str:
    return value or "none"
