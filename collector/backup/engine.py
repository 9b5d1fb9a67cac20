"""ClickHouse's own BACKUP and RESTORE, where the operator has configured a place for them."""

import re

from clickhouse_connect.driver.client import Client

from collector.backup.dump import SNAPSHOT
from collector.schema.tables import DATABASE
from collector.store import failures

# A disk of the server's own configuration, or a file below its allowed path. S3 and the like
# would put a secret into a command line.
_PLACE = re.compile(
    r"Disk\('[A-Za-z0-9_-]{1,60}', ?'[A-Za-z0-9._/-]{1,200}'\)|File\('[A-Za-z0-9._/-]{1,200}'\)"
)


class BadPlace(Exception):
    """A place for the engine's backup can't be read."""


def read_place(text: str) -> str:
    """Return a place for `BACKUP … TO` as it stands in the statement.

    Raises:
        BadPlace: it is neither a disk nor a file.
    """
    if not _PLACE.fullmatch(text) or ".." in text:
        raise BadPlace("--engine-backup: must be Disk('NAME','PATH') or File('PATH')")
    return text


def back_up_by_engine(client: Client, place: str) -> None:
    """Let ClickHouse put the snapshot of the cells at `place`.

    Raises:
        BadPlace: the place can't be read.
        StoreFailed: ClickHouse refused; it may have no such place configured (error 318).
    """
    with failures("ClickHouse's own backup could not be made"):
        client.command(
            f"BACKUP TABLE {DATABASE}.{SNAPSHOT} AS {DATABASE}.cells TO {read_place(place)}"
        )


def restore_by_engine(client: Client, place: str, table: str) -> None:
    """Let ClickHouse make `table` of the cells that it put at `place`.

    Raises:
        BadPlace: the place can't be read.
        StoreFailed: ClickHouse refused.
    """
    with failures("ClickHouse's own backup could not be restored"):
        client.command(
            f"RESTORE TABLE {DATABASE}.cells AS {DATABASE}.{table} FROM {read_place(place)}"
        )
