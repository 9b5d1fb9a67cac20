"""Campaigns and links: what may be registered, and that it is seen at once."""

import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from anonymizer.policy_file import read_policy
from collector.email.campaigns import (
    MAX_LINKS,
    BadCampaign,
    Campaigns,
    KnownAlready,
    UnknownCampaign,
)
from collector.email.registry import Campaign, Registry, RegistryFailed, Target
from collector.email.targets import BadTarget, mark_target, read_target
from collector.reference import default_policy
from tests.running import POLICY, discreet

NOW = 1_780_000_000
SITE = "example.org"
POLICY_OF_TWO = read_policy(
    f'{POLICY}\n[[site]]\ndomain = "shop.example"\ntimezone = "UTC"\n', default_policy()
)
SPRING = Campaign("spring", "", SiteId(SITE))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "email.sqlite"


@pytest.fixture
def campaigns(path: Path) -> Campaigns:
    return Campaigns(path, POLICY_OF_TWO)


@pytest.fixture
def registry(path: Path) -> Iterator[Registry]:
    opened = Registry(path, POLICY_OF_TWO)
    yield opened
    opened.close()


def test_registered_campaign_is_found_by_its_code(campaigns: Campaigns, registry: Registry) -> None:
    spring = campaigns.add("spring", "", SITE, NOW)
    variant = campaigns.add("spring", "A", SITE, NOW)

    assert (registry.lookup("spring"), registry.lookup("spring.A")) == (spring, variant)
    assert (spring.code, variant.code) == ("spring", "spring.A")
    assert [registry.lookup(code) for code in ("", "Spring", "spring.", "spring.B", "A")] == [
        None
    ] * 5


def test_link_is_found_by_its_number(campaigns: Campaigns, registry: Registry) -> None:
    spring = campaigns.add("spring", "", SITE, NOW)
    numbers = campaigns.number(spring, ["https://a.example/", "https://b.example/"])

    assert numbers == {"https://a.example/": "1", "https://b.example/": "2"}
    assert registry.target("spring", "2") == Target(spring, "2", "https://b.example/")
    assert [registry.target("spring", link) for link in ("0", "3", "01", "-1", "x", "")] == [
        None
    ] * 6
    assert registry.target("summer", "1") is None


def test_number_means_one_page_in_every_variant(campaigns: Campaigns, registry: Registry) -> None:
    one = campaigns.add("spring", "A", SITE, NOW)
    other = campaigns.add("spring", "B", SITE, NOW)
    page = "https://example.org/p"
    assert campaigns.number(one, [page]) == campaigns.number(other, [page]) == {page: "1"}

    targets = [registry.target(code, "1") for code in ("spring.A", "spring.B")]

    assert [target.url.rpartition("=")[2] for target in targets if target] == ["A", "B"]


def test_campaigns_number_apart(campaigns: Campaigns) -> None:
    spring, summer = (campaigns.add(name, "", SITE, NOW) for name in ("spring", "summer"))
    campaigns.number(spring, ["https://a.example/"])

    assert campaigns.number(summer, ["https://b.example/"]) == {"https://b.example/": "1"}


def test_what_another_process_registers_is_seen_at_once(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    opened = Registry(tmp_path / "email.sqlite", POLICY_OF_TWO)
    assert opened.lookup("spring") is None

    answer = discreet("email", "campaign", "add", "spring", "--site", SITE, "--data", tmp_path)

    assert answer.returncode == 0, answer.stderr
    assert opened.lookup("spring") == SPRING
    opened.close()


def test_registry_answers_from_memory_when_its_file_is_broken(
    campaigns: Campaigns, registry: Registry, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    campaigns.number(campaigns.add("spring", "", SITE, NOW), ["https://a.example/"])
    assert registry.lookup("spring") is not None
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE links")
    database.close()

    found = [registry.target("spring", "1") for _ in range(3)]

    assert [target.url for target in found if target] == ["https://a.example/"] * 3
    assert len(caplog.records) == 1


def test_many_threads_number_alike(campaigns: Campaigns) -> None:
    spring = campaigns.add("spring", "", SITE, NOW)
    urls = [f"https://a.example/{number}" for number in range(20)]
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(campaigns.number(spring, urls)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [campaigns.number(spring, urls)] * 8


def test_registry_is_for_its_owner_alone(campaigns: Campaigns, path: Path) -> None:
    campaigns.add("spring", "", SITE, NOW)

    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}


def test_damaged_file_is_refused(path: Path) -> None:
    path.write_bytes(b"no database" * 100)

    with pytest.raises(RegistryFailed, match="can't be used"):
        Registry(path, POLICY_OF_TWO)


@pytest.mark.parametrize(
    ("name", "variant", "site"),
    [
        pytest.param("spring", "", SITE, id="the same"),
        pytest.param("Spring", "", SITE, id="in other letters"),
        pytest.param("SPRING", "A", SITE, id="a variant, in other letters"),
    ],
)
def test_name_is_registered_once(campaigns: Campaigns, name: str, variant: str, site: str) -> None:
    campaigns.add("spring", "", SITE, NOW)

    with pytest.raises(KnownAlready, match=r"^name: is that of a campaign"):
        campaigns.add(name, variant, site, NOW)
    assert [each.campaign.code for each in campaigns.all()] == ["spring"]


def test_variant_is_registered_once(campaigns: Campaigns) -> None:
    campaigns.add("spring", "A", SITE, NOW)

    with pytest.raises(KnownAlready):
        campaigns.add("spring", "a", SITE, NOW)
    campaigns.add("spring", "B", SITE, NOW)
    campaigns.add("spring", "", SITE, NOW)
    assert [each.campaign.code for each in campaigns.all()] == ["spring.A", "spring.B", "spring"]


@pytest.mark.parametrize(
    ("name", "variant", "site", "field"),
    [
        pytest.param("", "", SITE, "name", id="no name"),
        pytest.param("a.b", "", SITE, "name", id="dot in name"),
        pytest.param("-a", "", SITE, "name", id="hyphen first"),
        pytest.param("a/b", "", SITE, "name", id="slash"),
        pytest.param("a b", "", SITE, "name", id="space"),
        pytest.param("é", "", SITE, "name", id="accent"),
        pytest.param("a\n", "", SITE, "name", id="line end"),
        pytest.param("a" * 41, "", SITE, "name", id="long name"),
        pytest.param("a", "b" * 41, SITE, "variant", id="long variant"),
        pytest.param("a", "b.c", SITE, "variant", id="dot in variant"),
        pytest.param("customer-12345678", "", SITE, "name", id="number of a person"),
        pytest.param("a", "", "elsewhere.example", "site", id="another's site"),
    ],
)
def test_campaign_that_cannot_be_is_refused(
    campaigns: Campaigns, name: str, variant: str, site: str, field: str
) -> None:
    with pytest.raises(BadCampaign) as refused:
        campaigns.add(name, variant, site, NOW)

    assert refused.value.field == field
    # Nothing of what was given is said again; one letter may stand in any word.
    assert not any(len(given) > 1 and given in str(refused.value) for given in (name, variant))
    assert site not in str(refused.value)
    assert campaigns.all() == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a", id="one letter"),
        pytest.param("A" * 40, id="forty"),
        pytest.param("2026-11-20_black-friday", id="date"),
        pytest.param("KW47-2026", id="week"),
    ],
)
def test_campaign_may_be_named(campaigns: Campaigns, name: str) -> None:
    assert campaigns.add(name, "v2", SITE.upper(), NOW).code == f"{name}.v2"


def test_variants_are_of_one_site(campaigns: Campaigns) -> None:
    campaigns.add("spring", "A", SITE, NOW)

    with pytest.raises(BadCampaign, match="site"):
        campaigns.add("spring", "B", "shop.example", NOW)


def test_unknown_campaign_is_not_found(campaigns: Campaigns) -> None:
    campaigns.add("spring", "A", SITE, NOW)

    with pytest.raises(UnknownCampaign):
        campaigns.find("spring", "")
    for word in ("\udcff", "spring\0", "%"):  # the first is what a shell makes of a lone byte
        with pytest.raises(UnknownCampaign):
            campaigns.find(word, "A")
        with pytest.raises(UnknownCampaign):
            campaigns.find("spring", word)


def test_links_are_all_registered_or_none(campaigns: Campaigns, registry: Registry) -> None:
    spring = campaigns.add("spring", "", SITE, NOW)
    urls = [f"https://a.example/{number}" for number in range(MAX_LINKS + 1)]

    with pytest.raises(BadCampaign, match="more than 1000"):
        campaigns.number(spring, urls)
    assert registry.target("spring", "1") is None
    assert len(campaigns.number(spring, urls[1:])) == MAX_LINKS


def test_links_are_not_registered_when_only_asked_for(campaigns: Campaigns) -> None:
    spring = campaigns.add("spring", "", SITE, NOW)
    campaigns.number(spring, ["https://a.example/"])
    wanted = ["https://b.example/", "https://a.example/"]

    assert campaigns.number(spring, wanted, register=False) == {"https://a.example/": "1"}
    assert campaigns.number(spring, wanted) == {
        "https://a.example/": "1",
        "https://b.example/": "2",
    }


@pytest.mark.parametrize(
    ("raw_url", "url"),
    [
        pytest.param("https://x.org", "https://x.org/", id="host"),
        pytest.param(" HTTP://X.org:80/A?b#c ", "http://x.org/A?b#c", id="one spelling"),
        pytest.param("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4", id="idn"),
        pytest.param("https://x.org/%25%0d%0a", "https://x.org/%25%0d%0a", id="encoded already"),
        pytest.param("https://x.org/?to=a@b", "https://x.org/?to=a@b", id="at sign in the query"),
        pytest.param("https://x.org?a@b", "https://x.org/?a@b", id="at sign after the host"),
        pytest.param("https://[::1]:8/", "https://[::1]:8/", id="ipv6"),
        pytest.param("https://x.org/" + "a" * 1986, "https://x.org/" + "a" * 1986, id="longest"),
    ],
)
def test_target_is_read(raw_url: str, url: str) -> None:
    assert read_target(raw_url) == url


@pytest.mark.parametrize(
    "raw_url",
    [
        pytest.param("", id="empty"),
        pytest.param("javascript:alert(1)", id="script"),
        pytest.param("data:text/html,x", id="data"),
        pytest.param("//evil.example/", id="no scheme"),
        pytest.param("https:evil.example", id="no slashes"),
        pytest.param("https:/evil.example", id="one slash"),
        pytest.param("https:\\\\evil.example", id="backslashes"),
        pytest.param("https:///evil.example", id="three slashes"),
        pytest.param("https://?evil.example", id="no host"),
        pytest.param("https://good.example@evil.example/", id="user"),
        pytest.param("https://good:pass@evil.example/", id="password"),
        pytest.param("https://@evil.example/", id="empty user"),
        pytest.param("https://x.org/\r\nSet-Cookie: a", id="line end"),
        pytest.param("https://x.org/\x00", id="null"),
        pytest.param("https://x.org/\u0085", id="next line"),
        pytest.param("java\tscript:alert(1)", id="tab"),
        pytest.param("https://x.org/" + "a" * 1987, id="too long"),
        pytest.param("https://x.org/" + "ä" * 1000, id="too long when encoded"),
        pytest.param("https://exa mple.org/", id="space in host"),
        pytest.param("https://x.org:99999/", id="port"),
        pytest.param("https://x.org/\ud800", id="half a character"),
        pytest.param("ftp://x.org/", id="another scheme"),
        pytest.param("https://x.org/?to=evil@x.example", id="e-mail address"),
        pytest.param("https://x.org/evil%40x.example", id="e-mail address encoded"),
        pytest.param("https://x.org/?to=/a%3Fb%3Devil%2540x.example", id="in a link in a link"),
    ],
)
def test_target_that_no_link_may_lead_to_is_refused(raw_url: str) -> None:
    with pytest.raises(BadTarget, match=r"^url: ") as refused:
        read_target(raw_url)

    assert "evil" not in str(refused.value)


MARKED = "utm_campaign=spring&utm_medium=email"


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        pytest.param("https://example.org/", f"https://example.org/?{MARKED}", id="site"),
        pytest.param("https://shop.example/", f"https://shop.example/?{MARKED}", id="other site"),
        pytest.param("https://www.example.org/", f"https://www.example.org/?{MARKED}", id="below"),
        pytest.param(
            "https://example.org/?a=1#b", f"https://example.org/?a=1&{MARKED}#b", id="with query"
        ),
        pytest.param("https://example.org/?", f"https://example.org/?{MARKED}", id="empty query"),
        pytest.param(
            "https://example.org/?utm_source=x", "https://example.org/?utm_source=x", id="marked"
        ),
        pytest.param("https://notexample.org/", "https://notexample.org/", id="alike"),
        pytest.param("https://elsewhere.example/", "https://elsewhere.example/", id="elsewhere"),
        pytest.param(
            "https://elsewhere.example/?a=example.org",
            "https://elsewhere.example/?a=example.org",
            id="named",
        ),
    ],
)
def test_target_on_a_site_carries_the_campaign(url: str, sent: str) -> None:
    assert mark_target(url, "spring", "", POLICY_OF_TWO) == sent


def test_variant_is_carried_as_content() -> None:
    sent = mark_target("https://example.org/", "spring", "A", POLICY_OF_TWO)

    assert sent == f"https://example.org/?{MARKED}&utm_content=A"


def test_campaign_is_carried_in_the_parameters_of_the_policy() -> None:
    policy: Policy = read_policy(
        f'{POLICY}\n[paths.campaign_parameters]\ncampaign = "pk_campaign"\n', default_policy()
    )

    sent = mark_target("https://example.org/", "spring", "A", policy)

    assert sent == "https://example.org/?pk_campaign=spring"
