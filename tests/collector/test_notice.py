"""`/privacy`: the notice names all that the policy declares, in both languages, and its past."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser
from starlette.applications import Starlette

from anonymizer.policy import Policy, Purpose, Statistic
from anonymizer.policy_file import read_policy
from anonymizer.policy_weighing import (
    EVENT_FIELDS,
    FUNNEL_FIELDS,
    GOAL_FIELDS,
    POLICY_FIELDS,
    PROPERTY_FIELDS,
    PURPOSE_FIELDS,
    REGION_FIELDS,
    SITE_FIELDS,
    STATISTIC_FIELDS,
)
from collector.change_words import tell_changes, text_key
from collector.notice import notice_routes
from collector.plain_words import tell_dimensions
from collector.policy_archive import PolicyArchive
from collector.reference import default_policy
from collector.visitor_pages import Language, VisitorPages, shipped_languages
from tests.browsing import serving
from tests.running import POLICY

FIRST = (
    POLICY.replace("min_group = 1\n", "")
    .replace('version = "1"', 'version = "2025-11"\neffective = 2025-11-01')
    .replace("[policy]\n", '[policy]\nlanguages = ["en", "zh"]\n')
)
SECOND = (
    FIRST.replace("2025-11", "2026-03").replace(
        'contact = "privacy@example.org"',
        'contact = "<privacy@example.org>"\naddress = "1 Example Street"\n'
        'representative = "Rosa, Paris"\nprotection_officer = "Olga, Bonn"\n'
        'authority = "Commission of Examples"\nhigh_risk = true',
    )
    + """
[[site]]
domain = "shop.example.org"
timezone = "Asia/Shanghai"
consent = "opt-in"
jurisdiction = "DE"
child_paths = ["/kids"]

[[site]]
domain = "kids.example.org"
timezone = "UTC"
child_directed = true

[[purpose]]
id = "promotion"
title = "Which promotion works"
titles = {zh = "哪些推广有效"}
clause = "II, item 6"
basis = "consent"
keep_days = 33

[[statistic]]
name = "pages_by_language"
purpose = "promotion"
by = ["page", "language"]
min_group = 17

[[event]]
name = "signup"
[[event.property]]
name = "plan"
values = ["free", "paid"]
[[event.property]]
name = "seats"
steps = [10, 100]
[[event.property]]
name = "search"
text = true
max_values = 33

[[event]]
name = "print"

[limits]
max_values = 5555

[residency]
stored_in = ["Iceland"]
recipients = ["Institute of Examples"]

[network]
visitor_address = "truncated"

[signals]
tcf_vendor = 4711
"""
)
LANGUAGES = {language.code: language for language in shipped_languages()}


def policy_of(text: str) -> Policy:
    return read_policy(text, default_policy())


OLD, NEW = policy_of(FIRST), policy_of(SECOND)


@pytest.fixture(name="origin", scope="module")
def served_notice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    archive = PolicyArchive(tmp_path_factory.mktemp("notice") / "policies")
    archive.keep(OLD, FIRST)
    archive.keep(NEW, SECOND)
    with serving(Starlette(routes=notice_routes(NEW, archive, VisitorPages(NEW)))) as origin:
        yield origin


def get(url: str, language: str = "en") -> httpx.Response:
    return httpx.get(f"{url}?lang={language}")


def words_of(answer: httpx.Response) -> str:
    """Return a page's text as a reader has it."""
    body = re.sub(r"<(style|script).*?</\1>", "", answer.text, flags=re.DOTALL)
    body = re.sub(r"</?(a|code|strong|span)\b[^>]*>", "", body)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("statistic", NEW.statistics, ids=lambda statistic: statistic.name)
def test_notice_names_every_statistic_with_its_group_and_time(
    origin: str, statistic: Statistic, language: str
) -> None:
    page = get(f"{origin}/privacy", language).text

    rows = re.findall(
        rf"<code[^>]*>{statistic.name}</code></th>\s*<td>(.*?)</td>\s*<td>(.*?)</td>",
        page,
        re.DOTALL,
    )
    text = LANGUAGES[language].texts["privacy"]
    size = str(statistic.min_group) if statistic.min_group > 1 else text["any_group"]
    assert rows == [(size, str(statistic.keep_days))]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", NEW.purposes, ids=lambda purpose: str(purpose.id))
def test_notice_names_every_purpose_with_its_clause(
    origin: str, purpose: Purpose, language: str
) -> None:
    page = words_of(get(f"{origin}/privacy", language))

    text = LANGUAGES[language].texts["privacy"]
    assert purpose.titles.get(language, purpose.title) in page
    assert purpose.clause in page
    assert text["keep_days"].format(days=purpose.keep_days) in page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "told",
    [
        "Example",
        "1 Example Street",
        "<privacy@example.org>",
        "Rosa, Paris",
        "Olga, Bonn",
        "Commission of Examples",
        "Iceland",
        "Institute of Examples",
        "4711",
        "2026-03-01",
        "shop.example.org",
        "Asia/Shanghai",
        "/kids",
        "utm_campaign",
        "DNT: 1",
        "Sec-GPC: 1",
        "discreet_opt_out",
        "signup",
        "plan",
        "free, paid",
        "10, 100",
        "search",
        "print",
        "5555",
        "6.1",
        "6.8",
    ],
)
def test_notice_tells_what_the_policy_tells(origin: str, told: str, language: str) -> None:
    assert told in words_of(get(f"{origin}/privacy", language))


@pytest.mark.parametrize(
    ("key", "path", "there"),
    [
        ("high_risk", "/privacy", True),
        ("high_risk", "/privacy/2025-11", False),
        ("authority_any", "/privacy", False),
        ("authority_any", "/privacy/2025-11", True),
        ("stored_untold", "/privacy", False),
        ("stored_untold", "/privacy/2025-11", True),
        ("recipients_none", "/privacy", False),
        ("recipients_none", "/privacy/2025-11", True),
        ("memory_key_truncated", "/privacy", True),
        ("memory_key_full", "/privacy", False),
        ("memory_key_full", "/privacy/2025-11", True),
        ("consent_opt_in", "/privacy", True),
        ("consent_opt_in", "/privacy/2025-11", False),
        ("site_child", "/privacy", True),
        ("basis_consent", "/privacy", True),
        ("basis_consent", "/privacy/2025-11", False),
        ("events_none", "/privacy", False),
        ("events_none", "/privacy/2025-11", False),
        ("event_alone", "/privacy", True),
        ("short_small", "/privacy", True),
        ("replaced_title", "/privacy", False),
        ("replaced_title", "/privacy/2026-03", False),
        ("replaced_title", "/privacy/2025-11", True),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_sentence_stands_where_it_is_true(
    origin: str, key: str, path: str, there: bool, language: str
) -> None:
    sentence = LANGUAGES[language].texts["privacy"][key]

    assert (sentence in words_of(get(origin + path, language))) is there


def test_notice_of_a_policy_that_shows_single_visitors_does_not_say_otherwise(
    tmp_path: Path,
) -> None:
    policy = policy_of(POLICY)
    archive = PolicyArchive(tmp_path)
    archive.keep(policy, POLICY)
    with serving(Starlette(routes=notice_routes(policy, archive, VisitorPages(policy)))) as origin:
        page = words_of(get(f"{origin}/privacy"))

    assert LANGUAGES["en"].texts["privacy"]["short_small"] not in page


GOALS = """
[[event]]
name = "subscribed"
property = [{name = "plan", values = ["<free>", "pro"]}]
[[goal]]
name = "subscribed to pro"
event = "subscribed"
property = "plan"
value = "pro"
site = "example.org"
[[goal]]
name = "ordered"
page = "/order/*/done"
[[funnel]]
name = "checkout"
steps = ["/cart", "ordered"]
"""


def test_notice_lists_goals_and_the_ways_to_them(tmp_path: Path) -> None:
    policy = policy_of(POLICY + GOALS)
    archive = PolicyArchive(tmp_path)
    archive.keep(policy, POLICY + GOALS)
    with serving(Starlette(routes=notice_routes(policy, archive, VisitorPages(policy)))) as origin:
        english, chinese = (words_of(get(f"{origin}/privacy", of)) for of in ("en", "zh"))

    for told in (
        "subscribed to pro when “subscribed” is counted with “plan” = “pro” on example.org only",
        "ordered when the page /order/*/done is opened",
        "checkout /cart → ordered",
    ):
        assert told in english
    assert "打开页面 /order/*/done 时" in chinese
    assert "checkout /cart → ordered" in chinese


def test_notice_without_goals_speaks_of_none(origin: str) -> None:
    assert LANGUAGES["en"].texts["privacy"]["goals_title"] not in words_of(get(f"{origin}/privacy"))


def test_goal_that_comes_or_changes_is_told_in_a_visitors_words() -> None:
    before, after = policy_of(POLICY), policy_of(POLICY + GOALS)
    moved = policy_of(POLICY + GOALS.replace('"/cart", ', '"/cart", "/pay", '))

    came = [line for line in tell_changes(before, after, LANGUAGES["en"]) if "“ordered”" in line[0]]
    assert came == [("Goal “ordered”: new", True)]
    assert tell_changes(after, moved, LANGUAGES["en"]) == [
        ("Way to a goal “checkout”: steps told apart: /cart, ordered → /cart, /pay, ordered", True)
    ]
    assert tell_changes(moved, after, LANGUAGES["zh"])[0][1] is False


def test_archived_version_says_what_it_said_and_what_replaced_it(origin: str) -> None:
    answer = get(f"{origin}/privacy/2025-11")
    page = words_of(answer)

    assert answer.status_code == 200
    assert "It was replaced by version 2026-03, in force from 2026-03-01." in page
    told, _, versions = page.partition(" Versions ")
    assert "Rosa" not in told
    assert "pages_by_language" not in told
    assert "Rosa" in versions
    assert 'href="/privacy/2026-03?lang=en"' in answer.text


def test_versions_are_listed_with_what_changed_between_them(origin: str) -> None:
    page = words_of(get(f"{origin}/privacy"))

    assert "Changed from version 2025-11" in page
    assert (
        "The notice: given to: none → Institute of Examples (major: consent is asked anew)" in page
    )
    assert "Count by page and language: new (major: consent is asked anew)" in page
    assert "Site shop.example.org: new" in page


@pytest.mark.parametrize("name", ["nope", "2025-1", "2025-11%0a", "a" * 300, "<b>", "%00"])
def test_unknown_version_is_not_found_and_not_repeated(origin: str, name: str) -> None:
    answer = httpx.get(f"{origin}/privacy/{name}", params={"lang": "en"})

    assert answer.status_code == 404
    assert "<b>" not in answer.text
    assert re.findall(r'href="/privacy/([^?"]*)', answer.text) == ["2026-03", "2025-11"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/privacy", "/privacy/2025-11"])
def test_notice_is_the_same_for_everybody_and_may_be_cached(origin: str, path: str) -> None:
    plain = httpx.get(origin + path)
    refusing = httpx.get(
        origin + path,
        headers={"DNT": "1", "Sec-GPC": "1", "Cookie": "discreet_opt_out=1; a=b", "Referer": "x"},
    )

    assert plain.content == refusing.content
    assert plain.headers["Cache-Control"] == "public, max-age=3600"
    assert plain.headers["Vary"] == "Accept-Language"
    assert not {"set-cookie", "etag", "last-modified"} & set(plain.headers)


def test_language_follows_the_browser_and_the_link(origin: str) -> None:
    chinese = httpx.get(f"{origin}/privacy", headers={"Accept-Language": "zh-CN"})

    assert chinese.headers["Content-Language"].startswith("zh")
    assert "隐私声明" in chinese.text
    assert "Privacy notice" in get(f"{origin}/privacy", "en").text
    assert httpx.get(f"{origin}/privacy").headers["Content-Language"] == "en"


def test_what_an_operator_wrote_is_text_and_no_markup(origin: str) -> None:
    page = get(f"{origin}/privacy").text

    assert "<privacy@example.org>" not in page
    assert "&lt;privacy@example.org&gt;" in page


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.code)
def test_every_key_of_a_policy_has_words_for_its_change(language: Language) -> None:
    every = (
        *(POLICY_FIELDS, SITE_FIELDS, PURPOSE_FIELDS),
        *(STATISTIC_FIELDS, EVENT_FIELDS, PROPERTY_FIELDS, REGION_FIELDS),
        *(GOAL_FIELDS, FUNNEL_FIELDS),
    )
    keys = {text_key(key) for fields in every for key, _ in fields.values()}

    assert [key for key in keys if not language.texts["changes"].get(key)] == []


@pytest.mark.parametrize(
    ("old", "new", "language", "told"),
    [
        pytest.param(
            "", "keep_days = 30", "en", "Count by network: kept for: 90 days → 30 days",
            id="days",
        ),
        pytest.param(
            "", 'basis = "consent"', "en",
            "Purpose “Diagnosis of the server, by truncated network address”: ground:"
            " no consent needed → consent",
            id="basis",
        ),
        pytest.param(
            'basis = "consent"', "", "zh",
            "用途“按截断的网络地址诊断服务器故障”：依据：同意 → 无需同意",
            id="basis in Chinese",
        ),
    ],
)  # fmt: skip
def test_change_is_told_in_a_visitors_words(old: str, new: str, language: str, told: str) -> None:
    operations = FIRST + '[[purpose]]\nid = "operations"\n'
    lines = tell_changes(
        policy_of(operations + old), policy_of(operations + new), LANGUAGES[language]
    )

    assert told in [line for line, _ in lines]


def test_what_changed_alike_stands_in_one_line() -> None:
    shorter = FIRST + '[[purpose]]\nid = "campaigns"\nkeep_days = 30\n'
    lines = tell_changes(policy_of(FIRST), policy_of(shorter), LANGUAGES["en"])

    (line,) = [line for line, _ in lines if line.startswith("Count")]
    subjects, _, what = line.partition(": ")
    assert what == "kept for: 750 days → 30 days"
    of_campaigns = [each for each in policy_of(FIRST).statistics if each.purpose == "campaigns"]
    assert subjects.split("; ") == [
        f"Count by {tell_dimensions(each, LANGUAGES['en'])}" for each in of_campaigns
    ]
    assert "Count by campaign, campaign source and campaign medium" in subjects.split("; ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [360, 1280], ids=["phone", "desktop"])
def test_notice_fits_the_screen_and_loads_nothing_else(
    chromium: Browser, origin: str, width: int, language: str
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800})
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))

    page.goto(f"{origin}/privacy?lang={language}")

    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert [url for url in asked if not url.startswith("data:")] == [
        f"{origin}/privacy?lang={language}"
    ]
    assert said == []
    page.close()
