"""Tables and views of the shipped default policy: what views and hits turn into."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from anonymizer.hits import Campaign, Door, DropReason, LocalSeconds
from collector.counters import count_refused
from collector.schema.tables import DATABASE, PARTITION
from tests.collector.hits import SITE, Line, make_policy
from tests.collector.storing import Kept, aligned, opened

POLICY = make_policy()
NOON = int(datetime(2026, 3, 10, 11, 0, tzinfo=UTC).timestamp())  # 12:00 in Berlin
LAST_OF_MONTH = int(datetime(2026, 3, 31, 21, 50, tzinfo=UTC).timestamp())  # 23:50 in Berlin
MINUTE = 60
HOUR = 3_600

# One row a view that counts visits by what every visit has.
OF_EVERY_VISIT = (
    *("traffic", "entry_pages", "sources", "channels", "countries", "languages", "devices"),
    *("screens", "networks", "sources_by_country", "sources_by_device"),
)
OF_EVERY_VIEW = ("pages", "transitions", "pages_by_source", "pages_by_country", "pages_by_device")
OF_CAMPAIGNS = (
    *("campaigns", "campaign_contents", "campaign_terms", "campaigns_by_source"),
    *("campaigns_by_country", "campaigns_by_device"),
)


@pytest.fixture(scope="module")
def kept_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with opened(tmp_path_factory.mktemp("schema"), POLICY) as kept:
        yield kept


@pytest.fixture
def line() -> Line:
    return Line(POLICY)


# The order of columns is part of what analysts rely on.
VIEWS = """\
view                  period  told apart by                             measures
abandoned_fields      day     page value                                visitors events
bots                  day     bot_kind bot                              hits
campaign_contents     day     campaign_content                          visitors visits views bounces seconds
campaign_terms        day     campaign_term                             visitors visits views bounces seconds
campaigns             day     campaign campaign_source campaign_medium  visitors visits views bounces seconds
campaigns_by_country  day     campaign country                          visitors visits views bounces seconds
campaigns_by_device   day     campaign device                           visitors visits views bounces seconds
campaigns_by_source   day     campaign source                           visitors visits views bounces seconds
channels              day     channel                                   visitors visits views bounces seconds
clicks                day     page value                                visitors events
countries             day     country                                   visitors visits views bounces seconds
coverage              day     door reason                               hits
devices               day     device browser os                         visitors visits views bounces seconds
downloads             day     value                                     visitors events
email                 day     campaign variant mail_kind                visitors delivered opens clicks unique_opens unsubscribed
email_delivered       day     campaign variant                          delivered
email_links           day     campaign link                             visitors clicks
engagement            day     page                                      visitors seconds
entry_pages           day     page                                      visitors visits views bounces seconds
event_properties      day     event property value                      visitors events
events                day     event                                     visitors events
exit_pages            day     page                                      visitors visits
failed_downloads      day     value                                     visitors events
failed_resources      day     value                                     visitors events
forms                 day     page                                      visitors events
forms_abandoned       day     page                                      visitors events
funnels               day     funnel step                               visitors visits
goals                 day     goal                                      visitors conversions
goals_by_campaign     day     goal campaign                             visitors conversions
goals_by_country      day     goal country                              visitors conversions
goals_by_device       day     goal device                               visitors conversions
goals_by_page         day     goal page                                 visitors conversions
goals_by_source       day     goal source                               visitors conversions
languages             day     language                                  visitors visits views bounces seconds
leaving               day     page value                                visitors events
missing_pages         day     page                                      visitors events
networks              day     network                                   visitors visits views bounces seconds
outbound_links        day     value                                     visitors events
pages                 day     page                                      visitors views
pages_by_country      day     page country                              visitors views
pages_by_device       day     page device                               visitors views
pages_by_source       day     page source                               visitors views
phone_clicks          day     page                                      visitors events
pointer_moved         day     page value                                visitors events
pointer_pressed       day     page value                                visitors events
product_categories    day     value                                     visitors events
products              day     value                                     visitors events
referrers             day     referrer                                  visitors visits views bounces seconds
response_times        day     page value                                visitors events
screens               day     screen                                    visitors visits views bounces seconds
scroll_depth          day     page value                                visitors events
scrubbed              day     mask                                      visitors masked
searches              day     value                                     visitors events
sources               day     source                                    visitors visits views bounces seconds
sources_by_country    day     source country                            visitors visits views bounces seconds
sources_by_device     day     source device                             visitors visits views bounces seconds
traffic               hour                                              visitors visits views bounces seconds
transitions           day     previous_page page                        visitors views
web_vitals_cls        day     page value                                visitors events
web_vitals_fcp        day     page value                                visitors events
web_vitals_inp        day     page value                                visitors events
web_vitals_lcp        day     page value                                visitors events
web_vitals_ttfb       day     page value                                visitors events"""  # noqa: E501

TYPES = {
    "Date": "day",
    "DateTime(UTC)": "hour",
    "LowCardinality(String)": "site",
    "Int64": (
        "bounces clicks conversions delivered events hits masked opens seconds unique_opens"
        " unsubscribed views visitors visits"
    ),
    "String": (
        "bot bot_kind browser campaign campaign_content campaign_medium campaign_source"
        " campaign_term channel country device door event funnel goal language link mail_kind mask"
        " network os page previous_page property reason referrer screen source step value variant"
    ),
}


def test_views_of_the_default_policy_have_these_columns(kept: Kept) -> None:
    answer = kept.value(
        "SELECT table, arrayStringConcat(groupArray(name), ' ')"
        " FROM (SELECT table, name FROM system.columns WHERE database = currentDatabase()"
        " ORDER BY table, position) GROUP BY table ORDER BY table"
    )
    measures = set(TYPES["Int64"].split())
    rows = [["view", "period", "told apart by", "measures"]]
    for view in answer.splitlines():
        name, _, columns = view.partition("\t")
        site, period, *others = columns.split()
        assert site == "site"
        by = [column for column in others if column not in measures]
        assert others[: len(by)] == by
        rows.append([name, period, " ".join(by), " ".join(others[len(by) :])])

    assert aligned(rows) == VIEWS


def test_columns_of_one_name_have_one_type(kept: Kept) -> None:
    answer = kept.value(
        "SELECT replaceAll(type, '\\'', ''),"
        " arrayStringConcat(arraySort(groupUniqArray(name)), ' ')"
        " FROM system.columns WHERE database = currentDatabase() GROUP BY type ORDER BY type"
    )

    assert dict(row.split("\t") for row in answer.splitlines()) == TYPES


def test_every_declared_statistic_has_a_view_and_there_is_no_other(kept: Kept) -> None:
    shown = kept.value("SELECT name FROM system.tables WHERE database = currentDatabase()")

    assert sorted(shown.splitlines()) == sorted(each.name for each in POLICY.statistics)


def browse(line: Line, kept: Kept, moments: int = 400) -> None:
    """Let ten visitors walk at random for three days, over a month's end."""
    chance = random.Random(20_260_331)
    time = LAST_OF_MONTH - 24 * HOUR
    views = []
    for _ in range(moments):
        time += chance.choice((5, 40, 600, 2_400))
        line.memory.forget_before(SITE, line.local(time))
        campaign = chance.choice(("", "", "spring"))
        views.append(
            line.view(
                chance.choice("abcdefghij"),
                time,
                chance.choice(("/", "/a", "/b")),
                source=chance.choice(("(direct)", "Google")),
                country=chance.choice(("DE", "FR")),
                campaign=Campaign(campaign, campaign and "mail", content=campaign),
            )
        )
    for first in range(0, len(views), 37):
        kept.count(*views[first : first + 37])


def test_every_view_adds_up_to_the_same_totals(kept: Kept, line: Line) -> None:
    browse(line, kept)
    totals = kept.value("SELECT sum(visits), sum(views), sum(bounces), sum(seconds) FROM traffic")
    visits, views, bounces, _ = map(int, totals.split("\t"))
    assert views == 400
    assert 0 < bounces < visits < views

    for view in OF_EVERY_VISIT:
        sums = kept.value(f"SELECT sum(visits), sum(views), sum(bounces), sum(seconds) FROM {view}")
        assert sums == totals, view
    for view in OF_EVERY_VIEW:
        assert kept.value(f"SELECT sum(views) FROM {view}") == str(views), view
    assert kept.value("SELECT sum(visits) FROM exit_pages") == str(visits)
    assert kept.value("SELECT sum(hits) FROM coverage") == str(views)


def test_every_day_of_every_view_adds_up_too(kept: Kept, line: Line) -> None:
    browse(line, kept)
    by_day = "SELECT toDate({period}) AS d, sum({measure}) FROM {view} GROUP BY d ORDER BY d"

    def days(view: str, measure: str, period: str = "day") -> str:
        return kept.value(by_day.format(view=view, measure=measure, period=period))

    for view in OF_EVERY_VISIT[1:]:
        for measure in ("visits", "views", "bounces", "seconds"):
            assert days(view, measure) == days("traffic", measure, "hour"), (view, measure)
    for view in OF_EVERY_VIEW:
        assert days(view, "views") == days("traffic", "views", "hour"), view
    assert days("exit_pages", "visits") == days("traffic", "visits", "hour")
    # A visitor has one device and one network a day, so these count each once.
    for view in ("devices", "networks"):
        assert days(view, "visitors") == days("traffic", "visitors", "hour"), view


def test_no_measure_of_any_cell_is_negative_and_visitors_are_never_more_than_views(
    kept: Kept, line: Line
) -> None:
    browse(line, kept)

    for view in (*OF_EVERY_VISIT, *OF_CAMPAIGNS, "exit_pages"):
        assert kept.value(f"SELECT min(visitors) >= 0 AND min(visits) >= 0 FROM {view}") == "1"
    for view in (*OF_EVERY_VISIT, *OF_EVERY_VIEW, *OF_CAMPAIGNS):
        assert kept.value(f"SELECT countIf(visitors > views) FROM {view}") == "0", view


def test_hit_without_campaign_or_referrer_leaves_no_row_under_them(kept: Kept, line: Line) -> None:
    kept.count(line.view("ada", NOON))

    for view in (*OF_CAMPAIGNS, "referrers"):
        assert kept.value(f"SELECT count() FROM {view}") == "0", view
    assert (
        kept.value(f"SELECT count() FROM {DATABASE}.cells WHERE statistic LIKE 'campaign%'") == "0"
    )
    assert kept.value("SELECT views FROM sources") == "1"


def test_campaign_of_one_word_alone_has_a_row(kept: Kept, line: Line) -> None:
    kept.count(line.view("ada", NOON, campaign=Campaign(medium="mail")))

    expected = """\
campaign  campaign_source  campaign_medium  visitors  visits  views
                           mail             1         1       1"""
    sql = "SELECT campaign, campaign_source, campaign_medium, visitors, visits, views"
    assert kept.table(f"{sql} FROM campaigns") == expected
    assert kept.value("SELECT count() FROM campaign_contents") == "0"


def test_page_has_visitors_and_views_and_nothing_of_visits(kept: Kept, line: Line) -> None:
    kept.count(line.view("ada", NOON, "/a"), line.view("ada", NOON + 30, "/b"))

    expected = """\
statistic                        sum(views)  sum(visits)  sum(bounces)  sum(seconds)
pages(page)                      2           0            0             0
transitions(previous_page,page)  2           0            0             0"""
    answer = kept.table(
        "SELECT statistic, sum(views), sum(visits), sum(bounces), sum(seconds)"
        f" FROM {DATABASE}.cells WHERE match(statistic, '^(pages|transitions)[(]')"
        " GROUP BY statistic ORDER BY statistic"
    )
    assert answer == expected


def test_traffic_is_by_the_hour_of_the_wall_clock_and_the_rest_by_its_day(
    kept: Kept, line: Line
) -> None:
    late = LAST_OF_MONTH  # 23:50 in Berlin, still the 31st
    kept.count(line.view("ada", late, "/a"), line.view("bob", late + 20 * MINUTE, "/b"))

    expected_hours = """\
hour                 visitors  visits  views
2026-03-31 23:00:00  1         1       1
2026-04-01 00:00:00  1         1       1"""
    expected_days = """\
day         page  visitors  views
2026-03-31  /a    1         1
2026-04-01  /b    1         1"""
    hours = kept.table("SELECT hour, visitors, visits, views FROM traffic ORDER BY hour")
    assert hours == expected_hours
    assert kept.table("SELECT day, page, visitors, views FROM pages ORDER BY day") == expected_days


def test_visit_over_a_months_end_adds_to_both_months(kept: Kept, line: Line) -> None:
    kept.count(line.view("ada", LAST_OF_MONTH, "/a"))
    kept.count(line.view("ada", LAST_OF_MONTH + 20 * MINUTE, "/b"))

    expected = """\
hour                 visitors  visits  views  bounces  seconds
2026-03-31 23:00:00  1         1       1      0        1200
2026-04-01 00:00:00  0         0       1      0        0"""
    assert kept.table("SELECT * EXCEPT site FROM traffic ORDER BY hour") == expected
    assert kept.value("SELECT day, page, visits FROM exit_pages") == "2026-03-31\t/b\t1"


def test_months_and_times_to_keep_are_partitions_each_counting_its_batches(
    kept: Kept, line: Line
) -> None:
    kept.count(line.view("ada", LAST_OF_MONTH, "/a"))
    assert set(kept.store.batches()) == {"(750,202603)", "(90,202603)"}
    kept.count(line.view("ada", LAST_OF_MONTH + 20 * MINUTE, "/b"))

    partitions = kept.value(f"SELECT DISTINCT {PARTITION} AS p FROM {DATABASE}.cells ORDER BY p")
    assert partitions.splitlines() == [
        *("(750,202603)", "(750,202604)", "(90,202603)", "(90,202604)")
    ]
    assert set(kept.store.batches()) == set(partitions.splitlines())


def test_refused_hits_stand_in_coverage_alone(kept: Kept, line: Line) -> None:
    refused = count_refused(SITE, Door.PIXEL, DropReason.BOT, LocalSeconds(line.local(NOON)), 7)
    kept.count([refused], line.view("ada", NOON))

    expected = """\
site         day         door   reason   hits
example.org  2026-03-10  event  counted  1
example.org  2026-03-10  pixel  bot      7"""
    assert kept.table("SELECT * FROM coverage ORDER BY door") == expected
    assert kept.value("SELECT sum(views), sum(visitors) FROM traffic") == "1\t1"


def test_hit_that_serves_one_purpose_stands_under_its_statistics_alone(
    kept: Kept, line: Line
) -> None:
    operations = frozenset({next(p.id for p in POLICY.purposes if p.id == "operations")})

    kept.count(line.view("ada", NOON, "/a", purposes=operations, campaign=Campaign("spring")))

    found = kept.value(
        f"SELECT DISTINCT statistic FROM {DATABASE}.cells WHERE views != 0 OR visits != 0"
    )
    assert found == "networks(network)"


def test_cells_hold_no_time_finer_than_the_hour_and_no_more_than_three_words(kept: Kept) -> None:
    columns = kept.value(
        "SELECT arrayStringConcat(groupArray(name), ' ') FROM (SELECT name FROM system.columns"
        f" WHERE database = '{DATABASE}' AND table = 'cells' ORDER BY position)"
    )

    assert columns == (
        "statistic keep_days grain site period k1 k2 k3 visitors visits views bounces seconds hits"
    )


def test_inbox_keeps_no_row(kept: Kept, line: Line) -> None:
    kept.count(line.view("ada", NOON))

    engine = kept.value(
        f"SELECT engine FROM system.tables WHERE database = '{DATABASE}' AND name = 'inbox'"
    )
    assert engine == "Null"
    assert kept.value(f"SELECT count() FROM {DATABASE}.inbox") == "0"
