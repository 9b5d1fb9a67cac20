"""The consent banner in Chromium, before a real collector: what it asks, sends and keeps."""

import json
import time

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browsing import serving
from tests.collector.consent_site import (
    ALL_PURPOSES,
    ASKING,
    CONSENT,
    CONSENT_SCRIPT,
    POLICY,
    SITE,
    STATS,
    TAG,
    WAITING_TAG,
    Collector,
    Pages,
    Person,
    document,
    for_site,
    names_on_loopback,
)
from tests.running import FIREFOX, Server

ASKED = f"{CONSENT}?site=example.org"
MINUTE = 60_000  # in milliseconds, as JavaScript has time
DAY = 24 * 60 * MINUTE


def test_nothing_is_sent_or_kept_before_an_answer(person: Person, collector: Collector) -> None:
    person.goes("/undecided")
    person.does("history.pushState(0, '', '/undecided/next')")

    expect(person.banner).to_be_visible()
    assert [request.url for request in person.requests] == [
        f"{SITE}/undecided",
        f"{STATS}/tag.js",
        f"{STATS}/consent.js",
        ASKED,
    ]
    assert person.cookies() == {}
    assert person.stored() == {}
    assert collector.views("/undecided") == 0


def test_accepted_view_is_counted_under_its_receipt(person: Person, collector: Collector) -> None:
    person.goes("/accepted")
    person.does("history.pushState(0, '', '/accepted/next')")
    person.presses("Accept")

    consent = ",".join(("3", *ALL_PURPOSES))
    assert person.consented() == [consent, consent]
    assert collector.views("/accepted") == collector.views("/accepted/next") == 1
    entry = person.entry()
    until = float(str(entry.pop("until")))
    receipt_id = entry.pop("receipt")
    assert entry == {"version": "3", "purposes": list(ALL_PURPOSES)}
    assert abs(until - time.time() * 1000 - 183 * DAY) < MINUTE
    receipt = collector.receipt(receipt_id)
    assert (receipt["state"], receipt["site"]) == ("given", "example.org")
    assert person.cookies() == {}
    assert person.noise == []


def test_kept_answer_counts_the_next_page_without_asking(
    person: Person, collector: Collector
) -> None:
    person.goes("/kept/first")
    person.presses("Accept")
    person.goes("/kept/second")

    expect(person.banner).to_have_count(0)
    assert collector.views("/kept/second") == 1
    assert len(person.asked_for(CONSENT, "POST")) == 1


def test_single_purpose_is_all_that_is_consented_to(person: Person, collector: Collector) -> None:
    person.goes("/chosen")
    person.presses("Choose purposes")
    boxes = person.page.get_by_role("checkbox")
    assert [box.is_checked() for box in boxes.all()] == [False] * len(ALL_PURPOSES)
    boxes.first.check()
    person.presses("Accept the chosen purposes")

    assert person.consented() == ["3,audience"]
    assert person.entry()["purposes"] == ["audience"]
    assert collector.views("/chosen") == 1


def test_choice_of_no_purpose_is_a_refusal(person: Person) -> None:
    person.goes("/none-chosen")
    person.presses("Choose purposes")
    person.presses("Accept the chosen purposes")

    assert person.cookies() == {"discreet_opt_out": "1"}
    assert person.stored() == {}
    assert person.hits() == []


def test_refusal_is_one_cookie_without_an_id_and_sends_nothing(
    person: Person, collector: Collector
) -> None:
    person.goes("/refused")
    person.presses("Refuse")

    (cookie,) = person.context.cookies()
    assert (cookie.get("name"), cookie.get("value")) == ("discreet_opt_out", "1")
    assert (cookie.get("domain"), cookie.get("path")) == (".example.org", "/")
    assert cookie.get("sameSite") == "Lax"
    assert abs(cookie.get("expires", 0) - time.time() - 400 * 86_400) < 60
    assert person.stored() == {}
    assert person.asked_for(CONSENT, "POST") == []
    assert person.hits() == []
    assert collector.views("/refused") == 0


@pytest.mark.parametrize("origin", ["http://example.org", "http://shop.example.org", SITE])
def test_refusal_holds_for_the_whole_site_and_asks_no_more(person: Person, origin: str) -> None:
    person.goes("/refused-once")
    person.presses("Refuse")
    before = len(person.requests)
    person.goes("/refused-again", origin)

    expect(person.banner).to_have_count(0)
    assert [request.url for request in person.requests[before:]] == [
        f"{origin}/refused-again",
        f"{STATS}/tag.js",
        f"{STATS}/consent.js",
    ]


@pytest.mark.parametrize(
    "way",
    ["discreet.consent.open()", "document.querySelector('[data-discreet-consent] b').click()"],
    ids=["by script", "by link"],
)
def test_consent_is_withdrawn_as_easily_as_given(
    person: Person, pages: Pages, collector: Collector, way: str
) -> None:
    link = '<a href="/elsewhere" data-discreet-consent><b>Your choice</b></a>'
    pages.at["/withdrawn"] = document(ASKING, link)
    person.goes("/withdrawn")
    person.presses("Accept")
    receipt_id = str(person.entry()["receipt"])
    person.does(way)

    assert person.page.url == f"{SITE}/withdrawn"
    expect(person.page.get_by_text(receipt_id)).to_be_visible()
    assert [box.is_checked() for box in person.page.get_by_role("checkbox").all()] == [True] * 4
    person.presses("Refuse")
    assert collector.receipt(receipt_id)["state"] == "withdrawn"
    assert person.stored() == {}

    sent = len(person.hits())
    person.goes("/withdrawn/next")
    assert len(person.hits()) == sent == 1


def test_refusal_that_no_cookie_can_keep_still_ends_the_consent(
    person: Person, collector: Collector
) -> None:
    person.context.add_init_script(
        "Object.defineProperty(Document.prototype, 'cookie', {get: () => '', set() {}})"
    )
    person.goes("/cookieless")
    person.presses("Accept")
    receipt_id = person.entry()["receipt"]
    person.does("discreet.consent.open()")
    person.presses("Refuse")
    person.does("history.pushState(0, '', '/cookieless/next')")

    assert collector.receipt(receipt_id)["state"] == "withdrawn"
    assert person.stored() == {}
    assert len(person.hits()) == 1


def test_mind_changed_to_consent_takes_the_cookie_away_and_counts_what_comes(
    person: Person, collector: Collector
) -> None:
    person.goes("/changed")
    person.presses("Refuse")
    person.goes("/changed")
    person.does("discreet.consent.open()")
    expect(person.page.get_by_text("You have refused.")).to_be_visible()
    person.presses("Accept")

    assert person.cookies() == {}
    assert person.entry()["version"] == "3"
    person.goes("/changed/next")
    assert collector.views("/changed") == 0
    assert collector.views("/changed/next") == 1


def test_new_answer_withdraws_the_receipt_of_the_old_one(
    person: Person, collector: Collector
) -> None:
    person.goes("/again")
    person.presses("Accept")
    first = person.entry()["receipt"]
    person.does("discreet.consent.open()")
    person.page.get_by_role("checkbox").nth(1).uncheck()
    person.presses("Accept the chosen purposes")

    assert collector.receipt(first)["state"] == "withdrawn"
    assert collector.receipt(person.entry()["receipt"])["state"] == "given"
    assert person.entry()["purposes"] == ["audience", "operations", "accountability"]


@pytest.mark.parametrize("way", ["Escape", "Decide later"])
def test_undecided_visitor_is_left_alone_until_the_next_page(person: Person, way: str) -> None:
    person.goes("/later")
    if way == "Escape":
        person.button("Accept").focus()
        person.page.keyboard.press("Escape")
    else:
        person.presses(way)
    expect(person.banner).to_have_count(0)
    assert (person.hits(), person.cookies(), person.stored()) == ([], {}, {})

    person.goes("/later")
    expect(person.banner).to_be_visible()


def test_escape_pressed_in_the_page_is_the_pages_own(person: Person) -> None:
    person.goes("/escape")
    person.page.keyboard.press("Escape")

    expect(person.banner).to_be_visible()


def test_keyboard_alone_walks_through_the_banner(
    person: Person, pages: Pages, collector: Collector
) -> None:
    pages.at["/keys"] = document(ASKING, '<a href="/elsewhere">The page</a>')
    person.goes("/keys")
    assert person.has_focus_on() == "body" or person.page.evaluate(
        "document.activeElement === document.body"
    )

    def tab_stops(count: int) -> list[str]:
        stops = []
        for _ in range(count):
            person.page.keyboard.press("Tab")
            stops.append(person.has_focus_on())
        return stops

    banner = ["Privacy notice", "Refuse", "Accept", "Choose purposes", "Decide later"]
    assert tab_stops(6) == [*banner, "The page"]
    person.page.keyboard.press("Shift+Tab")
    person.page.keyboard.press("Shift+Tab")
    person.page.keyboard.press("Enter")
    assert person.has_focus_on() == "audience"

    person.page.keyboard.press("Space")
    assert tab_stops(3) == ["campaigns", "operations", "accountability"]
    assert tab_stops(4) == ["Privacy notice", "Refuse", "Accept", "Accept the chosen purposes"]
    person.page.keyboard.press("Enter")
    person.settles()
    assert person.entry()["purposes"] == ["audience"]
    assert collector.views("/keys") == 1


def test_banner_opened_by_the_visitor_takes_and_gives_back_the_focus(
    person: Person, pages: Pages
) -> None:
    pages.at["/focus"] = document(ASKING, "<button data-discreet-consent>Choice</button>")
    person.goes("/focus")
    person.presses("Choice")
    assert person.has_focus_on() == "May your visit be counted?"

    person.page.keyboard.press("Escape")
    assert person.has_focus_on() == "Choice"


SHOWN_OF = """element => {
  const style = getComputedStyle(element);
  const {width, height, y} = element.getBoundingClientRect();
  return {
    look: ['color', 'backgroundColor', 'fontSize', 'fontWeight', 'fontFamily', 'borderTopWidth',
      'borderTopColor', 'borderRadius', 'textDecorationLine', 'opacity', 'cursor', 'filter',
      'boxShadow', 'padding', 'textTransform'].map(name => style[name]),
    box: [width, height, y],
    colours: [style.color, style.backgroundColor]
  };
}"""


def contrast(colours: list[str]) -> float:
    """Return the contrast ratio of two CSS colours without transparency (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour.removeprefix("rgb(")[:-1].split(",")]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return sum(map(float.__mul__, (0.2126, 0.7152, 0.0722), linear))

    lighter, darker = sorted(map(luminance, colours), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (390, 844), (320, 256)], ids=str)
def test_refusing_and_accepting_look_alike_and_cost_one_click_each(
    person: Person, pages: Pages, size: tuple[int, int], scheme: str, language: str
) -> None:
    pages.at["/alike"] = document(ASKING, language=language)
    person.page.set_viewport_size({"width": size[0], "height": size[1]})
    person.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    person.goes("/alike")
    refuse, accept = (person.button(name) for name in BUTTONS[language][:2])
    shown = [button.evaluate(SHOWN_OF) for button in (refuse, accept)]

    assert shown[0] == shown[1]
    assert contrast(shown[0]["colours"]) >= 7
    assert shown[0]["box"][1] >= 44
    for button in (refuse, accept):
        expect(button).to_be_in_viewport(ratio=1)
        button.click(trial=True)
    assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


BUTTONS = {
    "en": ["Refuse", "Accept", "Choose purposes", "Decide later"],
    "zh": ["拒绝", "接受", "选择目的", "以后再说"],
}
WORDS = {
    "en": ("May your visit be counted?", "Effectiveness of promotion", "Privacy notice"),
    "zh": ("可以统计您的访问吗？", "评估推广活动的效果", "隐私声明"),
}


@pytest.mark.parametrize(
    ("page_language", "language"),
    [("en", "en"), ("zh", "zh"), ("zh-Hant-TW", "zh"), ("de", "en"), ("", "en")],
)
def test_banner_is_a_named_region_in_the_language_of_the_page(
    person: Person, pages: Pages, page_language: str, language: str
) -> None:
    pages.at["/language"] = document(ASKING, language=page_language)
    person.goes("/language")
    title, purpose, notice = WORDS[language]

    expect(person.banner).to_have_accessible_name(title)
    expect(person.page.get_by_role("heading", name=title)).to_be_visible()
    expect(person.page.get_by_role("listitem").nth(1)).to_have_text(purpose)
    link = person.page.get_by_role("link", name=notice)
    assert link.get_attribute("href") == f"{STATS}/privacy"
    assert [button.inner_text() for button in person.page.get_by_role("button").all()] == BUTTONS[
        language
    ]
    host = person.page.locator("body > :first-child")
    assert host.get_attribute("lang") == language
    person.presses(BUTTONS[language][1])
    (sent,) = person.asked_for(CONSENT, "POST")
    assert json.loads(sent.post_data or "")["language"] == language


def test_banner_needs_no_style_of_the_page_and_bears_a_hostile_one(
    person: Person, pages: Pages
) -> None:
    rules = "*{display:none!important;color:red!important} html,body,div{display:block!important}"
    hidden = "div{display:none!important;visibility:hidden;opacity:0}"
    pages.at["/styled"] = document(f"<style>{rules}{hidden}</style>" + ASKING)
    person.goes("/styled")

    expect(person.button("Refuse")).to_be_visible()
    assert "rgb(255, 0, 0)" not in str(person.button("Refuse").evaluate(SHOWN_OF))


def test_page_with_a_strict_content_policy_can_ask(person: Person, pages: Pages) -> None:
    rules = (
        f"default-src 'none'; script-src {STATS}; connect-src {STATS}; img-src data:; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    policy = f'<meta http-equiv="Content-Security-Policy" content="{rules}">'
    pages.at["/strict"] = document(policy + ASKING)
    person.goes("/strict")

    assert person.banner.evaluate("element => getComputedStyle(element).position") == "fixed"
    person.presses("Accept")
    assert len(person.hits()) == 1
    assert person.noise == []


def test_what_is_tabbed_to_scrolls_clear_of_the_banner(person: Person, pages: Pages) -> None:
    links = "".join(f'<p style="height:90px"><a href="#{n}">link {n}</a>' for n in range(30))
    pages.at["/long"] = document(ASKING, links)
    person.goes("/long")
    top = person.banner.evaluate("element => element.getBoundingClientRect().top")
    for _ in range(20):
        person.page.keyboard.press("Tab")
    expect(person.page.get_by_role("link", name="link 14")).to_be_focused()

    bottom = person.page.evaluate("document.activeElement.getBoundingClientRect().bottom")
    assert bottom < top
    person.presses("Decide later")
    assert person.page.evaluate("document.documentElement.style.scrollPaddingBottom") == ""


KEPT = """localStorage.discreet_consent = JSON.stringify(
  {version: '%s', purposes: ['audience'], receipt: 'r', until: Date.now() + %d})"""


@pytest.mark.parametrize(
    ("kept", "asks", "hits"),
    [
        pytest.param(KEPT % ("3", MINUTE), 0, 1, id="good"),
        pytest.param(KEPT % ("3", -MINUTE), 1, 0, id="ended"),
        pytest.param(KEPT % ("2", MINUTE), 1, 0, id="of a version that is not honoured"),
        pytest.param("localStorage.discreet_consent = '{'", 1, 0, id="unreadable"),
        pytest.param("localStorage.discreet_consent = 'true'", 1, 0, id="of another shape"),
        pytest.param("localStorage.discreet_consents = '{}'", 1, 0, id="of another name"),
    ],
)
def test_kept_answer_holds_only_while_it_is_good(
    person: Person, kept: str, asks: int, hits: int
) -> None:
    person.context.add_init_script(kept)
    person.goes("/held")

    expect(person.banner).to_have_count(asks)
    assert len(person.hits()) == hits
    assert person.noise == []


def test_browser_that_keeps_nothing_takes_the_answer_for_the_page(person: Person) -> None:
    person.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked') }})"
    )
    person.goes("/unkept")
    person.presses("Accept")

    assert len(person.hits()) == 1
    assert person.noise == []


def test_answer_without_a_receipt_is_none(person: Person) -> None:
    person.goes("/offline")
    person.context.set_offline(True)
    person.button("Accept").click()
    expect(person.page.get_by_role("status")).to_contain_text("nothing was changed")
    assert (person.hits(), person.stored()) == ([], {})

    person.button("Refuse").click()
    expect(person.banner).to_have_count(0)
    assert person.cookies() == {"discreet_opt_out": "1"}


def test_collector_out_of_reach_asks_and_sends_nothing_but_takes_a_refusal(
    person: Person, pages: Pages
) -> None:
    away = CONSENT_SCRIPT.replace("data-site", 'data-api="http://gone.invalid/" data-site')
    pages.at["/gone"] = document(WAITING_TAG + away)
    person.goes("/gone")
    expect(person.banner).to_have_count(0)
    assert (person.hits(), person.stored()) == ([], {})

    person.does("discreet.consent.open()")
    person.presses("Refuse")
    assert person.cookies() == {"discreet_opt_out": "1"}


@pytest.mark.parametrize(
    ("domain", "asks"),
    [("exempt.example.org", 1), ("free.example.org", 0), ("example.org", 1), ("example.net", 0)],
    ids=["exempt, one purpose by consent", "opt-out", "opt-in", "no site of the collector"],
)
def test_banner_comes_up_where_consent_is_needed(
    person: Person, pages: Pages, domain: str, asks: int
) -> None:
    pages.at["/mode"] = document(for_site(domain, TAG + CONSENT_SCRIPT))
    person.goes("/mode", f"http://{domain}" if domain.endswith(".org") else SITE)

    expect(person.banner).to_have_count(asks)


def test_switch_of_the_same_page_withdraws_the_consent(
    person: Person, collector: Collector
) -> None:
    person.goes("/switched")
    person.presses("Accept")
    receipt_id = person.entry()["receipt"]
    person.does("discreet.optOut(true)")

    assert collector.receipt(receipt_id)["state"] == "withdrawn"
    assert person.stored() == {}


def test_consent_is_void_after_a_major_change_of_the_policy(
    driver: Playwright, chromium_command: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    executable, *flags = chromium_command
    server = Server(tmp_path_factory.mktemp("changing"), POLICY)

    def browse(origin: str) -> Browser:
        names = names_on_loopback(origin, server.url)
        return driver.chromium.launch(executable_path=executable, args=[*flags, names])

    with serving(Pages().app) as origin, server:
        before = browse(origin)
        person = Person(before.new_context(user_agent=FIREFOX))
        person.goes("/before")
        person.presses("Accept")
        profile = person.context.storage_state()
        before.close()
        server.stop()
        server.policy.write_text(
            POLICY.replace('version = "3"', 'version = "4"')
            + '[[purpose]]\nid = "novelty"\ntitle = "Something new"\nclause = "1"\n'
            'basis = "consent"\nkeep_days = 30\n'
            '[[statistic]]\nname = "novel"\npurpose = "novelty"\nby = ["page", "os"]\n'
            'grain = "day"\nmin_group = 5\n'
        )
        server.start()
        after = browse(origin)
        person = Person(after.new_context(user_agent=FIREFOX, storage_state=profile))
        person.goes("/after")

        expect(person.page.get_by_text("The policy has changed since")).to_be_visible()
        expect(person.page.get_by_text("Something new")).to_be_visible()
        assert person.hits() == []
        person.presses("Accept")
        assert [consent[:2] for consent in person.consented()] == ["4,"]
        after.close()
