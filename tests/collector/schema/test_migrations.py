"""A start under another policy, or on an earlier release's table: all counters are kept."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from msgspec.structs import replace

from anonymizer.policy import Dimension, Grain, Policy, Statistic
from collector.plan import make_plan
from collector.schema.ddl_found import read_found
from collector.schema.ddl_plan import migration
from collector.store import Store, StoreFailed, open_engine
from tests.collector.hits import Line, make_policy
from tests.collector.storing import encoded

NOON = int(datetime(2026, 3, 10, 11, 0, tzinfo=UTC).timestamp())
DEFAULT = make_policy()
NAMED = {statistic.name: statistic for statistic in DEFAULT.statistics}


def policy_of(*statistics: Statistic) -> Policy:
    return replace(DEFAULT, statistics=(*statistics, NAMED["coverage"]))


BEFORE = policy_of(NAMED["traffic"], NAMED["pages"], NAMED["networks"])
AFTER = policy_of(
    replace(NAMED["traffic"], min_group=2),
    replace(NAMED["pages"], by=(Dimension.PAGE, Dimension.SOURCE)),
    NAMED["countries"],
)

# What a release made that knew three measures.
OLDER_CELLS = """\
CREATE TABLE discreet.cells (
    statistic LowCardinality(String), keep_days UInt16,
    grain Enum8('hour' = 1, 'day' = 2, 'month' = 3), site LowCardinality(String),
    period DateTime('UTC'), k1 String, k2 String, k3 String,
    visitors Int64, visits Int64, views Int64
)
ENGINE = SummingMergeTree((visitors, visits, views))
PARTITION BY (keep_days, toYYYYMM(period))
ORDER BY (statistic, site, period, grain, k1, k2, k3)
SETTINGS non_replicated_deduplication_window = 1000
"""
OLDER_ROWS = """\
INSERT INTO discreet.cells
SELECT 'pages(page)', 750, 'day', 'example.org', toDateTime('2026-02-01 00:00:00', 'UTC')
    + toIntervalDay(number % 60), '/old', '', '', 1, 1, 2 FROM numbers(600)
"""
SUMS = "SELECT sum(visitors), sum(visits), sum(views) FROM discreet.cells WHERE k1 = '/old'"
MEASURES = ("visitors", "visits", "views", "bounces", "seconds", "hits")


def store_of(client: Client, policy: Policy) -> Store:
    store = Store(client)
    store.apply(policy, make_plan(policy))
    return store


def count(store: Store, policy: Policy, page: str = "/a") -> None:
    line = Line(policy)
    rows = line.view("ada", NOON, page) + line.view("bob", NOON + 60, page)
    store.insert(f"{page} under {policy.statistics}", b"".join(encoded(rows)))


def cells(client: Client) -> list[Sequence[Any]]:
    """Return all counters, batch counts included, with what is equal added up."""
    summed = ", ".join(f"sum({measure}) AS sum_{measure}" for measure in MEASURES)
    return list(
        client.query(
            "SELECT statistic, keep_days, grain, site, period, k1, k2, k3,"
            f" {summed} FROM discreet.cells GROUP BY ALL ORDER BY ALL"
        ).result_rows
    )


def views(client: Client) -> list[tuple[str, str]]:
    return [
        (str(name), str(select))
        for name, select in client.query(
            "SELECT name, as_select FROM system.tables"
            " WHERE database = currentDatabase() OR name = 'into_cells' ORDER BY name"
        ).result_rows
    ]


def start_afresh(client: Client) -> None:
    client.command("DROP DATABASE IF EXISTS discreet SYNC")
    for (view,) in client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase()"
    ).result_rows:
        client.command(f"DROP VIEW `{view}` SYNC")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = open_engine(tmp_path_factory.mktemp("migrations") / "clickhouse")
    yield client
    client.close()


@pytest.fixture
def client(engine: Client) -> Client:
    """Return the one engine, emptied."""
    start_afresh(engine)
    return engine


class CutShort:
    """A client whose n-th statement is done, and fails all the same."""

    def __init__(self, client: Client, after: int) -> None:
        self._client = client
        self._left = after

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def command(self, statement: str) -> None:
        self._client.command(statement)
        self._left -= 1
        if self._left == 0:
            raise ClickHouseError("cut short")


def apply_cut_short(client: Client, policy: Policy, after: int) -> bool:
    """Apply a policy until `after` statements are done; tell whether it had as many."""
    try:
        store_of(cast(Client, CutShort(client, after)), policy)
    except StoreFailed:
        return True
    return False


def test_changed_policy_keeps_every_counter(client: Client) -> None:
    count(store_of(client, BEFORE), BEFORE)
    before = cells(client)

    after = store_of(client, AFTER)

    assert cells(client) == before
    assert [name for name, _ in views(client)] == [
        *("countries", "coverage", "into_cells", "pages", "traffic"),
    ]
    # What was told apart by the page alone shows in no view that tells the source too.
    assert client.query("SELECT count() FROM pages").result_rows == [(0,)]
    count(after, AFTER, "/b")
    assert client.query("SELECT page, source, sum(views) FROM pages GROUP BY ALL").result_rows == [
        ("/b", "(direct)", 2)
    ]
    assert client.query("SELECT sum(visitors) FROM countries").result_rows == [(2,)]
    assert client.query("SELECT sum(visitors) FROM traffic").result_rows == [(4,)]


def test_policy_that_goes_back_shows_what_was_counted_before(client: Client) -> None:
    count(store_of(client, BEFORE), BEFORE)
    count(store_of(client, AFTER), AFTER)

    store_of(client, BEFORE)

    assert client.query("SELECT page, views FROM pages").result_rows == [("/a", 2)]
    assert client.query("SELECT sum(views) FROM networks").result_rows == [(2,)]


def test_statistic_of_another_grain_shows_what_is_counted_by_it(client: Client) -> None:
    by_hour = policy_of(replace(NAMED["pages"], grain=Grain.HOUR))
    by_day = policy_of(NAMED["pages"])
    count(store_of(client, by_hour), by_hour)

    after = store_of(client, by_day)

    assert client.query("SELECT count() FROM pages").result_rows == [(0,)]
    count(after, by_day, "/b")
    assert client.query("SELECT page, views FROM pages").result_rows == [("/b", 2)]


def test_start_that_is_cut_short_anywhere_ends_right_when_run_again(client: Client) -> None:
    count(store_of(client, BEFORE), BEFORE)
    before = cells(client)
    store_of(client, AFTER)
    wanted = views(client)

    after = 1
    store_of(client, BEFORE)
    while apply_cut_short(client, AFTER, after):
        store = store_of(client, AFTER)
        assert cells(client) == before, after
        assert views(client) == wanted, after
        assert not store.is_new()
        store_of(client, BEFORE)
        after += 1
    assert after > len(AFTER.statistics)


def older(client: Client) -> None:
    client.command("CREATE DATABASE discreet")
    client.command(OLDER_CELLS)
    client.command(OLDER_ROWS)
    client.command(f"{OLDER_ROWS} SETTINGS insert_deduplication_token = 'again'")
    client.command("ALTER TABLE discreet.cells DROP PARTITION (750, 202603)")
    client.command(OLDER_ROWS.replace("2026-02-01", "2026-03-01").replace("% 60", "% 20"))


def test_table_of_an_earlier_release_is_given_the_measures_that_it_lacks(client: Client) -> None:
    older(client)
    sums = client.query(SUMS).result_rows

    store = store_of(client, BEFORE)

    assert client.query(SUMS).result_rows == sums
    count(store, BEFORE)
    # Added up by a merge, which the table would leave at the first of the rows without.
    client.command(
        "INSERT INTO discreet.cells SELECT * REPLACE (7 AS seconds) FROM discreet.cells"
        " WHERE statistic = 'traffic()'"
    )
    client.command("OPTIMIZE TABLE discreet.cells FINAL")
    assert client.query(
        "SELECT count(), any(seconds), any(visitors) FROM discreet.cells"
        " WHERE statistic = 'traffic()'"
    ).result_rows == [(1, 7, 4)]
    assert client.query(SUMS).result_rows == sums
    assert read_found(lambda sql: client.query(sql).result_rows).unsummed == ()


def test_upgrade_that_is_cut_short_anywhere_ends_right_when_run_again(client: Client) -> None:
    older(client)
    sums = client.query(SUMS).result_rows
    after = 1
    while apply_cut_short(client, BEFORE, after):
        store_of(client, BEFORE)
        found = read_found(lambda sql: client.query(sql).result_rows)
        assert (found.unsummed, found.swapped) == ((), False), after
        assert client.query(SUMS).result_rows == sums, after
        start_afresh(client)
        older(client)
        after += 1
    assert after > 6


_KILLED = """\
import os, signal, sys
from collector.store import Store, open_engine
from collector.plan import make_plan
from tests.collector.schema.test_migrations import BEFORE

client = open_engine(__import__("pathlib").Path(sys.argv[1]))
left = int(sys.argv[2])
command = client.command

def kill_after(*arguments, **options):
    global left
    command(*arguments, **options)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

client.command = kill_after
Store(client).apply(BEFORE, make_plan(BEFORE))
"""


def test_migrations_own_statements_do_what_a_start_does(client: Client) -> None:
    def ask(sql: str) -> Sequence[Sequence[Any]]:
        return client.query(sql).result_rows

    count(store_of(client, BEFORE), BEFORE)
    store_of(client, AFTER)
    wanted = views(client)
    store_of(client, BEFORE)

    for statement in migration(read_found(ask), AFTER, make_plan(AFTER)):
        client.command(statement)

    assert views(client) == wanted
    assert migration(read_found(ask), AFTER, make_plan(AFTER)) == ()


# In the order of a chain of starts: the first five are cut off in the upgrade, each once more
# one step further; the sixth begins with what the fifth left behind.
def test_killed_starts_lose_nothing(engine: Client, tmp_path: Path) -> None:
    engine.close()  # a process has one directory open at a time
    folder = tmp_path / "clickhouse"
    client = open_engine(folder)
    older(client)
    sums = client.query(SUMS).result_rows
    client.close()

    for statements in (1, 2, 3, 4, 5, 1, 7, 9):
        killed = subprocess.run(
            [sys.executable, "-c", _KILLED, str(folder), str(statements)],
            capture_output=True,
            timeout=60,
            check=False,
            env={**os.environ, "PYTHONPATH": "."},
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr

    client = open_engine(folder)
    try:
        store_of(client, BEFORE)
        assert client.query(SUMS).result_rows == sums
        assert client.query("SELECT sum(views) FROM pages").result_rows == [(sums[0][2],)]
        found = read_found(lambda sql: client.query(sql).result_rows)
        assert (found.unsummed, found.swapped) == ((), False)
    finally:
        client.close()
