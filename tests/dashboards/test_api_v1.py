"""`/api/v1/query` over tables of a test's own: shapes, periods, comparison, hostile requests."""

import json
from datetime import date
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from anonymizer.policy import Site
from collector.audit import AuditFailed
from collector.proposals import Proposals
from collector.schema.views import columns_of
from dashboards.address.periods import Period
from dashboards.api.asked import Sites
from dashboards.api.routes import query_routes
from dashboards.asking.answering import Asker
from tests.collector.hits import POLICY_TEXT
from tests.dashboards.conftest import OpenReader
from tests.dashboards.reader import Clock, Reader
from tests.dashboards.traffic import SITE, TRAFFIC, sums
from tests.dashboards.views import Store, make_policy

POLICY = make_policy()
PURPOSE = """
[[purpose]]
id = "statistics"
title = "Statistics"
clause = "1"
basis = "exempt"
keep_days = 730
"""
LINES = POLICY_TEXT.format(zone="Europe/Berlin", min_group=3) + PURPOSE


NOTED: list[tuple[str, str]] = []
"""Site and days of the questions that were written down."""


def app_of(store: Store, *sites: str) -> Starlette:
    """Return the questions' door; whoever asks has a key for `sites`."""

    def sites_of(_: Request) -> frozenset[str]:
        return frozenset(sites)

    asker = Asker(store.query, POLICY, columns_of, Proposals(LINES).faults_of)
    NOTED.clear()

    async def note(_: Request, site: Site, period: Period) -> None:
        NOTED.append((site.domain, f"{period.first}/{period.last}"))

    sites_asked = Sites(POLICY, sites_of, Clock(), note)
    return Starlette(routes=query_routes(asker, sites_asked, lambda of: of))


@pytest.fixture
def program(stored: Store, open_reader: OpenReader) -> Reader:
    return open_reader(app_of(stored))


def ask(program: Reader, **question: object) -> tuple[int, Any]:
    body = json.dumps({"site": SITE, "metrics": ["views"], **question}).encode()
    answer = program.post_body("/api/v1/query", body, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()


def test_answer_has_rows_totals_and_where_they_are_from(program: Reader) -> None:
    status, told = ask(
        program,
        metrics=["visitors", "bounce_rate"],
        dimensions=["country"],
        **{"from": "2025-10-01", "to": "2025-10-31"},
    )

    days = (date(2025, 10, 1), date(2025, 10, 31))
    groups = TRAFFIC.groups("countries", *days, lambda words: words[0])
    expected = {
        country: {"visitors": figures[0], "bounce_rate": figures[3] / figures[1]}
        for country, figures in groups.items()
    }
    total = sums(groups.values())
    assert status == 200
    assert {row["dimensions"]["country"]: row["metrics"] for row in told["rows"]} == expected
    assert told["totals"] == {"visitors": total[0], "bounce_rate": total[3] / total[1]}
    assert (told["from"], told["to"], told["groups"]) == ("2025-10-01", "2025-10-31", 3)
    assert told["meta"] == {
        "site": SITE,
        "statistic": "countries",
        "min_group": 3,
        "counted_per": [],
        "goes_on": False,
    }
    assert told["unplaced"] is told["compared"] is None


def test_months_cut_are_told(program: Reader) -> None:
    _, told = ask(program, dimensions=["page"], **{"from": "2025-10-02", "to": "2025-10-31"})

    dayless = TRAFFIC.dayless("pages", [date(2025, 10, 1)], "views")
    assert told["unplaced"] == {"months": ["2025-10-01"], "sums": {"views": dayless}}


@pytest.mark.parametrize(
    ("asked", "first", "last", "before"),
    [
        pytest.param({}, "2025-10-08", "2025-11-04", "2025-09-10", id="28 days unless asked"),
        pytest.param({"period": "today"}, "2025-11-04", "2025-11-04", "2025-11-03", id="today"),
        pytest.param({"period": "7d"}, "2025-10-29", "2025-11-04", "2025-10-22", id="week"),
        pytest.param(
            {"period": "custom", "from": "2025-02-01", "to": "2025-02-28"},
            "2025-02-01",
            "2025-02-28",
            "2025-01-04",
            id="days",
        ),
    ],
)
def test_period_is_compared_with_as_many_days_before(
    program: Reader, asked: dict[str, str], first: str, last: str, before: str
) -> None:
    _, told = ask(program, compare="previous", **asked)
    _, alone = ask(program, **{"from": before, "to": told["compared"]["to"]})

    assert (told["from"], told["to"]) == (first, last)
    assert told["compared"]["from"] == before
    assert told["meta"]["goes_on"] is (last == "2025-11-04")
    assert told["compared"]["totals"] == alone["totals"]


def test_period_is_compared_with_the_year_before(program: Reader) -> None:
    _, told = ask(program, compare="year", period="7d", grain="day")

    assert (told["compared"]["from"], told["compared"]["to"]) == ("2024-10-29", "2024-11-04")
    assert told["compared"]["rows"][0]["time"] == "2024-10-29"


def test_undeclared_question_tells_the_lines_for_the_policy(program: Reader) -> None:
    status, told = ask(program, dimensions=["page", "language"])

    assert (status, told["field"]) == (422, "dimensions")
    assert 'by = ["page", "language"]' in told["policy"]


MANY = [str(number) for number in range(10_000)]
QUOTED = ["'; DROP TABLE pages; --", "\\", "{site:String}", "\u2028", "a\x1b[31m"]


@pytest.mark.parametrize(
    ("question", "status", "field"),
    [
        pytest.param({"metrics": ["passwords"]}, 400, "metrics", id="unknown metric"),
        pytest.param({"metrics": []}, 400, "metrics", id="no metric"),
        pytest.param({"metrics": "views"}, 400, "metrics", id="no list"),
        pytest.param({"dimensions": ["site"]}, 400, "dimensions", id="unknown dimension"),
        pytest.param({"sql": "SELECT 1"}, 400, "body", id="unknown key"),
        pytest.param({"site": "evil.example"}, 404, "site", id="unknown site"),
        pytest.param({"site": None}, 400, "site", id="no site"),
        pytest.param({"from": "0000-00-00", "to": "9999-99-99"}, 400, "from", id="no days"),
        pytest.param({"from": "9999-12-31", "to": "9999-12-31"}, 400, "from", id="far future"),
        pytest.param({"from": "1999-12-31", "to": "2000-01-01"}, 400, "from", id="long ago"),
        pytest.param({"from": "2025-11-02", "to": "2025-11-01"}, 400, "from", id="backwards"),
        pytest.param({"from": "2000-01-01", "to": "2025-11-01"}, 400, "from", id="25 years"),
        pytest.param({"from": "2025-10-01"}, 400, "from", id="half a range"),
        pytest.param({"from": "today'--", "to": "x"}, 400, "from", id="quoted day"),
        pytest.param({"period": "7d", "from": "2025-10-01"}, 400, "period", id="two periods"),
        pytest.param({"period": "2 weeks"}, 400, "period", id="unknown period"),
        pytest.param(
            {"from": "2000-01-01", "to": "2000-01-02", "compare": "year"},
            400,
            "compare",
            id="compared with 1999",
        ),
        pytest.param({"limit": 10**9}, 400, "limit", id="limit"),
        pytest.param({"limit": 0}, 400, "limit", id="no row"),
        pytest.param({"offset": -1}, 400, "offset", id="offset"),
        pytest.param({"order": [{"by": "1; DROP"}]}, 400, "order", id="order by SQL"),
        pytest.param({"order": [{"by": "visits"}]}, 400, "order", id="order by what isn't asked"),
        pytest.param({"filters": [{"op": "raw", "sql": "1"}]}, 400, "filters", id="operator"),
        pytest.param(
            {"filters": [{"op": "is", "dimension": "page", "values": MANY}]},
            413,
            "body",
            id="10,000 values",
        ),
        pytest.param(
            {"filters": [{"op": "is", "dimension": "page", "values": MANY[:201]}]},
            400,
            "filters",
            id="201 values",
        ),
        pytest.param(
            {"filters": [{"op": "is", "dimension": "page", "values": [{"a": 1}]}]},
            400,
            "filters",
            id="value that is no text",
        ),
        pytest.param(
            {"filters": [{"op": "contains", "dimension": "page", "values": [""]}]},
            400,
            "filters",
            id="contains nothing",
        ),
        pytest.param({"grain": "hour", "dimensions": ["page"]}, 422, "dimensions", id="pages by h"),
    ],
)
def test_bad_question_is_refused_by_its_field(
    program: Reader, question: dict[str, object], status: int, field: str
) -> None:
    answered, told = ask(program, **question)

    assert (answered, told["field"]) == (status, field)
    assert told["error"].startswith(f"{field}: ")
    sent = {"passwords", "evil", "9999", "today'", "2 weeks", "DROP", "sql", "raw"}
    assert not any(word in json.dumps(told) for word in sent)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="array"),
        pytest.param(b"{", id="half"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b'{"filters":' + b"[" * 30_000, id="deep"),
        pytest.param(b'{"filters":' + b'[{"op":"not","filter":' * 2_000, id="deep filter"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/query", "/api/v2/query"])
def test_body_that_is_no_question_is_refused(program: Reader, path: str, body: bytes) -> None:
    answer = program.post_body(path, body, "application/json")

    assert answer.status_code == 400
    assert answer.json().keys() == {"error", "field"}


@pytest.mark.parametrize("op", ["is", "is_not", "contains"])
def test_hostile_value_is_a_value(program: Reader, op: str) -> None:
    condition = {"op": op, "dimension": "page", "values": QUOTED}
    status, told = ask(program, dimensions=["page"], filters=[condition])

    assert status == 200
    assert (told["groups"] == 0) is (op != "is_not")


def test_key_of_another_site_is_refused(stored: Store, open_reader: OpenReader) -> None:
    program = open_reader(app_of(stored, "example.net"))

    status, told = ask(program)
    assert (status, told["field"]) == (403, "site")
    assert ask(program, site="example.net")[0] == 200
    # Whether there is such a site is none of the key's business either.
    assert ask(program, site="unknown.example")[0] == 403


def test_question_is_written_down_before_it_is_answered(program: Reader) -> None:
    status, _ = ask(program, **{"from": "2025-10-01", "to": "2025-10-31", "compare": "previous"})
    assert (status, NOTED) == (200, [(SITE, "2025-10-01/2025-10-31")])
    status, _ = ask(program, site="nowhere.example")
    assert (status, len(NOTED)) == (404, 1)


def test_question_that_cannot_be_written_down_is_not_answered(
    stored: Store, open_reader: OpenReader
) -> None:
    async def fail(_request: Request, _site: Site, _period: Period) -> None:
        raise AuditFailed("the audit log can't be written")

    async def tell(_request: Request, _error: Exception) -> Response:
        return Response(status_code=503)

    asker = Asker(stored.query, POLICY, columns_of, Proposals(LINES).faults_of)
    sites = Sites(POLICY, lambda _: (), Clock(), fail)
    routes = query_routes(asker, sites, lambda of: of)
    program = open_reader(Starlette(routes=routes, exception_handlers={AuditFailed: tell}))
    body = json.dumps({"site": SITE, "metrics": ["views"]}).encode()
    stored.asked.clear()

    assert program.post_body("/api/v1/query", body, "application/json").status_code == 503
    assert stored.asked == []
