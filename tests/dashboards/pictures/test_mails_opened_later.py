"""Messages that are opened in other days than they were delivered."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from anonymizer.hits import CleanMail, Door, Mail, VisitorKey
from anonymizer.policy import Dimension
from collector.email.counting import MailCounter, count_delivered
from collector.email.registry import Campaign
from dashboards.address.periods import Period, PeriodName
from dashboards.asking.filters import Is
from dashboards.pictures.gallery import PICTURES
from dashboards.pictures.mails import Mails
from dashboards.pictures.picture import Picture
from tests.collector.hits import SITE, Line
from tests.collector.storing import Kept
from tests.dashboards.pictures.days import Asked, select
from tests.dashboards.pictures.reading import EN, POLICY

DELIVERED = {date(2026, 2, 3): 4_000, date(2026, 3, 11): 10}
OPENED = date(2026, 3, 11)
PERSONS = 300


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    line = Line(POLICY)
    counter = MailCounter(line.plan)
    purposes = frozenset(purpose.id for purpose in POLICY.purposes)
    campaign = Campaign("letter", "", SITE)
    rows = [
        count_delivered(line.plan, campaign, number, line.local(noon(day)))
        for day, number in DELIVERED.items()
    ]
    for number in range(PERSONS):
        time = noon(OPENED) + number
        visitor = VisitorKey(str(number).encode())
        hit = CleanMail(
            Door.EMAIL, SITE, time, line.local(time), Mail("letter"), "person", "DE", visitor
        )
        rows += counter.count(hit, purposes)
    kept = Kept(tmp_path_factory.mktemp("later"), POLICY)
    kept.apply()
    kept.count(rows)
    yield Asked(kept)
    kept.close()


def noon(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())


def stages(later: Asked, first: date, last: date, *filters: Is) -> list[str]:
    """Return what is told of delivered, opened, clicked."""
    selection = replace(
        select(POLICY, "email", *filters), period=Period(PeriodName.CUSTOM, first, last)
    )

    async def reading() -> Picture | None:
        return await PICTURES["email"](later, selection, EN)

    picture = asyncio.run(reading())
    assert picture is not None
    assert isinstance(picture.drawn, Mails)
    (mail,) = picture.drawn.mails
    return [stage.text for stage in mail.stages]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(date(2026, 2, 1), date(2026, 3, 12), id="with the day of delivery"),
        pytest.param(date(2026, 3, 10), date(2026, 3, 12), id="days after it, and a late delivery"),
        pytest.param(OPENED, OPENED, id="one day"),
    ],
)
def test_share_is_of_all_that_was_delivered_before(later: Asked, first: date, last: date) -> None:
    assert stages(later, first, last) == ["4,010", "7.5%", "0%"]


def test_share_is_told_of_one_campaign_that_is_filtered_by(later: Asked) -> None:
    held = Is(Dimension.CAMPAIGN, ("letter",))

    assert stages(later, OPENED, OPENED, held) == ["4,010", "7.5%", "0%"]


def test_what_filters_part_from_deliveries_is_told_without_a_share(later: Asked) -> None:
    held = Is(Dimension.MAIL_KIND, ("person",))

    assert stages(later, OPENED, OPENED, held) == ["–", "300", "0"]
