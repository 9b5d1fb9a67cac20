"""Statistics and purposes in words that a visitor reads."""

import pytest
from msgspec.structs import replace

from anonymizer.policy import ENGAGEMENT, Dimension, Grain, PurposeId, Statistic
from anonymizer.policy_file import read_policy
from collector.plain_words import (
    tell_dimension_notes,
    tell_dimensions,
    tell_measures,
    tell_purpose,
)
from collector.reference import default_policy
from collector.visitor_pages import shipped_languages
from tests.running import POLICY

ENGLISH, CHINESE = shipped_languages()
DEFAULT = read_policy(POLICY, default_policy())


def statistic(*by: Dimension, grain: Grain = Grain.DAY) -> Statistic:
    return Statistic("name", PurposeId("audience"), by, grain, 3, 90)


@pytest.mark.parametrize(
    ("by", "english", "chinese"),
    [
        pytest.param((), "in total", "总计", id="none"),
        pytest.param((Dimension.PAGE,), "page", "页面", id="one"),
        pytest.param(
            (Dimension.PAGE, Dimension.COUNTRY), "page and country", "页面和国家或地区", id="two"
        ),
        pytest.param(
            (Dimension.DEVICE, Dimension.BROWSER, Dimension.OS),
            "kind of device, browser and operating system",
            "设备类别、浏览器和操作系统",
            id="three",
        ),
    ],
)
def test_dimensions_are_told(by: tuple[Dimension, ...], english: str, chinese: str) -> None:
    assert tell_dimensions(statistic(*by), ENGLISH) == english
    assert tell_dimensions(statistic(*by), CHINESE) == chinese


@pytest.mark.parametrize(
    ("of", "by", "english", "chinese"),
    [
        pytest.param(
            "",
            (Dimension.PAGE,),
            "“Form: Submission”: page",
            "“Form: Submission”：页面",
            id="event",
        ),
        pytest.param(
            "", (), "“Form: Submission”: in total", "“Form: Submission”：总计", id="total"
        ),
        pytest.param(
            "form",
            (Dimension.VALUE,),
            "“Form: Submission”, form: value of the property",
            "“Form: Submission”的 form：属性的值",
            id="property",
        ),
    ],
)
def test_event_that_alone_is_counted_goes_before(
    of: str, by: tuple[Dimension, ...], english: str, chinese: str
) -> None:
    held = replace(statistic(*by), event="Form: Submission", property=of)

    assert tell_dimensions(held, ENGLISH) == english
    assert tell_dimensions(held, CHINESE) == chinese


def test_engagement_counts_the_time_that_a_page_was_looked_at() -> None:
    engaged = replace(statistic(Dimension.PAGE), event=ENGAGEMENT)

    assert tell_measures(engaged, ENGLISH) == "visitors and time that a page was looked at"
    assert tell_measures(engaged, CHINESE) == "访客数和查看页面的时间"
    scrolled = replace(engaged, property="depth")
    assert tell_measures(scrolled, ENGLISH) == "visitors and events"


def test_measures_are_those_that_the_view_shows() -> None:
    assert tell_measures(statistic(Dimension.PAGE), ENGLISH) == "visitors and page views"
    assert tell_measures(statistic(Dimension.DOOR, Dimension.REASON), ENGLISH) == "requests"


def test_purpose_has_its_title_in_the_reader_s_language_where_there_is_one() -> None:
    audience = DEFAULT.purposes[0]

    assert tell_purpose(audience, ENGLISH) == audience.title
    assert tell_purpose(audience, CHINESE) == audience.titles["zh"]


def test_only_the_dimensions_that_are_counted_are_explained() -> None:
    one = read_policy(
        POLICY.replace('extends = "default"\n', "")
        + """
[[purpose]]
id = "audience"
title = "Audience"
clause = "1"
basis = "exempt"

[[statistic]]
name = "countries"
purpose = "audience"
by = ["country"]
grain = "day"

[[statistic]]
name = "coverage"
purpose = "audience"
by = ["door", "reason"]
grain = "day"
min_group = 1
""",
        default_policy(),
    )

    words = [word for word, _ in tell_dimension_notes(one, ENGLISH)]
    assert words == ["country", "way in", "reason"]
