"""What readers see in their own language: sentences, numbers, dates, and which language it is."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from starlette.requests import Request

from anonymizer.hits import SiteId
from collector.data_dir import DataDir
from collector.doctor import examination, store_checks
from collector.doctor.dictionary import Suspects
from collector.doctor.examination import Dictionary, examine
from collector.doctor.telling import Layout
from dashboards.mailed.writing import write_report
from dashboards.privacy.promises import CHECKS
from dashboards.reports.declared import reports_by_id
from dashboards.words import LANGUAGES, language_of, words_in
from people.roles import Role
from tests.dashboards.every_word import POLICY, SITE, Site, every_word, known_facts
from tests.dashboards.reader import NOW, PASSWORD, Reader, enrol
from tests.laws.test_law1_doctor import Silent
from tools import catalogue

EN, ZH = words_in("en"), words_in("zh")

SENTENCES = catalogue.sentences()
WORD = re.compile(r"[A-Za-z]{2,}")
NAMES = frozenset(
    WORD.findall(
        "AI API Apple Arrow Berlin CLS CSV Cookie DNT Discreet Europe FCP GET GPC Gmail Host INP"
        " JSON JWT LCP Parquet SHA SQL TTFB Token URL UTC UUID WAL Web YYYY MM DD Yahoo arrow com"
        " csv discreet doctor empty example head https journald json lisa log org owner parquet"
        " privacy user www zh"
    )
)
"""What has no other name in Chinese, and names that these tests give."""
AS_DECLARED = {
    "events": " ".join(POLICY.events),
    "event_properties": " ".join(
        f"{name} {each.name} {' '.join(each.values)}"
        for name, event in POLICY.events.items()
        for each in event.properties
    ),
    "/privacy": " ".join(f"{each.id} {each.clause}" for each in POLICY.purposes),
}
"""Words of the policy that stand as they are, by the end of an address."""

DAYS = "period=7d"
PAGES = (
    "/dashboard",
    "/dashboard?period=today",
    "/dashboard?period=12m&measure=bounce_rate&compare=none",
    "/dashboard?period=custom&from=2025-10-20&to=2025-10-26&grain=hour",
    "/dashboard?period=custom&from=2024-10-20&to=2024-10-26",
    "/dashboard?site=empty.example",
    "/dashboard?f=page:is:/&f=country:contains:C",
    "/dashboard?f=page:is:/&f=browser:is_not:甲&f=os:is:乙",
    "/dashboard?report=pages&search=没有",
    "/dashboard?report=languages&f=page:is:/",
    "/dashboard?report=nothing",
    "/dashboard?period=custom&from=1999-01-01&to=2026-13-01",
    "/dashboard/audit",
    "/dashboard/annotations",
    "/dashboard/shares",
    "/dashboard/people",
    "/dashboard/people?user=owner",
    "/dashboard/people?user=nobody",
    "/dashboard/privacy",
    "/dashboard/privacy/statistics",
    "/dashboard/export?report=pages&format=xml",
    "/dashboard/static/nothing",
    "/shared/nothing",
    *(f"/dashboard?{DAYS}&report={id_}" for id_ in reports_by_id(POLICY)),
)


class Shown(HTMLParser):
    """The texts of a page and of what it says to screen readers, but those in another language."""

    _SAID = ("alt", "aria-label", "data-rest", "placeholder", "title")
    _UNSAID = frozenset({"code", "pre", "script", "style"})
    _CLOSED = frozenset({"circle", "img", "input", "line", "link", "meta", "path", "rect"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._within: list[tuple[str, bool]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: text or "" for name, text in attrs}
        is_shown = self._is_shown and tag not in self._UNSAID
        is_shown = given.get("lang", "zh") == "zh" if "lang" in given else is_shown
        if tag not in self._CLOSED:
            self._within.append((tag, is_shown))
        if is_shown:
            self.texts += [given[name] for name in self._SAID if given.get(name)]

    def handle_endtag(self, tag: str) -> None:
        while self._within and tag not in self._CLOSED and self._within.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._is_shown and data.strip():
            self.texts.append(data.strip())

    @property
    def _is_shown(self) -> bool:
        return not self._within or self._within[-1][1]


def not_chinese(page: str, allowed: str = "") -> list[str]:
    """Return the texts that hold English words, or a colon or comma of English after Chinese."""
    known = NAMES | set(WORD.findall(allowed))
    return [
        text
        for text in Shown(page).texts
        if not known.issuperset(WORD.findall(text)) or re.search(r"[\u4e00-\u9fff][:;,.]", text)
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with every_word(tmp_path_factory.mktemp("site"), known_facts()) as site:
        yield site


@pytest.fixture(scope="module")
def chinese(site: Site) -> Iterator[Reader]:
    """Give the owner, who has chosen Chinese."""
    reader = Reader(site.app)
    assert reader.try_login("owner", PASSWORD).status_code == 303
    reader.get("/dashboard?lang=zh")
    yield reader
    reader.close()


@pytest.fixture
def stranger(site: Site) -> Iterator[Reader]:
    """Give a reader whose browser asks for Chinese."""
    reader = Reader(site.app)
    reader._client.headers["Accept-Language"] = "zh-CN,zh;q=0.9,en;q=0.8"
    yield reader
    reader.close()


@pytest.mark.parametrize("language", catalogue.LOCALES)
def test_every_sentence_is_translated_and_none_is_left_over(language: str) -> None:
    assert list(catalogue.faults_of(catalogue.read_catalogue(language), SENTENCES)) == []


@pytest.mark.parametrize("language", catalogue.LOCALES)
def test_catalogue_is_as_its_tool_writes_it(language: str) -> None:
    written = catalogue.write(catalogue.read_catalogue(language), language, SENTENCES)

    assert (catalogue.CATALOGUES / f"{language}.po").read_text("utf-8") == written


def test_every_language_but_english_has_a_catalogue() -> None:
    assert set(catalogue.LOCALES) == set(LANGUAGES) - {"en"}


@pytest.mark.parametrize(
    ("translated", "flags", "fault"),
    [
        pytest.param("{count} 位访客", (), "", id="translated"),
        pytest.param("", (), "not translated: {count} visitors", id="empty"),
        pytest.param(None, (), "not translated: {count} visitors", id="missing"),
        pytest.param("{count} 位访客", ("fuzzy",), "fuzzy: {count} visitors", id="fuzzy"),
        pytest.param("访客", (), "other values than in English: {count} visitors", id="value lost"),
        pytest.param(
            "{number} 位访客",
            (),
            "other values than in English: {count} visitors",
            id="value of another name",
        ),
    ],
)
def test_faults_of_a_catalogue_are_told(
    translated: str | None, flags: tuple[str, ...], fault: str
) -> None:
    held = Catalog()
    if translated is not None:
        held.add("{count} visitors", translated, flags=flags)

    found = list(catalogue.faults_of(held, {"{count} visitors": ["dashboards/live.py"]}))
    assert found == [fault] * bool(fault)


def test_sentence_of_no_use_is_told_and_what_is_translated_stays() -> None:
    held = Catalog()
    held.add("Pages", "页面")
    held.add("Nothing like any other sentence", "无")
    found = {"Pages": ["dashboards/a.py"], "Sources": ["dashboards/a.py"]}

    text = catalogue.write(held, "zh", found)
    assert '#: dashboards/a.py\nmsgid "Pages"\nmsgstr "页面"' in text
    assert 'msgid "Sources"\nmsgstr ""' in text
    assert list(catalogue.faults_of(held, found)) == [
        "not translated: Sources",
        "of no use: Nothing like any other sentence",
    ]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param('words("A {b}", b=1)', ["A {b}"], id="words"),
        pytest.param('reader.words("A")', ["A"], id="words of a reader"),
        pytest.param('X = {1: message("A" " b")}', ["A b"], id="marked"),
        pytest.param(
            'words.count("{count} a", "{count} as", n)', ["{count} a", "{count} as"], id="pair"
        ),
        pytest.param('"abc".count("b")', [], id="other count"),
        pytest.param("words(TITLES[name])", [], id="marked elsewhere"),
        pytest.param('say("A")', [], id="no words"),
    ],
)
def test_sentences_are_found_in_python(source: str, found: list[str]) -> None:
    assert list(catalogue._of_python(source)) == found


def test_sentences_are_found_in_templates() -> None:
    template = """{% extends "x" %}{% block title %}{{ _("A") }}{% endblock %}
    <p title="{{ _('B {c}', c=_.number(1)) }}">{% if a %}{{ _.count("{count} d", "{count} ds", n) }}
    {% endif %}{% macro m(_) %}{{ _("E") }}{% endmacro %}{{ m(_) }} {{ _(sentence) }}</p>"""

    assert set(catalogue._of_template(template)) == {"A", "B {c}", "{count} d", "{count} ds", "E"}


@pytest.mark.parametrize("address", PAGES)
def test_page_in_chinese_has_no_english_left(chinese: Reader, address: str) -> None:
    page = chinese.get(address).text
    allowed = [words for end, words in AS_DECLARED.items() if address.endswith(end)]

    assert '<html lang="zh">' in page
    assert not_chinese(page, " ".join(allowed)) == []


def test_names_of_checks_are_those_of_the_doctor(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("")
    layout = Layout((), ())
    found = examine(DataDir(tmp_path), Dictionary(), {"log": tmp_path / "log"}, Silent())
    named = {verdict.check for verdict in found} | {
        store_checks.check_tables(layout, None).check,
        store_checks.check_columns(layout).check,
        store_checks.check_words(store_checks.Words(Suspects(), Counter(), set())).check,
        store_checks.check_small_groups(lambda _: b"[0, 0]", {}).check,
        examination._GUESSES,
    }

    assert named == set(CHECKS)


def test_leftover_english_is_seen() -> None:
    page = '<html lang="zh"><p title="Visits">访问 <code>x is</code></p><a lang="en">English</a>'

    assert not_chinese(page) == ["Visits"]
    assert not_chinese("<p>访客: 3</p>") == ["访客: 3"]


def test_forms_of_strangers_are_in_chinese(site: Site, stranger: Reader) -> None:
    site.people.users.add("lisa", Role.VIEWER, (), "a password of hers")
    enrol(site.people, "lisa", int(NOW.timestamp()) - 3600)
    raw_token = site.people.shares.add("press", SITE, int(NOW.timestamp()), password="open sesame")

    pages = [
        stranger.get("/dashboard/login"),
        stranger.get(f"/shared/{raw_token}"),
        stranger.try_login("nobody", "wrong"),
    ]
    assert stranger.try_login("lisa", "a password of hers").status_code == 303
    pages += [stranger.get("/dashboard/login/code"), stranger.send_code("000000")]
    assert [page.status_code for page in pages] == [200, 200, 401, 200, 401]
    for page in pages:
        assert '<html lang="zh">' in page.text
        assert not_chinese(page.text) == []


@pytest.mark.parametrize(
    "days",
    [
        pytest.param((date(2025, 10, 20), date(2025, 10, 26)), id="week"),
        pytest.param((date(2025, 10, 1), date(2025, 10, 31)), id="month"),
    ],
)
def test_mailed_report_in_chinese_has_no_english_left(site: Site, days: tuple[date, date]) -> None:
    of_site = POLICY.sites[SiteId(SITE)]
    written = asyncio.run(write_report(site.asker, POLICY, of_site, *days, "zh"))

    assert not_chinese(written.html) == []
    for line in (written.subject, *written.text.splitlines()):
        assert NAMES.issuperset(WORD.findall(line)), line


@pytest.mark.parametrize(
    ("number", "visitors"),
    [(0, "0 visitors"), (1, "1 visitor"), (2, "2 visitors"), (1001, "1,001 visitors")],
    ids=str,
)
def test_one_thing_is_told_from_several(number: int, visitors: str) -> None:
    assert EN.count("{count} visitor", "{count} visitors", number) == visitors
    chinese = ZH.count("{count} visitor", "{count} visitors", number)
    assert chinese == f"{ZH.number(number)} 位访客"


DAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param(EN.day(DAY), "Sun, Nov 22, 2026", id="day in English"),
        pytest.param(ZH.number(1234567), "1,234,567", id="number"),
        pytest.param(ZH.compact(12_300), "1.2万", id="number on an axis"),
        pytest.param(ZH.share(0.125, 1), "12.5%", id="share"),
        pytest.param(ZH.day(DAY), "2026年11月22日周日", id="day"),
        pytest.param(ZH.short_day(DAY), "11月22日", id="day without its year"),
        pytest.param(
            ZH.days(DAY - timedelta(days=20), DAY), "2026年11月2日至22日", id="days of a month"
        ),
        pytest.param(ZH.month(DAY), "2026年11月", id="month"),
        pytest.param(
            ZH.moment(datetime(2026, 11, 22, 9, 5)), "2026年11月22日周日 09:05", id="moment"
        ),
        pytest.param(ZH.country("CI"), "科特迪瓦", id="country"),
        pytest.param(ZH.language_name("de"), "德语", id="language"),
        pytest.param(ZH.together(["甲", "乙", "丙"]), "甲、乙和丙", id="things together"),
        pytest.param(ZH.either(["甲", "乙"]), "甲或乙", id="one of several"),
        pytest.param(ZH.pair("甲", "1"), "甲：1", id="pair"),
        pytest.param(ZH.listed(["甲", "乙"]), "甲；乙", id="texts"),
        pytest.param(ZH("No such sentence"), "No such sentence", id="sentence not translated"),
    ],
)
def test_numbers_and_names_are_written_as_readers_do(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(
    ("query", "cookie", "accepted", "language"),
    [
        pytest.param("", "", "", "en", id="nothing is said"),
        pytest.param("", "", "zh-CN,zh;q=0.9,en;q=0.8", "zh", id="browser"),
        pytest.param("", "", "de, ZH-Hant;q=0.7", "zh", id="browser's second language"),
        pytest.param("", "", "de-DE,fr", "en", id="browser of no known language"),
        pytest.param("", "", "zho;;,*", "en", id="header that is none"),
        pytest.param("", "zh", "en", "zh", id="choice of before"),
        pytest.param("", "xx", "zh", "zh", id="choice of no known language"),
        pytest.param("lang=en", "zh", "zh", "en", id="address"),
        pytest.param("lang=fr", "", "zh", "zh", id="address of no known language"),
    ],
)
def test_language_is_the_one_asked_for(
    query: str, cookie: str, accepted: str, language: str
) -> None:
    headers = [(b"accept-language", accepted.encode()), (b"cookie", f"language={cookie}".encode())]
    scope = {"type": "http", "query_string": query.encode(), "headers": headers}

    assert language_of(Request(scope)) == language
