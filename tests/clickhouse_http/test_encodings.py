"""Bodies in gzip, deflate, zstd and lz4, within a bound."""

import gzip
import zlib
from collections.abc import Callable

import lz4.frame
import pytest
from backports import zstd

from clickhouse_http.encodings import choose_encoding, decode, encode
from clickhouse_http.question import Refusal

LIMIT = 3_000_000
TEXT = bytes(range(256)) * 9000

WRITERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "lz4": lz4.frame.compress,
}
each_encoding = pytest.mark.parametrize("name", WRITERS)


@each_encoding
def test_what_is_written_reads_as_it_was(name: str) -> None:
    assert decode(encode(TEXT, name), name, LIMIT) == TEXT


@each_encoding
def test_body_may_be_of_several_frames(name: str) -> None:
    write = WRITERS[name]
    assert decode(write(TEXT) + write(b"") + write(b"end"), name, LIMIT) == TEXT + b"end"


@each_encoding
def test_body_at_the_bound_is_read_and_beyond_it_refused(name: str) -> None:
    body = WRITERS[name](b"\0" * LIMIT)
    assert len(decode(body, name, LIMIT)) == LIMIT
    with pytest.raises(Refusal) as refused:
        decode(body, name, LIMIT - 1)
    assert refused.value.code == 229


@each_encoding
def test_bomb_is_refused_before_it_is_whole(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        decode(WRITERS[name](b"\0" * 20 * LIMIT), name, LIMIT)
    assert refused.value.code == 229


@each_encoding
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda body: body[:-1], id="cut-off"),
        pytest.param(lambda body: body[: len(body) // 2], id="half"),
        pytest.param(lambda body: b"\0" + body, id="shifted"),
        pytest.param(lambda _: b"not at all", id="other"),
        pytest.param(lambda body: body + b"rest", id="rest-behind"),
    ],
)
def test_damaged_body_is_refused(name: str, damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Refusal) as refused:
        decode(damage(WRITERS[name](TEXT)), name, LIMIT)
    assert refused.value.code == 36


def test_plain_body_needs_no_reading() -> None:
    assert decode(TEXT, "", LIMIT) == decode(TEXT, "identity", LIMIT) == TEXT


@pytest.mark.parametrize("name", ["br", "snappy", "gzip, gzip", "none", "\xff"])
def test_unknown_encoding_is_refused(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        decode(TEXT, name, LIMIT)
    assert refused.value.code == 48


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("lz4,zstd,gzip,deflate", "lz4"),
        ("br, gzip;q=0.5", "gzip"),
        ("gzip;q=0, zstd", "zstd"),
        ("identity", ""),
        ("*", ""),
        ("", ""),
    ],
)
def test_first_known_encoding_is_chosen(accepted: str, chosen: str) -> None:
    assert choose_encoding(accepted) == chosen
