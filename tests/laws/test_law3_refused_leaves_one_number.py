"""Law 3: a refused hit leaves one anonymous +1 (site, day, door, reason) and nothing else.

A machine's, which is no visitor's, leaves the name of its kind and family beside it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import asdict, replace

from anonymizer.hits import Door, DropReason, RawHit, SiteId
from anonymizer.policy import ConsentMode, Policy
from collector.clock import DAY_SECONDS, SiteClock
from collector.counted import CountedHit, Tells
from collector.pipeline import Pipeline
from collector.plan import make_plan
from collector.reference import load_agents, load_tables
from collector.schema.tables import BATCH, DATABASE
from tests.collector.hits import SITE, FillInTurn, make_policy
from tests.collector.storing import Kept, opened
from tests.running import FIREFOX

POLICY = make_policy()
OPT_IN = SiteId("other.example")
TIME = int(datetime(2026, 3, 10, 22, 59, 59, tzinfo=UTC).timestamp())  # 23:59:59 in Berlin

HIT = RawHit(
    door=Door.EVENT,
    site=SITE,
    time=TIME,
    raw_address="198.51.100.7",
    raw_agent=FIREFOX,
    raw_url="https://example.org/private?utm_campaign=spring",
    raw_referrer="https://www.google.com/",
    raw_languages="de",
    raw_time_zone="Europe/Berlin",
    screen_width=1440,
)
REFUSED = {
    DropReason.OPTED_OUT_DNT: replace(HIT, dnt=("1",)),
    DropReason.OPTED_OUT_GPC: replace(HIT, gpc=("1",)),
    DropReason.PREFETCH: replace(HIT, prefetch=("prefetch",)),
    DropReason.BOT: replace(HIT, raw_agent="Googlebot/2.1"),
    DropReason.REFERRER_SPAM: replace(HIT, raw_referrer="https://www.semalt.com/a"),
    DropReason.UNDECLARED_EVENT: replace(HIT, name="Signup of ada@mail.example"),
    DropReason.NO_CONSENT: replace(HIT, site=OPT_IN),
}


def with_opt_in(policy: Policy) -> Policy:
    asking = replace(policy.sites[OPT_IN], consent=ConsentMode.OPT_IN)
    return replace(policy, sites={**policy.sites, OPT_IN: asking})


def pipeline() -> Pipeline:
    policy = with_opt_in(POLICY)
    return Pipeline(policy, make_plan(policy), load_agents(), load_tables(), FillInTurn())


@pytest.fixture(scope="module")
def kept_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with opened(tmp_path_factory.mktemp("law3"), POLICY) as kept:
        yield kept


@pytest.mark.parametrize("door", [Door.EVENT, Door.PIXEL, Door.LOG])
@pytest.mark.parametrize("reason", REFUSED)
def test_refused_hit_becomes_its_day_door_and_reason(reason: DropReason, door: Door) -> None:
    raw = replace(REFUSED[reason], door=door)
    clock = SiteClock(ZoneInfo("Europe/Berlin" if raw.site == SITE else "Asia/Kolkata"))
    day = clock.local(TIME) // DAY_SECONDS * DAY_SECONDS

    (row,) = pipeline().take([raw])

    machine = {"tells": Tells.MACHINE, "number": 1, "subject": "Googlebot", "property": "crawler"}
    beside = machine if reason is DropReason.BOT else {}
    bare = CountedHit(raw.site, door.value, reason.value, hits=1, hour=day)
    assert row == replace(bare, **beside)
    told = {name for name, value in asdict(row).items() if value}
    assert told == {"site", "door", "reason", "hits", "hour", *beside}


def test_refusals_are_told_apart_by_nothing_else() -> None:
    """Whatever the visitor, the page and the hour of the day: the rows are equal."""
    raw = REFUSED[DropReason.OPTED_OUT_GPC]
    line = pipeline()

    rows = line.take(
        [
            raw,
            replace(raw, raw_address="203.0.113.9", raw_agent="another", raw_languages="fr"),
            replace(raw, raw_url="https://example.org/else", raw_referrer="", screen_width=300),
            replace(raw, time=TIME - 20 * 3_600),
        ]
    )

    assert len(set(map(repr, rows))) == 1


@pytest.mark.parametrize("reason", REFUSED)
def test_refused_hit_adds_one_to_one_cell_of_each_kind(kept: Kept, reason: DropReason) -> None:
    kept.count(pipeline().take([REFUSED[reason]]))

    cells = kept.value(
        "SELECT statistic, grain, k1, k2, k3, visitors, visits, views, bounces, seconds, hits"
        f" FROM {DATABASE}.cells WHERE statistic != '{BATCH}' ORDER BY statistic"
    )
    expected = [f"coverage(door,reason)\tday\tevent\t{reason}\t\t0\t0\t0\t0\t0\t1"]
    if reason is DropReason.BOT:
        expected.insert(0, "bots(bot_kind,bot)\tday\tcrawler\tGooglebot\t\t0\t0\t0\t0\t0\t1")
    assert cells.splitlines() == expected


@pytest.mark.parametrize("reason", REFUSED)
def test_refused_hit_is_not_remembered_as_a_visitor(reason: DropReason) -> None:
    line = pipeline()

    line.take([REFUSED[reason]])

    assert [list(each.memory.days()) for each in line._lines.values()] == [[]]


def test_refused_visitor_who_then_allows_counting_is_as_new_as_anyone() -> None:
    refusing, fresh = pipeline(), pipeline()
    refusing.take([REFUSED[DropReason.OPTED_OUT_GPC]] * 3)
    after = replace(HIT, time=TIME + 1)

    assert refusing.take([after]) == fresh.take([after])


def test_refused_hit_with_an_unreadable_url_is_refused_all_the_same() -> None:
    raw = replace(REFUSED[DropReason.OPTED_OUT_DNT], raw_url="data:,x")

    assert pipeline().take([raw])[0].reason == DropReason.OPTED_OUT_DNT


def test_counted_hit_beside_refused_ones_counts_alone(kept: Kept) -> None:
    kept.count(pipeline().take([*REFUSED.values(), HIT]))

    assert kept.value("SELECT sum(visitors), sum(views) FROM traffic") == "1\t1"
    assert kept.value("SELECT sum(hits), count() FROM coverage") == "8\t8"
