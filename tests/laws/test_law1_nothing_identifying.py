"""Law 1: nothing identifying reaches a disk, a log, a metric or an error.

Each place where a hit, a login or a broken request can carry something holds a
value of its own; then files, output, answers and open files are searched for all
of them. Compressed blocks are searched as they lie: LZ4 writes a value that it
meets for the first time as it is, and the values here never repeat within one.
"""

import json
import random
import socket
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import md5, sha256
from pathlib import Path

import httpx
import pytest

from anonymizer.agents import Agents
from anonymizer.hits import Door, RawHit
from anonymizer.visitor_key import keyed_hash, visitor_key
from collector.pipeline import Pipeline
from collector.plan import make_plan
from collector.reference import load_tables
from collector.spool import drain
from tests.collector.hits import SITE, make_policy
from tests.collector.storing import Kept, encoded
from tests.laws.canaries import Canaries, files_under, joined, open_files_of
from tests.running import FIREFOX, Server, hit

ADDRESS = "127.0.0.77"  # a loopback address that nothing else here uses
ROUNDS = 6
KEPT_PAGE = "/a-page-that-may-be-kept"


class Visitors:
    """Send everything that a visitor, a broken program or a guesser may send."""

    def __init__(self, server: Server, canaries: Canaries) -> None:
        self._server = server
        self._put = canaries.put
        self._canaries = canaries
        self.answers: list[bytes] = []
        self.sent = 0
        self._client = httpx.Client(
            transport=httpx.HTTPTransport(local_address=ADDRESS), base_url=server.url
        )

    def send_everything(self) -> None:
        for _ in range(ROUNDS):
            self._send_hits()
            self._send_refused()
            self._send_broken()
            self._send_pixels()
        self._guess_passwords()
        self._send_what_is_no_http()
        self._client.close()

    def _take(self, answer: httpx.Response) -> httpx.Response:
        self.sent += 1
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items())
        self.answers.append(head.encode() + b"\n" + answer.content)
        return answer

    def _headers(self, **more: str) -> dict[str, str]:
        return {
            "User-Agent": self._put("agent", FIREFOX + " {}"),
            "Accept-Language": self._put("language", "de-{},x-{};q=0.5"),
            "Cookie": self._put("cookie", "id={}; other={}"),
            "Authorization": self._put("authorization", "Bearer {}"),
            "X-Forwarded-For": self._canaries.add("forwarded address", "203.0.113.177"),
            "Forwarded": "for=203.0.113.177",
            "X-Unheard": self._put("unknown header"),
            "ETag": self._put("etag"),
            **more,
        }

    def _post(self, *hits: object, **more: str) -> httpx.Response:
        body = json.dumps(hits[0] if len(hits) == 1 else hits)
        return self._take(
            self._client.post("/api/event", content=body, headers=self._headers(**more))
        )

    def _send_hits(self) -> None:
        put = self._put
        pages = (
            put("query value", "/a?x={}&y=1"),
            put("query name", "/b?{}=1"),
            put("fragment", "/c#{}"),
            put("fragment query", "/c#/x?{}=2"),
            "/user/" + self._canaries.add("e-mail", "ada.lovelace@mail.example"),
            "/reset/" + self._canaries.add("token", "0f3c9a77d1b24e5586aa90bc3d7e1f42"),
            "/user/" + self._canaries.add("number", "4915712345678"),
            put("e-mail in a query", "/d?mail={}%40mail.example"),
            "/e?utm_campaign=spring&utm_source="
            + self._canaries.add("token as a campaign", "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"),
            put("undeclared parameter", "/f?utm_id={}&gclid={}&fbclid={}"),
            KEPT_PAGE,
        )
        for page in pages:
            event = hit(
                page,
                r=put("referrer path", "https://www.example.net/{}")
                + put("referrer query", "?q={}")
                + put("referrer fragment", "#{}"),
                tz=put("time zone", "Europe/{}"),
                w=1440,
                p={"plan": put("property value"), put("property name"): 1},
                props=put("properties as text"),
                unheard=[put("unknown value")],
                **{put("unknown key"): 1},
            )
            assert self._post(event).headers["X-Discreet"] == "counted"
        for more in (
            hit(u=put("userinfo", "https://{}:{}@example.org/g")),
            hit(u=put("own host", "https://{}.example.org/h")),
            hit(r=put("referrer userinfo", "https://{}@www.example.net/")),
            hit(r=put("referrer that is no URL", "{} {}")),
            hit(r=put("app referrer", "android-app://com.example.app/{}")),
        ):
            assert self._post(more).headers["X-Discreet"] == "counted"

    def _send_refused(self) -> None:
        put = self._put
        for name, headers in {
            "DNT": {"DNT": put("DNT value", "1{}")},
            "GPC": {"Sec-GPC": "1"},
            "prefetch": {"Sec-Purpose": put("purpose value", "prefetch;{}")},
            "bot": {"User-Agent": put("bot's agent", "Googlebot/2.1 {}")},
        }.items():
            answer = self._post(hit(put(f"page of {name}", "/{}"), r=None), **headers)
            assert answer.headers["X-Discreet"].startswith("refused")
        answer = self._post(hit(n=put("event name"), u=put("page of an event", "/{}")))
        assert answer.headers["X-Discreet"].startswith("refused")

    def _send_broken(self) -> None:
        put = self._put
        for body in (
            put("broken JSON", '{"n": "{}'),
            put("JSON text", '"{}"'),
            put("wrong type", '{"n": ["{}"], "u": {"x": "{}"}, "d": 3}'),
            json.dumps(hit(d=put("unknown site", "{}.example"))),
            json.dumps(hit(u=put("URL that is no page", "data:text/html,{}"))),
            json.dumps(hit("/" + put("long URL") * 500)),
            json.dumps(hit(n=put("long name") * 50)),
            json.dumps([hit(put("page beside a broken hit", "/{}")), {"n": 3}]),
            put("body of 1 MB") * 50_000,
        ):
            answer = self._client.post("/api/event", content=body, headers=self._headers())
            assert self._take(answer).status_code in (400, 413)
        bad_utf8 = b'{"n":"\xff' + put("bad UTF-8").encode() + b'"}'
        self._take(self._client.post("/api/event", content=bad_utf8, headers=self._headers()))

    def _send_pixels(self) -> None:
        put = self._put
        for query, referer in (
            (put("pixel's query", "d=example.org&u=/p%3Fx%3D{}"), ""),
            (put("pixel's parameter", "d=example.org&u=/p&x={}&{}=1"), ""),
            (put("pixel's referrer", "d=example.org&u=/p&r=https://www.example.net/{}"), ""),
            ("d=example.org", put("Referer header", "https://example.org/p?x={}#{}")),
            (put("pixel's unknown site", "d={}.example&u=/p"), ""),
            (put("pixel's bad escape", "d=example.org&u=%ff{}"), ""),
            (put("pixel's bad page", "d=example.org&u=javascript:{}"), ""),
        ):
            headers = self._headers(**({"Referer": referer} if referer else {}))
            self._take(self._client.get(f"/pixel.gif?{query}", headers=headers))
        for method, path in (
            ("GET", put("path that is none", "/{}")),
            ("PUT", "/api/event"),
            ("POST", "/pixel.gif"),
            ("GET", put("tag's query", "/tag.js?{}")),
        ):
            self._take(self._client.request(method, path, headers=self._headers()))

    def _guess_passwords(self) -> None:
        put = self._put
        headers = {"User-Agent": FIREFOX}
        form = self._take(self._client.get("/dashboard/login", headers=headers)).text
        token = form.partition('name="token" value="')[2].partition('"')[0]
        assert token
        for sent, status in ((token, 401), (put("form token"), 403)):
            answer = self._client.post(
                "/dashboard/login",
                data={"token": sent, "name": put("login name"), "password": put("password")},
                headers=headers,
            )
            assert self._take(answer).status_code == status

    def _send_what_is_no_http(self) -> None:
        port = int(self._server.url.rpartition(":")[2])
        for text in (
            self._put("no HTTP", "{} {} {}\r\n\r\n"),
            self._put("bad header", "GET / HTTP/1.1\r\n{}\r\n\r\n"),
            self._put("bad length", "POST /api/event HTTP/1.1\r\nContent-Length: {}\r\n\r\n"),
            self._put("half a body", "POST /api/event HTTP/1.1\r\nContent-Length: 999\r\n\r\n{}"),
        ):
            with socket.create_connection(
                ("127.0.0.1", port), timeout=10, source_address=(ADDRESS, 0)
            ) as connection:
                connection.sendall(text.encode())
                connection.shutdown(socket.SHUT_WR)
                with connection.makefile("rb") as answer:
                    self.answers.append(answer.read())


def test_nothing_that_identifies_is_found_anywhere(tmp_path: Path) -> None:
    """On disk while running, after kill -9 and after SIGTERM; in output, answers, open files."""
    canaries = Canaries(seed=1)
    canaries.add("address", ADDRESS)
    canaries.add("address as a number", str(int.from_bytes(socket.inet_aton(ADDRESS), "big")))
    server = Server(tmp_path)
    with server:
        answers = b""
        for end in (server.kill, server.stop):
            visitors = Visitors(server, canaries)
            visitors.send_everything()
            assert visitors.sent > 200
            answers += joined(visitors.answers)
            things = files_under(server.data) | open_files_of(server.pid) | {"answers": answers}
            assert canaries.found_in(things) == []
            end()
            assert (
                canaries.found_in(files_under(tmp_path) | {"output": server.output.encode()}) == []
            )
            server.start()

        # The search sees what is there: what may be kept is found where it is kept.
        kept = Canaries(seed=2)
        kept.add("page", KEPT_PAGE)
        assert any("clickhouse/" in place for place in kept.found_in(files_under(server.data)))
        assert server.query("SELECT network FROM networks") == "127.0.0.0/24\n"
        pages = server.query("SELECT DISTINCT page FROM pages")
        assert {":email", ":number", ":uuid"} <= {page.rpartition("/")[2] for page in pages.split()}


HIDINGS: dict[str, Callable[[bytes], bytes]] = {
    "itself": lambda value: b"x" + value + b"x",
    "hex": lambda value: b"x" + value.hex().encode(),
    "base64": lambda value: b64encode(b"ab" + value + b"c"),
    "sha256": lambda value: sha256(value).digest(),
    "md5 in hex": lambda value: md5(value).hexdigest().encode(),
}


@pytest.mark.parametrize("hiding", HIDINGS)
def test_search_finds_a_value_that_is_hidden_as(hiding: str) -> None:
    canaries = Canaries(seed=3)
    value = canaries.put("somewhere").encode()

    assert canaries.found_in({"file": HIDINGS[hiding](value)})
    assert not canaries.found_in({"file": b"nothing of the kind"})


def test_killed_process_leaves_no_core_dump(tmp_path: Path) -> None:
    """A core would hold addresses, agents and salts."""
    with Server(tmp_path) as server:
        limits = Path(f"/proc/{server.pid}/limits").read_text()

    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]


class FillAndRemember:
    """Salts like the kernel's, remembered so that they can be looked for."""

    def __init__(self) -> None:
        self._chance = random.Random(4)
        self.salts: list[bytes] = []

    def __call__(self, buffer: bytearray) -> None:
        buffer[:] = self._chance.randbytes(len(buffer))
        self.salts.append(bytes(buffer))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    kept = Kept(tmp_path_factory.mktemp("law1"), make_policy())
    kept.apply()
    yield kept
    kept.close()


def test_no_visitor_key_and_no_salt_is_on_disk(kept: Kept) -> None:
    fill = FillAndRemember()
    policy = kept.policy
    pipeline = Pipeline(policy, make_plan(policy), Agents(), load_tables(), fill)
    raw_hits = [
        RawHit(
            door=Door.EVENT,
            site=SITE,
            time=1_773_140_400 + number * 3_600,
            raw_address=f"198.51.100.{number}",
            raw_agent=f"{FIREFOX} {number % 3}",
            raw_url=f"/page-{number % 5}",
        )
        for number in range(60)
    ]
    for raw in raw_hits:
        kept.spool.append(encoded(pipeline.take([raw])))
    waiting = files_under(kept.folder)
    drain(kept.spool, kept.store)
    stored = files_under(kept.folder)

    secrets = set(fill.salts)
    for salt in fill.salts:
        secrets.update(
            visitor_key(
                keyed_hash(salt), SITE, raw.raw_address, raw.raw_agent, policy.visitor_address
            )
            for raw in raw_hits
        )
    assert len(fill.salts) == 3
    assert len(secrets) == 3 + 3 * 60
    assert kept.value("SELECT sum(views) FROM traffic") == "60"
    for when, things in (("waiting", waiting), ("stored", stored)):
        content = joined(things.values())
        assert b"page-4" in content, when
        for secret in secrets:
            assert secret not in content, when
            assert secret.hex().encode() not in content, when
            assert secret[:8] not in content, when


def test_no_column_holds_a_sketch_of_visitors(kept: Kept) -> None:
    """A HyperLogLog's state gives its members back to whoever can guess them."""
    sketches = kept.value(
        "SELECT count() FROM system.columns WHERE type LIKE '%AggregateFunction%'"
        " AND database IN ('discreet', currentDatabase())"
    )

    assert sketches == "0"
    assert int(kept.value("SELECT count() FROM system.columns WHERE database = 'discreet'")) > 14


def test_engine_keeps_no_log_of_queries(kept: Kept) -> None:
    kept.value("SELECT 1")

    logs = kept.value(
        "SELECT name FROM system.tables WHERE database = 'system' AND engine LIKE '%MergeTree'"
    )
    assert logs == ""
