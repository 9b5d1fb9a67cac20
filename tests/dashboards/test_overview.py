import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from msgspec.structs import replace

from dashboards.asking.metrics import Metric, value_of
from dashboards.overview.figures import HEADLINES, change, write_value
from dashboards.words import words_in
from tests.dashboards.conftest import MakeApp, OpenReader
from tests.dashboards.reader import PASSWORD, Clock, Reader
from tests.dashboards.rows import rows_of, text_of
from tests.dashboards.test_selection import BAD_ADDRESSES
from tests.dashboards.traffic import SITE, TRAFFIC
from tests.dashboards.views import VIEWS, Store, make_policy

DAY = timedelta(days=1)
ENGLISH = words_in("en")


def cards(page: str) -> dict[str, tuple[str, str]]:
    found = re.findall(
        r'data-measure="(\w+)">.*?card-value">(.*?)</span>.*?class="change[^>]*>(.*?)</a>',
        page,
        re.DOTALL,
    )
    return {measure: (unescape(value), text_of(moved)) for measure, value, moved in found}


def sums(numbers: Sequence[int]) -> dict[str, int]:
    return dict(zip(("visitors", "visits", "views", "bounces", "seconds"), numbers, strict=True))


def table_rows(html: str) -> list[tuple[str, ...]]:
    bodies = re.findall(r"<tbody>(.*?)</tbody>", html, re.DOTALL)
    return [
        tuple(text_of(cell) for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL))
        for body in bodies
        for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    ]


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("period", "start", "end", "before_start", "before_end"),
    [
        pytest.param(
            "period=yesterday",
            datetime(2025, 11, 3),
            datetime(2025, 11, 4),
            datetime(2025, 11, 2),
            datetime(2025, 11, 3),
            id="yesterday against the day before",
        ),
        pytest.param(
            "period=last-month",
            datetime(2025, 10, 1),
            datetime(2025, 11, 1),
            datetime(2025, 9, 1),
            datetime(2025, 10, 1),
            id="October against September",
        ),
        pytest.param(
            "from=2025-05-05&to=2025-05-11",
            datetime(2025, 5, 5),
            datetime(2025, 5, 12),
            datetime(2025, 4, 28),
            datetime(2025, 5, 5),
            id="a week in May",
        ),
    ],
)
def test_headline_figures_are_the_sums_of_the_rows(
    analyst: Reader,
    period: str,
    start: datetime,
    end: datetime,
    before_start: datetime,
    before_end: datetime,
) -> None:
    now = sums(TRAFFIC.hours(start, end))
    before = sums(TRAFFIC.hours(before_start, before_end))

    shown = cards(analyst.get(f"/dashboard?{period}").text)

    assert len(shown) == 6
    for metric in HEADLINES:
        value, moved = shown[metric.value]
        number = value_of(metric, now, 0)
        expected = change(ENGLISH, metric, number, value_of(metric, before, 0))
        assert expected is not None
        assert value == write_value(ENGLISH, metric, number)
        assert moved.startswith(f"{expected.text} , before: {expected.before}")


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("period", "first", "before_first", "before_last"),
    [
        pytest.param("today", (11, 4), (11, 3), (11, 3), id="against yesterday"),
        pytest.param("7d", (10, 29), (10, 22), (10, 28), id="against seven days"),
        pytest.param("month", (11, 1), (10, 1), (10, 4), id="against last month"),
    ],
)
def test_what_goes_on_is_compared_by_the_hours_that_are_over(
    analyst: Reader,
    period: str,
    first: tuple[int, int],
    before_first: tuple[int, int],
    before_last: tuple[int, int],
) -> None:
    """At 15:23 the hour of 15:00 has had 23 minutes, that of the day before had 60."""
    so_far = sums(TRAFFIC.hours(datetime(2025, *first), datetime(2025, 11, 4, 16)))
    now = sums(TRAFFIC.hours(datetime(2025, *first), datetime(2025, 11, 4, 15)))
    before = sums(TRAFFIC.hours(datetime(2025, *before_first), datetime(2025, *before_last, 15)))

    page = analyst.get(f"/dashboard?period={period}").text

    for metric in HEADLINES:
        value, moved = cards(page)[metric.value]
        expected = change(ENGLISH, metric, value_of(metric, now, 0), value_of(metric, before, 0))
        assert expected is not None
        assert value == write_value(ENGLISH, metric, value_of(metric, so_far, 0))
        assert moved.startswith(f"{expected.text} , before: {expected.before}")
    assert ", up to 15:00; what came later today is left out of them." in page


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("period", "is_compared"),
    [pytest.param("today", False, id="a day"), pytest.param("7d", True, id="several")],
)
def test_first_hour_of_a_day_is_compared_with_nothing(
    analyst: Reader, clock: Clock, period: str, is_compared: bool
) -> None:
    clock.moment = datetime(2025, 11, 3, 23, 20, tzinfo=UTC)  # 00:20 in Berlin
    now = sums(TRAFFIC.hours(datetime(2025, 10, 29), datetime(2025, 11, 4)))
    before = sums(TRAFFIC.hours(datetime(2025, 10, 22), datetime(2025, 10, 28)))

    page = analyst.get(f"/dashboard?period={period}").text

    if is_compared:
        expected = change(ENGLISH, Metric.VISITORS, now["visitors"], before["visitors"])
        assert expected is not None
        assert cards(page)["visitors"][1].startswith(expected.text)
        assert "; today is left out of them." in page
    else:
        assert "Changes are against" not in page
        assert 'class="change' not in page


@pytest.mark.usefixtures("stored")
def test_written_figures_are_plain_arithmetic(analyst: Reader) -> None:
    visitors, visits, views, bounces, seconds = TRAFFIC.hours(
        datetime(2025, 11, 3), datetime(2025, 11, 4)
    )

    shown = cards(analyst.get("/dashboard?period=yesterday").text)

    time = round(seconds / visits)
    assert {measure: value for measure, (value, _) in shown.items()} == {
        "visitors": f"{visitors:,}",
        "visits": f"{visits:,}",
        "views": f"{views:,}",
        "bounce_rate": f"{100 * bounces / visits:.0f}%",
        "visit_duration": f"{time // 60}:{time % 60:02}",
        "views_per_visit": f"{round(views / visits, 2):g}",
    }


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("period", "bars"),
    [
        pytest.param("period=today", 24, id="hours"),
        pytest.param("period=90d", 90, id="days"),
        pytest.param("period=12m", 12, id="months"),
    ],
)
def test_chart_and_its_table_tell_the_same(analyst: Reader, period: str, bars: int) -> None:
    page = analyst.get(f"/dashboard?{period}&measure=views").text
    figure = page[page.index("<figure") : page.index("</figure>")]

    told = re.findall(
        r"<title>([^<;]*?): ([\d,]+) views?(?: so far)?(?:; before: [^<]*)?</title>", figure
    )
    table = [(row[0], row[3]) for row in table_rows(figure)]

    assert figure.count('<g class="point') == bars
    assert told == table
    total = sum(int(views.replace(",", "")) for _, views in table)
    assert f"{total:,}" == cards(page)["views"][0]


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("tab", "report", "table"),
    [
        pytest.param("", "pages", "pages", id="pages"),
        pytest.param("", "sources", "sources", id="sources"),
        pytest.param("tab=channels", "channels", "channels", id="a second tab"),
        pytest.param("tab=browsers&tab=channels", "channels", "channels", id="two tabs"),
    ],
)
def test_lists_show_the_ten_largest(analyst: Reader, tab: str, report: str, table: str) -> None:
    first, last = date(2025, 10, 8), date(2025, 11, 4)
    column = VIEWS[table][1].index("visitors")
    groups = TRAFFIC.groups(table, first, last, lambda words: words[0])
    largest = sorted((v[column] for k, v in groups.items() if k != "(other)"), reverse=True)[:10]

    shown = rows_of(analyst.get(f"/dashboard?{tab}").text, report)

    named = [row for row in shown if row.words[0] != "Other small groups"]
    assert [row.numbers[0] for row in named] == [f"{visitors:,}" for visitors in largest]
    assert len(shown) <= 10


@pytest.mark.usefixtures("stored")
def test_each_tab_of_a_group_leads_to_its_list(analyst: Reader) -> None:
    page = analyst.get("/dashboard?tab=browsers").text
    group = page[page.index('id="group-pages"') :]

    link = re.search(r'href="([^"#]+)#[^"]*"[^>]*>Entry pages</a>', group)

    assert link is not None
    followed = analyst.get(unescape(link[1])).text
    assert rows_of(followed, "entry_pages")
    assert rows_of(followed, "browsers")
    assert not rows_of(followed, "pages")


@pytest.mark.usefixtures("stored")
def test_countries_have_names_in_the_language_of_the_reader(analyst: Reader) -> None:
    english = rows_of(analyst.get("/dashboard").text, "countries")
    chinese = rows_of(analyst.get("/dashboard?lang=zh").text, "countries")

    assert {row.words[0] for row in english} == {"Germany", "Côte d’Ivoire", "Unknown"}
    assert {"德国", "科特迪瓦"} <= {row.words[0] for row in chinese}


@pytest.mark.usefixtures("stored")
def test_chosen_language_stays(analyst: Reader) -> None:
    assert '<html lang="en">' in analyst.get("/dashboard").text
    analyst.get("/dashboard?lang=zh")
    assert '<html lang="zh">' in analyst.get("/dashboard").text


@pytest.mark.usefixtures("stored")
def test_form_for_a_filter_leads_to_its_address(analyst: Reader) -> None:
    answer = analyst.get("/dashboard?period=7d&dimension=country&op=is&value=Germany")

    assert answer.status_code == 303
    assert answer.headers["location"].endswith("period=7d&f=country%3Ais%3ADE")
    page = analyst.get(answer.headers["location"]).text
    assert "Country is Germany" in text_of(page)


def test_overview_asks_few_questions(analyst: Reader, stored: Store) -> None:
    """They are answered one after the other, and readers wait for all of them."""
    stored.asked.clear()
    analyst.get("/dashboard")
    assert len(stored.asked) <= 10


@pytest.mark.usefixtures("stored")
def test_refused_hits_are_told_in_a_sentence(analyst: Reader) -> None:
    groups = TRAFFIC.groups(
        "coverage", date(2025, 11, 3), date(2025, 11, 3), lambda words: words[1]
    )
    hits = sum(count for (count,) in groups.values())
    refused = hits - groups["counted"][0]

    page = text_of(analyst.get("/dashboard?period=yesterday").text)

    assert f"{100 * refused / hits:.0f}% of {hits:,} hits were refused: " in page
    assert "Global Privacy Control" in page


@pytest.mark.usefixtures("store")
def test_site_without_a_hit_is_shown_its_tag(analyst: Reader) -> None:
    page = analyst.get("/dashboard?site=example.net")

    assert page.status_code == 200
    tag = '<script defer src="http://stats.test/tag.js" data-site="example.net"></script>'
    assert tag in unescape(page.text)
    assert tag not in page.text


@pytest.mark.parametrize(
    "host",
    ['a"onload=alert(1)', "a<b>", "evil.example/path", "a b", "", "a@b"],
    ids=["quote", "tag", "path", "space", "empty", "user"],
)
def test_hostile_host_is_never_written_into_the_tag(analyst: Reader, host: str) -> None:
    session = analyst.cookies["discreet_session"]
    page = analyst.get(
        "/dashboard?site=example.net",
        headers={"Host": host, "Cookie": f"discreet_session={session}"},
    )

    assert page.status_code == 400
    assert not host or host not in page.text


def test_site_of_refused_hits_alone_says_so(analyst: Reader, store: Store) -> None:
    store.add("coverage", [(SITE, date(2025, 11, 4), "event", "opted_out_gpc", 7)])

    page = text_of(analyst.get("/dashboard?period=today").text)

    assert "none of them was counted" in page
    assert "100% of 7 hits were refused: 100% Global Privacy Control." in page


def test_empty_period_points_to_the_latest_days(analyst: Reader, store: Store) -> None:
    store.add("traffic", [(SITE, datetime(2015, 5, 20, 9), 3, 3, 4, 1, 90)])

    page = analyst.get("/dashboard").text

    link = re.search(r'class="notice">.*?href="([^"]+)"', page)
    assert link is not None
    latest = analyst.get(unescape(link.group(1))).text
    assert cards(latest)["visitors"][0] == "3"


@pytest.mark.parametrize("left_out", ["traffic", "coverage", *VIEWS])
def test_undeclared_statistic_is_left_out(
    store: Store, make_app: MakeApp, open_reader: OpenReader, left_out: str
) -> None:
    without = frozenset({left_out})
    store.hold({name: TRAFFIC.rows[name] for name in ("traffic", "coverage")}, without)
    reader = open_reader(make_app(make_policy(without)))
    reader.try_login("owner", PASSWORD)

    page = reader.get("/dashboard")

    assert page.status_code == 200
    # Without figures of their own, those of another statistic are told with what that costs.
    assert ("so that some count several times" in page.text) is (left_out == "traffic")
    assert ("Hits refused" in page.text) is (left_out != "coverage")
    if left_out in VIEWS:
        assert f"report={left_out}" not in page.text
        assert reader.get(f"/dashboard?report={left_out}").status_code == 400


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_bad_address_is_answered_by_one_sentence(analyst: Reader, address: str) -> None:
    answer = analyst.get(f"/dashboard?{address}")

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    said = text_of(answer.text[answer.text.index("<main") :])
    assert re.fullmatch(r"This page cannot be shown [A-Z][^.<>]*\. Go to the dashboard", said)
    assert "Traceback" not in answer.text
    assert "script>alert" not in answer.text


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    "address",
    [
        pytest.param("/dashboard", id="overview"),
        pytest.param("/dashboard?report=pages", id="list"),
        pytest.param("/dashboard?site=example.net", id="empty"),
        pytest.param("/dashboard?junk=1", id="bad address"),
        pytest.param("/dashboard/login", id="redirect"),
        pytest.param("/dashboard/static/none.css", id="no such file"),
    ],
)
def test_every_page_forbids_what_it_does_not_need(analyst: Reader, address: str) -> None:
    answer = analyst.get(address)

    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<[^>]+\s(style|on\w+)\s*=|<style|<script(?![^>]* src=\"/)", answer.text)
    assert "http://" not in answer.text.replace("http://stats.test/tag.js", "")
    assert "https://" not in answer.text


def test_static_files_are_served_to_strangers(stranger: Reader) -> None:
    page = stranger.get("/dashboard/login").text

    addresses = re.findall(r'(?:href|src)="(/dashboard/static/[^"]+)"', page)
    assert len(addresses) >= 2
    for address in addresses:
        assert stranger.get(address).status_code == 200


@pytest.mark.parametrize("name", ["..%2fapp.py", "../app.py", "app.py", "%00", "dashboard.css/"])
def test_no_other_file_is_served(stranger: Reader, name: str) -> None:
    assert stranger.get(f"/dashboard/static/{name}").status_code in {303, 307, 404}


CUT = "period=custom&from=2025-09-28&to=2025-11-03"
CUT_MONTHS = (date(2025, 9, 1), date(2025, 11, 1))


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("report", "table", "brief", "full"),
    [
        pytest.param("pages", "pages", "views", "views", id="views"),
        pytest.param("exit_pages", "exit_pages", "visits", "visits", id="visits, without views"),
        pytest.param("systems", "devices", "visits", "views", id="of a view with several lists"),
    ],
)
def test_list_of_days_that_cut_months_tells_what_it_lacks(
    analyst: Reader, report: str, table: str, brief: str, full: str
) -> None:
    def sentence(measure: str) -> str:
        lacking = TRAFFIC.dayless(table, CUT_MONTHS, measure)
        months = "September 2025 and November 2025"
        return f"{lacking:,} {measure} of {months} belong to no single day and can’t be shown here."

    overview = analyst.get(f"/dashboard?{CUT}&tab={report}").text
    whole_list = analyst.get(f"/dashboard?report={report}&{CUT}").text

    in_tab = overview.partition(f'data-list="{report}"')[2].partition("</section")[0]
    assert sentence(brief) in text_of(in_tab)
    assert sentence(full) in text_of(whole_list)
    assert "These days cut September 2025 and November 2025." in text_of(overview)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("period", ["period=last-month", "period=month", "period=12m"])
def test_list_of_whole_months_lacks_nothing_and_says_nothing(analyst: Reader, period: str) -> None:
    assert "no single day" not in analyst.get(f"/dashboard?{period}").text
    assert "no single day" not in analyst.get(f"/dashboard?report=pages&{period}").text


def test_views_without_a_group_size_are_asked_for_no_month(
    open_reader: OpenReader, store: Store, make_app: MakeApp
) -> None:
    policy = make_policy()
    lone = [replace(each, min_group=1) for each in policy.statistics]
    for name in VIEWS:
        store.command(f"ALTER TABLE {name} DROP COLUMN month")
    store._held = None
    reader = open_reader(make_app(replace(policy, statistics=tuple(lone))))
    reader.try_login("owner", PASSWORD)

    page = reader.get(f"/dashboard?{CUT}")

    assert page.status_code == 200
    assert "no single day" not in page.text
