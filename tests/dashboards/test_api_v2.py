"""`/api/v2/query`: Plausible's request and response shape, for what exists here."""

import json
from datetime import date
from typing import Any

import pytest

from dashboards.address.periods import Period, PeriodName
from tests.dashboards.conftest import OpenReader
from tests.dashboards.reader import Reader
from tests.dashboards.test_api_v1 import NOTED, app_of
from tests.dashboards.traffic import SITE, TRAFFIC, sums
from tests.dashboards.views import Store

OCTOBER = ["2025-10-01", "2025-10-31"]
DAYS = (date(2025, 10, 1), date(2025, 10, 31))


@pytest.fixture
def program(stored: Store, open_reader: OpenReader) -> Reader:
    return open_reader(app_of(stored))


def ask(program: Reader, **question: object) -> tuple[int, Any]:
    asked = {"site_id": SITE, "metrics": ["pageviews"], "date_range": OCTOBER, **question}
    answer = program.post_body("/api/v2/query", json.dumps(asked).encode(), "application/json")
    return answer.status_code, answer.json()


def test_totals_are_one_result_without_dimensions(program: Reader) -> None:
    metrics = ["visitors", "visits", "pageviews", "views_per_visit", "bounce_rate"]
    status, told = ask(program, metrics=[*metrics, "visit_duration"])

    span = Period(PeriodName.CUSTOM, *DAYS).span
    visitors, visits, views, bounces, seconds = TRAFFIC.hours(span.start, span.end)
    ratios = [round(views / visits, 2), round(bounces / visits * 100, 2), round(seconds / visits)]
    assert status == 200
    assert told["results"] == [{"metrics": [visitors, visits, views, *ratios], "dimensions": []}]


def test_results_come_in_the_order_of_the_question(program: Reader) -> None:
    dimensions = ["visit:browser", "time:month", "visit:device"]
    _, told = ask(program, metrics=["visits", "visitors"], dimensions=dimensions)

    groups = TRAFFIC.groups("devices", *DAYS, lambda words: words)
    expected = {
        (browser, "2025-10-01", device): [figures[1], figures[0]]
        for (device, browser, _), figures in groups.items()
    }
    assert {tuple(row["dimensions"]): row["metrics"] for row in told["results"]} == expected


@pytest.mark.parametrize(
    ("of", "kept"),
    [
        pytest.param([["is", "visit:country", ["DE", "CI"]]], {"DE", "CI"}, id="is"),
        pytest.param([["is_not", "visit:country", ["DE"]]], {"CI", "(unknown)"}, id="is not"),
        pytest.param([["contains", "visit:country", ["n"]]], {"(unknown)"}, id="contains"),
        pytest.param([["contains_not", "visit:country", ["n"]]], {"DE", "CI"}, id="contains not"),
        pytest.param([["not", ["is", "visit:country", ["DE"]]]], {"CI", "(unknown)"}, id="not"),
        pytest.param(
            [["or", [["is", "visit:country", ["DE"]], ["is", "visit:country", ["CI"]]]]],
            {"DE", "CI"},
            id="or",
        ),
        pytest.param(
            [["is_not", "visit:country", ["DE"]], ["is_not", "visit:country", ["CI"]]],
            {"(unknown)"},
            id="all hold",
        ),
        pytest.param(
            [["is", "visit:country", ["DE"], {"case_sensitive": True}]], {"DE"}, id="modifier"
        ),
    ],
)
def test_filters_keep_what_they_say(program: Reader, of: object, kept: set[str]) -> None:
    _, told = ask(program, dimensions=["visit:country"], filters=of)

    assert {row["dimensions"][0] for row in told["results"]} == kept


def test_order_limit_and_offset_choose_the_rows(program: Reader) -> None:
    order = [["event:page", "desc"]]
    _, told = ask(
        program,
        dimensions=["event:page"],
        order_by=order,
        pagination={"limit": 3, "offset": 1},
        include={"total_rows": True},
    )

    pages = sorted(TRAFFIC.groups("pages", *DAYS, lambda words: words[0]), reverse=True)
    assert [row["dimensions"] for row in told["results"]] == [[page] for page in pages[1:4]]
    assert told["meta"]["total_rows"] == len(pages)
    assert told["query"]["pagination"] == {"limit": 3, "offset": 1}


def test_hours_have_labels(program: Reader) -> None:
    _, told = ask(
        program,
        dimensions=["time"],
        date_range=["2025-10-02", "2025-10-02"],
        include={"time_labels": True, "imports": True},
    )

    labels = told["meta"]["time_labels"]
    assert (len(labels), labels[1]) == (24, "2025-10-02 01:00:00")
    assert [row["dimensions"][0] for row in told["results"]] == labels
    assert told["meta"]["imports_included"] is False


@pytest.mark.parametrize(
    ("sent", "first", "last"),
    [
        pytest.param("day", "2025-11-04T00:00:00+01:00", "2025-11-04T23:59:59+01:00", id="day"),
        pytest.param("7d", "2025-10-29T00:00:00+01:00", "2025-11-04T23:59:59+01:00", id="7d"),
        pytest.param("month", "2025-11-01T00:00:00+01:00", "2025-11-04T23:59:59+01:00", id="month"),
        pytest.param("6mo", "2025-06-01T00:00:00+02:00", "2025-11-04T23:59:59+01:00", id="6mo"),
        pytest.param("year", "2025-01-01T00:00:00+01:00", "2025-11-04T23:59:59+01:00", id="year"),
        pytest.param("all", "2015-10-29T00:00:00+01:00", "2025-11-04T23:59:59+01:00", id="all"),
        pytest.param(
            ["2025-01-01", "2025-12-31"],
            "2025-01-01T00:00:00+01:00",
            "2025-11-04T23:59:59+01:00",
            id="year that goes on",
        ),
    ],
)
def test_range_is_told_as_it_was_understood(
    program: Reader, sent: object, first: str, last: str
) -> None:
    status, told = ask(program, date_range=sent)

    assert status == 200
    assert told["query"]["date_range"] == [first, last]


def test_percentage_is_of_all_visitors(program: Reader) -> None:
    _, told = ask(program, metrics=["visitors", "percentage"], dimensions=["visit:channel"])

    span = Period(PeriodName.CUSTOM, *DAYS).span
    everyone = TRAFFIC.hours(span.start, span.end)[0]
    groups = TRAFFIC.groups("channels", *DAYS, lambda words: words[0])
    expected = {
        channel: [figures[0], round(100 * min(1, figures[0] / everyone), 2)]
        for channel, figures in groups.items()
    }
    assert {row["dimensions"][0]: row["metrics"] for row in told["results"]} == expected
    assert sums(groups.values())[0] > 0


@pytest.mark.parametrize(
    ("question", "field"),
    [
        pytest.param({"metrics": ["total_revenue"]}, "metrics", id="revenue"),
        pytest.param({"metrics": ["scroll_depth"]}, "metrics", id="scroll depth"),
        pytest.param({"metrics": ["events"]}, "metrics", id="views and events together"),
        pytest.param({"dimensions": ["visit:city"]}, "dimensions", id="city"),
        pytest.param({"dimensions": ["event:props:"]}, "dimensions", id="property without name"),
        pytest.param({"dimensions": ["time:week"]}, "dimensions", id="week"),
        pytest.param({"dimensions": ["time:day", "time:month"]}, "dimensions", id="two times"),
        pytest.param({"dimensions": ["visit:device", "event:page"]}, "dimensions", id="undeclared"),
        pytest.param({"date_range": "30y"}, "date_range", id="unknown range"),
        pytest.param({"date_range": ["2025-01-01"]}, "date_range", id="half a range"),
        pytest.param({"date_range": ["2025-01-01", "soon"]}, "date_range", id="no day"),
        pytest.param({"date_range": ["2026-01-01", "2026-02-01"]}, "date_range", id="future"),
        pytest.param(
            {"date_range": ["2025-01-01T12:00:00+02:00", "2025-01-01T15:59:59+02:00"]},
            "date_range",
            id="times of day",
        ),
        pytest.param({"filters": ["is"]}, "filters", id="no array"),
        pytest.param({"filters": [["matches", "event:page", ["^/"]]]}, "filters", id="expression"),
        pytest.param({"filters": [["has_done", ["is", "event:goal", ["x"]]]]}, "filters", id="did"),
        pytest.param({"filters": [["is", "event:hostname", ["x"]]]}, "filters", id="hostname"),
        pytest.param({"filters": [["is", "event:page", []]]}, "filters", id="no value"),
        pytest.param({"filters": [["is", "event:page", [None]]]}, "filters", id="null"),
        pytest.param({"filters": [["is", ["event:page"], ["x"]]]}, "filters", id="array of names"),
        pytest.param({"filters": [["and", []]]}, "filters", id="empty and"),
        pytest.param(
            {"filters": [["is", "event:page", ["x"], {"case_sensitive": False}]]},
            "filters",
            id="any case",
        ),
        pytest.param(
            {"filters": [["not", ["not", ["not", ["not", ["not", ["is", "event:page", ["x"]]]]]]]]},
            "filters",
            id="deep",
        ),
        pytest.param({"order_by": [["pageviews", "up"]]}, "order_by", id="direction"),
        pytest.param({"order_by": [["visits", "asc"]]}, "order_by", id="order by what isn't asked"),
        pytest.param({"include": {"comparisons": {}}}, "body", id="unknown key"),
        pytest.param({"include": {"time_labels": True}}, "include", id="labels without time"),
    ],
)
def test_what_does_not_exist_here_is_refused(
    program: Reader, question: dict[str, object], field: str
) -> None:
    status, told = ask(program, **question)

    assert (status, told["field"]) == (400, field)
    assert told["error"].startswith(f"{field}: ")


def test_question_is_written_down(program: Reader) -> None:
    assert ask(program)[0] == 200
    assert NOTED == [(SITE, "2025-10-01/2025-10-31")]
