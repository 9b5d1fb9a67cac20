"""The store: what it makes of a policy, what it says when it fails, what a reader may do."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from collector.plan import make_plan
from collector.schema.into_cells import meaning_of
from collector.schema.tables import DATABASE, create_tables
from collector.store import Store, StoreFailed
from tests.collector.hits import Line, make_policy
from tests.collector.storing import Kept, encoded

POLICY = make_policy()
NOON = int(datetime(2026, 3, 10, 11, 0, tzinfo=UTC).timestamp())
VIEWS = "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name"
CANARY = "kanarienvogel"


@pytest.fixture(scope="module")
def kept_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    kept = Kept(tmp_path_factory.mktemp("store"), POLICY)
    assert kept.store.is_new()
    kept.apply()
    yield kept
    kept.close()


@pytest.fixture
def line() -> Line:
    return Line(POLICY)


def test_policy_applied_again_changes_nothing(kept: Kept, line: Line) -> None:
    kept.count(line.view("ada", NOON, "/a"))
    before = kept.value(VIEWS)

    kept.apply()

    assert not kept.store.is_new()
    assert kept.value(VIEWS) == before
    assert kept.value("SELECT page, views FROM pages") == "/a\t1"
    kept.count(line.view("ada", NOON + 9, "/b"))
    assert kept.value("SELECT sum(views) FROM pages") == "2"


def test_changed_policy_takes_views_away_and_adds_others(kept: Kept, line: Line) -> None:
    kept.count(line.view("ada", NOON, "/a"))
    pages = next(s for s in POLICY.statistics if s.name == "pages")
    coverage = next(s for s in POLICY.statistics if s.name == "coverage")
    less = replace(POLICY, statistics=(replace(pages, name="readers"), pages, coverage))
    try:
        kept.store.apply(less, make_plan(less))
        kept.spool.count_under(meaning_of(less, make_plan(less)))
        kept.count(line.view("bob", NOON, "/b"))

        assert kept.value(VIEWS) == "coverage\npages\nreaders"
        # What was counted stays; what was not declared then can't be asked now.
        assert kept.value("SELECT count() FROM pages") == "2"
        assert kept.value("SELECT page FROM readers") == "/b"
    finally:
        kept.apply()

    # The hit of the meantime was never counted under what was not declared then.
    assert kept.value("SELECT sum(views) FROM traffic") == "1"


def test_same_token_adds_once(kept: Kept, line: Line) -> None:
    rows = b"".join(encoded(line.view("ada", NOON)))

    kept.store.insert("one token", rows)
    kept.store.insert("one token", rows)
    kept.store.insert("another token", rows)

    assert kept.value("SELECT views FROM traffic") == "2"


def test_partition_that_is_done_takes_nothing_and_the_next_batch_is_whole(
    kept: Kept, line: Line
) -> None:
    rows = b"".join(encoded(line.view("ada", NOON)))

    kept.store.insert("first", rows, done=["(750,202603)"])
    assert kept.value("SELECT sum(views) FROM networks") == "1"
    assert kept.value("SELECT sum(views) FROM traffic") == "0"

    kept.store.insert("second", rows)
    assert kept.value("SELECT sum(views) FROM networks") == "2"
    assert kept.value("SELECT sum(views) FROM traffic") == "1"


def test_insert_of_rows_that_were_counted_under_another_policy_is_refused(
    kept: Kept, line: Line
) -> None:
    """A bit that meant one purpose may mean another; no other collector's view may count them."""
    rows = b"".join(encoded(line.view("ada", NOON)))
    coverage = replace(POLICY, statistics=POLICY.statistics[-1:])
    another = Store.embedded(kept.folder / "clickhouse")
    kept.store.insert("before", rows, meaning=meaning_of(POLICY, make_plan(POLICY)))
    try:
        another.apply(coverage, make_plan(coverage))
        with pytest.raises(StoreFailed, match=r"ClickHouse error 395\)"):
            kept.store.insert("meanwhile", rows, meaning=meaning_of(POLICY, make_plan(POLICY)))
        # The next try gives the view its meaning back.
        kept.store.insert("meanwhile", rows, meaning=meaning_of(POLICY, make_plan(POLICY)))
    finally:
        another.close()
        kept.apply()

    assert kept.value("SELECT sum(views) FROM traffic") == "2"


def test_batches_of_each_collector_are_counted_apart(kept: Kept, line: Line) -> None:
    rows = b"".join(encoded(line.view("ada", NOON)))
    for token, collector in (("a", "one"), ("b", "one"), ("c", "two"), ("d", "")):
        kept.store.insert(token, rows, collector=collector)

    partitions = ("(750,202603)", "(90,202603)")
    # What carries no id was counted by release 0.1, which was alone.
    assert kept.store.batches("one") == dict.fromkeys(partitions, 3)
    assert kept.store.batches("two") == dict.fromkeys(partitions, 2)
    assert kept.store.batches() == dict.fromkeys(partitions, 4)


def test_large_batch_is_one_part_in_each_partition(kept: Kept, line: Line) -> None:
    """Its count must not be there without its other cells."""
    rows = b"".join(encoded(*(line.view(f"v{n}", NOON, f"/{n}") for n in range(4_000))))
    kept.store._client.command("SET max_block_size = 1000")
    kept.store._client.command("SET min_insert_block_size_rows = 1000")
    kept.store._client.command("SET min_insert_block_size_bytes = 1000")
    try:
        kept.store.insert("large", rows)
    finally:
        for name in ("max_block_size", "min_insert_block_size_rows", "min_insert_block_size_bytes"):
            kept.store._client.command(f"SET {name} = DEFAULT")

    written = kept.value(
        "SELECT groupArray(parts) FROM (SELECT uniqExact(name) AS parts FROM system.parts"
        f" WHERE database = '{DATABASE}' AND table = 'cells' AND level <= 1 AND rows > 0"
        " AND active GROUP BY partition)"
    )
    assert written == "[1,1]"


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(CANARY.encode() * 100, id="no rows"),
        pytest.param(b"\xff" + CANARY.encode(), id="no MessagePack"),
        pytest.param(b"\xad" + CANARY.encode(), id="one value"),
    ],
)
def test_bad_rows_fail_add_nothing_and_are_not_named(kept: Kept, rows: bytes) -> None:
    with pytest.raises(StoreFailed) as failed:
        kept.store.insert("bad", rows)

    assert CANARY not in f"{failed.value!r}"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    assert str(failed.value).startswith("a batch could not be added")
    assert kept.value(f"SELECT count() FROM {DATABASE}.cells") == "0"


def test_store_that_is_out_of_reach_fails_and_works_again_later(kept: Kept, line: Line) -> None:
    rows = b"".join(encoded(line.view("ada", NOON)))
    kept.store._client.command(f"DROP TABLE {DATABASE}.inbox SYNC")
    with pytest.raises(StoreFailed, match=r"ClickHouse error 60\)"):
        kept.store.insert("out of reach", rows)

    for statement in create_tables():
        kept.store._client.command(statement)
    kept.store.insert("out of reach", rows)

    assert kept.value("SELECT views FROM traffic") == "1"


def test_second_directory_in_one_process_is_refused(kept: Kept, tmp_path: Path) -> None:
    assert kept.folder != tmp_path
    with pytest.raises(StoreFailed, match="can't be opened"):
        Store.embedded(tmp_path / "other")


def test_directory_that_another_process_has_open_is_refused(kept: Kept) -> None:
    program = (
        "import sys; from pathlib import Path; from collector.store import Store, StoreFailed\n"
        "try: Store.embedded(Path(sys.argv[1]))\n"
        "except StoreFailed as failed: print(failed)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, kept.folder / "clickhouse"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.stdout == "the store's directory can't be opened\n"


def test_parameters_are_bound_and_never_read_as_sql(kept: Kept, line: Line) -> None:
    kept.count(line.view("ada", NOON, "/a"))

    found = kept.reader.query(
        "SELECT views FROM pages WHERE page = {page:String}", {"page": "x' OR 1 = 1 --"}
    )

    assert list(found) == []


def test_failed_query_of_a_panel_says_no_value(kept: Kept) -> None:
    with pytest.raises(StoreFailed) as failed:
        kept.reader.query("SELECT toInt64({x:String})", {"x": CANARY})

    assert CANARY not in str(failed.value)
    assert str(failed.value).startswith("the query failed")


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param(f"INSERT INTO {DATABASE}.cells (site) VALUES ('x')", id="insert"),
        pytest.param(f"INSERT INTO {DATABASE}.inbox SELECT * FROM {DATABASE}.inbox", id="inbox"),
        pytest.param("CREATE TABLE t (a Int8) ENGINE = Memory", id="create"),
        pytest.param("CREATE TEMPORARY TABLE t (a Int8)", id="create temporary"),
        pytest.param("DROP VIEW pages", id="drop"),
        pytest.param(f"TRUNCATE TABLE {DATABASE}.cells", id="truncate"),
        pytest.param(f"ALTER TABLE {DATABASE}.cells DELETE WHERE 1", id="alter"),
        pytest.param(f"OPTIMIZE TABLE {DATABASE}.cells", id="optimize"),
        pytest.param(f"DETACH TABLE {DATABASE}.cells", id="detach"),
        pytest.param("SYSTEM DROP MARK CACHE", id="system"),
        pytest.param("SET readonly = 0", id="set readonly"),
        pytest.param("SET max_memory_usage = 0", id="set memory"),
        pytest.param("SELECT 1 SETTINGS readonly = 0", id="query's readonly"),
        pytest.param("SELECT 1 SETTINGS max_execution_time = 0", id="query's time"),
        pytest.param("SELECT 1 SETTINGS max_memory_usage = 0", id="query's memory"),
        pytest.param("SELECT * FROM file('/etc/passwd', 'LineAsString')", id="file"),
        pytest.param(
            "INSERT INTO FUNCTION file('x.tsv', 'TSV', 'a String') VALUES ('x')", id="to file"
        ),
        pytest.param("SELECT * FROM url('http://127.0.0.1:9/', 'TSV', 'a String')", id="url"),
        pytest.param("SELECT * FROM s3('http://127.0.0.1:9/bucket/x', 'TSV', 'a String')", id="s3"),
        pytest.param("SELECT * FROM remote('127.0.0.1', 'system', 'one')", id="remote"),
        pytest.param("SELECT * FROM executable('id', 'TSV', 'a String')", id="program"),
        pytest.param("SELECT * FROM mysql('127.0.0.1:9', 'a', 'b', 'c', 'd')", id="mysql"),
        pytest.param("SELECT 1; DROP VIEW pages", id="two statements"),
    ],
)
def test_reader_can_neither_write_nor_loosen_its_limits_nor_reach_out(
    kept: Kept, sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = kept.value(VIEWS)

    with pytest.raises(StoreFailed):
        kept.reader.query(sql, {})

    assert list(tmp_path.iterdir()) == []
    assert kept.value(VIEWS) == before


def test_answer_holds_nothing_of_a_query_that_failed_before(kept: Kept) -> None:
    """The engine writes rows before it meets the one at fault."""
    failing = "SELECT throwIf(number = 1000000) FROM numbers(2000000)"
    with pytest.raises(StoreFailed):
        kept.reader.query(failing, {})
    assert list(kept.reader.query("SELECT 'next'", {})) == [("next",)]
