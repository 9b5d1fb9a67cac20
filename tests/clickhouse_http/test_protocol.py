"""What a request says → what is asked, and what comes back, with no engine behind it."""

import base64
import gzip
import json
from collections.abc import Mapping

import httpx
import pytest
import urllib3
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from clickhouse_http.app import ClickHouseHttp
from clickhouse_http.errors import http_status
from tests.browsing import Serve
from tests.clickhouse_http.conftest import (
    LOGIN,
    MAX_ANSWER_BYTES,
    MAX_BODY_BYTES,
    MAX_SQL_BYTES,
    log_in,
    tell,
)


def ask(door: str, content: bytes = b"", **params: str) -> httpx.Response:
    return httpx.post(f"{door}/", params=params, content=content, auth=LOGIN)


def told(answer: httpx.Response) -> Mapping[str, object]:
    assert answer.status_code == 200, answer.text
    read: Mapping[str, object] = answer.json()
    return read


@pytest.mark.parametrize("path", ["/ping", "/replicas_status", "/"])
def test_standing_asks_for_no_login(door: str, path: str) -> None:
    assert httpx.get(door + path).text == "Ok.\n"
    head = httpx.head(door + path)
    assert (head.status_code, head.text) == (200, "")


@pytest.mark.parametrize(
    ("query", "body", "sql", "data"),
    [
        pytest.param("SELECT 1", b"", "SELECT 1", "", id="parameter"),
        pytest.param("", b"SELECT 1", "SELECT 1", "", id="body"),
        pytest.param("SELECT", b"1", "SELECT\n1", "", id="both"),
        pytest.param("INSERT INTO t FORMAT CSV", b"1,\xff\n", "INSERT INTO t ",
                     "1,\xff\n", id="rows-in-body"),
        pytest.param("", b"INSERT INTO t FORMAT CSV\n1,\xff\n", "INSERT INTO t ",
                     "1,\xff\n", id="insert-in-body"),
        pytest.param("", "SELECT 'ü'".encode(), "SELECT 'ü'", "", id="unicode"),
    ],
)  # fmt: skip
def test_statement_comes_by_parameter_body_or_both(
    door: str, query: str, body: bytes, sql: str, data: str
) -> None:
    read = told(ask(door, body, **({"query": query} if query else {})))
    assert (read["sql"], read["data"]) == (sql, data)


def test_parameters_are_values_settings_or_the_protocols_own(door: str) -> None:
    read = told(
        ask(
            door,
            b"SELECT 1",
            param_a="1",
            param_query="x",
            max_threads="2",
            insert_deduplication_token="a b",
            database="d",
            query_id="q-1",
            session_id="s",
            session_timeout="60",
            client_protocol_version="54405",
            wait_end_of_query="1",
            send_progress_in_http_headers="1",
            compress="0",
            quota_key="",
            stacktrace="1",
            buffer_size="1",
            role="r",
            close_session="1",
        )
    )
    assert read["parameters"] == {"a": "1", "query": "x"}
    assert read["settings"] == {"max_threads": "2", "insert_deduplication_token": "a b"}
    assert (read["database"], read["query_id"], read["user"]) == ("d", "q-1", "analyst")


@pytest.mark.parametrize(
    ("sql", "params", "headers", "expected", "media_type"),
    [
        ("SELECT 1", {}, {}, "TabSeparated", "text/tab-separated-values; charset=UTF-8"),
        ("SELECT 1 FORMAT JSON", {}, {}, "JSON", "application/json; charset=UTF-8"),
        ("SELECT 1", {"default_format": "CSV"}, {}, "CSV",
         "text/csv; charset=UTF-8; header=absent"),
        ("SELECT 1", {}, {"X-ClickHouse-Format": "CSVWithNames"}, "CSVWithNames",
         "text/csv; charset=UTF-8; header=present"),
        ("SELECT 1 FORMAT Native", {"default_format": "CSV"}, {}, "Native",
         "application/octet-stream"),
        ("SELECT 1", {"default_format": "JSONEachRow"}, {}, "JSONEachRow",
         "application/x-ndjson; charset=UTF-8"),
        ("SELECT 1", {"default_format": "PrettyCompact"}, {}, "PrettyCompact",
         "text/plain; charset=UTF-8"),
    ],
    ids=["default", "clause", "parameter", "header", "clause-first", "rows", "pretty"],
)  # fmt: skip
def test_format_is_the_statements_else_the_requests(
    door: str,
    sql: str,
    params: dict[str, str],
    headers: dict[str, str],
    expected: str,
    media_type: str,
) -> None:
    answer = httpx.post(f"{door}/", params=params, content=sql, headers=headers, auth=LOGIN)
    assert told(answer)["output_format"] == expected
    assert answer.headers["X-ClickHouse-Format"] == expected
    assert answer.headers["Content-Type"] == media_type


def test_answer_carries_clickhouses_headers(door: str) -> None:
    answer = ask(door, b"SELECT 1", query_id="q-1")
    assert answer.headers["X-ClickHouse-Query-Id"] == "q-1"
    assert answer.headers["X-ClickHouse-Timezone"] == "Europe/Berlin"
    assert answer.headers["X-ClickHouse-Server-Display-Name"] == "discreet"
    assert json.loads(answer.headers["X-ClickHouse-Summary"]) == {"read_rows": "3"}
    assert ask(door, b"SELECT 1").headers["X-ClickHouse-Query-Id"]


def test_get_is_told_and_head_has_no_body(door: str) -> None:
    params = {"query": "SELECT 1"}
    assert told(httpx.get(f"{door}/", params=params, auth=LOGIN))["is_get"]
    assert not told(ask(door, b"SELECT 1"))["is_get"]
    head = httpx.head(f"{door}/", params=params, auth=LOGIN)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["X-ClickHouse-Format"] == "TabSeparated"


BASIC = "Basic " + base64.b64encode(b"analyst:secret").decode()


@pytest.mark.parametrize(
    ("headers", "params", "status"),
    [
        pytest.param({"Authorization": BASIC}, {}, 200, id="basic"),
        pytest.param({"X-ClickHouse-User": "analyst", "X-ClickHouse-Key": "secret"}, {}, 200,
                     id="headers"),
        pytest.param({}, {"user": "analyst", "password": "secret"}, 200, id="parameters"),
        pytest.param({}, {}, 401, id="none"),
        pytest.param({}, {"user": "analyst"}, 403, id="no-password"),
        pytest.param({"X-ClickHouse-User": "analyst", "X-ClickHouse-Key": "x"}, {}, 403,
                     id="wrong-password"),
        pytest.param({"Authorization": BASIC}, {"user": "analyst", "password": "secret"}, 403,
                     id="two-ways"),
        pytest.param({"Authorization": "Bearer abc"}, {}, 403, id="other-scheme"),
        pytest.param({"Authorization": "Basic ***"}, {}, 403, id="no-base64"),
        pytest.param({"Authorization": "Basic /w=="}, {}, 403, id="no-utf-8"),
        pytest.param({"Authorization": "Basic"}, {}, 403, id="empty"),
    ],
)  # fmt: skip
def test_login_comes_by_one_of_three_ways(
    door: str, headers: dict[str, str], params: dict[str, str], status: int
) -> None:
    answer = httpx.post(f"{door}/", content=b"SELECT 1", headers=headers, params=params)
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["user"] == "analyst"
        assert answer.json()["settings"] == {}
    else:
        code = "194" if status == 401 else "516"
        assert answer.headers["X-ClickHouse-Exception-Code"] == code
        assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
        assert "secret" not in answer.text
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (62, 400), (36, 400), (60, 404), (81, 404), (47, 404), (115, 404), (497, 403), (516, 403),
        (194, 401), (159, 408), (48, 501), (209, 503), (229, 413), (241, 500), (164, 500),
        (396, 500), (99999, 500),
    ],
)  # fmt: skip
def test_error_has_clickhouses_status_code_and_words(door: str, code: int, status: int) -> None:
    assert http_status(code) == status
    answer = ask(door, f"REFUSE {code} SOME_NAME".encode())
    assert answer.status_code == status
    assert answer.headers["X-ClickHouse-Exception-Code"] == str(code)
    assert answer.text == f"Code: {code}. DB::Exception: No. (SOME_NAME)\n"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "lz4"])
def test_answer_comes_in_the_encoding_that_is_accepted(door: str, encoding: str) -> None:
    with httpx.stream(
        "POST",
        f"{door}/",
        content=b"SELECT 1",
        auth=LOGIN,
        headers={"Accept-Encoding": encoding},
    ) as answer:
        assert answer.headers["Content-Encoding"] == encoding
        assert answer.headers["Vary"] == "Accept-Encoding"
    plain = httpx.post(
        f"{door}/?enable_http_compression=0",
        content=b"SELECT 1",
        auth=LOGIN,
        headers={"Accept-Encoding": encoding},
    )
    assert "Content-Encoding" not in plain.headers


def test_form_holds_query_values_and_tables(door: str) -> None:
    answer = httpx.post(
        f"{door}/",
        params={
            "ids_structure": "id UInt32",
            "pairs_types": "Map(String, UInt8), String",
            "pairs_format": "CSV",
            "date_time_input_format": "best_effort",
        },
        data={"query": "SELECT {a:String}", "param_a": "1\t2"},
        files={"ids": ("ids.tsv", b"1\n\xff\r\n--\n"), "pairs": ("p", b"")},
        auth=LOGIN,
    )
    read = told(answer)
    assert read["sql"] == "SELECT {a:String}"
    assert read["parameters"] == {"a": "1\t2"}
    assert read["settings"] == {"date_time_input_format": "best_effort"}
    assert read["external"] == [
        ["ids", "TabSeparated", "id UInt32", "1\n\xff\r\n--\n"],
        ["pairs", "CSV", "_1 Map(String, UInt8), _2 String", ""],
    ]


FORM = "multipart/form-data; boundary=x"
FIELD = b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1\r\n'


@pytest.mark.parametrize(
    ("content", "headers", "params", "code"),
    [
        pytest.param(b"", {}, {}, 62, id="no-query"),
        pytest.param(b"SELECT 1", {}, {"query": "SELECT 1;"}, 62, id="two-statements"),
        pytest.param(b"SELECT '\xff'", {}, {}, 36, id="no-utf-8"),
        pytest.param(b"SELECT 1", {"Content-Encoding": "gzip"}, {}, 36, id="not-gzip"),
        pytest.param(gzip.compress(b"SELECT 1")[:-2], {"Content-Encoding": "gzip"}, {}, 36,
                     id="half-gzip"),
        pytest.param(gzip.compress(b"0" * 10 * MAX_BODY_BYTES), {"Content-Encoding": "gzip"}, {},
                     229, id="gzip-bomb"),
        pytest.param(b"SELECT 1", {"Content-Encoding": "br"}, {}, 48, id="unknown-encoding"),
        pytest.param(b"0" * (MAX_BODY_BYTES + 1), {}, {"query": "INSERT INTO t FORMAT CSV"}, 229,
                     id="large-body"),
        pytest.param(b"SELECT " + b"1," * MAX_SQL_BYTES, {}, {}, 229, id="long-query"),
        pytest.param(b"SELECT 1", {}, {"decompress": "1"}, 33, id="no-blocks"),
        pytest.param(b"SELECT 1", {}, {"query_id": "a\r\nX: y"}, 36, id="header-in-query-id"),
        pytest.param(b"SELECT 1", {}, {"default_format": "a\r\nX: y"}, 73, id="header-in-format"),
        pytest.param(b"SELECT 1", {}, {"a=1, readonly": "0"}, 115, id="sql-in-setting"),
        pytest.param(b"x", {"Content-Type": "multipart/form-data"}, {}, 36, id="no-boundary"),
        pytest.param(b"x", {"Content-Type": FORM}, {}, 36, id="no-part"),
        pytest.param(b"--x\r\n\r\n--x--", {"Content-Type": FORM}, {}, 36, id="no-head"),
        pytest.param(b"--x\r\nA: b\r\n\r\nc\r\n--x--", {"Content-Type": FORM}, {}, 36,
                     id="no-name"),
        pytest.param(b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1',
                     {"Content-Type": FORM}, {}, 36, id="form-cut-off"),
        pytest.param(b'--x\r\nContent-Disposition: form-data; name="a b"; filename="f"\r\n\r\n1'
                     b"\r\n--x--", {"Content-Type": FORM}, {"a b_types": "String"}, 36,
                     id="table-without-a-name"),
        pytest.param(b'--x\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\n1'
                     b"\r\n--x--", {"Content-Type": FORM}, {}, 36, id="table-without-structure"),
        pytest.param(FIELD * 1001 + b"--x--", {"Content-Type": FORM}, {}, 36, id="many-parts"),
        pytest.param(f"LONG {MAX_ANSWER_BYTES + 1}".encode(), {}, {}, 396, id="large-answer"),
    ],
)  # fmt: skip
def test_unreadable_request_is_refused(
    door: str, content: bytes, headers: dict[str, str], params: dict[str, str], code: int
) -> None:
    answer = httpx.post(f"{door}/", content=content, headers=headers, params=params, auth=LOGIN)
    assert answer.headers["X-ClickHouse-Exception-Code"] == str(code), answer.text
    assert answer.status_code == http_status(code)
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    assert "X" not in answer.headers


@pytest.mark.parametrize(
    ("address", "code"),
    [
        pytest.param("/?query=SELECT%201&query=SELECT%202", "36", id="two-queries"),
        pytest.param("/?query=%FF", "36", id="no-utf-8"),
        pytest.param("/?query=" + "%20" * 15_000, "229", id="long-query"),
        pytest.param("/?" + "a&" * 2000, "36", id="many-parameters"),
    ],
)
def test_unreadable_address_is_refused(door: str, address: str, code: str) -> None:
    # httpx sends no address beyond 64 KiB.
    answer = urllib3.request("GET", door + address, headers={"Authorization": BASIC})
    assert answer.headers["X-ClickHouse-Exception-Code"] == code
    assert answer.status in (400, 413)


def test_long_body_without_a_length_is_refused(door: str) -> None:
    insert = {"query": "INSERT INTO t FORMAT CSV"}
    chunks = (b"0" * 10_000 for _ in range(MAX_BODY_BYTES // 10_000 + 1))
    answer = httpx.post(f"{door}/", params=insert, content=chunks, auth=LOGIN)
    assert answer.headers["X-ClickHouse-Exception-Code"] == "229"


def test_answer_at_the_bound_is_given(door: str) -> None:
    assert len(ask(door, f"LONG {MAX_ANSWER_BYTES}".encode()).content) == MAX_ANSWER_BYTES


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("PUT", "/", 404), ("DELETE", "/", 404), ("OPTIONS", "/", 204),
     ("POST", "/ping", 404)],
)  # fmt: skip
def test_other_paths_and_methods_are_not_served(
    door: str, method: str, path: str, status: int
) -> None:
    assert httpx.request(method, door + path, auth=LOGIN).status_code == status


@pytest.mark.parametrize("path", ["/clickhouse", "/clickhouse/"])
def test_door_works_under_a_prefix(serve: Serve, path: str) -> None:
    protocol = ClickHouseHttp(tell, log_in, prefix="/clickhouse")
    origin = serve(
        Starlette(routes=[Route("/clickhouse", protocol), Mount("/clickhouse", protocol)])
    )
    answer = httpx.post(f"{origin}{path}?max_threads=1", content=b"SELECT 1", auth=LOGIN)
    assert told(answer)["sql"] == "SELECT 1"
    assert httpx.get(f"{origin}/clickhouse/ping").text == "Ok.\n"
    assert httpx.get(f"{origin}/clickhouse/nothing").status_code == 404
