"""What the roles of `policy ddl --roles` may do and may not, asked of the engine."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anonymizer.policy import Policy
from anonymizer.policy_file import read_policy
from collector.plan import make_plan
from collector.reference import default_policy
from collector.schema.ddl import DEFINER, Place, create_store
from collector.schema.ddl_roles import (
    ANALYST,
    COLLECTOR,
    create_definers,
    create_roles,
    create_site_views,
    home_of,
    role_of,
)
from tests.collector.schema.on_server import OnServer

HOME = "statistics"
POLICY_TEXT = """\
[policy]
id = "test"
version = "1"
controller = "Example"
contact = "privacy@example.org"
extends = "default"
min_group = 3

[[site]]
domain = "alpha"
timezone = "UTC"

[[site]]
domain = "beta"
timezone = "UTC"
"""
POLICY: Policy = read_policy(POLICY_TEXT, default_policy())
ALPHA, BETA = POLICY.sites
OF_ALPHA = home_of(ALPHA, HOME)
TODAY = datetime.now(UTC).date()

DENIED = "!497"
READ_ONLY = "!164"


def statements(policy: Policy) -> tuple[str, ...]:
    return (
        *create_definers(policy, spread=False),
        *create_store(policy, make_plan(policy), Place(HOME, DEFINER)),
        *create_site_views(policy, HOME, spread=False),
        *create_roles(policy, HOME, spread=False),
    )


def with_statistic(name: str) -> str:
    return f'{POLICY_TEXT}[[statistic]]\nname = "{name}"\npurpose = "audience"\nby = ["page"]\n'


def cells() -> list[str]:
    """Return inserts of cells: of each site a page of many visitors and one of a single one."""
    rows = ", ".join(
        f"('{name}', {keep_days}, 'day', '{site}', '{TODAY} 00:00:00', '{k1}', '{k2}', {visitors},"
        f" {visitors}, {visitors})"
        for name, keep_days in (("pages(page)", 750), ("coverage(door,reason)", 750))
        for site, k1, k2, visitors in (
            (ALPHA, "/shown", "", 9),
            (ALPHA, "/rare-on-alpha", "", 1),
            (BETA, "/shown", "", 5),
            (BETA, "/only-on-beta", "x", 7),
        )
    )
    kinds = "String, b UInt16, c String, d String, e DateTime, f String, g String, h Int64, i Int64"
    return [
        (
            "INSERT INTO discreet.cells"
            " (statistic, keep_days, grain, site, period, k1, k2, visitors, views, hits)"
            f" SELECT * FROM values('a {kinds}, j Int64', {rows})"
        )
    ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> OnServer:
    made = OnServer(tmp_path_factory.mktemp("server"), statements(POLICY))
    assert made.ask_as_administrator(cells()) == [""]
    return made


FRIENDLY = {
    f"SELECT sum(visitors) FROM {HOME}.pages": "22\n",
    f"SELECT site, page, visitors FROM {HOME}.pages ORDER BY ALL": (
        "alpha\t(other)\t1\nalpha\t/shown\t9\nbeta\t/only-on-beta\t7\nbeta\t/shown\t5\n"
    ),
    f"SELECT uniqExact(site) FROM {HOME}.coverage": "2\n",
    f"WITH p AS (SELECT page, views FROM {HOME}.pages) SELECT max(views) FROM p": "9\n",
    f"SELECT count() FROM {HOME}.pages AS p JOIN {HOME}.coverage AS c ON c.site = p.site": "8\n",
    "SELECT count() FROM numbers(3)": "3\n",
    "SELECT getSetting('max_execution_time')": "30\n",
    "SELECT count() > 0 FROM system.tables WHERE database = 'discreet'": "0\n",
}

HOSTILE = {
    "SELECT * FROM discreet.cells": DENIED,
    "SELECT * FROM discreet.inbox": DENIED,
    "SELECT * FROM discreet.into_cells": DENIED,
    f"SELECT * FROM {OF_ALPHA}.pages": DENIED,
    "SELECT * FROM view(SELECT * FROM discreet.cells)": DENIED,
    "WITH c AS (SELECT * FROM discreet.cells) SELECT * FROM c": DENIED,
    f"SELECT * FROM {HOME}.pages WHERE page IN (SELECT k1 FROM discreet.cells)": DENIED,
    "SELECT * FROM mergeTreeIndex(discreet, cells)": DENIED,
    "SELECT * FROM mergeTreeParts(discreet, cells)": DENIED,
    "SELECT hasColumnInTable('discreet', 'cells', 'k1')": DENIED,
    "SHOW CREATE TABLE discreet.cells": DENIED,
    "DESCRIBE discreet.cells": DENIED,
    "SELECT * FROM file('/etc/passwd', LineAsString)": DENIED,
    "SELECT * FROM url('http://127.0.0.1:9/', LineAsString)": DENIED,
    f"SELECT * FROM remote('127.0.0.1', {HOME}.pages)": DENIED,
    "SELECT * FROM s3('http://127.0.0.1:9/bucket/key.csv', 'CSV', 'a String')": DENIED,
    "SELECT * FROM mysql('127.0.0.1:9', 'a', 'b', 'c', 'd')": DENIED,
    "SELECT * FROM postgresql('127.0.0.1:9', 'a', 'b', 'c', 'd')": DENIED,
    "SELECT * FROM sqlite('a', 'b')": DENIED,
    "SELECT * FROM executable('id', 'TSV', 'a String')": DENIED,
    "SELECT * FROM loop(discreet.cells) LIMIT 1": DENIED,
    "SELECT demangle('x')": DENIED,
    "SELECT addressToLine(1)": DENIED,
    f"INSERT INTO {HOME}.pages (page) VALUES ('x')": DENIED,
    "INSERT INTO discreet.cells (site) VALUES ('x')": DENIED,
    "INSERT INTO FUNCTION file('out', 'TSV', 'a String') VALUES ('x')": DENIED,
    "CREATE TABLE t (a Int8) ENGINE = Memory": DENIED,
    "CREATE TEMPORARY TABLE t (a Int8)": DENIED,
    "CREATE DATABASE d": DENIED,
    "CREATE FUNCTION f AS (x) -> x": DENIED,
    f"CREATE OR REPLACE VIEW {HOME}.pages DEFINER = {DEFINER} SQL SECURITY DEFINER"
    " AS SELECT * FROM discreet.cells": DENIED,
    f"DROP VIEW {HOME}.pages": DENIED,
    "TRUNCATE TABLE discreet.cells": DENIED,
    "ALTER TABLE discreet.cells DELETE WHERE 1": DENIED,
    "OPTIMIZE TABLE discreet.cells": DENIED,
    "SYSTEM FLUSH LOGS": DENIED,
    "CREATE USER u": DENIED,
    f"GRANT SELECT ON discreet.* TO {DEFINER}": DENIED,
    "SELECT * FROM system.users": DENIED,
    "SELECT * FROM system.grants": DENIED,
    "SELECT * FROM system.row_policies": DENIED,
    "BACKUP TABLE discreet.cells TO Null": DENIED,
    "SET readonly = 0": READ_ONLY,
    "SET max_execution_time = 0": READ_ONLY,
    "SET max_memory_usage = 0": READ_ONLY,
    "SET allow_introspection_functions = 1": READ_ONLY,
    "SET allow_ddl = 1": "!392",
    "SET log_queries = 0": READ_ONLY,
    "SELECT 1 SETTINGS readonly = 0": READ_ONLY,
    "SELECT 1 SETTINGS max_result_rows = 0": READ_ONLY,
    "SELECT number FROM numbers(1000001)": "!396",
    "SELECT groupArray(number) FROM numbers(1000000000)": "!241",
}


def test_analyst_reads_the_views(server: OnServer) -> None:
    answers = server.ask(ANALYST, list(FRIENDLY))

    assert dict(zip(FRIENDLY, answers, strict=True)) == FRIENDLY


def test_analyst_reads_nothing_else_and_loosens_nothing(server: OnServer) -> None:
    answers = server.ask(ANALYST, list(HOSTILE))

    assert dict(zip(HOSTILE, answers, strict=True)) == HOSTILE


def test_administrator_may_do_what_is_denied_an_analyst(server: OnServer) -> None:
    """The refusals above are the role's: the same engine answers who has the rights."""
    asked = [
        "SELECT count() FROM discreet.cells",
        "SELECT count() FROM view(SELECT * FROM discreet.cells)",
        f"SELECT sum(visitors) FROM {OF_ALPHA}.pages",
        "SELECT hasColumnInTable('discreet', 'cells', 'k1')",
        "SELECT length(groupArray(number)) FROM numbers(1000001)",
    ]

    assert server.ask_as_administrator(asked) == ["8\n", "8\n", "10\n", "1\n", "1000001\n"]


def test_who_reads_one_site_sees_the_rows_of_it_alone(server: OnServer) -> None:
    pages = f"{OF_ALPHA}.pages"
    asked = {
        f"SELECT site, page, visitors FROM {pages} ORDER BY ALL": (
            "alpha\t(other)\t1\nalpha\t/shown\t9\n"
        ),
        f"SELECT uniqExact(site) FROM {OF_ALPHA}.coverage": "1\n",
        f"SELECT count() FROM {HOME}.pages": DENIED,
        f"SELECT count() FROM {home_of(BETA, HOME)}.pages": DENIED,
        "SELECT count() FROM discreet.cells": DENIED,
        "SET readonly = 0": READ_ONLY,
    }

    answers = server.ask(role_of(ALPHA), list(asked))

    assert dict(zip(asked, answers, strict=True)) == asked


# Each would fail if the reader's own condition met a row of the other site.
PROBES = [
    "SELECT count() FROM {view} WHERE throwIf(door = '/only-on-beta') = 0",
    "SELECT count() FROM {view} WHERE throwIf(reason = 'x') = 0",
    "SELECT count() FROM {view} WHERE throwIf(site = 'beta') = 0",
    "SELECT count() FROM {view} WHERE intDiv(1, door != '/only-on-beta') = 1",
    (
        "SELECT count() FROM (SELECT door FROM {view} GROUP BY door"
        " HAVING throwIf(door = '/only-on-beta') = 0)"
    ),
    (
        "SELECT count() FROM {view} AS p JOIN {view} AS o"
        " ON throwIf(p.door = '/only-on-beta') = 0 AND o.door = p.door"
    ),
    "SELECT count() FROM {view} WHERE site = 'alpha' AND throwIf(door = '/only-on-beta') = 0",
]


def test_readers_condition_meets_no_row_of_another_site(server: OnServer) -> None:
    own = [probe.format(view=f"{OF_ALPHA}.coverage") for probe in PROBES]

    assert server.ask(role_of(ALPHA), own) == ["2\n"] * len(own)


def test_readers_condition_meets_the_rows_that_it_may_read(server: OnServer) -> None:
    """The innocent look-alike: where the rows may be read, the same conditions fail on them."""
    every = [probe.format(view=f"{HOME}.coverage") for probe in PROBES]

    assert {answer[0] for answer in server.ask(ANALYST, every)} == {"!"}


def test_readers_condition_meets_no_cell_that_its_view_hides(server: OnServer) -> None:
    """A page of one visitor is in the cells, and shown as (other)."""
    hidden = [
        "SELECT count() FROM {view} WHERE throwIf(page = '/rare-on-alpha') = 0",
        "SELECT count() FROM {view} WHERE page = '/rare-on-alpha'",
        "SELECT count() FROM {view} WHERE throwIf(visitors = 2) = 0",
    ]
    asked = [query.format(view=f"{HOME}.pages") for query in hidden]

    assert server.ask(ANALYST, asked) == ["4\n", "0\n", "4\n"]


_COLLECT = """\
import sys
import clickhouse_connect
from anonymizer.policy_file import read_policy
from collector.plan import make_plan
from collector.receipt_store import ReceiptStore
from collector.reference import default_policy
from collector.retention.job import run_retention
from collector.store import Store
from tests.collector.hits import Line
from tests.collector.storing import encoded

client = clickhouse_connect.get_client(
    interface="chdb", path=sys.argv[1], database="statistics",
    chdb_options={"config-file": sys.argv[2]},
)
store = Store(client)
policy = read_policy(sys.stdin.read(), default_policy())
store.apply(policy, make_plan(policy))
line = Line(policy)
rows = b"".join(encoded(line.view("ada", 1_790_000_000, "/collected", site="alpha")))
store.insert("token", rows)
store.insert("token", rows)
print(sorted(store.batches().items()))
run_retention(client, policy, 1_790_000_000 + 3 * 86_400, None)
by_day = "SELECT sum(visitors) FROM discreet.cells WHERE k1 = '/collected' AND grain = 'day'"
print(client.command(by_day))
print(ReceiptStore(client)._client.command("SELECT count() FROM discreet.receipts"))
print(client.command("SELECT sum(views) FROM traffic"))
for forbidden in (
    "CREATE DATABASE other",
    "CREATE TABLE default.t (a Int8) ENGINE = MergeTree ORDER BY a",
    "CREATE TABLE discreet.t (a Int8) ENGINE = URL('http://127.0.0.1:9/', CSV)",
    "CREATE USER u",
    "SELECT * FROM url('http://127.0.0.1:9/', LineAsString)",
    "SELECT * FROM file('/etc/passwd', LineAsString)",
    "GRANT SELECT ON discreet.* TO discreet_views",
    "DROP DATABASE discreet",
):
    try:
        client.command(forbidden)
    except Exception as error:
        print(error.code)
    else:
        print("permitted: " + forbidden)
client.close()
"""


def test_collector_does_its_work_with_its_role_and_no_more(tmp_path: Path) -> None:
    """A changed policy is applied as well: views come and go, and still read as their definer."""
    before = read_policy(with_statistic("leavers"), default_policy())
    made = OnServer(tmp_path, statements(before))
    done = subprocess.run(
        [sys.executable, "-c", _COLLECT, str(made.path), str(made.configure(COLLECTOR))],
        input=with_statistic("readers").encode(),
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert done.stderr == b""
    batches, unfolded, receipts, views, *codes = done.stdout.decode().splitlines()
    assert "202609" in batches
    assert (unfolded, receipts) == ("0", "0")
    assert views == "1"
    assert codes == ["497"] * 8
    definers = made.ask_as_administrator(
        [
            f"SELECT DISTINCT definer FROM system.tables WHERE database = '{HOME}'",
            (
                f"SELECT name FROM system.tables WHERE database = '{HOME}'"
                " AND name IN ('readers', 'leavers')"
            ),
            f"SELECT page FROM {HOME}.pages",
        ]
    )
    assert definers == [f"{DEFINER}\n", "readers\n", "(other)\n"]
