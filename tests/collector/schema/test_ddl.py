"""The statements of `policy ddl`: each is ClickHouse's, and the plain ones make a store."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from collector.plan import make_plan
from collector.schema.ddl import DEFINER, Place, create_store, name, on_cluster, text
from collector.schema.ddl_cluster import create_cluster
from collector.schema.ddl_roles import (
    create_definers,
    create_roles,
    create_site_views,
    remaining_steps,
)
from tests.collector.hits import make_policy
from tests.collector.storing import Kept

# Domains that the policy takes and that would do harm as they stand: a remark, and a port.
HOSTILE = (SiteId("a--drop-table.example:8443"), SiteId("xn--80ak6aa92e.example"))


def hostile() -> Policy:
    policy = make_policy(min_group=3)
    (site, *_) = policy.sites.values()
    return replace(policy, sites={each: replace(site, domain=each) for each in HOSTILE})


POLICY = hostile()
PLAN = make_plan(POLICY)


def with_roles(home: str, *, spread: bool) -> tuple[str, ...]:
    return (
        *create_definers(POLICY, spread=spread),
        *create_site_views(POLICY, home, spread=spread),
        *create_roles(POLICY, home, spread=spread),
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    kept = Kept(tmp_path_factory.mktemp("ddl"), POLICY)
    yield kept
    kept.close()


STATEMENTS = {
    "plain": create_store(POLICY, PLAN),
    "with a database": create_store(POLICY, PLAN, Place("statistics")),
    "roles": (
        *create_store(POLICY, PLAN, Place("statistics", DEFINER)),
        *with_roles("statistics", spread=False),
    ),
    "cluster": create_cluster(POLICY, PLAN, Place("statistics", spread=True), "main-1"),
    "cluster with roles": (
        *create_cluster(POLICY, PLAN, Place("statistics", DEFINER, spread=True), "main-1"),
        *on_cluster(with_roles("statistics", spread=True), "main-1"),
    ),
}


@pytest.mark.parametrize("kind", STATEMENTS)
def test_engine_reads_each_statement_as_one_and_alike_again(kept: Kept, kind: str) -> None:
    for statement in STATEMENTS[kind]:
        once = formatted(kept, statement)

        assert formatted(kept, once) == once
        assert kept.store._client.raw_query(f"EXPLAIN AST {statement}", fmt="TSV")


def formatted(kept: Kept, statement: str) -> str:
    ((single,),) = kept.store._client.query(
        "SELECT formatQuerySingleLine({sql:String})", parameters={"sql": statement}
    ).result_rows
    return str(single)


@pytest.mark.parametrize("kind", ["cluster", "cluster with roles"])
def test_every_statement_for_a_cluster_is_for_all_of_its_nodes(kept: Kept, kind: str) -> None:
    for statement in STATEMENTS[kind]:
        assert " ON CLUSTER `main-1` " in formatted(kept, statement) + " "


def test_domain_stands_in_a_row_policy_as_a_text_and_in_names_as_a_name(kept: Kept) -> None:
    policies = [
        formatted(kept, each) for each in STATEMENTS["roles"] if each.startswith("CREATE ROW")
    ]

    every, *of_sites = policies
    assert every.startswith("CREATE ROW POLICY OR REPLACE discreet_every_site ON discreet.cells")
    for site, statement in zip(HOSTILE, of_sites, strict=True):
        assert f"USING site = '{site}' TO `discreet_views_{site}`" in statement


@pytest.mark.parametrize(
    ("word", "as_name", "as_text"),
    [
        pytest.param("pages", "pages", "'pages'", id="plain"),
        pytest.param("a.b", "`a.b`", "'a.b'", id="dot"),
        pytest.param("a'b", "`a'b`", "'a\\'b'", id="quote"),
        pytest.param("a`b", "`a\\`b`", "'a`b'", id="backtick"),
        pytest.param("a\\", "`a\\\\`", "'a\\\\'", id="backslash"),
        pytest.param("1a", "`1a`", "'1a'", id="digit first"),
    ],
)
def test_word_is_read_back_as_it_was(kept: Kept, word: str, as_name: str, as_text: str) -> None:
    assert (name(word), text(word)) == (as_name, as_text)

    asked = kept.store._client.query(f"SELECT {text(word)} AS {name(word)}")
    assert asked.column_names == (word,)
    assert asked.result_rows == [(word,)]


def test_plain_statements_make_what_a_start_makes(kept: Kept) -> None:
    for statement in STATEMENTS["plain"]:
        kept.store._client.command(statement)
    by_hand = tables(kept)

    kept.apply()

    assert tables(kept) == by_hand
    assert kept.value("SELECT count() FROM pages") == "0"


def tables(kept: Kept) -> str:
    return kept.value(
        "SELECT database, name, engine_full, as_select FROM system.tables"
        " WHERE database IN ('discreet', currentDatabase()) ORDER BY ALL"
    )


def test_statements_run_again_change_nothing(kept: Kept) -> None:
    before = tables(kept)

    for statement in STATEMENTS["plain"]:
        kept.store._client.command(statement)

    assert tables(kept) == before


def test_no_statement_holds_a_password() -> None:
    said = "\n".join((*STATEMENTS["cluster with roles"], *remaining_steps(POLICY, "statistics")))

    assert said.count("IDENTIFIED") == 1 + len(HOSTILE) + 3
    # What is executed gives nobody a way in; what is left to the operator is a remark.
    assert said.count(f"IDENTIFIED WITH sha256_hash BY '{'0' * 64}' HOST NONE") == 1 + len(HOSTILE)
    assert all(line.startswith("-- ") for line in remaining_steps(POLICY, "statistics"))


def test_what_is_left_to_the_operator_is_sql(kept: Kept) -> None:
    for line in remaining_steps(POLICY, "statistics"):
        if "CREATE USER" in line:
            assert formatted(kept, line.removeprefix("-- ").removesuffix(";"))


def test_cells_of_a_cluster_are_replicated_and_their_views_read_every_shard(kept: Kept) -> None:
    cells, spread = (
        formatted(kept, each)
        for each in STATEMENTS["cluster"]
        if each.startswith("CREATE TABLE") and "cells" in each
    )

    assert (
        "ENGINE = ReplicatedSummingMergeTree('/clickhouse/tables/{shard}/discreet/cells',"
        " '{replica}', (visitors, visits, views, bounces, seconds, hits))"
    ) in cells
    assert "non_replicated" not in cells
    assert "ENGINE = Distributed(`main-1`, discreet, cells)" in spread
    views = [each for each in STATEMENTS["cluster"] if each.startswith("CREATE OR REPLACE VIEW")]
    assert len(views) == len(POLICY.statistics)
    assert all(" FROM discreet.all_cells WHERE " in view for view in views)
    (into_cells,) = (each for each in STATEMENTS["cluster"] if "MATERIALIZED" in each)
    assert " TO discreet.cells AS" in into_cells


_CONFIG = """\
<clickhouse>
  <tcp_port>9000</tcp_port>
  <remote_servers><main-1>
    <shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>
    <shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>
  </main-1></remote_servers>
</clickhouse>
"""
_ON_A_CLUSTER = """\
import sys
import clickhouse_connect
from collector.plan import make_plan
from collector.store import Store
from tests.collector.hits import Line, make_policy
from tests.collector.storing import encoded

client = clickhouse_connect.get_client(
    interface="chdb", path=sys.argv[1], chdb_options={"config-file": sys.argv[2]}
)
policy = make_policy(min_group=2)
store = Store(client)
store.apply(policy, make_plan(policy))
client.command(sys.stdin.read())
store.apply(policy, make_plan(policy))
store.insert("token", b"".join(encoded(Line(policy).view("ada", 1_790_000_000, "/a"))))
print(client.command("SELECT count() FROM discreet.all_cells WHERE statistic = '(batch)'"))
print(client.command("SELECT page, visitors FROM pages"))
"""


def test_start_on_a_cluster_keeps_the_views_over_every_shard(tmp_path: Path) -> None:
    """Two shards, both of them the engine itself, so each cell is there twice."""
    (config := tmp_path / "config.xml").write_text(_CONFIG)
    (spread,) = (each for each in STATEMENTS["cluster"] if "discreet.all_cells ON" in each)

    done = subprocess.run(
        [sys.executable, "-c", _ON_A_CLUSTER, str(tmp_path / "clickhouse"), str(config)],
        input=spread.replace(" ON CLUSTER `main-1`", "").encode(),
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert done.stderr == b""
    batches, page = done.stdout.decode().splitlines()
    assert int(batches) == 2 * len({each.keep_days for each in POLICY.statistics})
    # One visitor on each shard: a group of two only where both are read.
    assert page == "['/a', '2']"
