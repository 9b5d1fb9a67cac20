"""`discreet email link add`: register a page that a campaign's messages may link to."""

import argparse

from collector.commands import CommandFailed
from collector.commands.email_place import campaigns_of
from collector.email.campaigns import BadCampaign
from collector.email.registry import RegistryFailed
from collector.email.targets import BadTarget, read_target


def run(options: argparse.Namespace) -> None:
    """Register a link and print its address; one that is registered keeps its number.

    Raises:
        CommandFailed: there is no data or no such campaign, or the URL can't be a target.
    """
    campaigns = campaigns_of(options)
    try:
        campaign = campaigns.find(options.campaign, options.variant)
        url = read_target(options.url)
        number = campaigns.number(campaign, [url])[url]
    except (BadCampaign, BadTarget, RegistryFailed) as error:
        raise CommandFailed(str(error)) from None
    print(f"link {number} of {campaign.code}: /e/{campaign.code}/{number}")
