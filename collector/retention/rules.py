"""What holds for the cells of each statistic, also of one that the policy no longer declares."""

import re
from collections.abc import Iterable

from msgspec import Struct

from anonymizer.policy import Dimension, Grain, Policy, PurposeId, Statistic
from anonymizer.policy_statistics import default_min_group
from collector.clock import DAY_SECONDS
from collector.retention.cells import is_guarded
from collector.schema.tables import cells_of

# As `collector.schema.tables.cells_of` writes it.
_STORED = re.compile(r"(?P<name>[a-z0-9_]+)\((?P<by>[a-z0-9_,]*)\)(\[.*\])?", re.DOTALL)
_STRICTEST = 20  # the largest of the shipped sizes, for what can't be read


class Rule(Struct, frozen=True):
    """How cells that stand under one name are treated."""

    name: str
    """The statistic's name in the policy, or in the one that declared it."""
    width: int
    """How many keys its cells have."""
    min_group: int
    """0 where cells are not held to a group size."""
    keep_days: int | None
    """What the policy says now; None when it declares no such statistic."""

    def kept_seconds(self, label: int) -> int:
        """Return how long cells are kept that were counted under `label` days.

        A policy that shortens is obeyed at once, one that lengthens for what it counts itself.
        """
        return DAY_SECONDS * (label if self.keep_days is None else min(label, self.keep_days))


def read_rules(policy: Policy, stored: Iterable[str]) -> dict[str, Rule]:
    """Return the rule of each name under which cells stand."""
    declared = {cells_of(statistic): statistic for statistic in policy.statistics}
    return {name: _rule(name, declared.get(name)) for name in stored}


def _rule(stored: str, declared: Statistic | None) -> Rule:
    statistic = declared or _read_stored(stored)
    if statistic is None:
        return Rule(stored, 3, _STRICTEST, None)
    return Rule(
        name=statistic.name,
        width=len(statistic.by),
        min_group=statistic.min_group if is_guarded(statistic) else 0,
        keep_days=None if declared is None else declared.keep_days,
    )


def _read_stored(stored: str) -> Statistic | None:
    """Read a name under which cells stand; None when it is of another release."""
    found = _STORED.fullmatch(stored)
    if found is None:
        return None
    words = found["by"].split(",") if found["by"] else []
    if not set(words) <= set(Dimension):
        return None
    by = tuple(Dimension(word) for word in words)
    size = default_min_group(found["name"], by)
    return Statistic(found["name"], PurposeId(""), by, Grain.DAY, size, 0)
