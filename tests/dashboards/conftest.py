"""One embedded engine with tables shaped as the guarded views, and the dashboard over it."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import clickhouse_connect
import httpx
import pytest
import uvicorn
from clickhouse_connect.driver.client import Client
from playwright.sync_api import Browser, sync_playwright
from starlette.applications import Starlette

from anonymizer.hits import SiteId
from anonymizer.policy import (
    ConsentMode,
    Dimension,
    Grain,
    Policy,
    PurposeId,
    Site,
    Statistic,
    VisitorAddress,
)
from dashboards.app import dashboard_routes
from dashboards.logins import Logins

NOW = datetime(2025, 11, 4, 14, 23, tzinfo=UTC)
"""A Tuesday, 15:23 in Berlin and already Wednesday in Auckland."""

PASSWORD = "correct horse 6 € <b>"

VISIT_SUMS = ("visitors", "visits", "views", "bounces", "seconds")
_D = Dimension
VIEWS: dict[str, tuple[tuple[Dimension, ...], tuple[str, ...]]] = {
    "pages": ((_D.PAGE,), ("visitors", "views")),
    "entry_pages": ((_D.ENTRY_PAGE,), VISIT_SUMS),
    "exit_pages": ((_D.EXIT_PAGE,), ("visitors", "visits")),
    "sources": ((_D.SOURCE,), VISIT_SUMS),
    "channels": ((_D.CHANNEL,), VISIT_SUMS),
    "referrers": ((_D.REFERRER,), VISIT_SUMS),
    "campaigns": ((_D.CAMPAIGN, _D.CAMPAIGN_SOURCE, _D.CAMPAIGN_MEDIUM), VISIT_SUMS),
    "countries": ((_D.COUNTRY,), VISIT_SUMS),
    "languages": ((_D.LANGUAGE,), VISIT_SUMS),
    "screens": ((_D.SCREEN,), VISIT_SUMS),
    "devices": ((_D.DEVICE, _D.BROWSER, _D.OS), VISIT_SUMS),
}
_COLUMN = {_D.ENTRY_PAGE: "page", _D.EXIT_PAGE: "page"}


def make_policy(leave_out: frozenset[str] = frozenset()) -> Policy:
    """Declare two sites and every statistic but those left out."""
    kept = PurposeId("statistics")
    declared = [
        Statistic("traffic", kept, (), Grain.HOUR, 1, 730),
        Statistic("coverage", kept, (_D.DOOR, _D.REASON), Grain.DAY, 1, 730),
        *(Statistic(name, kept, by, Grain.DAY, 3, 730) for name, (by, _) in VIEWS.items()),
    ]
    sites = (
        Site(SiteId("example.org"), ZoneInfo("Europe/Berlin"), ConsentMode.EXEMPT),
        Site(SiteId("example.net"), ZoneInfo("Pacific/Auckland"), ConsentMode.EXEMPT),
    )
    return Policy(
        id="test",
        version="1",
        effective="2025-01-01",
        controller="Example",
        contact="privacy@example.org",
        languages=("en",),
        sites={site.domain: site for site in sites},
        purposes=(),
        statistics=tuple(s for s in declared if s.name not in leave_out),
        campaign_parameters={},
        visitor_address=VisitorAddress.FULL,
    )


class Store:
    """An engine of its own thread, for it answers one at a time, and the queries it was asked."""

    def __init__(self, path: Path) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._client: Client = self._thread.submit(
            lambda: clickhouse_connect.get_client(interface="chdb", path=str(path))
        ).result()
        self.asked: list[tuple[str, Mapping[str, object]]] = []

    def command(self, sql: str) -> None:
        self._thread.submit(self._client.command, sql).result()

    def create(self, leave_out: frozenset[str] = frozenset()) -> None:
        """Make every table anew and empty, but for those left out."""
        self.asked.clear()
        traffic = ", ".join(f"{name} Int64" for name in VISIT_SUMS)
        columns = {
            "traffic": f"site String, hour DateTime('UTC'), {traffic}",
            "coverage": "site String, day Date, door String, reason String, hits Int64",
        }
        for name, (by, sums) in VIEWS.items():
            keys = ", ".join(f"{_COLUMN.get(d, d.value)} String" for d in by)
            measures = ", ".join(f"{measure} Int64" for measure in sums)
            columns[name] = f"site String, day Date, {keys}, {measures}"
        for name, written in columns.items():
            self.command(f"DROP TABLE IF EXISTS {name} SYNC")
            if name not in leave_out:
                self.command(f"CREATE TABLE {name} ({written}) ENGINE = Memory")

    def add(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            self._thread.submit(self._client.insert, table, rows).result()

    async def query(self, sql: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        self.asked.append((sql, parameters))
        answer = await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: self._client.query(sql, parameters=dict(parameters))
        )
        return [tuple(row) for row in answer.result_rows]

    def close(self) -> None:
        self._thread.submit(self._client.close).result()
        self._thread.shutdown()


class Clock:
    """The time as a test says it is."""

    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    # Closed with the module: a process has room for one engine, and others want theirs.
    engine = Store(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.close()


@pytest.fixture
def store(engine: Store) -> Store:
    engine.create()
    return engine


@pytest.fixture(scope="session")
def logins(tmp_path_factory: pytest.TempPathFactory) -> Logins:
    """The first login, ``owner``, with PASSWORD."""
    logins = Logins(tmp_path_factory.mktemp("logins") / "logins.db", lambda _: PASSWORD)
    logins.first_run()
    return logins


@pytest.fixture
def clock() -> Clock:
    return Clock()


MakeApp = Callable[[Policy], Starlette]


@pytest.fixture
def make_app(store: Store, logins: Logins, clock: Clock) -> MakeApp:
    return lambda policy: Starlette(routes=dashboard_routes(store.query, policy, logins, clock))


@pytest.fixture
def app(make_app: MakeApp) -> Starlette:
    return make_app(make_policy())


class Reader:
    """A browser without scripts: keeps its cookie, follows no redirect."""

    def __init__(self, app: Starlette) -> None:
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://stats.test"
        )

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    def get(self, address: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self._runner.run(self._client.get(address, headers=headers))

    def post(self, address: str, form: Mapping[str, str]) -> httpx.Response:
        return self._runner.run(self._client.post(address, data=dict(form)))

    def post_body(self, address: str, body: bytes, kind: str) -> httpx.Response:
        headers = {"Content-Type": kind}
        return self._runner.run(self._client.post(address, content=body, headers=headers))

    def try_login(self, name: str, password: str, place: str = "") -> httpx.Response:
        """Open the login form and send it."""
        token = form_token(self.get("/dashboard/login").text)
        form = {"token": token, "name": name, "password": password, "next": place}
        return self.post("/dashboard/login", form)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


def form_token(page: str) -> str:
    """Read the token that a page's form carries."""
    return page.partition('name="token" value="')[2].partition('"')[0]


OpenReader = Callable[[Starlette], Reader]


@pytest.fixture
def open_reader() -> Iterator[OpenReader]:
    with ExitStack() as stack:

        def open_reader(app: Starlette) -> Reader:
            reader = Reader(app)
            stack.callback(reader.close)
            return reader

        yield open_reader


@pytest.fixture
def stranger(app: Starlette, open_reader: OpenReader) -> Reader:
    """A reader who has not logged in."""
    return open_reader(app)


@pytest.fixture
def analyst(stranger: Reader) -> Reader:
    """A reader who has logged in."""
    assert stranger.try_login("owner", PASSWORD).status_code == 303
    return stranger


@pytest.fixture
def serve() -> Iterator[Callable[[Starlette], str]]:
    """Serve an app on a free port for the length of a test; give its origin."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(_serving(app))


@contextmanager
def _serving(app: Starlette) -> Iterator[str]:
    config = uvicorn.Config(app, lifespan="off", ws="none", log_level="error")
    server = uvicorn.Server(config)
    # Listening before the server runs, so that the first request need not wait for a sign.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def chromium(chromium_path: str | None) -> Iterator[Browser]:
    flags = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=flags)
        yield browser
        browser.close()
