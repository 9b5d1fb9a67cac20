"""Send what is due, to each recipient by a message of their own, for as long as the server runs."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from anonymizer.policy import Site
from collector.audit import AuditFailed
from collector.mailed_reports.due import Days, last_due
from collector.mailed_reports.letters import Written, write_letter
from collector.mailed_reports.sent import MarksFailed, Sent, has_waited, key_of, wait_seconds
from collector.mailed_reports.settings import Mailing, Scheduled
from collector.mailed_reports.smtp import GivenUp, PutOff, send
from collector.store import StoreFailed

log = logging.getLogger("discreet")

Write = Callable[[Site, Days, str], Awaitable[Written]]
"""Writes the report of some days of a site in a language, once that is in the audit trail."""

_LOOK_SECONDS = 30
_OWN = (AuditFailed, MarksFailed, StoreFailed)


class Postman:
    """Sends reports by their schedule. Use it from the event loop."""

    def __init__(self, mailing: Mailing, sent: Sent, write: Write, now: Callable[[], int]) -> None:
        sent.forget_others(
            {key_of(report, each) for report in mailing.scheduled for each in report.to}
        )
        self._mailing = mailing
        self._sent = sent
        self._write = write
        self._now = now
        self._put_off: dict[int, tuple[int, int]] = {}  # by line: tries, and when to try again
        self._given_up: set[tuple[str, Days]] = set()  # until the next start
        # By line: some 60 kB each, so that a mail server that is away costs no further questions.
        self._written: dict[int, tuple[Days, Written]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mail")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send what falls due."""
        self._task = asyncio.create_task(self._send_for_ever())

    async def close(self) -> None:
        """Stop; a conversation with the mail server that is under way comes to its end first."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)

    async def send_due(self) -> None:
        """Try once what is due and not put off to later."""
        for report in self._mailing.scheduled:
            tries, again = self._put_off.get(report.line, (0, 0))
            if not has_waited(again, self._now()):
                continue
            try:
                await self._send_report(report, last_due(report, self._now()))
            except Exception as error:  # noqa: BLE001  # ended here, none is ever sent any more
                # Others' texts may repeat what is in a report.
                told = str(error) if isinstance(error, _OWN) else type(error).__name__
                wait = wait_seconds(tries + 1)
                self._put_off[report.line] = (tries + 1, self._now() + wait)
                log.warning(
                    "no report of line %d is sent now: %s; next try in %d s",
                    report.line,
                    told,
                    wait,
                )
            else:
                self._put_off.pop(report.line, None)

    async def _send_for_ever(self) -> None:
        while True:
            await self.send_due()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _send_report(self, report: Scheduled, days: Days) -> None:
        wanted = [
            (number, recipient)
            for number, recipient in enumerate(report.to, 1)
            if await self._is_wanted(key_of(report, recipient), days)
        ]
        if not wanted:
            return
        written = await self._written_once(report, days)
        unnoted = None
        for number, recipient in wanted:
            try:
                await self._in_thread(self._send, report, days, written, number, recipient)
            except MarksFailed as error:
                unnoted = error  # the others get theirs all the same
        if unnoted is not None:
            raise unnoted

    async def _written_once(self, report: Scheduled, days: Days) -> Written:
        found = self._written.get(report.line)
        if found is None or found[0] != days:
            found = days, await self._write(report.site, days, report.language)
            self._written[report.line] = found
        return found[1]

    async def _is_wanted(self, key: str, days: Days) -> bool:
        if (key, days) in self._given_up:
            return False
        return await self._in_thread(self._sent.is_wanted, key, days, self._now())

    def _send(
        self, report: Scheduled, days: Days, written: Written, number: int, recipient: str
    ) -> None:
        key = key_of(report, recipient)
        name = f"{key} {days}"
        smtp = self._mailing.smtp
        letter = write_letter(written, smtp.sender, recipient, report.language, name, self._now())
        tries = self._sent.note_try(key, days, self._now())
        try:
            send(letter, recipient, smtp)
        except PutOff as error:
            self._tell(report, number, f"{error}; it is tried again", tries)
        except GivenUp as error:
            self._given_up.add((key, days))
            self._tell(report, number, f"{error}; it is tried again after the next start", tries)
        else:
            self._sent.note_out(key)

    def _tell(self, report: Scheduled, number: int, why: str, tries: int) -> None:
        log.warning(
            "the report of line %d is not sent to its recipient %d (try %d): the mail server: %s",
            report.line,
            number,
            tries,
            why,
        )

    async def _in_thread(self, work: Callable[..., object], *arguments: object) -> bool:
        loop = asyncio.get_running_loop()
        return bool(await loop.run_in_executor(self._thread, work, *arguments))
