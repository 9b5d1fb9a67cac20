"""A spool and an embedded store under one policy, for tests of what is kept.

One process holds one open engine at a time: close before the next is opened.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from anonymizer.policy import Policy
from collector.counted import CountedHit, encode_row
from collector.plan import make_plan
from collector.reader import Reader
from collector.schema.into_cells import meaning_of
from collector.schema.tables import DATABASE
from collector.spool import Spool, drain
from collector.store import Store


class Kept:
    """What a collector keeps on disk. Opening it again sends what waits, as a start does."""

    def __init__(self, folder: Path, policy: Policy) -> None:
        self.folder = folder
        self.policy = policy
        self.spool = Spool(folder / "spool.sqlite")
        self.store = Store.embedded(folder / "clickhouse")
        self.reader = Reader.embedded(folder / "clickhouse")

    def apply(self) -> None:
        """Make the tables and views what the policy asks for."""
        plan = make_plan(self.policy)
        self.store.apply(self.policy, plan)
        self.spool.count_under(meaning_of(self.policy, plan))

    def append(self, *views: Sequence[CountedHit]) -> None:
        """Put the rows of views into the spool, as one group."""
        self.spool.append(encoded(*views))

    def count(self, *views: Sequence[CountedHit]) -> None:
        """Put the rows of views into the spool and send them on."""
        self.append(*views)
        drain(self.spool, self.store)

    def table(self, sql: str) -> str:
        """Return a query's answer as an aligned table with a line of names.

        Asked by the store's own connection, which sees what is behind the views too.
        """
        answer = self.store._client.raw_query(sql, fmt="TSVWithNames").decode()
        return aligned([line.split("\t") for line in answer.splitlines()])

    def value(self, sql: str) -> str:
        """Return a query's one value as text."""
        return self.store._client.raw_query(sql, fmt="TSV").decode().removesuffix("\n")

    def clear(self) -> None:
        """Leave no cell."""
        self.store._client.command(f"TRUNCATE TABLE {DATABASE}.cells")

    def close(self) -> None:
        """Close every connection; the engine ends with them."""
        self.reader.close()
        self.store.close()
        self.spool.close()


def encoded(*views: Sequence[CountedHit]) -> list[bytes]:
    """Return the rows of views as the spool takes them."""
    return [encode_row(row) for view in views for row in view]


@contextmanager
def opened(folder: Path, policy: Policy) -> Iterator[Kept]:
    """Open a folder as a start of the collector does: send what waits, then apply the policy."""
    kept = Kept(folder, policy)
    try:
        if not kept.store.is_new():
            drain(kept.spool, kept.store)
        kept.apply()
        yield kept
    finally:
        kept.close()


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Write rows with columns as wide as their longest word."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def parts(folder: Path) -> list[Path]:
    """Return the directories of the store's parts, oldest partition first."""
    return sorted((folder / "clickhouse" / "store").glob("*/*/*_*_*_*"))
