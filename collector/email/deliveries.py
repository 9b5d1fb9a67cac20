"""How many messages of a campaign were delivered, as the operator tells it: the denominator.

A campaign's name and a number come in, a row of the counters goes out. It is of no visitor.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from anonymizer.hits import LocalSeconds, SiteId
from anonymizer.policy import Policy
from collector.clock import DAY_SECONDS, SiteClock, day_of, read_date
from collector.counted import CountedHit, encode_row
from collector.email.campaigns import BadCampaign
from collector.email.counting import MAX_DELIVERED, count_delivered
from collector.email.registry import Campaign
from collector.plan import Plan, is_delivered
from collector.regions import HOME

KIND = "email-delivered"
"""What the running server's socket calls it."""

_EPOCH = date(1970, 1, 1)


def read_number(text: str) -> int:
    """Read how many messages were delivered.

    Raises:
        BadCampaign: it is no number that can be.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_DELIVERED))):
        raise _bad_number()
    return int(text)


def read_delivery(
    policy: Policy, plan: Plan, campaign: Campaign, delivered: int, day: str, now: int
) -> CountedHit:
    """Return what a delivery adds to the counters; `now` is in Unix seconds.

    Raises:
        BadCampaign: the policy has no such site or counts no deliveries, or the number or the
            day can't be.
    """
    site = policy.sites.get(campaign.site)
    if site is None:
        raise BadCampaign("campaign", "is of a site that the policy no longer has")
    if not 1 <= delivered <= MAX_DELIVERED:
        raise _bad_number()
    today = day_of(SiteClock(site.zone).local(now))
    number = _read_day(day) if day else today
    if number > today:
        raise BadCampaign("day", "must not be in the future")
    statistic = next(filter(is_delivered, policy.statistics), None)
    if statistic is None:
        raise BadCampaign("delivered", "is counted by no statistic of the policy")
    if number <= today - statistic.keep_days:
        raise BadCampaign("day", f"must be one of the last {statistic.keep_days}, which are kept")
    return count_delivered(plan, campaign, delivered, LocalSeconds(number * DAY_SECONDS))


def rows_by_region(policy: Policy, row: CountedHit) -> dict[str, list[bytes]]:
    """Return a delivery for every store in which opens of its campaign may be counted."""
    return {region: [encode_row(row)] for region in _regions_of(policy, SiteId(row.site))}


def tell_delivery(campaign: Campaign, delivered: int) -> bytes:
    """Say what was counted, in one line."""
    return f"{delivered:,} delivered of {campaign.code}\n".encode()


def _regions_of(policy: Policy, site: SiteId) -> Sequence[str]:
    regions = policy.regions.values()
    own = [region.name for region in regions if site in region.sites]
    return own or [HOME, *(region.name for region in regions if region.countries)]


def _read_day(text: str) -> int:
    day = read_date(text)
    if day is None or day < _EPOCH:
        raise BadCampaign("day", "must be a date such as 2026-03-10")
    return (day - _EPOCH) // timedelta(days=1)


def _bad_number() -> BadCampaign:
    return BadCampaign("delivered", f"must be a whole number from 1 to {MAX_DELIVERED}")
