"""A report's page: its order, search, pages, courses and filters, over the true views."""

import html
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode, urlsplit

import pytest

from anonymizer.policy import Dimension
from dashboards.address.selection import SelectionError
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import change
from dashboards.words import words_in
from tests.dashboards.cells import (
    LAST_DAY,
    POLICY,
    Cells,
    Counted,
    Pages,
    Row,
    counted_cells,
)
from tests.dashboards.rows import rows_of, text_of

DAY = timedelta(days=1)
CELLS = Cells()
MANY = 100_000
MANY_WAYS = 28 * 10 * 400
HOSTILE = (
    "/<script>alert(1)</script>",
    '/"onmouseover=alert(1)',
    "/{{ 7*7 }}{% for %}",
    "/{title} %s %(a)s",
    "/a:b|c&f=page:is:/x",
    "javascript:alert(1)",
    "/\u202e☃ 🐎",
    "/'; DROP TABLE pages --",
    "/\\",
)
SIZES = {"pages": 3, "countries": 3, "scroll_depth": 5, "transitions": 5, "networks": 20}
STATISTICS = {each.name: each for each in POLICY.statistics}


def row_of(day: date, words: tuple[str, ...], visitors: int) -> Row:
    """Return a cell of visitors who saw two pages each."""
    sums = {"visitors": visitors, "views": 2 * visitors}
    return datetime(day.year, day.month, day.day, tzinfo=UTC), words, sums


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    folder = tmp_path_factory.mktemp("cells")
    with counted_cells(folder, CELLS) as counted:
        hostile = [row_of(date(2024, 5, 1), (word,), 9) for word in HOSTILE]
        many = [row_of(date(2024, 3, 1), (f"/{n:06}",), 3 + n % 1000) for n in range(MANY)]
        counted.insert(STATISTICS["pages"], [*hostile, *many])
        ways = [
            row_of(
                date(2024, 2, 1 + n % 28),
                (f"/from/{n // 28 % 10}", f"/to/{n // 280}"),
                9 if n < 5 * 280 else 8,
            )
            for n in range(MANY_WAYS)
        ]
        counted.insert(STATISTICS["transitions"], ways)
        yield counted


@pytest.fixture(scope="module")
def pages(counted: Counted) -> Pages:
    return Pages(counted)


@pytest.mark.parametrize(
    ("sort", "column", "descending"),
    [
        pytest.param("-views", 1, True, id="most views first"),
        pytest.param("views", 1, False, id="fewest views first"),
        pytest.param("-visitors", 0, True, id="most visitors first"),
    ],
)
def test_rows_are_sorted_by_any_column(
    pages: Pages, sort: str, column: int, descending: bool
) -> None:
    shown = rows_of(pages.html(f"report=pages&period=last-month&sort={sort}"), "pages")

    numbers = [int(row.numbers[column].replace(",", "")) for row in shown]
    assert numbers == sorted(numbers, reverse=descending)
    assert len(set(numbers)) > 1


def test_rows_are_sorted_by_their_words(pages: Pages) -> None:
    shown = rows_of(pages.html("report=pages&period=last-month&sort=-page"), "pages")

    words = [row.words[0] for row in shown if row.words[0] != "Other small groups"]
    assert words == ["page c", "page b", "page a"]


def test_head_of_a_column_leads_to_its_order_and_back(pages: Pages) -> None:
    views = pages.report("report=pages").list.columns[1]
    assert views.order == "none"

    once = pages.report(urlsplit(views.address).query).list.columns[1]
    assert once.order == "descending"
    twice = pages.report(urlsplit(once.address).query).list.columns[1]
    assert twice.order == "ascending"


@pytest.mark.parametrize(
    ("report", "search", "found"),
    [
        pytest.param("pages", "ge b", {"page b"}, id="part"),
        pytest.param("pages", "PAGE B", {"page b"}, id="capitals"),
        pytest.param("coverage", "reason a", {"reason a"}, id="first of two"),
        pytest.param("bots", "AI CR", {"AI crawler"}, id="name of a word"),
        pytest.param("pages", "nowhere", set(), id="nothing"),
    ],
)
def test_search_finds_words_and_names(
    pages: Pages, report: str, search: str, found: set[str]
) -> None:
    address = urlencode({"report": report, "period": "last-month", "search": search})

    page = pages.html(address)

    assert {row.words[0] for row in rows_of(page, report)} == found
    assert ("No row holds what you search for." in page) is (not found)


def test_course_of_a_row_adds_up_to_its_number(pages: Pages) -> None:
    shown = pages.report("report=pages&period=last-month").list

    assert shown.has_points
    for row in shown.rows:
        assert len(row.points) == 31
        assert f"{sum(point or 0 for point in row.points):,}" == row.cells[0]


def test_course_of_a_way_is_whole_however_many_other_ways_there_are(pages: Pages) -> None:
    shown = pages.report("report=transitions&from=2024-02-01&to=2024-02-29&sort=-views").list

    assert shown.groups == MANY_WAYS // 28
    assert {sum(point or 0 for point in row.points) for row in shown.rows} == {28 * 18}


def test_change_of_a_row_leaves_out_the_day_that_goes_on(pages: Pages) -> None:
    by_page = [
        CELLS.shown("pages", first, last, (Dimension.PAGE,))
        for first, last in (
            (date(2025, 10, 29), date(2025, 11, 3)),
            (date(2025, 10, 22), date(2025, 10, 27)),
        )
    ]

    view = pages.report("report=pages&period=7d")

    for row in view.list.rows:
        if row.is_other:
            continue
        now, before = (found[(row.words[0].raw,)]["visitors"] for found in by_page)
        assert row.change == change(words_in("en"), Metric.VISITORS, now, before)
    days = words_in("en").days(date(2025, 10, 22), date(2025, 10, 27))
    assert view.compared == f"Changes are against {days}; today is left out of them."


def test_change_of_a_row_by_month_leaves_out_the_day_that_goes_on(counted: Counted) -> None:
    """Half a year of a row is drawn by month; its change is of days all the same."""
    rows = [row_of(day, ("/steady",), 10) for day in (date(2022, 3, 8), date(2022, 9, 7))]
    today = [row_of(date(2022, 9, 8), ("/steady",), 5)]
    counted.insert(STATISTICS["pages"], [*rows, *today, row_of(date(2022, 3, 9), ("/steady",), 10)])
    pages = Pages(counted, now=datetime(2022, 9, 8, 12, tzinfo=UTC))

    view = pages.report("report=pages&from=2022-03-10&to=2022-09-08")

    (row,) = view.list.rows
    assert row.cells[0] == "15"
    assert row.change == change(words_in("en"), Metric.VISITORS, 10, 10)
    assert view.compared.endswith("; today is left out of them.")


@pytest.mark.parametrize(
    ("day", "last", "before_last"),
    [
        pytest.param(31, 30, 30, id="that the month before lacks"),
        pytest.param(30, 29, 29, id="that it has"),
    ],
)
def test_month_so_far_is_compared_with_all_its_days_have_likes_of(
    counted: Counted, day: int, last: int, before_last: int
) -> None:
    pages = Pages(counted, now=datetime(2025, 10, day, 12, tzinfo=UTC))
    by_page = [
        CELLS.shown("pages", date(2025, month, 1), date(2025, month, end), (Dimension.PAGE,))
        for month, end in ((10, last), (9, before_last))
    ]

    view = pages.report("report=pages&period=month")

    for row in view.list.rows:
        now, before = (found[(row.words[0].raw,)]["visitors"] for found in by_page)
        assert row.change == change(words_in("en"), Metric.VISITORS, now, before)


def test_figures_that_no_hour_has_are_compared_without_today(pages: Pages) -> None:
    """A filter asks what is counted by day; against whole days each morning would be a loss."""
    now, before = (
        CELLS.shown("countries", first, last, (Dimension.COUNTRY,))[("country a",)]
        for first, last in (
            (date(2025, 10, 29), date(2025, 11, 3)),
            (date(2025, 10, 22), date(2025, 10, 27)),
        )
    )

    address = "period=7d&f=country:is:country+a"
    traffic = pages.overview(address).traffic

    assert traffic is not None
    expected = change(words_in("en"), Metric.VISITORS, now["visitors"], before["visitors"])
    assert traffic.cards[0].change == expected
    days = words_in("en").days(date(2025, 10, 22), date(2025, 10, 27))
    assert f"Changes are against {days}; today is left out of them." in pages.html(address)


def test_single_day_has_neither_course_nor_change(pages: Pages) -> None:
    shown = pages.report("report=pages&period=today").list

    assert (shown.has_points, shown.has_changes) == (False, False)


@pytest.mark.parametrize("compare", ["none", "year"], ids=["not wanted", "nothing there"])
def test_no_change_is_told_where_nothing_is_compared(pages: Pages, compare: str) -> None:
    view = pages.report(f"report=pages&period=7d&compare={compare}")

    assert not view.list.has_changes
    assert view.compared == ""


def test_word_of_a_row_leads_to_the_overview_of_it_alone(pages: Pages) -> None:
    row = rows_of(pages.html("report=sources&period=last-month"), "sources")[0]
    (link,) = row.links

    overview = pages.overview(urlsplit(link).query)

    days = (date(2025, 10, 1), date(2025, 10, 31))
    sums = CELLS.shown("sources", *days, (Dimension.SOURCE,))[row.words]
    assert overview.traffic is not None
    assert overview.traffic.cards[0].text == f"{sums['visitors']:,}"
    assert [card.metric for card in overview.traffic.cards][:3] == [
        Metric.VISITORS,
        Metric.VISITS,
        Metric.VIEWS,
    ]


def test_lists_follow_a_filter_where_it_is_declared(pages: Pages) -> None:
    found = pages.report("report=pages&period=last-month&f=source:is:source+a").list

    days = (date(2025, 10, 1), date(2025, 10, 31))
    crossed = CELLS.shown("pages_by_source", *days, (Dimension.PAGE, Dimension.SOURCE))
    expected = {page: sums for (page, source), sums in crossed.items() if source == "source a"}
    assert {row.words[0].raw: row.cells[0] for row in found.rows} == {
        page: f"{sums['visitors']:,}" for page, sums in expected.items()
    }
    assert found.undeclared is None


def test_metrics_that_a_filter_leaves_no_number_of_are_left_out(pages: Pages) -> None:
    whole = pages.report("report=sources&period=last-month").list
    found = pages.report("report=sources&period=last-month&f=page:is:page+a").list

    assert [column.title for column in whole.columns][-1] == "Visit time"
    assert [column.title for column in found.columns] == ["Visitors", "Views"]
    assert found.rows


def test_campaign_is_told_alone_where_a_filter_takes_the_place_of_its_words(pages: Pages) -> None:
    found = pages.report("report=campaigns&period=last-month&f=country:is:country+a").list

    assert [heading.title for heading in found.headings] == ["Campaign"]
    assert found.rows


@pytest.mark.parametrize(
    ("address", "lines"),
    [
        pytest.param(
            "report=browsers&f=page:is:/a",
            """[[statistic]]
name = "page_by_browser"
purpose = "audience"
by = ["page", "browser"]
grain = "day"
""",
            id="two dimensions",
        ),
        pytest.param(
            "report=outbound_links&f=country:is:DE",
            """[[statistic]]
name = "outbound_link_click_by_url_country_value"
purpose = "audience"
event = "Outbound Link: Click"
property = "url"
by = ["country", "value"]
grain = "day"
""",
            id="of an event",
        ),
    ],
)
def test_filter_that_is_not_declared_names_the_lines_of_the_policy(
    pages: Pages, address: str, lines: str
) -> None:
    page = pages.html(address)

    shown = html.unescape(page[page.index("<pre") : page.index("</pre>")])
    assert lines in shown.partition("<code>")[2]
    assert "The policy does not count this together with these filters." in page
    assert "<tbody>" not in page[page.index("<main") :]


def test_lines_for_the_policy_are_folded_where_several_lists_lack_some(pages: Pages) -> None:
    address = "f=page:is:page+a&f=country:is:country+a&f=screen:is:screen+a"
    lacking = [group for group in pages.overview(address).groups if group.shown.undeclared]
    assert len(lacking) > 1
    of_lists = pages.html(address).partition('<div class="panels">')[2]

    assert of_lists.count("<pre") == of_lists.count("<summary>Lines for the policy</summary>") > 0
    alone = pages.html(f"report=pages&{address}")
    assert ("<pre" in alone, "<summary>Lines for the policy" in alone) == (True, False)


def test_list_that_cannot_be_shown_leads_to_itself_without_filters(pages: Pages) -> None:
    address = "f=page:is:page+a&f=country:is:country+a&f=screen:is:screen+a"
    lacking = [g.shown for g in pages.overview(address).groups if g.shown.undeclared]
    assert len(lacking) > 1

    for shown in lacking:
        whole = pages.report(urlsplit(shown.address).query).list
        assert whole.undeclared is None
        assert pages.report(f"report={shown.id}&{address}").list.address == shown.address
    assert pages.html(address).count("Show without filters") == len(lacking)
    assert f'href="{html.escape(lacking[0].address)}"' in pages.html(
        f"report={lacking[0].id}&{address}"
    )


def test_list_of_nothing_leads_nowhere(pages: Pages) -> None:
    groups = pages.overview("period=custom&from=2020-01-01&to=2020-01-31&tab=campaigns").groups

    assert [group.shown.address for group in groups if not group.shown.rows] == [""] * len(groups)
    for group in pages.overview("period=last-month").groups:
        assert bool(group.shown.address) is bool(group.shown.rows)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("report=bots&f=page:is:/a", id="machines by page"),
        pytest.param("report=coverage&f=country:is:DE", id="refusals by country"),
        pytest.param(
            "report=pages&f=country:is:DE&f=source:is:x&f=device:is:y&f=browser:is:z",
            id="five dimensions",
        ),
        pytest.param("report=countries&f=step:is:x", id="step of no funnel"),
        pytest.param("report=pages&f=exit_page:is:/a&f=goal:is:x", id="two subjects"),
    ],
)
def test_filter_that_no_policy_could_count_is_told_in_a_sentence(
    pages: Pages, address: str
) -> None:
    view = pages.report(address)

    assert view.list.undeclared is not None
    assert view.list.undeclared.lines == ""
    assert view.list.undeclared.sentence == (
        "No policy could count this together with these filters."
    )


@pytest.mark.parametrize(
    "filters",
    [
        pytest.param("f=page:is:page+a", id="page"),
        pytest.param("f=page:contains:page&f=country:is:country+a", id="two"),
        pytest.param("f=event:is:Click", id="event"),
        pytest.param("f=event:is:Click&f=property:is:element&f=value:is:value+a", id="value"),
        pytest.param("f=goal:is:goal+a", id="goal"),
        pytest.param("f=funnel:is:funnel+a&f=step:is:step+a", id="funnel"),
        pytest.param("f=bot:is:bot+a", id="machine"),
        pytest.param("f=reason:is:reason+a", id="reason"),
        pytest.param("f=mask:is:mask+a", id="mask"),
        pytest.param("f=link:is:link+a", id="link of e-mail"),
        pytest.param("f=page:is:(other)", id="small groups"),
        pytest.param("f=value:is:x&f=bot:is:y", id="what can't go together"),
    ],
)
def test_overview_under_any_filter_has_numbers_or_says_why_not(pages: Pages, filters: str) -> None:
    overview = pages.overview(f"period=last-month&{filters}")

    assert (overview.traffic is None) is (overview.undeclared is not None)
    for group in overview.groups:
        assert (group.shown.columns == ()) is (group.shown.undeclared is not None)


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        pytest.param("f=event:is:Click", ["Visitors", "Times"], id="event"),
        pytest.param("f=goal:is:goal+a", ["Visitors", "Conversions"], id="goal"),
        pytest.param("f=page:is:page+a", ["Visitors", "Views"], id="page"),
    ],
)
def test_figures_are_those_that_are_counted_of_what_is_filtered(
    pages: Pages, filters: str, titles: list[str]
) -> None:
    traffic = pages.overview(f"period=last-month&{filters}").traffic

    assert traffic is not None
    assert [card.title for card in traffic.cards] == titles


def test_value_leads_with_its_event_and_property(pages: Pages) -> None:
    address = "report=event_properties&period=last-month"
    row = next(r for r in pages.report(address).list.rows if not r.is_other)

    filters = pages.select(urlsplit(row.words[2].address).query).filters

    assert [(each.dimension, each.values[0]) for each in filters] == [
        (Dimension.EVENT, row.words[0].raw),
        (Dimension.PROPERTY, row.words[1].raw),
        (Dimension.VALUE, row.words[2].raw),
    ]


@pytest.mark.parametrize("report", ["events", "event_properties", "tag_events"])
def test_filter_by_an_event_lists_it_wherever_it_is_listed_else(pages: Pages, report: str) -> None:
    whole = pages.report(f"report={report}&period=last-month").list
    found = pages.report(f"report={report}&period=last-month&f=event:is:Click").list

    is_of_the_tag = report == "tag_events"
    listed = {row.words[0].raw for row in whole.rows}
    assert listed == ({"Click", "404"} if is_of_the_tag else {"Sign up", "(other)"})
    assert {row.words[0].raw for row in found.rows} == {"Click"}


@pytest.mark.parametrize(
    ("address", "names"),
    [
        pytest.param("report=pages", "Page", id="pages"),
        pytest.param("report=pages&f=page:is:page+a", "", id="one page"),
        pytest.param("report=browsers", "", id="what nobody changes within a day"),
        pytest.param("report=transitions&sort=-views", "Page before and Page", id="two"),
        pytest.param("report=clicks&sort=-events", "Page and Value", id="of one event"),
        pytest.param("report=ai_crawlers", "", id="no visitors"),
        pytest.param("report=coverage", "", id="refused hits"),
    ],
)
def test_line_of_all_rows_tells_what_visitors_count_several_times_under(
    pages: Pages, address: str, names: str
) -> None:
    told = [
        note
        for note in pages.report(f"{address}&period=last-month").notes
        if note.startswith("A visitor counts once under each of these")
    ]

    assert told == (
        [f"A visitor counts once under each of these, so that some count several times: {names}."]
        if names
        else []
    )


def test_small_groups_lead_nowhere(pages: Pages) -> None:
    shown = pages.report("report=pages&period=last-month").list

    other = [row for row in shown.rows if row.is_other]
    assert other
    assert {word.address for row in other for word in row.words} == {""}


@pytest.mark.parametrize("filters", ["", "&f=page:is:page+a", "&f=page:contains:page"])
@pytest.mark.parametrize("day", ["2025-10-05", "2025-10-26"])
def test_no_row_of_a_day_is_smaller_than_its_statistic_allows(
    pages: Pages, day: str, filters: str
) -> None:
    for report, size in SIZES.items():
        address = f"report={report}&from={day}&to={day}&sort=-visitors{filters}"
        found = pages.report(address).list
        titles = [column.title for column in found.columns]
        for row in found.rows:
            assert row.is_other or int(row.cells[titles.index("Visitors")]) >= size


def test_hundred_thousand_pages_are_quick_and_can_be_paged(pages: Pages) -> None:
    day = "report=pages&from=2024-03-01&to=2024-03-01"
    started = time.perf_counter()
    view = pages.report(f"{day}&page=2000")
    took = time.perf_counter() - started

    assert (view.paging.pages, view.list.groups) == (2000, MANY)
    assert view.paging.after == ""
    assert len(view.list.rows) == 50
    assert view.list.rows[-1].rank == MANY
    assert view.list.rows[-1].cells == ("3", "6")
    assert took < 10  # under 2.4 s measured on two cores with a load of 15
    with pytest.raises(SelectionError, match="no such page"):
        pages.report(f"{day}&page=2001")


def test_search_among_a_hundred_thousand_pages_finds_one(pages: Pages) -> None:
    found = pages.report("report=pages&from=2024-03-01&to=2024-03-01&search=/099999")

    assert [row.words[0].raw for row in found.list.rows] == ["/099999"]


def test_hostile_words_are_just_text_and_lead_where_they_say(pages: Pages) -> None:
    day = "from=2024-05-01&to=2024-05-01"
    page = pages.html(f"report=pages&{day}")

    shown = rows_of(page, "pages")
    assert {row.words[0] for row in shown} == {text_of(html.escape(word)) for word in HOSTILE}
    assert "<script>alert" not in page
    assert "onmouseover=" not in page.replace("&#34;onmouseover=", "")
    for row in pages.report(f"report=pages&{day}").list.rows:
        filtered = pages.report(f"report=pages&{urlsplit(row.words[0].address).query}")
        assert [each.words[0].raw for each in filtered.list.rows] == [row.words[0].raw]
        assert filtered.list.rows[0].cells == ("9", "18")


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param("2025-10-26", 24, id="clocks go back"),
        pytest.param("2025-09-28", 24, id="a plain day"),
    ],
)
def test_day_of_a_clock_change_has_its_hours(pages: Pages, day: str, hours: int) -> None:
    traffic = pages.overview(f"from={day}&to={day}").traffic

    whole = CELLS.shown("traffic", date.fromisoformat(day), date.fromisoformat(day), ())[()]
    assert traffic is not None
    assert traffic.main is not None
    assert len(traffic.main.table) == hours
    views = sum(int(cells[2].replace(",", "")) for _, cells in traffic.main.table)
    assert views == whole["views"]
    assert traffic.cards[2].text == f"{views:,}"


def test_days_on_which_nothing_was_counted_say_so(pages: Pages) -> None:
    page = pages.html("report=countries&from=2024-01-01&to=2024-01-02")

    assert "Nothing to show for these days." in page
    assert date(2025, 11, 4) == LAST_DAY
