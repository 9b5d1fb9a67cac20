"""ClickHouse's own blocks: against the engine's files, over HTTP, and broken in every way."""

import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import httpx
import lz4.block
import pytest
from backports import zstd
from clickhouse_cityhash.cityhash import CityHash128
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import given
from hypothesis import strategies as st

from clickhouse_http.blocks import BLOCK_BYTES, MAX_BLOCKS, read_blocks, write_blocks
from clickhouse_http.question import Refusal
from tests.clickhouse_http.conftest import LOGIN, MAX_ANSWER_BYTES, MAX_BODY_BYTES
from tests.engine_process import EngineProcess

LIMIT = 2**22
TEXT = b"a row of many, " * 1000
NONE, LZ4, ZSTD = 0x02, 0x82, 0x90


def block(data: bytes, size: int, method: int = LZ4, length: int | None = None) -> bytes:
    """Make a block with a fitting checksum, whatever it states."""
    rest = struct.pack("<BII", method, 9 + len(data) if length is None else length, size) + data
    checksum = CityHash128(rest)
    return struct.pack("<QQ", checksum >> 64, checksum % 2**64) + rest


def lz4_data(data: bytes) -> bytes:
    packed: bytes = lz4.block.compress(data, store_size=False)
    return packed


def refusal(body: bytes, limit: int = LIMIT) -> int:
    with pytest.raises(Refusal) as refused:
        read_blocks(body, limit)
    return refused.value.code


COLUMNS = {
    "id": ("UInt64", "number", LZ4),
    "zipped": ("UInt64 CODEC(ZSTD)", "number * 7", ZSTD),
    "plain": ("UInt64 CODEC(NONE)", "number * 3", NONE),
    "noise": ("FixedString(16) CODEC(LZ4)", "randomFixedString(16)", LZ4),
    "noise_zipped": ("FixedString(16) CODEC(ZSTD(9))", "randomFixedString(16)", ZSTD),
    "same": ("FixedString(16) CODEC(LZ4HC)", "'the same for all'", LZ4),
}


@pytest.fixture(scope="module")
def part(client: Client) -> Path:
    """Give the folder with the files of a table's only part, a file a column."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, _, _) in COLUMNS.items())
    values = ", ".join(value for _, value, _ in COLUMNS.values())
    client.command(
        f"CREATE TABLE packed ({columns}) ENGINE = MergeTree ORDER BY id SETTINGS"
        " min_bytes_for_wide_part = 0, default_compression_codec = 'LZ4'"
    )
    client.command(f"INSERT INTO packed SELECT {values} FROM numbers(100000)")
    path = client.command("SELECT path FROM system.parts WHERE table = 'packed' AND active")
    return Path(str(path))


@pytest.mark.parametrize("column", COLUMNS)
def test_the_engines_column_files_are_read(client: Client, part: Path, column: str) -> None:
    packed = (part / f"{column}.bin").read_bytes()
    assert packed[16] == COLUMNS[column][2]
    values = client.raw_query(f"SELECT {column} FROM packed ORDER BY id", fmt="RowBinary")
    assert len(values) >= 800_000
    assert read_blocks(packed, LIMIT) == values


@pytest.mark.parametrize("column", ["id", "noise", "same"])
def test_blocks_are_as_small_as_the_engines(part: Path, column: str) -> None:
    packed = (part / f"{column}.bin").read_bytes()
    assert len(write_blocks(read_blocks(packed, LIMIT))) <= 1.01 * len(packed) + 5000


@pytest.fixture
def log(client: Client) -> Path:
    """Give the folder of a table whose only file is the blocks of its only column."""
    client.command("DROP TABLE IF EXISTS one_file SYNC")
    client.command("CREATE TABLE one_file (id UInt64) ENGINE = TinyLog")
    client.command("INSERT INTO one_file SELECT number FROM numbers(3)")
    paths = client.query("SELECT data_paths[1] FROM system.tables WHERE name = 'one_file'")
    return Path(paths.result_rows[0][0])


def replace_blocks(client: Client, log: Path, blocks: bytes) -> None:
    client.command("DETACH TABLE one_file SYNC")
    (log / "id.bin").write_bytes(blocks)
    (log / "sizes.json").write_text(f'{{"clickhouse":{{"id%2Ebin":{{"size":"{len(blocks)}"}}}}}}')
    client.command("ATTACH TABLE one_file")


def test_the_engine_reads_our_blocks(client: Client, log: Path) -> None:
    ids = [*range(300_000), 2**64 - 1]
    blocks = write_blocks(struct.pack(f"<{len(ids)}Q", *ids))
    replace_blocks(client, log, blocks)
    answer = client.query("SELECT count(), min(id), max(id), uniqExact(id) FROM one_file")
    assert answer.result_rows == [(300_001, 0, 2**64 - 1, 300_001)]


IDS = struct.pack("<3Q", 1, 2, 3)
BROKEN = [
    pytest.param(b"\xff" + write_blocks(IDS)[1:], 40, id="checksum"),
    pytest.param(write_blocks(IDS)[:-1] + b"\xff", 40, id="data"),
    pytest.param(block(lz4_data(IDS), 24, 0x83), 432, id="method"),
    pytest.param(block(b"\xff" * 20, 24), 271, id="no-lz4"),
    pytest.param(block(b"\xff" * 20, 24, ZSTD), 271, id="no-zstd"),
    pytest.param(block(zstd.compress(IDS + IDS), 24, ZSTD), 271, id="more-zstd-than-stated"),
    pytest.param(block(lz4_data(IDS + IDS), 24), 271, id="more-lz4-than-stated"),
    pytest.param(block(lz4_data(IDS), 25), 271, id="less-lz4-than-stated"),
    pytest.param(block(zstd.compress(IDS), 25, ZSTD), 246, id="less-zstd-than-stated"),
    pytest.param(block(IDS, 25, NONE), 246, id="less-plain-than-stated"),
    pytest.param(block(lz4_data(b""), 0) + write_blocks(IDS), 246, id="empty"),
    pytest.param(block(lz4_data(IDS), 24, length=8), 246, id="shorter-than-its-head"),
    pytest.param(write_blocks(IDS)[:-1], 33, id="cut-off"),
    pytest.param(write_blocks(IDS)[:20], 33, id="cut-off-in-its-head"),
]


@pytest.mark.parametrize(("broken", "code"), BROKEN)
def test_broken_block_is_refused_with_the_engines_code(
    client: Client, log: Path, broken: bytes, code: int
) -> None:
    assert refusal(broken) == code
    replace_blocks(client, log, broken)
    with pytest.raises(DatabaseError, match=f"code: {code}"):
        client.query("SELECT id FROM one_file")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(block(TEXT, len(TEXT) - 1, NONE), 246, id="more-plain-than-stated"),
        pytest.param(block(b"\0" * 100, 100 * 255 + 1), 271, id="lz4-cannot-grow-so"),
        pytest.param(block(lz4_data(TEXT), len(TEXT), length=2**32 - 1), 33, id="endless"),
        pytest.param(b"SELECT 1", 33, id="no-blocks"),
        pytest.param(b"SELECT a, b, c FROM nothing WHERE 1", 432, id="plain-query"),
        pytest.param(block(lz4_data(TEXT), 2**32 - 1), 229, id="stated-beyond-the-bound"),
        pytest.param(block(zstd.compress(b"\0" * (LIMIT + 1)), LIMIT + 1, ZSTD), 229,
                     id="zstd-bomb"),
        pytest.param(block(zstd.compress(b"\0" * LIMIT * 20), 1000, ZSTD), 271,
                     id="zstd-bomb-that-lies"),
        pytest.param(block(b"x", 1, NONE) * (MAX_BLOCKS + 1), 229, id="many-blocks"),
    ],
)  # fmt: skip
def test_body_of_bad_blocks_is_refused(body: bytes, code: int) -> None:
    assert refusal(body) == code


@pytest.mark.parametrize("method", [LZ4, ZSTD])
def test_no_memory_is_taken_for_what_is_only_stated(method: int) -> None:
    body = block(b"\0" * 100, LIMIT, method)
    tracemalloc.start()
    assert refusal(body) == 271
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LIMIT / 4


def test_blocks_at_the_bound_are_read_and_beyond_it_refused() -> None:
    body = write_blocks(b"\0" * LIMIT)
    assert len(read_blocks(body, LIMIT)) == LIMIT
    assert refusal(body, LIMIT - 1) == 229
    assert len(read_blocks(block(b"x", 1, NONE) * MAX_BLOCKS, LIMIT)) == MAX_BLOCKS


def test_blocks_of_all_methods_may_follow_each_other() -> None:
    body = (
        block(TEXT, len(TEXT), NONE)
        + block(lz4_data(TEXT), len(TEXT))
        + block(zstd.compress(TEXT), len(TEXT), ZSTD)
    )
    assert read_blocks(body, LIMIT) == TEXT * 3


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1])
@pytest.mark.parametrize("noise", [True, False], ids=["noise", "zeros"])
def test_blocks_hold_a_mebibyte_at_most(size: int, noise: bool) -> None:
    body = os.urandom(size) if noise else bytes(size)
    packed = write_blocks(body)
    assert read_blocks(packed, LIMIT) == body
    stated, at = [], 0
    for _ in range(3):
        if at < len(packed):
            assert packed[at + 16] == LZ4
            length, size_read = struct.unpack_from("<II", packed, at + 17)
            stated.append(size_read)
            at += 16 + length
    assert at == len(packed)
    assert stated == [BLOCK_BYTES] * (size // BLOCK_BYTES) + [size % BLOCK_BYTES] * (
        size % BLOCK_BYTES > 0
    )
    assert len(packed) <= size * 1.005 + 100 if noise else len(packed) <= size / 200 + 100


@given(st.binary(max_size=5000))
def test_what_is_written_reads_as_it_was(body: bytes) -> None:
    assert read_blocks(write_blocks(body), LIMIT) == body


@given(st.binary(min_size=1, max_size=200), st.sampled_from([NONE, LZ4, ZSTD]), st.data())
def test_any_flipped_bit_is_refused(body: bytes, method: int, data: st.DataObject) -> None:
    packers: dict[int, Callable[[bytes], bytes]] = {
        NONE: bytes,
        LZ4: lz4_data,
        ZSTD: zstd.compress,
    }
    whole = bytearray(block(packers[method](body), len(body), method))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    assert refusal(bytes(whole)) in (33, 40, 246, 432)


@given(st.binary(min_size=1, max_size=200), st.data())
def test_any_cut_is_refused(body: bytes, data: st.DataObject) -> None:
    whole = write_blocks(body)
    assert refusal(whole[: data.draw(st.integers(1, len(whole) - 1))]) == 33


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    if body:
        assert refusal(body) in (33, 40, 246, 432)


def ask(origin: str, body: bytes, login: tuple[str, str] = LOGIN, **params: str) -> httpx.Response:
    headers = {"Accept-Encoding": "identity"}
    return httpx.post(f"{origin}/", content=body, params=params, auth=login, headers=headers)


def test_answer_comes_in_blocks_where_they_are_asked_for(door: str) -> None:
    answer = ask(door, b"LONG 90000", compress="1")
    assert "Content-Encoding" not in answer.headers
    assert len(answer.content) < 1000
    assert read_blocks(answer.content, LIMIT) == b"x" * 90_000
    for off in ("0", "", "false"):
        assert ask(door, b"LONG 5", compress=off).content == b"xxxxx"
    assert ask(door, b"LONG 0", compress="1").content == b""


def test_blocks_go_in_a_content_encoding_too(door: str) -> None:
    answer = httpx.post(
        f"{door}/?compress=1", content=b"LONG 900", auth=LOGIN, headers={"Accept-Encoding": "gzip"}
    )
    assert answer.headers["Content-Encoding"] == "gzip"
    assert read_blocks(answer.content, LIMIT) == b"x" * 900


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        pytest.param(b"REFUSE 47 UNKNOWN_IDENTIFIER", 404, id="the-engines"),
        pytest.param(f"LONG {MAX_ANSWER_BYTES + 1}".encode(), 500, id="too-long"),
        pytest.param(b"SELECT '\xff'", 400, id="unreadable"),
        pytest.param(b"x" * (MAX_BODY_BYTES + 1), 413, id="large"),
    ],
)
def test_error_after_the_login_comes_in_blocks(door: str, sql: bytes, status: int) -> None:
    answer = ask(door, sql, compress="1")
    assert answer.status_code == status
    text = read_blocks(answer.content, LIMIT).decode()
    assert text.startswith(f"Code: {answer.headers['X-ClickHouse-Exception-Code']}. DB::Exception:")
    assert text.endswith(")\n")


def test_refused_login_and_access_are_plain_text(door: str) -> None:
    for login, sql in ((("analyst", "wrong"), b"SELECT 1"), (LOGIN, b"REFUSE 497 ACCESS_DENIED")):
        answer = ask(door, sql, login, compress="1")
        assert answer.status_code == 403
        assert answer.text.startswith("Code: ")


def test_body_in_blocks_is_read(door: str) -> None:
    body = write_blocks(b"INSERT INTO t FORMAT CSV\n" + TEXT)
    read = ask(door, body, decompress="1").json()
    assert (read["sql"], read["data"].encode()) == ("INSERT INTO t ", TEXT)
    for off in ("0", "false"):
        assert ask(door, body, decompress=off).headers["X-ClickHouse-Exception-Code"] == "36"


def test_body_in_blocks_is_bounded_once_read(door: str) -> None:
    insert = "INSERT INTO t FORMAT CSV"
    whole = ask(door, write_blocks(b"0" * MAX_BODY_BYTES), query=insert, decompress="1")
    assert whole.headers["X-ClickHouse-Exception-Code"] == "396"  # it is told, which is too long
    more = ask(door, write_blocks(b"0" * (MAX_BODY_BYTES + 1)), query=insert, decompress="1")
    assert more.headers["X-ClickHouse-Exception-Code"] == "229"


def test_form_is_no_blocks(door: str) -> None:
    answer = httpx.post(f"{door}/?decompress=1", files={"query": (None, b"SELECT 1")}, auth=LOGIN)
    assert answer.json()["sql"] == "SELECT 1"


def test_rows_go_through_the_engine_both_ways(engine: EngineProcess, table: str) -> None:
    login = (engine.user.encode(), engine.password.encode())
    both = {"compress": "1", "decompress": "1"}
    rows = b"".join(b"%d\tplain\t[]\n" % n for n in range(200_000))
    written = httpx.post(
        engine.url,
        content=write_blocks(f"INSERT INTO {table} FORMAT TSV\n".encode() + rows),
        params=both,
        auth=login,
    )
    assert (written.status_code, written.content) == (200, b"")
    read = httpx.post(
        engine.url,
        content=write_blocks(f"SELECT * FROM {table} ORDER BY id".encode()),
        params={**both, "enable_http_compression": "0"},
        auth=login,
    )
    assert len(read.content) < len(rows) / 2
    assert read_blocks(read.content, LIMIT) == rows
