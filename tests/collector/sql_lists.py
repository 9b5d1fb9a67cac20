"""Queries of analysts as data, and a store with a few visits to ask them of."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from clickhouse_http.question import Question
from collector.analysts import Analysts
from collector.asking import EmbeddedEngine
from collector.audit import AuditLog
from tests.collector.hits import Line, make_policy
from tests.collector.storing import Kept

LISTS = Path(__file__).parent / "sql"

PARAMETERS = {
    "wanted": "/a",
    "file": "file",
    "view": "pages",
    "column": "page",
    "many": "3",
    "some": "[1,2,7]",
    "day": "2026-03-02",
    "nothing": r"\N",
    "text": r"it's\ta \\ tab",
}


class Hostile(Struct, frozen=True):
    """A query that is refused, and as what."""

    kind: str
    sql: str


class Friendly(Struct, frozen=True):
    """A query that is answered, and the answer in tab-separated text."""

    sql: str
    answer: str


def read_hostile() -> list[Hostile]:
    """Read the queries that are refused."""
    lines = (LISTS / "hostile.tsv").read_text("utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if not line.startswith("#"))
    return [Hostile(kind, sql.replace(r"\n", "\n")) for kind, sql in pairs]


def read_refused_functions() -> frozenset[str]:
    """Read the names of functions that were looked at and left out, in small letters."""
    lines = (LISTS / "refused_functions.txt").read_text("utf-8").splitlines()
    return frozenset(
        name.lower() for line in lines if not line.startswith("#") for name in line.split()
    )


def read_friendly() -> list[Friendly]:
    """Read the queries that are answered; `→` begins a line of the answer, `|` parts columns."""
    found = []
    for block in (LISTS / "friendly.txt").read_text("utf-8").strip().split("\n\n"):
        sql, *answer = block.split("\n→")
        found.append(Friendly(sql, "".join(map(_row, answer))))
    return found


def _row(written: str) -> str:
    # No line of the list ends with a space, so that of a last empty column the bar is left.
    spaced = f"{written} " if written.endswith(" |") else written
    return spaced.removeprefix(" ").replace(" | ", "\t") + "\n"


@contextmanager
def asked(folder: Path) -> Iterator[tuple[Kept, Analysts]]:
    """Open a store with six views of two visitors on two days, and what answers analysts."""
    policy = make_policy()
    kept = Kept(folder, policy)
    kept.apply()
    # Of somebody else, in the same database: the guard's to refuse, for the engine finds it.
    kept.value("CREATE TABLE cells ENGINE = Memory AS SELECT 1 AS hits, 'secret' AS k1")
    line = Line(policy)
    first = int(datetime(2026, 3, 2, 11, 0, tzinfo=UTC).timestamp())
    kept.count(
        line.view("ada", first, "/a"),
        line.view("ada", first + 60, "/b"),
        line.view("ada", first + 90, "/a"),
        line.view("ben", first + 7200, "/a", source="Google"),
        line.view("ben", first + 7300, "/c", source="Google"),
        line.view("ada", first + 2 * 86_400, "/b"),
    )
    views = [statistic.name for statistic in policy.statistics]
    engine = EmbeddedEngine(folder / "clickhouse")
    try:
        yield kept, Analysts(engine, views, AuditLog(folder / "audit"))
    finally:
        kept.close()


def question(sql: str, output_format: str = "TSV", **more: str) -> Question:
    """Return an analyst's question with all of the lists' parameters."""
    return Question(
        sql=sql, output_format=output_format, parameters=PARAMETERS, user="ana", settings=more
    )
