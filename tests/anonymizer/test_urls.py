import pytest

from anonymizer.hits import Campaign, SiteId
from anonymizer.paths import PathRules
from anonymizer.policy import Dimension
from anonymizer.urls import BadUrl, PageUrl, read_page

SITE = SiteId("example.org")
PARAMETERS = {
    Dimension.CAMPAIGN: "utm_campaign",
    Dimension.CAMPAIGN_SOURCE: "utm_source",
    Dimension.CAMPAIGN_MEDIUM: "utm_medium",
}
NO_RULES = PathRules()
NEITHER = "neither an absolute URL nor a path that starts with a slash"
SCHEME = "scheme is neither http nor https"
HASH_ROUTING = PathRules(hash_routing=True)


def read(raw_url: str, rules: PathRules = NO_RULES, domain: str = SITE) -> PageUrl:
    return read_page(raw_url, SiteId(domain), rules, PARAMETERS)


@pytest.mark.parametrize(
    ("raw_url", "expected"),
    [
        pytest.param("https://example.org", "/", id="root without slash"),
        pytest.param("https://example.org/", "/", id="root"),
        pytest.param("http://example.org/a", "/a", id="without TLS"),
        pytest.param("/" + "a/" * 2047 + "a", "/a" * 149 + "/…", id="as long as may be"),
        pytest.param("/", "/", id="root as a path"),
        pytest.param("/a/b", "/a/b", id="path"),
        pytest.param("/a?secret=1#frag", "/a", id="query and fragment gone"),
        pytest.param("https://u:p@example.org:8443/a", "/a", id="userinfo and port gone"),
        pytest.param("HTTPS://EXAMPLE.ORG/A", "/A", id="case of the path kept"),
        pytest.param("https://example.org\\a\\b", "/a/b", id="backslashes"),
        pytest.param("  https://example.org/a  ", "/a", id="outer spaces"),
        pytest.param("//example.com/a", "/example.com/a", id="no other host"),
    ],
)
def test_page_is_the_path_of_the_url(raw_url: str, expected: str) -> None:
    assert read(raw_url).page == expected


@pytest.mark.parametrize(
    ("raw_url", "expected"),
    [
        pytest.param("https://example.org/app/#/a/b", "/a/b", id="route"),
        pytest.param("https://example.org/app/#!/a/b", "/a/b", id="route with a bang"),
        pytest.param("/#/a/b", "/a/b", id="route of a path"),
        pytest.param("/app/#/", "/", id="root route"),
        pytest.param("/app/#/a/../b//c/?x=1#y", "/b/c", id="route in one spelling"),
        pytest.param("/app/#/caf%c3%a9/{x}", "/café/%7Bx%7D", id="percent forms of a path"),
        pytest.param("/app/#/user/john@mail.example", "/user/:email", id="scrubbed"),
        pytest.param("/app/#section", "/app", id="a section is no route"),
        pytest.param("/app/#", "/app", id="empty fragment"),
        pytest.param("/app/#!", "/app", id="bang alone"),
    ],
)
def test_fragment_is_the_page_where_the_site_routes_by_it(raw_url: str, expected: str) -> None:
    assert read(raw_url, HASH_ROUTING).page == expected
    assert read("/app/#/a/b").page == "/app"


@pytest.mark.parametrize(
    ("raw_url", "message"),
    [
        pytest.param("", NEITHER, id="empty"),
        pytest.param("secret", NEITHER, id="word"),
        pytest.param("secret/path", NEITHER, id="relative path"),
        pytest.param("http://", NEITHER, id="no host"),
        pytest.param("https://[secret/", NEITHER, id="broken host"),
        pytest.param("https://secret/\ud800", NEITHER, id="broken text"),
        pytest.param("data:text/html,secret", SCHEME, id="data"),
        pytest.param("javascript:secret", SCHEME, id="javascript"),
        pytest.param("blob:https://example.org/secret", SCHEME, id="blob"),
        pytest.param("file:///secret", SCHEME, id="file"),
        pytest.param("ftp://secret/", SCHEME, id="ftp"),
        pytest.param("/" * 4097, "longer than 4096 characters", id="one too many"),
        pytest.param("/secret" * 1000, "longer than 4096 characters", id="long"),
    ],
)
def test_bad_url_is_told_without_its_text(raw_url: str, message: str) -> None:
    with pytest.raises(BadUrl, match=f"^url: {message}$") as told:
        read(raw_url)
    assert "secret" not in str(told.value)
    assert told.value.__suppress_context__ or told.value.__context__ is None


def test_host_is_told_without_port() -> None:
    assert read("https://Shop.Example.org:8443/a").host == "shop.example.org"
    assert read("/a", domain="localhost:8000").host == "localhost"
    assert read("https://shop.example.org/a?b=c").host == "shop.example.org"


def test_rules_of_the_site_shape_the_page() -> None:
    rules = PathRules(lower_case=True, templates=("/user/:id/*",))
    assert read("/User/Jane/Orders", rules).page == "/user/:id/orders"


def test_masks_tell_what_was_removed_from_the_page_alone() -> None:
    url = read(
        "/a@mail.example/b@mail.example/0b0b3c1e-7f1f-4a55-8d51-2f54d1b2a3c4"
        "?utm_campaign=c@mail.example&d=e@mail.example"
    )
    assert url.page == "/:email/:email/:uuid"
    assert url.masks == ("email", "email", "uuid")
    assert url.campaign == Campaign(":email")
    assert read("/a").masks == ()
    assert read("/a@mail.example").masks == ("email",)


def test_query_tells_campaign_and_paid_click() -> None:
    url = read("/a?gclid=secret&utm_source=news&token=secret")
    assert (url.campaign, url.paid_click) == (Campaign(source="news"), True)
    assert "secret" not in str(url)
    assert read("/a?utm_source=news").paid_click is False
    assert read("/a").paid_click is False
    assert not read("/a#?gclid=secret").paid_click
