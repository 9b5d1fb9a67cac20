"""What the modules leaving, forms and pointer send when a page is left, in a real Chromium."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.collector.tag_modules.module_site import Guest, ModuleSite, Sent

LEFT = "Page Left"
HIDE = """
Object.defineProperty(document, 'hidden', {configurable: true, value: true});
document.dispatchEvent(new Event('visibilitychange', {bubbles: true}));
"""
"""As when another tab is opened: Chromium without a window keeps its pages in sight."""
SHOW = "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))"
LINKS = """
<a href="/plain" id="link">x</a> <a href="{far}/far" id="outbound">x</a>
<a href="#p" id="part">x</a>
<a href="/file.bin" id="file" download>x</a> <a href="mailto:a@example.org" id="mail">x</a>
<form action="/plain" method="post"><button id="send">x</button></form>
"""


def closes(guest: Guest) -> None:
    with guest.page.expect_event("close"):
        guest.page.close(run_before_unload=True)


def goes_back(guest: Guest) -> None:
    guest.page.go_back(wait_until="commit")


def types_an_address(guest: Guest) -> None:
    guest.page.goto(f"{guest.site.origin}/plain")


def on(selector: str) -> Callable[[Guest], None]:
    return lambda guest: guest.page.click(selector)


def script(source: str) -> Callable[[Guest], None]:
    def runs(guest: Guest) -> None:
        guest.does(source)

    return runs


def later(source: str) -> Callable[[Guest], None]:
    """Run what leads away once the driver has its answer."""
    return script(f"void setTimeout(() => {source})")


@pytest.mark.parametrize(
    ("leave", "how"),
    [
        pytest.param([on("#link")], "link", id="link"),
        pytest.param([on("#send")], "link", id="form"),
        pytest.param([on("#outbound")], "outbound", id="outbound"),
        pytest.param([later("location.href = '/plain'")], "link", id="script"),
        pytest.param([goes_back], "back", id="back button"),
        pytest.param([later("history.back()")], "back", id="back by script"),
        pytest.param([closes], "close", id="close"),
        pytest.param([types_an_address], "close", id="typed address"),
        pytest.param([on("#part"), closes], "close", id="close after a fragment"),
        pytest.param([on("#file"), closes], "close", id="close after a download"),
        pytest.param([on("#mail"), closes], "close", id="close after a mail"),
        pytest.param([script(HIDE), closes], "hidden", id="another tab, closed there"),
    ],
)
def test_way_of_leaving_is_told_once(
    guest: Guest, shop: ModuleSite, leave: list[Callable[[Guest], None]], how: str
) -> None:
    shop.page("/a", "leaving", LINKS.format(far=shop.stats))
    guest.page.goto(f"{shop.origin}/plain")
    guest.goes("/a")
    for step in leave:
        step(guest)
    if not guest.page.is_closed():
        # Chromium may hang when a window is closed that is on its way elsewhere.
        guest.page.wait_for_function("() => !window.discreet")

    assert shop.events() == [Sent("/a", LEFT, {"how": how})]


def test_page_that_was_out_of_sight_tells_both(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "leaving")
    guest.goes("/a")
    for step in (HIDE, SHOW, HIDE, SHOW):
        guest.does(step)
    types_an_address(guest)

    # Beacons of one moment travel side by side: which comes first is the network's affair.
    assert sorted(str(one.properties["how"]) for one in shop.events(2)) == ["close", "hidden"]


def test_reload_is_told_by_the_page_that_is_loaded_anew(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "leaving")
    guest.goes("/a")
    guest.does("void setTimeout(() => location.reload())")
    shop.views(2)
    shop.events(1)
    guest.settles()
    guest.page.reload()

    # What the reload button does is no page's to see: that one counts as closed, too.
    assert [one.properties["how"] for one in shop.events(3)] == ["reload", "close", "reload"]


def test_views_of_a_single_page_site_are_left_one_by_one(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "leaving")
    guest.goes("/a")
    guest.does("history.pushState(0, '', '#part')")
    guest.does("history.pushState(0, '', '?q=1')")
    guest.does("history.pushState(0, '', '/b')")
    guest.does("history.pushState(0, '', '/c')")
    guest.does("new Promise(done => {addEventListener('popstate', done); history.back()})")
    types_an_address(guest)

    assert shop.events(4) == [
        Sent("/a", LEFT, {"how": "link"}),
        Sent("/b", LEFT, {"how": "link"}),
        Sent("/c", LEFT, {"how": "back"}),
        Sent("/b", LEFT, {"how": "close"}),
    ]


def test_view_out_of_the_back_forward_cache_is_left_anew(
    keeping_chromium: Browser, shop: ModuleSite
) -> None:
    shop.page("/a", "leaving", LINKS.format(far=shop.stats))
    guest = Guest(keeping_chromium.new_context(), shop)
    guest.goes("/a")
    guest.does("void (window.kept = true)")
    guest.page.click("#link")
    guest.page.wait_for_url("**/plain")
    guest.page.go_back(wait_until="commit")
    assert guest.does("window.kept") is True
    types_an_address(guest)

    assert [one.properties["how"] for one in shop.events(2)] == ["link", "close"]


@pytest.mark.parametrize(
    ("leave", "how"),
    [
        pytest.param([on("#link")], "link", id="link"),
        pytest.param([on("#outbound")], "outbound", id="outbound"),
        pytest.param([goes_back], "close", id="back button"),
        pytest.param([closes], "close", id="close"),
        pytest.param([on("#part"), closes], "close", id="close after a fragment"),
    ],
)
def test_way_of_leaving_without_the_navigation_api_is_told_by_links(
    window: BrowserContext, shop: ModuleSite, leave: list[Callable[[Guest], None]], how: str
) -> None:
    window.add_init_script("Object.defineProperty(window, 'navigation', {value: undefined})")
    test_way_of_leaving_is_told_once(Guest(window, shop), shop, leave, how)


FORM = """
<form id="signup" action="/plain" target="other">
  <input name="mail"><input name="pass" type="password"><input id="nameless">
  <select name="size"><option>S<option>M</select><button>send</button>
</form><input name="loose"><iframe name="other"></iframe>
"""
ABANDONED, SUBMITTED = "Form: Abandoned", "Form: Submission"


def fills(selector: str) -> Callable[[Guest], None]:
    return lambda guest: guest.page.fill(selector, "secret")


def chooses(guest: Guest) -> None:
    guest.page.select_option("select", "M")


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        pytest.param([fills("[name=mail]")], {"field": "mail"}, id="one field"),
        pytest.param([fills("[name=mail]"), chooses], {"field": "size"}, id="the last field"),
        pytest.param([fills("[name=pass]")], {}, id="password"),
        pytest.param([fills("#nameless")], {}, id="field without a name"),
        pytest.param([script(HIDE), fills("[name=mail]")], {"field": "mail"}, id="after a return"),
    ],
)
def test_form_that_was_begun_and_left_is_abandoned(
    guest: Guest, shop: ModuleSite, steps: list[Callable[[Guest], None]], told: dict[str, object]
) -> None:
    shop.page("/a", "forms", FORM)
    guest.goes("/a")
    for step in steps:
        step(guest)
    types_an_address(guest)

    assert shop.events() == [Sent("/a", ABANDONED, {"form": "signup", **told})]


@pytest.mark.parametrize(
    ("steps", "names"),
    [
        pytest.param([], [], id="untouched"),
        pytest.param([script("document.querySelector('input').focus()")], [], id="focused"),
        pytest.param([fills("[name=loose]")], [], id="field of no form"),
        pytest.param([fills("[name=mail]"), on("text=send")], [SUBMITTED], id="submitted"),
        pytest.param([on("text=send")], [SUBMITTED], id="submitted untouched"),
        pytest.param(
            [fills("[name=mail]"), lambda guest: guest.page.keyboard.press("Enter")],
            [SUBMITTED],
            id="submitted by Enter",
        ),
        pytest.param(
            [
                script("addEventListener('submit', event => event.preventDefault())"),
                fills("[name=mail]"),
                on("text=send"),
            ],
            [SUBMITTED],
            id="sent by a script after submitting",
        ),
        pytest.param(
            [fills("[name=mail]"), script("document.forms[0].submit()")],
            [],
            id="submitted by a script",
        ),
        pytest.param(
            [
                script("document.querySelector('input').required = true"),
                fills("[name=pass]"),
                on("text=send"),
            ],
            [ABANDONED],
            id="held back by the browser",
        ),
        pytest.param(
            [fills("[name=mail]"), script(HIDE), script(SHOW), fills("[name=pass]"), script(HIDE)],
            [ABANDONED],
            id="left twice",
        ),
        pytest.param(
            [fills("[name=mail]"), script(HIDE), script(SHOW), on("text=send")],
            [ABANDONED, SUBMITTED],
            id="submitted after a return",
        ),
    ],
)
def test_form_tells_its_end_once(
    guest: Guest, shop: ModuleSite, steps: list[Callable[[Guest], None]], names: list[str]
) -> None:
    # vitals is sent last, when the page is left.
    shop.page("/a", "forms,vitals", FORM)
    guest.goes("/a")
    for step in steps:
        step(guest)
    guest.does("delete document.hidden")
    types_an_address(guest)
    shop.until(lambda: any(one.name == "Web Vitals" for one in shop.events()))

    assert [one.name for one in shop.events() if one.name != "Web Vitals"] == names
    assert "secret" not in str(shop.events())


NAMED = """
<form {send} data-discreet-form="order" id="a" name="b"><button class="go">x</button></form>
<form {send} id="a" name="b">
  <input name="id"><input name="name"><button class="go">x</button>
</form>
<form {send} name="b"><button class="go">x</button></form>
<form {send}><button class="go">x</button></form><iframe name="other"></iframe>
"""
"""One with fields that stand before the form's own properties."""


def test_form_is_told_by_its_name(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "forms", NAMED.format(send='action="/plain" target="other"'))
    guest.goes("/a")
    for number, button in enumerate(guest.page.locator(".go").all(), 1):
        button.click()
        shop.events(number)

    told: list[dict[str, object]] = [{"form": "order"}, {"form": "a"}, {"form": "b"}, {}]
    assert shop.events(4) == [Sent("/a", SUBMITTED, form) for form in told]


def test_form_of_a_view_that_went_on_is_abandoned_there(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "forms", FORM)
    guest.goes("/a")
    guest.page.fill("[name=mail]", "secret")
    guest.does("history.pushState(0, '', '#part')")
    guest.page.fill("[name=mail]", "")
    guest.does("history.pushState(0, '', '/b')")

    assert shop.events() == [Sent("/a", ABANDONED, {"form": "signup", "field": "mail"})]


WHOLE = "position: absolute; top: 0; left: 0; width: 1000px; height: 2000px"
GRID = re.compile(r"(?:[0-9]|1[0-9])\.(?:[0-9]|1[0-9])\*[0-9]+")


def test_pointer_is_told_as_counts_per_cell_of_the_page(guest: Guest, shop: ModuleSite) -> None:
    # 1000 × 2000 in cells of 50 × 100.
    shop.page("/a", "pointer", f'<div style="{WHOLE}"></div>')
    guest.goes("/a")
    wide, high = guest.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert (wide, high) == (1000, 2000)
    for _ in range(3):
        guest.page.mouse.click(725, 450)
    guest.does("scrollTo(0, 1500)")
    guest.page.mouse.click(999, 499)
    types_an_address(guest)

    (sent,) = shop.events()
    assert (sent.page, sent.name) == ("/a", "Pointer")
    assert sent.properties["pressed"] == "14.4*3 19.19*1"
    moved = str(sent.properties["moved"]).split(" ")
    assert all(GRID.fullmatch(cell) for cell in moved)


def test_pointer_moves_are_sampled_four_times_a_second(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "pointer")
    guest.goes("/a")
    guest.page.mouse.move(5, 5)
    took = guest.does(
        "(() => {const from = performance.now();"
        "const move = clientX => dispatchEvent(new PointerEvent('pointermove', {clientX}));"
        "for (let x = 0; x < 900; x++) move(x);"
        "return performance.now() - from})()"
    )
    types_an_address(guest)

    (sent,) = shop.events()
    samples = sum(int(cell.split("*")[1]) for cell in str(sent.properties["moved"]).split(" "))
    assert isinstance(took, (int, float))
    assert 1 <= samples <= 2 + took // 250
    assert "pressed" not in sent.properties


def test_pointer_is_told_of_the_view_it_was_seen_in(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "pointer")
    guest.goes("/a")
    down = "void dispatchEvent(new PointerEvent('pointerdown'))"
    guest.does(down)
    guest.does("history.pushState(0, '', '?filter=1')")
    guest.does(down)
    guest.does("history.pushState(0, '', '/b')")
    guest.does(down)
    guest.does("new Promise(done => {addEventListener('popstate', done); history.back()})")
    guest.does("history.pushState(0, '', '/c')")
    guest.does(down)
    guest.does(HIDE)

    assert shop.events(3) == [
        Sent("/a", "Pointer", {"pressed": "0.0*2"}),
        Sent("/b", "Pointer", {"pressed": "0.0*1"}),
        Sent("/c", "Pointer", {"pressed": "0.0*1"}),
    ]
