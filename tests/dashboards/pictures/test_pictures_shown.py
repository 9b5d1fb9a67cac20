"""What pictures show and don't: hostile names, small groups, texts; and how Chromium takes them."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from anonymizer.policy import Dimension
from dashboards.asking.filters import Is
from dashboards.pages import PAGE_HEADERS, static_file
from dashboards.pictures.gallery import PICTURES
from dashboards.reports.labels import OTHER
from tests.browsing import Serve
from tests.dashboards.pictures.days import HOSTILE, SECRET, Asked, texts_of
from tests.dashboards.pictures.reading import draw, html_of, read

AXE = Path(__file__).parent.parent / "node_modules" / "axe-core" / "axe.min.js"

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Picture</title>
<meta name="viewport" content="width=device-width">
<link rel="icon" href="/dashboard/static/icon.svg">
<link rel="stylesheet" href="/dashboard/static/dashboard.css">
<link rel="stylesheet" href="/dashboard/static/pictures.css"></head>
<body><main><h1>Picture</h1><section class="panel">{picture}</section></main></body></html>"""

SERIOUS = """async () => (await axe.run()).violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .map(({ id, nodes }) => `${id}: ${nodes[0].html}`)"""


@pytest.mark.parametrize("report", PICTURES)
def test_picture_asks_at_most_three_questions(asked: Asked, report: str) -> None:
    before = asked.questions
    draw(asked, report)

    assert asked.questions - before <= 3


@pytest.mark.parametrize("report", PICTURES)
def test_small_group_is_in_no_picture(asked: Asked, report: str) -> None:
    picture = draw(asked, report)

    told = [*texts_of(picture.drawn), html_of(picture, report)]
    for hidden in (SECRET, "Iceland", "tiny", OTHER, "Other small groups"):
        assert not any(hidden in text for text in told)


@pytest.mark.parametrize(
    "report", [each for each in PICTURES if each not in ("countries", "funnels", "email")]
)
def test_small_group_is_not_told_when_it_is_asked_for(asked: Asked, report: str) -> None:
    assert read(asked, report, Is(Dimension.PAGE, (SECRET,))) is None


class _Markup(HTMLParser):
    """Collects the names of elements and attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(name for name, _ in attrs)}
        assert not any((value or "").startswith("javascript") for _, value in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("report", PICTURES)
def test_hostile_names_are_text(asked: Asked, report: str) -> None:
    markup = _Markup(html_of(draw(asked, report), report))

    assert not markup.names & {"script", "b", "style", "foreignobject"}
    assert not any(name.startswith("on") for name in markup.names)
    if report not in ("countries", "funnels", "email"):
        assert HOSTILE in markup.text


@pytest.mark.parametrize("report", PICTURES)
def test_drawing_has_its_text_or_is_an_ornament(asked: Asked, report: str) -> None:
    html = html_of(draw(asked, report), report)

    for tag in re.findall(r"<svg[^>]*>", html):
        labels = re.search(r'role="img" aria-label="[^"]+"', tag)
        assert labels or 'aria-hidden="true"' in tag


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "dark"), (1440, "light")], ids=["narrow dark", "wide light"]
)
def test_browser_shows_every_picture_without_complaint(
    asked: Asked, chromium: Browser, serve: Serve, width: int, scheme: str
) -> None:
    # One of each template: the six of speed differ in their numbers alone.
    pictures = [(draw(asked, report), report) for report in PICTURES]
    drawn = {picture.template: (picture, report) for picture, report in pictures}
    pages = {report: html_of(picture, report) for picture, report in drawn.values()}
    origin = serve(_app(pages))
    context = chromium.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))

    found = {}
    for report in pages:
        page.goto(f"{origin}/{report}")
        page.evaluate(
            "document.querySelectorAll('details').forEach((each) => { each.open = true })"
        )
        page.evaluate(AXE.read_text("utf-8"))
        wide = page.evaluate("document.documentElement.scrollWidth")
        found[report] = [*page.evaluate(SERIOUS), *(["too wide"] if wide > width else [])]
    context.close()

    assert {report: faults for report, faults in found.items() if faults} == {}
    assert said == []


def _app(pages: dict[str, str]) -> Starlette:
    async def show(request: Request) -> Response:
        picture = pages[request.path_params["report"]]
        return HTMLResponse(PAGE.format(picture=picture), headers=PAGE_HEADERS)

    return Starlette(
        routes=[Route("/dashboard/static/{name}", static_file), Route("/{report}", show)]
    )
