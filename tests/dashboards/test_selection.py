from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.figures import Measure
from dashboards.panels import declared_groups
from dashboards.periods import EARLIEST, MAX_DAYS, PeriodName, custom_period
from dashboards.selection import Selection, SelectionError, read_selection
from tests.dashboards.reader import NOW
from tests.dashboards.views import make_policy

POLICY = make_policy()
PANELS = frozenset(panel.id for _, panels in declared_groups(POLICY) for panel in panels)
SITES = list(POLICY.sites.values())


def read(address: str) -> Selection:
    return read_selection(parse_qsl(address, keep_blank_values=True), POLICY, PANELS, NOW)


def test_bare_address_shows_28_days_of_the_first_site() -> None:
    shown = read("")

    assert shown.site.domain == "example.org"
    assert shown.period.name is PeriodName.DAYS_28
    assert shown.measure is Measure.VISITORS
    assert (shown.panel, shown.page) == ("", 1)


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
    pytest.param("panel=salaries", id="unknown list"),
    pytest.param("panel=", id="empty list"),
    pytest.param("panel=pages&page=0", id="page 0"),
    pytest.param("panel=pages&page=-1", id="page -1"),
    pytest.param("panel=pages&page=1.5", id="page 1.5"),
    pytest.param("panel=pages&page=٣", id="arabic page"),
    pytest.param("panel=pages&page=99999999999999999999", id="huge page"),
    pytest.param("panel=pages&page=20001", id="page past the bound"),
    pytest.param("page=2", id="page of no list"),
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
        assert value not in told


TODAY = NOW.date()
FIRSTS = st.dates(EARLIEST, TODAY)


@st.composite
def selections(draw: st.DrawFn) -> Selection:
    shown = read(f"site={draw(st.sampled_from(SITES)).domain}")
    name = draw(st.sampled_from(PeriodName))
    if name is PeriodName.CUSTOM:
        first = draw(FIRSTS)
        last = draw(
            st.dates(first, min(TODAY, first.fromordinal(first.toordinal() + MAX_DAYS - 1)))
        )
        shown = read(urlsplit(shown.at_days(first.isoformat(), last.isoformat())).query)
    else:
        shown = read(urlsplit(shown.at_period(name)).query)
    shown = read(urlsplit(shown.at_measure(draw(st.sampled_from(Measure)))).query)
    if draw(st.booleans()):
        panel, page = draw(st.sampled_from(sorted(PANELS))), draw(st.integers(1, 20_000))
        shown = read(urlsplit(shown.at_panel(panel, page)).query)
    return shown


@given(selections())
def test_address_reads_back_as_what_it_shows(shown: Selection) -> None:
    assert read(urlsplit(shown.address()).query) == shown


@given(selections())
def test_overview_of_a_list_keeps_its_period_and_measure(shown: Selection) -> None:
    overview = read(urlsplit(shown.overview()).query)

    assert (overview.panel, overview.page) == ("", 1)
    assert (overview.site, overview.period, overview.measure) == (
        shown.site,
        shown.period,
        shown.measure,
    )


def test_custom_days_go_along_to_another_site() -> None:
    shown = read(urlsplit(read("from=2025-01-01&to=2025-01-02").at_site("example.net")).query)

    assert shown.site.domain == "example.net"
    assert shown.period == custom_period("2025-01-01", "2025-01-02", TODAY)
