"""clickhouse-connect, as it comes, against `discreet engine` over loopback."""

import io
from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID

import clickhouse_connect
import httpx
import numpy as np
import pandas as pd
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from clickhouse_http.app import ClickHouseHttp
from clickhouse_http.encodings import encode
from clickhouse_http.question import Answer, Question
from tests.browsing import Serve
from tests.engine_process import PASSWORD, USER, EngineProcess

ROWS: list[list[object]] = [
    [1, "plain", ["a"]],
    [2, None, []],
    [3, "Zürich 北京 \U0001f426\t\n\\'", ["b", "c'\"\\"]],
]


@pytest.fixture(params=[True, False, "lz4", "zstd", "gzip"], ids=str)
def any_client(engine: EngineProcess, request: pytest.FixtureRequest) -> Iterator[Client]:
    """Give a client for each compression; `True` is how the client comes."""
    connected = engine.client(compress=request.param)
    yield connected
    connected.close()


def test_rows_come_back_as_they_went_in(any_client: Client, table: str) -> None:
    any_client.insert(table, ROWS, column_names=["id", "text", "tags"])
    answer = any_client.query(f"SELECT * FROM {table} ORDER BY id")
    assert [list(row) for row in answer.result_rows] == ROWS
    assert answer.column_names == ("id", "text", "tags")


def test_large_answer_is_whole(any_client: Client) -> None:
    rows = any_client.query("SELECT number, toString(number) FROM numbers(100000)").result_rows
    assert len(rows) == 100_000
    assert rows[-1] == (99_999, "99999")


def test_deflate_is_read(engine: EngineProcess) -> None:
    # The client reads it, but sends none.
    with engine.client(compress="deflate") as connected:
        assert connected.query("SELECT 1").result_rows == [(1,)]


def test_large_insert_is_whole(any_client: Client, table: str) -> None:
    any_client.insert(table, [[n, str(n), []] for n in range(100_000)])
    ((count, total),) = any_client.query(f"SELECT count(), sum(id) FROM {table}").result_rows
    assert (count, total) == (100_000, 4_999_950_000)


def test_empty_answer_has_columns_and_no_rows(client: Client) -> None:
    answer = client.query("SELECT number AS n FROM numbers(3) WHERE number > 5")
    assert answer.result_rows == []
    probe = client.query("SELECT 1 AS one, 'x' AS text LIMIT 0")
    assert probe.column_names == ("one", "text")


def test_commands_give_values_or_nothing(client: Client, table: str) -> None:
    assert client.command("SELECT 42") == 42
    assert client.command("SELECT 'a', 'b'") == ["a", "b"]
    assert client.command(f"EXISTS TABLE {table}") == 1
    summary = client.command(f"ALTER TABLE {table} ADD COLUMN more UInt8")
    assert not isinstance(summary, (str, int, list))
    assert client.command(f"INSERT INTO {table} FORMAT CSV", data='7,"x",[],1\n') is not None
    assert client.command(f"SELECT count() FROM {table}") == 1


def test_data_frames_go_both_ways(client: Client, table: str) -> None:
    frame = pd.DataFrame({"id": [1, 2], "text": ["ä", None], "tags": [["x"], []]})
    client.insert_df(table, frame)
    read = client.query_df(f"SELECT * FROM {table} ORDER BY id")
    assert read["id"].tolist() == [1, 2]
    assert read["text"][0] == "ä"
    assert pd.isna(read["text"][1])
    assert [list(tags) for tags in read["tags"]] == [["x"], []]
    empty = client.query_df(f"SELECT id FROM {table} WHERE id > 9")
    assert empty.empty


def test_numpy_arrays_come_back(client: Client) -> None:
    read = client.query_np("SELECT number, number * 2.5 FROM numbers(4)")
    assert read.tolist() == [(0, 0.0), (1, 2.5), (2, 5.0), (3, 7.5)]
    assert isinstance(read, np.ndarray)


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [
        ("CSV", b'0,"0"\n1,"1"\n'),
        ("TabSeparatedWithNames", b"number\ttext\n0\t0\n1\t1\n"),
        ("JSONEachRow", b'{"number":0,"text":"0"}\n{"number":1,"text":"1"}\n'),
        ("Values", b"(0,'0'),(1,'1')"),
        ("RowBinary", b"\0" * 8 + b"\x010" + b"\1" + b"\0" * 7 + b"\x011"),
    ],
)
def test_raw_answers_come_in_any_format(client: Client, fmt: str, expected: bytes) -> None:
    sql = "SELECT number, toString(number) AS text FROM numbers(2)"
    assert client.raw_query(sql, fmt=fmt) == expected
    with client.raw_stream(sql, fmt=fmt) as stream:
        assert stream.read() == expected


INPUTS = [
    ("CSV", b'1,"plain","[\'a\']"\n'),
    ("TSV", b"1\tplain\t['a']\n"),
    ("JSONEachRow", b'{"id":1,"text":"plain","tags":["a"]}\n'),
    ("Values", b"(1, 'plain', ['a'])"),
    ("MsgPack", b"\x01\xc4\x05plain\x91\xc4\x01a"),
    ("RowBinary", b"\1" + b"\0" * 7 + b"\0\x05plain\x01\x01a"),
]


@pytest.mark.parametrize(("fmt", "block"), INPUTS, ids=[fmt for fmt, _ in INPUTS])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate", "zstd", "lz4"])
def test_raw_rows_go_in_by_any_format(
    client: Client, table: str, fmt: str, block: bytes, compression: str | None
) -> None:
    body = encode(block, compression) if compression else block
    client.raw_insert(table, insert_block=body, fmt=fmt, compression=compression)
    answer = client.query(f"SELECT * FROM {table}")
    assert [list(row) for row in answer.result_rows] == [[1, "plain", ["a"]]]


def test_rows_go_in_from_a_file_and_a_generator(client: Client, table: str) -> None:
    columns = ["id", "text"]
    client.raw_insert(table, columns, io.BytesIO(b"1,a\n"), fmt="CSV")
    client.raw_insert(table, columns, (line for line in (b"2,b\n", b"3,c\n")), fmt="CSV")
    assert client.command(f"SELECT sum(id) FROM {table}") == 6


def test_rows_for_a_select_are_refused_and_not_lost(client: Client, table: str) -> None:
    with pytest.raises(DatabaseError, match="code: 48"):
        client.raw_query(
            f"INSERT INTO {table} (id) SELECT a * 10 FROM input('a UInt8') FORMAT CSV 1\n2\n"
        )
    client.command(f"INSERT INTO {table} (id) SELECT number FROM numbers(3)")
    assert client.command(f"SELECT sum(id) FROM {table}") == 3


@pytest.mark.parametrize(
    ("fmt", "block"),
    [
        ("CSV", b'1,"a\n\nb",[]\n2,";",[]\n'),
        ("Values", b"(1, 'a\n\nb', [])\n\n,(2, ';', [])"),
        ("MsgPack", b"\x01\xc4\x04a\n\nb\x90\x02\xc4\x01;\x90"),
    ],
)
def test_an_empty_line_does_not_end_the_rows(
    client: Client, table: str, fmt: str, block: bytes
) -> None:
    client.raw_insert(table, insert_block=block, fmt=fmt)
    answer = client.query(f"SELECT * FROM {table} ORDER BY id")
    assert [list(row) for row in answer.result_rows] == [[1, "a\n\nb", []], [2, ";", []]]


def test_summary_tells_what_was_written(client: Client, table: str) -> None:
    assert client.insert(table, ROWS).written_rows == 3
    client.raw_insert(table, insert_block=b"", fmt="CSV")
    assert client.command(f"SELECT count() FROM {table}") == 3


def test_names_can_be_bound_in_an_insert(client: Client, table: str) -> None:
    answer = httpx.post(
        client.uri,
        params={"query": "INSERT INTO {t:Identifier} (id) FORMAT CSV", "param_t": table},
        content=b"5\n",
        auth=(USER, PASSWORD),
    )
    assert answer.status_code == 200
    assert client.command(f"SELECT sum(id) FROM {table}") == 5


def test_a_deduplication_token_counts_once(client: Client, table: str) -> None:
    for _ in range(2):
        client.raw_insert(
            table,
            insert_block=b"1,a,[]\n",
            fmt="CSV",
            settings={"insert_deduplication_token": "batch-1"},
        )
    client.raw_insert(table, insert_block=b"1,a,[]\n", fmt="CSV",
                      settings={"insert_deduplication_token": "batch-2"})  # fmt: skip
    assert client.command(f"SELECT count() FROM {table}") == 2


VALUES = [
    ("UInt64", 2**64 - 1),
    ("Int8", -5),
    ("Float64", 0.25),
    ("String", "a\tb\nc\\d'e\"f ü \U0001f426 {x:String}"),
    ("String", ""),
    ("Array(String)", ["a'b", "c\\d", ""]),
    ("Array(UInt8)", []),
    ("Nullable(String)", None),
    ("Date", date(2026, 2, 28)),
    ("DateTime", datetime(2026, 2, 28, 23, 59, 1)),
    ("UUID", UUID("00000000-0000-4000-8000-000000000001")),
    ("Bool", True),
    ("Tuple(UInt8, String)", (1, "x")),
]


@pytest.mark.parametrize("form", [False, True], ids=["address", "form"])
@pytest.mark.parametrize(("kind", "value"), VALUES)
def test_bound_values_arrive_as_they_are(
    engine: EngineProcess, kind: str, value: object, form: bool
) -> None:
    with engine.client(form_encode_query_params=form) as connected:
        answer = connected.query(f"SELECT {{v:{kind}}}", parameters={"v": value})
        assert answer.result_rows == [(value,)]


def test_values_written_by_the_client_arrive_too(client: Client) -> None:
    answer = client.query(
        "SELECT %(a)s, %(b)s, %(c)s", parameters={"a": "x'\\", "b": 7, "c": ["y"]}
    )
    assert answer.result_rows == [("x'\\", 7, ["y"])]


def test_names_can_be_bound(client: Client, table: str) -> None:
    found = client.query(
        "SELECT count() FROM {name:Identifier}", parameters={"name": table}
    ).result_rows
    assert found == [(0,)]


def test_settings_hold_for_their_query_alone(client: Client) -> None:
    sql = "SELECT getSetting('max_block_size')"
    assert client.query(sql, settings={"max_block_size": 7}).result_rows == [(7,)]
    assert client.query(sql).result_rows != [(7,)]
    # Each question is on its own: what SET says ends with it.
    client.command("SET max_block_size = 7")
    assert client.query(sql).result_rows != [(7,)]


def test_a_settings_value_stays_a_value(client: Client) -> None:
    hostile = "a', max_block_size = 7, log_comment = '\\"
    answer = client.query(
        "SELECT getSetting('log_comment'), getSetting('max_block_size') = 7",
        settings={"log_comment": hostile},
    )
    assert answer.result_rows == [(hostile, False)]


def test_a_databases_name_stays_a_name(engine: EngineProcess, client: Client) -> None:
    name = "odd `name` \\"
    written = "`odd \\`name\\` \\\\`"
    client.command(f"CREATE DATABASE {written}")
    with engine.client(database=name) as connected:
        assert connected.query("SELECT currentDatabase()").result_rows == [(name,)]
    client.command(f"DROP DATABASE {written}")


def test_time_zone_follows_the_setting(client: Client) -> None:
    answer = client.raw_query("SELECT toDateTime(0)", settings={"session_timezone": "Asia/Tokyo"})
    assert answer == b"1970-01-01 09:00:00\n"


def test_database_of_the_client_is_used(engine: EngineProcess, client: Client) -> None:
    client.command("CREATE DATABASE other ENGINE = Atomic")
    with engine.client(database="other") as connected:
        assert connected.command("SELECT currentDatabase()") == "other"
    client.command("DROP DATABASE other SYNC")
    assert client.command("SELECT currentDatabase()") == "default"


def test_tables_that_come_along_can_be_joined(client: Client) -> None:
    external = ExternalData(file_name="ids.csv", data=b"1\n3\n", fmt="CSV", structure="id UInt64")
    external.add_file(file_name="more.tsv", data=b"3\t\xc3\xbc\n", types="UInt64, String")
    sql = "SELECT id, _2 FROM ids JOIN more ON id = _1 WHERE id > {least:UInt8}"
    answer = client.query(sql, parameters={"least": 1}, external_data=external)
    assert answer.result_rows == [(3, "ü")]
    with pytest.raises(DatabaseError) as failed:
        client.query("SELECT * FROM ids")
    assert failed.value.code == 60


@pytest.mark.parametrize(
    ("sql", "code", "name"),
    [
        ("SELEC 1", 62, "SYNTAX_ERROR"),
        ("SELECT nothing", 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT * FROM nothing", 60, "UNKNOWN_TABLE"),
        ("SELECT * FROM nothing.at_all", 81, "UNKNOWN_DATABASE"),
        ("SELECT no_such_function(1)", 46, "UNKNOWN_FUNCTION"),
        ("SELECT 1 + 'x'", 43, "ILLEGAL_TYPE_OF_ARGUMENT"),
        ("SELECT throwIf(number = 99999, 'Code: 1. DB::Exception: x (Y)') FROM numbers(100000)",
         395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("SELECT {a:UInt8}", 456, "UNKNOWN_QUERY_PARAMETER"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
)  # fmt: skip
def test_errors_have_their_code_and_name(client: Client, sql: str, code: int, name: str) -> None:
    with pytest.raises(DatabaseError) as failed:
        client.query(sql)
    assert (failed.value.code, failed.value.name) == (code, name)
    # What had been written before the failure is not in front of the next answer.
    assert client.query("SELECT 'next'").result_rows == [("next",)]


def test_unfit_rows_fail_and_none_goes_in(client: Client, table: str) -> None:
    with pytest.raises(DatabaseError) as failed:
        client.raw_insert(table, insert_block=b"1,a,[]\nx,b,[]\n", fmt="CSV")
    assert failed.value.code == 27
    assert client.command(f"SELECT count() FROM {table}") == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param({"password": "wrong"}, 516, id="password"),
        pytest.param({"password": ""}, 516, id="no-password"),
        pytest.param({"username": "somebody"}, 516, id="user"),
        pytest.param({"database": "nothing"}, 81, id="database"),
        pytest.param({"settings": {"max_threads": "many"}}, 27, id="setting"),
    ],
)
def test_client_that_does_not_fit_is_refused(
    engine: EngineProcess, options: dict[str, str], code: int
) -> None:
    with pytest.raises(DatabaseError) as failed:
        engine.client(**options).query("SELECT 1")
    assert failed.value.code == code


def test_client_reaches_a_door_under_a_prefix(engine: EngineProcess, serve: Serve) -> None:
    async def ask_engine(question: Question) -> Answer:
        async with httpx.AsyncClient(auth=(USER, PASSWORD)) as asking:
            given = await asking.post(
                f"{engine.url}/",
                content=question.sql,
                params={
                    **question.settings,
                    **{f"param_{name}": value for name, value in question.parameters.items()},
                    "default_format": question.output_format,
                },
            )
        headers = given.headers
        return Answer(given.content, headers.get("X-ClickHouse-Format", ""),
                      headers.get("X-ClickHouse-Timezone", ""))  # fmt: skip

    async def log_in(user: str, password: str) -> bool:
        return (user, password) == ("analyst", "secret")

    door = ClickHouseHttp(ask_engine, log_in, prefix="/clickhouse")
    origin = serve(Starlette(routes=[Route("/clickhouse", door), Mount("/clickhouse", door)]))
    with clickhouse_connect.get_client(
        host="127.0.0.1",
        port=int(origin.rpartition(":")[2]),
        username="analyst",
        password="secret",
        proxy_path="clickhouse",
    ) as client:
        assert client.ping()
        assert client.query("SELECT {a:UInt8}", parameters={"a": 3}).result_rows == [(3,)]
        assert client.query_df("SELECT number FROM numbers(3)")["number"].tolist() == [0, 1, 2]


def test_ping_tells_that_it_answers(client: Client) -> None:
    assert client.ping()
