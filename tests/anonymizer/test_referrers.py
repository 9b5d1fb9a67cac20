from importlib.resources import files

import pytest

from anonymizer.hits import DIRECT, Campaign
from anonymizer.referrers import (
    ADDRESS_HOST,
    APP_HOST,
    Sources,
    SpamHosts,
    drop_www,
    read_referrer,
    traffic_source,
)
from collector.reference import load_spam_hosts

OWN = ("example.org", "shop.example.org")


@pytest.fixture(scope="module")
def sources() -> Sources:
    table = files("anonymizer") / "data" / "sources.tsv"
    return Sources.from_tsv(table.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("host", "source"),
    [
        pytest.param("google.com", ("Google", "search"), id="host"),
        pytest.param("google.de", ("Google", "search"), id="country ending"),
        pytest.param("google.co.uk", ("Google", "search"), id="two-label ending"),
        pytest.param("images.google.com.br", ("Google Images", "search"), id="longer stem"),
        pytest.param("google.example", ("google.example", "referral"), id="unlisted ending"),
        pytest.param(
            "google.com.evil.example", ("google.com.evil.example", "referral"), id="prefix only"
        ),
        pytest.param(
            "google.evil.example", ("google.evil.example", "referral"), id="unlisted two labels"
        ),
        pytest.param("notgoogle.com", ("notgoogle.com", "referral"), id="longer name"),
        pytest.param("docs.google.com", ("docs.google.com", "referral"), id="not a search"),
        pytest.param("mail.google.com", ("Gmail", "email"), id="webmail"),
        pytest.param("eu-west.mail.yahoo.com", ("Yahoo Mail", "email"), id="below webmail"),
        pytest.param("mail.yandex.com.tr", ("Yandex Mail", "email"), id="webmail by country"),
        pytest.param("outlook.live.com", ("Outlook", "email"), id="webmail of a portal"),
        pytest.param("mail.example", ("mail.example", "referral"), id="mail look-alike"),
        pytest.param("bing.com", ("Bing", "search"), id="bing"),
        pytest.param("cn.bing.com", ("Bing", "search"), id="below a search engine"),
        pytest.param("duckduckgo.com", ("DuckDuckGo", "search"), id="duckduckgo"),
        pytest.param("chatgpt.com", ("ChatGPT", "ai"), id="assistant"),
        pytest.param("gemini.google.com", ("Gemini", "ai"), id="assistant of a search engine"),
        pytest.param("claude.ai", ("Claude", "ai"), id="claude"),
        pytest.param("m365.cloud.microsoft", ("Copilot", "ai"), id="copilot at work"),
        pytest.param("poe.com", ("Poe", "ai"), id="assistant in no list"),
        pytest.param("notpoe.com", ("notpoe.com", "referral"), id="assistant look-alike"),
        pytest.param("perplexity.ai", ("Perplexity", "ai"), id="assistant listed as search too"),
        pytest.param("lm.facebook.com", ("Facebook", "social"), id="below a network"),
        pytest.param("notfacebook.com", ("notfacebook.com", "referral"), id="network look-alike"),
        pytest.param("t.co", ("Twitter", "social"), id="shortener"),
        pytest.param("cnn.com", ("cnn.com", "referral"), id="portal with a search"),
        pytest.param("blog.example", ("blog.example", "referral"), id="unknown"),
    ],
)
def test_host_tells_source(sources: Sources, host: str, source: tuple[str, str]) -> None:
    assert sources.source_of(host) == source
    assert sources.source_of(host) == source


def test_look_up_remembers_a_bounded_number_of_hosts() -> None:
    table = Sources([("social", "Net", ".net.example")])
    for number in range(10_000):
        table.source_of(f"h{number}.example")
    info = table._find_cached.cache_info()
    assert info.maxsize is not None
    assert info.currsize <= info.maxsize < 10_000


def test_table_with_a_missing_column_names_its_line() -> None:
    with pytest.raises(ValueError, match="sources: line 2 has not three columns"):
        Sources.from_tsv("search\tGoogle\tgoogle.com\nsearch\tGoogle")


@pytest.mark.parametrize(
    ("raw_referrer", "host"),
    [
        pytest.param("", "", id="none"),
        pytest.param("https://www.google.com/search?q=secret", "google.com", id="without www"),
        pytest.param("https://blog.example/john@mail.example", "blog.example", id="path gone"),
        pytest.param("http://u:p@blog.example:8080/#f", "blog.example", id="userinfo, port gone"),
        pytest.param("https://BLOG.Example./", "blog.example", id="case and root dot"),
        pytest.param("https://example.org/a", "", id="own site"),
        pytest.param("https://www.example.org/a", "", id="own site with www"),
        pytest.param("http://example.org:8000/a", "", id="own site with port"),
        pytest.param("https://shop.example.org/a", "", id="host of the page"),
        pytest.param("https://blog.example.org/a", "blog.example.org", id="sister site"),
        pytest.param("https://example.org.evil.example/", "example.org.evil.example", id="suffix"),
        pytest.param("https://notexample.org/", "notexample.org", id="longer name"),
        pytest.param("http://192.0.2.7/x", ADDRESS_HOST, id="v4 address"),
        pytest.param("http://0xc0000207/x", ADDRESS_HOST, id="v4 address as a number"),
        pytest.param("http://[2001:db8::7]:80/x", ADDRESS_HOST, id="v6 address"),
        pytest.param(
            "android-app://com.google.android.gm/", "com.google.android.gm", id="listed app"
        ),
        pytest.param(
            "android-app://com.google.android.gm", "com.google.android.gm", id="without a path"
        ),
        pytest.param(
            "android-app://com.google.android.gm/https/x", "com.google.android.gm", id="with one"
        ),
        pytest.param("android-app://com.google.android.apps.x/", "google.com", id="Google's app"),
        pytest.param("android-app://org.example.private/https/h", APP_HOST, id="unlisted app"),
        pytest.param("data:text/html,john", "", id="data"),
        pytest.param("file:///home/john/x.html", "", id="file"),
        pytest.param("not a url", "", id="text"),
        pytest.param("\ud800", "", id="broken text"),
        pytest.param("https://blog.example/" + "x" * 20_000, "blog.example", id="long"),
        pytest.param("https://" + "x." * 1000 + "example/", "", id="long host"),
        pytest.param("https://" + "x." * 123 + "example/", "x." * 123 + "example", id="longest"),
        pytest.param("https://" + "x." * 123 + "examples/", "", id="longer by a letter"),
    ],
)
def test_referrer_is_cut_to_its_host(sources: Sources, raw_referrer: str, host: str) -> None:
    assert read_referrer(raw_referrer, OWN, sources) == host


def test_site_with_www_knows_itself_without(sources: Sources) -> None:
    assert read_referrer("https://example.org/", ("www.example.org",), sources) == ""


@pytest.mark.parametrize(
    ("host", "campaign", "expected"),
    [
        pytest.param("", Campaign(), (DIRECT, "direct"), id="nothing"),
        pytest.param("", Campaign(source="news"), ("news", "campaign"), id="campaign"),
        pytest.param("", Campaign(source="news", medium="Email"), ("news", "email"), id="mail"),
        pytest.param("", Campaign(source="news", medium="e-mail"), ("news", "email"), id="e-mail"),
        pytest.param("", Campaign(source="ads", medium="cpc"), ("ads", "paid"), id="cpc"),
        pytest.param(
            "", Campaign(source="ads", medium="paid-social"), ("ads", "paid"), id="paid social"
        ),
        pytest.param("", Campaign(source="fb", medium="social"), ("fb", "social"), id="social"),
        pytest.param("", Campaign(source="x", medium="banner"), ("x", "campaign"), id="other"),
        pytest.param("", Campaign(medium="cpc"), (DIRECT, "paid"), id="medium alone"),
        pytest.param("", Campaign(medium="email"), (DIRECT, "email"), id="e-mail alone"),
        pytest.param("", Campaign(medium="banner"), (DIRECT, "direct"), id="other medium alone"),
        pytest.param("google.com", Campaign(), ("Google", "search"), id="known"),
        pytest.param(
            "google.com", Campaign(source="ads", medium="ppc"), ("Google", "paid"), id="known, paid"
        ),
        pytest.param(
            "google.com", Campaign(source="x", medium="organic"), ("Google", "search"), id="organic"
        ),
        pytest.param(
            "t.co", Campaign(source="n", medium="email"), ("Twitter", "email"), id="known, mail"
        ),
        pytest.param("blog.example", Campaign(), ("blog.example", "referral"), id="unknown"),
        pytest.param(ADDRESS_HOST, Campaign(), (ADDRESS_HOST, "referral"), id="address"),
        pytest.param(APP_HOST, Campaign(), (APP_HOST, "referral"), id="app"),
    ],
)
def test_referrer_and_campaign_tell_source_and_channel(
    sources: Sources, host: str, campaign: Campaign, expected: tuple[str, str]
) -> None:
    assert traffic_source(host, campaign, sources) == expected


@pytest.mark.parametrize(
    ("host", "campaign", "source"),
    [
        pytest.param("google.com", Campaign(), "Google", id="search"),
        pytest.param("lm.facebook.com", Campaign(), "Facebook", id="social"),
        pytest.param("blog.example", Campaign(), "blog.example", id="unknown"),
        pytest.param("", Campaign(source="news", medium="email"), "news", id="campaign"),
        pytest.param("", Campaign(), DIRECT, id="no referrer"),
    ],
)
def test_click_id_makes_the_channel_paid_and_keeps_the_source(
    sources: Sources, host: str, campaign: Campaign, source: str
) -> None:
    assert traffic_source(host, campaign, sources, paid_click=True) == (source, "paid")
    assert traffic_source(host, campaign, sources)[0] == source
    assert traffic_source(host, campaign, sources)[1] != "paid"


@pytest.fixture(scope="module")
def spam() -> SpamHosts:
    return load_spam_hosts()


@pytest.mark.parametrize(
    ("host", "is_spam"),
    [
        pytest.param("semalt.com", True, id="listed"),
        pytest.param("a.b.semalt.com", True, id="below"),
        pytest.param("notsemalt.com", False, id="longer name"),
        pytest.param("semalt.com.example", False, id="prefix"),
        pytest.param("semalt.example", False, id="other ending"),
        pytest.param("qiwi.xyz", True, id="listed in upper case"),
        pytest.param("com", False, id="ending alone"),
        pytest.param("", False, id="none"),
        pytest.param(ADDRESS_HOST, False, id="address"),
        pytest.param(APP_HOST, False, id="app"),
    ],
)
def test_spam_is_a_listed_host_or_one_below_it(spam: SpamHosts, host: str, is_spam: bool) -> None:
    assert spam.is_spam(host) is is_spam


def test_spam_list_is_whole_and_names_no_known_source(spam: SpamHosts) -> None:
    text = (files("anonymizer") / "data" / "spam_hosts.txt").read_text("utf-8")
    assert "matomo-org/referrer-spam-list (public domain)" in text
    assert len(spam) > 2000
    table = (files("anonymizer") / "data" / "sources.tsv").read_text("utf-8")
    hosts = [line.split("\t")[2].strip(".*") for line in table.splitlines() if line[0] != "#"]
    assert [host for host in hosts if spam.is_spam(host)] == []


def test_spam_list_takes_comments_and_empty_lines() -> None:
    spam = SpamHosts.from_text("# c\n\nspam.example\n")
    assert len(spam) == 1
    assert spam.is_spam("spam.example")
    assert not spam.is_spam("# c")


def test_every_channel_of_the_list_is_one_of_four() -> None:
    table = (files("anonymizer") / "data" / "sources.tsv").read_text("utf-8")
    channels = {line.split("\t")[0] for line in table.splitlines() if line[0] != "#"}
    assert channels == {"ai", "email", "search", "social"}


def test_www_is_dropped_only_as_a_label() -> None:
    assert drop_www("www.example.org") == "example.org"
    assert drop_www("www2.example.org") == "www2.example.org"
    assert drop_www("wwwexample.org") == "wwwexample.org"


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://198-51-100-7.dyn.isp.example/", "dyn.isp.example"),
        ("https://0f3c9a77d1b24e5586aa90bc3d7e1f42.frame.example/", "frame.example"),
        ("https://a.0f3c9a77d1b24e5586aa90bc3d7e1f42.frame.example/", "frame.example"),
        ("https://news24.example/", "news24.example"),
        ("https://blog2024.writers.example/", "blog2024.writers.example"),
        ("https://d111111abcdef8.cdn.example/", "d111111abcdef8.cdn.example"),
        ("https://0f3c9a77d1b24e5586aa90bc3d7e1f42.example/", None),
    ],
)
def test_label_that_looks_like_an_identifier_is_left_out(referrer: str, host: str | None) -> None:
    told = referrer.removeprefix("https://").rstrip("/") if host is None else host

    assert read_referrer(referrer, ("example.org",), Sources([])) == told
