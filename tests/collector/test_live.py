"""Who is on a site now: whom it counts, and what its rounding lets a watcher know."""

import pytest
from msgspec.structs import replace

from anonymizer.hits import Door, RawConsent, RawHit, SiteId
from anonymizer.policy import ConsentMode, Policy, Region
from collector.live import WINDOW_SECONDS, Live, LiveVisitors, round_count
from collector.pipeline import Pipeline
from collector.plan import make_plan
from collector.reference import load_agents, load_tables
from tests.collector.hits import SITE, FillInTurn, make_policy
from tests.running import FIREFOX

NOON = 1_773_140_400  # 10 March 2026, 12:00 in Berlin
MIDNIGHT = NOON + 12 * 3_600
OTHER = SiteId("other.example")
POLICY = make_policy()
AGENTS = load_agents()
TABLES = load_tables()


class Watched:
    """A line whose visitors are told by a number each, and who watches it at a time."""

    def __init__(self, policy: Policy, beyond: int = 0) -> None:
        self.time = NOON
        self.pipeline = Pipeline(policy, make_plan(policy), AGENTS, TABLES, FillInTurn())
        self.live = Live(self.pipeline, policy, lambda: self.time, lambda _: beyond)

    def view(self, who: int, **more: object) -> None:
        hit = RawHit(
            door=Door.EVENT,
            site=SITE,
            time=self.time,
            raw_address=f"198.51.100.{who}",
            raw_agent=FIREFOX,
            raw_url="/",
        )
        self.pipeline.take([replace(hit, **more)])

    def told(self, site: str = SITE) -> LiveVisitors:
        told = self.live.of(site)
        assert told is not None
        return told

    def count(self, site: str = SITE) -> int:
        told = self.told(site)
        assert told.least == told.most
        return told.least


@pytest.mark.parametrize("size", [1, 2, 3, 5, 20])
def test_bounds_hold_and_no_number_is_below_the_group_size(size: int) -> None:
    for count in range(5 * size):
        for beyond in range(size):
            told = round_count(count, size, beyond)
            assert told.least <= count <= told.most
            assert told.least % size == 0
            assert told.least == 0 or count >= size


@pytest.mark.parametrize("size", [2, 3, 5, 20])
def test_one_visitor_more_shows_in_one_draw_of_the_group_size_at_most(size: int) -> None:
    shows = [
        sum(
            round_count(count, size, beyond) != round_count(count + 1, size, beyond)
            for beyond in range(size)
        )
        for count in range(5 * size)
    ]

    assert set(shows[: size - 1]) == {0}
    assert max(shows) == 1


@pytest.mark.parametrize(
    ("seconds", "there"),
    [
        pytest.param(WINDOW_SECONDS, 1, id="five minutes ago"),
        pytest.param(WINDOW_SECONDS + 1, 0, id="longer ago"),
    ],
)
def test_who_was_seen_within_five_minutes_is_there(seconds: int, there: int) -> None:
    watched = Watched(POLICY)
    watched.view(1)
    watched.time += seconds

    assert watched.count() == there


def test_visitor_who_views_again_is_one() -> None:
    watched = Watched(POLICY)
    for _ in range(3):
        watched.view(1)
    watched.view(2)

    assert watched.count() == 2


def test_visitors_of_another_site_are_not_there() -> None:
    watched = Watched(POLICY)
    watched.view(1)

    assert watched.count(OTHER) == 0


@pytest.mark.parametrize(
    ("more", "there"),
    [
        pytest.param({"gpc": ("1",)}, 0, id="Global Privacy Control"),
        pytest.param({"dnt": ("1",)}, 0, id="Do Not Track"),
        pytest.param({"raw_agent": "Googlebot/2.1"}, 0, id="a machine"),
        pytest.param({"dnt": ("0",)}, 1, id="Do Not Track switched off"),
    ],
)
def test_refused_hits_are_nobody_there(more: dict[str, object], there: int) -> None:
    watched = Watched(POLICY)
    watched.view(1, **more)

    assert watched.count() == there


@pytest.mark.parametrize(
    ("purposes", "there"),
    [pytest.param("audience", 1, id="audience"), pytest.param("campaigns", 0, id="campaigns")],
)
def test_only_who_may_be_counted_in_all_is_told(purposes: str, there: int) -> None:
    asking = replace(POLICY.sites[OTHER], consent=ConsentMode.OPT_IN)
    watched = Watched(replace(POLICY, sites={**POLICY.sites, OTHER: asking}))
    watched.view(1, site=OTHER, consent=RawConsent(own=f"1,{purposes}"))

    assert watched.count(OTHER) == there


def test_visit_that_goes_on_at_midnight_is_there_once() -> None:
    watched = Watched(POLICY)
    watched.time = MIDNIGHT - 120
    watched.view(1)
    watched.view(2)
    watched.time = MIDNIGHT + 60
    watched.view(1)

    assert watched.count() == 2


@pytest.mark.parametrize(
    ("site", "zone", "there"),
    [
        pytest.param(SITE, "Europe/Berlin", 1, id="site at home, visitor at home"),
        pytest.param(SITE, "Asia/Shanghai", 0, id="site at home, visitor in a region"),
        pytest.param(OTHER, "Asia/Shanghai", 1, id="site and visitor in a region"),
        pytest.param(OTHER, "Europe/Berlin", 1, id="site in a region, visitor at home"),
    ],
)
def test_visitors_are_told_where_the_numbers_of_their_visits_are(
    site: SiteId, zone: str, there: int
) -> None:
    region = Region("cn", "clickhouse://127.0.0.1/a", ("China",), (OTHER,), ("CN",))
    policy = replace(make_policy(), regions={"cn": region})
    watched = Watched(policy)
    watched.view(1, site=site, raw_time_zone=zone)

    assert watched.count(site) == there


def test_number_stays_until_the_minute_is_over() -> None:
    watched = Watched(POLICY)
    before = watched.count()
    watched.view(1)
    watched.time += 59
    assert watched.count() == before == 0

    watched.time += 1
    assert watched.count() == 1


def test_largest_group_size_of_the_policy_is_the_step() -> None:
    sizes = {"pages": 3, "networks": 7}
    statistics = tuple(
        replace(each, min_group=sizes.get(each.name, 1)) for each in POLICY.statistics
    )
    watched = Watched(replace(POLICY, statistics=statistics), beyond=2)
    for who in range(8):
        watched.view(who)
    assert watched.told() == LiveVisitors(0, 12)

    watched.view(8)
    watched.time += 60
    assert watched.told() == LiveVisitors(7, 19)


def test_policy_that_counts_no_visitors_in_all_tells_of_none() -> None:
    kept = tuple(each for each in POLICY.statistics if each.name != "traffic")

    assert Watched(replace(POLICY, statistics=kept)).live.of(SITE) is None
