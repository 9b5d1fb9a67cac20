from collections.abc import Callable, Iterator
from datetime import date, datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from starlette.applications import Starlette

from tests.browsing import Serve
from tests.dashboards.reader import PASSWORD
from tests.dashboards.traffic import SITE, TRAFFIC
from tests.dashboards.views import Store

HOSTILE_WORDS = [
    "/<script>alert(1)</script>",
    "/<img src=x onerror=alert(1)>",
    '/"><svg onload=alert(1)>',
    "/' autofocus onfocus='alert(1)",
    "</table></main><iframe src=https://evil.example>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "<!-- --!><b>bold",
    "]]><style>*{display:none}</style>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "/\u202egnp.exe",
    "/" + "long" * 500,
    '<base href="https://evil.example/">',
    '<link rel=stylesheet href="//evil.example/x.css">',
    "/\x00\x1b[31m",
    "/\N{PILE OF POO}/ä",
]


class Watched:
    """A browser window that remembers what went wrong in it and where it went."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.page: Page = context.new_page()
        self.origin = origin
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        context.on("request", lambda request: self._note(request.url))

    def log_in(self) -> None:
        self.page.goto(f"{self.origin}/dashboard")
        self.page.fill("#name", "owner")
        self.page.fill("#password", PASSWORD)
        self.page.click("button")

    def _note(self, address: str) -> None:
        parts = urlsplit(address)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.elsewhere.append(address)


OpenWindow = Callable[..., Watched]


@pytest.fixture
def open_window(chromium: Browser, serve: Serve, app: Starlette) -> Iterator[OpenWindow]:
    contexts: list[BrowserContext] = []
    origin = serve(app)

    def open_window(scripts: bool = True, width: int = 1200, scheme: str = "light") -> Watched:
        context = chromium.new_context(
            java_script_enabled=scripts,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        contexts.append(context)
        window = Watched(context, origin)
        window.log_in()
        return window

    yield open_window
    for context in contexts:
        context.close()


def test_hostile_words_are_shown_as_they_are(store: Store, open_window: OpenWindow) -> None:
    day = date(2025, 11, 4)
    many = range(len(HOSTILE_WORDS), 0, -1)
    words = list(zip(HOSTILE_WORDS, many, strict=True))
    sums = (9, 9, 9, 9)
    store.add("traffic", [(SITE, datetime(2025, 11, 4, 9), 9, *sums)])
    store.add("pages", [(SITE, day, day.replace(day=1), word, n, n) for word, n in words])
    store.add("sources", [(SITE, day, day.replace(day=1), word, n, *sums) for word, n in words])
    store.add("countries", [(SITE, day, day.replace(day=1), word, n, *sums) for word, n in words])
    store.add(
        "devices",
        [(SITE, day, day.replace(day=1), word, word, word, n, *sums) for word, n in words],
    )
    store.add(
        "campaigns",
        [(SITE, day, day.replace(day=1), word, word, word, n, *sums) for word, n in words],
    )
    store.add("coverage", [(SITE, day, word, word, n) for word, n in words])
    window = open_window()

    window.page.goto(f"{window.origin}/dashboard?period=today&panel=pages")

    # A NUL cannot stand in a document: the parser ignores it (WHATWG HTML 13.2.6.4.7).
    shown = window.page.locator("tbody .label").evaluate_all("all => all.map(e => e.textContent)")
    assert shown == [word.replace("\x00", "") for word in HOSTILE_WORDS]
    for panel in ("sources", "countries", "devices", "campaigns"):
        window.page.goto(f"{window.origin}/dashboard?period=today&panel={panel}")
        assert window.page.locator("tbody .label").count() == len(HOSTILE_WORDS)
    window.page.goto(f"{window.origin}/dashboard?period=today")
    assert window.page.locator("iframe, base, main script, main img, main style").count() == 0
    assert window.page.locator(".refused tbody tr").count() == len(HOSTILE_WORDS)
    assert window.complaints == []
    assert window.elsewhere == []


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("width", [320, 390, 768, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_their_window(open_window: OpenWindow, width: int, scheme: str) -> None:
    window = open_window(width=width, scheme=scheme)

    for address in ("", "?period=today", "?period=90d", "?panel=sources", "?site=example.net"):
        window.page.goto(f"{window.origin}/dashboard{address}")
        window.page.locator(".period summary").click()
        over = window.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, address
    assert window.complaints == []
    assert window.elsewhere == []


@pytest.mark.usefixtures("stored")
def test_everything_works_without_scripts(open_window: OpenWindow) -> None:
    window = open_window(scripts=False)
    page = window.page

    page.locator(".period summary").click()
    page.get_by_role("link", name="Yesterday").click()
    assert page.locator("g.point").count() == 24
    page.get_by_text("Numbers as a table").click()
    assert page.locator(".numbers tbody tr").count() == 24
    page.get_by_role("link", name="Views", exact=False).first.click()
    assert "measure=views" in page.url
    page.get_by_text("Entry pages", exact=True).click()
    assert page.locator('[data-list="entry_pages"]').is_visible()
    assert not page.locator('[data-list="pages"]').is_visible()
    page.locator('[data-list="entry_pages"] .more a').click()
    assert page.get_by_role("heading", level=1).inner_text() == "Entry pages"
    page.locator(".period summary").click()
    page.get_by_label("From").fill("2025-05-01")
    page.get_by_label("To").fill("2025-05-03")
    page.get_by_role("button", name="Show these days").click()
    assert page.locator(".days").inner_text() == "1–3 May 2025"
    page.get_by_role("button", name="Log out").click()
    assert urlsplit(page.url).path == "/dashboard/login"
    assert window.complaints == []
    assert window.elsewhere == []


@pytest.mark.usefixtures("stored")
def test_chart_is_read_by_pointer_and_by_keys(open_window: OpenWindow) -> None:
    window = open_window()
    page = window.page
    page.goto(f"{window.origin}/dashboard?period=yesterday")
    visitors = TRAFFIC.hours(datetime(2025, 11, 3, 23), datetime(2025, 11, 4))[0]
    plot, reading = page.locator("svg.bars"), page.locator(".reading")

    plot.focus()
    page.keyboard.press("ArrowLeft")
    assert reading.inner_text() == f"23:00–23:59: {visitors} visitors"
    page.keyboard.press("Home")
    assert reading.inner_text().startswith("00:00–00:59: ")
    page.keyboard.press("ArrowRight")
    assert reading.inner_text().startswith("01:00–01:59: ")
    page.keyboard.press("Escape")
    assert reading.inner_text().startswith("Point at a bar")
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 12.5 / 24, box["y"] + 20)
    assert reading.inner_text().startswith("12:00–12:59: ")
    assert window.complaints == []


@pytest.mark.usefixtures("stored")
def test_menu_closes_by_escape_and_by_a_click_beside_it(open_window: OpenWindow) -> None:
    page = open_window().page
    menu = page.locator(".period .menu-body")

    page.locator(".period summary").click()
    assert menu.is_visible()
    page.keyboard.press("Escape")
    assert not menu.is_visible()
    page.locator(".period summary").click()
    page.mouse.click(5, 500)
    assert not menu.is_visible()


@pytest.mark.usefixtures("stored")
def test_first_tab_skips_to_the_figures(open_window: OpenWindow) -> None:
    page = open_window().page

    # A window that has just opened may not have the keyboard yet, and then a key is lost.
    page.bring_to_front()
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement !== document.body"):
            break
    assert page.evaluate("document.activeElement.textContent") == "Skip to the figures"
    assert page.locator(".skip").bounding_box()["y"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


CONTRASTS = """() => {
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => {
      c /= 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return Array.from(canvas.getImageData(0, 0, 1, 1).data);
  };
  const behind = element => {
    const bar = element.closest("tbody th")?.querySelector(".bar");
    if (bar) return paint(getComputedStyle(bar).fill);
    for (let e = element; e; e = e.parentElement) {
      const colour = paint(getComputedStyle(e).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = {};
  for (const element of document.querySelectorAll("body *")) {
    const own = Array.from(element.childNodes).some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !element.checkVisibility({ visibilityProperty: true })) continue;
    const style = getComputedStyle(element);
    const svg = element instanceof SVGElement;
    const [one, other] = [paint(svg ? style.fill : style.color), behind(element)].map(light);
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const name = `${element.tagName} ${element.getAttribute("class") ?? ""}`;
    found[name] = Math.min(found[name] ?? 99, ratio);
  }
  return found;
}"""


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(open_window: OpenWindow, scheme: str) -> None:
    """Hold every text to the ratio of WCAG 2.2, success criterion 1.4.3."""
    window = open_window(scheme=scheme)
    page = window.page

    for address in ("", "?period=today", "?panel=pages", "?site=example.net", "?junk=1"):
        page.goto(f"{window.origin}/dashboard{address}")
        if not address.startswith("?junk"):
            page.locator(".period summary").click()
        measured: dict[str, float] = page.evaluate(CONTRASTS)
        assert {name: ratio for name, ratio in measured.items() if ratio < 4.5} == {}
        assert len(measured) > 2
    page.goto(f"{window.origin}/dashboard")
    page.get_by_role("button", name="Log out").click()
    measured = page.evaluate(CONTRASTS)
    assert {name: ratio for name, ratio in measured.items() if ratio < 4.5} == {}
