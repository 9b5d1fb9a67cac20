"""A small made-up garden journal that carries the tag, to see a first visit counted.

All pages are written once, when the routes are made. They take nothing from a request.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

HERE = Path(__file__).parent

PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}

ASSETS = {
    "app.js": "text/javascript",
    "demo.css": "text/css",
    "demo.js": "text/javascript",
    "leaf.svg": "image/svg+xml",
}


class Article(Struct, frozen=True):
    """An article; its text stands in ``article_<slug>.html``, hyphens made underscores."""

    slug: str
    title: str
    teaser: str
    minutes: int


class PlannerView(Struct, frozen=True):
    """One view of the single-page planner, reached without loading a page."""

    slug: str
    title: str

    @property
    def path(self) -> str:
        """The view's own address, which the server answers too."""
        return f"/demo/app/{self.slug}" if self.slug else "/demo/app"


ARTICLES = (
    Article(
        "slow-compost",
        "In praise of slow compost",
        "A heap that nobody turns is not a lazy heap. It is a patient one.",
        3,
    ),
    Article(
        "counting-swifts",
        "How to count swifts",
        "You need the number of birds, not their names. An evening, a chair and a tally will do.",
        2,
    ),
    Article(
        "rain-barrel",
        "A rain barrel is a bank",
        "What one roof gives in a year, and how to keep it for July.",
        4,
    ),
)

PLANNER = (
    PlannerView("", "This week"),
    PlannerView("beds", "Beds"),
    PlannerView("seeds", "Seeds"),
)


def demo_routes(site: str) -> list[BaseRoute]:
    """Return the routes of the demo site, every page tagged for `site`."""
    templates = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined
    )
    templates.globals.update(site=site, articles=ARTICLES, planner=PLANNER)

    def page(path: str, template: str, **values: object) -> Route:
        html = templates.get_template(template).render(path=path, **values)
        return _get(path, HTMLResponse(html, headers=PAGE_HEADERS))

    return [
        page("/demo", "home.html"),
        page("/demo/articles", "articles.html"),
        *(
            page(
                f"/demo/articles/{article.slug}",
                f"article_{article.slug.replace('-', '_')}.html",
                article=article,
            )
            for article in ARTICLES
        ),
        page("/demo/pricing", "pricing.html"),
        page("/demo/about", "about.html"),
        *(page(view.path, "app.html", view=view) for view in PLANNER),
        *(_asset(name, media_type) for name, media_type in ASSETS.items()),
    ]


def _asset(name: str, media_type: str) -> Route:
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    response = Response((HERE / name).read_bytes(), headers=headers, media_type=media_type)
    return _get(f"/demo/static/{name}", response)


def _get(path: str, response: ASGIApp) -> Route:
    return Route(path, response, methods=["GET"])
