"""Law 1, as properties of the whole of de-identification.

Raw hits made up by hypothesis go in; what must hold of every clean hit is checked. The identifiers
in them are of forms that the masks must know; `tests.laws.test_law1_limits` has the others.
"""

import base64
import string
from ipaddress import IPv4Address, IPv6Address, ip_network
from urllib.parse import quote

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from anonymizer.hits import CleanHit, Door, RawHit
from tests.collector.hits import SITE
from tests.laws.cleaning import OTHER_SALT, POLICY, SALT, clean, pieces_of, told, words

# Forms that the scrubber must know whatever is drawn, with what is written around them.
hexes = st.binary(min_size=16, max_size=32).map(bytes.hex).filter(lambda text: not text.isdigit())
uuids = st.uuids(version=4).map(str)
phones = st.integers(10**11, 10**15).map(str)
emails = st.tuples(
    st.text("jkqvwxyz" + string.digits, min_size=6, max_size=20),  # spells no word that is kept
    st.sampled_from(("mail.example", "post.example.org", "xn--mnchen-3ya.example")),
).map("@".join)
jwts = st.binary(min_size=12, max_size=60).map(
    lambda octets: (
        "eyJhbGciOiJIUzI1NiJ9." + base64.urlsafe_b64encode(octets).decode().rstrip("=") + ".c2ln"
    )
)
addresses = st.one_of(
    st.integers(2**24, 2**32 - 1).map(lambda number: str(IPv4Address(number))),
    st.integers(2**125, 2**126 - 1).map(lambda number: str(IPv6Address(number))),
)
identifiers = st.one_of(hexes, uuids, phones, emails, jwts, addresses)
texts = st.text(min_size=0, max_size=40).filter(lambda text: "\x00" not in text)
slugs = st.sampled_from(("", "de", "shop", "reset-password", "über-uns", "2026"))


def capitals(text: str) -> str:
    """Write in capitals what means the same then."""
    return text if text.startswith("eyJ") else text.upper()


@st.composite
def planted(draw: st.DrawFn) -> tuple[RawHit, list[str]]:
    """Draw a hit and the identifiers in it."""
    address = draw(addresses)
    found = [draw(identifiers) for _ in range(6)]
    in_path, in_query, in_campaign, in_fragment, in_referrer, in_agent = found
    spell = draw(st.sampled_from((str, lambda text: quote(text, safe=""), capitals)))
    raw = RawHit(
        door=Door.EVENT,
        site=SITE,
        time=1_773_140_400,
        raw_address=address,
        raw_agent=f"Mozilla/5.0 ({in_agent}) Gecko/20100101 Firefox/{draw(st.integers(1, 999))}.0",
        raw_url=(
            f"https://example.org/{quote(draw(slugs))}/{spell(in_path)}/{quote(draw(slugs))}"
            f"?id={spell(in_query)}&utm_campaign={quote(in_campaign, safe='')}#{in_fragment}"
        ),
        raw_referrer=f"https://www.example.net/{in_referrer}?q={in_referrer}#{in_referrer}",
        raw_languages=draw(texts),
        raw_time_zone=draw(texts),
        screen_width=draw(st.integers(0, 10_000)),
    )
    return raw, [address, *found]


@settings(max_examples=200)
@given(planted())
def test_no_six_characters_of_an_identifier_are_left(given_hit: tuple[RawHit, list[str]]) -> None:
    raw, (address, *found) = given_hit
    hit = clean(raw)
    left = words(replace(hit, network="")).lower()

    for identifier in found:
        assert not [piece for piece in pieces_of(identifier) if piece in left]
    assert address not in left
    network = ip_network(hit.network)
    assert network.prefixlen == (24 if network.version == 4 else 48)


@settings(max_examples=60)
@given(planted())
def test_same_hit_gives_the_same_under_one_salt(given_hit: tuple[RawHit, list[str]]) -> None:
    raw, _ = given_hit

    assert clean(raw) == clean(raw)


@settings(max_examples=60)
@given(planted())
def test_another_salt_changes_the_visitor_key_and_nothing_else(
    given_hit: tuple[RawHit, list[str]],
) -> None:
    raw, _ = given_hit
    one, other = clean(raw, SALT, OTHER_SALT), clean(raw, OTHER_SALT)

    assert one.visitor != other.visitor
    assert one.visitor_before == other.visitor
    assert told(one) == told(other)


@settings(max_examples=60)
@given(planted(), addresses)
def test_another_address_or_agent_is_another_visitor(
    given_hit: tuple[RawHit, list[str]], address: str
) -> None:
    raw, _ = given_hit
    assume(address != raw.raw_address)

    keys = {
        clean(each).visitor
        for each in (raw, replace(raw, raw_address=address), replace(raw, raw_agent="Firefox"))
    }

    assert len(keys) == 3


def again(raw: RawHit, hit: CleanHit) -> RawHit:
    """Return a hit that tells what is left of one, and nothing else."""
    names = POLICY.campaign_parameters
    values = {
        name: getattr(hit.campaign, dimension.removeprefix("campaign_").replace("campaign", "name"))
        for dimension, name in names.items()
    }
    query = "&".join(f"{name}={quote(value)}" for name, value in values.items() if value)
    return replace(
        raw,
        raw_address=hit.network.partition("/")[0],
        raw_url=f"https://example.org{hit.page}?{query}",
        raw_referrer=f"https://{hit.referrer}/" if hit.referrer else "",
        raw_languages=hit.language,
    )


@settings(max_examples=200)
@given(planted())
def test_what_is_left_of_a_hit_is_left_of_it_again(given_hit: tuple[RawHit, list[str]]) -> None:
    raw, _ = given_hit
    once = clean(raw)
    twice = clean(again(raw, once))

    assert told(replace(twice, masks=())) == told(replace(once, masks=()))


@settings(max_examples=200)
@given(path=texts, query=texts, referrer=texts, agent=texts, address=texts)
@example(path="%2540", query="utm_source=%", referrer="http://[::1", agent="\x7f", address="::%")
def test_text_of_any_kind_passes_or_is_refused_without_being_named(
    path: str, query: str, referrer: str, agent: str, address: str
) -> None:
    raw = RawHit(
        Door.EVENT, SITE, 0, address, agent, f"https://example.org/{path}?{query}", referrer
    )

    hit = clean(raw)

    assert hit.page.startswith("/")
    assert hit.visitor
