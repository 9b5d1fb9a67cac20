import pytest
from msgspec.structs import replace

from anonymizer.hits import SiteId
from anonymizer.policy_file import read_policy
from collector.email.campaigns import BadCampaign
from collector.email.deliveries import read_delivery, read_number, rows_by_region
from collector.email.rates import Opened, Rates, read_rates
from collector.email.registry import Campaign
from collector.plan import make_plan
from collector.reference import default_policy
from tests.collector.hits import POLICY_TEXT, SITE, make_policy

POLICY = make_policy()
PLAN = make_plan(POLICY)
SPRING = Campaign("spring", "", SITE)
NIGHT = 1_773_183_600  # 2026-03-11 00:00 in Berlin, 23:00 UTC of the day before


def row(
    kind: str,
    visitors: int = 0,
    opens: int = 0,
    clicks: int = 0,
    delivered: int = 0,
    campaign: str = "spring",
    variant: str = "",
) -> Opened:
    return Opened(campaign, variant, kind, visitors, opens, clicks, delivered)


def rates_of(*rows: Opened, min_group: int = 5) -> list[Rates]:
    return read_rates(rows, min_group)


def test_rate_is_a_range_from_persons_to_persons_and_proxies() -> None:
    (rates,) = rates_of(
        row("(delivered)", delivered=100),
        row("person", visitors=20, opens=31, clicks=4),
        row("gmail_proxy", visitors=3, opens=25),
        row("apple_privacy", visitors=9, opens=15),
        row("scanner", visitors=9, opens=40, clicks=80),
        row("prefetch", visitors=9, opens=40),
        row("(unsubscribed)", visitors=6),
    )

    assert (rates.least_opened, rates.most_opened) == (0.2, 0.6)
    assert rates.clicked == 0.04


def test_rate_is_at_most_all_of_them() -> None:
    (rates,) = rates_of(
        row("(delivered)", delivered=10),
        row("person", visitors=8, clicks=14),
        row("yahoo_proxy", opens=30),
    )

    assert (rates.least_opened, rates.most_opened, rates.clicked) == (0.8, 1.0, 1.0)


@pytest.mark.parametrize("delivered", [0, 4])
def test_campaign_that_went_to_few_has_no_rate(delivered: int) -> None:
    (rates,) = rates_of(row("(delivered)", delivered=delivered))

    assert rates.delivered == delivered
    assert (rates.least_opened, rates.most_opened, rates.clicked) == (None, None, None)


def test_variants_stand_apart_and_other_campaigns_belong_to_none() -> None:
    rates = rates_of(
        row("(delivered)", delivered=10, variant="B"),
        row("(delivered)", delivered=30),
        row("person", visitors=3, variant="B"),
        row("(other)", visitors=3, campaign="(other)", variant="(other)"),
    )

    assert [(each.variant, each.least_opened) for each in rates] == [("", 0.0), ("B", 0.3)]


@pytest.mark.parametrize(
    ("day", "hour"),
    [
        pytest.param("", NIGHT + 3_600, id="today of the site"),
        pytest.param("2026-03-11", NIGHT + 3_600, id="the same, told"),
        pytest.param("2026-02-28", NIGHT + 3_600 - 11 * 86_400, id="an earlier day"),
    ],
)
def test_delivery_counts_on_a_day_of_the_site(day: str, hour: int) -> None:
    counted = read_delivery(POLICY, PLAN, SPRING, 7, day, NIGHT)

    assert (counted.hour, counted.number, counted.hits, counted.firsts) == (hour, 7, 0, 0)


@pytest.mark.parametrize(
    "day",
    ["2026-03-12", "2026-3-1", "tomorrow", "1969-12-31", "0" * 99, "2024-02-20", "1999-01-01"],
)
def test_day_that_cannot_be_is_refused(day: str) -> None:
    with pytest.raises(BadCampaign, match=r"^day: must"):
        read_delivery(POLICY, PLAN, SPRING, 7, day, NIGHT)


def test_delivery_on_the_first_day_that_is_kept_counts() -> None:
    read_delivery(POLICY, PLAN, SPRING, 7, "2024-02-21", NIGHT)  # 749 days before; 750 are kept


def test_delivery_that_no_statistic_counts_is_refused() -> None:
    without = [each for each in POLICY.statistics if each.name != "email_delivered"]

    with pytest.raises(BadCampaign, match=r"^delivered: is counted by no statistic"):
        read_delivery(replace(POLICY, statistics=tuple(without)), PLAN, SPRING, 7, "", NIGHT)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.5", "1e3", "٣", "9" * 30, " 1", "1_000"])
def test_number_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(BadCampaign, match=r"^delivered: must"):
        read_number(text)


@pytest.mark.parametrize("number", [0, -1, 10**8 + 1])
def test_number_out_of_bounds_is_refused(number: int) -> None:
    with pytest.raises(BadCampaign, match=r"^delivered: must"):
        read_delivery(POLICY, PLAN, SPRING, number, "", NIGHT)


def test_campaign_of_a_site_that_went_is_refused() -> None:
    gone = Campaign("spring", "", SiteId("gone.example"))
    with pytest.raises(BadCampaign, match=r"^campaign: is of a site"):
        read_delivery(POLICY, PLAN, gone, 7, "", NIGHT)


def test_delivery_goes_to_every_store_that_may_count_its_opens() -> None:
    text = POLICY_TEXT.format(min_group=1, zone="Europe/Berlin") + (
        '\n[residency]\nstored_in = ["DE"]\n'
        '\n[residency.regions.east]\nstore = "clickhouse://east.example:8123"\n'
        'stored_in = ["JP"]\nsites = ["other.example"]\n'
        '\n[residency.regions.china]\nstore = "clickhouse://china.example:8123"\n'
        'stored_in = ["CN"]\ncountries = ["CN"]\n'
    )
    policy = read_policy(text, default_policy())
    plan = make_plan(policy)
    other = Campaign("spring", "", SiteId("other.example"))

    by_country = rows_by_region(policy, read_delivery(policy, plan, SPRING, 7, "", NIGHT))
    by_site = rows_by_region(policy, read_delivery(policy, plan, other, 7, "", NIGHT))

    assert sorted(by_country) == ["", "china"]
    assert list(by_site) == ["east"]
