"""The doctor on a ClickHouse server that others use too: it looks at Discreet's databases alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from collector.data_dir import DataDir
from collector.doctor.examination import Dictionary, examine
from collector.doctor.verdicts import Outcome, Verdict
from collector.plan import make_plan
from collector.store import Store
from collector.store_address import StoreAddress, open_client, read_address
from tests.collector.hits import make_policy
from tests.engine_process import EngineProcess, start_engine
from tests.laws.test_law1_doctor import COLUMNS, TABLES, VALUES, Silent

POLICY = make_policy()
CHECKS = (TABLES, COLUMNS, VALUES)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with start_engine(tmp_path_factory.mktemp("shared") / "data") as engine:
        with engine.client() as client:
            client.command("CREATE DATABASE views")
            client.command("CREATE DATABASE shop")
        store = Store(open_client(address(engine)))
        store.apply(POLICY, make_plan(POLICY))
        store.close()
        yield engine


@pytest.fixture
def client(engine: EngineProcess) -> Iterator[Client]:
    connected = engine.client()
    yield connected
    connected.close()


def address(engine: EngineProcess) -> StoreAddress:
    return read_address(
        f"clickhouse://{engine.user}@{engine.host}:{engine.port}/views", engine.password
    )


def verdicts_of(engine: EngineProcess, folder: Path) -> dict[str, Verdict]:
    data = folder / "data"
    data.mkdir(mode=0o700)
    found = examine(DataDir(data), Dictionary(), {}, Silent(), address(engine))
    return {verdict.check: verdict for verdict in found}


@pytest.mark.parametrize(
    ("database", "outcome"),
    [
        pytest.param("shop", Outcome.HOLDS, id="somebody-else's"),
        pytest.param("views", Outcome.DOES_NOT_HOLD, id="the-address's"),
        pytest.param("discreet", Outcome.DOES_NOT_HOLD, id="the-counters'"),
    ],
)
def test_table_of_others_is_reported_in_our_databases_alone(
    engine: EngineProcess, client: Client, tmp_path: Path, database: str, outcome: Outcome
) -> None:
    table = f"{database}.customers"
    client.command(f"CREATE TABLE {table} (id UUID, mail String) ENGINE = MergeTree ORDER BY id")
    try:
        client.command(f"INSERT INTO {table} SELECT generateUUIDv4(), 'ada@mail.example'")
        verdicts = verdicts_of(engine, tmp_path)
    finally:
        client.command(f"DROP TABLE {table} SYNC")

    assert {verdicts[check].outcome for check in CHECKS} == {outcome}
    assert ("customers" in verdicts[TABLES].because) is (outcome is Outcome.DOES_NOT_HOLD)
