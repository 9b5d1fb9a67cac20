"""`discreet email campaign add`: register a campaign, or one variant of it."""

import argparse
import time

from collector.commands import CommandFailed
from collector.commands.email_place import campaigns_of
from collector.email.campaigns import BadCampaign
from collector.email.registry import RegistryFailed


def run(options: argparse.Namespace) -> None:
    """Register a campaign and print what addresses call it.

    Raises:
        CommandFailed: there is no data, the name is taken, or a word or the site can't be.
    """
    try:
        campaign = campaigns_of(options).add(
            options.name, options.variant, options.site, int(time.time())
        )
    except (BadCampaign, RegistryFailed) as error:
        raise CommandFailed(str(error)) from None
    print(f"registered {campaign.code}: its pixel is /e/{campaign.code}/open.gif")
