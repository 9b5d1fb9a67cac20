"""Law 1, of one client seen twice: nothing that is left tells that it was the same one.

Two sites, two days, before and after a restart, by two doors, from a message and from the web: a
value that is in what two of these leave and in what nobody else leaves would link them. The client
shares its network and its kind of browser with others; one that doesn't is what law 5 is about.
"""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import httpx
import pytest
from msgspec.structs import asdict, replace

from anonymizer.hits import Door, RawHit, SiteId, VisitorKey
from collector.counted import CountedHit
from collector.pipeline import Pipeline
from collector.plan import make_plan
from collector.reference import load_agents, load_tables
from collector.regions import HOME
from collector.salts import fill_from_kernel
from tests.collector.hits import SITE, make_policy
from tests.running import FIREFOX, Server, hit

POLICY = make_policy()
OTHER_SITE = SiteId("other.example")
START = 1_773_140_400
DAY = 86_400
AGENT = f"{FIREFOX} (device 7c21e0aa; ada@mail.example)"
CLIENT = RawHit(
    door=Door.EVENT,
    site=SITE,
    time=START,
    raw_address="198.51.100.77",
    raw_agent=AGENT,
    raw_url="/a?id=7c21e0aa#ada",
    raw_referrer="https://www.example.net/inbox/ada?u=7c21e0aa",
    raw_languages="de-x-ada,en-x-7c21e0aa;q=0.5",
    raw_time_zone="Europe/Berlin",
    screen_width=1441,
)
MESSAGE = "/a?utm_medium=email&utm_source=letter&utm_id=7c21e0aa&mail=ada%40mail.example"

Seen = dict[str, list[CountedHit]]


def new_pipeline() -> Pipeline:
    agents, tables = load_agents(), load_tables()
    return Pipeline(POLICY, make_plan(POLICY), agents, tables, fill_from_kernel)


SIGHTINGS: dict[str, Callable[[RawHit], RawHit]] = {
    "first": lambda raw: raw,
    "other site": lambda raw: replace(raw, site=OTHER_SITE, time=raw.time + 60),
    "by the pixel": lambda raw: replace(raw, door=Door.PIXEL, time=raw.time + 120),
    "from a message": lambda raw: replace(raw, raw_url=MESSAGE, time=raw.time + 180),
    "next day": lambda raw: replace(raw, time=raw.time + DAY),
}


@pytest.fixture(scope="module")
def seen() -> tuple[Seen, Seen]:
    """Return what the client leaves at each sighting, and what 40 others leave."""
    others = [
        replace(CLIENT, raw_address=f"198.51.100.{number}", raw_agent=f"{FIREFOX} ({number})")
        for number in range(100, 140)
    ]
    client: Seen = {}
    crowd: Seen = {}
    pipeline = new_pipeline()
    for name, move in SIGHTINGS.items():
        crowd[name] = [row for raw in others for row in pipeline.take([move(raw)])]
        client[name] = pipeline.take([move(CLIENT)])
    pipeline = new_pipeline()
    crowd["after a restart"] = [row for raw in others for row in pipeline.take([raw])]
    client["after a restart"] = pipeline.take([CLIENT])
    return client, crowd


def values_of(rows: list[CountedHit]) -> set[object]:
    return {(name, value) for row in rows for name, value in asdict(row).items()}


PAIRS = list(combinations((*SIGHTINGS, "after a restart"), 2))


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_no_value_links_two_sightings(seen: tuple[Seen, Seen], pair: tuple[str, str]) -> None:
    client, crowd = seen
    one, other = pair
    shared = values_of(client[one]) & values_of(client[other])
    by_others = values_of(crowd[one]) | values_of(crowd[other])

    assert shared
    assert shared - by_others == set()


def keys_of(pipeline: Pipeline, raw: RawHit) -> set[VisitorKey]:
    """Return the visitor keys that are in memory after a hit."""
    pipeline.take([raw])
    days = pipeline._lines[HOME].memory._days.values()
    return {key for day in days for key in day.visitors}


def test_client_has_another_key_on_each_site_on_each_day_and_after_each_start() -> None:
    pipeline = new_pipeline()
    keys = set()
    for move in (SIGHTINGS["first"], SIGHTINGS["other site"], SIGHTINGS["next day"]):
        keys |= keys_of(pipeline, move(CLIENT))
    keys |= keys_of(new_pipeline(), CLIENT)

    assert len(keys) == 4


def test_client_has_one_key_by_both_doors_so_that_it_counts_once() -> None:
    pipeline = new_pipeline()
    first = keys_of(pipeline, CLIENT)

    assert keys_of(pipeline, SIGHTINGS["by the pixel"](CLIENT)) == first


def test_no_answer_gives_a_client_anything_to_be_known_by(tmp_path: Path) -> None:
    """No cookie, no validator, nothing cached for one alone: two clients get the same answers."""

    def answers(address: str, agent: str) -> list[tuple[int, list[tuple[str, str]], bytes]]:
        transport = httpx.HTTPTransport(local_address=address)
        found = []
        with httpx.Client(transport=transport, base_url=server.url) as client:
            client.headers["User-Agent"] = agent
            for _ in range(2):
                for answer in (
                    client.post("/api/event", json=hit("/a")),
                    client.get("/pixel.gif?d=example.org&u=/a"),
                    client.get("/tag.js"),
                    client.get("/privacy"),
                    client.get("/opt-out"),
                    client.get("/.well-known/gpc.json"),
                ):
                    head = [pair for pair in answer.headers.multi_items() if pair[0] != "date"]
                    found.append((answer.status_code, head, answer.content))
        return found

    with Server(tmp_path) as server:
        one = answers("127.0.0.91", AGENT)
        assert one == answers("127.0.0.92", FIREFOX)
        server.stop()
        server.start()
        assert one == answers("127.0.0.91", AGENT)
    names = {name for _, head, _ in one for name, _ in head}
    assert not names & {"set-cookie", "accept-ch", "strict-transport-security", "alt-svc"}
    hits = [head for _, head, _ in (*one[:2], *one[6:8])]
    assert not {name for head in hits for name, _ in head} & {"etag", "last-modified"}
