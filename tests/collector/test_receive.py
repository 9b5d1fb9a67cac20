"""Reading requests: whatever comes in, a hit or one clear refusal goes out."""

import json
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anonymizer.hits import Door, RawHit
from collector.receive import (
    MAX_ENGAGED_MS,
    MAX_HITS,
    MAX_NAME_CHARACTERS,
    MAX_URL_CHARACTERS,
    BadRequest,
    receive_events,
    receive_pixel,
)
from collector.sender import Sender, read_sender
from tests.collector.hits import make_policy

SITES = make_policy().sites
SENDER = Sender("192.0.2.7", "agent", "de", "https://example.org/from")
TIME = 1_773_140_400
CANARY = "kanarienvogel"

# Every word that an answer may hold: the fields' names and what is wanted there.
FIELDS = {"body", "query", "tz", "w", "name (n)", "url (u)", "domain (d)", "referrer (r)"}
FIELDS |= {"name", "url", "domain", "referrer"}  # by the key that the client chose
FIELDS |= {"e", "sd", "interactive (i)", "interactive", "child (k)", "version", "purposes"}


def event(**keys: object) -> bytes:
    return json.dumps({"n": "pageview", "u": "/a", "d": "example.org", **keys}).encode()


def receive(body: bytes) -> list[RawHit]:
    return receive_events(body, SENDER, TIME, SITES)


def test_event_becomes_a_raw_hit_with_what_its_sender_said() -> None:
    sender = Sender("192.0.2.7", "agent", "de", dnt=("0",), gpc=("1",), prefetch=("prefetch",))
    body = event(r="https://x.test/?q=1", w=1440, tz="Europe/Berlin")

    assert receive_events(body, sender, TIME, SITES) == [
        RawHit(
            door=Door.EVENT,
            site=next(iter(SITES)),
            time=TIME,
            raw_address="192.0.2.7",
            raw_agent="agent",
            raw_url="/a",
            raw_referrer="https://x.test/?q=1",
            raw_languages="de",
            raw_time_zone="Europe/Berlin",
            screen_width=1440,
            dnt=("0",),
            gpc=("1",),
            prefetch=("prefetch",),
        )
    ]


@pytest.mark.parametrize(
    ("width", "read"),
    [
        pytest.param(1440, 1440, id="whole"),
        pytest.param(393.3, 393, id="fraction"),
        pytest.param(None, 0, id="null"),
        pytest.param(0, 0, id="zero"),
        pytest.param(-5, 0, id="negative"),
        pytest.param(99_999, 99_999, id="widest"),
        pytest.param(100_000, 0, id="too wide"),
        pytest.param(10**30, 0, id="enormous"),
        pytest.param(1e300, 0, id="enormous float"),
    ],
)
def test_width_is_read_or_untold(width: float | None, read: int) -> None:
    assert receive(event(w=width))[0].screen_width == read


@pytest.mark.parametrize(
    "key", [pytest.param("n", id="name"), pytest.param("u", id="url"), pytest.param("d", id="site")]
)
@pytest.mark.parametrize("value", ["", None], ids=["empty", "null"])
def test_what_a_hit_needs_may_not_be_empty(key: str, value: str | None) -> None:
    with pytest.raises(BadRequest) as bad:
        receive(event(**{key: value}))

    assert f"({key})" in bad.value.field


@pytest.mark.parametrize(
    ("field", "longest"),
    [
        pytest.param("n", "x" * MAX_NAME_CHARACTERS, id="name"),
        pytest.param("u", "/" + "x" * (MAX_URL_CHARACTERS - 1), id="url"),
    ],
)
def test_longest_text_is_taken_and_one_character_more_is_not(field: str, longest: str) -> None:
    assert len(receive(event(**{field: longest}))) == 1
    with pytest.raises(BadRequest, match="characters"):
        receive(event(**{field: longest + "x"}))


def test_hundred_hits_are_taken_and_one_more_is_not() -> None:
    assert len(receive(b"[" + b",".join([event()] * MAX_HITS) + b"]")) == MAX_HITS
    with pytest.raises(BadRequest, match="1 to 100"):
        receive(b"[" + b",".join([event()] * (MAX_HITS + 1)) + b"]")


def test_fault_in_an_array_tells_its_place() -> None:
    with pytest.raises(BadRequest) as bad:
        receive(b"[" + event() + b"," + event(r=3) + b"]")

    assert bad.value.field == "[1].referrer (r)"


def test_client_can_say_neither_its_address_nor_its_agent_nor_the_time() -> None:
    body = event(ip="203.0.113.9", address="203.0.113.9", raw_address="203.0.113.9", time=1, ua="x")

    hit = receive(body)[0]

    assert (hit.raw_address, hit.raw_agent, hit.time) == ("192.0.2.7", "agent", TIME)


def test_properties_of_a_page_view_are_never_read() -> None:
    assert CANARY not in repr(receive(event(p={"plan": CANARY}, props={"x": CANARY}, h=CANARY)))


@pytest.mark.parametrize(
    ("keys", "read"),
    [
        pytest.param({"p": {"plan": "pro", "seats": 3}}, {"plan": "pro", "seats": 3}, id="p"),
        pytest.param({"props": {"plan": "pro"}}, {"plan": "pro"}, id="props"),
        pytest.param({"m": {"plan": "pro"}}, {"plan": "pro"}, id="m"),
        pytest.param({"p": '{"plan": "pro"}'}, {"plan": "pro"}, id="JSON text"),
        pytest.param({"p": {"a": True, "b": 1.5}}, {"a": True, "b": 1.5}, id="switch and fraction"),
        pytest.param({"p": {"a": None, "b": [], "c": {}, "d": "x"}}, {"d": "x"}, id="no one value"),
        pytest.param({"p": {"a": 1}, "props": {"b": 1}}, {"a": 1}, id="short form first"),
        pytest.param({}, {}, id="none"),
        pytest.param({"p": None}, {}, id="null"),
        pytest.param({"p": 3}, {}, id="number"),
        pytest.param({"p": ["plan"]}, {}, id="array"),
        pytest.param({"p": "plan"}, {}, id="text that is no JSON"),
        pytest.param({"p": '"plan"'}, {}, id="JSON text of text"),
    ],
)
def test_properties_of_an_event_are_read(keys: dict[str, object], read: object) -> None:
    (hit,) = receive(event(n="signup", **keys))

    assert dict(hit.raw_properties) == read


def test_thirty_properties_are_looked_at_and_no_more() -> None:
    many = {f"p{n}": n for n in range(40)}

    assert receive(event(n="signup", p=many))[0].raw_properties == tuple(many.items())[:30]


@pytest.mark.parametrize(
    ("keys", "engaged", "depth"),
    [
        pytest.param({"e": 1_500, "sd": 40}, 1_500, 40, id="both"),
        pytest.param({"e": 1_500.7}, 1_500, None, id="fraction, and no depth"),
        pytest.param({"e": 10**30, "sd": 100}, MAX_ENGAGED_MS, 100, id="enormous"),
        pytest.param({"e": -5, "sd": -1}, 0, None, id="negative"),
        pytest.param({"e": None, "sd": None}, 0, None, id="null, as JSON writes no number"),
        pytest.param({"sd": 255}, 0, None, id="Plausible's word for none"),
        pytest.param({"sd": 0, "p": {"depth": CANARY}}, 0, 0, id="properties of the view"),
        pytest.param({}, 0, None, id="nothing"),
    ],
)
def test_engagement_tells_time_and_depth(
    keys: dict[str, object], engaged: int, depth: float | None
) -> None:
    (hit,) = receive(event(n="engagement", **keys))

    assert hit.engaged_ms == engaged
    assert hit.raw_properties == (() if depth is None else (("depth", depth),))


def test_no_other_event_tells_time_and_depth() -> None:
    for name in ("pageview", "signup"):
        (hit,) = receive(event(n=name, e=5_000, sd=90))
        assert (hit.engaged_ms, hit.raw_properties) == (0, ())


@pytest.mark.parametrize(
    ("keys", "interactive"),
    [
        pytest.param({}, True, id="untold"),
        pytest.param({"i": False}, False, id="i"),
        pytest.param({"interactive": False}, False, id="long name"),
        pytest.param({"i": 0}, False, id="zero"),
        pytest.param({"i": True}, True, id="true"),
        pytest.param({"i": True, "interactive": False}, False, id="the two disagree"),
        pytest.param({"i": None}, True, id="null"),
    ],
)
def test_event_tells_whether_anybody_did_it(keys: dict[str, object], interactive: bool) -> None:
    assert receive(event(n="signup", **keys))[0].interactive is interactive
    assert receive(event(**keys))[0].interactive  # a page view is always the visitor's


@pytest.mark.parametrize("key", ["k", "child"])
@pytest.mark.parametrize(
    ("value", "child"),
    [
        *((value, True) for value in (True, 1, "", "1", "true", "yes", "no", "False")),
        *((value, False) for value in (False, 0, "0", "false", None)),
    ],
    ids=repr,
)
def test_page_says_that_it_is_for_a_child(key: str, value: object, child: bool) -> None:
    assert receive(event(**{key: value}))[0].child is child


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        pytest.param({"e": "12"}, "e", id="time as text"),
        pytest.param({"sd": True}, "sd", id="depth as a switch"),
        pytest.param({"sd": [CANARY]}, "sd", id="depth as an array"),
        pytest.param({"i": CANARY}, "interactive (i)", id="interactive as text"),
        pytest.param({"k": [CANARY]}, "child (k)", id="child as an array"),
        pytest.param({"purposes": {CANARY: 1}}, "purposes", id="purposes as an object"),
        pytest.param({"purposes": [3]}, "purposes", id="purpose as a number"),
        pytest.param({"version": [CANARY], "purposes": "a"}, "version", id="version as an array"),
    ],
)
def test_key_of_a_wrong_type_is_named(keys: dict[str, object], field: str) -> None:
    with pytest.raises(BadRequest) as bad:
        receive(event(n="engagement", **keys))

    refusal(bad.value)
    assert bad.value.field == field


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            '{"n":"engagement","sd":63,"d":"example.org","u":"https://example.org/a","p":{"a":"b"},'
            '"e":4180,"v":36,"h":1}',
            id="@plausible-analytics/tracker, engagement",
        ),
        pytest.param(
            '{"n":"Signup","v":36,"u":"https://example.org/a","d":"example.org","r":null,'
            '"p":{"plan":"pro"},"i":false,"$":{"currency":"EUR","amount":3},"h":1}',
            id="@plausible-analytics/tracker, event",
        ),
        pytest.param(
            '{"n":"Signup","u":"https://example.org/a","d":"example.org","r":"","w":1440,"h":0,'
            '"p":"{\\"plan\\":\\"pro\\"}"}',
            id="plausible-tracker",
        ),
    ],
)
def test_hit_of_a_plausible_tracker_is_read(body: str) -> None:
    (hit,) = receive(body.encode())

    if hit.name == "engagement":
        assert (hit.engaged_ms, hit.raw_properties) == (4_180, (("depth", 63),))
    else:
        assert hit.raw_properties == (("plan", "pro"),)
        assert hit.interactive is ('"i":false' not in body)


@pytest.mark.parametrize("depth", [100, 900, 100_000])
def test_deep_properties_are_none(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    body = event(n="signup", p="HERE").replace(b'"HERE"', nested.encode())
    within = event(n="signup", p=f'{{"a": {nested}, "b": 1}}')

    for each in (body, within):
        try:
            (hit,) = receive(each)
        except BadRequest as bad:
            refusal(bad)
        else:
            assert hit.raw_properties in ((), (("b", 1),))


@pytest.mark.parametrize(
    "name", [b"cookie", b"authorization", b"x-forwarded-for", b"forwarded", b"sec-ch-ua", b"etag"]
)
def test_header_that_no_stage_needs_is_not_looked_at(name: bytes) -> None:
    assert read_sender([(name, CANARY.encode())], "192.0.2.7") == Sender("192.0.2.7")


def test_every_line_of_a_signal_is_kept_in_order() -> None:
    sender = read_sender(
        [
            (b"dnt", b"0"),
            (b"sec-gpc", b"0"),
            (b"dnt", b"1"),
            (b"sec-gpc", b"1"),
            (b"purpose", b"preview"),
            (b"x-moz", b"prefetch"),
            (b"sec-purpose", b"prefetch"),
        ],
        "192.0.2.7",
    )

    assert sender.dnt == ("0", "1")
    assert sender.gpc == ("0", "1")
    assert sender.prefetch == ("preview", "prefetch", "prefetch")


def test_long_headers_are_cut() -> None:
    sender = read_sender(
        [(b"user-agent", b"\xe4" * 100_000), (b"accept-language", b"d" * 100_000)], "192.0.2.7"
    )

    assert len(sender.raw_agent) == 1_000
    assert len(sender.raw_languages) == 200


@pytest.mark.parametrize(
    ("query", "page"),
    [
        pytest.param("d=example.org&u=/a", "/a", id="path"),
        pytest.param("d=example.org&u=%2Fa%3Fx%3D1", "/a?x=1", id="percent forms"),
        pytest.param("domain=example.org&url=/a", "/a", id="long names"),
        pytest.param("d=EXAMPLE.org&u=/a&u=/b", "/a", id="first of two"),
        pytest.param("d=example.org", "https://example.org/from", id="Referer header"),
        pytest.param("d=example.org&u=", "https://example.org/from", id="empty page"),
    ],
)
def test_pixel_tells_its_page(query: str, page: str) -> None:
    hit = receive_pixel(query.encode(), SENDER, TIME, SITES)

    assert (hit.door, hit.site, hit.raw_url) == (Door.PIXEL, "example.org", page)


def test_pixel_with_too_many_parameters_is_refused() -> None:
    with pytest.raises(BadRequest, match="50 parameters"):
        receive_pixel(b"&".join([b"u=/a"] * 51), SENDER, TIME, SITES)


# The hypothesis tests

TEXT = st.text(max_size=50) | st.just(CANARY)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        *("n", "u", "d", "r", "w", "tz", "name", "url", "domain", "referrer", "p"),
        *("e", "sd", "i", "interactive", "k", "version", "purposes"),
    ]
)
EVENT = st.dictionaries(KEYS | TEXT, VALUE, max_size=8)


def refusal(bad: BadRequest) -> None:
    """Hold a refusal to what it may say: a known field, a place, and what is wanted there."""
    assert bad.status == 400
    place, _, field = bad.field.rpartition("].")
    assert field in FIELDS
    assert not place or place[1:].isdigit() or place == "[..."
    assert str(bad) == f"{bad.field}: {bad.wanted}"
    assert CANARY not in str(bad)
    assert bad.__cause__ is None
    assert bad.__suppress_context__ or bad.__context__ is None


@given(st.binary(max_size=300))
@example(b"")
@example(b" \n[")
@example(b'{"n":"\\ud800","u":"/","d":"example.org"}')
@example(b'{"n":1e400}')
@example(b'{"w":' + b"9" * 5_000 + b"}")
@example(b"[" * 20_000)
@example(b'{"n":' * 20_000)
@example(b'{"p":' * 20_000)
@example(b'{"p":' + b"[" * 20_000)
@example(b"\xef\xbb\xbf{}")
def test_arbitrary_bytes_are_hits_or_one_refusal(body: bytes) -> None:
    try:
        hits = receive(body)
    except BadRequest as bad:
        refusal(bad)
    else:
        assert all(isinstance(hit, RawHit) for hit in hits)


@given(st.one_of(EVENT, st.lists(EVENT, max_size=4), VALUE))
def test_arbitrary_json_is_hits_or_one_refusal_that_echoes_nothing(value: object) -> None:
    try:
        receive(json.dumps(value).encode())
    except BadRequest as bad:
        refusal(bad)


@given(VALUE, st.sampled_from(["p", "props", "m"]), st.booleans())
def test_arbitrary_properties_are_a_hit_with_scalars(
    value: object, key: str, as_text: bool
) -> None:
    written = json.dumps(value) if as_text else value
    try:
        (hit,) = receive(event(n="signup", **{key: written}))
    except BadRequest as bad:
        refusal(bad)
    else:
        given_ = value if isinstance(value, dict) else {}
        assert {name for name, _ in hit.raw_properties} <= given_.keys()
        assert all(isinstance(each, str | int | float) for _, each in hit.raw_properties)


@given(
    st.lists(st.tuples(KEYS | TEXT, TEXT), max_size=6).map(
        lambda pairs: "&".join(f"{quote(key, safe='')}={quote(text)}" for key, text in pairs)
    )
    | st.text(st.characters(codec="latin-1"), max_size=100)
)
@example("d=%ff")
@example("d=example.org&u=%00")
@example("&;=%")
def test_arbitrary_queries_are_a_hit_or_one_refusal(query: str) -> None:
    try:
        receive_pixel(query.encode("latin-1"), SENDER, TIME, SITES)
    except BadRequest as bad:
        refusal(bad)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"user-agent", b"dnt", b"sec-gpc", b"referer", b"accept-language"])
            | st.binary(max_size=10),
            st.binary(max_size=1_500),
        ),
        max_size=8,
    ),
    st.text(max_size=60),
)
def test_arbitrary_headers_are_read(headers: list[tuple[bytes, bytes]], address: str) -> None:
    sender = read_sender(headers, address)

    assert len(sender.dnt) == sum(name == b"dnt" for name, _ in headers)
    assert len(sender.gpc) == sum(name == b"sec-gpc" for name, _ in headers)
