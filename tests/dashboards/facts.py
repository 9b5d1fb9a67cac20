"""What a test says is known of a running server."""

from collections.abc import Mapping, Sequence

from collector.doctor.last_run import LastRun
from collector.live import LiveVisitors
from collector.receipt_store import Counted
from collector.retention.status import Kept
from dashboards.privacy.facts import PrivacyFacts


class Facts:
    """Facts that a test sets; of a new one, nothing is known."""

    def __init__(self) -> None:
        self.last_retention: int | None = None
        self.kept: Mapping[str, Kept] = {}
        self.receipts: Sequence[Counted] = ()
        self.checks: LastRun | None = None
        self.live: LiveVisitors | None = None
        self.asked: list[str] = []
        """The sites that were asked about."""

    def told(self) -> PrivacyFacts:
        """Return them as pages take them."""
        return PrivacyFacts(
            policy_hash="0123456789abcdef" * 4,
            last_retention=lambda site: self._of(site).last_retention,
            kept=lambda site: self._of(site).kept,
            count_receipts=self._count,
            last_checks=lambda: self.checks,
            live_of=lambda site: self._of(site).live,
        )

    def _of(self, site: str) -> "Facts":
        self.asked.append(site)
        return self

    async def _count(self, site: str) -> Sequence[Counted]:
        return self._of(site).receipts
