"""Which queries analysts may ask, decided on ClickHouse's own syntax trees."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from clickhouse_http.question import ExternalTable, Question, Refusal
from collector.analysts import Analysts
from collector.schema.tables import DATABASE
from collector.sql_guard.functions import ROWS_OUT_OF_NOTHING
from tests.collector.sql_lists import (
    asked,
    question,
    read_friendly,
    read_hostile,
    read_refused_functions,
)
from tests.collector.storing import Kept

CODES = {
    "statement": {497},
    "table": {497, 60},
    "shadow": {497},
    "function": {497},
    "setting": {164},
    "clause": {497, 141},
    "format": {73},
    "parser": {62},
    # rows to read, rows out, arguments, sizes, memory, depth, time
    "limit": {158, 396, 69, 128, 131, 241, 306, 159},
}
CONTENT = (
    f"SELECT cityHash64(groupArray(tuple(*))) FROM (SELECT * FROM {DATABASE}.cells ORDER BY ALL)"
)
OBJECTS = "SELECT groupArray((database, name)) FROM (SELECT * FROM system.tables ORDER BY ALL)"
HOSTILE = read_hostile()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kept, Analysts]]:
    with asked(tmp_path_factory.mktemp("guard")) as opened:
        yield opened


@pytest.fixture
def analysts(store: tuple[Kept, Analysts]) -> Analysts:
    return store[1]


@pytest.fixture(scope="module", autouse=True)
def nothing_changes(
    store: tuple[Kept, Analysts], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Hold that no test of the module changes a cell, an object or the folder it runs in."""
    kept, _ = store
    before = kept.value(CONTENT), kept.value(OBJECTS)
    here, elsewhere = Path.cwd(), tmp_path_factory.mktemp("cwd")
    os.chdir(elsewhere)
    yield
    os.chdir(here)
    assert (kept.value(CONTENT), kept.value(OBJECTS)) == before
    assert list(elsewhere.iterdir()) == []
    assert not list(kept.folder.rglob("out.tsv*"))


def test_lists_are_long_enough() -> None:
    assert len(HOSTILE) >= 300
    assert len(read_friendly()) >= 100
    assert len({entry.sql for entry in HOSTILE}) == len(HOSTILE)


@pytest.mark.parametrize("entry", HOSTILE, ids=lambda entry: f"{entry.kind}: {entry.sql[:60]}")
def test_query_that_reaches_beside_the_views_is_refused(analysts: Analysts, entry: object) -> None:
    kind, sql = msgspec.structs.astuple(entry)  # type: ignore[arg-type]

    with pytest.raises(Refusal) as refused:
        analysts.answer(question(sql))

    assert refused.value.code in CODES[kind], refused.value


@pytest.mark.parametrize("entry", read_friendly(), ids=lambda entry: entry.sql[:60])
def test_question_to_the_views_is_answered(analysts: Analysts, entry: object) -> None:
    sql, answer = msgspec.structs.astuple(entry)  # type: ignore[arg-type]

    assert analysts.answer(question(sql)).rows.body.decode() == answer


@pytest.mark.parametrize(
    ("asked_for", "code"),
    [
        pytest.param({"sql": "SELECT count() FROM {t:Identifier}", "t": "cells"}, 60, id="name"),
        pytest.param(
            {"sql": "SELECT count() FROM {t:Identifier}", "t": "discreet.cells"}, 457, id="path"
        ),
        pytest.param(
            {"sql": "SELECT count() FROM {t:Identifier}", "t": "`discreet`.`cells`"},
            457,
            id="quoted",
        ),
        pytest.param(
            {"sql": "SELECT count() FROM {d:Identifier}.{t:Identifier}", "d": "discreet", "t": "x"},
            497,
            id="database and name",
        ),
        pytest.param(
            {"sql": "SELECT count() FROM {d:Identifier}.cells", "d": "discreet"}, 497, id="database"
        ),
        pytest.param({"sql": "SELECT 'x' IN {t:Identifier}", "t": "cells"}, 60, id="IN"),
        pytest.param({"sql": "SELECT {x:UInt8}"}, 456, id="no value"),
        pytest.param({"sql": "SELECT {x:UInt8}", "x": "1 FROM cells"}, 6, id="SQL in a number"),
        pytest.param(
            {"sql": "SELECT {x:AggregateFunction(sum, UInt8)}", "x": "x"}, 497, id="a state"
        ),
        pytest.param({"sql": "SELECT * FROM numbers(1) LIMIT {n:Float32}", "n": "x"}, None, id="n"),
    ],
)
def test_parameter_names_nothing_outside(
    analysts: Analysts, asked_for: dict[str, str], code: int | None
) -> None:
    sql = asked_for.pop("sql")

    with pytest.raises(Refusal) as refused:
        analysts.answer(Question(sql=sql, parameters=asked_for))

    assert code is None or refused.value.code == code, refused.value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param("' OR 1 = 1 --", "' OR 1 = 1 --", id="quote"),
        pytest.param("\\\\' FROM discreet.cells", "\\' FROM discreet.cells", id="backslash"),
        pytest.param("\\t", "\t", id="tab"),
        pytest.param("{x:String}", "{x:String}", id="parameter"),
        pytest.param("ü€", "ü€", id="letters"),
    ],
)
def test_parameter_stays_a_text(analysts: Analysts, value: str, told: str) -> None:
    asking = Question(
        sql="SELECT {x:String}", parameters={"x": value}, output_format="TSVRaw", user="ana"
    )

    assert analysts.answer(asking).rows.body.decode() == f"{told}\n"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        pytest.param({"settings": {"max_execution_time": "600"}}, 164, id="time"),
        pytest.param({"settings": {"no_such_setting": "1"}}, 164, id="unknown setting"),
        pytest.param({"settings": {"readonly, x": "1"}}, 164, id="two settings in a name"),
        pytest.param({"settings": {"session_timezone": "x" * 200}}, 164, id="long value"),
        pytest.param({"database": "discreet"}, 81, id="database"),
        pytest.param({"output_format": "Template"}, 73, id="format"),
        pytest.param({"output_format": "TSV INTO OUTFILE 'x'"}, 73, id="SQL in a format"),
        pytest.param({"data": b"1\n"}, 497, id="rows"),
        pytest.param({"external": (ExternalTable("t", b"1"),)}, 497, id="table that comes along"),
    ],
)
def test_request_can_loosen_nothing(analysts: Analysts, more: dict[str, object], code: int) -> None:
    asking = msgspec.structs.replace(Question(sql="SELECT 1"), **more)

    with pytest.raises(Refusal) as refused:
        analysts.answer(asking)

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        pytest.param({"readonly": "0"}, "1", id="readonly is the door's"),
        pytest.param({"log_comment": "x"}, "1", id="comment is the door's"),
        pytest.param({"max_execution_time": "5", "max_threads": "1"}, "1", id="stricter limit"),
        pytest.param({"date_time_input_format": "best_effort"}, "1", id="clickhouse-connect's"),
    ],
)
def test_harmless_setting_is_taken(
    analysts: Analysts, settings: dict[str, str], answer: str
) -> None:
    assert analysts.answer(question("SELECT 1", **settings)).rows.body.decode() == f"{answer}\n"


def test_setting_of_the_request_has_its_effect(analysts: Analysts) -> None:
    asking = question("SELECT toDateTime(0)", session_timezone="Asia/Tokyo")

    answered = analysts.answer(asking)

    assert answered.rows.body == b"1970-01-01 09:00:00\n"
    assert answered.timezone == "Asia/Tokyo"


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT " + "(" * 5000 + "1" + ")" * 5000, id="brackets"),
        pytest.param("SELECT " + "-" * 3000 + "1", id="signs"),
        pytest.param("SELECT " + "1+" * 30_000 + "1", id="terms"),
        pytest.param("SELECT * FROM " + "(SELECT * FROM " * 300 + "pages" + ")" * 300, id="nested"),
        pytest.param("SELECT '" + "x" * 300_000 + "'", id="long"),
        pytest.param(
            "WITH 1 AS a0, "
            + ", ".join(f"a{n} + a{n} AS a{n + 1}" for n in range(30))
            + " SELECT a30",
            id="aliases that double",
        ),
        pytest.param("SELECT 1\0", id="NUL"),
        pytest.param("", id="nothing"),
    ],
)
def test_query_of_monstrous_shape_is_refused_at_once(analysts: Analysts, sql: str) -> None:
    with pytest.raises(Refusal):
        analysts.answer(question(sql))

    assert analysts.answer(question("SELECT 1")).rows.body == b"1\n"


def test_error_tells_nothing_of_how_a_view_is_made(analysts: Analysts) -> None:
    with pytest.raises(Refusal) as refused:
        analysts.answer(question("SELECT 1 FROM pages WHERE intDiv(1, page != '/a') = 1"))

    assert refused.value.code == 153
    for inner in (DATABASE, "MergeTree", "executing", "k1", "__table"):
        assert inner not in refused.value.message


def test_answer_tells_nothing_of_rows_read(analysts: Analysts) -> None:
    body = analysts.answer(question("SELECT sum(views) FROM pages", "JSON")).rows.body

    assert set(msgspec.json.decode(body)) == {"meta", "data", "rows"}


def test_answer_holds_nothing_of_a_query_that_failed_before(analysts: Analysts) -> None:
    with pytest.raises(Refusal):
        analysts.answer(
            question("SELECT toInt8(if(number = 1000000, 'x', '1')) FROM numbers(2000000)")
        )

    assert analysts.answer(question("SELECT 'next'")).rows.body == b"next\n"


def test_no_table_of_the_engine_is_answered_but_the_views(store: tuple[Kept, Analysts]) -> None:
    kept, analysts = store
    shown = {"tables", "columns", "databases", "settings", "functions", "data_type_families"}
    views = {statistic.name for statistic in kept.policy.statistics}
    listed = kept.value("SELECT database || '.' || name FROM system.tables ORDER BY ALL").split()
    assert len(listed) > 100

    for database, name in (table.split(".", 1) for table in listed):
        for sql in (
            f"SELECT * FROM {database}.`{name}` LIMIT 0",
            f"SELECT 1 IN {database}.`{name}`",
        ):
            if name in views and database == "default":
                continue
            if database == "system" and name in shown and sql.startswith("SELECT *"):
                continue
            with pytest.raises(Refusal) as refused:
                analysts.answer(question(sql))
            assert refused.value.code in {60, 497}, sql
    for name in views:
        analysts.answer(question(f"SELECT * FROM {name} LIMIT 0"))


def test_no_table_function_of_the_engine_is_answered_but_a_few(
    store: tuple[Kept, Analysts],
) -> None:
    kept, analysts = store
    for name in kept.value("SELECT name FROM system.table_functions").split():
        if name.lower() not in ROWS_OUT_OF_NOTHING:
            with pytest.raises(Refusal) as refused:
                analysts.answer(question(f"SELECT * FROM {name}('a', 'b')"))
            # The parser knows some of them and wants other arguments.
            assert refused.value.code in {497, 62}, name


def test_no_refused_function_is_answered(store: tuple[Kept, Analysts]) -> None:
    kept, analysts = store
    known = kept.value("SELECT name FROM system.functions").split()
    refused_names = [name for name in known if name.lower() in read_refused_functions()]
    assert len(refused_names) > 300

    for name in refused_names:
        with pytest.raises(Refusal) as refused:
            analysts.answer(question(f"SELECT {name}('a', 'b')"))
        assert refused.value.code == 497, name


@pytest.mark.parametrize(
    "name", ["tables", "columns", "databases", "settings", "functions", "data_type_families"]
)
def test_catalogue_tells_of_nothing_but_the_views(store: tuple[Kept, Analysts], name: str) -> None:
    kept, analysts = store
    body = analysts.answer(question(f"SELECT * FROM system.{name}", "TSVRaw")).rows.body.decode()

    for secret in (DATABASE, "cells", "inbox", "into_cells", str(kept.folder), "SummingMergeTree"):
        found = secret in body
        # The engine's own help names its table engines and its functions.
        assert not found or (name in {"settings", "functions"} and "/" not in secret), secret
