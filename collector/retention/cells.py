"""One cell as the retention job reads it, and whether it counts too few visitors to stay."""

from msgspec import Struct

from anonymizer.policy import Statistic
from collector.plan import is_coverage, is_machines


class Cell(Struct, frozen=True):
    """The numbers of one statistic under one set of keys, in one period of one site."""

    statistic: str
    """The statistic's name in the policy."""
    period: int | None
    """Local seconds of the period's start; None: a month cell, of no single period."""
    keys: tuple[str, ...]
    visitors: int
    visits: int
    views: int
    bounces: int
    seconds: int
    hits: int


def is_guarded(statistic: Statistic) -> bool:
    """Tell whether a statistic's cells need a number of visitors to be shown on their own."""
    return statistic.min_group > 1 and not is_coverage(statistic) and not is_machines(statistic)
