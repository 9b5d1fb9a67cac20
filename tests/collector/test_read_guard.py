"""Which queries an analyst may ask, decided on ClickHouse's own syntax trees."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from collector.plan import make_plan
from collector.read_guard import OutsideTheViews
from collector.store import Reader, Store
from tests.collector.hits import make_policy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("guard")


@pytest.fixture(scope="module")
def reader(folder: Path) -> Iterator[Reader]:
    policy = make_policy()
    store = Store.embedded(folder / "engine")
    store.apply(policy, make_plan(policy))
    reader = Reader.embedded(folder / "engine")
    yield reader
    reader.close()
    store.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT page, sum(views) FROM pages GROUP BY page",
        "SELECT page FROM default.pages LIMIT 1;",
        "SELECT 1 -- a remark",
        "WITH top AS (SELECT page, sum(views) AS v FROM pages GROUP BY page) SELECT * FROM top",
        "SELECT p.page FROM pages AS p JOIN entry_pages AS e ON p.page = e.page AND p.day = e.day",
        "SELECT day, sum(views) OVER (ORDER BY day) FROM pages",
        "SELECT 1 UNION ALL SELECT count() FROM sources",
        "SELECT source FROM sources WHERE source IN (SELECT source FROM sources_by_country)",
        "SELECT * FROM numbers(3)",
        "SELECT arrayMap(x -> x + 1, groupArray(views)) FROM pages",
        "SELECT toStartOfMonth(day) AS month, sum(visits) FROM sources GROUP BY month",
        "SELECT 'discreet.cells', 'INTO OUTFILE'",
        "SHOW TABLES",
        "DESCRIBE TABLE pages",
    ],
)
def test_question_to_the_views_is_answered(reader: Reader, sql: str) -> None:
    reader.raw_query(sql, "TSV")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM discreet.cells",
        "SELECT * FROM `discreet` . `cells`",
        "SELECT (SELECT count() FROM discreet.cells)",
        "WITH pages AS (SELECT * FROM discreet.cells) SELECT * FROM pages",
        "SELECT 1 UNION ALL SELECT count() FROM discreet.cells",
        "SELECT * FROM pages AS p, discreet.cells AS c",
        "SELECT 'x' IN (discreet.cells)",
        "SELECT 'x' IN discreet.cells",
        "SELECT page FROM pages INTO OUTFILE 'out.tsv'",
        "SELECT 1; SELECT 2 INTO OUTFILE 'out.tsv'",
        "SELECT * FROM merge('discreet', '.*')",
        "SELECT * FROM merge(discreet, 'cells')",
        "SELECT * FROM file('engine', 'LineAsString')",
        "SELECT file('out.tsv')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "SELECT * FROM remote('127.0.0.1', discreet.cells)",
        "SELECT * FROM cluster('default', discreet.cells)",
        "SELECT * FROM view(SELECT * FROM discreet.cells)",
        "SELECT * FROM executable('id', 'TSV', 'a String')",
        "SELECT * FROM input('a String')",
        "SELECT * FROM loop(discreet.cells)",
        "SELECT * FROM system.tables",
        "SELECT * FROM information_schema.tables",
        "SELECT dictGet('discreet.d', 'a', 1)",
        "SELECT joinGet('discreet.j', 'a', 1)",
        "SELECT sleep(3)",
        "SELECT 1 SETTINGS max_execution_time = 600",
        "SET readonly = 0",
        "USE discreet",
        "INSERT INTO discreet.inbox (site) VALUES ('x')",
        "DROP VIEW pages",
        "CREATE TABLE t (a Int64) ENGINE = Memory",
        "ALTER TABLE discreet.cells DELETE WHERE 1",
        "TRUNCATE TABLE discreet.cells",
        "KILL QUERY WHERE 1",
        "SYSTEM SHUTDOWN",
        "BACKUP TABLE discreet.cells TO File('x')",
        "EXPLAIN SELECT * FROM discreet.cells",
        "SHOW CREATE TABLE discreet.cells",
        "EXISTS TABLE discreet.cells",
        "DESCRIBE TABLE discreet.cells",
        "ATTACH TABLE x (a Int64) ENGINE = File(TSV)",
        "not SQL at all",
        "",
    ],
)
def test_query_that_reaches_beside_the_views_is_refused(
    reader: Reader, folder: Path, sql: str
) -> None:
    with pytest.raises((OutsideTheViews, ClickHouseError)):
        reader.raw_query(sql, "TSV")

    assert not list(folder.glob("**/out.tsv"))
    assert not Path("out.tsv").exists()
