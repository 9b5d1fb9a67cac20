"""Count that a recipient of a campaign unsubscribed: one more, and not who.

What a crash costs between noting and counting is this one number; nobody is counted twice.
"""

import logging
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

from anonymizer.hits import LocalSeconds
from anonymizer.policy import Policy
from collector.clock import DAY_SECONDS, SiteClock, day_of
from collector.email.campaigns import Campaigns
from collector.email.counting import count_unsubscribed
from collector.email.deliveries import Keep, rows_by_region
from collector.email.registry import Campaign, RegistryFailed
from collector.email.tokens import hash_campaign
from collector.plan import Plan
from collector.spool import SpoolFailed

log = logging.getLogger("discreet")


class UnsubscribedCount:
    """Use it from the event loop."""

    def __init__(
        self,
        campaigns: Campaigns,
        policy: Policy,
        plan: Plan,
        keep: Keep,
        now: Callable[[], int],
    ) -> None:
        self._campaigns = campaigns
        self._policy = policy
        self._plan = plan
        self._keep = keep
        self._now = now

    async def count(self, campaign_hash: bytes) -> None:
        """Count one, under the campaign of `tokens.hash_campaign`.

        None of a campaign that is not registered. What can't be kept is logged: that somebody
        unsubscribed holds all the same.
        """
        try:
            campaign = await run_in_threadpool(self._find, campaign_hash)
            if campaign is not None:
                await self._keep(self._rows(campaign))
        except (RegistryFailed, SpoolFailed) as error:
            log.warning("%s; one who unsubscribed is not counted", error)

    def _find(self, campaign_hash: bytes) -> Campaign | None:
        campaigns = (listed.campaign for listed in self._campaigns.all())
        return next(
            (
                each
                for each in campaigns
                if hash_campaign(each.code) == campaign_hash and each.site in self._policy.sites
            ),
            None,
        )

    def _rows(self, campaign: Campaign) -> dict[str, list[bytes]]:
        today = day_of(SiteClock(self._policy.sites[campaign.site].zone).local(self._now()))
        row = count_unsubscribed(self._plan, campaign, LocalSeconds(today * DAY_SECONDS))
        # In one store alone: how many unsubscribed is no denominator that every region needs.
        region, rows = next(iter(rows_by_region(self._policy, row).items()))
        return {region: rows}
