"""A policy that gives every key is read key by key; one that gives none has its defaults."""

from zoneinfo import ZoneInfo

import pytest

from anonymizer.hits import SiteId
from anonymizer.policy import (
    Basis,
    ConsentMode,
    Dimension,
    Event,
    Grain,
    Policy,
    Property,
    Purpose,
    PurposeId,
    Site,
    Statistic,
    VisitorAddress,
)
from anonymizer.policy_file import read_policy
from anonymizer.policy_sections import DEFAULT_CAMPAIGN_PARAMETERS
from tests.anonymizer.policy_texts import ALONE

WHOLE = """\
[policy]
id = "whole"
version = "2026-1"
controller = "Example Ltd"
contact = "privacy@example.org"
effective = 2026-01-31
languages = ["en", "pt-BR"]
address = "1 Example Street"
representative = "Ada, Paris"
protection_officer = "Bob, bob@example.org"
authority = "CNIL"
high_risk = true

[[site]]
domain = "Example.org:8080"
timezone = "Europe/Berlin"
consent = "opt-in"
jurisdiction = "DE"
child_directed = true
child_paths = ["/kids", "/school"]
lower_case_paths = true
path_templates = ["/user/:id/*"]
hash_routing = true

[[purpose]]
id = "shop"
title = "What is bought"
clause = "3.2"
basis = "exempt"
keep_days = 100
tcf = [1, 24]
titles = {de = "Was gekauft wird", pt-BR = "O que se compra"}

[[statistic]]
name = "coverage"
purpose = "shop"
by = ["door", "reason"]

[[statistic]]
name = "buyers"
purpose = "shop"
by = ["page", "network"]
grain = "hour"
min_group = 30
keep_days = 50

[signals]
tcf_vendor = 65535

[residency]
stored_in = ["Germany", "France"]
recipients = ["Institute"]

[network]
visitor_address = "truncated"
v4_bits = 16
v6_bits = 32

[paths.campaign_parameters]
campaign = "c"

[limits]
max_values = 77

[[event]]
name = "signup"
[[event.property]]
name = "plan"
values = ["free", "pro"]
"""


def test_every_key_is_read_into_its_field() -> None:
    site = Site(
        domain=SiteId("example.org:8080"),
        zone=ZoneInfo("Europe/Berlin"),
        consent=ConsentMode.OPT_IN,
        jurisdiction="DE",
        child_directed=True,
        child_paths=("/kids", "/school"),
        lower_case_paths=True,
        path_templates=("/user/:id/*",),
        hash_routing=True,
    )
    shop = Purpose(
        id=PurposeId("shop"),
        title="What is bought",
        clause="3.2",
        basis=Basis.EXEMPT,
        keep_days=100,
        tcf=(1, 24),
        titles={"de": "Was gekauft wird", "pt-BR": "O que se compra"},
    )
    coverage = (Dimension.DOOR, Dimension.REASON)
    buyers = (Dimension.PAGE, Dimension.NETWORK)
    assert read_policy(WHOLE, "") == Policy(
        id="whole",
        version="2026-1",
        effective="2026-01-31",
        controller="Example Ltd",
        contact="privacy@example.org",
        languages=("en", "pt-BR"),
        sites={site.domain: site},
        purposes=(shop,),
        statistics=(
            Statistic("coverage", shop.id, coverage, Grain.DAY, 1, 100),
            Statistic("buyers", shop.id, buyers, Grain.HOUR, 30, 50),
        ),
        campaign_parameters={Dimension.CAMPAIGN: "c"},
        visitor_address=VisitorAddress.TRUNCATED,
        v4_bits=16,
        v6_bits=32,
        tcf_vendor=65535,
        address="1 Example Street",
        representative="Ada, Paris",
        protection_officer="Bob, bob@example.org",
        authority="CNIL",
        high_risk=True,
        stored_in=("Germany", "France"),
        recipients=("Institute",),
        events={"signup": Event("signup", (Property("plan", values=("free", "pro")),))},
        max_values=77,
    )


def test_keys_that_are_left_out_have_their_defaults() -> None:
    policy = read_policy(ALONE, "")
    site = policy.sites[SiteId("example.org")]

    assert site == Site(SiteId("example.org"), ZoneInfo("UTC"), ConsentMode.EXEMPT)
    assert policy.purposes == (Purpose(PurposeId("shop"), "t", "c", Basis.EXEMPT, 750, (9,), {}),)
    assert policy.effective == ""
    assert (policy.v4_bits, policy.v6_bits, policy.tcf_vendor) == (24, 48, None)
    assert (policy.address, policy.representative, policy.authority) == ("", "", "")
    assert (policy.protection_officer, policy.high_risk) == ("", False)
    assert (policy.stored_in, policy.recipients) == ((), ())
    assert policy.campaign_parameters == DEFAULT_CAMPAIGN_PARAMETERS
    assert (policy.events, policy.max_values) == ({}, 10_000)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("[network]\nv4_bits = 8\nv6_bits = 16\n", (8, 16, None), id="widest"),
        pytest.param("[network]\nv4_bits = 24\nv6_bits = 48\n", (24, 48, None), id="finest"),
        pytest.param("[network]\nv6_bits = 32\n", (24, 32, None), id="one of them"),
        pytest.param("[signals]\n", (24, 48, None), id="no vendor"),
        pytest.param("[signals]\ntcf_vendor = 1\n", (24, 48, 1), id="first vendor"),
    ],
)
def test_network_and_vendor_may_be(text: str, read: tuple[int, int, int | None]) -> None:
    policy = read_policy(ALONE + text, "")

    assert (policy.v4_bits, policy.v6_bits, policy.tcf_vendor) == read
