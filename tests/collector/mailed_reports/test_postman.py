"""Reports by schedule: each goes out once, over restarts and while the mail server is away."""

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from anonymizer.hits import SiteId
from anonymizer.policy import ConsentMode, Site
from collector.mailed_reports.due import Days
from collector.mailed_reports.postman import Postman
from collector.mailed_reports.sent import MarksFailed, Sent
from collector.mailed_reports.settings import Every, Mailing, Scheduled, Smtp, Tls
from collector.store import StoreFailed
from tests.collector.mailed_reports.smtp_server import HOST, MailServer
from tests.collector.mailed_reports.test_sending import Report

SITE = Site(SiteId("example.org"), ZoneInfo("UTC"), ConsentMode.EXEMPT)
ANA, BO = "ana@example.org", "bo@example.org"
WEEKLY = Scheduled(4, SITE, (ANA, BO), Every.WEEK, "en", 7)
TO_ANA = Scheduled(4, SITE, (ANA,), Every.WEEK, "en", 7)

BEGUN = int(datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp())
DUE = int(datetime(2026, 3, 9, 7, tzinfo=UTC).timestamp())
HOUR, WEEK = 3600, 7 * 86_400


class Office:
    """A postman that can be started anew on the same file, at a time that a test says."""

    def __init__(self, path: Path, server: MailServer) -> None:
        self.path = path
        self.server = server
        self.now = BEGUN
        self.written: list[str] = []
        self.fails = False
        self._postman: Postman | None = None

    def look(self, *reports: Scheduled) -> None:
        """Look once for what is due."""

        async def look() -> None:
            smtp = Smtp(HOST, self.server.port, Tls.NONE, "stats@example.org")
            if self._postman is None:
                mailing = Mailing(smtp, reports or (WEEKLY,))
                self._postman = Postman(mailing, Sent(self.path), self._write, lambda: self.now)
            await self._postman.send_due()

        asyncio.run(look())

    def restart(self) -> None:
        if self._postman is not None:
            asyncio.run(self._postman.close())
            self._postman = None

    def taken(self) -> list[str]:
        """Return to whom messages went since the last time that this was asked."""
        to = [str(letter["To"]) for letter in self.server.taken]
        self.server.taken.clear()
        return to

    async def _write(self, site: Site, days: Days, language: str) -> Report:
        if self.fails:
            raise StoreFailed("the query failed")
        self.written.append(f"{site.domain} {days} {language}")
        return Report(subject=str(days))


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def office(tmp_path: Path, server: MailServer) -> Iterator[Office]:
    server.taken.clear()
    server.answers.clear()
    office = Office(tmp_path / "reports.json", server)
    yield office
    office.restart()


@pytest.fixture
def begun(office: Office) -> Office:
    """Look for the first time, two days after a week's report was due, and then on Monday."""
    office.look()
    assert office.taken() == []
    office.now = DUE
    return office


def test_report_goes_out_once_a_week(begun: Office) -> None:
    for _ in range(3):
        begun.look()
        begun.now += HOUR
    assert begun.taken() == [ANA, BO]
    assert begun.written == ["example.org 2026-03-02/2026-03-08 en"]

    begun.now = DUE + WEEK
    begun.look()
    assert begun.taken() == [ANA, BO]


def test_report_goes_out_once_over_restarts(begun: Office) -> None:
    for _ in range(3):
        begun.restart()
        begun.look()
    assert begun.taken() == [ANA, BO]


def test_nothing_goes_out_before_its_hour(begun: Office) -> None:
    begun.now = DUE - 1
    begun.look()
    assert begun.taken() == []


def test_server_that_was_down_on_monday_sends_later(begun: Office) -> None:
    begun.restart()
    begun.now = DUE + 3 * 86_400
    begun.look()
    assert begun.taken() == [ANA, BO]


def test_weeks_that_were_missed_are_not_made_up_for(begun: Office) -> None:
    begun.now = DUE + 3 * WEEK
    begun.look()
    assert begun.written == ["example.org 2026-03-23/2026-03-29 en"]


def test_recipient_who_is_new_gets_the_next_one(office: Office) -> None:
    office.look(TO_ANA)
    office.now = DUE
    office.look()
    office.restart()
    office.look(WEEKLY)
    assert office.taken() == [ANA]
    office.now += WEEK
    office.look()
    assert office.taken() == [ANA, BO]


def test_mail_server_that_is_away_is_asked_ever_less_often(
    begun: Office, caplog: pytest.LogCaptureFixture
) -> None:
    begun.server.answers.update({ANA: "451 later", BO: "451 later"})
    tries = []
    for minute in range(4 * 60):
        begun.now = DUE + minute * 60
        caplog.clear()
        begun.look()
        if caplog.messages:
            tries.append(minute)
    assert tries == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    begun.server.answers.clear()
    begun.look()
    assert begun.taken() == []
    begun.now += HOUR
    begun.look()
    assert begun.taken() == [ANA, BO]


def test_waiting_goes_on_over_a_restart(begun: Office) -> None:
    begun.server.answers.update({ANA: "451 later", BO: "451 later"})
    for _ in range(2):
        begun.look()
        begun.now += 60
    begun.server.answers.clear()
    begun.restart()
    begun.look()
    assert begun.taken() == []
    begun.now += 60
    begun.look()
    assert begun.taken() == [ANA, BO]


def test_report_is_written_once_however_often_it_is_tried(begun: Office) -> None:
    """Writing it asks the store, and adds to the audit trail that it was exported."""
    begun.server.answers[ANA] = "451 later"
    for _ in range(24):
        begun.look()
        begun.now += HOUR
    assert begun.taken() == [BO]
    assert len(begun.written) == 1

    begun.now = DUE + WEEK
    begun.server.answers.clear()
    begun.look()
    assert [letter["Subject"] for letter in begun.server.taken] == ["2026-03-09/2026-03-15"] * 2
    assert len(begun.written) == 2


def test_refused_recipient_is_given_up_and_told_without_the_address(
    begun: Office, caplog: pytest.LogCaptureFixture
) -> None:
    begun.server.answers[ANA] = "550 no such user ana"
    for _ in range(5):
        begun.look()
        begun.now += HOUR
    assert begun.taken() == [BO]
    (told,) = caplog.messages
    assert told == (
        "the report of line 4 is not sent to its recipient 1 (try 1): the mail server: it refused"
        " the recipient (550); it is tried again after the next start"
    )

    begun.server.answers.clear()
    begun.restart()
    begun.look()
    assert begun.taken() == [ANA]


def test_message_whose_answer_was_missed_goes_out_again_as_the_same(office: Office) -> None:
    office.look(TO_ANA)
    office.now = DUE
    office.server.answers["DATA"] = "gone"
    office.look()
    office.server.answers.clear()
    office.now += 60
    office.restart()
    office.look(TO_ANA)
    office.now += WEEK
    office.look()

    first, again, next_week = (letter["Message-ID"] for letter in office.server.taken)
    assert first == again
    assert next_week != first


def test_nothing_is_sent_that_cannot_be_written_down(
    begun: Office, caplog: pytest.LogCaptureFixture
) -> None:
    part = begun.path.with_name(".reports.json.part")
    part.mkdir()  # as good as a full disk, for root as well
    begun.look()
    assert begun.taken() == []
    assert "no report of line 4 is sent now" in caplog.text
    part.rmdir()
    begun.now += 60
    begun.look()
    assert begun.taken() == [ANA, BO]


def test_what_cannot_be_written_down_afterwards_is_remembered(
    begun: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_out = Sent.note_out

    def on_full_disk(sent: Sent, key: str) -> None:
        part = begun.path.with_name(".reports.json.part")
        part.mkdir()
        try:
            note_out(sent, key)
        finally:
            part.rmdir()

    monkeypatch.setattr(Sent, "note_out", on_full_disk)
    for _ in range(5):
        begun.look()
        begun.now += HOUR
    assert begun.taken() == [ANA, BO]


def test_store_that_is_away_puts_a_report_off(
    begun: Office, caplog: pytest.LogCaptureFixture
) -> None:
    begun.fails = True
    begun.look()
    begun.look()
    told = "no report of line 4 is sent now: the query failed; next try in 60 s"
    assert caplog.messages == [told]
    begun.fails = False
    begun.now += 60
    begun.look()
    assert begun.taken() == [ANA, BO]


def test_file_of_marks_holds_no_address(begun: Office) -> None:
    begun.look()
    text = begun.path.read_text()
    assert "@" not in text
    assert [mark["is_out"] for mark in json.loads(text).values()] == [True, True]
    # Hashes of addresses: who has one can tell whether it is among them.
    assert begun.path.stat().st_mode & 0o777 == 0o600


def test_file_of_marks_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "reports.json"
    path.write_text("{")
    with pytest.raises(MarksFailed, match="can't be read"):
        Sent(path)


def test_clock_that_goes_back_sends_nothing_again(begun: Office) -> None:
    begun.look()
    begun.taken()
    begun.now -= 2 * WEEK
    begun.look()
    begun.now += 2 * WEEK
    begun.look()
    assert begun.taken() == []


@pytest.mark.parametrize("weeks", [1, 5, 3000])
def test_clock_that_was_ahead_holds_no_later_report_back(begun: Office, weeks: int) -> None:
    begun.look()
    begun.now = DUE + weeks * WEEK
    begun.look()
    begun.taken()

    begun.now = DUE + HOUR
    begun.look()
    assert begun.taken() == []
    begun.now = DUE + WEEK
    begun.look()
    assert begun.taken() == ([ANA, BO] if weeks > 1 else [])
    begun.now = DUE + 2 * WEEK
    begun.look()
    assert begun.taken() == [ANA, BO]


def test_wait_that_began_on_a_clock_that_was_ahead_ends_at_once(begun: Office) -> None:
    begun.server.answers.update({ANA: "451 later", BO: "451 later"})
    begun.now = DUE + WEEK - 2 * HOUR
    begun.look()
    begun.server.answers.clear()
    begun.now = DUE
    begun.look()
    assert begun.taken() == [ANA, BO]


def test_line_put_off_on_a_clock_that_was_ahead_is_tried_at_once(begun: Office) -> None:
    begun.fails = True
    begun.now = DUE + 2 * WEEK
    begun.look()
    begun.fails = False
    begun.now = DUE
    begun.look()
    assert begun.taken() == [ANA, BO]


def test_mark_of_who_gets_nothing_any_more_goes(office: Office) -> None:
    office.look(WEEKLY)
    office.restart()
    assert len(json.loads(office.path.read_text())) == 2
    office.now = DUE
    office.look(TO_ANA)
    assert len(json.loads(office.path.read_text())) == 1


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "discreet")
