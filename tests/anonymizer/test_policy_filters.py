"""A statistic of one event, or of one property of it: what may be told apart, and each fault."""

import pytest

from anonymizer.policy import Dimension, Statistic
from anonymizer.policy_file import read_policy
from collector.reference import default_policy
from tests.anonymizer.policy_texts import COVERAGE, HEAD, PURPOSE, SITE, lines_of

EVENT = """\
[[event]]
name = "signup"
[[event.property]]
name = "plan"
values = ["free", "pro"]
"""
BEFORE = HEAD + SITE + PURPOSE + COVERAGE + EVENT
OWN = BEFORE + '[[statistic]]\nname = "own"\npurpose = "shop"\n'
FIRST = OWN.count("\n") + 1
ALLOWED = "must name page, entry_page, source, channel, referrer, campaign, campaign_source,"
ALLOWED_BESIDE_PROPERTY = "must name value, page, entry_page, source, channel, campaign, country,"


def read(text: str) -> Statistic:
    return read_policy(OWN + text, "").statistics[-1]


def faults_of(text: str) -> list[str]:
    return lines_of(text, default_policy())


@pytest.mark.parametrize(
    ("text", "dimensions", "min_group"),
    [
        pytest.param('event = "signup"', "event", 3, id="totals of an event"),
        pytest.param('event = "signup"\nby = ["page"]', "event page", 5, id="event by page"),
        pytest.param(
            'event = "signup"\nby = ["country", "referrer", "campaign_term"]',
            "event country referrer campaign_term",
            5,
            id="event by three",
        ),
        pytest.param(
            'event = "signup"\nby = ["network"]', "event network", 20, id="event by network"
        ),
        pytest.param(
            'event = "signup"\nproperty = "plan"', "event property", 5, id="totals of a property"
        ),
        pytest.param(
            'event = "signup"\nproperty = "plan"\nby = ["page", "value", "device"]',
            "event property page value device",
            5,
            id="property by value and two more",
        ),
        pytest.param(
            'event = "signup"\nby = ["page"]\nmin_group = 2', "event page", 2, id="its own size"
        ),
    ],
)
def test_statistic_of_one_event_is_told_apart_like_that_of_all(
    text: str, dimensions: str, min_group: int
) -> None:
    statistic = read(text)

    assert statistic.event == "signup"
    assert " ".join(statistic.dimensions()) == dimensions
    assert statistic.min_group == min_group


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        pytest.param('event = "order"', 0, "event", "must be the name of an [[event]]", id="event"),
        pytest.param("event = 3", 0, "event", "must be a string", id="number"),
        pytest.param('event = ""', 0, "event", "must not be empty", id="empty"),
        pytest.param(
            'event = "signup"\nproperty = "seats"', 1, "property", "of that event", id="property"
        ),
        pytest.param('property = "plan"', 0, "property", "must stand beside event", id="no event"),
        *(
            pytest.param(f'event = "signup"\nby = ["{word}"]', 1, "by", ALLOWED, id=f"by {word}")
            for word in ("event", "property", "value", "previous_page", "exit_page", "mask")
        ),
        *(
            pytest.param(
                f'event = "signup"\nproperty = "plan"\nby = ["{word}"]',
                2,
                "by",
                ALLOWED_BESIDE_PROPERTY,
                id=f"{word} beside property",
            )
            for word in ("event", "property", "referrer", "network", "bot", "door", "goal")
        ),
        pytest.param(
            'event = "signup"\nby = ["page", "entry_page"]', 1, "by", "entry_page", id="two pages"
        ),
        pytest.param('event = "signup"\nby = ["page", "page"]', 1, "by", "once", id="twice"),
        pytest.param(
            'event = "signup"\nby = ["page", "source", "country", "os"]', 1, "by", "most 3", id="4"
        ),
    ],
)
def test_fault_has_its_line_and_key(text: str, line: int, key: str, message: str) -> None:
    (fault,) = faults_of(OWN + text)

    assert fault.startswith(f"line {FIRST + line}: statistic.{key}: ")
    assert message in fault


def test_coverage_is_of_every_hit() -> None:
    faults = faults_of(BEFORE.replace("[[event]]", 'event = "signup"\n[[event]]', 1))

    assert any("must not stand in coverage" in fault for fault in faults)


def test_filter_that_is_put_on_an_inherited_statistic_asks_for_the_size_of_its_shape() -> None:
    head = HEAD + 'extends = "default"\n' + SITE
    text = f'{head}[[statistic]]\nname = "pages"\nevent = "404"\n'

    (pages,) = [
        each for each in read_policy(text, default_policy()).statistics if each.name == "pages"
    ]
    assert (pages.by, pages.event, pages.min_group) == ((Dimension.PAGE,), "404", 5)
