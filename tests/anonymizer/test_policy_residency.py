"""The rules of `[residency.regions]`: each fault by its line and key, never by its value."""

import pytest

from anonymizer.hits import SiteId
from anonymizer.policy import Policy, Region
from anonymizer.policy_diff import compare
from anonymizer.policy_file import read_policy
from collector.reference import default_policy
from tests.anonymizer.policy_texts import MINIMAL, lines_of

HEAD = MINIMAL + '\n[[site]]\ndomain = "example.cn"\ntimezone = "Asia/Shanghai"\n\n'
CN = """\
[residency.regions.cn]
store = "clickhouse://discreet@10.0.0.5:8123/statistics"
stored_in = ["China"]
sites = ["example.cn"]
"""


def read(table: str) -> Policy:
    return read_policy(HEAD + table, default_policy())


def faults_of(table: str) -> list[str]:
    return lines_of(HEAD + table, default_policy())


def test_region_of_sites_and_one_of_countries_are_read() -> None:
    us = CN.replace(".cn]", ".us]", 1).replace("10.0.0.5", "[2001:db8::1]")
    policy = read(CN + us.replace('sites = ["example.cn"]', 'countries = ["US", "CA"]'))
    assert policy.regions["cn"] == Region(
        "cn", "clickhouse://discreet@10.0.0.5:8123/statistics", ("China",), (SiteId("example.cn"),)
    )
    assert policy.regions["us"].countries == ("US", "CA")


def test_policy_without_regions_has_none() -> None:
    assert read('[residency]\nstored_in = ["Germany"]\n').regions == {}


def test_domain_of_a_region_is_read_as_that_of_a_site_is() -> None:
    assert read(CN.replace("example.cn", "Example.CN")).regions["cn"].sites == ("example.cn",)


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        pytest.param("sites", "site", "site", "is not a known key", id="unknown key"),
        pytest.param("[residency.regions.cn]", "[residency.regions.CN]", "CN", "a-z", id="name"),
        pytest.param(
            'store = "clickhouse://discreet@10.0.0.5:8123/statistics"\n',
            "",
            "store",
            "is missing",
            id="no store",
        ),
        pytest.param("discreet@", "discreet:hush@", "store", "no password", id="password"),
        pytest.param("clickhouse://", "https://", "store", "clickhouse://", id="other scheme"),
        pytest.param('/statistics"', '/a b"', "store", "clickhouse://", id="database"),
        pytest.param('/statistics"', '/s?x=1"', "store", "clickhouse://", id="option"),
        pytest.param('stored_in = ["China"]\n', "", "stored_in", "is missing", id="no place"),
        pytest.param('["China"]', "[]", "stored_in", "is missing", id="empty place"),
        pytest.param('sites = ["example.cn"]\n', "", "sites", "is missing", id="no rule"),
        pytest.param('["example.cn"]', '["elsewhere.cn"]', "sites", "domains of", id="no site"),
        pytest.param(
            'sites = ["example.cn"]', 'countries = ["cn"]', "countries", "capital", id="small"
        ),
        pytest.param(
            'sites = ["example.cn"]', 'countries = "CN"', "countries", "a list", id="no list"
        ),
    ],
)
def test_fault_is_told_by_key_and_line(old: str, new: str, key: str, says: str) -> None:
    faults = faults_of(CN.replace(old, new))
    assert any(f".{key}: " in fault and says in fault for fault in faults), faults
    assert all(fault.startswith(("line 16", "line 17", "line 18", "line 19")) for fault in faults)
    assert "hush" not in "".join(faults)


@pytest.mark.parametrize(
    ("second", "key"),
    [
        pytest.param('sites = ["example.cn"]', "sites", id="site"),
        pytest.param('countries = ["CN"]', "countries", id="country"),
    ],
)
def test_nothing_is_in_two_regions(second: str, key: str) -> None:
    first = CN.replace('sites = ["example.cn"]', second)
    other = first.replace(".cn]", ".other]", 1).replace("10.0.0.5", "10.0.0.6")
    (fault,) = faults_of(first + other)
    assert fault.endswith(f"residency.regions.other.{key}: must be in one region alone")


def test_two_regions_have_two_stores() -> None:
    other = CN.replace(".cn]", ".other]", 1).replace('sites = ["example.cn"]', 'countries = ["US"]')
    (fault,) = faults_of(CN + other)
    assert "residency.regions.other.store: must not be another region's" in fault


BOTH = CN + 'countries = ["CN"]\n'


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        pytest.param("", CN, "", id="a region comes"),
        pytest.param(CN, "", "", id="a region goes"),
        pytest.param(CN, CN.replace("10.0.0.5", "10.0.0.6"), "store", id="its store moves"),
        pytest.param(CN, CN.replace('["China"]', '["Malta"]'), "stored_in", id="its place"),
        pytest.param(CN, BOTH, "countries", id="it takes a country"),
        pytest.param(BOTH, CN, "countries", id="it gives a country back"),
        pytest.param(
            CN, CN.replace('["example.cn"]', '["example.cn", "example.org"]'), "sites", id="a site"
        ),
    ],
)
def test_change_of_where_hits_are_stored_is_major(before: str, after: str, key: str) -> None:
    (change,) = compare(read(before), read(after))
    assert (change.key, change.clause) == (key, "8")
    assert str(change).startswith("residency.regions cn")


def test_region_that_gives_up_a_place_changes_nothing_for_visitors() -> None:
    two = CN.replace('["China"]', '["China", "Malta"]')
    (change,) = compare(read(two), read(CN))
    assert (change.key, change.major) == ("stored_in", False)
