"""The visitor's refusals before a real collector: the switch, native DNT and GPC, no JavaScript."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.collector.consent_site import (
    ASKING,
    CONSENT,
    CONSENT_SCRIPT,
    OPT_OUT_SCRIPT,
    SITE,
    STATS,
    TAG,
    Collector,
    Pages,
    Person,
    document,
    for_site,
)
from tests.running import FIREFOX

SWITCH = "<div data-discreet-opt-out></div>"
FREE = "http://free.example.org"
FREE_TAG = for_site("free.example.org", TAG)
FREE_SWITCH = document(FREE_TAG + for_site("free.example.org", OPT_OUT_SCRIPT), SWITCH)
NOSCRIPT = (
    f'<noscript><img src="{STATS}/pixel.gif?d=free.example.org" alt="" '
    'referrerpolicy="no-referrer-when-downgrade"></noscript>'
)

Start = Callable[..., Person]


@pytest.fixture
def start(driver: Playwright, named_command: list[str], tmp_path: Path) -> Iterator[Start]:
    """Give a way to start a browser whose settings are those of a person."""
    executable, *flags = named_command
    with ExitStack() as stack:

        def start(*, dnt: bool = False, gpc: bool = False, javascript: bool = True) -> Person:
            preferences = tmp_path / "Default" / "Preferences"
            preferences.parent.mkdir()
            preferences.write_text(json.dumps({"enable_do_not_track": dnt}))
            context = driver.chromium.launch_persistent_context(
                tmp_path,
                executable_path=executable,
                args=[*flags, *(["--enable-features=GlobalPrivacyControlForce"] if gpc else [])],
                user_agent=FIREFOX,
                java_script_enabled=javascript,
            )
            stack.callback(context.close)
            return Person(context)

        yield start


def test_switch_turns_counting_off_and_on(
    person: Person, pages: Pages, collector: Collector
) -> None:
    pages.at["/switch"] = FREE_SWITCH
    pages.at["/plain"] = document(FREE_TAG)
    person.goes("/switch", FREE)
    expect(person.page.get_by_role("status")).to_have_text(
        "Your visits to this site may be counted."
    )
    person.presses("Do not count my visits")
    expect(person.page.get_by_role("status")).to_contain_text("You have opted out.")
    (cookie,) = person.context.cookies()
    assert (cookie.get("name"), cookie.get("value"), cookie.get("domain")) == (
        "discreet_opt_out",
        "1",
        ".free.example.org",
    )
    person.goes("/plain", FREE)
    assert collector.views("/plain") == 0

    person.goes("/switch", FREE)
    person.presses("Let my visits be counted")
    assert person.cookies() == {}
    person.goes("/plain", FREE)
    assert collector.views("/plain") == 1
    assert person.stored() == {}
    assert person.noise == []


def test_switch_asks_nobody_but_for_its_own_script(person: Person, pages: Pages) -> None:
    pages.at["/alone"] = document(OPT_OUT_SCRIPT, SWITCH)
    person.goes("/alone")
    person.presses("Do not count my visits")

    assert [one.url for one in person.requests] == [f"{SITE}/alone", f"{STATS}/opt-out.js"]


@pytest.mark.parametrize(
    ("origin", "attributes", "domain"),
    [
        pytest.param(SITE, 'data-site="example.org"', ".example.org", id="data-site"),
        pytest.param(
            SITE,
            'data-domain="www.example.org" data-site="example.org"',
            ".www.example.org",
            id="data-domain",
        ),
        pytest.param("http://example.org", 'data-site="example.org"', ".example.org", id="apex"),
        pytest.param(SITE, "", "www.example.org", id="untold"),
        pytest.param(SITE, 'data-site="example.net"', "www.example.org", id="another site"),
        pytest.param(SITE, 'data-site="ample.org"', "www.example.org", id="end of a name"),
        pytest.param(SITE, 'data-site="org"', "www.example.org", id="public suffix"),
        pytest.param(SITE, 'data-site="example.org:8000"', ".example.org", id="with a port"),
    ],
)
def test_cookie_reaches_as_far_as_the_site_and_no_farther(
    person: Person, pages: Pages, origin: str, attributes: str, domain: str
) -> None:
    pages.at["/domain"] = document(
        OPT_OUT_SCRIPT.replace('data-site="example.org"', attributes), SWITCH
    )
    person.goes("/domain", origin)
    person.presses("Do not count my visits")
    assert [one.get("domain") for one in person.context.cookies()] == [domain]

    person.presses("Let my visits be counted")
    assert person.cookies() == {}


def test_cookie_of_the_page_opt_out_is_taken_back_too(person: Person, pages: Pages) -> None:
    pages.at["/back"] = document(OPT_OUT_SCRIPT, SWITCH)
    person.page.goto(f"{STATS}/opt-out")
    with person.page.expect_response(f"{STATS}/opt-out*"):
        person.page.locator("form button").click()
    assert "discreet_opt_out" in person.cookies()

    person.goes("/back")
    expect(person.page.get_by_role("status")).to_contain_text("You have opted out.")
    person.presses("Let my visits be counted")
    expect(person.page.get_by_role("status")).to_contain_text("may be counted")


def test_refusal_by_the_page_opt_out_silences_the_tag(person: Person, pages: Pages) -> None:
    pages.at["/tagged"] = document(TAG)
    person.goes("/tagged")
    assert len(person.hits()) == 1

    person.page.goto(f"{STATS}/opt-out")
    with person.page.expect_response(f"{STATS}/opt-out*"):
        person.page.locator("form button").click()
    person.goes("/tagged")
    assert len(person.hits()) == 1


def test_switch_says_when_the_browser_keeps_no_cookie(person: Person, pages: Pages) -> None:
    person.context.add_init_script(
        "Object.defineProperty(Document.prototype, 'cookie', {get: () => '', set() {}})"
    )
    pages.at["/blocked"] = document(OPT_OUT_SCRIPT, SWITCH)
    person.goes("/blocked")
    person.presses("Do not count my visits")

    expect(person.page.get_by_role("status")).to_contain_text("did not keep the cookie")


@pytest.mark.parametrize(
    ("body", "language", "sentence"),
    [
        (SWITCH, "en", "Your visits to this site may be counted."),
        (SWITCH, "zh-CN", "您对本网站的访问可能会被统计。"),
        (f'<div lang="zh">{SWITCH}</div>', "en", "您对本网站的访问可能会被统计。"),
        (SWITCH, "fr", "Your visits to this site may be counted."),
    ],
    ids=["en", "zh", "zh part of an English page", "another"],
)
def test_switch_speaks_the_language_around_it(
    person: Person, pages: Pages, body: str, language: str, sentence: str
) -> None:
    pages.at["/spoken"] = document(OPT_OUT_SCRIPT, body, language)
    person.goes("/spoken")

    expect(person.page.get_by_role("status")).to_have_text(sentence)
    expect(person.page.get_by_role("button")).to_have_count(1)


def test_two_switches_and_the_banner_of_a_page_agree(person: Person, pages: Pages) -> None:
    pages.at["/two"] = document(ASKING + OPT_OUT_SCRIPT, SWITCH * 2)
    person.goes("/two")
    person.presses("Refuse")

    for switch in person.page.locator("[data-discreet-opt-out] p").all():
        expect(switch).to_contain_text("You have opted out.")


@pytest.mark.parametrize(
    ("settings", "header", "property_", "name"),
    [
        ({"dnt": True}, "dnt", "navigator.doNotTrack === '1'", "Do Not Track"),
        ({"gpc": True}, "sec-gpc", "navigator.globalPrivacyControl === true", "Global Privacy"),
    ],
    ids=["DNT", "GPC"],
)
def test_native_signal_silences_tag_banner_and_switch(
    start: Start,
    pages: Pages,
    collector: Collector,
    settings: dict[str, bool],
    header: str,
    property_: str,
    name: str,
) -> None:
    person = start(**settings)
    page = f"/native/{header}"
    pages.at[page] = document(ASKING + OPT_OUT_SCRIPT, SWITCH)
    person.goes(page)

    assert pages.headers_of(page)[header] == "1"
    assert person.does(property_) is True
    expect(person.banner).to_have_count(0)
    assert person.asked_for(f"{CONSENT}?site=example.org") == []
    expect(person.page.locator("[data-discreet-opt-out] p")).to_contain_text(name)
    expect(person.page.get_by_role("button")).to_have_count(0)
    person.does("discreet.consent({version: '3', purposes: ['audience']})")
    person.does("history.pushState(0, '', '?next')")
    assert person.hits() == []
    assert collector.views(page) == 0

    person.does("discreet.consent.open()")
    expect(person.banner).to_contain_text(name)
    assert [button.inner_text() for button in person.page.get_by_role("button").all()] == ["Close"]
    assert (person.stored(), person.cookies()) == ({}, {})


def test_browser_without_a_signal_is_asked_and_counted(
    start: Start, pages: Pages, collector: Collector
) -> None:
    person = start(dnt=False, gpc=False)
    person.goes("/native/none")

    assert not {"dnt", "sec-gpc"} & pages.headers_of("/native/none").keys()
    person.presses("Accept")
    assert collector.views("/native/none") == 1


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"dnt": True}, "opted_out_dnt"),
        ({"gpc": True}, "opted_out_gpc"),
        ({}, ""),
    ],
    ids=["DNT", "GPC", "no signal"],
)
def test_pixel_obeys_native_signals_without_javascript(
    start: Start, pages: Pages, collector: Collector, settings: dict[str, bool], reason: str
) -> None:
    page = f"/still/{reason or 'nothing'}"
    pages.at[page] = document(FREE_TAG + for_site("free.example.org", CONSENT_SCRIPT), NOSCRIPT)
    refused = collector.refused("pixel")
    person = start(javascript=False, **settings)
    with person.page.expect_response("**/pixel.gif*") as answer:
        person.page.goto(FREE + page)

    assert answer.value.status == 200
    assert [one.url for one in person.requests if "event" in one.url] == []
    assert collector.views(page) == (0 if reason else 1)
    assert (collector.refused("pixel") != refused) is bool(reason)
    assert reason in collector.refused("pixel")


def test_pixel_obeys_the_opt_out_cookie_without_javascript(
    start: Start, pages: Pages, collector: Collector
) -> None:
    pages.at["/still/cookie"] = document(FREE_TAG, NOSCRIPT)
    person = start(javascript=False)
    person.page.goto(f"{STATS}/opt-out")
    with person.page.expect_response(f"{STATS}/opt-out*"):
        person.page.locator("form button").click()
    with person.page.expect_response("**/pixel.gif*"):
        person.page.goto(f"{SITE}/still/cookie")

    assert collector.views("/still/cookie") == 0
    assert "opted_out\t1\n" in collector.refused("pixel")


@pytest.mark.parametrize("attribute", ["data-child", "data-kind"])
def test_page_for_children_is_refused_by_the_collector(
    person: Person, pages: Pages, collector: Collector, attribute: str
) -> None:
    page = f"/{attribute}"
    pages.at[page] = document(FREE_TAG.replace("data-site", f"{attribute} data-site"))
    person.goes(page, FREE)

    assert len(person.hits()) == 1
    assert collector.views(page) == (attribute == "data-kind")
