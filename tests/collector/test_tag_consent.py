"""What the tag makes of the opt-out cookie and of consent, in Chromium; no banner is involved."""

import pytest
from playwright.sync_api import BrowserContext
from starlette.responses import HTMLResponse

from tests.collector.tag_site import TagSite, Visitor, document, tag_with

WAITING = tag_with("data-consent")
OWN_KEYS = {"n", "u", "d", "r", "w", "tz", "e", "sd"}


def consent_in(hit: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in hit.items() if key not in OWN_KEYS}


@pytest.fixture
def waiting(visitor: Visitor, site: TagSite) -> Visitor:
    """Give a visitor to /a?q=1, whose tag waits for consent."""
    site.pages["/a"] = HTMLResponse(document(WAITING))
    visitor.goes("/a?q=1")
    return visitor


@pytest.mark.parametrize(
    ("cookie", "views"),
    [
        pytest.param("discreet_opt_out=1", 0, id="set"),
        pytest.param("discreet_opt_out=0", 0, id="any value"),
        pytest.param("discreet_opt_out=", 0, id="no value"),
        pytest.param("discreet_opt_out", 0, id="bare name"),
        pytest.param("discreet_opt_outX=1", 2, id="longer name"),
        pytest.param("my_discreet_opt_out=1", 2, id="name with a beginning"),
        pytest.param("seen=discreet_opt_out", 2, id="as a value"),
        pytest.param("seen=a discreet_opt_out=1", 2, id="within a value"),
        pytest.param("Discreet_Opt_Out=1", 2, id="other case"),
    ],
)
@pytest.mark.parametrize("other", ["", "a=1"], ids=["alone", "after another"])
def test_opt_out_cookie_keeps_the_tag_silent(
    visitor: Visitor, context: BrowserContext, cookie: str, views: int, other: str
) -> None:
    set_both = "".join(f"document.cookie = '{one}';" for one in (other, cookie) if one)
    context.add_init_script(set_both)
    visitor.goes("/a")
    visitor.does("history.pushState(0, '', '/b')")

    assert len(visitor.views()) == views
    assert bool(visitor.hits()) is bool(views)


def test_cookie_set_between_two_views_silences_the_second(visitor: Visitor) -> None:
    visitor.goes("/a")
    visitor.does("document.cookie = 'discreet_opt_out=1'; history.pushState(0, '', '/b')")
    visitor.does("document.cookie = 'discreet_opt_out=1; Max-Age=0'")
    visitor.does("history.pushState(0, '', '/c')")

    assert visitor.paths() == ["/a", "/c"]


PERMISSIONS = [
    pytest.param(
        "{version: '3', purposes: ['audience', 'campaigns']}",
        {"version": "3", "purposes": ["audience", "campaigns"]},
        id="own",
    ),
    pytest.param(
        "{analytics_storage: 'granted'}", {"analytics_storage": "granted"}, id="consent mode"
    ),
    pytest.param(
        "{gdpr: 1, gdpr_consent: 'CQ.IA.YA'}", {"gdpr": 1, "gdpr_consent": "CQ.IA.YA"}, id="tcf"
    ),
    pytest.param("{gdpr: 0}", {"gdpr": 0}, id="tcf, where GDPR does not apply"),
    pytest.param("{gpp: 'DBABLA~B'}", {"gpp": "DBABLA~B"}, id="gpp"),
    pytest.param(
        "{analytics_storage: 'granted', d: 'example.net', u: 'https://evil.example/', n: 'x'}",
        {"analytics_storage": "granted"},
        id="with keys that are none of consent",
    ),
]
REFUSALS = [
    pytest.param("false", id="false"),
    pytest.param("{version: '3', purposes: []}", id="no purpose"),
    pytest.param("{version: '3'}", id="purposes untold"),
    pytest.param("{analytics_storage: 'denied'}", id="consent mode denied"),
    pytest.param("{analytics_storage: ''}", id="consent mode empty"),
    pytest.param("{ad_storage: 'granted'}", id="consent mode for ads alone"),
    pytest.param("{gdpr: 1}", id="tcf without a string"),
    pytest.param("{gdpr: 1, gdpr_consent: ''}", id="tcf with an empty string"),
    pytest.param("{gpp: ''}", id="empty gpp"),
    pytest.param("{}", id="empty"),
    pytest.param("true", id="true"),
    pytest.param("'granted'", id="text"),
    pytest.param("1", id="number"),
]


@pytest.mark.parametrize(("state", "keys"), PERMISSIONS)
def test_permission_sends_what_waited_with_its_state(
    waiting: Visitor, state: str, keys: dict[str, object]
) -> None:
    waiting.does("history.pushState(0, '', '/b')")
    assert waiting.paths() == []

    waiting.does(f"discreet.consent({state})")
    waiting.does("history.pushState(0, '', '/c')")
    assert waiting.paths() == ["/a?q=1", "/b", "/c"]
    assert all(consent_in(hit) == keys for hit in waiting.hits())
    assert waiting.noise == []


@pytest.mark.parametrize("state", REFUSALS)
def test_refusal_drops_what_waited_and_what_comes(waiting: Visitor, state: str) -> None:
    waiting.does(f"discreet.consent({state})")
    waiting.does("history.pushState(0, '', '/b')")
    assert waiting.paths() == []

    waiting.does("discreet.consent({analytics_storage: 'granted'})")
    waiting.does("history.pushState(0, '', '/c')")
    assert waiting.paths() == ["/c"]
    assert waiting.noise == []


@pytest.mark.parametrize("state", ["", "undefined", "null"])
def test_undecided_is_no_permission_and_no_refusal(waiting: Visitor, state: str) -> None:
    waiting.does(f"discreet.consent({state})")
    assert waiting.paths() == []

    waiting.does("discreet.consent({analytics_storage: 'granted'})")
    assert waiting.paths() == ["/a?q=1"]


def test_withdrawn_permission_silences_the_next_view(waiting: Visitor) -> None:
    waiting.does("discreet.consent({analytics_storage: 'granted'})")
    waiting.does("discreet.consent(false); history.pushState(0, '', '/b')")

    assert waiting.paths() == ["/a?q=1"]


@pytest.mark.parametrize(
    "refusal",
    [
        "window.doNotTrack = '1'",
        "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})",
        "document.cookie = 'discreet_opt_out=1'",
    ],
    ids=["DNT", "GPC", "cookie"],
)
def test_refusal_of_the_browser_beats_a_permission(waiting: Visitor, refusal: str) -> None:
    waiting.does(refusal)
    waiting.does("discreet.consent({analytics_storage: 'granted'})")
    assert waiting.paths() == []

    waiting.does("document.cookie = 'discreet_opt_out=1; Max-Age=0'; window.doNotTrack = '0'")
    waiting.does("discreet.consent({analytics_storage: 'granted'})")
    assert waiting.paths() == []


def test_refusal_of_the_browser_drops_what_waits_also_while_undecided(waiting: Visitor) -> None:
    waiting.does("window.doNotTrack = '1'; discreet.consent(null)")
    waiting.does("window.doNotTrack = '0'; discreet.consent({analytics_storage: 'granted'})")

    assert waiting.paths() == []


def test_tag_that_does_not_wait_sends_at_once_and_then_with_the_state(visitor: Visitor) -> None:
    visitor.goes("/a")
    visitor.does("discreet.consent({version: '3', purposes: ['audience']})")
    visitor.does("history.pushState(0, '', '/b')")
    visitor.does("discreet.consent(false); history.pushState(0, '', '/c')")

    assert visitor.paths() == ["/a", "/b"]
    told = {"version": "3", "purposes": ["audience"]}
    assert [consent_in(hit) for hit in visitor.views()] == [{}, told]


def test_tag_that_does_not_wait_waits_once_it_is_told_undecided(visitor: Visitor) -> None:
    visitor.goes("/a")
    visitor.does("discreet.consent(null); history.pushState(0, '', '/b')")
    assert visitor.paths() == ["/a"]

    visitor.does("discreet.consent({analytics_storage: 'granted'})")
    assert visitor.paths() == ["/a", "/b"]


@pytest.mark.parametrize(
    ("told", "views"),
    [("false", 0), ("null", 0), ("{version: '3', purposes: ['audience']}", 1)],
    ids=["refused", "undecided", "permitted"],
)
@pytest.mark.parametrize(
    "stub",
    ["{}", "(...call) => (discreet.q ||= []).push(call)"],
    ids=["as an object", "as a function"],
)
def test_state_may_be_told_before_the_tag_is_there(
    visitor: Visitor, context: BrowserContext, told: str, views: int, stub: str
) -> None:
    context.add_init_script(f"window.discreet = {stub}; discreet.told = {told}")
    visitor.goes("/a")

    assert len(visitor.hits()) == views


def test_two_sites_on_a_page_hear_the_same_answer(visitor: Visitor, site: TagSite) -> None:
    tags = WAITING + WAITING.replace("example.org", "example.net")
    site.pages["/a"] = HTMLResponse(document(tags))
    visitor.goes("/a")
    visitor.does("discreet.consent({version: '3', purposes: ['audience']})")

    assert sorted(str(hit["d"]) for hit in visitor.hits()) == ["example.net", "example.org"]
    assert [hit["purposes"] for hit in visitor.hits()] == [["audience"]] * 2


def test_page_for_children_says_so(visitor: Visitor, site: TagSite) -> None:
    site.pages["/kids"] = HTMLResponse(document(tag_with("data-child")))
    visitor.goes("/kids")
    visitor.goes("/a")

    assert [hit.get("k") for hit in visitor.views()] == ["", None]
