"""clickhouse-connect's SQLAlchemy dialect, as it comes, against `discreet engine`."""

from urllib.parse import quote

import pytest
import sqlalchemy
from clickhouse_connect.driver.client import Client
from sqlalchemy.exc import DatabaseError

from tests.engine_process import EngineProcess


def address(engine: EngineProcess, password: str) -> str:
    login = f"{engine.user}:{quote(password, safe='')}"
    return f"clickhousedb://{login}@{engine.host}:{engine.port}/default"


def test_dialect_queries_and_reflects(engine: EngineProcess, client: Client, table: str) -> None:
    client.insert(table, [[1, "ä", ["x"]], [2, None, []]])
    at = sqlalchemy.create_engine(address(engine, engine.password))
    with at.connect() as connection:
        found = connection.execute(sqlalchemy.text("SELECT id, text FROM notes ORDER BY id"))
        assert [tuple(row) for row in found] == [(1, "ä"), (2, None)]
        bound = connection.execute(
            sqlalchemy.text("SELECT id FROM notes WHERE text = :text"), {"text": "ä"}
        )
        assert bound.scalar() == 1
    reflected = sqlalchemy.Table(table, sqlalchemy.MetaData(), autoload_with=at)
    assert [column.name for column in reflected.columns] == ["id", "text", "tags"]
    assert table in sqlalchemy.inspect(at).get_table_names()
    with at.connect() as connection:
        rows = connection.execute(sqlalchemy.select(reflected.c.id).where(reflected.c.id > 1))
        assert rows.scalars().all() == [2]
    at.dispose()


def test_dialect_is_refused_with_a_wrong_password(engine: EngineProcess) -> None:
    at = sqlalchemy.create_engine(address(engine, "wrong"))
    with pytest.raises(DatabaseError, match="516"), at.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT 1"))
    at.dispose()
