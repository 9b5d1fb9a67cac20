"""Note what somebody did before it is shown to them."""

from collections.abc import Callable
from datetime import datetime

from anyio import to_thread

from people.trail import Act, Did, Trail


class Notes:
    """Writes lines of the trail; raises what the trail raises, so that nothing is shown."""

    def __init__(self, trail: Trail, now: Callable[[], datetime]) -> None:
        self._trail = trail
        self._now = now

    async def note(
        self,
        user: str,
        did: Did,
        *,
        site: str = "",
        report: str = "",
        period: str = "",
        whom: str = "",
    ) -> None:
        """Write a line."""
        act = Act(self._now().timestamp(), user, did, site, report, period, whom)
        await to_thread.run_sync(self._trail.note, act)
