"""What holds of every URL, and of every identifier in one."""

import base64
import re
from collections.abc import Callable
from hashlib import sha256
from string import ascii_letters, digits
from urllib.parse import quote, unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from anonymizer.digits import is_date
from anonymizer.hits import Campaign, SiteId
from anonymizer.paths import CUT, MAX_PAGE_CHARACTERS, PathRules
from anonymizer.policy import Dimension
from anonymizer.scrub import scrub, scrub_text
from anonymizer.urls import BadUrl, PageUrl, read_page

SITE = SiteId("example.org")
PARAMETERS = {Dimension.CAMPAIGN: "c", Dimension.CAMPAIGN_TERM: "t"}
RULES = (
    PathRules(),
    PathRules(lower_case=True),
    PathRules(hash_routing=True),
    PathRules(templates=("/a/:id/*", "/:x/b", "/b/12345678/:y")),
    PathRules(lower_case=True, templates=("/A/:id/*",)),
)
# The same that a hurried reader would take for an address, with nothing left escaped.
EMAIL_LIKE = re.compile(r"[^\s/@]@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}", re.IGNORECASE)

ANY_URL = st.one_of(
    st.text(max_size=300),
    st.text(max_size=300).map("/{}".format),
    st.text(alphabet="ab/.-_%@:#?&=+c1290 \\\u212a\u0130é日", max_size=300).map("/{}".format),
    st.text(alphabet="%20456Aa@.bE/-", max_size=200).map("https://example.org/{}".format),
)


def read(raw_url: str, rules: PathRules) -> PageUrl:
    return read_page(raw_url, SITE, rules, PARAMETERS)


@given(ANY_URL, st.sampled_from(RULES))
def test_page_read_again_is_the_same(raw_url: str, rules: PathRules) -> None:
    try:
        once = read(raw_url, rules)
    except BadUrl:
        return
    assert read(raw_url, rules) == once
    # What was cut has fewer segments, which another template may match.
    assume(not (rules.templates and once.page.endswith(CUT)))
    again = read(once.page, rules)
    assert (again.page, again.masks) == (once.page, ())


@given(ANY_URL, st.sampled_from(RULES))
def test_page_is_short_and_printable(raw_url: str, rules: PathRules) -> None:
    try:
        url = read(raw_url, rules)
    except BadUrl:
        return
    assert url.page.startswith("/")
    assert url.page.isprintable()
    assert len(url.page) <= MAX_PAGE_CHARACTERS
    assert len(url.campaign.name) <= 60
    assert url.campaign.name.isprintable()


@given(st.text(max_size=300), st.integers(0, 100))
def test_free_text_read_again_is_the_same(text: str, most: int) -> None:
    once, _ = scrub_text(text, 1000)
    assert scrub_text(once, 1000) == (once, ())
    assert scrub_text(text, most)[0] == once[:most].rstrip()


ESCAPES = st.sampled_from(
    [str, quote, lambda text: quote(quote(text)), lambda t: t.replace("@", "%40")]
)
CONTEXTS = st.sampled_from(
    [
        "/{}",
        "/{}/",
        "/user/{}/edit",
        "/x?c={}",
        "/x?t=for+{}",
        "/x#{}",
        "/{}.html",
        "/to:{};a/b",
        "/a%20{}",
    ]
)


@given(st.emails(), ESCAPES, CONTEXTS, st.sampled_from(RULES))
def test_no_email_is_left(
    email: str, escape: Callable[[str], str], context: str, rules: PathRules
) -> None:
    url = read(context.format(escape(email)), rules)
    for text in (url.page, url.campaign.name, url.campaign.term):
        assert not EMAIL_LIKE.search(unquote(unquote(unquote(text))))
        assert email not in text


# Separators as the masked kinds have them; letters are not written onto a token.
AROUND = st.sampled_from(
    [
        "/{}",
        "/user/{}/edit",
        "/order-{}",
        "/order-{}-thanks",
        "/order_{}.pdf",
        "/a;sid={}",
        "/x%20{}%2Fy",
    ]
)
HEX = "0123456789abcdef"
# Four and more scattered digits, as nearly every hash has them.
HASHES = st.binary(min_size=8, max_size=32).map(lambda b: sha256(b).hexdigest()[: 2 * len(b)])
PHONES = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(["+49", "0", "00 49 ", "(0", "+1-"]),
    st.integers(130, 989),
    st.sampled_from([" ", "-", ") ", "."]),
    st.integers(200, 999),
    st.sampled_from([" ", "-", ".", ""]),
    st.integers(1000, 9999),
)
IDENTIFIERS = {
    "number": st.from_regex(r"[0-9]{8,20}", fullmatch=True).filter(lambda t: not is_date(t)),
    "phone": PHONES,
    "uuid": st.uuids().map(str),
    "hex": HASHES,
    "email": st.emails(domains=st.just("mail.example")),
    "address": st.ip_addresses().map(str).filter(lambda text: text != "::"),
    "jwt": st.binary(min_size=20, max_size=40).map(
        lambda b: (
            "eyJhbGciOiJIUzI1NiJ9." + base64.urlsafe_b64encode(sha256(b).digest()).decode()[:-1]
        )
    ),
}


@pytest.mark.parametrize("kind", IDENTIFIERS)
@given(data=st.data())
def test_no_six_characters_of_an_identifier_are_left(kind: str, data: st.DataObject) -> None:
    token = data.draw(IDENTIFIERS[kind])
    path = data.draw(AROUND).format(quote(token, safe=""))
    for rules in RULES[:2]:
        url = read(f"{path}?c={quote(token)}", rules)
        assert url.masks
        for part in windows(token.lower()):
            assert part not in unquote(url.page).lower()
            assert part not in url.campaign.name.lower()


def test_random_tokens_are_known_by_their_looks() -> None:
    """Of 2,000 tokens each: from 24 characters on 97 % are masked, and those wholly."""
    alphabets = {"base64url": ascii_letters + digits + "-_", "base62": ascii_letters + digits}
    for alphabet in alphabets.values():
        for length in (24, 32, 43):
            tokens = [draw(alphabet, length, seed) for seed in range(2000)]
            left = [token for token in tokens if is_seen(token)]
            assert len(left) <= 60, (len(left), length)


PIECES = st.sampled_from(
    [
        "order",
        "-",
        "_",
        ".",
        "@",
        "+",
        ":",
        "a",
        "Z9",
        "1234",
        "20240517",
        "12345678",
        "mail.example",
        "192.0.2.77",
        "2001:db8::1",
        "d41d8cd98f00b204",
        "x7Kq9ZpL2mWv4RtY",
        "0b0b3c1e-7f1f-4a55-8d51-2f54d1b2a3c4",
    ]
)


@example("0b0b3c1e-7f1f-4a55-8d51-2f54d1b2a3c4-abcdefghij12klmno34x")
@example("12342001:db8::1")
@given(st.lists(PIECES, max_size=9).map("".join))
def test_scrubber_puts_masks_and_nothing_else(text: str) -> None:
    masks: list[str] = []
    kept = re.split(r":(?:email|address|jwt|uuid|hex|token|number)", scrub(text, masks))
    assert len(kept) == len(masks) + 1
    assert re.fullmatch("(?s:.+)".join(map(re.escape, kept)), text)
    again: list[str] = []
    assert scrub(scrub(text, []), again) == scrub(text, [])
    assert again == []


def test_campaign_is_told_alike_by_any_spelling() -> None:
    assert read("/?c=a%2Db", RULES[0]).campaign == Campaign("a-b")


def draw(alphabet: str, length: int, seed: int) -> str:
    number = int.from_bytes(b"".join(sha256(f"{seed}/{n}".encode()).digest() for n in range(3)))
    characters = []
    for _ in range(length):
        number, index = divmod(number, len(alphabet))
        characters.append(alphabet[index])
    return "".join(characters)


def windows(text: str) -> list[str]:
    return [text[start : start + 6] for start in range(len(text) - 5)]


def is_seen(token: str) -> bool:
    out = scrub(token, [])
    return any(part in out for part in windows(token))
