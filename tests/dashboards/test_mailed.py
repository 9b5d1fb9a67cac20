"""Reports of a week or a month as a message: the dashboard's numbers, in HTML and as text."""

import asyncio
import re
from datetime import date
from html import unescape
from html.parser import HTMLParser

import pytest

from collector.schema.views import columns_of
from dashboards.address.periods import DAY
from dashboards.asking.answering import Asker
from dashboards.mailed.writing import WrittenReport, write_report
from dashboards.words import words_in
from tests.dashboards.traffic import SITE, TRAFFIC, month_end
from tests.dashboards.views import Store, make_policy

POLICY = make_policy()
WEEK = (date(2025, 10, 20), date(2025, 10, 26))
WEEK_BEFORE = (date(2025, 10, 13), date(2025, 10, 19))
OCTOBER = (date(2025, 10, 1), date(2025, 10, 31))


def write(
    store: Store, days: tuple[date, date] = WEEK, language: str = "en", dashboard: str = ""
) -> WrittenReport:
    asker = Asker(store.query, POLICY, columns_of, lambda _: ())
    (site,) = (each for each in POLICY.sites.values() if each.domain == SITE)
    return asyncio.run(write_report(asker, POLICY, site, *days, language, dashboard))


class _Texts(HTMLParser):
    """All that a message shows or says, and every attribute of its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self._within: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self._within.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._within.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"style", "title"} & set(self._within):
            self.shown.append(" ".join(data.split()))


def words_of(text: str) -> set[str]:
    return set(re.split(r"[\s·:;：；]+", text)) - {""}


def total(table: str, days: tuple[date, date]) -> dict[str, int]:
    groups = TRAFFIC.groups(table, *days, lambda words: words[0])
    return {name: figures[0] for name, figures in groups.items()}


@pytest.mark.parametrize(
    ("days", "before"),
    [
        pytest.param(WEEK, WEEK_BEFORE, id="week"),
        pytest.param(OCTOBER, (date(2025, 9, 1), date(2025, 9, 30)), id="month"),
    ],
)
def test_cards_hold_the_sums_and_how_they_changed(
    stored: Store, days: tuple[date, date], before: tuple[date, date]
) -> None:
    now, then = (
        sum(row[2] for row in TRAFFIC.rows["traffic"] if first <= row[1].date() <= last)
        for first, last in (days, before)
    )
    written = write(stored, days)

    moved = (now - then) / then * 100
    size = f"{abs(moved):.1f}".removesuffix(".0")
    change = f"{('+' if moved > 0 else '−') if size != '0' else ''}{size}%"
    assert f"  {now:,}" in written.text
    assert f"{change} from {then:,}" in written.text
    assert f"{change} from {then:,}" in written.html


def test_lists_hold_the_ten_largest_rows(stored: Store) -> None:
    text = write(stored).text

    pages = total("pages", WEEK)
    other = pages.pop("(other)", 0)
    largest = sorted(pages.items(), key=lambda page: (-page[1], page[0]))
    listed = text.partition("Top pages")[2].partition("\n\n")[0]
    numbers = [int(row.split()[0]) for row in listed.splitlines()[2:12]]
    assert numbers == [number for _, number in largest[:10]]
    assert other > 0
    for country, number in total("countries", WEEK).items():
        name = {"DE": "Germany", "CI": "Côte d’Ivoire", "(unknown)": "Unknown"}[country]
        assert re.search(rf"^ +{number} .* {name}$", text, re.MULTILINE)


@pytest.mark.parametrize("days", [WEEK, OCTOBER], ids=["week", "month"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_and_html_tell_the_same(stored: Store, days: tuple[date, date], language: str) -> None:
    written = write(stored, days, language, "https://stats.example.org")
    page = _Texts(written.html)
    said = [value for _, name, value in page.attributes if name in ("aria-label", "href")]
    words = words_in(language)
    axis = (words.short_day(days[0] + DAY * n) for n in range(31))
    of_html = words_of(" ".join((*page.shown, *said)))
    of_text = words_of(written.text)

    assert of_text <= of_html
    assert of_html <= of_text | words_of(" ".join((*axis, words("These days on the dashboard"))))


def test_message_loads_nothing_and_tells_nobody(stored: Store) -> None:
    plain = write(stored)
    page = _Texts(plain.html)
    names = {name for _, name, _ in page.attributes}
    assert names.isdisjoint({"src", "srcset", "background", "href", "action", "data"})
    assert "url(" not in plain.html
    assert "@import" not in plain.html

    linked = write(stored, dashboard="https://stats.example.org")
    (link,) = (value for _, name, value in _Texts(linked.html).attributes if name == "href")
    assert link == (
        "https://stats.example.org/dashboard?site=example.org&period=custom"
        "&from=2025-10-20&to=2025-10-26&grain=day"
    )
    assert link in linked.text  # the same for everybody


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\x1b[31m{{ 7*7 }}"


def test_hostile_names_are_text(store: Store) -> None:
    store.hold({"pages": [(SITE, WEEK[0], WEEK[0], HOSTILE, 90, 90)]})
    written = write(store)

    assert "<script" not in written.html
    assert "<img" not in written.html
    assert HOSTILE.replace("\x1b", "") in unescape(written.html).replace("\x1b", "")
    assert "\x1b" not in written.text
    assert "{{ 7*7 }}" in written.text
    assert "\n" not in written.subject


def test_site_without_a_visit_gets_a_report_all_the_same(store: Store) -> None:
    written = write(store)
    assert re.search(r"^ +0 +Visitors$", written.text, re.MULTILINE)
    assert "No hit came in during this period." in written.text
    assert "Top pages" not in written.text


def test_month_ends_with_its_last_day(stored: Store) -> None:
    text = write(stored, (date(2025, 2, 1), month_end(date(2025, 2, 1)))).text
    assert "Fri, Feb 28, 2025" in text
    assert "Mar 1" not in text
