"""Read a report's picture as its page does."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from dashboards.address.filters import Condition
from dashboards.pages import render
from dashboards.pictures.gallery import PICTURES
from dashboards.pictures.picture import Picture
from dashboards.words import words_in
from tests.dashboards.pictures.days import Asked, make_policy, select

POLICY = make_policy()
EN = words_in("en")


def read(asked: Asked, report: str, *filters: Condition) -> Picture | None:
    async def reading() -> Picture | None:
        return await PICTURES[report](asked, select(POLICY, report, *filters), EN)

    # Playwright leaves a loop running in the test's own thread.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, reading()).result()


def draw(asked: Asked, report: str, *filters: Condition) -> Picture:
    picture = read(asked, report, *filters)
    assert picture is not None
    return picture


def html_of(picture: Picture, report: str) -> str:
    values = {"drawn": picture.drawn, "selection": select(POLICY, report)}
    return render(EN, f"pictures/{picture.template}", values)
