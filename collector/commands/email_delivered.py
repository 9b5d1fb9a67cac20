"""`discreet email delivered`: tell how many messages of a campaign were delivered."""

import argparse
import contextlib
import sys
import time

from collector.commands import CommandFailed
from collector.commands.email_place import campaigns_of
from collector.commands.store_place import policy_of
from collector.data_dir import DataDir, DataDirInUse
from collector.email.campaigns import BadCampaign
from collector.email.deliveries import (
    KIND,
    read_delivery,
    read_number,
    rows_by_region,
    tell_delivery,
)
from collector.email.registry import RegistryFailed
from collector.plan import make_plan
from collector.query_socket import NoServer, Refused, ask
from collector.regions import spool_of
from collector.schema.into_cells import meaning_of
from collector.spool import Spool, SpoolFailed


def run(options: argparse.Namespace) -> None:
    """Count messages delivered: through the running server, or for its next start.

    Raises:
        CommandFailed: there is no data or no such campaign, or the number or the day can't be.
    """
    campaigns = campaigns_of(options)
    data = DataDir(options.data)
    try:
        campaign = campaigns.find(options.name, options.variant)
        values = {
            "name": campaign.name,
            "variant": campaign.variant,
            "delivered": str(read_number(options.delivered)),
            "day": options.day,
        }
        answer = ask(data.query_socket, KIND, values)
    except (BadCampaign, RegistryFailed, Refused) as error:
        raise CommandFailed(str(error)) from None
    except NoServer:
        answer = _keep_for_later(options, data)
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def _keep_for_later(options: argparse.Namespace, data: DataDir) -> bytes:
    try:
        data.lock()
        policy = policy_of(data)
        plan = make_plan(policy)
        campaign = campaigns_of(options).find(options.name, options.variant)
        delivered = read_number(options.delivered)
        row = read_delivery(policy, plan, campaign, delivered, options.day, int(time.time()))
        for region, rows in rows_by_region(policy, row).items():
            with contextlib.closing(Spool(spool_of(data, region))) as spool:
                spool.count_under(meaning_of(policy, plan))
                spool.append(rows)
    except (BadCampaign, DataDirInUse, RegistryFailed, SpoolFailed) as error:
        raise CommandFailed(str(error)) from None
    return tell_delivery(campaign, delivered)
