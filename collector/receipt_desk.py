"""What the holder of a receipt may ask for: record, find, withdraw, erase.

The doors (HTTP, page, command line) all come here. Owns the store's thread.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from anonymizer.policy import PurposeId
from collector.query_socket import Refused, Values
from collector.receipt_json import receipt_json
from collector.receipt_store import Counted, ReceiptStore
from collector.receipts import (
    ID_BYTES,
    VALIDITY,
    Decision,
    IdHash,
    PolicyVersions,
    Receipt,
    hash_id,
    is_id,
    make_id,
    start_of_hour,
)
from collector.store import StoreFailed
from collector.throttle import Throttle

# A minute's worth. Merged rows take 32 bytes each (100,300 rows alike in 3.2 MB): a flood from
# everywhere leaves 6 MB an hour, one from a single network a tenth of it.
MAX_RECORDED_PER_NETWORK = 300
MAX_RECORDED = 3_000
MAX_UNKNOWN_PER_NETWORK = 30
MAX_UNKNOWN = 1_000

log = logging.getLogger("discreet")

Result = TypeVar("Result")


class UnknownReceipt(Exception):
    """No receipt has this id: never had, or it was erased."""

    def __init__(self) -> None:
        super().__init__("receipt: no receipt has this id")


class NothingToWithdraw(Exception):
    """The receipt is of a refusal."""


class TooMany(Exception):
    """Too many receipts recorded or ids tried; the number says how many seconds to wait."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(f"try again in {wait_seconds} s")
        self.wait_seconds = wait_seconds


class ReceiptDesk:
    """Use it from the event loop.

    A `network` is a truncated one, which is bounded; None is the operator, who is not.
    """

    def __init__(
        self,
        store: ReceiptStore,
        versions: PolicyVersions,
        now: Callable[[], int],
    ) -> None:
        self.versions = versions
        self.on_gone: Callable[[IdHash], None] = _nobody_asks
        """Is called, in the store's thread, before a consent is withdrawn or erased."""
        self.now = now
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="receipts")
        self._recorded = Throttle(MAX_RECORDED_PER_NETWORK, MAX_RECORDED)
        self._unknown = Throttle(MAX_UNKNOWN_PER_NETWORK, MAX_UNKNOWN)
        self._waiting: list[tuple[IdHash, Receipt, asyncio.Future[None]]] = []
        self._recording: asyncio.Task[None] | None = None
        self._tidied_hour = start_of_hour(now())
        self._counts: dict[str, tuple[datetime, Sequence[Counted]]] = {}

    async def close(self) -> None:
        """End the thread and the store's connection once what was asked is done."""
        if self._recording is not None:
            await self._recording
        await self._in_thread(self._store.close)
        self._thread.shutdown()

    async def record(self, receipt: Receipt, network: str) -> str:
        """Return the id under which a receipt is now on disk. No other copy of the id exists.

        Raises:
            StoreFailed: it could not be written.
            TooMany: the network, or all together, recorded too many.
        """
        if wait_seconds := self._recorded.take(network, self.now()):
            raise TooMany(wait_seconds)
        raw_id = make_id(secrets.token_bytes(ID_BYTES))
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((hash_id(raw_id), receipt, written))
        if self._recording is None:
            self._recording = asyncio.create_task(self._record_waiting())
        await written
        return raw_id

    async def find(self, raw_id: str, network: str | None) -> Receipt:
        """Return the receipt of an id.

        Raises:
            StoreFailed: the store can't be read.
            TooMany: the network, or all together, tried too many unknown ids.
            UnknownReceipt: there is none.
        """
        return await self._with_receipt(raw_id, network, lambda _, receipt: receipt)

    async def withdraw(self, raw_id: str, network: str | None) -> Receipt:
        """Return the receipt of an id after its consent was withdrawn.

        A second time changes nothing, not even the hour.

        Raises:
            NothingToWithdraw: it is of a refusal.
            StoreFailed, TooMany, UnknownReceipt: as `find` does.
        """
        hour = start_of_hour(self.now())

        def withdraw(id_hash: IdHash, receipt: Receipt) -> Receipt:
            if receipt.decision is not Decision.GIVEN:
                raise NothingToWithdraw
            if receipt.withdrawn is not None:
                return receipt
            self.on_gone(id_hash)
            self._store.note_withdrawal(id_hash, receipt, hour)
            return replace(receipt, withdrawn=hour)

        return await self._with_receipt(raw_id, network, withdraw)

    async def erase(self, raw_id: str, network: str | None) -> None:
        """Delete the receipt of an id.

        Raises:
            StoreFailed, TooMany, UnknownReceipt: as `find` does.
        """

        def erase(id_hash: IdHash, _: Receipt) -> None:
            self.on_gone(id_hash)
            self._store.erase(id_hash)

        await self._with_receipt(raw_id, network, erase)

    async def standing(self, purpose: PurposeId, site: str = "") -> bytes:
        """Return the hashes of all ids whose receipts permit a purpose now: 16 bytes each, sorted.

        Raises:
            StoreFailed: the store can't be read.
        """
        after = start_of_hour(self.now()) - VALIDITY
        versions = self.versions.honoured
        return await self._in_thread(lambda: self._store.standing(purpose, versions, after, site))

    async def count(self, site: str) -> Sequence[Counted]:
        """Count a site's receipts by purpose, of what was decided before this day (UTC) began.

        Read once a day, so that nobody sees when a receipt comes.

        Raises:
            StoreFailed: the store can't be read.
        """
        today = start_of_hour(self.now()).replace(hour=0)
        known = self._counts.get(site)
        if known is None or known[0] != today:
            counted = await self._in_thread(lambda: self._store.count(site, today))
            known = self._counts[site] = (today, counted)
        return known[1]

    def tell(self, raw_id: str, receipt: Receipt) -> dict[str, object]:
        """Return the receipt as its holder gets it."""
        return receipt_json(raw_id, receipt, self.versions, self.now())

    async def answer(self, values: Values) -> bytes:
        """Answer `discreet rights`: an `action` (find, erase) on a `receipt`; JSON comes back.

        Raises:
            KeyError: a value is missing, or there is no such action.
            Refused: it could not be done.
        """
        raw_id = values["receipt"]
        try:
            if values["action"] == "erase":
                await self.erase(raw_id, None)
                return b"{}"
            if values["action"] == "find":
                return msgspec.json.encode(self.tell(raw_id, await self.find(raw_id, None)))
        except (StoreFailed, UnknownReceipt) as error:
            raise Refused(str(error)) from None
        raise KeyError("action")

    async def tidy(self) -> None:
        """Once an hour, drop what has ended, and let no file's date tell a receipt's minute."""
        time = self.now()
        self._recorded.forget_ended(time)
        self._unknown.forget_ended(time)
        hour = start_of_hour(time)
        if hour == self._tidied_hour:
            return
        try:
            await self._in_thread(lambda: self._store.drop_ended(hour.date()))
            await self._in_thread(self._store.merge)
        except StoreFailed as error:
            log.warning("%s; next try in a few seconds", error)
        else:
            self._tidied_hour = hour

    async def _with_receipt(
        self, raw_id: str, network: str | None, do: Callable[[IdHash, Receipt], Result]
    ) -> Result:
        """Do something with a receipt in the store's thread, so that nothing comes in between."""
        # Counted before it is looked up, so that a thousand tries at once are no way round.
        if network is not None and (wait_seconds := self._unknown.take(network, self.now())):
            raise TooMany(wait_seconds)

        def find_and_do() -> Result:
            id_hash = hash_id(raw_id)
            receipt = self._store.find(id_hash) if is_id(raw_id) else None
            if receipt is None:
                raise UnknownReceipt
            return do(id_hash, receipt)

        was_unknown = False
        try:
            return await self._in_thread(find_and_do)
        except UnknownReceipt:
            was_unknown = True
            raise
        finally:
            if network is not None and not was_unknown:
                self._unknown.give_back(network)

    async def _record_waiting(self) -> None:
        # An insert makes a part of its own, and the engine slows down at a few hundred: what
        # comes in during one insert goes into the next together.
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                rows = [(id_hash, receipt) for id_hash, receipt, _ in group]
                failure: Exception | None = None
                try:
                    await self._in_thread(partial(self._store.insert, rows))
                except Exception as error:  # noqa: BLE001  # it goes on to those who asked
                    failure = error
                for _, _, written in group:
                    if written.done():  # whoever asked has gone
                        continue
                    if failure is None:
                        written.set_result(None)
                    else:
                        written.set_exception(failure)
        finally:
            self._recording = None

    async def _in_thread(self, do: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, do)


def _nobody_asks(_: IdHash) -> None:
    pass
