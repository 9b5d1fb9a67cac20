"""`discreet query`: ask the guarded views, whether the server runs or not."""

import argparse
import sys

from clickhouse_connect.driver.exceptions import ClickHouseError

from collector.commands import CommandFailed
from collector.data_dir import DataDir, DataDirInUse
from collector.query_socket import NoServer, Refused, ask
from collector.read_guard import OutsideTheViews
from collector.spool import Spool, SpoolFailed, drain
from collector.store import Reader, Store, StoreFailed


def run(options: argparse.Namespace) -> None:
    """Print the answer to one query.

    Raises:
        CommandFailed: there is no data, or the query was refused.
    """
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    data = DataDir(options.data)
    try:
        answer = ask(data.query_socket, "query", {"sql": options.sql, "format": options.format})
    except Refused as refused:
        raise CommandFailed(str(refused)) from None
    except NoServer:
        answer = _ask_directory(data, options.sql, options.format)
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def _ask_directory(data: DataDir, sql: str, output_format: str) -> bytes:
    try:
        data.lock()
        store = Store.embedded(data.store)
        if not store.is_new():
            drain(Spool(data.spool), store)
        return Reader.embedded(data.store).raw_query(sql, output_format)
    except (ClickHouseError, OutsideTheViews) as error:
        raise CommandFailed(str(error)) from None
    except (DataDirInUse, SpoolFailed, StoreFailed) as error:
        raise CommandFailed(str(error)) from None
