"""The one way pages for visitors are rendered: in their language, with nothing that calls out.

A page is a template of ``pages/`` and a section of texts in every language,
``pages/texts/LANGUAGE/NAME.toml`` for ``NAME.html``. It sets no cookie and loads
nothing: its style stands in it, and no script is needed.
"""

import re
import tomllib
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from msgspec import Struct
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse

from anonymizer.policy import Policy

Texts = Mapping[str, Mapping[str, str]]
"""Section → key → text; a text may hold ``{names}`` that a page fills in."""

_MAX_ACCEPT_LANGUAGE = 1_000  # browsers send a few dozen characters
_LANGUAGE_RANGE = re.compile(  # RFC 9110 sections 12.4.2 and 12.5.4, RFC 4647 section 2.1
    r"\s*(?P<range>\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*"
    r"(?:;\s*[qQ]\s*=\s*(?P<q>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?"
)


class Language(Struct, frozen=True):
    """One language that pages are written in."""

    code: str
    """As ``?lang=`` has it; a folder of ``pages/texts``."""
    tag: str
    """As the ``lang`` attribute has it (BCP 47)."""
    name: str
    """In the language itself."""
    texts: Texts


class VisitorPages:
    """The pages of one collector under its policy."""

    def __init__(self, policy: Policy) -> None:
        self._controller = policy.controller
        self.contact = policy.contact
        """Where visitors write to, as the policy has it."""
        shipped = {language.code: language for language in shipped_languages()}
        codes = (tag.split("-")[0].lower() for tag in policy.languages)
        first = [shipped[code] for code in dict.fromkeys(codes) if code in shipped]
        rest = [language for language in shipped.values() if language not in first]
        self.languages: Sequence[Language] = (*first, *rest)
        """Every shipped language, those of the policy first."""

    def language_of(self, request: Request) -> Language:
        """Choose by ``?lang=``, else Accept-Language, else the policy's order."""
        asked = request.query_params.get("lang")
        for language in self.languages:
            if language.code == asked:
                return language
        return choose_language(request.headers, self.languages)

    def render(
        self,
        request: Request,
        template: str,
        values: Mapping[str, object],
        *,
        status: int = 200,
        vary: Iterable[str] = (),
    ) -> HTMLResponse:
        """Render a template of ``pages/`` in the reader's language; no cache keeps it.

        It sees `values`; `text`, the section of its own name; `texts`, all sections;
        `language`; and the filter `fill`. `vary` names what else the answer depends on,
        such as ``DNT``.
        """
        language = self.language_of(request)
        html = (
            _templates()
            .get_template(template)
            .render(
                {
                    **values,
                    "text": language.texts[template.removesuffix(".html")],
                    "texts": language.texts,
                    "language": language,
                    "languages": self.languages,
                    "controller": self._controller,
                    "path": request.url.path,
                }
            )
        )
        headers = {
            "Content-Language": language.tag,
            "Vary": ", ".join((*vary, "Accept-Language")),
            "Tk": "N",
            **_page_headers(),
        }
        return HTMLResponse(html, status, headers)


def choose_language(headers: Headers, languages: Sequence[Language]) -> Language:
    """Return the language that Accept-Language prefers; the first where it names none.

    ``zh-TW`` is served ``zh`` (RFC 4647 section 3.4, lookup). A part that can't be read
    is passed over, and a language with ``q=0`` is not chosen for a ``*``.
    """
    header = ",".join(headers.getlist("accept-language"))[:_MAX_ACCEPT_LANGUAGE]
    weights: dict[str, float] = {}
    for part in header.split(","):
        found = _LANGUAGE_RANGE.fullmatch(part)
        if found:
            code = found["range"].split("-")[0].lower()
            weight = 1.0 if found["q"] is None else float(found["q"])
            weights[code] = max(weight, weights.get(code, 0.0))
    others = weights.get("*", 0.0)
    # Equal weights keep the order of the header; what `*` brings comes after them.
    named = list(weights)
    ranked = sorted(
        languages,
        key=lambda language: (
            -weights.get(language.code, others),
            named.index(language.code) if language.code in weights else len(named),
        ),
    )
    best = ranked[0]
    return best if weights.get(best.code, others) > 0 else languages[0]


@cache
def shipped_languages() -> tuple[Language, ...]:
    """Read the texts of every language, by the order of their codes."""
    folders = sorted(_pages().joinpath("texts").iterdir(), key=lambda folder: folder.name)
    return tuple(_read_language(folder) for folder in folders if folder.is_dir())


def _read_language(folder: Traversable) -> Language:
    texts = {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }
    layout = texts["layout"]
    return Language(folder.name, layout["language_tag"], layout["language_name"], texts)


def fill(text: str, **values: object) -> Markup:
    """Put values into a text's ``{names}``; both are escaped, but for markup made here."""
    return escape(text).format(**values)


@cache
def _page_headers() -> Mapping[str, str]:
    style = b64encode(sha256(_style().encode()).digest()).decode()
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{style}'; img-src data:; "
            "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        ),
        # Not no-referrer, with which a browser posts a form under `Origin: null`.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


@cache
def _style() -> Markup:
    # Markup, since it stands inside <style>, where nothing is unescaped.
    return Markup(_pages().joinpath("visitor.css").read_text("utf-8"))  # noqa: S704


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("collector", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["style"] = _style()
    templates.filters["fill"] = fill
    return templates


def _pages() -> Traversable:
    return resources.files("collector") / "pages"
