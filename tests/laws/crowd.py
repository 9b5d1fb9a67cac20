"""Visitors who carry something identifying wherever a request has room for it.

Each request comes from an address of its own: a loopback address, or one that a trusted proxy
tells. Each hit holds values that no other holds.
"""

import http.client
import json
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from msgspec import Struct

from tests.laws.canaries import Canaries
from tests.running import FIREFOX

PROXY = "127.0.0.1"
"""The trusted proxy's address."""

KEPT_PAGE = "/a-page-that-may-be-kept"
NAMED_PAGE = "/people/ada-lovelace"
"""Words stay words: a path with a name in it is kept unless a template takes it out."""

_CLIENTS = 4
_COUNTED = re.compile(r"counted(?: (\d+))?")

Kind = Callable[[str], str]


class Request(Struct, frozen=True):
    """What is sent, and from where."""

    method: str
    path: str
    source: str = PROXY
    headers: Mapping[str, str] = {}
    body: bytes = b""
    hits: int = 0


class Crowd:
    """Sends to one server; remembers what came back, less the dates."""

    def __init__(self, canaries: Canaries) -> None:
        self._canaries = canaries
        self.answers: set[bytes] = set()
        self.counted = 0
        """Hits of which the answer said so, and the log's lines that can be read."""

    def send(self, port: int, requests: Iterable[Request]) -> None:
        """Send requests, a few at a time, and keep the answers."""

        def one(request: Request) -> tuple[int, bytes]:
            return _converse(port, request)

        with ThreadPoolExecutor(_CLIENTS) as clients:
            for counted, answer in clients.map(one, requests):
                self.counted += counted
                self.answers.add(answer)

    def send_bytes(self, port: int, texts: Iterable[bytes]) -> None:
        """Send what may be no HTTP, each from an address of its own."""
        for text in texts:
            source = self._canaries.address("peer", first=127)
            with socket.create_connection(
                ("127.0.0.1", port), timeout=10, source_address=(source, 0)
            ) as connection:
                connection.sendall(text)
                connection.shutdown(socket.SHUT_WR)
                with connection.makefile("rb") as answer:
                    self.answers.add(answer.read())

    def visits(self, requests: int, hits_each: int) -> Iterator[Request]:
        """Yield posts of page views that are counted."""
        endless = self._endless_hits()
        for number in range(requests):
            yield self._post(list(islice(endless, hits_each)), number)

    def pixels(self, requests: int) -> Iterator[Request]:
        """Yield hits by the web beacon that are counted."""
        put = self._canaries
        for number, page in zip(range(requests), self._endless_pages(), strict=False):
            sent = page.replace("%", "%25").replace("&", "%26").replace("#", "%23")
            query = (
                f"d=example.org&u=https://example.org{sent.replace('?', '%3F').replace('+', '%2B')}"
                f"&r=https://www.example.net/{put.word('pixel referrer')}"
                f"&{put.word('pixel parameter name')}={put.word('pixel parameter')}"
            )
            yield self._request("GET", f"/pixel.gif?{query}", number, hits=1)

    def log_lines(self, lines: int) -> str:
        """Return an access log, with a line in ten that can't be read."""
        put = self._canaries
        written = []
        for number, page in zip(range(lines), self._endless_pages(), strict=False):
            referrer = f"https://www.example.net/{put.word('log referrer')}?q={put.email('log q')}"
            line = (
                f"{put.address('log address')} - {put.word('log user')}"
                f" [10/Mar/2026:12:{number // 60 % 60:02}:{number % 60:02} +0100]"
                f' "GET {page.partition("#")[0]} HTTP/1.1" 200 512 "{referrer}"'
                f' "{FIREFOX} {put.word("log agent")}"'
            )
            written.append(line if number % 10 else line.replace('"GET', put.word("broken line")))
            self.counted += bool(number % 10)
        return "\n".join(written) + "\n"

    def _post(self, hits: list[dict[str, object]], number: int) -> Request:
        body = json.dumps(hits[0] if len(hits) == 1 else hits).encode()
        return self._request("POST", "/api/event", number, body=body, hits=len(hits))

    def _request(
        self, method: str, path: str, number: int, *, body: bytes = b"", hits: int = 0
    ) -> Request:
        """Make a request of one visitor: every other one comes by the proxy."""
        source = PROXY
        headers = self.headers()
        if number % 2:
            source = self._canaries.address("peer", first=127)
            headers |= {"X-Forwarded-For": self._canaries.address("untrusted forwarded address")}
        elif number % 4:
            headers |= {"X-Forwarded-For": self._canaries.address("forwarded address")}
        else:
            node = self._canaries.wide_address("forwarded node")
            headers |= {"Forwarded": f'for="[{node}]:4711";by={self._canaries.word("by")}'}
        return Request(method, path, source, headers, body, hits)

    def headers(self) -> dict[str, str]:
        """Return headers of a person's browser, each with a value of its own."""
        put = self._canaries
        return {
            "User-Agent": f"{FIREFOX} {put.word('agent')}",
            "Accept-Language": f"de-{put.word('language')},x-{put.word('other language')};q=0.5",
            "Cookie": f"id={put.hex('cookie')}; {put.word('cookie name')}=1",
            "Authorization": f"Bearer {put.token('authorization')}",
            "X-Real-IP": put.address("real IP"),
            f"X-{put.word('header name')}": put.uuid("unknown header"),
            "If-None-Match": f'"{put.word("etag")}"',
        }

    def _endless_pages(self) -> Iterator[str]:
        put = self._canaries
        identifying: tuple[tuple[str, Kind], ...] = (
            ("e-mail", put.email),
            ("hash", put.hex),
            ("token", put.token),
            ("UUID", put.uuid),
            ("number", put.number),
            ("JWT", put.jwt),
            ("IPv4", put.address),
            ("IPv6", put.wide_address),
        )
        parameters = ("utm_campaign", "utm_source", "utm_medium", "utm_content", "utm_term")
        number = 0
        while True:
            for kind, make in identifying:
                number += 1
                yield f"/user/{make(f'{kind} in a path')}/edit"
                yield f"/a?{put.word('parameter name')}={put.word('parameter')}"
                parameter = parameters[number % len(parameters)]
                yield f"/b?{parameter}=spring-{make(f'{kind} in {parameter}')}"
                yield f"/c?utm_id={put.word('utm_id')}&gclid={make(f'{kind} as a click id')}"
                yield f"/d#{make(f'{kind} in a fragment')}"
                yield KEPT_PAGE if number % 2 else NAMED_PAGE
            yield f"/e/{put.email('escaped e-mail').replace('@', '%40')}"
            yield f"/f?mail={put.email('e-mail in a query').replace('@', '%40')}"

    def _endless_hits(self) -> Iterator[dict[str, object]]:
        put = self._canaries
        for number, page in enumerate(self._endless_pages()):
            referrers = (
                f"https://www.example.net/{put.word('referrer path')}?q={put.word('referrer q')}",
                f"https://{put.word('referrer user')}@www.example.net/",
                f"android-app://com.{put.word('referrer app')}/x",
                f"{put.word('referrer that is no URL')} x",
                f"http://{put.address('referrer host')}/",
            )
            host = f"{put.word('userinfo')}:x@example.org" if number % 9 == 0 else "example.org"
            yield {
                "n": "pageview",
                "u": f"https://{host}{page}",
                "d": "example.org",
                "r": referrers[number % len(referrers)],
                "tz": f"Europe/{put.word('time zone')}",
                "w": 1440,
                "p": {"plan": put.word("property"), put.word("property name"): 1},
                "ip": put.address("ip in a body"),
                put.word("unknown key"): [put.word("unknown value")],
            }


def _converse(port: int, request: Request) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=30, source_address=(request.source, 0)
    )
    try:
        connection.request(
            request.method, request.path, request.body or None, dict(request.headers)
        )
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    said = answer.headers.get("X-Discreet", "")
    if request.hits:
        assert answer.status in (200, 202), (request.path[:20], answer.status, body)
        assert "counted" in said, said
    counted = _COUNTED.match(said)
    head = "\n".join(f"{name}: {told}" for name, told in answer.getheaders() if name != "date")
    number = int(counted[1] or request.hits or 1) if counted else 0
    return number, f"{answer.status}\n{head}\n".encode() + body
