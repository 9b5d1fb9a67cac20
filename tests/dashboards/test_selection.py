from datetime import date
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from anonymizer.policy import Dimension
from dashboards.address.filters import MAX_FILTERS, OPERATIONS, Condition, add_filter
from dashboards.address.periods import EARLIEST, MAX_DAYS, Compare, Grain, PeriodName, custom_period
from dashboards.address.reading import read_selection
from dashboards.address.selection import MAX_PAGE, Selection, SelectionError, Sort
from dashboards.asking.filters import Contains, Is, IsNot
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import HEADLINES
from dashboards.reports.declared import reports_by_id
from dashboards.words import LANGUAGES, words_in
from tests.dashboards.reader import NOW
from tests.dashboards.views import make_policy

POLICY = make_policy()
REPORTS = reports_by_id(POLICY)
SITES = list(POLICY.sites.values())
PAGE, COUNTRY = Dimension.PAGE, Dimension.COUNTRY


def read(address: str, language: str = "en") -> Selection:
    parameters = parse_qsl(address, keep_blank_values=True)
    return read_selection(parameters, POLICY, REPORTS, NOW, words=words_in(language))


def follow(address: str) -> Selection:
    return read(urlsplit(address).query)


def test_bare_address_shows_28_days_of_the_first_site() -> None:
    shown = read("")

    assert shown.site.domain == "example.org"
    assert shown.period.name is PeriodName.DAYS_28
    assert shown.measure is Metric.VISITORS
    assert (shown.report, shown.page, shown.filters) == ("", 1, ())


@pytest.mark.parametrize(
    ("site", "day"),
    [
        pytest.param("example.org", "2025-11-04", id="Berlin"),
        pytest.param("example.net", "2025-11-05", id="Auckland"),
    ],
)
def test_today_is_the_day_of_the_site(site: str, day: str) -> None:
    assert read(f"site={site}&period=today").period.first.isoformat() == day


def test_two_days_alone_are_a_custom_period() -> None:
    assert read("from=2025-01-01&to=2025-01-02").period.name is PeriodName.CUSTOM


BAD_ADDRESSES = [
    pytest.param("site=other.example", id="unknown site"),
    pytest.param("site=EXAMPLE.ORG", id="site in capitals"),
    pytest.param("site=", id="empty site"),
    pytest.param("site=example.org&site=example.net", id="site twice"),
    pytest.param("site=example.org'%20OR%201=1--", id="SQL for a site"),
    pytest.param("period=fortnight", id="unknown period"),
    pytest.param("period=", id="empty period"),
    pytest.param("period=custom", id="custom without days"),
    pytest.param("period=custom&from=2025-01-01", id="custom without end"),
    pytest.param("period=7d&from=2025-01-01&to=2025-01-02", id="named period with days"),
    pytest.param("from=2025-01-02&to=2025-01-01", id="backwards"),
    pytest.param("from=2025-13-01&to=2025-13-02", id="month 13"),
    pytest.param("from=2025-02-29&to=2025-03-01", id="no leap year"),
    pytest.param("from=0000-00-00&to=9999-99-99", id="zeros and nines"),
    pytest.param("from=1970-01-01&to=1970-01-02", id="before 2000"),
    pytest.param("from=2025-11-01&to=2031-01-01", id="future"),
    pytest.param("from=2001-01-01&to=2025-01-01", id="24 years"),
    pytest.param("from=-2025-01-1&to=2025-01-01", id="minus"),
    pytest.param("from=%00&to=%ff", id="NUL and bad UTF-8"),
    pytest.param("measure=revenue", id="unknown measure"),
    pytest.param("report=salaries", id="unknown report"),
    pytest.param("report=", id="empty report"),
    pytest.param("report=pages&page=0", id="page 0"),
    pytest.param("report=pages&page=-1", id="page -1"),
    pytest.param("report=pages&page=1.5", id="page 1.5"),
    pytest.param("report=pages&page=٣", id="arabic page"),
    pytest.param("report=pages&page=99999999999999999999", id="huge page"),
    pytest.param("report=pages&page=20001", id="page past the bound"),
    pytest.param("page=2", id="page of no report"),
    pytest.param("measure=hits", id="measure that is not drawn"),
    pytest.param("compare=never", id="unknown comparison"),
    pytest.param("grain=minute", id="unknown grain"),
    pytest.param("lang=tlh", id="unknown language"),
    pytest.param("tab=salaries", id="unknown tab"),
    pytest.param("tab=pages&tab=pages", id="tab twice"),
    pytest.param("report=pages&sort=bounce_rate", id="sort by what is not there"),
    pytest.param("report=pages&sort=--views", id="sort with two signs"),
    pytest.param("report=pages&sort=views;DROP TABLE pages", id="sort by SQL"),
    pytest.param("sort=views", id="sort of no report"),
    pytest.param("search=zebra", id="search of no report"),
    pytest.param("report=pages&search=" + "a" * 201, id="long search"),
    pytest.param("report=pages&search=a%00b", id="search with NUL"),
    pytest.param("report=pages&search=a%0Ab", id="search with a new line"),
    pytest.param("f=", id="empty filter"),
    pytest.param("f=page", id="filter of one part"),
    pytest.param("f=page:is", id="filter without a value"),
    pytest.param("f=salary:is:1", id="filter by no dimension"),
    pytest.param("f=page:matches:.*", id="filter by no operation"),
    pytest.param("f=PAGE:is:/", id="dimension in capitals"),
    pytest.param("f=page:contains:", id="contains nothing"),
    pytest.param("f=page:is:%00", id="filter with NUL"),
    pytest.param("f=page:is:%1B[2J", id="filter with an escape"),
    pytest.param("f=page:is:" + "a" * 2001, id="long filter"),
    pytest.param("&".join(f"f=page:is:/{n}" for n in range(31)), id="31 filters"),
    pytest.param("dimension=page&op=is&value=", id="form without a value"),
    pytest.param("dimension=salary&op=is&value=1", id="form with no dimension"),
    pytest.param("value=1", id="form without a dimension"),
    pytest.param("junk=<script>alert(1)</script>", id="junk"),
    pytest.param("Site=example.org", id="parameter in capitals"),
    pytest.param("site[]=example.org", id="bracketed parameter"),
]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_bad_address_is_refused_in_one_sentence(address: str) -> None:
    with pytest.raises(SelectionError) as refused:
        read(address)

    told = str(refused.value)
    assert told.endswith(".")
    assert told.count(".") == 1
    for _, value in parse_qsl(address):
        assert len(value) < 3 or value not in told


def test_values_of_one_condition_stand_for_each_other() -> None:
    address = "f=country:is:DE&f=page:contains:/a&f=country:is:FR&f=country:is_not:IT"

    assert read(address).filters == (
        Is(COUNTRY, ("DE", "FR")),
        Contains(PAGE, ("/a",)),
        IsNot(COUNTRY, ("IT",)),
    )


def test_value_of_a_filter_may_hold_what_parts_it() -> None:
    address = urlencode({"f": "page:is:/a:b|c&f=page:is:/d ☃"})

    assert read(address).filters == (Is(PAGE, ("/a:b|c&f=page:is:/d ☃",)),)


@pytest.mark.parametrize(
    ("form", "found"),
    [
        pytest.param("dimension=page&op=is&value=/a", Is(PAGE, ("/a",)), id="word"),
        pytest.param("dimension=country&op=is&value=germany", Is(COUNTRY, ("DE",)), id="name"),
        pytest.param("dimension=country&op=contains&value=D", Contains(COUNTRY, ("D",)), id="part"),
        pytest.param(
            "dimension=country&op=contains&value=germ", Is(COUNTRY, ("DE",)), id="part of a name"
        ),
        pytest.param("dimension=page&op=contains&value=germ", Contains(PAGE, ("germ",)), id="free"),
    ],
)
def test_form_adds_one_filter(form: str, found: Condition) -> None:
    shown = read(f"f=browser:is:Firefox&{form}")

    assert shown.filters == (Is(Dimension.BROWSER, ("Firefox",)), found)
    assert follow(shown.address()).filters == shown.filters


def test_form_takes_names_in_the_language_of_the_reader() -> None:
    assert read("dimension=country&op=is&value=德国", "zh").filters == (Is(COUNTRY, ("DE",)),)


def test_filter_is_taken_away_alone() -> None:
    shown = read("f=country:is:DE&f=page:is:/a&report=pages&page=3")

    assert follow(shown.without_filter(Is(COUNTRY, ("DE",))).address()).filters == (
        Is(PAGE, ("/a",)),
    )
    assert shown.without_filters().filters == ()
    assert shown.without_filters().page == 1


def test_grain_that_does_not_fit_the_period_is_left_aside() -> None:
    assert read("period=7d&grain=hour").grain is Grain.HOUR
    assert read("period=90d&grain=hour").grain is Grain.DAY
    assert read("period=90d&grain=month").grain is Grain.MONTH


@pytest.mark.parametrize(
    ("address", "first", "last"),
    [
        pytest.param("period=7d", "2025-10-22", "2025-10-28", id="days before"),
        pytest.param("period=7d&compare=year", "2024-10-29", "2024-11-04", id="year before"),
    ],
)
def test_compared_period_is_what_the_address_says(address: str, first: str, last: str) -> None:
    compared = read(address).compared

    assert compared is not None
    assert (compared.first, compared.last) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "address",
    ["compare=none", "compare=year&from=2000-01-01&to=2000-02-01"],
    ids=["none wanted", "before 2000"],
)
def test_nothing_is_compared_with_what_is_not_there(address: str) -> None:
    assert read(address).compared is None


TODAY = NOW.date()
FIRSTS = st.dates(EARLIEST, TODAY)
# Control characters and halves of surrogate pairs are refused.
VALUES = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\x7f"),
    min_size=1,
    max_size=30,
)


@st.composite
def filters(draw: st.DrawFn) -> tuple[Condition, ...]:
    found: tuple[Condition, ...] = ()
    for _ in range(draw(st.integers(0, 4))):
        kind = OPERATIONS[draw(st.sampled_from(sorted(OPERATIONS)))]
        values = draw(st.lists(VALUES, min_size=1, max_size=MAX_FILTERS // 4, unique=True))
        found = add_filter(found, kind(draw(st.sampled_from(Dimension)), tuple(values)))
    return found if sum(len(each.values) for each in found) <= MAX_FILTERS else ()


@st.composite
def selections(draw: st.DrawFn) -> Selection:
    name = draw(st.sampled_from(PeriodName))
    shown = read(f"site={draw(st.sampled_from(SITES)).domain}")
    if name is PeriodName.CUSTOM:
        first = draw(FIRSTS)
        furthest = min(TODAY, first.fromordinal(first.toordinal() + MAX_DAYS - 1))
        last = draw(st.dates(first, furthest))
        period = custom_period(first.isoformat(), last.isoformat(), TODAY)
        shown = replace(shown, period=period)
    else:
        shown = follow(shown.at_period(name))
    lang = draw(st.sampled_from(["", *LANGUAGES]))
    shown = replace(
        shown,
        compare=draw(st.sampled_from(Compare)),
        asked_grain=draw(st.sampled_from([None, *Grain])),
        measure=draw(st.sampled_from(HEADLINES)),
        tabs=tuple(draw(st.lists(st.sampled_from(sorted(REPORTS)), max_size=5, unique=True))),
        filters=draw(filters()),
        lang=lang,
        language=lang or "en",
    )
    if not draw(st.booleans()):
        return shown
    report = REPORTS[draw(st.sampled_from(sorted(REPORTS)))]
    choices: list[Metric | Dimension] = [*report.metrics, *report.dimensions]
    return replace(
        shown,
        report=report.id,
        page=draw(st.integers(1, MAX_PAGE)),
        search=draw(st.just("") | VALUES),
        sort=draw(st.none() | st.builds(Sort, st.sampled_from(choices), st.booleans())),
    )


@given(selections())
def test_address_reads_back_as_what_it_shows(shown: Selection) -> None:
    assert follow(shown.address()) == shown


@given(selections())
def test_fields_of_a_form_read_back_as_what_it_shows(shown: Selection) -> None:
    assert read(urlencode(shown.fields())) == shown


@given(selections())
def test_overview_of_a_report_keeps_its_period_and_filters(shown: Selection) -> None:
    overview = follow(shown.overview())

    assert (overview.report, overview.page, overview.search, overview.sort) == ("", 1, "", None)
    assert (
        replace(
            overview, report=shown.report, page=shown.page, search=shown.search, sort=shown.sort
        )
        == shown
    )


@given(selections(), filters())
def test_filter_that_is_added_holds_beside_the_others(
    shown: Selection, more: tuple[Condition, ...]
) -> None:
    filtered = shown.with_filter(*more)

    assert filtered.page == 1
    for each in (*shown.filters, *more):
        found = [
            f for f in filtered.filters if type(f) is type(each) and f.dimension == each.dimension
        ]
        assert len(found) == 1
        assert set(each.values) <= set(found[0].values)


def test_custom_days_go_along_to_another_site_and_filters_do_not() -> None:
    shown = follow(read("from=2025-01-01&to=2025-01-02&f=page:is:/a").at_site("example.net"))

    assert shown.site.domain == "example.net"
    assert shown.period == custom_period("2025-01-01", "2025-01-02", TODAY)
    assert shown.filters == ()
