"""What the modules links, downloads, phone and clicks send, in a real Chromium."""

import pytest
from playwright.sync_api import BrowserContext

from anonymizer.policy_tag import TAG_MODULES
from tests.collector.tag_modules.module_site import Guest, ModuleSite, Sent

OUTBOUND = "Outbound Link: Click"
DOWNLOAD = "File Download"
MARK = '<button data-discreet-click="mark">mark</button>'
"""A click on it is sent last, so that all that came before is known to have been sent."""


def until_mark(guest: Guest) -> list[tuple[str, dict[str, object]]]:
    """Click the mark and give what was sent before it."""
    guest.page.click("text=mark")
    mark = ("Click", {"element": "mark"})
    guest.site.until(lambda: any((one.name, one.properties) == mark for one in guest.site.events()))
    told = [(one.name, one.properties) for one in guest.site.events()]
    assert told[-1] == mark
    return told[:-1]


def clicks(guest: Guest) -> None:
    """Click all that the class `go` is on, one after the other, and let no link lead on."""
    guest.does("addEventListener('click', event => event.preventDefault())")
    for place in guest.page.locator(".go").all():
        place.click()


def test_link_to_another_host_is_told_by_host_and_path(guest: Guest, shop: ModuleSite) -> None:
    far = shop.stats
    shop.page(
        "/a",
        "links,clicks",
        f'<a href="{far}/nested/b?token=1#part"><b><i class="go">x</i></b></a>'
        f'<a href="http://anna:secret@localhost/user" class="go">x</a>'
        f'<svg width="20" height="20"><a href="{far}/svg">'
        '<rect class="go" width="20" height="20"/></a></svg>'
        '<img src="/i.svg" usemap="#m" width="20" height="20" class="go"><map name="m">'
        f'<area shape="rect" coords="0,0,20,20" href="{far}/area"></map>'
        f'<div><template shadowrootmode="open"><a href="{far}/shadow">'
        f'<span class="go">x</span></a></template></div>{MARK}',
    )
    guest.goes("/a")
    clicks(guest)

    host = shop.elsewhere
    urls = [f"{host}/nested/b", "localhost/user", f"{host}/svg", f"{host}/area", f"{host}/shadow"]
    assert until_mark(guest) == [(OUTBOUND, {"url": url}) for url in urls]
    assert guest.noise == []


OTHER_LINKS = """
<a href="/inside" class="go">own host by path</a>
<a href="{near}/inside" class="go">own host by address</a>
<a href="#part" class="go">fragment</a>
<a href="mailto:anna@example.org" class="go">mail</a>
<a href="tel:+4930123456" class="go">phone</a>
<a href="javascript:void 0" class="go">script</a>
<a class="go">no address</a>
<a href="http://[" class="go">no URL</a>
<link href="{far}/x"><b class="go">a link to a file</b>
<svg width="20" height="20"><a><rect class="go" width="20" height="20"/></a></svg>
"""


def test_other_links_are_not_outbound(guest: Guest, shop: ModuleSite) -> None:
    body = OTHER_LINKS.format(near=shop.origin, far=shop.stats)
    shop.page("/a", "links,downloads,clicks", body + MARK)
    guest.goes("/a")
    clicks(guest)

    assert until_mark(guest) == []
    assert guest.noise == []


@pytest.mark.parametrize("way", ["mouse", "middle button", "Enter", "script", "prevented"])
def test_link_counts_however_it_is_followed(guest: Guest, shop: ModuleSite, way: str) -> None:
    shop.page("/a", "links", f'<a href="{shop.stats}/far" id="go">x</a>')
    guest.goes("/a")
    if way == "Enter":
        guest.page.focus("#go")
        guest.page.keyboard.press("Enter")
    elif way == "script":
        guest.does("document.querySelector('#go').click()")
    elif way == "prevented":
        # As scripts do that follow the link by themselves a moment later.
        guest.does("addEventListener('click', event => event.preventDefault())")
        guest.page.click("#go")
    elif way == "middle button":
        with guest.context.expect_page() as opened:
            guest.page.click("#go", button="middle")
        opened.value.wait_for_url("**/far")
    else:
        guest.page.click("#go")

    assert shop.events() == [Sent("/a", OUTBOUND, {"url": f"{shop.elsewhere}/far"})]
    if way in {"mouse", "Enter", "script"}:
        guest.page.wait_for_url("**/far")


def test_right_button_follows_no_link(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "links,clicks", f'<a href="{shop.stats}/far" id="go">x</a>{MARK}')
    guest.goes("/a")
    guest.page.click("#go", button="right")
    guest.page.keyboard.press("Escape")

    assert until_mark(guest) == []


def test_click_that_a_page_stops_still_counts(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "links", f'<a href="{shop.stats}/far" id="go">x</a>')
    guest.goes("/a")
    guest.does(
        "void (document.querySelector('#go').onclick = event => {"
        "event.preventDefault(); event.stopPropagation()})"
    )
    guest.page.click("#go")

    assert shop.events() == [Sent("/a", OUTBOUND, {"url": f"{shop.elsewhere}/far"})]


@pytest.mark.parametrize(
    ("domains", "outbound"),
    [("localhost", False), ("example.org, localhost", False), ("host", True), ("", True)],
    ids=["named", "one of two", "the end of a name", "empty"],
)
def test_domain_that_the_tag_names_is_not_outbound(
    guest: Guest, shop: ModuleSite, domains: str, outbound: bool
) -> None:
    link = '<a href="http://localhost/far" class="go">x</a>'
    shop.page("/a", "links,clicks", link + MARK, attributes=f'data-domains="{domains}"')
    guest.goes("/a")
    clicks(guest)

    assert until_mark(guest) == [(OUTBOUND, {"url": "localhost/far"})] * outbound


@pytest.mark.parametrize(
    ("named", "told"),
    [("", ["/a/report.PDF", "/a/latest", "/image.iso"]), ("iso, img", ["/a/latest", "/image.iso"])],
    ids=["usual endings", "named endings"],
)
def test_download_is_told_by_host_and_path(
    guest: Guest, shop: ModuleSite, named: str, told: list[str]
) -> None:
    links = "".join(
        f'<a href="{address}" class="go">x</a>'
        for address in (
            "/a/report.PDF?for=anna#2",
            '/a/latest" download="',
            "/image.iso",
            "/a/pdf",
            "/a/report.pdf.html",
            "/a?file=report.pdf",
            'blob:nowhere" download="',
        )
    )
    attributes = f'data-downloads="{named}"' * bool(named)
    shop.page("/a", "downloads,clicks", links + MARK, attributes=attributes)
    guest.goes("/a")
    clicks(guest)

    assert until_mark(guest) == [(DOWNLOAD, {"url": shop.host + name}) for name in told]


@pytest.mark.parametrize(
    ("modules", "name"),
    [
        ("links,downloads", DOWNLOAD),
        ("downloads,links", DOWNLOAD),
        ("links", OUTBOUND),
        ("downloads", DOWNLOAD),
    ],
)
def test_foreign_file_counts_once(guest: Guest, shop: ModuleSite, modules: str, name: str) -> None:
    body = f'<a href="{shop.stats}/f.zip" class="go">x</a>{MARK}'
    shop.page("/a", f"{modules},clicks", body)
    guest.goes("/a")
    clicks(guest)

    assert until_mark(guest) == [(name, {"url": f"{shop.elsewhere}/f.zip"})]


PHONES = """
<p data-discreet-place="footer"><a href="tel:+4930123456"><b class="go">around</b></a></p>
<a href="tel:+4930123456" data-discreet-place="top" class="go">on the link</a>
<a href="tel:+4930123456" class="go">nowhere</a>
<a href="mailto:anna@example.org" class="go">mail</a>
<a href="/tel" class="go">a page</a>
<a href="sms:+4930123456" class="go">message</a>
"""


def test_phone_click_tells_the_place_and_never_the_number(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "phone,links,downloads,clicks", PHONES + MARK)
    guest.goes("/a")
    clicks(guest)

    told: list[dict[str, object]] = [{"place": "footer"}, {"place": "top"}, {}]
    assert until_mark(guest) == [("Phone Click", place) for place in told]


DECLARED = """
<div data-discreet-click="card"><b class="go">around</b></div>
<div data-discreet-click="card"><b data-discreet-click="buy" class="go">the nearest</b></div>
<div data-discreet-click=""><b class="go">without a name</b></div>
<div data-discreet="card"><b class="go">not declared</b></div>
"""


def test_click_is_told_of_declared_elements(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "clicks", DECLARED + MARK)
    guest.goes("/a")
    clicks(guest)

    assert until_mark(guest) == [("Click", {"element": name}) for name in ("card", "buy")]


def test_element_that_came_later_counts_too(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "links,clicks", MARK)
    guest.goes("/a")
    guest.does(
        "address => document.body.insertAdjacentHTML('beforeend',"
        f"`<a href='{shop.stats}/far' data-discreet-click='late' class='go'>late</a>`)"
    )
    clicks(guest)

    assert until_mark(guest) == [
        (OUTBOUND, {"url": f"{shop.elsewhere}/far"}),
        ("Click", {"element": "late"}),
    ]


ALL = ",".join(TAG_MODULES)
BUSY = """
<form id="f"><input name="a"><button type="button" data-discreet-click="x">x</button></form>
<a href="#part" data-discreet-place="y">y</a><b data-discreet-product="z">z</b>
"""


def test_modules_of_two_tags_and_of_a_second_load_tell_once(guest: Guest, shop: ModuleSite) -> None:
    link = f'<a href="{shop.stats}/far" class="go">x</a>'
    shop.page("/a", ALL, link + BUSY + MARK, tags=2)
    guest.goes("/a")
    guest.does(f"import('{shop.stats}/tag/{ALL}.js')")
    guest.does(f"import('{shop.stats}/tag/links,clicks.js')")
    clicks(guest)
    told = until_mark(guest)

    # In which of their ways the window was then hidden is no matter here.
    assert [one for one in told if one[0] in {OUTBOUND, "Product View"}] == [
        ("Product View", {"product": "z"}),
        (OUTBOUND, {"url": f"{shop.elsewhere}/far"}),
    ]


def test_all_modules_together_store_nothing_and_say_nothing(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", ALL, BUSY)
    guest.goes("/a")
    before = guest.does("Object.keys(window)")
    guest.page.fill("input", "secret")
    guest.page.click("text=x")
    guest.page.click("text=y")
    guest.page.mouse.move(10, 10)
    guest.does("history.pushState(0, '', '/b')")
    guest.does("addEventListener('click', () => 0)")

    assert [one.properties["how"] for one in shop.events(3) if one.name == "Page Left"]
    assert guest.stored() == ([0, 0, 0, "", ""], [])
    assert guest.does("Object.keys(window)") == before
    assert guest.noise == []
    assert "secret" not in str(shop.events())


@pytest.mark.parametrize(
    ("script", "loads"),
    [
        ("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {value: true})", 0),
        ("window.discreet = {told: false}", 0),
        ("0", 1),
    ],
    ids=["GPC", "consent refused", "nobody refused"],
)
def test_refused_visitor_loads_no_module(
    window: BrowserContext, guest: Guest, shop: ModuleSite, script: str, loads: int
) -> None:
    window.add_init_script(script)
    shop.page("/a", "clicks", MARK)
    guest.page.goto(f"{shop.origin}/a")
    guest.page.click("text=mark")
    guest.does("fetch('/after')")
    if loads:
        guest.settles()

    shop.until(lambda: "/after" in shop.paths)
    assert sum(path.startswith("/tag/") for path in shop.paths) == loads
