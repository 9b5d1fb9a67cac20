"""`discreet rights`: find, export or erase a receipt, whether the server runs or not."""

import argparse
import asyncio
import sys
import time

import msgspec
from msgspec import Struct

from anonymizer.policy_file import PolicyFaults
from collector.commands import CommandFailed, read_policy_file
from collector.commands.store_place import store_of
from collector.data_dir import DataDir, DataDirInUse
from collector.policy_archive import BadArchive, PolicyArchive
from collector.query_socket import NoServer, Refused, Values, ask
from collector.receipt_desk import ReceiptDesk
from collector.receipt_store import ReceiptStore
from collector.receipts import PolicyVersions, is_id, read_versions
from collector.store import StoreFailed
from collector.store_address import StorePlace, open_client

_MAX_STDIN_CHARACTERS = 1_000


class _Purpose(Struct):
    purpose: str


class _Processing(Struct):
    purposes: list[_Purpose]


class _Event(Struct):
    event_time: str
    event_state: str


class _Told(Struct):
    """What is printed of a receipt."""

    state: str
    site: str
    policy_version: str
    kept_until: str
    pii_processing: _Processing
    event: list[_Event]


def run(options: argparse.Namespace) -> None:
    """Do with a receipt what `options.action` says, and print what there is to see.

    Raises:
        CommandFailed: there is no such receipt, or no data.
    """
    raw_id = options.receipt
    if raw_id == "-":
        raw_id = sys.stdin.read(_MAX_STDIN_CHARACTERS).strip()
    if not is_id(raw_id):
        raise CommandFailed("receipt: must be an id: 64 characters, 0 to 9 and a to f")
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    data = DataDir(options.data)
    action = "erase" if options.action == "erase" else "find"
    values = {"action": action, "receipt": raw_id}
    try:
        answer = ask(data.query_socket, "rights", values)
    except Refused as refused:
        raise CommandFailed(str(refused)) from None
    except NoServer:
        answer = _ask_directory(data, store_of(options, data), values)
    if options.action == "erase":
        print("erased")
    elif options.action == "export":
        print(msgspec.json.format(answer).decode())
    else:
        _print_receipt(answer)


def _print_receipt(answer: bytes) -> None:
    told = msgspec.json.decode(answer, type=_Told)
    print(f"state      {told.state}")
    print(f"site       {told.site}")
    print(f"policy     {told.policy_version}")
    print(f"purposes   {', '.join(each.purpose for each in told.pii_processing.purposes)}")
    for event in told.event:
        print(f"{event.event_state:<10} {event.event_time}")
    print(f"kept until {told.kept_until}")


def _ask_directory(data: DataDir, place: StorePlace, values: Values) -> bytes:
    try:
        data.lock()
        policy, _ = read_policy_file(data.policy)
        versions = read_versions(PolicyArchive(data.policies), policy)
        store = ReceiptStore(open_client(place))
        return asyncio.run(_ask_store(store, versions, values))
    except Refused as refused:
        raise CommandFailed(str(refused)) from None
    except PolicyFaults:
        raise CommandFailed(f"{data.policy}: has faults; serve a policy first") from None
    except (BadArchive, DataDirInUse, StoreFailed) as error:
        raise CommandFailed(str(error)) from None


async def _ask_store(store: ReceiptStore, versions: PolicyVersions, values: Values) -> bytes:
    desk = ReceiptDesk(store, versions, lambda: int(time.time()))
    try:
        return await desk.answer(values)
    finally:
        await desk.close()
