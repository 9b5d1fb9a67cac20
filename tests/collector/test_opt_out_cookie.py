"""The refusal's cookie: how far it goes from which host."""

import pytest

from anonymizer.hits import SiteId
from collector.opt_out_cookie import deleting_cookies, read_reach, refusing_cookie

SITES = tuple(
    map(
        SiteId,
        (
            "example.org",
            "shop.example.org",
            "other.net:8443",
            "localhost:8000",
            "127.0.0.1:9000",
            "intranet",
            "com",
        ),
    )
)
HOST_ONLY = "Path=/; SameSite=None; Secure"
FOR_SITE = "Domain=example.org; Path=/; SameSite=Lax"


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        pytest.param("stats.example.org", FOR_SITE, id="sub-domain of a site"),
        pytest.param("example.org", FOR_SITE, id="the site itself"),
        pytest.param("a.b.example.org:8443", FOR_SITE, id="deeper, with a port"),
        pytest.param("STATS.Example.ORG.", FOR_SITE, id="any case, with the root's dot"),
        pytest.param("stats.shop.example.org", FOR_SITE, id="under two sites, the wider"),
        pytest.param(
            "stats.other.net",
            "Domain=other.net; Path=/; SameSite=Lax",
            id="a site with a port",
        ),
        pytest.param("notexample.org", HOST_ONLY, id="only ends alike"),
        pytest.param("example.org.evil.net", HOST_ONLY, id="only begins alike"),
        pytest.param("stats.elsewhere.net", HOST_ONLY, id="unrelated"),
        pytest.param("elsewhere.com", HOST_ONLY, id="a top-level domain is shared with nobody"),
        pytest.param("localhost:8000", HOST_ONLY, id="localhost"),
        pytest.param("stats.intranet", HOST_ONLY, id="under a single label"),
        pytest.param("127.0.0.1:9000", HOST_ONLY, id="IPv4"),
        pytest.param("[::1]:9000", HOST_ONLY, id="IPv6"),
        pytest.param("", HOST_ONLY, id="no host"),
        pytest.param("example.org; Domain=com", HOST_ONLY, id="no host but an attribute"),
        pytest.param("example.org\r\nX: y", HOST_ONLY, id="no host but a header"),
    ],
)
def test_refusal_is_one_cookie_as_wide_as_the_policy_s_sites(host: str, scope: str) -> None:
    cookie = refusing_cookie(read_reach(host, SITES), https=True)

    assert cookie == f"discreet_opt_out=1; Max-Age=34560000; {scope}"


def test_over_plain_http_no_cookie_is_secure() -> None:
    # Browsers refuse both Secure from there and SameSite=None without it.
    reach = read_reach("elsewhere.net", SITES)

    assert refusing_cookie(reach, https=False) == (
        "discreet_opt_out=1; Max-Age=34560000; Path=/; SameSite=Lax"
    )


def test_taking_back_covers_every_scope_that_may_have_been_set() -> None:
    reach = read_reach("stats.shop.example.org", SITES)

    assert deleting_cookies(reach, https=True) == [
        f"discreet_opt_out=; Max-Age=0; {HOST_ONLY}",
        f"discreet_opt_out=; Max-Age=0; {FOR_SITE}",
        "discreet_opt_out=; Max-Age=0; Domain=shop.example.org; Path=/; SameSite=Lax",
    ]


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        pytest.param("stats.example.org", ["example.org", "shop.example.org"], id="a sub-domain"),
        pytest.param("shop.example.org", ["example.org", "shop.example.org"], id="one of two"),
        pytest.param("localhost:1234", ["localhost:8000"], id="localhost, whatever the port"),
        pytest.param("127.0.0.1", ["127.0.0.1:9000"], id="an address"),
        pytest.param("stats.intranet", [], id="under a single label"),
        pytest.param("elsewhere.net", [], id="unrelated"),
        pytest.param("", [], id="no host"),
    ],
)
def test_sites_that_see_the_cookie_are_known(host: str, covered: list[str]) -> None:
    reach = read_reach(host, SITES)

    assert [site for site in SITES if reach.covers(site)] == covered
