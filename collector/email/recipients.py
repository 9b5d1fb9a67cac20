"""Recipients who may be measured one by one, as the running server sees them.

The doors of e-mail and of unsubscribing come here. Owns the thread that writes both files.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from typing import TypeVar

from anonymizer.policy import Policy
from collector.data_dir import DataDir
from collector.email.consents import PURPOSE, STALE_SECONDS, Consents, declares_purpose
from collector.email.keys import KeyFile
from collector.email.refused_recipients import RefusedRecipients
from collector.email.tokens import (
    Token,
    Unsubscribing,
    hash_campaign,
    read_personal,
    read_unsubscribing,
)
from collector.email.unique_opens import OpensFailed, UniqueOpens
from collector.email.unsubscribe import Refusals
from collector.email.webhook import Telling, Webhook
from collector.query_socket import Refused, Values
from collector.receipt_desk import ReceiptDesk
from collector.store import StoreFailed

KIND = "email-consents"
"""What the running server's socket calls the question of `discreet email token`."""

_RENEW_SECONDS = 60

log = logging.getLogger("discreet")

Result = TypeVar("Result")


class Recipients:
    """Use it from the event loop."""

    def __init__(
        self,
        policy: Policy,
        data: DataDir,
        desk: ReceiptDesk,
        now: Callable[[], int],
        webhook: Webhook | None = None,
    ) -> None:
        """Open the files, and follow by `desk` which receipts end.

        The mailer is told by `webhook` of each who unsubscribes.

        Raises:
            OpensFailed: the file of opened tokens can't be used.
            RefusalsFailed: the file of recipients can't be used.
        """
        self._refusals = Refusals(data.recipients, data.email_key)
        self._telling = Telling(webhook, self._refusals, now) if webhook else None
        self._consents = Consents()
        self._desk = desk
        desk.on_gone = self._consents.end
        self._keys = KeyFile(data.email_key)
        self._refused = RefusedRecipients(data.recipients, self._keys)
        self._opens = UniqueOpens(data.opened)
        self._is_permitted = declares_purpose(policy)
        self._now = now
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recipients")
        self._waiting: list[tuple[Token, asyncio.Future[bool]]] = []
        self._noting: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow which consents stand, where the policy asks for any."""
        self._watching = asyncio.create_task(self._watch())
        if self._telling is not None:
            self._telling.start()

    async def close(self) -> None:
        """End the thread and close the files once what was asked is done."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        if self._telling is not None:
            await self._telling.close()
        if self._noting is not None:
            await self._noting
        self._thread.shutdown()
        self._refused.close()
        self._opens.close()

    def read_token(self, raw_text: str, code: str) -> Token | None:
        """Return a personal token of the campaign of that code, whose recipient may be measured.

        None for any other: forged, cut off, of another campaign, or of somebody who withdrew or
        unsubscribed or whose consent has ended. Nothing of such a request may be counted.
        """
        keys = self._keys.keys
        if keys is None:
            return None
        token = read_personal(keys, raw_text)
        if (
            token is None
            or token.campaign != hash_campaign(code)
            or not self._consents.stands(token.receipt, self._now())
            or self._refused.has(token.recipient)
        ):
            return None
        return token

    async def first_open(self, token: Token) -> bool:
        """Tell whether a token is opened for the first time; it is on disk then that it was.

        Ask before the open is counted: what a crash costs in between is one unique open, and
        none is ever counted twice. Where counting fails, `take_back`.

        Raises:
            OpensFailed: it could not be noted.
        """
        noted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((token, noted))
        if self._noting is None:
            self._noting = asyncio.create_task(self._note_waiting())
        return await noted

    async def take_back(self, token: Token) -> None:
        """Forget that a token was opened, because its open could not be counted.

        Raises:
            OpensFailed: it is still noted.
        """
        await self._in_thread(partial(self._opens.take_back, token))

    def read_unsubscribing(self, raw_text: str) -> Unsubscribing | None:
        """Return what an unsubscribe token says; None for any other text."""
        keys = self._keys.keys
        return None if keys is None else read_unsubscribing(keys, raw_text)

    async def unsubscribe(self, raw_reference: str) -> bool:
        """Note on disk that a recipient unsubscribed, and return whether that is news.

        Raises:
            RefusalsFailed: it could not be noted.
        """
        now = self._now()
        due = None if self._telling is None else now
        today = _day(now)
        return await self._in_thread(
            partial(self._refusals.unsubscribe, raw_reference, today, due=due)
        )

    async def answer(self, values: Values) -> bytes:
        """Answer `discreet email token`: the receipts of a `site` that permit measuring.

        Raises:
            KeyError: the value is missing.
            Refused: they can't be read.
        """
        site = values["site"]
        await self._renew_consents()  # for the tokens that are about to be made
        try:
            return await self._desk.standing(PURPOSE, site)
        except StoreFailed as error:
            raise Refused(str(error)) from None

    async def _watch(self) -> None:
        while True:
            await self._renew_consents()
            try:
                await self._in_thread(partial(self._opens.drop_ended, _day(self._now())))
            except OpensFailed as error:
                log.warning("%s", error)
            await asyncio.sleep(_RENEW_SECONDS)

    async def _renew_consents(self) -> None:
        if not self._is_permitted:
            return
        now = self._now()
        try:
            self._consents.put(await self._desk.standing(PURPOSE), now)
        except StoreFailed as error:
            log.warning("%s; those of e-mail recipients hold %s s", error, STALE_SECONDS)

    async def _note_waiting(self) -> None:
        # What comes in during one commit goes into the next together.
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                failure: Exception | None = None
                firsts: list[bool] = []
                try:
                    tokens = [token for token, _ in group]
                    firsts = list(await self._in_thread(partial(self._opens.first, tokens)))
                except OpensFailed as error:
                    failure = error
                    firsts = [False] * len(group)
                for (_, noted), is_first in zip(group, firsts, strict=True):
                    if noted.done():  # whoever asked has gone
                        continue
                    if failure is None:
                        noted.set_result(is_first)
                    else:
                        noted.set_exception(failure)
        finally:
            self._noting = None

    async def _in_thread(self, do: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, do)


def _day(now: int) -> date:
    return datetime.fromtimestamp(now, UTC).date()
