"""curl, as ClickHouse's documentation uses it, against `discreet engine`."""

import gzip
import json
import subprocess

from tests.engine_process import EngineProcess


def curl(engine: EngineProcess, *options: str, path: str = "/", stdin: bytes = b"") -> bytes:
    return subprocess.run(
        [
            *("curl", "--silent", "--show-error", "--max-time", "30", *options),
            *("--user", f"{engine.user}:{engine.password}", engine.url + path),
        ],
        input=stdin,
        capture_output=True,
        check=True,
    ).stdout


def test_standing(engine: EngineProcess) -> None:
    assert curl(engine, path="/ping") == b"Ok.\n"
    assert curl(engine) == b"Ok.\n"


def test_query_by_address_body_and_both(engine: EngineProcess) -> None:
    assert curl(engine, path="/?query=SELECT%201") == b"1\n"
    assert curl(engine, "--data-binary", "@-", stdin=b"SELECT 1\n") == b"1\n"
    assert curl(engine, "--data-binary", "@-", path="/?query=SELECT", stdin=b"1\n") == b"1\n"
    assert curl(engine, "-d", "SELECT {a:String}", path="/?param_a=x%5Cty") == b"x\\ty\n"


def test_formats(engine: EngineProcess) -> None:
    sql = "SELECT 1 AS a, 'x' AS b"
    assert curl(engine, "-d", f"{sql} FORMAT CSVWithNames") == b'"a","b"\n1,"x"\n'
    assert curl(engine, "-d", sql, path="/?default_format=JSONCompactEachRow") == b'[1, "x"]\n'
    assert curl(engine, "-d", sql, "-H", "X-ClickHouse-Format: TSKV") == b"a=1\tb=x\n"
    assert json.loads(curl(engine, "-d", f"{sql} FORMAT JSON"))["data"] == [{"a": 1, "b": "x"}]


def test_compression_both_ways(engine: EngineProcess) -> None:
    body = gzip.compress(b"SELECT number FROM system.numbers LIMIT 3")
    send = ("--data-binary", "@-", "-H", "Content-Encoding: gzip")
    assert curl(engine, *send, stdin=body) == b"0\n1\n2\n"
    read = curl(
        engine, *send, "-H", "Accept-Encoding: gzip", path="/?enable_http_compression=1", stdin=body
    )
    assert gzip.decompress(read) == b"0\n1\n2\n"


def test_insert_as_documented(engine: EngineProcess) -> None:
    curl(engine, "-d", "CREATE TABLE curled (a UInt8) ENGINE = Memory")
    curl(engine, "-d", "INSERT INTO curled VALUES (1),(2),(3)")
    curl(engine, "-d", "(4),(5)", path="/?query=INSERT%20INTO%20curled%20VALUES")
    curl(engine, "--data-binary", "@-", stdin=b"10\n11\n",
         path="/?query=INSERT%20INTO%20curled%20FORMAT%20TabSeparated")  # fmt: skip
    assert curl(engine, path="/?query=SELECT%20count(),sum(a)%20FROM%20curled") == b"7\t36\n"
    assert curl(engine, "-d", "DROP TABLE curled") == b""


def test_get_writes_nothing(engine: EngineProcess) -> None:
    for path in ("/?query=CREATE%20DATABASE%20by_get", "/?readonly=0&query=DROP%20DATABASE%20x"):
        assert curl(engine, path=path).startswith(b"Code: 164. ")
    assert curl(engine, path="/?max_block_size=7&query=SELECT%20getSetting('max_block_size')") == (
        b"7\n"
    )


def test_error_is_text_with_its_code(engine: EngineProcess) -> None:
    said = curl(engine, "--dump-header", "-", "-d", "SELECT nothing").decode()
    assert said.startswith("HTTP/1.1 404 ")
    assert "x-clickhouse-exception-code: 47" in said.lower()
    assert "Code: 47. DB::Exception: " in said
    assert said.endswith(". (UNKNOWN_IDENTIFIER)\n")
