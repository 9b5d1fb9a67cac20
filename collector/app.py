"""Compose the running server: every part is made and joined here, and only here."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from clickhouse_connect.driver.exceptions import ClickHouseError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from anonymizer.deidentify import Tables
from anonymizer.policy import Policy
from collector.consent_door import consent_routes
from collector.data_dir import DataDir
from collector.demo import demo_routes
from collector.doctor.telling import KIND as DOCTOR
from collector.doctor.telling import tell
from collector.doors import Doors
from collector.forwarded import TrustedProxies
from collector.intake import Intake
from collector.notice import notice_routes
from collector.opt_out import opt_out_routes
from collector.pipeline import Pipeline
from collector.plan import make_plan
from collector.policy_archive import PolicyArchive
from collector.query_socket import Refused, Values, serve_requests
from collector.read_guard import OutsideTheViews
from collector.receipt_desk import ReceiptDesk
from collector.receipt_store import ReceiptStore
from collector.receipts import read_versions
from collector.reference import load_agents
from collector.rights_page import rights_routes
from collector.salts import fill_from_kernel
from collector.scripts import script_routes
from collector.spool import Spool, drain
from collector.store import Reader, Store, StoreFailed
from collector.store_facts import KIND as STORE_FACTS
from collector.store_facts import read_store_facts
from collector.visitor_pages import VisitorPages
from collector.well_known import well_known_routes
from collector.writer import Writer
from dashboards.app import dashboard_routes
from dashboards.logins import Logins

T = TypeVar("T")

_TIDY_SECONDS = 10  # how long after its end a day's salt may still be in memory


class App:
    """The ASGI application of one collector on one data directory, which must be locked.

    Raises:
        StoreFailed: the embedded engine can't be opened or prepared.
        TooManyCombinations: the policy declares more than the counters can tell apart.
        ChangedWithoutVersion: this version of the policy meant something else before.
        BadArchive: an older version of the policy can't be read.
    """

    def __init__(
        self,
        policy: Policy,
        policy_text: str,
        data: DataDir,
        tables: Tables,
        *,
        proxies: TrustedProxies | None = None,
        demo: bool = False,
    ) -> None:
        self._proxies = proxies
        plan = make_plan(policy)
        archive = PolicyArchive(data.policies)
        archive.check(policy)  # before anything is made what a changed policy asks for
        self._data = data
        self._spool = Spool(data.spool)
        self._store = Store.embedded(data.store)
        if not self._store.is_new():
            drain(self._spool, self._store)  # under the tables these hits were counted for
        self._store.apply(policy, plan)
        data.policy.write_text(policy_text, "utf-8")
        archive.keep(policy, policy_text)
        self._reader = Reader.embedded(data.store)
        self._read_thread = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._pipeline = Pipeline(
            policy, plan, load_agents(), tables, fill_from_kernel, archive.honoured(policy)
        )
        self._writer = Writer(self._spool, self._store, self._pipeline.forget_visitors)
        self.logins = Logins(data.logins)
        intake = Intake(self._pipeline, self._writer.keep)
        doors = Doors(intake, policy.sites, _now)
        self._doors = {"/api/event": doors.event, "/pixel.gif": doors.pixel}
        pages = VisitorPages(policy)
        self._receipts = ReceiptDesk(
            ReceiptStore.embedded(data.store), read_versions(archive, policy), _now
        )
        demo_site = next(iter(policy.sites))
        self._router = Starlette(
            routes=[
                *script_routes(),
                Route("/healthz", _healthz),
                Route("/", lambda _: RedirectResponse("/dashboard")),
                *opt_out_routes(policy, pages),
                *notice_routes(policy, archive, pages),
                *well_known_routes(policy),
                *consent_routes(self._receipts, _peer),
                *rights_routes(self._receipts, policy, pages, _peer),
                *dashboard_routes(self._query, policy, self.logins, lambda: datetime.now(UTC)),
                *(demo_routes(demo_site) if demo else ()),
            ],
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request: hits by their doors, everything else by Starlette's routes."""
        if self._proxies is not None and scope["type"] == "http":
            peer, *_ = scope["client"] or ("",)
            scope["client"] = (self._proxies.client(peer, scope["headers"]), 0)
        door = self._doors.get(scope["path"]) if scope["type"] == "http" else None
        await (door or self._router)(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._writer.start()
        tidying = asyncio.create_task(self._forget_ended_days())
        questions = await serve_requests(
            self._data.query_socket,
            {
                "query": self._answer,
                "rights": self._receipts.answer,
                STORE_FACTS: self._tell_facts,
                DOCTOR: self._tell_doctor,
            },
        )
        try:
            yield
        finally:
            questions.close()
            self._data.query_socket.unlink(missing_ok=True)
            tidying.cancel()
            await self._writer.stop()
            await self._receipts.close()
            self._read_thread.shutdown()
            self._reader.close()
            self._store.close()
            self._spool.close()

    async def _forget_ended_days(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_SECONDS)
            self._pipeline.forget_ended_days(_now())
            await self._receipts.tidy()

    async def _query(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._read_thread, self._reader.query, sql, parameters)

    async def _tell_facts(self, _: Values) -> bytes:
        return msgspec.json.encode(await self._tell(read_store_facts, self._reader.query))

    async def _tell_doctor(self, values: Values) -> bytes:
        return await self._tell(tell, self._reader.query, values)

    async def _tell(self, read: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._read_thread, read, *arguments)
        except StoreFailed as error:
            raise Refused(str(error)) from None
        except msgspec.ValidationError:
            raise Refused("there is no such question") from None

    async def _answer(self, values: Values) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                self._read_thread, self._reader.raw_query, values["sql"], values["format"]
            )
        except (ClickHouseError, OutsideTheViews) as error:
            raise Refused(str(error)) from None


def _now() -> int:
    return int(time.time())


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


async def _healthz(_: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
