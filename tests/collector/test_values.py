"""How many values a day tells apart."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from anonymizer.hits import (
    DIRECT,
    OTHER,
    UNKNOWN,
    Campaign,
    CleanHit,
    Door,
    LocalSeconds,
    RawHit,
    SiteId,
    VisitorKey,
)
from anonymizer.policy import Event, Property
from collector.clock import DAY_SECONDS
from collector.pipeline import Pipeline
from collector.plan import make_plan
from collector.reference import load_agents, load_tables
from collector.regions import HOME
from collector.values import DayValues
from tests.collector.hits import SITE, FillInTurn, make_policy
from tests.running import FIREFOX

ROOM = 3
SEARCH = Event("search", (Property("query", text=True, max_values=2), Property("plan", ("a",))))
POLICY = replace(make_policy(), max_values=ROOM, events={"search": SEARCH})
NOON = LocalSeconds(20_000 * DAY_SECONDS + 43_200)
HIT = CleanHit(
    door=Door.EVENT,
    site=SITE,
    time=1_728_043_200,
    local=NOON,
    page="/",
    source=DIRECT,
    channel="direct",
    referrer="",
    campaign=Campaign(),
    country="DE",
    language="de",
    screen=UNKNOWN,
    device="desktop",
    browser="Firefox 128",
    os="Linux",
    network="192.0.2.0/24",
    visitor=VisitorKey(bytes(16)),
)

SETTERS: dict[str, Callable[[str], CleanHit]] = {
    "page": lambda word: replace(HIT, page=word),
    "referrer": lambda word: replace(HIT, referrer=word),
    "language": lambda word: replace(HIT, language=word),
    "browser": lambda word: replace(HIT, browser=word),
    "os": lambda word: replace(HIT, os=word),
    "network": lambda word: replace(HIT, network=word),
    "source of a referrer": lambda word: replace(HIT, source=word, referrer=word),
    "source of a campaign": lambda word: replace(HIT, source=word, campaign=Campaign(source=word)),
    "campaign": lambda word: replace(HIT, campaign=Campaign(name=word)),
    "campaign source": lambda word: replace(HIT, campaign=Campaign(source=word)),
    "campaign medium": lambda word: replace(HIT, campaign=Campaign(medium=word)),
    "campaign content": lambda word: replace(HIT, campaign=Campaign(content=word)),
    "campaign term": lambda word: replace(HIT, campaign=Campaign(term=word)),
}


def bounded(values: DayValues, hits: list[CleanHit]) -> list[CleanHit]:
    return [values.bound(hit) for hit in hits]


@pytest.mark.parametrize("dimension", SETTERS)
def test_first_values_are_told_apart_and_the_rest_are_other(dimension: str) -> None:
    hits = [SETTERS[dimension](f"word {n}") for n in range(ROOM + 3)]

    out = bounded(DayValues(POLICY), [*hits, *hits])

    assert out[:ROOM] == hits[:ROOM]
    assert all(OTHER in repr(hit) for hit in out[ROOM : ROOM + 3])
    assert out[ROOM + 3 :] == out[: ROOM + 3]


def test_known_source_of_the_list_is_never_other() -> None:
    values = DayValues(POLICY)
    flood = [SETTERS["source of a referrer"](f"spam-{n}.example") for n in range(10)]
    listed = [replace(HIT, source=f"Engine {n}", referrer="google.com") for n in range(10)]

    out = bounded(values, [*listed[:5], *flood, *listed[5:]])

    assert [hit.source for hit in out if hit.source.startswith("Engine")] == [
        hit.source for hit in listed
    ]
    assert sum(hit.source.startswith("spam") for hit in out) == ROOM


def test_what_was_not_told_takes_no_room() -> None:
    values = DayValues(POLICY)
    values.bound(replace(HIT, language=UNKNOWN, network=UNKNOWN))

    out = bounded(values, [SETTERS["language"](f"l{n}") for n in range(ROOM)])

    assert OTHER not in repr(out)


def test_each_site_and_day_has_room_of_its_own() -> None:
    values = DayValues(POLICY)
    bounded(values, [SETTERS["page"](f"/{n}") for n in range(ROOM + 1)])
    new = SETTERS["page"]("/new")

    assert values.bound(new).page == OTHER
    assert values.bound(replace(new, site=SiteId("other.example"))).page == "/new"
    assert values.bound(replace(new, local=LocalSeconds(NOON + DAY_SECONDS))).page == "/new"


def test_days_that_are_over_are_forgotten() -> None:
    values = DayValues(POLICY)
    values.bound(HIT)
    values.bound(replace(HIT, local=LocalSeconds(NOON + DAY_SECONDS)))
    values.bound(replace(HIT, site=SiteId("other.example")))

    values.forget_before(SITE, LocalSeconds(NOON + DAY_SECONDS))

    assert len(values) == 2
    values.forget_before(SITE, LocalSeconds(NOON + 2 * DAY_SECONDS))
    assert len(values) == 1


def test_texts_of_events_have_room_of_their_own() -> None:
    values = DayValues(POLICY)
    hits = [
        replace(HIT, event="search", properties=(("query", word), ("plan", word)))
        for word in ("a", "b", "c", "a")
    ]

    out = [hit.properties for hit in bounded(values, hits)]

    # `plan` is a closed list already.
    assert out == [
        (("query", "a"), ("plan", "a")),
        (("query", "b"), ("plan", "b")),
        (("query", OTHER), ("plan", "c")),
        (("query", "a"), ("plan", "a")),
    ]


def test_storm_of_distinct_paths_leaves_no_more_cells_than_there_is_room_for() -> None:
    policy = replace(make_policy(), max_values=500)
    pipeline = Pipeline(policy, make_plan(policy), load_agents(), load_tables(), FillInTurn())
    raw = RawHit(Door.EVENT, SITE, 1_773_140_400, "192.0.2.7", FIREFOX, "/")
    pages: dict[str, set[str]] = {"page": set(), "previous_page": set(), "exit_to": set()}
    views = 0
    for n in range(100_000):
        (row,) = pipeline.take([replace(raw, raw_url=f"/storm/of/pages-{n % 7}{n}x")])
        views += row.views
        for column, words in pages.items():
            words.add(getattr(row, column))

    assert views == 100_000
    assert len(pages["page"]) == 501
    assert len(pages["previous_page"]) == 502  # (entry) too
    assert len(pages["exit_to"]) <= 502  # none too


def test_ended_days_are_forgotten_with_their_visitors() -> None:
    policy = make_policy()
    pipeline = Pipeline(policy, make_plan(policy), load_agents(), load_tables(), FillInTurn())
    pipeline.take([RawHit(Door.EVENT, SITE, 1_773_140_400, "192.0.2.7", FIREFOX, "/")])
    assert len(pipeline._lines[HOME].values) == 1

    pipeline.forget_ended_days(1_773_140_400 + 86_400)

    assert len(pipeline._lines[HOME].values) == 0
