import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.hits import Campaign, SiteId
from anonymizer.policy import Dimension
from anonymizer.urls import (
    CUT,
    MAX_CAMPAIGN_CHARACTERS,
    MAX_PAGE_CHARACTERS,
    BadUrl,
    coarsen_path,
    drop_identifier,
    read_page,
)

SITE = SiteId("example.org")
PARAMETERS = {
    Dimension.CAMPAIGN: "utm_campaign",
    Dimension.CAMPAIGN_SOURCE: "utm_source",
    Dimension.CAMPAIGN_MEDIUM: "utm_medium",
    Dimension.CAMPAIGN_CONTENT: "utm_content",
    Dimension.CAMPAIGN_TERM: "utm_term",
}


def page(raw_url: str) -> str:
    return read_page(raw_url, SITE, PARAMETERS).page


def campaign(query: str) -> Campaign:
    return read_page(f"https://example.org/?{query}", SITE, PARAMETERS).campaign


@pytest.mark.parametrize(
    ("raw_url", "expected"),
    [
        pytest.param("https://example.org", "/", id="root without slash"),
        pytest.param("https://example.org/", "/", id="root"),
        pytest.param("/", "/", id="root as a path"),
        pytest.param("/a/b", "/a/b", id="path"),
        pytest.param("/a/b/", "/a/b", id="trailing slash"),
        pytest.param("//a//b//", "/a/b", id="doubled slashes"),
        pytest.param("///", "/", id="slashes only"),
        pytest.param("/a/../b/./c", "/b/c", id="dot segments"),
        pytest.param("/a/%2e%2e/b", "/b", id="escaped dot segments"),
        pytest.param("/%7Euser/%61bc", "/~user/abc", id="unreserved decoded"),
        pytest.param("/a%2fb", "/a%2Fb", id="slash stays escaped, in upper case"),
        pytest.param("/a%20b", "/a%20b", id="space stays escaped"),
        pytest.param("/a b", "/a%20b", id="space is escaped"),
        pytest.param("/a%", "/a%25", id="lone percent"),
        pytest.param("/100%25", "/100%25", id="escaped percent"),
        pytest.param("/caf%c3%a9", "/café", id="UTF-8 decoded"),
        pytest.param("/café", "/café", id="UTF-8 as it is"),
        pytest.param("/%E6%97%A5%E6%9C%AC", "/日本", id="Japanese"),
        pytest.param("/a%FFb", "/a%FFb", id="no UTF-8"),
        pytest.param("/a%e2%80%aeb", "/a%E2%80%AEb", id="direction mark stays escaped"),
        pytest.param("/a%00b", "/a%00b", id="NUL stays escaped"),
        pytest.param("/a?secret=1#frag", "/a", id="query and fragment gone"),
        pytest.param("https://u:p@example.org:8443/a", "/a", id="userinfo and port gone"),
        pytest.param("HTTPS://EXAMPLE.ORG/A", "/A", id="case of the path kept"),
        pytest.param("https://example.org\\a\\b", "/a/b", id="backslashes"),
        pytest.param("  https://example.org/a  ", "/a", id="outer spaces"),
    ],
)
def test_page_is_written_in_one_way(raw_url: str, expected: str) -> None:
    assert page(raw_url) == expected


@pytest.mark.parametrize(
    ("segment", "kind"),
    [
        pytest.param("john@mail.example", ":email", id="e-mail"),
        pytest.param("john%40mail.example", ":email", id="escaped e-mail"),
        pytest.param("john%2540mail.example", ":email", id="twice escaped e-mail"),
        pytest.param("to:john.q+x@mail.example;x", ":email", id="e-mail within"),
        pytest.param("%6Aohn@mail.example", ":email", id="e-mail with escapes"),
        pytest.param("12345678", ":number", id="number"),
        pytest.param("4917012345678.html", ":number", id="number with ending"),
        pytest.param("12345678%2Fa", ":number", id="number before an escape"),
        pytest.param("a%2F12345678", ":number", id="number after an escape"),
        pytest.param("%31%32%33%34%35%36%37%38", ":number", id="escaped number"),
        pytest.param("0b0b3c1e-7f1f-4a55-8d51-2f54d1b2a3c4", ":uuid", id="UUID"),
        pytest.param("0B0B3C1E7F1F4A558D512F54D1B2A3C4", ":uuid", id="UUID without hyphens"),
        pytest.param("d41d8cd98f00b204", ":hex", id="hex of 16"),
        pytest.param("da39a3ee5e6b4b0d3255bfef95601890afd80709", ":hex", id="SHA-1"),
        pytest.param("a;jsessionid=1A530637289A03B07199A44E8D5314", ":hex", id="session"),
        pytest.param("dGhpcyBpcyBhIHRva2VuMTIz", ":token", id="base64url"),
        pytest.param("V1StGXR8_Z5jdHi6B-myTq", ":token", id="nanoid"),
        pytest.param("eyJhbGciOiJIUzI1NiJ9abc.eyJzdWIi.x", ":token", id="JWT"),
        pytest.param("192.0.2.77", ":address", id="v4 address"),
        pytest.param("from-192.0.2.77.html", ":address", id="v4 address within"),
        pytest.param("2001:db8::77", ":address", id="v6 address"),
        pytest.param("2001:db8:1:2:3:4:5:6", ":address", id="whole v6 address"),
    ],
)
def test_identifier_in_path_is_replaced_by_its_kind(segment: str, kind: str) -> None:
    assert page(f"/a/{segment}/b") == f"/a/{kind}/b"
    assert page(f"/{segment}") == f"/{kind}"


@pytest.mark.parametrize(
    "path",
    [
        "/2024/05/my-post",
        "/2024-05-17/release",
        "/articles/how-to-use-internationalization-today",
        "/v1.2.3",
        "/v1.2.3.4.5",
        "/docs/10.4.1/index.html",
        "/products/iphone-15-pro-max-256gb",
        "/airbus-A320neo-vs-boeing-737max8-in-2024",
        "/news/the-100-best-films-of-1999-and-2000",
        "/@john",
        "/@angular/core",
        "/npm/react@18.2.0",
        "/order/1234567",
        "/deadbeef",
        "/facade-decade-accede-effaced-cafe",
        "/AVeryLongCamelCaseTitleOfSomePage",
        "/time/12:30:45",
        "/wiki/Talk:Main_Page",
        "/blog/post_123/how_to_read_it",
        "/presentations/logstash-monitorama-2013/images/kibana-dashboard3.png",
    ],
)
def test_innocent_path_stays(path: str) -> None:
    assert page(path) == path


@given(st.text(max_size=400))
def test_page_is_read_the_same_when_read_again(text: str) -> None:
    try:
        once = page("/" + text)
    except BadUrl:
        return
    if not once.endswith(CUT):
        assert page(once) == once
    assert once.startswith("/")
    assert once.isprintable()
    assert len(once) <= MAX_PAGE_CHARACTERS


def test_long_page_is_cut_at_a_segment() -> None:
    cut = page("/abc" * 200)
    assert cut == "/abc" * ((MAX_PAGE_CHARACTERS - len(CUT)) // 4) + CUT
    assert page("/" + "ab-" * 400 + "/tail") == CUT
    assert page("/a/" + "ab-" * 400) == "/a" + CUT


def test_segment_that_cannot_fit_is_not_looked_at() -> None:
    assert page("/a/" + "1" * MAX_PAGE_CHARACTERS) == "/a/:number"
    assert page("/a/" + "1" * (MAX_PAGE_CHARACTERS + 1)) == "/a" + CUT


def test_page_at_the_bound_stays_whole() -> None:
    path = "/" + "x" * (MAX_PAGE_CHARACTERS - 1)
    assert page(path) == path
    assert page(path + "y") == CUT
    japanese = "/" + "%E6%97%A5" * (MAX_PAGE_CHARACTERS - 1)
    assert page(japanese) == "/" + "日" * (MAX_PAGE_CHARACTERS - 1)


@pytest.mark.parametrize(
    ("raw_url", "message"),
    [
        pytest.param("", "neither", id="empty"),
        pytest.param("secret", "neither", id="word"),
        pytest.param("secret/path", "neither", id="relative path"),
        pytest.param("http://", "neither", id="no host"),
        pytest.param("https://[secret/", "neither", id="broken host"),
        pytest.param("https://secret/\ud800", "neither", id="broken text"),
        pytest.param("data:text/html,secret", "scheme", id="data"),
        pytest.param("javascript:secret", "scheme", id="javascript"),
        pytest.param("blob:https://example.org/secret", "scheme", id="blob"),
        pytest.param("file:///secret", "scheme", id="file"),
        pytest.param("ftp://secret/", "scheme", id="ftp"),
        pytest.param("/secret" * 1000, "longer than 4096", id="long"),
    ],
)
def test_bad_url_is_told_without_its_text(raw_url: str, message: str) -> None:
    with pytest.raises(BadUrl, match=f"url: .*{message}") as told:
        page(raw_url)
    assert "secret" not in str(told.value)
    assert told.value.__suppress_context__ or told.value.__context__ is None


def test_host_is_told_without_port() -> None:
    assert read_page("https://Shop.Example.org:8443/a", SITE, PARAMETERS).host == "shop.example.org"
    assert read_page("/a", SiteId("localhost:8000"), PARAMETERS).host == "localhost"


def test_declared_parameters_make_the_campaign() -> None:
    query = "utm_source=News&utm_medium=email&utm_campaign=spring&utm_content=top&utm_term=shoes"
    assert campaign(f"id=7&{query}&token=abc") == Campaign(
        name="spring", source="News", medium="email", content="top", term="shoes"
    )


def test_undeclared_parameter_is_not_read() -> None:
    read = read_page("/?utm_source=a&src=b&utm_term=c", SITE, {Dimension.CAMPAIGN_SOURCE: "src"})
    assert read.campaign == Campaign(source="b")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("summer_sale-2024.v2", "summer_sale-2024.v2", id="plain"),
        pytest.param("Summer+Sale", "Summer Sale", id="plus is a space"),
        pytest.param("a%2Bb", "a+b", id="escaped plus"),
        pytest.param("Fr%C3%BChling", "Frühling", id="umlaut"),
        pytest.param("%E0%A4%B9%E0%A4%BF%E0%A4%A8%E0%A5%8D%E0%A4%A6%E0%A5%80", "हिन्दी", id="marks"),
        pytest.param("<b>x</b>", "bxb", id="markup"),
        pytest.param("a%0Ab%00c", "abc", id="control characters"),
        pytest.param("%FF", "", id="no UTF-8"),
        pytest.param("%", "", id="lone percent"),
        pytest.param("a" * 100, "a" * MAX_CAMPAIGN_CHARACTERS, id="long"),
        pytest.param("a-" * 2000, "", id="very long"),
        pytest.param("john%40mail.example", "", id="e-mail"),
        pytest.param("john@mail.example", "", id="plain e-mail"),
        pytest.param("for+john%40mail.example", "", id="e-mail within"),
        pytest.param("0b0b3c1e-7f1f-4a55-8d51-2f54d1b2a3c4", "", id="UUID"),
        pytest.param("12345678", "", id="number"),
        pytest.param("1234/5678", "", id="number in two parts"),
        pytest.param("1234567", "1234567", id="short number"),
        pytest.param("d41d8cd98f00b204", "", id="hex"),
        pytest.param("dGhpcyBpcyBhIHRva2VuMTIz", "", id="token"),
        pytest.param("192.0.2.77", "", id="address"),
        pytest.param("", "", id="empty"),
    ],
)
def test_campaign_value_keeps_words_and_drops_identifiers(value: str, expected: str) -> None:
    assert campaign(f"utm_campaign={value}").name == expected


def test_first_of_a_repeated_parameter_counts() -> None:
    assert campaign("utm_source=&utm_source=a&utm_source=b").source == "a"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/a" * 2000, id="many segments"),
        pytest.param("/" + "a1-" * 1300, id="one slug"),
        pytest.param("/" + "a1" * 2000, id="one word"),
        pytest.param("/" + "%2f%e2" * 660, id="escapes"),
        pytest.param("/" + "%" * 4000, id="percents"),
        pytest.param("/" + "@a." * 1300, id="e-mail starts"),
        pytest.param("/" + "1.2.3." * 600, id="address starts"),
        pytest.param("/" + "::" * 2000, id="colons"),
        pytest.param("/" * 4000, id="slashes"),
        pytest.param("/x" + "%40" * 1300, id="escaped at signs"),
    ],
)
def test_hostile_path_is_short_in_the_end(path: str) -> None:
    assert len(coarsen_path(path)) <= MAX_PAGE_CHARACTERS


@given(st.text(alphabet="@%.:-_0aAfé2540", max_size=300))
def test_identifier_look_up_returns_its_text_or_a_kind(text: str) -> None:
    word = drop_identifier(text)
    assert word == text or word in {":email", ":address", ":number", ":uuid", ":hex", ":token"}
