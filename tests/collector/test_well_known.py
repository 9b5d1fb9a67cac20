"""GPC's and DNT's well-known resources, asked of a running server."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette

from anonymizer.policy_file import read_policy
from collector.reference import default_policy
from collector.well_known import GPC_SINCE, STATUS_IDS, well_known_routes
from tests.browsing import Serve
from tests.running import POLICY, Server, hit

DATED = (
    POLICY.replace("[policy]\n", '[policy]\neffective = "2026-03-01"\n')
    + """
[[site]]
domain = "shop.example.com:8443"
timezone = "Europe/Berlin"
"""
)
PATHS = (
    "/.well-known/gpc.json",
    "/.well-known/dnt/",
    *(f"/.well-known/dnt/{status_id}" for status_id in STATUS_IDS),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("well_known"), DATED) as server:
        yield server


def test_gpc_is_obeyed_since_the_policy_s_day(server: Server) -> None:
    answer = httpx.get(f"{server.url}/.well-known/gpc.json")

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"gpc": True, "lastUpdate": "2026-03-01"}


def test_policy_without_a_day_has_the_collector_s(serve: Serve) -> None:
    policy = read_policy(POLICY, default_policy())
    origin = serve(Starlette(routes=well_known_routes(policy)))

    answer = httpx.get(f"{origin}/.well-known/gpc.json")

    assert answer.json() == {"gpc": True, "lastUpdate": GPC_SINCE}
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", GPC_SINCE)


@pytest.mark.parametrize("path", PATHS[1:])
def test_tracking_status_names_controller_policy_and_switch(server: Server, path: str) -> None:
    answer = httpx.get(server.url + path)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/tracking-status+json"
    assert json.loads(answer.content) == {
        "tracking": "N",
        "controller": ["/privacy"],
        "same-party": ["example.org", "shop.example.com"],
        "policy": "/privacy",
        "config": "/opt-out",
    }


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, {"DNT": "1"}, {"Sec-GPC": "1", "Cookie": "a=b"}], ids=repr)
def test_answer_is_the_same_for_everyone_and_a_cache_may_keep_it_for_a_day(
    server: Server, path: str, headers: dict[str, str]
) -> None:
    plain = httpx.get(server.url + path)
    answer = httpx.get(server.url + path, headers=headers)

    assert answer.content == plain.content
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert answer.headers["Tk"] == "N"
    assert "Set-Cookie" not in answer.headers
    assert "Vary" not in answer.headers


@pytest.mark.parametrize("path", ["nobody", "EVENT", "event/more", "%2e%2e/gpc.json"])
def test_unknown_status_id_is_not_found(server: Server, path: str) -> None:
    answer = httpx.get(f"{server.url}/.well-known/dnt/{path}")

    assert answer.status_code == 404
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
def test_only_reading_is_allowed(server: Server, path: str) -> None:
    assert httpx.head(server.url + path).status_code == 200
    assert httpx.post(server.url + path).status_code == 405


@pytest.mark.parametrize("door", ["event", "pixel"])
def test_status_id_of_a_hit_s_answer_can_be_asked_for(server: Server, door: str) -> None:
    answer = (
        server.send(hit())
        if door == "event"
        else httpx.get(f"{server.url}/pixel.gif?d=example.org&u=/a")
    )

    value, status_id = answer.headers["Tk"].split(";")
    status = httpx.get(f"{server.url}/.well-known/dnt/{status_id}")
    assert (value, status_id) == ("N", door)
    assert status.json()["tracking"] == value
