"""Reading [[goal]] and [[funnel]]: each fault by line and key, beside its innocent look-alike."""

import pytest

from anonymizer.hits import SiteId
from anonymizer.policy import Funnel, Goal, Policy
from anonymizer.policy_file import Fault, read_policy
from collector.reference import default_policy
from tests.anonymizer import policy_texts
from tests.anonymizer.policy_texts import MINIMAL

HEAD = (
    MINIMAL
    + """\
[[site]]
domain = "shop.example"
timezone = "Europe/Berlin"
[[event]]
name = "subscribed"
property = [
  {name = "plan", values = ["free", "pro"]},
  {name = "seats", steps = [10, 100]},
  {name = "word", text = true},
]
"""
)
FIRST = HEAD.count("\n") + 1


def read(text: str) -> Policy:
    return read_policy(HEAD + text, default_policy())


def faults_of(text: str) -> tuple[Fault, ...]:
    return policy_texts.faults_of(HEAD + text, default_policy())


def goal(text: str, name: str = "g") -> str:
    return f"[[goal]]\nname = '{name}'\n{text}\n"


def funnel(text: str) -> str:
    return f"[[funnel]]\nname = 'f'\n{text}\n"


PLAN = "event = 'subscribed'\nproperty = 'plan'\n"
SEATS = "event = 'subscribed'\nproperty = 'seats'\n"
TEXT = "event = 'subscribed'\nproperty = 'word'\n"


def test_goals_and_funnels_are_read() -> None:
    policy = read(
        goal(PLAN + "value = 'pro'", "pro")
        + goal("page = '/order/*/done'\nsite = 'Shop.Example'", "ordered")
        + funnel("steps = ['/cart', 'ordered']\nwithin = 'visit'\nsite = 'shop.example'")
    )

    assert policy.goals == {
        "pro": Goal("pro", "subscribed", "plan", "pro"),
        "ordered": Goal("ordered", page="/order/*/done", site=SiteId("shop.example")),
    }
    assert policy.funnels == {"f": Funnel("f", ("/cart", "ordered"), SiteId("shop.example"))}


def test_policy_without_them_has_none() -> None:
    assert (read("").goals, read("").funnels) == ({}, {})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(goal("event = 'subscribed'"), id="any such event"),
        pytest.param(goal("event = 'subscribed'\nsite = 'example.org'"), id="event on a site"),
        pytest.param(goal("event = 'Outbound Link: Click'"), id="inherited event"),
        pytest.param(goal(SEATS + "value = '<10'"), id="below the first step"),
        pytest.param(goal(SEATS + "value = '10–99'"), id="a step"),  # a range's dash
        pytest.param(goal(SEATS + "value = '≥100'"), id="last step"),
        pytest.param(goal(TEXT + "value = 'shoes'"), id="text"),
        pytest.param(goal(TEXT + f"value = 'shop.example/{'a/' * 40}b'"), id="long address"),
        *(
            pytest.param(goal(f"page = '{page}'"), id=page)
            for page in ("/", "/a", "/a/", "/*", "/**", "/a/*/b/**", "/u/:id/done", "/ü", "/%C3%BC")
        ),
        pytest.param(funnel("steps = ['/a', '/a']"), id="the same page again"),
        pytest.param(funnel(f"steps = {['/a'] * 8}"), id="eight steps"),
        pytest.param(
            goal("page = '/a'\nsite = 'example.org'")
            + funnel("steps = ['g', '/a']\nsite = 'example.org'"),
            id="goal of the funnel's site",
        ),
        pytest.param(goal("page = '/a'") + "[[funnel]]\nname='g'\nsteps=['g','/b']", id="one name"),
    ],
)
def test_goal_or_funnel_may_be(text: str) -> None:
    assert read(text).goals or read(text).funnels


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        pytest.param("[goal]\nname='g'", 0, "goal", "headed [[goal]]", id="table"),
        pytest.param("[[goal]]\npage = '/a'", 0, "goal.name", "is missing", id="no name"),
        pytest.param(goal("page='/a'", "/a"), 1, "goal.name", "letter or digit", id="name a path"),
        pytest.param(goal(""), 1, "goal.name", "has none", id="neither"),
        pytest.param(
            goal("event = 'subscribed'\npage = '/a'"), 3, "goal.page", "beside event", id="both"
        ),
        pytest.param(goal("event = 'pageview'"), 2, "goal.event", "[[event]]", id="page view"),
        pytest.param(goal("event = 'other'"), 2, "goal.event", "[[event]]", id="unknown event"),
        pytest.param(goal("event = 3"), 2, "goal.event", "a string", id="number"),
        pytest.param(goal("event = 'subscribed'\ncolour = 1"), 3, "goal.colour", "known", id="key"),
        pytest.param(goal(PLAN), 3, "goal.property", "beside value", id="no value"),
        pytest.param(
            goal("event = 'subscribed'\nvalue = 'pro'"),
            3,
            "goal.value",
            "beside property",
            id="no property",
        ),
        pytest.param(
            goal("page = '/a'\nvalue = 'pro'"), 3, "goal.value", "beside event", id="page's value"
        ),
        pytest.param(
            goal("event = 'subscribed'\nproperty = 'colour'\nvalue = 'red'"),
            3,
            "goal.property",
            "a property of the event",
            id="unknown property",
        ),
        pytest.param(
            goal("event = 'engagement'\nproperty = 'depth'\nvalue = '75'"),
            3,
            "goal.property",
            "with values, steps or text",
            id="property of bounds that are reached",
        ),
        pytest.param(goal(PLAN + "value = 'gold'"), 4, "goal.value", "word", id="unknown value"),
        pytest.param(goal(PLAN + "value = '(other)'"), 4, "goal.value", "word", id="other"),
        pytest.param(goal(SEATS + "value = '50'"), 4, "goal.value", "word", id="no step"),
        pytest.param(goal(TEXT + "value = 'a@b.example'"), 4, "goal.value", "word", id="masked"),
        pytest.param(
            goal(TEXT + "value = 'https://shop.example/a'"), 4, "goal.value", "word", id="scheme"
        ),
        pytest.param(
            goal(TEXT + "value = 'shop.example/a?b'"), 4, "goal.value", "word", id="value's query"
        ),
        pytest.param(
            goal(PLAN + "value = 'pro'") + goal("page = '/b'"),
            6,
            "goal.name",
            f"unique: line {FIRST + 1}",
            id="name twice",
        ),
        pytest.param(goal("page = 'a'"), 2, "goal.page", "start with a slash", id="no slash"),
        pytest.param(goal("page = '/a?b'"), 2, "goal.page", "without query", id="query"),
        pytest.param(goal("page = '/a*'"), 2, "goal.page", "whole segments", id="half a segment"),
        pytest.param(goal("page = '/***'"), 2, "goal.page", "whole segments", id="three stars"),
        pytest.param(goal("page = '/**/a'"), 2, "goal.page", "last segment", id="rest first"),
        pytest.param(goal("page = '/a//b'"), 2, "goal.page", "empty segment", id="empty segment"),
        pytest.param(goal("page = ''"), 2, "goal.page", "empty", id="empty page"),
        pytest.param(
            goal("page = '/a'\nsite = 'else.example'"), 3, "goal.site", "[[site]]", id="other site"
        ),
        pytest.param("[funnel]\nname='f'", 0, "funnel", "headed [[funnel]]", id="funnel's table"),
        pytest.param(funnel(""), 0, "funnel.steps", "is missing", id="no steps"),
        pytest.param(funnel("steps = []"), 2, "funnel.steps", "2 to 8", id="none"),
        pytest.param(funnel("steps = ['/a']"), 2, "funnel.steps", "2 to 8", id="one step"),
        pytest.param(funnel(f"steps = {['/a'] * 9}"), 2, "funnel.steps", "2 to 8", id="nine"),
        pytest.param(funnel("steps = '/a'"), 2, "funnel.steps", "list of strings", id="no list"),
        pytest.param(funnel("steps = ['/a', 1]"), 2, "funnel.steps", "list of", id="number in it"),
        pytest.param(funnel("steps = ['/a', '']"), 2, "funnel.steps", "empty", id="empty step"),
        pytest.param(funnel("steps = ['/a', 'g']"), 2, "funnel.steps", "[[goal]]", id="no goal"),
        pytest.param(
            funnel("steps = ['/a', 'subscribed']"), 2, "funnel.steps", "[[goal]]", id="an event"
        ),
        pytest.param(funnel("steps = ['/a', '/b?c']"), 2, "funnel.steps", "query", id="bad page"),
        pytest.param(
            funnel("steps = ['/a', '/b']\nwithin = 'day'"), 3, "funnel.within", "visit", id="day"
        ),
        pytest.param(
            funnel("steps = ['/a', '/b']\nsite = 'x.example'"), 3, "funnel.site", "site", id="site"
        ),
        pytest.param(
            funnel("steps = ['/a', '/b']\nhours = 1"), 3, "funnel.hours", "not a known", id="hours"
        ),
        pytest.param(
            goal("page = '/a'\nsite = 'example.org'")
            + funnel("steps = ['g', '/b']\nsite = 'shop.example'"),
            6,
            "funnel.steps",
            "on one site",
            id="goal of another site",
        ),
        pytest.param(
            funnel("steps = ['/a', '/b']") + funnel("steps = ['/a', '/c']"),
            4,
            "funnel.name",
            f"unique: line {FIRST + 1}",
            id="funnel twice",
        ),
    ],
)
def test_fault_has_its_line_and_key(text: str, line: int, key: str, message: str) -> None:
    (fault,) = faults_of(text)
    assert (fault.line, fault.key) == (FIRST + line, key)
    assert message in fault.message


@pytest.mark.parametrize(
    ("by", "message"),
    [
        pytest.param(["goal"], "", id="goal"),
        pytest.param(["goal", "page", "device"], "", id="goal and page"),
        pytest.param(["goal", "campaign", "campaign_source"], "", id="goal and campaign"),
        pytest.param(["funnel", "step"], "", id="funnel"),
        pytest.param(["funnel", "step", "entry_page"], "", id="funnel and entry page"),
        pytest.param(["goal", "event"], "event or previous_page beside goal", id="goal and event"),
        pytest.param(
            ["goal", "page", "previous_page"],
            "event or previous_page beside goal",
            id="page before",
        ),
        pytest.param(["goal", "exit_page"], "exit_page alone", id="exit"),
        pytest.param(["goal", "mask"], "mask alone", id="mask"),
        pytest.param(["goal", "bot"], "nothing beside bot", id="bot"),
        pytest.param(["goal", "funnel", "step"], "goal beside funnel", id="goal and funnel"),
        pytest.param(["funnel"], "funnel and step beside each other", id="no step"),
        pytest.param(["step", "source"], "funnel and step beside each other", id="no funnel"),
        pytest.param(["funnel", "step", "page"], "page, previous_page, event", id="step and page"),
        pytest.param(["funnel", "step", "event"], "page, previous_page, event", id="and event"),
        pytest.param(["goal", "event", "property"], "no other than value", id="property"),
    ],
)
def test_dimensions_beside_goals_and_funnels(by: list[str], message: str) -> None:
    text = f"[[statistic]]\nname = 'own'\npurpose = 'audience'\nby = {by}\n"
    if not message:
        assert list(read(text).statistics[-1].by) == by
        return
    faults = faults_of(text)
    assert any(message in fault.message for fault in faults)
    assert {(fault.line, fault.key) for fault in faults} == {(FIRST + 3, "statistic.by")}


def test_faulty_goal_hides_no_fault_of_a_funnel_and_makes_none() -> None:
    faults = faults_of(
        goal("page = 'a'") + funnel("steps = ['g', '/b?c']") + funnel("steps = ['g', '/b']")
    )
    assert [fault.key for fault in faults] == ["goal.page", "funnel.steps", "funnel.name"]
