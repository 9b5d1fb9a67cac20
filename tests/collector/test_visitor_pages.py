"""Pages for visitors: their language, their texts, and that they call nobody."""

import re
import string
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from starlette.datastructures import Headers
from starlette.requests import Request

from anonymizer.policy import Dimension, Policy
from anonymizer.policy_file import read_policy
from collector.reference import default_policy
from collector.schema.views import SHOWN_MEASURES
from collector.visitor_pages import (
    Language,
    VisitorPages,
    choose_language,
    fill,
    shipped_languages,
)
from tests.running import POLICY

LANGUAGES = shipped_languages()
ENGLISH = next(language for language in LANGUAGES if language.code == "en")
TEMPLATES = sorted(
    file.name.removesuffix(".html")
    for file in (files("collector") / "pages").iterdir()
    if file.name.endswith(".html") and file.name != "layout.html"
)
PAGE = {
    "signal": "",
    "refused": False,
    "unkept": False,
    "action": "/opt-out",
    "unasked": True,
    "covered": [],
    "uncovered": [],
    "sites": {},
    "purposes": [],
    "notes": [],
}


def policy_with(head: str = "", controller: str = "Example") -> Policy:
    text = POLICY.replace('"Example"', f'"{controller}"').replace("[policy]\n", f"[policy]\n{head}")
    return read_policy(text, default_policy())


def get(query: str = "", accept: str | None = None) -> Request:
    headers = [] if accept is None else [(b"accept-language", accept.encode())]
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/opt-out",
            "query_string": query.encode(),
            "headers": headers,
        }
    )


def placeholders(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


def every_text(language: Language) -> dict[str, str]:
    return {
        f"{section}.{key}": text
        for section, texts in language.texts.items()
        for key, text in texts.items()
    }


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_every_language_has_every_text_with_the_same_placeholders(language: Language) -> None:
    ours, english = every_text(language), every_text(ENGLISH)

    assert ours.keys() == english.keys()
    for key, text in ours.items():
        assert text.strip(), key
        assert placeholders(text) == placeholders(english[key]), key


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_every_page_dimension_and_measure_has_texts(language: Language) -> None:
    assert language.texts.keys() >= {*TEMPLATES, "layout"}
    assert language.texts["dimensions"].keys() == set(Dimension)
    assert language.texts["dimension_notes"].keys() == set(Dimension)
    assert language.texts["measures"].keys() == set(SHOWN_MEASURES)


def test_a_key_that_a_dictionary_has_as_a_method_is_no_text() -> None:
    # A template would get the method in its stead.
    taken = {name for name in dir(dict) if not name.startswith("_")}

    assert not [key for key in every_text(ENGLISH) if key.split(".")[1] in taken]


def test_chinese_has_full_width_marks_between_its_characters() -> None:
    han = r"[㐀-鿿”}]"
    chinese = next(language for language in LANGUAGES if language.code == "zh")

    assert not [
        key
        for key, text in every_text(chinese).items()
        if re.search(rf"{han}[,;:?!]|[,;:?!]{han.replace('}', '')}", text)
    ]


def test_missing_text_fails_the_page() -> None:
    pages = VisitorPages(policy_with())
    texts = {
        section: {key: text for key, text in texts.items() if key != "refuse"}
        for section, texts in ENGLISH.texts.items()
    }
    assert pages.render(get(), "opt_out.html", PAGE).status_code == 200

    pages.languages = (Language("en", "en", "English", texts),)

    with pytest.raises(UndefinedError, match="refuse"):
        pages.render(get(), "opt_out.html", PAGE)


@pytest.mark.parametrize(
    ("accept", "code"),
    [
        pytest.param(None, "en", id="no header"),
        pytest.param("", "en", id="empty"),
        pytest.param("zh", "zh", id="Chinese"),
        pytest.param("zh-CN,zh;q=0.9,en;q=0.8", "zh", id="China"),
        pytest.param("zh-TW", "zh", id="Taiwan"),
        pytest.param("zh-Hant-HK", "zh", id="Hong Kong with its script"),
        pytest.param("ZH-cn", "zh", id="any case"),
        pytest.param("zhuang", "en", id="only begins alike"),
        pytest.param("en-GB,en;q=0.9,zh;q=0.8", "en", id="English before Chinese"),
        pytest.param("en;q=0.5, zh;q=0.9", "zh", id="weight before order"),
        pytest.param("zh;q=0.5,en;q=0.5", "zh", id="order among equals"),
        pytest.param("de,fr;q=0.9,zh;q=0.1", "zh", id="the only one there is"),
        pytest.param("de-DE,de;q=0.9", "en", id="none there is"),
        pytest.param("*", "en", id="any"),
        pytest.param("de,*;q=0.5", "en", id="any at last"),
        pytest.param("en;q=0,*", "zh", id="any but English"),
        pytest.param("zh;q=0", "en", id="not Chinese"),
        pytest.param("en;q=0,zh;q=0", "en", id="none of all"),
        pytest.param("zh;q=2,en", "en", id="no such weight"),
        pytest.param("zh;q=x,en;q=0.1", "en", id="no weight"),
        pytest.param("zh ; q=0.9 , en;q=0.8", "zh", id="spaces"),
        pytest.param(";;,=,zh", "zh", id="rubbish beside"),
    ],
)
def test_accept_language_chooses(accept: str | None, code: str) -> None:
    assert VisitorPages(policy_with()).language_of(get(accept=accept)).code == code


@pytest.mark.parametrize(
    ("head", "query", "accept", "code"),
    [
        pytest.param("", "lang=zh", "en", "zh", id="asked for before the browser's"),
        pytest.param("", "lang=xx", "zh", "zh", id="no language asked for"),
        pytest.param("", "lang=../en", None, "en", id="no folder either"),
        pytest.param('languages = ["zh-CN"]\n', "", "de", "zh", id="the policy's first"),
        pytest.param('languages = ["zh-CN"]\n', "", "en", "en", id="a shipped one beside"),
        pytest.param('languages = ["de", "zh"]\n', "", None, "zh", id="its first that is shipped"),
        pytest.param('languages = ["de"]\n', "", None, "en", id="none that is shipped"),
    ],
)
def test_language_is_the_address_s_then_the_browser_s_then_the_policy_s(
    head: str, query: str, accept: str | None, code: str
) -> None:
    assert VisitorPages(policy_with(head)).language_of(get(query, accept)).code == code


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_no_accept_language_breaks_the_choice(value: str) -> None:
    headers = Headers(raw=[(b"accept-language", value.encode("latin-1"))])

    assert choose_language(headers, LANGUAGES) in LANGUAGES


def test_page_permits_its_own_style_and_nothing_else() -> None:
    answer = VisitorPages(policy_with()).render(get("lang=zh"), "opt_out.html", PAGE)
    html = bytes(answer.body).decode()
    (style,) = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()

    assert answer.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert "Set-Cookie" not in answer.headers
    assert "<script" not in html
    assert not re.search(r'(src|href|action)="(https?:)?//', html)
    assert not re.search(r'\s(on\w+|style)="', html)


def test_page_says_its_language_and_what_it_depends_on() -> None:
    answer = VisitorPages(policy_with()).render(
        get(accept="zh-TW"), "opt_out.html", PAGE, vary=("DNT",)
    )

    assert answer.headers["Content-Language"] == "zh-Hans"
    assert b'<html lang="zh-Hans">' in answer.body
    assert answer.headers["Vary"] == "DNT, Accept-Language"
    assert (answer.headers["Cache-Control"], answer.headers["Tk"]) == ("no-store", "N")


def test_what_the_policy_says_is_text_and_no_markup() -> None:
    pages = VisitorPages(policy_with(controller="<b>A & B</b>"))

    html = bytes(pages.render(get(), "opt_out.html", PAGE).body).decode()

    assert "<b>" not in html
    assert "&lt;b&gt;A &amp; B&lt;/b&gt; counts" in html
    assert fill("{a} < b", a="<i>") == "&lt;i&gt; &lt; b"
