"""Reading [[event]] and [limits]: each fault by line and key, beside its innocent look-alike."""

import pytest

from anonymizer.hits import SiteId
from anonymizer.policy import Event, Policy, Property, PurposeId
from anonymizer.policy_file import Fault, read_policy
from collector.reference import default_policy
from tests.anonymizer import policy_texts
from tests.anonymizer.policy_texts import ALONE, MINIMAL

FIRST = MINIMAL.count("\n") + 1
WHOLE = """
[limits]
max_values = 50
[[event]]
name = "signup"
[[event.property]]
name = "plan"
values = ["free", "pro"]
[[event.property]]
name = "amount"
steps = [10, 100, 1000]
[[event]]
name = "Site Search"
[[event.property]]
name = "query"
text = true
max_values = 7
[[event.property]]
name = "page of results"
text = true
[[event]]
name = "Map"
interactive = false
[[event.property]]
name = "seen"
reached = [25, 100]
[[event.property]]
name = "touched"
grid = [40, 10]
"""
NAME_WANTED = (
    "must be at most 60 letters, digits, spaces and . _ : -, a letter or digit first, no space last"
)


def read(text: str) -> Policy:
    return read_policy(MINIMAL + text, default_policy())


def faults_of(text: str) -> tuple[Fault, ...]:
    return policy_texts.faults_of(MINIMAL + text, default_policy())


def event(text: str) -> str:
    return f'[[event]]\nname = "e"\n{text}'


def of(text: str, name: str = "p") -> str:
    return event(f'[[event.property]]\nname = "{name}"\n{text}')


def test_events_are_read() -> None:
    policy = read(WHOLE)

    assert policy.max_values == 50
    assert {name: policy.events[name] for name in ("signup", "Site Search", "Map")} == {
        "Map": Event(
            "Map",
            (Property("seen", reached=(25, 100)), Property("touched", grid=(40, 10))),
            interactive=False,
        ),
        "signup": Event(
            "signup",
            (
                Property("plan", values=("free", "pro")),
                Property("amount", steps=(10, 100, 1000)),
            ),
        ),
        "Site Search": Event(
            "Site Search",
            (
                Property("query", text=True, max_values=7),
                Property("page of results", text=True, max_values=200),
            ),
        ),
    }


def test_policy_without_them_has_the_default_s_events_and_the_usual_limit() -> None:
    policy = read("")

    assert policy.max_values == 10_000
    assert policy.events["engagement"] == Event(
        "engagement", (Property("depth", reached=(25, 50, 75, 100)),), interactive=False
    )
    assert policy.events["Site Search"].interactive


def test_event_replaces_the_default_s_of_its_name_whole() -> None:
    events = read('[[event]]\nname = "File Download"\n').events

    assert events["File Download"] == Event("File Download")
    assert events.keys() == read("").events.keys()


def test_default_s_statistic_stands_where_its_event_has_no_such_property() -> None:
    policy = read('[[event]]\nname = "File Download"\n[[statistic]]\nname = "downloads"\n')

    (downloads,) = [each for each in policy.statistics if each.name == "downloads"]
    assert (downloads.event, downloads.property) == ("File Download", "url")


def test_policy_that_inherits_nothing_has_its_own_events_alone() -> None:
    assert read_policy(f'{ALONE}[[event]]\nname = "e"\n', "").events == {"e": Event("e")}


@pytest.mark.parametrize(
    "name",
    ["a", "Outbound Link: Click", "404", "file.download-2", "注册", "ü" * 60, "a_b", "a:"],
)
def test_name_may_be(name: str) -> None:
    assert name in read(event("").replace('"e"', f'"{name}"')).events
    assert read(of("text = true", name)).events["e"].properties[0].name == name


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        pytest.param("[event]\nname = 'e'", 0, "event", "headed [[event]]", id="table"),
        pytest.param("[[event]]\n", 0, "event.name", "is missing", id="no name"),
        pytest.param("[[event]]\nname = 4", 1, "event.name", "must be a string", id="number"),
        pytest.param("[[event]]\nname = 'a/b'", 1, "event.name", "letters", id="slash"),
        pytest.param("[[event]]\nname = ' a'", 1, "event.name", "letters", id="space first"),
        pytest.param("[[event]]\nname = 'a '", 1, "event.name", "letters", id="space last"),
        pytest.param("[[event]]\nname = 'a@b'", 1, "event.name", "letters", id="at"),
        pytest.param("[[event]]\nname = '(a)'", 1, "event.name", "letters", id="brackets"),
        pytest.param(f"[[event]]\nname = '{'a' * 61}'", 1, "event.name", "at most 60", id="long"),
        pytest.param("[[event]]\nname = 'pageview'", 1, "event.name", "pageview", id="page view"),
        pytest.param(event(event("")), 3, "event.name", "unique", id="twice"),
        pytest.param(event("colour = 1"), 2, "event.colour", "not a known key", id="unknown"),
        pytest.param(event("property = 3"), 2, "event.property", "[[event.property]]", id="three"),
        pytest.param(event("property = [3]"), 2, "event.property", "event.property", id="in list"),
        pytest.param(of(""), 3, "event.property.name", "has none", id="no way"),
        pytest.param(of("text = false"), 3, "event.property.name", "has none", id="not text"),
        pytest.param(
            of("text = true\nsteps = [1]"),
            3,
            "event.property.name",
            "steps and text",
            id="two ways",
        ),
        pytest.param(of("text = 1"), 4, "event.property.text", "true or false", id="text one"),
        pytest.param(of("values = []"), 4, "event.property.values", "at least one", id="none"),
        pytest.param(of("values = 'a'"), 4, "event.property.values", "list of", id="no list"),
        pytest.param(of("values = [1]"), 4, "event.property.values", "list of", id="no strings"),
        pytest.param(of("values = ['a', 'a']"), 4, "event.property.values", "differ", id="equal"),
        pytest.param(of("values = ['']"), 4, "event.property.values", "empty", id="empty word"),
        pytest.param(of("steps = []"), 4, "event.property.steps", "1 to 20", id="no step"),
        pytest.param(of("steps = [2, 1]"), 4, "event.property.steps", "above", id="falling"),
        pytest.param(of("steps = [1, 1]"), 4, "event.property.steps", "above", id="flat"),
        pytest.param(of("steps = [-1]"), 4, "event.property.steps", "from 0", id="negative"),
        pytest.param(of("steps = [1.5]"), 4, "event.property.steps", "whole", id="fraction"),
        pytest.param(of("steps = [true]"), 4, "event.property.steps", "whole", id="true"),
        pytest.param(of("steps = 5"), 4, "event.property.steps", "whole", id="no list of steps"),
        pytest.param(
            of(f"steps = {list(range(21))}"), 4, "event.property.steps", "20", id="21 steps"
        ),
        pytest.param(event("interactive = 1"), 2, "event.interactive", "true or false", id="act"),
        pytest.param(of("reached = [2, 1]"), 4, "event.property.reached", "above", id="sinking"),
        pytest.param(of("grid = [20]"), 4, "event.property.grid", "columns and rows", id="row"),
        pytest.param(of("grid = [2, 2, 2]"), 4, "event.property.grid", "columns", id="cube"),
        pytest.param(of("grid = [0, 9]"), 4, "event.property.grid", "columns", id="no column"),
        pytest.param(of("grid = [true, 9]"), 4, "event.property.grid", "columns", id="true column"),
        pytest.param(of("grid = [21, 20]"), 4, "event.property.grid", "400 cells", id="fine grid"),
        pytest.param(of("grid = 5"), 4, "event.property.grid", "columns", id="no list of sizes"),
        pytest.param(
            "[[event]]\nname = 'engagement'", 0, "event.interactive", "must be false", id="engaged"
        ),
        pytest.param(
            "[[event]]\nname = 'engagement'\ninteractive = false\n"
            "[[event.property]]\nname = 'depth'\nsteps = [50]",
            3,
            "event.property",
            '"depth" by reached',
            id="depth by steps",
        ),
        pytest.param(
            "[[event]]\nname = 'engagement'\ninteractive = false\n"
            "[[event.property]]\nname = 'deep'\nreached = [50]",
            3,
            "event.property",
            '"depth" by reached',
            id="other property of engagement",
        ),
        pytest.param(
            of("steps = [1]\nmax_values = 3"), 5, "event.property.max_values", "text", id="steps"
        ),
        pytest.param(
            of("text = true\nmax_values = 0"), 5, "event.property.max_values", "from 1", id="zero"
        ),
        pytest.param(of("text = true\nx = 1"), 5, "event.property.x", "not a known", id="odd key"),
        pytest.param(
            of("text = true\n") + "[[event.property]]\nname = 'p'\ntext = true",
            6,
            "event.property.name",
            f"unique: line {FIRST + 3}",
            id="property twice",
        ),
        pytest.param(
            event("".join(f"[[event.property]]\nname='{n}'\ntext=true\n" for n in range(31))),
            2,
            "event.property",
            "more than 30",
            id="31 properties",
        ),
        pytest.param("[limits]\nmax_values = 0", 1, "limits.max_values", "from 1", id="limit"),
        pytest.param("[limits]\nvalues = 1", 1, "limits.values", "not a known", id="odd limit"),
        pytest.param("[[limits]]\nmax_values = 1", 0, "limits", "[limits]", id="limits twice"),
        pytest.param('["event.property"]\nx = 1', 0, '"event.property"', "known", id="quoted"),
    ],
)
def test_fault_has_its_line_and_key(text: str, line: int, key: str, message: str) -> None:
    (fault,) = faults_of(text)
    assert (fault.line, fault.key) == (FIRST + line, key)
    assert message in fault.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            of(""),
            "must have one of values, steps, reached, grid and text = true, and has none",
            id="no way",
        ),
        pytest.param(
            of("values = ['a']\nsteps = [1]"),
            "must have one of values, steps, reached, grid and text = true, not values and steps",
            id="two ways",
        ),
        pytest.param(of("text = true", "a/b"), NAME_WANTED, id="slash in a property's name"),
        pytest.param(
            of("steps = [1]\nmax_values = 3"),
            "must stand beside text = true only",
            id="limit beside steps",
        ),
        pytest.param(of("values = []"), "must be different strings, at least one", id="no words"),
        pytest.param(
            of(f"steps = [{10**12 + 1}]"),
            "must be 1 to 20 whole numbers from 0 to 1000000000000, each above the last",
            id="step too high",
        ),
    ],
)
def test_fault_tells_what_must_be(text: str, message: str) -> None:
    assert [fault.message for fault in faults_of(text)] == [message]


def test_bounds_themselves_are_allowed() -> None:
    many = event("".join(f"[[event.property]]\nname='{n}'\ntext=true\n" for n in range(30)))
    assert len(read(many).events["e"].properties) == 30
    steps = (0, *range(1, 19), 10**12)
    assert read(of(f"steps = {list(steps)}")).events["e"].properties[0].steps == steps
    assert read("[limits]\nmax_values = 1000000").max_values == 1_000_000
    assert read("[limits]\n").max_values == 10_000


@pytest.mark.parametrize(
    ("by", "message"),
    [
        pytest.param(["event"], "", id="event"),
        pytest.param(["event", "source"], "", id="event and source"),
        pytest.param(["page", "event", "device"], "", id="event, page and device"),
        pytest.param(["event", "property"], "", id="property"),
        pytest.param(["value", "event", "property"], "", id="value in any order"),
        pytest.param(["property"], "name event beside property", id="property alone"),
        pytest.param(["property", "value"], "name event beside property", id="no event"),
        pytest.param(["event", "value"], "name property beside value", id="no property"),
        pytest.param(["event", "property", "source"], "no other than value", id="and source"),
        pytest.param(["event", "page", "previous_page"], "previous_page", id="page before"),
        pytest.param(["event", "exit_page"], "exit_page alone", id="exit"),
        pytest.param(["bot"], "", id="bot"),
        pytest.param(["bot", "bot_kind"], "", id="bot and kind"),
        pytest.param(["bot", "page"], "nothing beside bot", id="bot and page"),
        pytest.param(["bot", "event"], "nothing beside bot", id="bot and event"),
        pytest.param(["mask"], "", id="mask"),
        pytest.param(["mask", "page"], "mask alone", id="mask and page"),
    ],
)
def test_dimensions_of_no_view_stand_beside_their_own(by: list[str], message: str) -> None:
    text = f"[[statistic]]\nname = 'own'\npurpose = 'audience'\nby = {by}\n"
    if not message:
        assert read(text).statistics[-1].by == tuple(by)
        return
    faults = faults_of(text)
    assert any(message in fault.message for fault in faults)
    assert {fault.line for fault in faults} == {FIRST + 3}


@pytest.mark.parametrize(
    ("by", "min_group"),
    [
        (["event"], 3),
        (["event", "source"], 5),
        (["event", "property", "value"], 5),
        (["mask"], 3),
        (["bot"], 1),
        (["bot_kind", "bot"], 1),
    ],
)
def test_group_size_goes_by_shape_and_machines_are_no_group(by: list[str], min_group: int) -> None:
    text = f"[[statistic]]\nname = 'own'\npurpose = 'audience'\nby = {by}\n"

    assert read(text).statistics[-1].min_group == min_group


@pytest.mark.parametrize(
    ("key", "message"),
    [
        pytest.param("grain = 'hour'", "a refused hit tells no hour", id="hour"),
        pytest.param("purpose = 'ads'", "basis exempt", id="purpose with consent"),
    ],
)
def test_machines_are_counted_by_day_and_without_consent(key: str, message: str) -> None:
    purpose = "[[purpose]]\nid = 'ads'\ntitle = 't'\nclause = 'c'\nbasis = 'consent'\n"
    (fault,) = faults_of(f"[[statistic]]\nname = 'bots'\n{key}\n{purpose}")
    assert fault.line == FIRST + 2
    assert message in fault.message


def test_events_of_purposes_that_need_consent_are_fine() -> None:
    policy = read(
        "[[purpose]]\nid = 'ads'\ntitle = 't'\nclause = 'c'\nbasis = 'consent'\n"
        "[[statistic]]\nname = 'events'\npurpose = 'ads'\n"
    )

    found = next(each for each in policy.statistics if each.name == "events")
    assert found.purpose == PurposeId("ads")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        pytest.param("/user/:id/*", "", id="whole"),
        pytest.param("/", "", id="root"),
        pytest.param("user", "start with a slash", id="no slash"),
        pytest.param("/a//b", "empty segment", id="empty"),
        pytest.param("/*/a", "last segment only", id="star first"),
        pytest.param("/:ID", "lower case", id="upper case"),
        pytest.param("/a?b", "without query", id="query"),
    ],
)
def test_path_template_is_read_as_paths_are(template: str, message: str) -> None:
    site = MINIMAL + f"path_templates = ['/a', '{template}']\n"
    if not message:
        policy = read_policy(site, default_policy())
        assert policy.sites[SiteId("example.org")].path_templates == ("/a", template)
        return
    (fault,) = policy_texts.faults_of(site, default_policy())
    assert (fault.line, fault.key) == (FIRST, "site.path_templates")
    assert message in fault.message
