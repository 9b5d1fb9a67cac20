"""Tables shaped as the guarded views, in one embedded engine, and the policy that declares them."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import clickhouse_connect
from clickhouse_connect.driver.client import Client

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
from collector.encoding import Columns, select_columns

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


Tables = Mapping[str, Sequence[Sequence[Any]]]
"""Rows by the name of their table."""


class Store:
    """An engine of its own thread, for it answers one at a time, and the queries it was asked."""

    def __init__(self, path: Path) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._client: Client = self._thread.submit(
            lambda: clickhouse_connect.get_client(interface="chdb", path=str(path))
        ).result()
        self._held: tuple[Tables, frozenset[str]] | None = None
        self.asked: list[tuple[str, Mapping[str, object]]] = []

    def command(self, sql: str) -> None:
        self._thread.submit(self._client.command, sql).result()

    def hold(
        self,
        rows: Tables,
        leave_out: frozenset[str] = frozenset(),
    ) -> None:
        """Make every table but those left out, holding `rows` and nothing else."""
        self.asked.clear()
        if self._held is not None and self._held[0] is rows and self._held[1] == leave_out:
            return
        for name, columns in _columns().items():
            self.command(f"DROP TABLE IF EXISTS {name}")
            if name not in leave_out:
                self.command(f"CREATE TABLE {name} ({columns}) ENGINE = Memory")
                self.add(name, rows.get(name, ()))
        self._held = (rows, leave_out)

    def add(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        self._held = None
        if rows:
            self._thread.submit(self._client.insert, table, rows).result()

    async def query(self, sql: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        self.asked.append((sql, parameters))
        answer = await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: self._client.query(sql, parameters=dict(parameters))
        )
        return [tuple(row) for row in answer.result_rows]

    async def encode(self, columns: Columns, form: str) -> bytes:
        sql, bound = select_columns(columns)
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: self._client.raw_query(sql, parameters=bound, fmt=form)
        )

    def close(self) -> None:
        self._thread.submit(self._client.close).result()
        self._thread.shutdown()


def _columns() -> dict[str, str]:
    traffic = ", ".join(f"{name} Int64" for name in VISIT_SUMS)
    columns = {
        "traffic": f"site String, hour DateTime('UTC'), {traffic}",
        "coverage": "site String, day Date, door String, reason String, hits Int64",
    }
    for name, (by, sums) in VIEWS.items():
        keys = ", ".join(f"{_COLUMN.get(d, d.value)} String" for d in by)
        measures = ", ".join(f"{measure} Int64" for measure in sums)
        columns[name] = f"site String, day Nullable(Date), month Date, {keys}, {measures}"
    return columns
