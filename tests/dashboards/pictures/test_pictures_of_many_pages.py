"""Pictures of a site with more pages than a question tells rows: sums hold all of them."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from anonymizer.policy import Dimension
from dashboards.address.periods import Period, PeriodName
from dashboards.asking.filters import Is
from dashboards.pictures.gallery import PICTURES
from dashboards.pictures.picture import Picture
from dashboards.pictures.speed import Speed
from dashboards.pictures.transitions import Flow
from tests.collector.hits import Line
from tests.collector.storing import Kept
from tests.dashboards.pictures.days import FIRST, Asked, select
from tests.dashboards.pictures.reading import EN, POLICY, draw

PAGES = 1_200
VISITORS = 5
"""Of each page: just enough to be told."""
HIDDEN = 700
"""Pages that one visitor saw each."""
MONTH = Period(PeriodName.CUSTOM, date(2026, 3, 1), date(2026, 3, 31))
START = int(datetime(FIRST.year, FIRST.month, FIRST.day, 9, tzinfo=UTC).timestamp())


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    line = Line(POLICY)
    views = []
    for number in range(PAGES + HIDDEN):
        for visitor in range(VISITORS if number < PAGES else 1):
            who, page = f"{number} {visitor}", f"/p{number}"
            views.append(line.view(who, START, "/"))
            views.append(line.view(who, START + 10, page))
            views.append(
                line.view(
                    who,
                    START + 20,
                    page,
                    event="Web Vitals",
                    interactive=False,
                    properties=(("lcp", "<500"),),
                )
            )
    kept = Kept(tmp_path_factory.mktemp("many"), POLICY)
    kept.apply()
    kept.count(*views)
    yield Asked(kept)
    kept.close()


def test_what_is_hidden_is_told_beside_any_number_of_pages(many: Asked) -> None:
    """Small groups of one event belong to their month alone, once it is over."""
    selection = select(POLICY, "web_vitals_lcp")
    selection = replace(selection, period=MONTH, now=datetime(2026, 4, 5, 12))

    async def reading() -> Picture | None:
        return await PICTURES["web_vitals_lcp"](many, selection, EN)

    picture = asyncio.run(reading())

    assert picture is not None
    assert isinstance(picture.drawn, Speed)
    # 700 of 6,700 measurements.
    assert picture.drawn.notes[0].startswith("10% of the measurements")


def test_flow_names_how_many_other_pages_there_are(many: Asked) -> None:
    drawn = draw(many, "transitions", Is(Dimension.PAGE, ("/",))).drawn

    assert isinstance(drawn, Flow)
    others = next(way for way in drawn.after if "other pages" in way.text)
    named = len(drawn.after) - 1
    assert others.text == f"{PAGES - named:,} other pages"
    assert others.number == f"{VISITORS * (PAGES - named):,}"
