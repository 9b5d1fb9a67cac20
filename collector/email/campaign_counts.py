"""Count what is told of a campaign, and of no recipient: deliveries, and that one unsubscribed."""

import logging
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool

from anonymizer.hits import LocalSeconds
from anonymizer.policy import Policy
from collector.clock import DAY_SECONDS, SiteClock, day_of
from collector.email.campaigns import BadCampaign, Campaigns
from collector.email.counting import count_unsubscribed
from collector.email.deliveries import read_delivery, read_number, rows_by_region, tell_delivery
from collector.email.registry import Campaign, RegistryFailed
from collector.email.tokens import hash_campaign
from collector.plan import Plan
from collector.query_socket import Refused, Values
from collector.spool import SpoolFailed

log = logging.getLogger("discreet")

Keep = Callable[[dict[str, list[bytes]]], Awaitable[None]]
"""Returns when rows are on disk, by region; raises SpoolFailed when they are not."""


class CampaignCounts:
    """Counts while the server runs. Use it from the event loop."""

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

    async def count_delivered(
        self, name: str, variant: str, delivered: int, day: str = ""
    ) -> Campaign:
        """Count messages delivered to a campaign's recipients; of `day`, ``YYYY-MM-DD``, or today.

        Raises:
            BadCampaign: there is no such campaign, or the number or the day can't be.
            RegistryFailed: campaigns can't be read.
            SpoolFailed: it could not be kept.
        """
        campaign = await run_in_threadpool(self._campaigns.find, name, variant)
        row = read_delivery(self._policy, self._plan, campaign, delivered, day, self._now())
        await self._keep(rows_by_region(self._policy, row))
        return campaign

    async def answer(self, values: Values) -> bytes:
        """Answer `discreet email delivered`."""
        try:
            number = read_number(values["delivered"])
            campaign = await self.count_delivered(
                values["name"], values["variant"], number, values["day"]
            )
        except (BadCampaign, RegistryFailed, SpoolFailed) as error:
            raise Refused(str(error)) from None
        return tell_delivery(campaign, number)

    async def count_unsubscribed(self, campaign_hash: bytes) -> None:
        """Count that somebody unsubscribed, under the campaign of `tokens.hash_campaign`.

        None of a campaign that is not registered. What can't be kept is logged: that somebody
        unsubscribed holds all the same. A crash in between costs this number; none counts twice.
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
