"""What the modules failures, search, products and vitals send, in a real Chromium."""

import pytest
from playwright.sync_api import Browser

from tests.collector.tag_modules.module_site import Answer, Guest, ModuleSite, Sent

FAILED = "Failed Resource"
LATE = "address => document.body.append(Object.assign(document.createElement('img'), {src: '%s'}))"
ADD = "document.body.insertAdjacentHTML('beforeend', '%s')"


def told(shop: ModuleSite, at_least: int) -> list[tuple[str, dict[str, object]]]:
    """Give what was sent, in no order: each browser loads in its own."""
    found = [(one.name, one.properties) for one in shop.events(at_least)]
    return sorted(found, key=str)


MISSING = {
    "/m.js": "script", "/m.css": "style", "/m.svg": "image", "/m.php": "image", "/m.woff2": "font",
    "/m.mp4": "media", "/m.html": "frame", "/m.obj": "other",
}  # fmt: skip


def test_files_that_could_not_be_loaded_are_told_with_their_kind(
    guest: Guest, shop: ModuleSite
) -> None:
    for path in MISSING:
        shop.answers[path] = Answer("missing", 404, "text/plain")
    shop.answers["/font.css"] = Answer(
        "@font-face {font-family: f; src: url(/m.woff2)} p {font-family: f}", 200, "text/css"
    )
    shop.page(
        "/a",
        "failures",
        '<p>text<img src="/m.svg?token=1#x"><img src="/m.php">'
        '<iframe src="/m.html"></iframe><object data="/m.obj"></object>'
        '<img src="/fine.svg"><img src="data:image/png;base64,broken">'
        '<iframe src="/fine"></iframe>',
        head='<link rel="stylesheet" href="/m.css"><link rel="stylesheet" href="/font.css">'
        '<script defer src="/m.js"></script>',
    )
    guest.goes("/a")
    # What of media failed before the module was there, no browser tells.
    guest.does(ADD % '<video src="/m.mp4"></video>')

    assert told(shop, len(MISSING)) == sorted(
        ((FAILED, {"url": shop.host + path, "kind": kind}) for path, kind in MISSING.items()),
        key=str,
    )


def test_file_that_fails_later_is_told_once(guest: Guest, shop: ModuleSite) -> None:
    shop.answers["/gone.png"] = shop.answers["/last.png"] = Answer("", 404, "text/plain")
    shop.page("/a", "failures")
    guest.goes("/a")
    for name in ("fine.svg", "gone.png", "gone.png?again", "last.png"):
        guest.does(LATE % f"/{name}")

    assert told(shop, 2) == [
        (FAILED, {"url": f"{shop.host}/gone.png", "kind": "image"}),
        (FAILED, {"url": f"{shop.host}/last.png", "kind": "image"}),
    ]


def test_file_of_a_host_that_is_not_there_is_told(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "failures")
    guest.goes("/a")
    # Port 1 is one that Chromium refuses to ask.
    guest.does(LATE % "http://127.0.0.1:1/x.png")

    assert shop.events() == [Sent("/a", FAILED, {"url": "127.0.0.1:1/x.png", "kind": "image"})]


def test_error_of_a_script_is_no_failed_file(guest: Guest, shop: ModuleSite) -> None:
    shop.answers["/gone.png"] = Answer("", 404, "text/plain")
    shop.page("/a", "failures")
    guest.goes("/a")
    guest.does("setTimeout(() => {throw new Error('x')})")
    guest.does("void document.body.dispatchEvent(new Event('error'))")
    guest.does("fetch('/gone.json').then(() => 0)")
    guest.does(LATE % "/gone.png")

    assert shop.events() == [Sent("/a", FAILED, {"url": f"{shop.host}/gone.png", "kind": "image"})]


@pytest.mark.parametrize(
    ("status", "head", "attributes", "missing"),
    [
        pytest.param(404, "", "", True, id="answer"),
        pytest.param(200, "", "", False, id="found"),
        pytest.param(410, "", "", False, id="another status"),
        pytest.param(
            200, '<meta name="discreet-status" content="404">', "", True, id="meta element"
        ),
        pytest.param(200, "", 'data-status="404"', True, id="attribute"),
        pytest.param(404, "", 'data-status="200"', False, id="attribute that denies it"),
    ],
)
def test_missing_page_is_told_by_its_path(
    guest: Guest,
    shop: ModuleSite,
    status: int,
    head: str,
    attributes: str,
    missing: bool,
) -> None:
    shop.page("/no/page", "failures,clicks", "<b data-discreet-click=x>x", head=head,
              status=status, attributes=attributes)  # fmt: skip
    guest.goes("/no/page?token=1")
    guest.page.click("text=x")

    found = [(one.name, one.properties) for one in shop.events(1 + missing)]
    assert found == [("404", {"path": "/no/page"})] * missing + [("Click", {"element": "x"})]


@pytest.mark.parametrize(
    ("status", "names"),
    [(404, ["404", "Failed Download"]), (410, ["Failed Download"])],
)
def test_page_in_place_of_a_file_is_a_failed_download(
    guest: Guest, shop: ModuleSite, status: int, names: list[str]
) -> None:
    shop.page("/a", "failures,downloads", '<a href="/f.pdf">x</a>')
    shop.page("/f.pdf", "failures,downloads", status=status)
    guest.goes("/a")
    guest.page.click("a")

    clicked, *failed = shop.events(1 + len(names))
    assert clicked == Sent("/a", "File Download", {"url": f"{shop.host}/f.pdf"})
    assert [one.name for one in failed] == names
    assert failed[-1] == Sent("/f.pdf", "Failed Download", {"url": f"{shop.host}/f.pdf"})


def test_file_that_a_script_failed_to_get_is_a_failed_download(
    guest: Guest, shop: ModuleSite
) -> None:
    for name in ("f.pdf", "last.pdf", "data.json"):
        shop.answers[f"/{name}"] = Answer("", 500, "text/plain")
    shop.page("/a", "failures,downloads")
    guest.goes("/a")
    for name in ("f.pdf", "data.json", "fine.pdf", "last.pdf"):
        guest.does(f"fetch('/{name}').then(() => 0)")

    assert shop.events(2) == [
        Sent("/a", "Failed Download", {"url": f"{shop.host}/f.pdf"}),
        Sent("/a", "Failed Download", {"url": f"{shop.host}/last.pdf"}),
    ]


RESULTS = '<p data-discreet-results="12">12 results'


@pytest.mark.parametrize(
    ("address", "named", "body", "told"),
    [
        ("?q=red+shoes", "", "", {"query": "red shoes"}),
        ("?page=2&search=caf%C3%A9", "", RESULTS, {"query": "café", "results": "12"}),
        ("?term=red", "t, term", RESULTS, {"query": "red", "results": "12"}),
        ("?q=red", "term", RESULTS, {}),
        ("?q=+", "", RESULTS, {}),
        ("?id=red", "", RESULTS, {}),
        ("", "", RESULTS, {}),
    ],
    ids=[
        "usual name", "another usual name", "named", "name that is not named", "empty", "no search",
        "no query",
    ],
)  # fmt: skip
def test_search_is_told_with_its_results(
    guest: Guest, shop: ModuleSite, address: str, named: str, body: str, told: dict[str, object]
) -> None:
    mark = "<b data-discreet-click=x>mark</b>"
    shop.page("/s", "search,clicks", mark + body, attributes=f'data-search="{named}"' * bool(named))
    guest.goes(f"/s{address}")
    guest.page.click("text=mark")

    found = [one.properties for one in shop.events(1 + bool(told)) if one.name == "Site Search"]
    assert found == ([told] if told else [])


def test_search_within_a_single_page_site_counts_once_for_each_term(
    guest: Guest, shop: ModuleSite
) -> None:
    shop.page("/s", "search")
    guest.goes("/s")
    guest.does("history.pushState(0, '', '?q=red')")
    guest.does("history.pushState(0, '', '?q=red&page=2')")
    guest.does("history.pushState(0, '', '?q=blue')")
    # As a framework would, once it has asked its server.
    guest.does("document.body.dataset.discreetResults = '3'")

    assert [one.properties for one in shop.events(2)] == [
        {"query": "red", "results": "3"},
        {"query": "blue", "results": "3"},
    ]


PRODUCT = "Product View"
SHOE = '<article data-discreet-product="shoe" data-discreet-category="red">'


def test_product_is_told_once_per_view_of_a_page(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "products", SHOE + SHOE + '<b data-discreet-product="">x</b>')
    guest.goes("/a")
    shop.events(1)
    # The same drawn anew, and another.
    guest.does(ADD % (SHOE + '<i data-discreet-product="sock"></i>'))
    shop.events(2)
    # An element taken over for another product, as frameworks do.
    guest.does("document.querySelector('i').dataset.discreetProduct = 'hat'")
    shop.events(3)
    # The products of the view before stand there until the next is drawn.
    guest.does("history.pushState(0, '', '/b')")
    guest.does(ADD % '<i data-discreet-product="cap"></i>')
    shop.events(4)
    guest.does(f"document.body.innerHTML = '{SHOE}'")

    assert shop.events(5) == [
        Sent("/a", PRODUCT, {"product": "shoe", "category": "red"}),
        Sent("/a", PRODUCT, {"product": "sock"}),
        Sent("/a", PRODUCT, {"product": "hat"}),
        Sent("/b", PRODUCT, {"product": "cap"}),
        Sent("/b", PRODUCT, {"product": "shoe", "category": "red"}),
    ]


VITALS = "Web Vitals"
PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def test_vitals_are_told_once_when_the_page_is_left(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "vitals", "<h1>Large</h1><button>x</button>")
    guest.goes("/a")
    guest.does(PAINTED)
    # A shift that follows no click: all goes down by a fifth of the window.
    guest.does("document.body.style.paddingTop = '100px'")
    guest.does(PAINTED)
    guest.page.click("button")
    guest.does(PAINTED)
    guest.page.goto(f"{shop.origin}/plain")

    (sent,) = shop.events()
    assert (sent.page, sent.name) == ("/a", VITALS)
    assert set(sent.properties) == {"lcp", "inp", "cls", "fcp", "ttfb", "response"}
    assert all(type(value) is int for value in sent.properties.values())
    values = {name: value for name, value in sent.properties.items() if isinstance(value, int)}
    assert 0 < values["fcp"] <= values["lcp"] < 10_000
    assert 0 <= values["ttfb"] <= values["fcp"]
    assert 0 < values["response"] <= values["fcp"]
    assert 0 < values["cls"] < 1000
    assert 0 < values["inp"] < 5000


def test_vitals_belong_to_the_page_that_was_loaded(guest: Guest, shop: ModuleSite) -> None:
    shop.page("/a", "vitals,leaving", "<h1>Large</h1>")
    guest.goes("/a")
    guest.does(PAINTED)
    guest.does("history.pushState(0, '', '#part')")
    guest.does("history.pushState(0, '', '/b')")
    guest.page.goto(f"{shop.origin}/plain")

    found = [(one.page, one.name) for one in shop.events(3)]
    assert sorted(found) == [("/a", "Page Left"), ("/a", VITALS), ("/b", "Page Left")]


def test_view_out_of_the_back_forward_cache_has_vitals_and_products_of_its_own(
    keeping_chromium: Browser, shop: ModuleSite
) -> None:
    shop.page("/a", "vitals,products", f"<h1>Large</h1>{SHOE}")
    guest = Guest(keeping_chromium.new_context(), shop)
    guest.goes("/a")
    guest.does("void (window.kept = true)")
    guest.page.goto(f"{shop.origin}/plain")
    guest.page.go_back(wait_until="commit")
    assert guest.does("window.kept") is True
    guest.does(PAINTED)
    guest.page.goto(f"{shop.origin}/plain")

    first, second = (one.properties for one in shop.events(4) if one.name == VITALS)
    assert "response" in first
    assert "response" not in second
    assert second["ttfb"] == 0
    assert [one.name for one in shop.events(4)].count(PRODUCT) == 2
