"""Compose the running server: every part is made and joined here, and only here."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from anonymizer.addresses import coarsen_address
from anonymizer.deidentify import Tables
from anonymizer.policy import Policy
from clickhouse_http.app import ClickHouseHttp
from collector.analysts import Analysts
from collector.annotations import Annotations
from collector.annotations_api import annotation_routes
from collector.api_door import ApiDoor, name_of, sites_of
from collector.api_keys import ApiKeys, KeyScope
from collector.asking import engine_at
from collector.audit import AuditLog
from collector.audit_trail import AuditTrail
from collector.backup.desk import KIND as BACKUP
from collector.backup.desk import BackupDesk
from collector.consent_door import consent_routes
from collector.data_dir import DataDir
from collector.demo import demo_routes
from collector.doctor.last_run import read_last_run
from collector.doctor.telling import KIND as DOCTOR
from collector.doors import Doors
from collector.email.api import email_routes
from collector.email.campaign_counts import CampaignCounts
from collector.email.campaigns import Campaigns
from collector.email.deliveries import KIND as DELIVERED
from collector.email.doors import PREFIX as MAIL
from collector.email.doors import MailDoors
from collector.email.recipients import KIND as CONSENTS
from collector.email.recipients import Recipients
from collector.email.registry import Registry
from collector.email.unsubscribe_page import unsubscribe_routes
from collector.email.webhook import Webhook
from collector.fault_answers import FAULT_ANSWERS
from collector.forwarded import TrustedProxies
from collector.intake import Intake
from collector.live import Live
from collector.mailed_reports.desk import KIND as REPORT
from collector.mailed_reports.desk import ReportDesk
from collector.mailed_reports.settings import Mailing
from collector.notice import notice_routes
from collector.opt_out import opt_out_routes
from collector.pipeline import Pipeline
from collector.plan import make_plan
from collector.policy_archive import PolicyArchive
from collector.proposals import Proposals
from collector.query_socket import Values, serve_requests
from collector.read_thread import ReadThread
from collector.reader import Reader
from collector.receipt_desk import ReceiptDesk
from collector.receipt_store import ReceiptStore
from collector.receipts import read_versions
from collector.reference import load_agents
from collector.region_stores import RegionStores
from collector.region_writers import RegionWriters, settle
from collector.regions import HOME
from collector.retention.desk import RetentionDesk
from collector.rights_page import rights_routes
from collector.salts import fill_from_kernel
from collector.schema.into_cells import meaning_of
from collector.schema.views import columns_of
from collector.scripts import script_routes
from collector.site_marks import SiteMarks
from collector.spool import Spool, drain
from collector.sql_door import PATH as SQL
from collector.sql_door import SqlDoor
from collector.sql_logins import SqlLogins
from collector.store import Store
from collector.store_address import StoreAddress, StorePlace, open_client, open_late
from collector.store_facts import KIND as STORE_FACTS
from collector.tag_scripts import compile_tag, keep_version
from collector.visitor_pages import VisitorPages
from collector.well_known import well_known_routes
from collector.writer import Writer
from dashboards.api.asked import Sites, notes_of_questions
from dashboards.api.routes import query_routes
from dashboards.app import dashboard_routes
from dashboards.asking.answering import Asker
from dashboards.logins.door_logins import DoorLogins
from dashboards.mailed.writing import write_report
from dashboards.privacy.facts import PrivacyFacts
from dashboards.privacy.page import PrivacySources
from dashboards.words import LANGUAGES
from people.people import People

T = TypeVar("T")

log = logging.getLogger("discreet")

REPORT_LANGUAGES = tuple(LANGUAGES)
"""What reports are written in."""

_TIDY_SECONDS = 10  # how long after its end a day's salt may still be in memory


class App:
    """The ASGI application of one collector on one data directory, which must be locked.

    Raises:
        StoreFailed: the embedded engine can't be opened or prepared.
        TooManyCombinations: the policy declares more than the counters can tell apart.
        ChangedWithoutVersion: this version of the policy meant something else before.
        BadArchive: an older version of the policy can't be read.
        KeysFailed: the file of the API's keys can't be used.
        RegistryFailed: the file of e-mail campaigns can't be used.
        UsersFailed: the file of users can't be used.
        OpensFailed, RefusalsFailed: a file of e-mail recipients can't be used.
        MarksFailed: the file of what was mailed can't be read.
    """

    def __init__(
        self,
        policy: Policy,
        policy_text: str,
        data: DataDir,
        tables: Tables,
        *,
        store: StorePlace | None = None,
        regions: Mapping[str, StoreAddress] | None = None,
        proxies: TrustedProxies | None = None,
        demo: bool = False,
        webhook: Webhook | None = None,
        mailing: Mailing | None = None,
    ) -> None:
        self._proxies = proxies
        plan = make_plan(policy)
        archive = PolicyArchive(data.policies)
        archive.check(policy)  # before anything is made what a changed policy asks for
        self._data = data
        self._spool = Spool(data.spool)
        place = store or data.store
        self._store = Store(open_late(place))
        if isinstance(place, Path):
            if not self._store.is_new():
                drain(self._spool, self._store)  # under the tables these hits were counted for
            self._store.apply(policy, plan)
        self._spool.count_under(meaning_of(policy, plan))
        data.policy.write_text(policy_text, "utf-8")
        archive.keep(policy, policy_text)
        self._reading = ReadThread(Reader(open_late(place)))
        agents = load_agents()
        self._pipeline = Pipeline(
            policy, plan, agents, tables, fill_from_kernel, archive.honoured(policy)
        )
        self._writer = Writer(self._spool, self._store, self._pipeline.forget_visitors)
        if isinstance(place, StoreAddress):
            # While the server is away hits are taken in; they tell what they were counted under.
            # On the store's thread: one that takes a question and never answers holds nothing up.
            self._writer.before_sending(partial(self._store.apply_when_reached, policy, plan))
        self._regions = RegionStores(
            regions or {}, data, policy, plan, self._pipeline.forget_visitors, _now
        )
        settle([self._spool, *self._regions.spools])
        self._retention = RetentionDesk(
            partial(open_client, place),
            policy,
            data.retention,
            _now,
            shared=isinstance(place, StoreAddress),
            since=data.made,
        )
        self._backups = BackupDesk(policy, data, place, self._run_alone, _now)
        self.people = People.open(data.logins)
        keep = RegionWriters(
            {HOME: self._writer, **self._regions.writers}, self._pipeline.forget_visitors
        ).keep
        intake = Intake(self._pipeline, keep)
        doors = Doors(intake, policy.sites, _now)
        self._doors = {"/api/event": doors.event, "/pixel.gif": doors.pixel}
        campaigns = Campaigns(data.email, policy)
        receipts = ReceiptStore(open_late(place))
        if isinstance(place, Path):
            receipts.make_tables()
        self._receipts = ReceiptDesk(receipts, read_versions(archive, policy), _now)
        self._recipients = Recipients(policy, data, self._receipts, _now, webhook)
        self._mail_door = MailDoors(
            intake, Registry(data.email, policy), policy.sites, _now, agents, self._recipients
        )
        self._campaigns = CampaignCounts(campaigns, policy, plan, keep, _now)
        pages = VisitorPages(policy)
        tag = compile_tag(policy)
        audit = AuditLog(data.audit)
        trail = AuditTrail(audit, data.audit)
        asker = self._asker(policy, policy_text)
        self._reports = ReportDesk(
            policy,
            REPORT_LANGUAGES,
            partial(write_report, asker, policy),
            trail.note,
            _now,
            mailing,
            data.reports,
        )
        self._sql = SqlDoor(
            Analysts(engine_at(place), [each.name for each in policy.statistics], audit)
        )
        sql = self._clickhouse()
        api = ApiDoor(ApiKeys(data.keys), _now, _peer)
        annotations = Annotations(data.annotations, policy)
        self._router = Starlette(
            routes=[
                *script_routes(tag, keep_version(data.tags, tag)),
                Route("/healthz", _healthz),
                Route("/", lambda _: RedirectResponse("/dashboard")),
                *opt_out_routes(policy, pages),
                *notice_routes(policy, archive, pages),
                *well_known_routes(policy),
                *consent_routes(self._receipts, _peer),
                *rights_routes(self._receipts, policy, pages, _peer),
                *unsubscribe_routes(
                    self._recipients,
                    pages,
                    self._campaigns.count_unsubscribed,
                    _peer,
                    _now,
                ),
                *email_routes(campaigns, self._campaigns, api, _now),
                *annotation_routes(annotations, api, _now, trail.note),
                *self._reading_routes(
                    policy,
                    policy_text,
                    asker,
                    trail,
                    api,
                    SiteMarks(annotations, campaigns, policy, _now),
                ),
                Route(SQL.rstrip("/"), sql),
                Mount(SQL, sql),
                *(demo_routes(next(iter(policy.sites))) if demo else ()),
            ],
            lifespan=self._lifespan,
            exception_handlers=FAULT_ANSWERS,
        )

    async def answer_report(self, values: Values) -> bytes:
        """Write a report without serving; see `ReportDesk.answer`."""
        async with self._lifespan(self._router):
            return await self._reports.answer(values)

    def _asker(self, policy: Policy, policy_text: str) -> Asker:
        ask_of_site = self._regions.ask_of_site(self._reading.query)
        return Asker(ask_of_site, policy, columns_of, Proposals(policy_text).faults_of)

    def _reading_routes(
        self,
        policy: Policy,
        policy_text: str,
        asker: Asker,
        trail: AuditTrail,
        api: ApiDoor,
        marks: SiteMarks,
    ) -> list[BaseRoute]:
        ask_of_site = self._regions.ask_of_site(self._reading.query)
        facts = self._privacy_facts(policy, policy_text)
        return [
            *query_routes(
                asker,
                Sites(policy, sites_of, _moment, notes_of_questions(trail, name_of, _moment)),
                partial(api.guard, KeyScope.QUERY),
            ),
            *dashboard_routes(
                asker,
                policy,
                self.people,
                trail,
                lambda request: coarsen_address(_peer(request)),
                _moment,
                marks=marks,
                encode=self._reading.encode,
                privacy=PrivacySources(ask_of_site, columns_of, facts),
            ),
        ]

    def _privacy_facts(self, policy: Policy, policy_text: str) -> PrivacyFacts:
        live = Live(self._pipeline, policy, _now, secrets.randbelow)
        retention_of = self._regions.retention_of_site(self._retention)
        return PrivacyFacts(
            policy_hash=sha256(policy_text.encode()).hexdigest(),
            last_retention=lambda site: retention_of(site).last_run(),
            kept=lambda site: retention_of(site).kept(),
            count_receipts=self._receipts.count,
            last_checks=partial(read_last_run, self._data.doctor),
            live_of=live.of,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request: hits by their doors, everything else by Starlette's routes."""
        if self._proxies is not None and scope["type"] == "http":
            peer, *_ = scope["client"] or ("",)
            scope["client"] = (self._proxies.client(peer, scope["headers"]), 0)
            # Doors for hits ask nothing of it.
            if scope["path"] not in self._doors and self._proxies.is_https(peer, scope["headers"]):
                scope["scheme"] = "https"
        door = self._doors.get(scope["path"]) if scope["type"] == "http" else None
        if door is None and scope["type"] == "http" and scope["path"].startswith(MAIL):
            door = self._mail_door
        await (door or self._router)(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._writer.start()
        self._regions.start()
        tidying = asyncio.create_task(self._forget_ended_days())
        retaining = asyncio.create_task(self._retention.watch())
        self._recipients.start()
        self._reports.start()
        questions = await serve_requests(
            self._data.query_socket,
            {
                "rights": self._receipts.answer,
                STORE_FACTS: self._reading.tell_facts,
                DOCTOR: self._reading.tell_doctor,
                DELIVERED: self._campaigns.answer,
                CONSENTS: self._recipients.answer,
                REPORT: self._reports.answer,
                **self._regions.route(
                    {
                        "query": self._sql.answer_local,
                        BACKUP: self._backups.answer,
                        **self._retention.handlers(),
                    }
                ),
            },
        )
        try:
            yield
        finally:
            questions.close()
            self._data.query_socket.unlink(missing_ok=True)
            tidying.cancel()
            retaining.cancel()
            await self._reports.close()
            await self._mail_door.close()  # a redirect may be answered before its row is written
            await self._writer.stop()
            await self._regions.close()
            await self._recipients.close()
            await self._receipts.close()
            await self._retention.close()
            await self._sql.close()
            self._reading.close()
            self._store.close()
            self._spool.close()

    def _clickhouse(self) -> ClickHouseHttp:
        door_logins = DoorLogins(self.people.users, lambda: datetime.now(UTC))
        return ClickHouseHttp(
            self._sql.answer,
            SqlLogins(door_logins.log_in).log_in,
            prefix=SQL.rstrip("/"),
            # It takes no rows, and no question that may be asked is longer.
            max_body_bytes=2**20,
            max_sql_bytes=2**18,
        )

    async def _run_alone(self, job: Callable[[], T]) -> T:
        async with self._retention.quiet:
            return await self._writer.run_alone(job)

    async def _forget_ended_days(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_SECONDS)
            self._pipeline.forget_ended_days(_now())
            await self._receipts.tidy()


def _now() -> int:
    return int(time.time())


def _moment() -> datetime:
    return datetime.now(UTC)


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


async def _healthz(_: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
