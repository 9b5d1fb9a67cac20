"""Mailed reports in the running server: by their schedule, and when the operator asks."""

from collections.abc import Awaitable, Callable, Collection
from datetime import date
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool

from anonymizer.policy import Policy, Site
from collector.audit import LOCAL_USER
from collector.mailed_reports.due import Days, last_whole, today_at
from collector.mailed_reports.letters import Written
from collector.mailed_reports.postman import Postman
from collector.mailed_reports.sent import Sent
from collector.mailed_reports.settings import Every, Mailing
from collector.query_socket import Refused, Values
from collector.store import StoreFailed
from people.trail import Act, Did

KIND = "report"
"""How the running server's socket is asked for one."""
SCHEDULE = "(schedule)"
"""Who the audit trail says exported what went out by schedule."""

WriteReport = Callable[[Site, date, date, str, str], Awaitable[Written]]
"""Writes what is known of some days of a site, in a language, with a link to the dashboard."""


class ReportText(Struct, frozen=True):
    """A written report, as the socket hands it on."""

    subject: str
    text: str
    html: str
    days: str


class ReportDesk:
    """Writes reports, each once it is in the audit trail. Use it from the event loop."""

    def __init__(
        self,
        policy: Policy,
        languages: Collection[str],
        write: WriteReport,
        note: Callable[[Act], None],
        now: Callable[[], int],
        mailing: Mailing | None,
        sent: Path,
    ) -> None:
        """Take what is to be sent by itself, if anything is; `sent` is the file of its marks.

        Raises:
            MarksFailed: the file can't be read.
        """
        self._policy = policy
        self._languages = languages
        self._write_report = write
        self._note = note
        self._now = now
        self._postman = None
        if mailing is not None:
            write_mail = partial(self._write, SCHEDULE, mailing.dashboard)
            self._postman = Postman(mailing, Sent(sent), write_mail, now)

    def start(self) -> None:
        """Begin to send what falls due."""
        if self._postman is not None:
            self._postman.start()

    async def close(self) -> None:
        """Stop sending."""
        if self._postman is not None:
            await self._postman.close()

    async def answer(self, values: Values) -> bytes:
        """Write the report of the last whole week or month of a site.

        Raises:
            Refused: there is no such site or language, or the store can't be asked.
        """
        site = next(
            (each for each in self._policy.sites.values() if each.domain == values["site"]), None
        )
        if site is None:
            raise Refused("--site: the policy has no such site")
        if values["language"] not in self._languages:
            raise Refused("--lang: is not known to this server")
        days = last_whole(Every(values["period"]), today_at(site, self._now()))
        try:
            written = await self._write(
                LOCAL_USER, values["dashboard"], site, days, values["language"]
            )
        except StoreFailed as error:
            raise Refused(str(error)) from None
        told = ReportText(written.subject, written.text, written.html, str(days))
        return msgspec.json.encode(told)

    async def _write(
        self, user: str, dashboard: str, site: Site, days: Days, language: str
    ) -> Written:
        name = "mailed report" if user == SCHEDULE else "report"
        act = Act(self._now(), user, Did.EXPORTED, site.domain, name, str(days))
        await run_in_threadpool(self._note, act)
        return await self._write_report(site, days.first, days.last, language, dashboard)
