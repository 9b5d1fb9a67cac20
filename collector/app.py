"""Compose the running server: every part is made and joined here, and only here."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from clickhouse_connect.driver.exceptions import ClickHouseError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from anonymizer.agents import Agents
from anonymizer.deidentify import Tables
from anonymizer.policy import Policy
from collector.data_dir import DataDir
from collector.demo import demo_routes
from collector.doors import Doors
from collector.intake import Intake
from collector.pipeline import Pipeline
from collector.plan import make_plan
from collector.query_socket import QueryRefused, serve_queries
from collector.read_guard import OutsideTheViews
from collector.salts import fill_from_kernel
from collector.spool import Spool, drain
from collector.store import Reader, Store
from collector.writer import Writer
from dashboards.app import dashboard_routes
from dashboards.logins import Logins

_TIDY_SECONDS = 10  # how long after its end a day's salt may still be in memory


class App:
    """The ASGI application of one collector on one data directory, which must be locked.

    Raises:
        StoreFailed: the embedded engine can't be opened or prepared.
        TooManyCombinations: the policy declares more than the counters can tell apart.
    """

    def __init__(
        self, policy: Policy, policy_text: str, data: DataDir, tables: Tables, demo: bool = False
    ) -> None:
        plan = make_plan(policy)
        self._data = data
        self._spool = Spool(data.spool)
        self._store = Store.embedded(data.store)
        if not self._store.is_new():
            drain(self._spool, self._store)  # under the tables these hits were counted for
        self._store.apply(policy, plan)
        data.policy.write_text(policy_text, "utf-8")
        self._reader = Reader.embedded(data.store)
        self._read_thread = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._pipeline = Pipeline(policy, plan, Agents(), tables, fill_from_kernel)
        self._writer = Writer(self._spool, self._store, self._pipeline.forget_visitors)
        self.logins = Logins(data.logins)
        intake = Intake(self._pipeline, self._writer.keep)
        doors = Doors(intake, policy.sites, _now)
        self._doors = {"/api/event": doors.event, "/pixel.gif": doors.pixel}
        demo_site = next(iter(policy.sites))
        self._router = Starlette(
            routes=[
                Route("/tag.js", _tag),
                Route("/healthz", _healthz),
                Route("/", lambda _: RedirectResponse("/dashboard")),
                *dashboard_routes(self._query, policy, self.logins, lambda: datetime.now(UTC)),
                *(demo_routes(demo_site) if demo else ()),
            ],
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request: hits by their doors, everything else by Starlette's routes."""
        door = self._doors.get(scope["path"]) if scope["type"] == "http" else None
        await (door or self._router)(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._writer.start()
        tidying = asyncio.create_task(self._forget_ended_days())
        questions = await serve_queries(self._data.query_socket, self._answer)
        try:
            yield
        finally:
            questions.close()
            self._data.query_socket.unlink(missing_ok=True)
            tidying.cancel()
            await self._writer.stop()
            self._read_thread.shutdown()
            self._reader.close()
            self._store.close()
            self._spool.close()

    async def _forget_ended_days(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_SECONDS)
            self._pipeline.forget_ended_days(_now())

    async def _query(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._read_thread, self._reader.query, sql, parameters)

    async def _answer(self, sql: str, output_format: str) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                self._read_thread, self._reader.raw_query, sql, output_format
            )
        except (ClickHouseError, OutsideTheViews) as error:
            raise QueryRefused(str(error)) from None


def _now() -> int:
    return int(time.time())


_TAG = (files("collector") / "tag" / "tag.js").read_bytes()


async def _tag(_: Request) -> Response:
    return Response(
        _TAG,
        media_type="text/javascript",
        headers={
            "Cache-Control": "public, max-age=3600",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _healthz(_: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
