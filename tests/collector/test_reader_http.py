"""Exports of a store on a ClickHouse server: their rows go there as bound values, whole."""

from pathlib import Path

from collector.encoding import Columns
from collector.reader import Reader
from collector.store_address import StoreAddress, open_client
from tests.engine_process import start_engine

ROWS = 100_000
WORD = "/shop/product-'\\{n}"


def test_long_list_is_encoded_by_the_server(tmp_path: Path) -> None:
    """Its values are some megabytes, more than an address may hold."""
    words = [WORD.format(n=n) for n in range(ROWS)]
    numbers = list(range(ROWS))
    with start_engine(tmp_path / "engine") as engine:
        client = engine.client()
        client.command("CREATE DATABASE views")
        client.close()
        place = StoreAddress(
            engine.user, engine.host, engine.port, "views", password=engine.password
        )
        reader = Reader(open_client(place))
        columns: Columns = [("page", "String", words), ("views", "Int64", numbers)]
        body = reader.encode(columns, "TSV")
        parquet = reader.encode(columns, "Parquet")
        reader.close()

    lines = body.decode().splitlines()
    assert len(lines) == ROWS
    assert lines[-1] == f"/shop/product-\\'\\\\{ROWS - 1}\t{ROWS - 1}"
    assert parquet.startswith(b"PAR1")
    assert parquet.endswith(b"PAR1")
