"""One engine process for all of this folder, and a server that tells what it was asked."""

import json
from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from clickhouse_http.app import ClickHouseHttp
from clickhouse_http.question import Answer, Question, Refusal
from tests.browsing import serving
from tests.engine_process import EngineProcess, start_engine

LOGIN = ("analyst", "secret")
MAX_BODY_BYTES = 1_000_000
MAX_SQL_BYTES = 10_000
MAX_ANSWER_BYTES = 100_000


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with start_engine(tmp_path_factory.mktemp("engine") / "data") as process:
        yield process


@pytest.fixture(scope="session")
def client(engine: EngineProcess) -> Iterator[Client]:
    connected = engine.client()
    yield connected
    connected.close()


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    """Give an empty table of three columns."""
    client.command(
        "CREATE TABLE notes (id UInt64, text Nullable(String), tags Array(String))"
        " ENGINE = MergeTree ORDER BY id"
        " SETTINGS non_replicated_deduplication_window = 100"
    )
    yield "notes"
    client.command("DROP TABLE notes SYNC")


async def tell(question: Question) -> Answer:
    """Answer a question by what was read of it; by what it says, where it asks for that."""
    if question.sql.startswith("REFUSE"):
        _, code, name = question.sql.split()
        raise Refusal(int(code), name, "No")
    if question.sql.startswith("LONG"):
        return Answer(body=b"x" * int(question.sql.split()[1]))
    told = {
        "sql": question.sql,
        "data": question.data.decode("latin-1"),
        "parameters": dict(question.parameters),
        "settings": dict(question.settings),
        "output_format": question.output_format,
        "database": question.database,
        "user": question.user,
        "query_id": question.query_id,
        "is_get": question.is_get,
        "external": [
            [table.name, table.format, table.structure, table.data.decode("latin-1")]
            for table in question.external
        ],
    }
    return Answer(
        body=json.dumps(told).encode(),
        output_format=question.output_format,
        timezone="Europe/Berlin",
        summary={"read_rows": "3"},
    )


async def log_in(user: str, password: str) -> bool:
    return (user, password) == LOGIN


@pytest.fixture(scope="session")
def door() -> Iterator[str]:
    """Serve the protocol, with small bounds, before what tells its questions."""
    protocol = ClickHouseHttp(
        tell,
        log_in,
        max_body_bytes=MAX_BODY_BYTES,
        max_sql_bytes=MAX_SQL_BYTES,
        max_answer_bytes=MAX_ANSWER_BYTES,
    )
    with serving(protocol) as origin:
        yield origin
