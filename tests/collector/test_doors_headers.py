"""What every door for hits says of tracking, and what a cache is told."""

from collections.abc import Iterator

import httpx
import pytest

from tests.running import FIREFOX, Server, hit


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("doors")) as server:
        yield server


@pytest.mark.parametrize(
    ("method", "address", "status", "tk"),
    [
        pytest.param("POST", "/api/event", 202, "N;event", id="event"),
        pytest.param("OPTIONS", "/api/event", 204, "N", id="preflight"),
        pytest.param("GET", "/api/event", 405, "N", id="event by GET"),
        pytest.param("GET", "/pixel.gif?d=example.org&u=/a", 200, "N;pixel", id="pixel"),
        pytest.param("GET", "/pixel.gif?d=unknown.net&u=/a", 400, "N", id="refused pixel"),
        pytest.param("POST", "/pixel.gif", 405, "N", id="pixel by POST"),
        pytest.param("GET", "/tag.js", 200, "N", id="tag"),
        pytest.param("GET", "/opt-out", 200, "N", id="page"),
    ],
)
def test_every_door_says_that_it_does_not_track(
    server: Server, method: str, address: str, status: int, tk: str
) -> None:
    answer = httpx.request(
        method,
        server.url + address,
        json=hit() if method == "POST" else None,
        headers={"User-Agent": FIREFOX},
    )

    assert (answer.status_code, answer.headers.get_list("Tk")) == (status, [tk])
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("headers", [{}, {"DNT": "1"}, {"Sec-GPC": "1"}], ids=repr)
@pytest.mark.parametrize("door", ["event", "pixel"])
def test_answer_that_tells_a_refusal_is_one_visitor_s(
    server: Server, door: str, headers: dict[str, str]
) -> None:
    headers = {"User-Agent": FIREFOX, **headers}
    if door == "event":
        answer = httpx.post(f"{server.url}/api/event", json=hit(), headers=headers)
    else:
        answer = httpx.get(f"{server.url}/pixel.gif?d=example.org&u=/a", headers=headers)

    assert answer.headers["Vary"] == "DNT, Sec-GPC, Cookie"


def test_tag_is_the_same_for_everyone(server: Server) -> None:
    plain = httpx.get(f"{server.url}/tag.js")
    refusing = httpx.get(
        f"{server.url}/tag.js",
        headers={"DNT": "1", "Sec-GPC": "1", "Cookie": "discreet_opt_out=1"},
    )

    assert refusing.content == plain.content
    assert "Vary" not in plain.headers


@pytest.mark.parametrize("door", ["event", "pixel"])
def test_door_asks_who_sends_too_much_to_wait(server: Server, door: str) -> None:
    headers = {"User-Agent": f"{FIREFOX} {door}"}

    def ask() -> httpx.Response:
        hits = [hit()] * 100
        for _ in range(7):
            answer = httpx.post(f"{server.url}/api/event", json=hits, headers=headers)
        if door == "event":
            return answer
        return httpx.get(f"{server.url}/pixel.gif?d=example.org&u=/a", headers=headers)

    # A minute may turn in between, and it may once.
    answer = next((answer for answer in (ask(), ask()) if answer.status_code == 429), None)

    assert answer is not None
    assert answer.headers["Retry-After"] == "60"
    assert answer.json() == {"error": "hits: must be at most 600 in a minute", "field": "hits"}
    assert "X-Discreet" not in answer.headers
