"""A data directory of release 0.1 goes on counting: what was in it, what waited, what was sent.

``testdata/release_0_1.sql`` holds the statements by which 0.1 made a store for the tests' policy.
"""

import json
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.schema.tables import DATABASE
from collector.store import open_engine
from tests.collector.hits import Line, make_policy
from tests.collector.storing import encoded, opened, parts

POLICY = make_policy()
NOON = int(datetime(2026, 3, 10, 11, 0, tzinfo=UTC).timestamp())
NEXT_MONTH = NOON + 31 * 86_400
STATEMENTS = (Path(__file__).parent / "testdata" / "release_0_1.sql").read_text("utf-8")
SPOOL = """
CREATE TABLE groups (id INTEGER PRIMARY KEY, hits INTEGER NOT NULL, rows BLOB NOT NULL);
CREATE TABLE batch (token TEXT NOT NULL, last_group INTEGER NOT NULL, before TEXT NOT NULL);
CREATE TABLE imported (site TEXT NOT NULL, position INTEGER NOT NULL, mark BLOB NOT NULL);
"""
SETTINGS = {
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_insert_threads": 1,
    "max_partitions_per_insert_block": 0,
}
NUMBERS = (
    "SELECT (SELECT sum(views) FROM pages), (SELECT sum(views) FROM networks),"
    " (SELECT sum(hits) FROM coverage), (SELECT sum(visits) FROM traffic)"
)


def leave_as_release_0_1(folder: Path, *, is_sent: bool) -> None:
    """Make a store with one batch in it, and a spool with a batch on its way and a group more."""
    line = Line(POLICY)
    client = open_engine(folder / "clickhouse")
    for statement in STATEMENTS.split(";\n"):
        if statement.strip():
            client.command(statement)

    def insert(token: str, rows: bytes) -> None:
        client.raw_insert(
            f"{DATABASE}.inbox",
            insert_block=rows,
            fmt="MsgPack",
            settings={**SETTINGS, "insert_deduplication_token": token},
        )

    insert("first", b"".join(encoded(line.view("ada", NOON, "/first"))))
    before = {"(750,202603)": 1, "(90,202603)": 1}
    sent = b"".join(
        encoded(line.view("ada", NOON + 60, "/sent"), line.view("bob", NEXT_MONTH, "/later"))
    )
    if is_sent:
        insert("second", sent)
    client.close()
    spool = sqlite3.connect(folder / "spool.sqlite")
    spool.executescript(SPOOL)
    groups = [(2, sent), (1, b"".join(encoded(line.view("bob", NEXT_MONTH + 60, "/waits"))))]
    spool.executemany("INSERT INTO groups (hits, rows) VALUES (?, ?)", groups)
    spool.execute("INSERT INTO batch VALUES ('second', 1, ?)", (json.dumps(before),))
    spool.commit()
    spool.close()


@pytest.mark.parametrize(
    ("is_sent", "missing"),
    [
        pytest.param(False, (), id="never sent"),
        pytest.param(True, (), id="sent and not confirmed"),
        pytest.param(True, ("750-202604", "90-202603"), id="sent, in two of four partitions"),
    ],
)
def test_batch_of_release_0_1_counts_once(
    tmp_path: Path, is_sent: bool, missing: tuple[str, ...]
) -> None:
    leave_as_release_0_1(tmp_path, is_sent=is_sent)
    for partition in missing:
        newest = max(
            (part for part in parts(tmp_path) if part.name.startswith(f"{partition}_")),
            key=lambda part: int(part.name.split("_")[1]),
        )
        shutil.rmtree(newest)

    for _ in range(2):
        with opened(tmp_path, POLICY) as kept:
            assert kept.value(NUMBERS) == "4\t4\t4\t2"
            assert kept.spool.is_empty()

    with opened(tmp_path, POLICY) as kept:
        kept.count(Line(POLICY).view("eve", NEXT_MONTH + 90, "/after"))
        assert kept.value(NUMBERS) == "5\t5\t5\t3"
        tables = kept.value(
            f"SELECT groupArray(name) FROM (SELECT name FROM system.tables"
            f" WHERE database = '{DATABASE}' ORDER BY name)"
        )
        assert "'done'" not in tables
