"""Campaigns as JSON, alike for the API and `discreet email list --format json`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from collector.email.campaigns import Listed
from collector.email.registry import Campaign


def tell_campaigns(listed: Sequence[Listed]) -> bytes:
    """Return ``{"campaigns": […]}``, in the order in which they were added."""
    campaigns = [
        {
            **tell_campaign(each.campaign),
            "added": datetime.fromtimestamp(each.added, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "links": [tell_link(each.campaign, *link) for link in each.links.items()],
        }
        for each in listed
    ]
    return msgspec.json.encode({"campaigns": campaigns})


def tell_campaign(campaign: Campaign) -> Mapping[str, str]:
    """Return a campaign's fields, with the path of its pixel."""
    return {
        "code": campaign.code,
        "name": campaign.name,
        "variant": campaign.variant,
        "site": campaign.site,
        "pixel": f"/e/{campaign.code}/open.gif",
    }


def tell_link(campaign: Campaign, number: str, url: str) -> Mapping[str, str]:
    """Return a link's fields, with its path."""
    return {"number": number, "url": url, "path": f"/e/{campaign.code}/{number}"}
