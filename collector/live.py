"""How many visitors are on a site now: rounded, anew once a minute, from the visit memory alone.

Takes a count, gives bounds within which it lies; no count leaves.
"""

from collections.abc import Callable

from msgspec import Struct

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from collector.pipeline import Pipeline

WINDOW_SECONDS = 300
_FRESH_SECONDS = 60


class LiveVisitors(Struct, frozen=True):
    """What is told of the visitors on a site now: at least the one, at most the other."""

    least: int
    """A multiple of the group size; 0 where fewer than that may be there."""
    most: int


def round_count(count: int, size: int, beyond: int) -> LiveVisitors:
    """Return bounds for a count, in steps of `size`, the step lying `beyond` a multiple of it.

    With `beyond` drawn at random below the size, one visitor more or less shows in one reading of
    `size`, whatever else is known of who is there (docs/privacy.md). A count below the size is
    always told as one that may be 0.
    """
    least = max(0, (count - beyond) // size * size)
    return LiveVisitors(least, least + 2 * (size - 1))


class Live:
    """Counts when it is asked, and no site twice in the same minute."""

    def __init__(
        self,
        pipeline: Pipeline,
        policy: Policy,
        now: Callable[[], int],
        draw: Callable[[int], int],
    ) -> None:
        """Take the Unix time, and what draws a random number below the one that it is given."""
        self._pipeline = pipeline
        self._now = now
        self._draw = draw
        self._size = max((each.min_group for each in policy.statistics), default=1)
        # What all visitors are counted for; who is measured for something else is not told here.
        self._purpose = next(
            (each.purpose for each in policy.statistics if not each.dimensions()), None
        )
        self._told: dict[SiteId, tuple[int, LiveVisitors]] = {}

    def of(self, site: str) -> LiveVisitors | None:
        """Return who looked at a page or did something on a site of the policy within 5 minutes.

        None where no statistic counts visitors in all.
        """
        if self._purpose is None:
            return None
        domain = SiteId(site)
        time = self._now()
        minute = time // _FRESH_SECONDS
        known = self._told.get(domain)
        if known is not None and known[0] == minute:
            return known[1]
        count = self._pipeline.count_present(domain, time - WINDOW_SECONDS, self._purpose)
        told = round_count(count, self._size, self._draw(self._size))
        self._told[domain] = (minute, told)
        return told
