from datetime import date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from collector.live import LiveVisitors
from tests.dashboards.facts import Facts
from tests.dashboards.traffic import SITE, TRAFFIC
from tests.dashboards.views import Store
from tests.dashboards.windows import OpenWindow

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

    window.page.goto(f"{window.origin}/dashboard?period=today&report=pages")

    # A NUL cannot stand in a document: the parser ignores it (WHATWG HTML 13.2.6.4.7).
    shown = window.page.locator("tbody .label").evaluate_all("all => all.map(e => e.textContent)")
    assert shown == [word.replace("\x00", "") for word in HOSTILE_WORDS]
    for report in ("sources", "countries", "devices", "campaigns"):
        window.page.goto(f"{window.origin}/dashboard?period=today&report={report}")
        assert window.page.locator("tbody .label").count() == len(HOSTILE_WORDS), report
    window.page.goto(f"{window.origin}/dashboard?period=today")
    assert window.page.locator("iframe, base, main script, main img, main style").count() == 0
    assert window.page.locator(".refused tbody tr").count() == len(HOSTILE_WORDS)
    assert window.complaints == []
    assert window.elsewhere == []


_WITHIN = """selector => [...document.querySelectorAll(selector)]
  .map(each => each.getBoundingClientRect())
  .filter(({ width, left, right }) => width && (left < 0 || right > innerWidth)).length"""


@pytest.mark.usefixtures("stored")
def test_further_words_push_no_number_out_of_a_phone(open_window: OpenWindow) -> None:
    page = open_window(width=390).go("?period=last-month")

    numbers = "#group-campaigns tbody .number"
    assert page.locator(numbers).count() > 1
    assert page.evaluate(_WITHIN, numbers) == 0


@pytest.mark.usefixtures("stored")
def test_long_filter_stays_within_a_phone(open_window: OpenWindow) -> None:
    long = "/a-rather-long-name-of-a-page-that-goes-on-and-on/2026"
    page = open_window(width=390).go(f"?f=page:is:{long}&f=country:is:DE&f=source:is:Newsletter")

    assert page.evaluate(_WITHIN, ".chips, .chip, .chip a") == 0


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_pages_fit_their_window(open_window: OpenWindow, width: int) -> None:
    window = open_window(width=width)
    addresses = ("", "?period=today", "?period=12m&grain=day", "?report=sources", "?f=page:is:/a")

    for address in (*addresses, "?report=campaigns", "?lang=zh"):
        page = window.go(address)
        for menu in page.locator("details.menu > summary").all():
            menu.click()
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, (address, menu.inner_text())
            page.keyboard.press("Escape")
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
    page.locator('[data-measure="views"]').click()
    assert "measure=views" in page.url
    page.get_by_role("link", name="Entry pages", exact=True).last.click()
    assert "tab=entry_pages" in page.url
    page.locator('.panel:has([data-list="entry_pages"]) .more a').click()
    assert page.get_by_role("heading", level=1).inner_text() == "Entry pages"
    page.locator(".period summary").click()
    page.get_by_label("From").fill("2025-05-01")
    page.get_by_label("To").fill("2025-05-03")
    page.get_by_role("button", name="Show these days").click()
    assert page.locator(".days").inner_text() == "May 1\u2009–\u20093, 2025"
    page.locator(".menu:has(.person) summary").click()
    page.get_by_role("button", name="Log out").click()
    assert urlsplit(page.url).path == "/dashboard/login"
    assert window.complaints == []
    assert window.elsewhere == []


@pytest.mark.usefixtures("stored")
def test_every_report_is_two_clicks_away(open_window: OpenWindow) -> None:
    page = open_window().page
    reports = page.locator(".menu.wide a").evaluate_all("all => all.map(e => e.textContent)")

    assert len(reports) >= 13
    for number, title in enumerate(reports):
        page.locator(".menu.wide summary").click()
        page.locator(".menu.wide a").nth(number).click()
        assert page.get_by_role("heading", level=1).inner_text() == title


@pytest.mark.usefixtures("stored")
def test_chart_is_read_by_pointer_and_by_keys(open_window: OpenWindow) -> None:
    window = open_window()
    page = window.go("?period=yesterday&compare=none")
    visitors = TRAFFIC.hours(datetime(2025, 11, 3, 23), datetime(2025, 11, 4))[0]
    plot, reading = page.get_by_role("slider"), page.locator(".reading")

    plot.focus()
    page.keyboard.press("ArrowLeft")
    assert reading.inner_text() == f"23:00–23:59: {visitors} visitors"
    # What a screen reader says of it.
    assert plot.get_attribute("aria-valuetext") == reading.inner_text()
    assert plot.get_attribute("aria-valuenow") == plot.get_attribute("aria-valuemax") == "23"
    page.keyboard.press("Home")
    assert reading.inner_text().startswith("00:00–00:59: ")
    page.keyboard.press("ArrowRight")
    assert reading.inner_text().startswith("01:00–01:59: ")
    page.keyboard.press("Escape")
    assert reading.inner_text().startswith("Point at the chart")
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 12.5 / 24, box["y"] + 20)
    assert reading.inner_text().startswith("12:00–12:59: ")
    assert window.complaints == []


@pytest.mark.usefixtures("stored")
def test_compared_period_is_drawn_and_told(open_window: OpenWindow) -> None:
    window = open_window()
    page = window.go("?period=yesterday")
    before = TRAFFIC.hours(datetime(2025, 11, 2, 23), datetime(2025, 11, 3))[0]

    assert page.locator(".before path").first.get_attribute("d")
    assert page.locator(".legend").inner_text() == "Before: Sun, Nov 2, 2025"
    page.get_by_role("slider").press("End")
    assert page.locator(".reading").inner_text().endswith(f"; before: {before} visitors")
    page.locator(".compare summary").click()
    page.get_by_role("link", name="Nothing").click()
    assert page.locator(".before, .legend, .change").count() == 0


@pytest.mark.usefixtures("stored")
def test_grain_of_the_chart_is_chosen(open_window: OpenWindow) -> None:
    page = open_window().go("?period=7d")

    assert page.locator("g.point").count() == 7
    page.get_by_role("link", name="By hour").click()
    assert page.locator("g.point").count() == 7 * 24
    assert page.locator(".lined .line").count() == 1


@pytest.mark.usefixtures("stored")
def test_what_was_noted_stands_on_the_chart(open_window: OpenWindow) -> None:
    window = open_window()
    page = window.go(f"?site={SITE}", "/annotations")

    page.get_by_label("What was done").fill("Deploy <b>2.1</b>")
    page.get_by_label("When").fill("2025-11-03T12:00")
    page.get_by_role("button", name="Add annotation").click()
    page = window.go("?period=yesterday")

    assert page.locator(".mark").count() == 1
    assert page.locator(".mark line").get_attribute("x1") == "50.0%"
    assert page.locator(".marks li").inner_text().endswith("Nov 3, 2025 12:00 Deploy <b>2.1</b>")


@pytest.mark.usefixtures("stored")
def test_tab_changes_where_the_reader_is(open_window: OpenWindow) -> None:
    window = open_window()
    page = window.go("?period=7d")
    page.mouse.wheel(0, 600)
    page.wait_for_function("scrollY > 300")
    scrolled = page.evaluate("scrollY")

    page.locator(".tab-links").get_by_role("link", name="Exit pages").click()
    page.locator('[data-list="exit_pages"]').wait_for()

    assert page.evaluate("scrollY") == scrolled
    assert page.evaluate("document.activeElement.textContent") == "Exit pages"
    assert parse_qs(urlsplit(page.url).query)["tab"] == ["exit_pages"]
    page.reload()
    assert page.locator('[data-list="exit_pages"]').count() == 1
    assert window.complaints == []


@pytest.mark.usefixtures("stored")
def test_tab_of_a_session_that_is_over_goes_to_the_login(open_window: OpenWindow) -> None:
    window = open_window()
    page = window.go("?period=7d")

    page.context.clear_cookies()
    page.locator(".tab-links").get_by_role("link", name="Exit pages").click()

    page.wait_for_url("**/dashboard/login?*")
    assert "exit_pages" in page.url


@pytest.mark.usefixtures("stored")
def test_language_that_is_chosen_stays(open_window: OpenWindow) -> None:
    window = open_window()

    window.page.get_by_role("link", name="中文").first.click()
    assert window.page.locator("html").get_attribute("lang") == "zh"
    page = window.go("?period=today")
    assert page.locator("html").get_attribute("lang") == "zh"
    page.get_by_role("link", name="English").first.click()
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.usefixtures("stored")
def test_who_is_there_now_is_told_anew(open_window: OpenWindow, facts: Facts) -> None:
    facts.live = LiveVisitors(10, 14)
    window = open_window()
    window.page.clock.install()
    page = window.go()
    assert page.locator(".live-text").inner_text() == "10 to 14 visitors now"

    facts.live = LiveVisitors(15, 19)
    page.clock.run_for(31_000)

    page.get_by_text("15 to 19 visitors now").wait_for()
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

    for address in ("", "?period=today", "?report=pages", "?site=example.net", "?junk=1"):
        page.goto(f"{window.origin}/dashboard{address}")
        if not address.startswith("?junk"):
            page.locator(".period summary").click()
        measured: dict[str, float] = page.evaluate(CONTRASTS)
        assert {name: ratio for name, ratio in measured.items() if ratio < 4.5} == {}
        assert len(measured) > 2
    page.goto(f"{window.origin}/dashboard")
    page.locator(".menu:has(.person) summary").click()
    page.get_by_role("button", name="Log out").click()
    measured = page.evaluate(CONTRASTS)
    assert {name: ratio for name, ratio in measured.items() if ratio < 4.5} == {}
