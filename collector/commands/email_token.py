"""`discreet email token`: personal tokens for recipients whose consent stands, and no others."""

import argparse
import csv
import re
import secrets
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from collector.commands import CommandFailed
from collector.commands.email_place import campaigns_of
from collector.commands.email_recipients import data_of, read_lines, refusals_of
from collector.commands.progress import show_progress
from collector.commands.store_place import policy_of, store_of
from collector.data_dir import DataDir, DataDirInUse
from collector.email.campaigns import BadCampaign
from collector.email.consents import PURPOSE, declares_purpose, holds
from collector.email.keys import EmailKeys, KeyFailed, make_keys
from collector.email.recipients import KIND
from collector.email.registry import Campaign, RegistryFailed
from collector.email.tokens import (
    NUMBER_BYTES,
    BadReference,
    check_reference,
    hash_campaign,
    make_personal,
)
from collector.email.unique_opens import OpensFailed, UniqueOpens
from collector.email.unsubscribe import RefusalsFailed
from collector.policy_archive import BadArchive, PolicyArchive
from collector.query_socket import NoServer, Refused, ask
from collector.receipt_store import ReceiptStore
from collector.receipts import (
    HANDLE_BYTES,
    VALIDITY,
    hash_id,
    is_id,
    read_versions,
    start_of_hour,
)
from collector.store import StoreFailed
from collector.store_address import StorePlace, open_client

_SHOWN = 20
_BETWEEN = re.compile(r"[,;\s]+")


class _Recipient(Struct, frozen=True):
    raw_reference: str
    receipt: bytes


class _Refused(Exception):
    """Why a line gets no token; the text holds nothing of it."""


def run(options: argparse.Namespace) -> int:
    """Print `reference,token` for each line whose receipt stands; list the others by number.

    Returns 1 when a line was refused.

    Raises:
        CommandFailed: there is no such campaign, the policy asks for no consent of recipients,
            or a file or the receipts can't be read.
    """
    data = data_of(options.data)
    campaigns = campaigns_of(options)
    policy = policy_of(data)
    if not declares_purpose(policy):
        raise CommandFailed(
            f'policy: declares no purpose "{PURPOSE}" on the basis of consent; docs/email.md has it'
        )
    lines = read_lines(options.recipients)
    try:
        campaign = campaigns.find(options.campaign, options.variant)
        standing = _standing(data, store_of(options, data), policy, campaign.site)
        keys = make_keys(data.email_key)
        opens = UniqueOpens(data.opened)
        opens.note_made(hash_campaign(campaign.code), datetime.now(UTC).date())
        opens.close()
        chosen = _Choice(standing, refusals_of(data).references())
        with show_progress("making tokens") as show:
            return _print_tokens(lines, chosen, _maker(keys, campaign, opens.life), show)
    except (BadCampaign, KeyFailed, OpensFailed, RefusalsFailed, RegistryFailed) as error:
        raise CommandFailed(str(error)) from None


class _Choice:
    """Chooses whose lines get tokens."""

    def __init__(self, standing: bytes, raw_refused: Collection[str]) -> None:
        self._standing = standing
        self._raw_refused = raw_refused
        self._references: set[str] = set()
        self._receipts: set[bytes] = set()

    def read(self, line: str) -> _Recipient:
        """Return the recipient of a line.

        Raises:
            _Refused: the line gets no token.
        """
        raw_reference, *rest = _BETWEEN.split(line)
        if len(rest) != 1 or not is_id(rest[0]):
            raise _Refused("must be a reference and the id of a receipt, such as 4711,0a1b…")
        try:
            check_reference(raw_reference)
        except BadReference as error:
            raise _Refused(str(error)) from None
        receipt = hash_id(rest[0])[:HANDLE_BYTES]
        if raw_reference in self._references or receipt in self._receipts:
            raise _Refused("has a reference or a receipt of a line before it")
        if not holds(self._standing, receipt):
            raise _Refused("has no receipt that stands and permits it on the campaign's site")
        if raw_reference in self._raw_refused:
            raise _Refused("is of a recipient who unsubscribed or withdrew")
        self._references.add(raw_reference)
        self._receipts.add(receipt)
        return _Recipient(raw_reference, receipt)


def _maker(keys: EmailKeys, campaign: Campaign, life: bytes) -> Callable[[_Recipient], str]:
    def make(recipient: _Recipient) -> str:
        number = secrets.token_bytes(NUMBER_BYTES)
        return make_personal(
            keys, campaign.code, number, life, recipient.receipt, recipient.raw_reference
        )

    return make


def _print_tokens(
    lines: Sequence[str],
    chosen: _Choice,
    make: Callable[[_Recipient], str],
    show: Callable[[int, int], None],
) -> int:
    write = csv.writer(sys.stdout, lineterminator="\n").writerow
    write(("reference", "token"))
    refused: list[str] = []
    for number, line in _numbered(lines):
        try:
            recipient = chosen.read(line)
        except _Refused as why:
            refused.append(f"line {number}: {why}")
        else:
            write((recipient.raw_reference, make(recipient)))
        if number % 1000 == 0:
            show(number, len(lines))
    for told in refused[:_SHOWN]:
        print(f"discreet: {told}", file=sys.stderr)
    if len(refused) > _SHOWN:
        print(f"discreet: and {len(refused) - _SHOWN:,} lines more", file=sys.stderr)
    return 1 if refused else 0


def _numbered(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(lines, 1) if line)


def _standing(data: DataDir, place: StorePlace, policy: Policy, site: SiteId) -> bytes:
    """Return the receipts that permit measuring, of the running server or of the store."""
    try:
        return ask(data.query_socket, KIND, {"site": site})
    except Refused as refused:
        raise CommandFailed(str(refused)) from None
    except NoServer:
        pass
    try:
        data.lock()
        versions = read_versions(PolicyArchive(data.policies), policy)
        after = start_of_hour(int(time.time())) - VALIDITY
        store = ReceiptStore(open_client(place))
        try:
            return store.standing(PURPOSE, versions.honoured, after, site)
        finally:
            store.close()
    except (BadArchive, DataDirInUse, StoreFailed) as error:
        raise CommandFailed(str(error)) from None
