"""A reader of the dashboard, and the time that a test says it is."""

import asyncio
import base64
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
from starlette.applications import Starlette

from people.people import People
from people.second_factors import Enrolment
from people.totp import STEP_SECONDS, code_at

NOW = datetime(2025, 11, 4, 14, 23, tzinfo=UTC)
"""A Tuesday, 15:23 in Berlin and already Wednesday in Auckland."""

PASSWORD = "correct horse 6 € <b>"


def enrol(people: People, name: str, now: int) -> Enrolment:
    """Give a user a second factor at a Unix second, and confirm it by the code of that moment."""
    offered = people.second_factors.offer(name)
    code = code_at(base64.b32decode(offered.raw_secret), now // STEP_SECONDS)
    assert people.second_factors.enrol(name, offered, code, now)
    return offered


class Clock:
    """The time as a test says it is."""

    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> datetime:
        return self.moment


class Reader:
    """A browser without scripts: keeps its cookie, follows no redirect."""

    def __init__(self, app: Starlette, origin: str = "http://stats.test") -> None:
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=origin)

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    def get(self, address: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        sent = {name.encode(): value.encode() for name, value in (headers or {}).items()}
        return self._runner.run(self._client.get(address, headers=sent))

    def post(
        self, address: str, form: Mapping[str, str], network: str = "192.0.2.0"
    ) -> httpx.Response:
        headers = {"X-Network": network}
        return self._runner.run(self._client.post(address, data=dict(form), headers=headers))

    def post_body(
        self, address: str, body: bytes, kind: str, more: Mapping[str, str] | None = None
    ) -> httpx.Response:
        headers = {"Content-Type": kind, **(more or {})}
        return self._runner.run(self._client.post(address, content=body, headers=headers))

    def try_login(self, name: str, password: str, place: str = "") -> httpx.Response:
        """Open the login form and send it."""
        token = form_token(self.get("/dashboard/login").text)
        form = {"token": token, "name": name, "password": password, "next": place}
        return self.post("/dashboard/login", form)

    def send_code(self, code: str, place: str = "") -> httpx.Response:
        """Open the form of the second step and send it."""
        token = form_token(self.get("/dashboard/login/code").text)
        return self.post("/dashboard/login/code", {"token": token, "code": code, "next": place})

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


def form_token(page: str) -> str:
    """Read the token that a page's form carries."""
    return page.partition('name="token" value="')[2].partition('"')[0]
