"""Cells as the retention job reads them, and which statistics' cells it judges by their size."""

from collections.abc import Mapping

from anonymizer.policy import Statistic
from collector.plan import is_coverage, is_delivered, is_machines

Keys = tuple[str, ...]

Numbers = tuple[int, ...]
"""A cell's number for each of `collector.schema.tables.MEASURES`, in order: visitors first."""

Spot = tuple[str, int | None]
"""A statistic's name in the policy, and local seconds of a period's start; None: of its month."""

Table = Mapping[Spot, Mapping[Keys, Numbers]]
"""The cells of one site and month."""


def is_guarded(statistic: Statistic) -> bool:
    """Tell whether a statistic's cells need a number of visitors to be shown on their own."""
    unheld = is_coverage(statistic) or is_machines(statistic) or is_delivered(statistic)
    return statistic.min_group > 1 and not unheld
