"""`/api/v1/email/campaigns` on a real server: keys, JSON, refusals."""

import json
from collections.abc import Iterator, Mapping

import httpx
import pytest

from collector.api_door import MAX_BODY_BYTES, MAX_FAILURES
from tests.running import Server, discreet

PATH = "/api/v1/email/campaigns"
ABSENT = "discreet_" + "A" * 43


class Api:
    """A server, and a key for it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.raw_key = self.make_key("mailer", "email")

    def make_key(self, name: str, scope: str) -> str:
        add = discreet("key", "add", name, "--scope", scope, "--data", self.server.data)
        assert add.returncode == 0, add.stderr
        return add.stdout.decode().strip()

    def ask(
        self, method: str, path: str = PATH, content: object = None, raw_key: str | None = None
    ) -> httpx.Response:
        key = self.raw_key if raw_key is None else raw_key
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return httpx.request(
            method,
            self.server.url + path,
            headers={"Authorization": f"Bearer {key}"},
            content=None if content is None else body,
        )

    def codes(self) -> list[str]:
        return [each["code"] for each in self.ask("GET").json()["campaigns"]]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with Server(tmp_path_factory.mktemp("api")) as server:
        yield Api(server)


def test_campaign_and_link_are_registered_and_work_at_once(api: Api) -> None:
    made = api.ask("POST", content={"name": "spring", "variant": "A", "site": "example.org"})
    assert made.status_code == 201
    assert made.json() == {
        "code": "spring.A",
        "name": "spring",
        "variant": "A",
        "site": "example.org",
        "pixel": "/e/spring.A/open.gif",
    }

    link = {"url": "https://bücher.example/a"}
    answers = [api.ask("POST", f"{PATH}/spring.A/links", link) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    expected = {"number": "1", "url": "https://xn--bcher-kva.example/a", "path": "/e/spring.A/1"}
    assert [answer.json() for answer in answers] == [expected, expected]

    listed = next(each for each in api.ask("GET").json()["campaigns"] if each["code"] == "spring.A")
    assert listed["links"] == [expected]
    sent = httpx.get(f"{api.server.url}/e/spring.A/1", follow_redirects=False)
    assert sent.headers["location"] == expected["url"]


@pytest.mark.parametrize(
    ("path", "content", "status", "field"),
    [
        pytest.param("", {"name": "taken", "site": "example.org"}, 409, "name", id="duplicate"),
        pytest.param("", {"name": "a/b", "site": "example.org"}, 400, "name", id="bad name"),
        pytest.param("", {"name": "new", "site": "x.example"}, 400, "site", id="another's site"),
        pytest.param("", {"site": "example.org"}, 400, "name", id="no name"),
        pytest.param("", {"name": 1, "site": "example.org"}, 400, "name", id="number for text"),
        pytest.param("", {"name": "new", "site": "example.org", "x": 1}, 400, "body", id="more"),
        pytest.param("", [], 400, "body", id="list"),
        pytest.param("", b"{", 400, "body", id="no json"),
        pytest.param("", b"[" * 5000, 400, "body", id="deep"),
        pytest.param("", b"\xff", 400, "body", id="no utf-8"),
        pytest.param("", b" " * (MAX_BODY_BYTES + 1), 413, "body", id="too long"),
        pytest.param("/taken/links", {"url": "javascript:x"}, 400, "url", id="script"),
        pytest.param("/taken/links", {"url": "https://a@b/"}, 400, "url", id="user"),
        pytest.param("/taken/links", {}, 400, "url", id="no url"),
        pytest.param("/gone/links", {"url": "https://x.org"}, 404, "campaign", id="unknown"),
        pytest.param("/taken.B/links", {"url": "https://x.org"}, 404, "campaign", id="no variant"),
        pytest.param("/taken./links", {"url": "https://x.org"}, 404, "campaign", id="no code"),
        pytest.param(
            "/taken/delivered", {"delivered": 5, "day": "２０２６-03-10"}, 400, "day", id="day"
        ),
    ],
)
def test_bad_request_names_the_field_and_registers_nothing(
    api: Api, path: str, content: object, status: int, field: str
) -> None:
    api.ask("POST", content={"name": "taken", "site": "example.org"})
    before = api.ask("GET").json()

    answer = api.ask("POST", PATH + path, content)

    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert api.ask("GET").json() == before


def test_caller_without_a_good_key_learns_nothing(api: Api) -> None:
    other = api.make_key("analyst", "query")
    removed = api.make_key("gone", "email")
    discreet("key", "remove", "gone", "--data", api.server.data)
    answers = [
        httpx.get(api.server.url + PATH),
        httpx.get(api.server.url + PATH, headers={"Authorization": f"Basic {api.raw_key}"}),
        *(api.ask("GET", raw_key=raw_key) for raw_key in (other, removed, "x", ABSENT)),
        api.ask("POST", content={"name": "secret", "site": "example.org"}, raw_key=ABSENT),
        httpx.get(f"{api.server.url}{PATH}?key={api.raw_key}"),
    ]

    told = {(answer.status_code, answer.text) for answer in answers}
    assert told == {
        (
            401,
            '{"error":"authorization: must be Bearer and a key for this","field":"authorization"}',
        )
    }
    assert "secret" not in api.codes()


def test_wrong_keys_are_bounded_and_a_right_one_is_let_in(api: Api) -> None:
    # A minute of the clock may end meanwhile, which allows as many again.
    answers = [api.ask("GET", raw_key=ABSENT) for _ in range(2 * MAX_FAILURES + 1)]

    assert {answer.status_code for answer in answers} == {401, 429}
    assert all(
        1 <= int(answer.headers["retry-after"]) <= 60
        for answer in answers
        if answer.status_code == 429
    )
    assert api.ask("GET").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://evil.example"}, id="page of another site"),
        pytest.param({}, id="program"),
    ],
)
def test_no_page_of_another_origin_may_read_an_answer(api: Api, headers: Mapping[str, str]) -> None:
    asked = {
        **headers,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    preflight = httpx.options(api.server.url + PATH, headers=asked)
    key = {"Authorization": f"Bearer {api.raw_key}"}
    answer = httpx.get(api.server.url + PATH, headers={**headers, **key})

    assert preflight.status_code == 405
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    for given in (preflight, answer):
        assert not any(name.startswith("access-control") for name in given.headers)
        assert "set-cookie" not in given.headers
