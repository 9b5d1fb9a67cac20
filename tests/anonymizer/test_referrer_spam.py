"""Which referrers refuse a hit."""

import pytest

from anonymizer.referrer_spam import SpamReferrers
from anonymizer.referrers import Sources, SpamHosts

SPAM = SpamReferrers(SpamHosts(["spam.example", "seo.test"]), Sources([]))


def test_app_is_read_by_the_sources() -> None:
    sources = Sources([("email", "Mail", "org.example.mail")])
    spam = SpamReferrers(SpamHosts(["org.example.mail"]), sources)
    assert spam.names("android-app://org.example.mail/")
    assert not spam.names("android-app://org.example.chat/")


@pytest.mark.parametrize(
    ("raw_referrer", "spam"),
    [
        pytest.param("https://spam.example/", True, id="listed"),
        pytest.param("http://spam.example/a?b#c", True, id="with path and query"),
        pytest.param("https://www.spam.example", True, id="www"),
        pytest.param("https://shop.spam.example/", True, id="below"),
        pytest.param("https://SPAM.example./", True, id="another spelling"),
        pytest.param("https://notspam.example/", False, id="only ends alike"),
        pytest.param("https://spam.example.org/", False, id="only begins alike"),
        pytest.param("https://blog.test/?about=spam.example", False, id="in a query"),
        pytest.param("https://spam.example@blog.test/", False, id="as a name"),
        pytest.param("spam.example", False, id="no URL"),
        pytest.param("", False, id="none"),
        pytest.param("\ud800", False, id="no text"),
        pytest.param("android-app://spam.example/", False, id="app"),
    ],
)
def test_referrer_is_spam_by_its_host(raw_referrer: str, spam: bool) -> None:
    assert SPAM.names(raw_referrer) is spam
    assert SPAM.names(raw_referrer) is spam  # known by now
