"""`discreet email headers`: the header fields by which a mail program unsubscribes (RFC 8058)."""

import argparse
import csv
import sys

from collector.commands import CommandFailed
from collector.commands.email_place import campaigns_of
from collector.commands.email_recipients import data_of, read_references
from collector.email.campaigns import BadCampaign
from collector.email.keys import KeyFailed, make_keys
from collector.email.registry import RegistryFailed
from collector.email.render import BadOrigin, read_origin
from collector.email.tokens import make_unsubscribing

_PATH = "/unsubscribe/"
_FIELD = "List-Unsubscribe"
_POST = "List-Unsubscribe-Post"
_ONE_CLICK = "List-Unsubscribe=One-Click"  # RFC 8058 section 3.1


def run(options: argparse.Namespace) -> None:
    """Print the two fields for one recipient, or a CSV of them for a file of recipients.

    Raises:
        CommandFailed: there is no such campaign, or a reference or the address can't be taken.
    """
    data = data_of(options.data)
    campaigns = campaigns_of(options)
    raw_references = read_references(options.reference, options.references)
    try:
        origin = read_origin(options.url)
        campaign = campaigns.find(options.campaign, options.variant)
        keys = make_keys(data.email_key)
    except BadOrigin as error:
        raise CommandFailed(f"--url: {error}") from None
    except (BadCampaign, KeyFailed, RegistryFailed) as error:
        raise CommandFailed(str(error)) from None
    if not origin.startswith("https://"):
        raise CommandFailed("--url: must be https, for RFC 8058 asks for it")

    def address(raw_reference: str) -> str:
        return f"<{origin}{_PATH}{make_unsubscribing(keys, campaign.code, raw_reference)}>"

    if options.reference is not None:
        print(f"{_FIELD}: {address(options.reference)}")
        print(f"{_POST}: {_ONE_CLICK}")
        return
    write = csv.writer(sys.stdout, lineterminator="\n").writerow
    write(("reference", _FIELD, _POST))
    for raw_reference in raw_references:
        write((raw_reference, address(raw_reference), _ONE_CLICK))
