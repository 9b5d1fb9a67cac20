"""The questions' doors of a running collector: who may ask, and what its description promises."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.running import POLICY, Server, discreet, hit

SECOND_SITE = """
[[site]]
domain = "other.example"
timezone = "UTC"
"""

ASKED = {"site": "example.org", "metrics": ["views"], "period": "today"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), POLICY + SECOND_SITE) as server:
        server.send(hit("/a"), hit("/b"))
        server.wait_for("SELECT sum(views) FROM traffic", "2\n")
        yield server


def make_key(data: Path, *options: str) -> str:
    made = discreet("key", "add", *options, "--data", data)
    assert made.returncode == 0, made.stderr
    return made.stdout.decode().strip()


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return make_key(server.data, "reports", "--scope", "query")


def ask(server: Server, key: str, **question: object) -> httpx.Response:
    return httpx.post(
        f"{server.url}/api/v1/query",
        json={**ASKED, **question},
        headers={"Authorization": f"Bearer {key}"} if key else {},
    )


def test_key_for_questions_is_answered(server: Server, key: str) -> None:
    answer = ask(server, key)

    assert answer.status_code == 200
    assert answer.json()["totals"] == {"views": 2}


def test_key_for_one_site_is_for_that_one(server: Server) -> None:
    key = make_key(server.data, "one-site", "--scope", "query", "--site", "example.org")

    assert ask(server, key).status_code == 200
    refused = ask(server, key, site="other.example")
    assert (refused.status_code, refused.json()["field"]) == (403, "site")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--scope", "email", "--site", "example.org"), id="for e-mail"),
        pytest.param(("--scope", "query", "--site", "a b"), id="no domain"),
    ],
)
def test_key_cannot_be_for_a_site(server: Server, options: tuple[str, ...]) -> None:
    refused = discreet("key", "add", "never", *options, "--data", server.data)

    assert refused.returncode == 2
    assert refused.stderr.startswith(b"discreet: site: ")


def test_question_is_in_the_audit_trail_under_the_keys_name(server: Server, key: str) -> None:
    ask(server, key, period="custom", **{"from": "2026-03-01", "to": "2026-03-08"})

    trail = max((server.data / "audit").iterdir())  # by day
    *_, last = map(json.loads, trail.read_text().splitlines())
    assert {**last, "time": 0} == {
        "time": 0,
        "user": "reports",
        "did": "asked by the API",
        "site": "example.org",
        "report": "api",
        "period": "2026-03-01/2026-03-08",
    }


@pytest.mark.parametrize("path", ["v1", "v2"])
def test_who_has_no_key_is_refused(server: Server, path: str) -> None:
    mailer = make_key(server.data, f"mailer-{path}", "--scope", "email")
    for raw_key in ("-", "discreet_wrong", mailer):
        headers = {"Authorization": f"Bearer {raw_key}"}
        answer = httpx.post(f"{server.url}/api/{path}/query", json=ASKED, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["field"] == "authorization"


def test_hostile_words_reach_no_sql(server: Server, key: str) -> None:
    """The engine takes every text as the text that it is."""
    pages = ["/a", "'", "\\", "') OR 1=1 --", "{site:String}", "\r\n\t", "☃", "%(x)s"]
    condition = {"op": "is", "dimension": "page", "values": pages}

    answer = ask(server, key, dimensions=["page"], filters=[condition])
    assert [row["dimensions"] for row in answer.json()["rows"]] == [{"page": "/a"}]


CALLS = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@st.composite
def made(draw: st.DrawFn, cases: st.SearchStrategy[Case[Any]]) -> Case[Any]:
    """Leave out what can't be made.

    Schemathesis 4.32 recurses without end on one in some 5,000 negations of nested filters.
    """
    try:
        return draw(cases)
    except RecursionError:
        reject()


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("path", ["/api/v1/query", "/api/v2/query"])
def test_running_server_does_what_its_description_says(
    server: Server, key: str, path: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/api/v1/openapi.json")
    bearer = {"Authorization": f"Bearer {key}"}
    cases = schema[path]["POST"].as_strategy(mode, headers=bearer)
    answered = []

    # Of 240 questions by the description the policy answers 31, and 10 of the second door.
    @settings(CALLS, max_examples=240 if mode is GenerationMode.POSITIVE else 60)
    @given(case=made(cases) if mode is GenerationMode.NEGATIVE else cases)
    def call(case: Case[Any]) -> None:
        if isinstance(case.body, dict):  # else hardly any question is about a site that exists
            for name in {"site", "site_id"} & case.body.keys():
                site = case.body[name]
                if isinstance(site, str) and 1 <= len(site) <= 253:
                    case.body[name] = "example.org"
        answer = case.call(headers=bearer)
        # That 413 refuses bad data as well is news to the check.
        is_long = answer.status_code == 413
        case.validate_response(answer, checks=CHECKS[:-1] if is_long else CHECKS)
        answered.append(answer.status_code)

    call()
    assert len(answered) >= 20
    assert (200 in answered) is (mode is GenerationMode.POSITIVE)
