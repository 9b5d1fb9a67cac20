"""What the privacy page says of receipts, of retention and of the checks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from anonymizer.policy import Basis, Purpose, PurposeId
from collector.doctor.last_run import LastRun
from collector.doctor.verdicts import Outcome, Verdict
from collector.receipt_store import Counted
from collector.retention.status import Kept
from dashboards.privacy.promises import (
    MAX_PAUSE,
    view_checks,
    view_purposes,
    view_retention,
    view_statistics,
    write_few,
)
from dashboards.privacy.withheld import Withheld
from dashboards.words import words_in
from tests.dashboards.views import make_policy

EN, ZH = words_in("en"), words_in("zh")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PURPOSE = Purpose(
    PurposeId("statistics"), "Numbers", "imoa 3.1.b", Basis.CONSENT, 730, titles={"zh": "数字"}
)
POLICY = replace(make_policy(), purposes=(PURPOSE,))


@pytest.mark.parametrize(
    ("number", "size", "told"),
    [
        pytest.param(0, 20, "< 20", id="none"),
        pytest.param(19, 20, "< 20", id="too few"),
        pytest.param(20, 20, "20", id="just enough"),
        pytest.param(39, 20, "20", id="nearly twice"),
        pytest.param(1_234, 20, "1,220", id="many"),
        pytest.param(0, 1, "0", id="none of no size"),
        pytest.param(7, 1, "7", id="some of no size"),
    ],
)
def test_people_in_no_statistic_are_told_in_steps(number: int, size: int, told: str) -> None:
    assert write_few(EN, number, size) == told


def test_receipts_stand_by_their_purpose_and_in_all() -> None:
    receipts = [Counted("", 10, 2, 5), Counted("statistics", 9, 0, 4), Counted("gone", 7, 7, 7)]

    of_all, of_purpose = view_purposes(EN, POLICY, receipts)

    assert of_all.receipts == ("9", "< 3", "3")
    assert of_purpose.receipts == ("9", "< 3", "3")
    assert (of_purpose.title, of_purpose.keep_days) == ("Numbers", "730 days")


def test_purpose_is_titled_in_the_readers_language() -> None:
    assert view_purposes(ZH, POLICY, [])[1].title == "数字"


@pytest.mark.parametrize(
    ("before", "state"),
    [
        pytest.param(timedelta(hours=9), "good", id="last night"),
        pytest.param(MAX_PAUSE, "good", id="a day and its slack"),
        pytest.param(MAX_PAUSE + timedelta(seconds=1), "bad", id="a night was missed"),
        pytest.param(None, "fair", id="never"),
    ],
)
def test_missed_night_of_retention_shows(before: timedelta | None, state: str) -> None:
    ended = None if before is None else int((NOW - before).timestamp())

    assert view_retention(EN, ended, NOW, BERLIN).state == state


def test_time_of_retention_is_on_the_sites_clock() -> None:
    told = view_retention(EN, int(NOW.timestamp()), NOW, BERLIN)

    assert told.text.endswith(" 13:00")


def checked(*outcomes: Outcome) -> LastRun:
    verdicts = tuple(
        Verdict(f"check {number}", outcome, f"12 files, {number}")
        for number, outcome in enumerate(outcomes)
    )
    return LastRun(int(NOW.timestamp()), verdicts)


@pytest.mark.parametrize(
    ("outcomes", "state", "text"),
    [
        pytest.param((Outcome.HOLDS, Outcome.HOLDS), "good", "2 checks hold", id="all hold"),
        pytest.param(
            (Outcome.HOLDS, Outcome.NOT_CHECKED),
            "good",
            "1 check holds and 1 not checked",
            id="one can't be made",
        ),
        pytest.param(
            (Outcome.HOLDS, Outcome.DOES_NOT_HOLD), "bad", "1 check does not hold", id="one fails"
        ),
    ],
)
def test_check_that_does_not_hold_is_what_is_told(
    outcomes: tuple[Outcome, ...], state: str, text: str
) -> None:
    view = view_checks(EN, checked(*outcomes), BERLIN, sees_all=True)

    assert view is not None
    assert (view.told.state, view.told.text) == (state, text)


@pytest.mark.parametrize(("sees_all", "because"), [(True, "12 files, 0"), (False, "")])
def test_reasons_of_checks_are_for_who_sees_every_site(sees_all: bool, because: str) -> None:
    view = view_checks(EN, checked(Outcome.HOLDS), BERLIN, sees_all=sees_all)

    assert view is not None
    assert [row.because for row in view.rows] == [because]


def test_statistics_tell_when_they_go_and_what_is_withheld() -> None:
    withheld = {"pages": Withheld(counted=200, hidden=50, dayless=1)}
    kept = {"pages": Kept(730, True, oldest="2025-01-05")}

    (group,) = view_statistics(EN, POLICY, withheld, kept, date(2026, 3, 10))

    rows = {row.name: row for row in group.rows}
    pages = rows["pages"]
    assert (pages.hidden, pages.dayless) == ("50 (25%)", "1 (0.5%)")
    assert (pages.oldest, pages.kept_from) == ("Sun, Jan 5, 2025", "Sun, Mar 10, 2024")
    assert (rows["traffic"].counted, rows["traffic"].hidden) == ("", "")
    assert rows["sources"].oldest == ""
